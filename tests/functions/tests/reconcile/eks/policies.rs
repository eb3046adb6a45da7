//! Policies, and how events carry them out.

use fargaze::reconcile::ChangeState;

use super::*;

const LOGS: &str = "policies: [{control-plane-logs: [api, audit], metrics-server: leave}]";

/// Delivers the event of a new cluster under this configuration.
async fn received(cluster: EksClusterSpec, config: &str) -> Stack {
    let stack = stack([cluster]);
    stack.put_config(config);
    deliver_well(&stack, &[created("payments", now())]).await;
    stack
}

#[tokio::test(start_paused = true)]
async fn types_of_logs_are_only_added_and_followed_until_eks_is_done() {
    let stack = received(payments().log("scheduler"), LOGS).await;
    assert_eq!(logs(&stack, "payments"), ["scheduler"]);
    let (message, _) = follow(&stack);
    let id = message["updates"][0]["id"].as_str().unwrap().to_owned();
    edit(&stack, "payments", |cluster| assert!(cluster.updates.contains_key(&id), "{id}"));

    deliver_well(&stack, &[message]).await;
    let (message, _) = follow(&stack);
    assert_eq!(changes(&stack), [entry("payments/control-plane-logs", "planned")]);
    finish(&stack, "payments");
    deliver_well(&stack, &[message]).await;
    assert_eq!(logs(&stack, "payments"), ["api", "audit", "scheduler"]);
    assert_eq!(changes(&stack), [entry("payments/control-plane-logs", "done")]);
    assert_eq!((stack.aws.meter().count(UPDATE), stack.aws.take_sent()), (1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn an_update_by_others_is_waited_for_and_then_the_own_one_is_made() {
    let stack = stack([payments()]);
    stack.put_config(LOGS);
    let theirs = fake_aws::UpdateSpec {
        status: "InProgress".to_owned(),
        logs: ["authenticator".to_owned()].into(),
        errors: Vec::new(),
    };
    edit(&stack, "payments", |cluster| cluster.updates.insert("theirs".to_owned(), theirs));
    deliver_well(&stack, &[created("payments", now())]).await;
    let (message, _) = follow(&stack);
    assert_eq!((stack.aws.meter().count(UPDATE), message.get("updates")), (1, None));
    finish(&stack, "payments");
    deliver_well(&stack, &[message]).await;
    let (message, _) = follow(&stack);
    finish(&stack, "payments");
    deliver_well(&stack, &[message]).await;
    assert_eq!(logs(&stack, "payments"), ["api", "audit", "authenticator"]);
    assert_eq!(changes(&stack), [entry("payments/control-plane-logs", "done")]);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_eks_fails_is_written_down_with_its_reason() {
    let stack = received(payments(), LOGS).await;
    let (message, _) = follow(&stack);
    edit(&stack, "payments", |cluster| {
        for update in cluster.updates.values_mut() {
            "Failed".clone_into(&mut update.status);
            update.errors = vec![("SubnetNotFound".to_owned(), "no free addresses".to_owned())];
        }
    });
    deliver_well(&stack, &[message]).await;
    let log = change_log(&stack);
    let why = Some("SubnetNotFound: no free addresses");
    let failed = log.iter().find(|change| change.failure.as_deref() == why);
    assert_eq!(failed.unwrap().state, ChangeState::Abandoned);
    // Again, with another token; a second failure would be the last.
    assert_eq!(stack.aws.meter().count(UPDATE), 2);
}

#[tokio::test(start_paused = true)]
async fn observability_is_installed_where_there_are_nodes_only() {
    const OBSERVABILITY: &str = "amazon-cloudwatch-observability";
    let config = "policies: [{cloudwatch-observability: install}]";
    let stack = received(payments(), config).await;
    assert_eq!(addons(&stack, "payments"), [METRICS_SERVER]);
    let stack = received(payments().node_group("workers"), config).await;
    assert_eq!(addons(&stack, "payments"), [OBSERVABILITY, METRICS_SERVER]);
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_left_makes_no_change() {
    let degraded = |status: &str| {
        let mut cluster = payments().addon(METRICS_SERVER, "v0.7.0-eksbuild.1");
        status.clone_into(&mut cluster.addons.get_mut(METRICS_SERVER).unwrap().status);
        cluster
    };
    for (cluster, config) in [
        (payments().tag("fargaze", "hands-off"), "{}"),
        (payments(), "policies: [{metrics-server: leave}]"),
        (payments(), "policies: [{match: {clusters: [pay*]}, hands-off: true}]"),
        (payments(), "policies: [{match: {platforms: [eks]}, hands-off: true}]"),
        (payments(), "limits: {dry-run: true}\npolicies: [{control-plane-logs: [api]}]"),
        (payments(), "targets: [{account: \"123456789012\", regions: [eu-west-1], platforms: [ecs]}]"),
        (degraded("ACTIVE"), "{}"),
        (degraded("DEGRADED"), "{}"),
        (EksClusterSpec::new("payments").since("ACTIVE", now()), "{}"),
        (payments().since("DELETING", now()), "{}"),
    ] {
        let case = format!("{cluster:?} {config}");
        let stack = received(cluster, config).await;
        assert!(stack.writes().iter().all(|call| call == "dynamodb:PutItem"), "{case}: {:?}", stack.writes());
        assert_eq!((changes(&stack), stack.aws.take_sent()), (vec![], vec![]), "{case}");
    }
}

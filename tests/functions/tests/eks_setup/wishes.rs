//! What is wished, and how far it is carried out by events.

use super::*;

const LOGS: &str = "eks: {wishes: [{control-plane-logs: [api, audit], metrics-server: leave}]}";

/// Delivers the event of a new cluster under this configuration.
async fn heard(cluster: EksClusterSpec, config: &str) -> Stack {
    let stack = stack([cluster]);
    stack.put_config(config);
    deliver_well(&stack, &[created("payments", now())]).await;
    stack
}

#[tokio::test(start_paused = true)]
async fn types_of_logs_are_only_added_and_followed_until_eks_is_done() {
    let stack = heard(payments().log("scheduler"), LOGS).await;
    assert_eq!(logs(&stack, "payments"), ["scheduler"]);
    let (message, _) = follow(&stack);
    let id = message["updates"][0]["id"].as_str().unwrap().to_owned();
    edit(&stack, "payments", |cluster| assert!(cluster.updates.contains_key(&id), "{id}"));

    deliver_well(&stack, &[message]).await;
    let (message, _) = follow(&stack);
    assert_eq!(ledger(&stack), [entry("payments/control-plane-logs", "planned")]);
    finish(&stack, "payments");
    deliver_well(&stack, &[message]).await;
    assert_eq!(logs(&stack, "payments"), ["api", "audit", "scheduler"]);
    assert_eq!(ledger(&stack), [entry("payments/control-plane-logs", "done")]);
    assert_eq!((stack.aws.meter().count(UPDATE), stack.aws.take_sent()), (1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn an_update_of_somebody_else_is_waited_for_and_then_ours_is_made() {
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
    assert_eq!((stack.aws.meter().count(UPDATE), &message["updates"]), (1, &json!([])));
    finish(&stack, "payments");
    deliver_well(&stack, &[message]).await;
    let (message, _) = follow(&stack);
    finish(&stack, "payments");
    deliver_well(&stack, &[message]).await;
    assert_eq!(logs(&stack, "payments"), ["api", "audit", "authenticator"]);
    assert_eq!(ledger(&stack), [entry("payments/control-plane-logs", "done")]);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_eks_fails_is_written_down_with_its_reason() {
    let stack = heard(payments(), LOGS).await;
    let (message, _) = follow(&stack);
    edit(&stack, "payments", |cluster| {
        for update in cluster.updates.values_mut() {
            "Failed".clone_into(&mut update.status);
            update.errors = vec![("SubnetNotFound".to_owned(), "no free addresses".to_owned())];
        }
    });
    deliver_well(&stack, &[message]).await;
    let items = stack.aws.items(Stack::TABLE);
    let failed = items.iter().find(|item| item["failure"]["S"] == "SubnetNotFound: no free addresses");
    assert_eq!(failed.unwrap()["state"]["S"], "abandoned");
    // Once more, under another token; a second failure would be the last.
    assert_eq!(stack.aws.meter().count(UPDATE), 2);
}

#[tokio::test(start_paused = true)]
async fn observability_is_installed_where_there_are_nodes_only() {
    const OBSERVABILITY: &str = "amazon-cloudwatch-observability";
    let config = "eks: {wishes: [{cloudwatch-observability: install}]}";
    let stack = heard(payments(), config).await;
    assert_eq!(addons(&stack, "payments"), [METRICS_SERVER]);
    let stack = heard(payments().node_group("workers"), config).await;
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
        (payments(), "eks: {wishes: [{metrics-server: leave}]}"),
        (payments(), "eks: {dry-run: true, wishes: [{control-plane-logs: [api]}]}"),
        (payments(), "targets: [{account: \"123456789012\", regions: [eu-west-1], platforms: [ecs]}]"),
        (degraded("ACTIVE"), "{}"),
        (degraded("DEGRADED"), "{}"),
        (EksClusterSpec::new("payments").since("ACTIVE", now()), "{}"),
        (payments().since("DELETING", now()), "{}"),
    ] {
        let case = format!("{cluster:?} {config}");
        let stack = heard(cluster, config).await;
        assert!(stack.writes().iter().all(|call| call == "dynamodb:PutItem"), "{case}: {:?}", stack.writes());
        assert_eq!((ledger(&stack), stack.aws.take_sent()), (vec![], vec![]), "{case}");
    }
}

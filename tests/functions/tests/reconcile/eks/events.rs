//! From the event of a new cluster, through the queue, to a cluster that is set up.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_new_cluster_gets_metrics_server_which_is_followed_until_it_is_there() {
    let stack = stack([payments()]);
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!(addons(&stack, "payments"), [METRICS_SERVER]);
    assert_eq!(changes(&stack), [entry("payments/metrics-server", "planned")]);
    let (message, delay) = follow(&stack);
    assert_eq!((&message["cluster"], delay), (&json!("payments"), 60));
    assert_eq!(message["updates"], json!([{"aspect": "metrics-server", "id": null}]));

    // EKS is still working on it.
    deliver_well(&stack, &[message]).await;
    let (message, _) = follow(&stack);
    finish(&stack, "payments");
    deliver_well(&stack, &[message]).await;
    assert_eq!(changes(&stack), [entry("payments/metrics-server", "done")]);
    assert_eq!(stack.aws.take_sent(), []);

    // A second delivery of the event.
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!((stack.aws.meter().count(CREATE), changes(&stack).len()), (1, 1));
    assert_eq!(stack.aws.take_sent(), []);
}

#[tokio::test(start_paused = true)]
async fn a_report_is_made_of_clusters_that_were_set_up() {
    let stack = stack([payments()]);
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!(changes(&stack), [entry("payments/metrics-server", "planned")]);
    let line = Box::pin(stack.run_line("report", minute(60))).await;
    assert_eq!(line.receipt.unwrap()["published"], true);
}

#[tokio::test(start_paused = true)]
async fn the_name_is_found_in_both_spellings() {
    let stack = stack([cluster("shop")]);
    for file in ["enable-insights.eks-create-cluster.ok", "enable-insights.eks-create-cluster-by-name.ok"] {
        let answer = stack.invoke(Function::EnableInsights, sqs_batch(&[event_file(file).to_string()])).await;
        assert_eq!(answer.unwrap(), json!({"batchItemFailures": []}), "{file}");
        assert_eq!(addons(&stack, "shop"), [METRICS_SERVER], "{file}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_being_created_is_followed_until_it_is_active() {
    let creating = payments().since("CREATING", minutes_ago(1));
    let stack = stack([creating]);
    deliver_well(&stack, &[created("payments", minutes_ago(1))]).await;
    let (message, delay) = follow(&stack);
    assert_eq!((message.get("updates"), delay), (None, 60));
    assert_eq!(message["cause"], "created-payments");
    deliver_well(&stack, &[message]).await;
    let (message, _) = follow(&stack);
    assert_eq!(stack.aws.meter().count(CREATE), 0);

    edit(&stack, "payments", |cluster| "ACTIVE".clone_into(&mut cluster.status));
    deliver_well(&stack, &[message]).await;
    assert_eq!(addons(&stack, "payments"), [METRICS_SERVER]);
    assert_eq!(changes(&stack), [entry("payments/metrics-server", "planned")]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_followed_for_an_hour_and_then_left_to_the_sweep() {
    for (minutes, delay) in [(9, Some(60)), (11, Some(120)), (59, Some(120)), (61, None)] {
        let stack = stack([payments().since("CREATING", minutes_ago(minutes))]);
        deliver_well(&stack, &[created("payments", minutes_ago(minutes))]).await;
        let sent = stack.aws.take_sent();
        assert_eq!(sent.first().map(|sent| sent.delay_seconds), delay, "{minutes}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_late_event_brings_is_not_as_old_as_the_event() {
    let stack = stack([payments().since("ACTIVE", minutes_ago(120))]);
    deliver_well(&stack, &[created("payments", minutes_ago(120))]).await;
    assert_eq!(changes(&stack), [entry("payments/metrics-server", "planned")]);
    let found = ran_at(&stack, "sweep", now() + SignedDuration::from_mins(1)).await;
    assert_eq!(found["findings"][0]["result"], "in-progress", "{found}");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_deleted_meanwhile_is_no_error() {
    let stack = stack([payments().since("CREATING", now())]);
    deliver_well(&stack, &[created("payments", now())]).await;
    let (message, _) = follow(&stack);
    stack.aws.edit(|world| world.home().remove_eks("payments"));
    deliver_well(&stack, &[message]).await;
    assert_eq!(stack.aws.take_sent(), []);
    assert_eq!(changes(&stack), []);
}

#[tokio::test(start_paused = true)]
async fn an_ecs_cluster_of_the_same_name_has_its_own_past() {
    let stack = stack([payments()]);
    stack.aws.edit(|world| world.home().put_cluster(fake_aws::ClusterSpec::new("payments")));
    deliver_well(&stack, &[created("payments", now())]).await;
    let keys = stack.aws.items(Stack::TABLE).into_iter().map(|item| item["pk"]["S"].clone());
    let keys: Vec<Value> = keys.collect();
    assert!(
        keys.iter().all(|key| key.as_str().unwrap().ends_with("#123456789012#eu-west-1#EKS")),
        "{keys:?}"
    );
    assert_eq!(stack.aws.edit(|world| world.home().insights("payments").unwrap().to_owned()), "disabled");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_of_another_region_or_account_is_set_up_there() {
    const OTHER: &str = "210987654321";
    const ROLE: &str = "arn:aws:iam::210987654321:role/fargaze-reader";
    let builder = FakeAws::builder(estate())
        .estate(fake_aws::Estate::new(function_tests::ACCOUNT, "us-east-1").eks(payments()))
        .estate(fake_aws::Estate::new(OTHER, "eu-west-1").eks(payments()));
    let stack = Stack::in_process(builder);
    stack.aws.edit(|world| world.role(ROLE, Some("fargaze-42")));
    let event = |from: &str, to: &str| {
        let text = created("payments", now()).to_string().replace(from, to);
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let there = |account: &str, region: &str| {
        stack.aws.edit(|world| {
            let cluster = world.estate(account, region).eks_cluster("payments").unwrap();
            cluster.addons.keys().cloned().collect::<Vec<_>>()
        })
    };
    deliver_well(&stack, &[event("eu-west-1", "us-east-1")]).await;
    assert_eq!(there(function_tests::ACCOUNT, "us-east-1"), [METRICS_SERVER]);
    assert_eq!(follow(&stack).0["region"], "us-east-1");

    // For an account that is no target nothing is done, and the message is not lost.
    let other = event("123456789012", OTHER);
    let answer = deliver(&stack, std::slice::from_ref(&other)).await;
    assert_eq!(function_tests::sent_back(&answer), ["message-0"]);
    stack.put_config(&format!(
        "targets: [{{account: \"{OTHER}\", regions: [eu-west-1], roles: {{read: \"{ROLE}\"}}, external-id: fargaze-42}}]"
    ));
    deliver_well(&stack, &[other]).await;
    assert_eq!(there(OTHER, "eu-west-1"), [METRICS_SERVER]);
}

//! `enable-insights`: new clusters by event, and all clusters by sweep.

use fake_aws::{ClusterSpec, Estate, FakeAws, Fault};
use function_tests::{ATTEMPTS, Function, Stack, estate, event_file, sent_back, sqs_batch, sqs_batch_of};
use serde_json::{Value, json};

use crate::reconcile::change_log;
use crate::reconcile::ecs::{CREATED, UPDATE, change, changes, level, swept, with};

const ECS_CHANGES: [&str; 2] = [UPDATE, "ecs:PutAccountSettingDefault"];

async fn receive(stack: &Stack, batch: Value) -> Value {
    stack.invoke(Function::EnableInsights, batch).await.unwrap()
}

/// Nothing was changed in ECS, and the change log is empty: the only possible write is the record
/// of an event.
fn assert_untouched(stack: &Stack, case: &dyn std::fmt::Debug) {
    let writes = stack.writes();
    assert!(writes.iter().all(|call| !ECS_CHANGES.contains(&call.as_str())), "{case:?}: {writes:?}");
    assert!(writes.iter().all(|call| call == "dynamodb:PutItem"), "{case:?}: {writes:?}");
    let items = stack.aws.items(Stack::TABLE);
    let is_life = |item: &Value| item["pk"]["S"].as_str().unwrap().starts_with("LIVES#");
    assert!(items.iter().all(is_life), "{case:?}: {items:?}");
}

#[tokio::test]
async fn a_new_cluster_is_raised_read_back_and_written_into_the_change_log() {
    let stack = Stack::start(with(&[("shop", "disabled"), ("other", "disabled")])).await;
    let answer = receive(&stack, sqs_batch_of(&[CREATED])).await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(
        (level(&stack, "shop"), level(&stack, "other")),
        ("enabled".to_owned(), "disabled".to_owned())
    );
    assert_eq!(changes(&stack), [change("shop", "disabled", "enabled", "done")]);
    let calls: Vec<String> = stack.aws.meter().calls.into_iter().map(|call| call.operation).collect();
    assert_eq!(
        calls,
        [
            // The file, the cluster's reported events, the cluster, its changes, and the last
            // sweep's record.
            "s3:GetObject",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "ecs:DescribeClusters",
            "dynamodb:Query",
            "s3:GetObject",
            // Recorded, changed, read back, recorded.
            "dynamodb:PutItem",
            UPDATE,
            "ecs:DescribeClusters",
            "dynamodb:PutItem",
        ]
    );
}

#[tokio::test]
async fn the_desired_level_may_be_enhanced() {
    let stack = Stack::start(with(&[("shop", "enabled")])).await;
    stack.put_config("policies: [{container-insights: at-least-enhanced}]");
    receive(&stack, sqs_batch_of(&[CREATED])).await;
    assert_eq!(level(&stack, "shop"), "enhanced");
    assert_eq!(changes(&stack), [change("shop", "enabled", "enhanced", "done")]);
}

#[tokio::test]
async fn an_event_that_comes_twice_changes_once() {
    let stack = Stack::start(with(&[("shop", "disabled")])).await;
    receive(&stack, sqs_batch_of(&[CREATED, CREATED])).await;
    receive(&stack, sqs_batch_of(&[CREATED])).await;
    assert_eq!(stack.aws.meter().count(UPDATE), 1);
    assert_eq!(change_log(&stack).len(), 1);
}

#[tokio::test]
async fn t4_a_cluster_that_complies_already_is_not_changed() {
    // Without `include = SETTINGS` it would seem to be off.
    let stack = Stack::start(with(&[("shop", "enabled")])).await;
    receive(&stack, sqs_batch_of(&[CREATED])).await;
    assert_untouched(&stack, &"compliant");
}

#[tokio::test]
async fn t5_enhanced_stays_enhanced_by_event_and_by_sweep() {
    let stack = Stack::start(with(&[("shop", "enhanced")])).await;
    stack.put_config("limits: {existing: change}");
    let created = [CREATED, "enable-insights.create-cluster-enhanced.ok"];
    assert_eq!(sent_back(&receive(&stack, sqs_batch_of(&created)).await), [""; 0]);
    assert_eq!(swept(&stack, 0).await, [("shop".to_owned(), json!("compliant"))].into());
    assert_eq!(level(&stack, "shop"), "enhanced");
    assert_eq!(stack.aws.meter().count(UPDATE), 0);
}

#[tokio::test]
async fn t10_a_failed_call_makes_no_call_of_ours() {
    let stack = Stack::start(with(&[("shop", "disabled")])).await;
    let answer = receive(&stack, sqs_batch_of(&["enable-insights.create-cluster-failed.ignored"])).await;
    assert_eq!(sent_back(&answer), [""; 0]);
    assert_eq!((stack.aws.meter().count_all(), level(&stack, "shop").as_str()), (0, "disabled"));
}

#[tokio::test]
async fn t11_create_cluster_of_redshift_and_msk_makes_no_call() {
    // An ECS cluster of the same name could be changed by mistake.
    let stack = Stack::start(with(&[("shop", "disabled")])).await;
    let others = ["redshift", "kafka"]
        .map(|service| event_file(&format!("enable-insights.create-cluster-{service}.ignored")).to_string());
    assert_eq!(sent_back(&receive(&stack, sqs_batch(&others)).await), [""; 0]);
    assert_eq!((stack.aws.meter().count_all(), level(&stack, "shop").as_str()), (0, "disabled"));
}

#[tokio::test]
async fn a_setting_that_a_user_chose_is_left() {
    let stack = Stack::start(with(&[("shop", "disabled")])).await;
    let answer = receive(&stack, sqs_batch_of(&["enable-insights.update-cluster-settings.ok"])).await;
    assert_eq!(sent_back(&answer), [""; 0]);
    assert_eq!(stack.writes(), ["dynamodb:PutItem"], "only that the cluster was there");
}

#[tokio::test]
async fn excluded_tagged_and_deleted_clusters_are_left_alone() {
    let batch = json!("arn:aws:ecs:eu-west-1:123456789012:cluster/AWSBatch-nightly");
    let mut event = event_file(CREATED);
    event["detail"]["responseElements"]["cluster"]["clusterArn"] = batch;
    let stack = Stack::start(with(&[("AWSBatch-nightly", "disabled")])).await;
    assert_eq!(sent_back(&receive(&stack, sqs_batch(&[event.to_string()])).await), [""; 0]);
    assert_untouched(&stack, &"AWSBatch");

    for cluster in [
        ClusterSpec::new("shop").tag("fargaze", "hands-off"),
        ClusterSpec::new("shop").status("INACTIVE"),
        ClusterSpec::new("another, so that shop is not there"),
    ] {
        let stack = Stack::start(estate().cluster(cluster.clone())).await;
        assert_eq!(sent_back(&receive(&stack, sqs_batch_of(&[CREATED])).await), [""; 0], "{cluster:?}");
        assert_untouched(&stack, &cluster);
    }
}

#[tokio::test]
async fn an_unreadable_message_of_a_batch_returns_alone_and_the_good_one_is_processed() {
    let stack = Stack::start(with(&[("shop", "disabled")])).await;
    let bodies = ["{ no JSON".to_owned(), event_file(CREATED).to_string(), String::new()];
    let answer = receive(&stack, sqs_batch(&bodies)).await;
    assert_eq!(sent_back(&answer), ["message-0", "message-2"]);
    assert_eq!(level(&stack, "shop"), "enabled");
}

#[tokio::test]
async fn an_event_of_another_region_is_acted_on_there() {
    let text = event_file(CREATED).to_string().replace("eu-west-1", "us-east-1");
    let mut there = Estate::new(function_tests::ACCOUNT, "us-east-1");
    there.put_cluster(ClusterSpec::new("shop"));
    let builder = FakeAws::builder(with(&[("shop", "disabled")])).estate(there);
    let stack = Stack::of(builder).await;
    assert_eq!(sent_back(&receive(&stack, sqs_batch(&[text])).await), [""; 0]);
    let over_there = stack.aws.edit(|world| {
        world.estate(function_tests::ACCOUNT, "us-east-1").insights("shop").unwrap().to_owned()
    });
    assert_eq!((over_there.as_str(), level(&stack, "shop").as_str()), ("enabled", "disabled"));
}

#[tokio::test]
async fn an_event_of_another_account_is_not_acted_on_and_not_lost() {
    let stack = Stack::start(with(&[("shop", "disabled")])).await;
    let text = event_file(CREATED).to_string().replace("123456789012", "999999999999");
    assert_eq!(sent_back(&receive(&stack, sqs_batch(&[text])).await), ["message-0"]);
    assert_eq!(stack.writes(), [""; 0]);
}

#[tokio::test]
async fn a_throttled_change_is_retried_and_one_that_stays_refused_returns_to_the_queue() {
    let stack = Stack::start(with(&[("shop", "disabled")])).await;
    stack.aws.add_fault(Fault::on(UPDATE).times(2).throttle());
    assert_eq!(sent_back(&receive(&stack, sqs_batch_of(&[CREATED])).await), [""; 0]);
    assert_eq!(level(&stack, "shop"), "enabled");

    let stack = Stack::start(with(&[("shop", "disabled")])).await;
    stack.aws.add_fault(Fault::on(UPDATE).times(ATTEMPTS).throttle());
    assert_eq!(sent_back(&receive(&stack, sqs_batch_of(&[CREATED])).await), ["message-0"]);
    assert_eq!(changes(&stack), [change("shop", "disabled", "enabled", "planned")]);
    // The queue delivers it again.
    assert_eq!(sent_back(&receive(&stack, sqs_batch_of(&[CREATED])).await), [""; 0]);
    assert_eq!(changes(&stack), [change("shop", "disabled", "enabled", "done")]);
}

#[tokio::test]
async fn a_change_whose_entry_in_the_change_log_failed_is_not_made_before_the_next_delivery_writes_it() {
    let stack = Stack::start(with(&[("shop", "disabled")])).await;
    // The first write records the event.
    let down = Fault::on("dynamodb:PutItem").nth(2).times(ATTEMPTS).error(500, "InternalServerError", "down");
    stack.aws.add_fault(down);
    assert_eq!(sent_back(&receive(&stack, sqs_batch_of(&[CREATED])).await), ["message-0"]);
    assert_eq!((stack.aws.meter().count(UPDATE), change_log(&stack).len()), (0, 0));
    assert_eq!(sent_back(&receive(&stack, sqs_batch_of(&[CREATED])).await), [""; 0]);
    assert_eq!(changes(&stack), [change("shop", "disabled", "enabled", "done")]);
}

#[tokio::test]
async fn a_change_whose_end_could_not_be_written_down_is_completed_by_the_next_delivery() {
    let stack = Stack::start(with(&[("shop", "disabled")])).await;
    let down = Fault::on("dynamodb:PutItem").nth(3).times(ATTEMPTS).error(500, "InternalServerError", "down");
    stack.aws.add_fault(down);
    assert_eq!(sent_back(&receive(&stack, sqs_batch_of(&[CREATED])).await), ["message-0"]);
    assert_eq!(changes(&stack), [change("shop", "disabled", "enabled", "planned")]);
    assert_eq!(sent_back(&receive(&stack, sqs_batch_of(&[CREATED])).await), [""; 0]);
    assert_eq!(level(&stack, "shop"), "enabled");
    assert_eq!(changes(&stack), [change("shop", "disabled", "enabled", "done")]);
    assert_eq!(stack.aws.meter().count(UPDATE), 1);
}

#[tokio::test]
async fn a_sweep_reports_existing_clusters_and_changes_them_only_if_configured() {
    let clusters = [("off", "disabled"), ("on", "enabled"), ("AWSBatch-x", "disabled")];
    let stack = Stack::start(with(&clusters)).await;
    let found = swept(&stack, 0).await;
    assert_eq!(found["off"], "reported");
    assert_eq!(found["AWSBatch-x"], "left");
    assert_eq!(found["on"], "compliant");
    assert_eq!(stack.aws.meter().count(UPDATE), 0);

    stack.put_config("limits: {existing: change}");
    let found = swept(&stack, 60).await;
    assert_eq!(found["off"], json!({"set": "enabled"}));
    assert_eq!(level(&stack, "AWSBatch-x"), "disabled");
    assert_eq!(changes(&stack), [change("off", "disabled", "enabled", "done")]);
}

#[tokio::test]
async fn a_sweep_repairs_a_cluster_whose_event_was_lost() {
    let stack = Stack::start(with(&[("old", "disabled")])).await;
    swept(&stack, 0).await;
    stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("young")));
    let found = swept(&stack, 60).await;
    assert_eq!(found["young"], json!({"set": "enabled"}));
    assert_eq!((level(&stack, "old").as_str(), level(&stack, "young").as_str()), ("disabled", "enabled"));
}

#[tokio::test]
async fn a_sweep_of_an_empty_account_makes_the_clusters_to_come_new() {
    let stack = Stack::start(estate()).await;
    assert_eq!(swept(&stack, 0).await, [].into());
    stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("first")));
    assert_eq!(swept(&stack, 60).await, [("first".to_owned(), json!({"set": "enabled"}))].into());
}

#[tokio::test]
async fn a_cluster_that_was_deleted_and_came_back_between_sweeps_is_new() {
    let stack = Stack::start(with(&[("shop", "disabled")])).await;
    swept(&stack, 0).await;
    stack.aws.edit(|world| world.home().remove_cluster("shop"));
    swept(&stack, 60).await;
    stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("shop")));
    assert_eq!(swept(&stack, 120).await, [("shop".to_owned(), json!({"set": "enabled"}))].into());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_changes_twenty_clusters_and_leaves_the_rest_to_the_next() {
    let names: Vec<String> = (0..22).map(|number| format!("cluster-{number:02}")).collect();
    let clusters: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "disabled")).collect();
    let stack = Stack::in_process(FakeAws::builder(with(&clusters)));
    stack.put_config("limits: {existing: change, max-percent: 100}");
    let found = swept(&stack, 0).await;
    let set = |result: &Value| *result == json!({"set": "enabled"});
    let waiting = |result: &Value| *result == json!({"waiting": "enabled"});
    assert!(found.values().take(20).all(set), "{found:?}");
    assert!(found.values().skip(20).all(waiting), "{found:?}");
    assert_eq!(swept(&stack, 60).await.values().filter(|result| set(result)).count(), 2);
}

#[tokio::test]
async fn a_change_that_fails_is_reported_and_tried_again_by_the_next_sweep() {
    let stack = Stack::start(with(&[("off", "disabled"), ("too", "disabled")])).await;
    stack.put_config("limits: {existing: change, max-percent: 100}");
    stack.aws.add_fault(Fault::on(UPDATE).error(400, "AccessDeniedException", "no permission"));
    let found = swept(&stack, 0).await;
    assert!(found["off"]["failed"]["message"].as_str().unwrap().contains("no permission"), "{found:?}");
    assert_eq!(found["too"], json!({"set": "enabled"}), "the other is changed all the same");
    assert_eq!(swept(&stack, 60).await["off"], json!({"set": "enabled"}));
}

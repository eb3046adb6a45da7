//! Alarms are stored: notified once, again only when they change, and never lost.

use fake_aws::{Fault, ServiceSpec};
use function_tests::{ATTEMPTS, Function, Line, Stack, minute, shop};
use serde_json::{Value, json};

const PUT: &str = "dynamodb:PutItem";

async fn published(stack: &Stack, at: i64) -> bool {
    let Line { receipt, .. } = stack.run_line("alarms", minute(at)).await;
    receipt.unwrap()["published"].as_bool().unwrap()
}

fn alarm_items(stack: &Stack) -> Vec<Value> {
    let items = stack.aws.items(Stack::TABLE);
    items.into_iter().filter(|item| item["pk"]["S"].as_str().unwrap().starts_with("ALARMS#")).collect()
}

/// Every alarm as stored in the table.
fn memories(stack: &Stack) -> Vec<Value> {
    let json = |item: Value| serde_json::from_str(item["memory"]["S"].as_str().unwrap()).unwrap();
    alarm_items(stack).into_iter().map(json).collect()
}

#[tokio::test]
async fn a_second_run_over_the_same_alarm_sends_nothing_and_writes_nothing() {
    let stack = Stack::start(shop(|_| 93.1)).await;
    assert!(published(&stack, 0).await);
    for at in [5, 10] {
        stack.aws.reset_meter();
        assert!(!published(&stack, at).await, "after {at} minutes");
        assert_eq!(stack.aws.meter().count(PUT), 0, "after {at} minutes");
    }
    assert_eq!(stack.mails().len(), 1);
}

#[tokio::test]
async fn a_quiet_run_writes_nothing_to_the_table() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    assert!(!published(&stack, 0).await);
    let meter = stack.aws.meter();
    let writes = |operation: &str| operation.starts_with("dynamodb:") && operation != "dynamodb:Query";
    assert_eq!(meter.calls.iter().filter(|call| writes(&call.operation)).count(), 0);
    assert_eq!(alarm_items(&stack), [Value::Null; 0]);
}

#[tokio::test]
async fn a_recovery_is_notified_with_the_duration_of_the_alarm() {
    let stack = Stack::start(shop(|at| if (-30..3).contains(&at) { 93.1 } else { 50.0 })).await;
    assert!(published(&stack, 0).await);
    assert!(published(&stack, 10).await);
    let mail = stack.mail(1);
    assert!(mail.starts_with("OK shop/web: memory-high ended"), "{mail}");
    assert!(mail.contains("ENDED") && mail.contains("is back at memory 50"), "{mail}");
    assert!(!published(&stack, 15).await);
}

#[tokio::test]
async fn a_service_that_runs_again_is_notified() {
    let mut estate = shop(|_| 50.0);
    estate.put_service("shop", ServiceSpec::new("payments").desired(2).running(0));
    let stack = Stack::start(estate).await;
    assert!(published(&stack, 0).await);
    assert!(!published(&stack, 5).await, "still down is no news");
    stack.aws.edit(|world| world.home().service_mut("shop", "payments").unwrap().running = 2);
    assert!(published(&stack, 10).await);
    assert!(stack.mail(1).starts_with("OK shop/payments: nothing-running ended"), "{}", stack.mail(1));
}

#[tokio::test]
async fn an_alarm_whose_service_falls_silent_is_notified_as_no_data_and_not_as_fine() {
    let until_then = |at: i64| if at < -2 { 93.1 } else { f64::NAN };
    let stack = Stack::start(shop(until_then)).await;
    assert!(published(&stack, 0).await);
    stack.aws.edit(|world| {
        world.home().put_service("shop", ServiceSpec::new("web").desired(0).running(0));
        let cpu = |at: i64| if at < -2 { 20.0 } else { f64::NAN };
        function_tests::aws_ecs(world.home(), "shop", "web", "CPUUtilization", cpu);
    });
    assert!(!published(&stack, 15).await, "points may be late");
    assert!(published(&stack, 20).await);
    let mail = stack.mail(1);
    assert!(mail.starts_with("NO DATA from shop/web"), "{mail}");
    assert!(mail.contains("shop/web: no data for 20 minutes") && mail.contains("no running task"), "{mail}");
    for at in [25, 30, 60, 90] {
        assert!(!published(&stack, at).await, "once");
    }
}

#[tokio::test]
async fn the_alarm_of_a_deleted_service_ends() {
    let stack = Stack::start(shop(|_| 93.1)).await;
    assert!(published(&stack, 0).await);
    stack.aws.edit(|world| world.home().cluster_mut("shop").unwrap().services.remove("web"));
    // The inventory is listed again after an hour.
    assert!(published(&stack, 60).await);
    assert!(stack.mail(1).contains("shop/web"), "{}", stack.mail(1));
}

#[tokio::test]
async fn a_message_that_sns_rejects_is_sent_by_the_next_run() {
    let stack = Stack::start(shop(|_| 93.1)).await;
    stack.aws.add_fault(Fault::on("sns:Publish").times(ATTEMPTS).error(500, "InternalFailure", "down"));
    let failure = stack.run_line("alarms", minute(0)).await.receipt.unwrap_err();
    assert_eq!(failure.error_type(), "Transient");
    assert!(failure.to_string().contains("sns:Publish"), "{failure}");
    assert_eq!(stack.mails().len(), 0);
    assert!(published(&stack, 5).await);
    assert!(stack.mail(0).starts_with("ALARM shop/web"), "{}", stack.mail(0));
    assert!(!published(&stack, 10).await);
}

#[tokio::test]
async fn a_crash_between_publishing_and_marking_publishes_at_most_twice() {
    let stack = Stack::start(shop(|_| 93.1)).await;
    // The first write stores the alarm, the second takes the publish slot, the third marks it as
    // notified.
    stack.aws.add_fault(Fault::on(PUT).nth(3).times(ATTEMPTS).error(500, "InternalServerError", "down"));
    // The function does not fail: the state machine would start it again, and the message would be
    // sent twice at once.
    assert_eq!(stack.run_line("alarms", minute(0)).await.receipt.unwrap()["published"], true);
    assert_eq!(stack.mails().len(), 1);
    published(&stack, 5).await;
    published(&stack, 10).await;
    assert_eq!(stack.mails().len(), 2);
}

#[tokio::test]
async fn an_alarm_that_cannot_be_stored_fails_the_item_and_is_notified_by_the_next_run() {
    let stack = Stack::start(shop(|_| 93.1)).await;
    stack.aws.add_fault(Fault::on(PUT).times(ATTEMPTS).throttle());
    let line = stack.run_line("alarms", minute(0)).await;
    assert_eq!(line.items[0]["failure"]["Error"], "Throttled");
    published(&stack, 5).await;
    let notified =
        stack.mails().iter().filter(|mail| mail.subject.as_deref().unwrap().contains("shop/web")).count();
    assert_eq!(notified, 1);
}

/// An alarm that ends at once.
const WITHOUT_HOLD: &str = "rules: [{name: memory-high, what: memory-percent, threshold: 80 %, comparison: \
     GreaterThanThreshold, evaluation-periods: 5, datapoints-to-alarm: 3}]";

#[tokio::test]
async fn a_failed_run_followed_by_a_good_one_leaves_no_gap() {
    // Hot for only six minutes, all of them before the first run, which cannot query CloudWatch.
    let stack = Stack::start(shop(|at| if (-10..-4).contains(&at) { 93.1 } else { 50.0 })).await;
    stack.put_rules(WITHOUT_HOLD);
    let down =
        Fault::on("cloudwatch:GetMetricData").times(ATTEMPTS).error(500, "InternalServiceFault", "down");
    stack.aws.add_fault(down);
    assert!(!published(&stack, 0).await, "one run without CloudWatch is not yet worth a mail");
    assert!(stack.aws.faults_left().is_empty());
    assert!(published(&stack, 5).await);
    let mail = stack.mail(0);
    assert!(mail.starts_with("ALARM shop/web") && mail.contains("ENDED"), "{mail}");
    assert!(!published(&stack, 10).await);
    assert_eq!(stack.mails().len(), 1);
}

#[tokio::test]
async fn a_run_that_never_happened_leaves_no_gap_either() {
    let stack = Stack::start(shop(|at| if (-1..4).contains(&at) { 93.1 } else { 50.0 })).await;
    stack.put_rules(WITHOUT_HOLD);
    assert!(!published(&stack, 0).await);
    // The run after five minutes is missing.
    assert!(published(&stack, 15).await);
    assert!(stack.mail(0).contains("ENDED"), "{}", stack.mail(0));
}

#[tokio::test]
async fn a_late_run_does_not_revert_what_a_newer_one_evaluated() {
    let stack = Stack::start(shop(|at| if at >= 0 { 93.1 } else { 50.0 })).await;
    assert!(published(&stack, 10).await);
    let before = alarm_items(&stack);
    stack.play(function_tests::request("alarms", minute(0))).await.receipt.unwrap();
    assert_eq!((stack.mails().len(), alarm_items(&stack)), (1, before));
}

#[tokio::test]
async fn an_answer_that_could_not_be_had_neither_fires_nor_ends_an_alarm() {
    let stack = Stack::start(shop(|at| if at < 3 { 93.1 } else { 50.0 })).await;
    assert!(published(&stack, 0).await);
    let before = memories(&stack);
    let down =
        Fault::on("cloudwatch:GetMetricData").times(ATTEMPTS).error(500, "InternalServiceFault", "down");
    stack.aws.add_fault(down);
    assert!(!published(&stack, 10).await);
    // The only new value, for every rule that could not be evaluated, is the time since when.
    let mut after = memories(&stack);
    assert_eq!(
        after.len(),
        4 + 2,
        "the two rules on metrics, on two services, and the quotas: the others come from ECS"
    );
    for memory in &mut after {
        let blind = memory.as_object_mut().unwrap().remove("blind");
        assert_eq!(blind, Some(json!({"since": minute(8), "because": "could-not-ask", "notified": false})));
    }
    let alarms: Vec<Value> = after.into_iter().filter(|memory| memory["state"] != "OK").collect();
    assert_eq!(alarms, before);
}

#[tokio::test]
async fn a_write_with_a_lost_response_and_two_concurrent_evaluators_store_one_alarm() {
    let stack = Stack::start(shop(|_| 93.1)).await;
    let collected = stack.collect("alarms", minute(0)).await.unwrap();
    stack.aws.add_fault(Fault::on(PUT).lose_answer());
    let (one, other) = tokio::join!(
        stack.invoke(Function::EvaluateAlarms, collected.clone()),
        stack.invoke(Function::EvaluateAlarms, collected)
    );
    assert_eq!(one.unwrap(), other.unwrap());
    let items = alarm_items(&stack);
    assert_eq!(items.len(), 1);
    let pending: Value = serde_json::from_str(items[0]["pending"]["S"].as_str().unwrap()).unwrap();
    assert_eq!(pending.as_array().unwrap().len(), 1, "{pending}");
}

#[tokio::test]
async fn the_outcome_holds_coverage_changes_and_the_snapshots_key() {
    let stack = Stack::start(shop(|_| 93.1)).await;
    let collected = stack.collect("alarms", minute(0)).await.unwrap();
    let done = stack.invoke(Function::EvaluateAlarms, collected.clone()).await.unwrap();
    let key = "outcomes/alarms-20261122T100500Z/123456789012.eu-west-1.1-of-1.json";
    assert_eq!(done, json!({"outcome": {"key": key}, "began": 1}));
    let outcome = stack.json(key);
    assert_eq!(outcome["snapshot"], collected["snapshot"]["key"]);
    assert_eq!((&outcome["coverage"]["services"], &outcome["coverage"]["with_data"]), (&json!(2), &json!(4)));
    assert_eq!(outcome["notices"].as_array().unwrap().len(), 1);
    let change = &outcome["notices"][0];
    assert_eq!(change["kind"], "began");
    assert_eq!((&change["from"], &change["to"]), (&json!("OK"), &json!("ALARM")));
    assert_eq!(change["subject"], json!({"cluster": "shop", "service": "web"}));
    let values = change["values"].as_array().unwrap();
    assert!(values.iter().all(|value| value.as_f64() == Some(93.1)), "{values:?}");
}

#[tokio::test]
async fn a_missing_or_damaged_snapshot_fails_by_its_key_and_stores_nothing() {
    let stack = Stack::start(shop(|_| 93.1)).await;
    let collected = stack.collect("alarms", minute(0)).await.unwrap();
    let key = collected["snapshot"]["key"].as_str().unwrap().to_owned();
    stack.aws.put_object(Stack::BUCKET, &key, "no gzip");
    let failure = stack.invoke(Function::EvaluateAlarms, collected).await.unwrap_err();
    assert!(failure.to_string().contains(&key), "{failure}");
    let never_collected = stack.items("alarms", minute(5)).await.remove(0);
    let failure = stack.invoke(Function::EvaluateAlarms, never_collected).await.unwrap_err();
    assert_eq!(failure.error_type(), "NotFound");
    assert!(failure.to_string().contains("alarms-20261122T101000Z.1-of-1.ndjson.gz"), "{failure}");
    assert_eq!(stack.aws.items(Stack::TABLE), [Value::Null; 0]);
}

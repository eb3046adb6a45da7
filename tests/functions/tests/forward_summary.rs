//! `forward-summary`: failed targets, and missing objects.

use std::time::Duration;

use fake_aws::{ClusterSpec, Fault, ServiceSpec};
use fargaze::invocation::failure::Failure;
use fargaze::model::fault::Fault as FargazeFault;
use fargaze::model::operation::Operation;
use function_tests::{ATTEMPTS, Function, Stack, caught, estate, forward, minute, shop};
use serde_json::{Value, json};

/// A plan of the ECS target at home and of the same in us-east-1; returns its key.
async fn two_regions(stack: &Stack, at: i64) -> String {
    let plan = stack.plan("alarms", minute(at)).await;
    let here = plan["targets"][0].clone();
    let mut there = here.clone();
    there["region"] = json!("us-east-1");
    stack.put_plan(&plan["run"], &[here, there])
}

/// Forwards the summary of a run with one finished target.
async fn summarize(stack: &Stack, end: &Value) -> Result<Value, Failure> {
    stack.invoke(Function::ForwardSummary, forward(end, std::slice::from_ref(end))).await
}

/// What the state machine does with an item whose function failed: the reason is stored, and the
/// summary of the run follows.
async fn failed(stack: &Stack, at: i64, failure: Value) -> Value {
    let mut item = stack.items("alarms", minute(at)).await.remove(0);
    item["failure"] = failure;
    let kept = stack.invoke(Function::ForwardSummary, json!({"failed": item})).await.unwrap();
    assert_eq!(kept, json!({"kept": 0}));
    let event = forward(&stack.planned("alarms", minute(at)).await, &[item]);
    stack.invoke(Function::ForwardSummary, event).await.unwrap()
}

#[tokio::test]
async fn a_target_without_a_result_is_reported() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    for at in [minute(0), minute(10)] {
        let event = forward(&stack.planned("alarms", at).await, &[]);
        stack.invoke(Function::ForwardSummary, event).await.unwrap();
    }
    assert!(
        stack.mail(0).contains(
            "CANNOT READ eu-west-1 (123456789012), EKS in eu-west-1 (123456789012): fargaze:Run: lost"
        ),
        "{}",
        stack.mail(0)
    );
}

/// Issue 14, point 2: unreadable input from the state machine affects only itself.
#[tokio::test]
async fn an_odd_entry_is_the_loss_of_its_target_alone() {
    let metadata =
        json!({"ExecutionArn": "arn:aws:states:eu-west-1:123456789012:express:x", "Status": "FAILED"});
    let half = json!({"target": 1});
    for odd in [Value::Null, json!("text"), json!([]), json!({}), metadata, half] {
        let stack = Stack::start(shop(|_| 93.1)).await;
        let item = stack.items("alarms", minute(0)).await.remove(0);
        stack.play_item(item).await;
        let good = json!({"target": 0, "ended": "done"});
        let event = json!({"plan": two_regions(&stack, 0).await, "ended": [good, odd]});
        stack.invoke(Function::ForwardSummary, event).await.unwrap();
        let mail = stack.mail(0);
        assert!(mail.contains("shop/web"), "{mail}");
        // A target that is unreadable in one run is not notified; ten minutes later it is.
        let event = json!({"plan": two_regions(&stack, 10).await, "ended": ["of another target", odd]});
        stack.invoke(Function::ForwardSummary, event).await.unwrap();
        let mail = stack.mail(1);
        assert!(
            mail.contains("us-east-1") && mail.contains("entry 1 of the ended targets cannot be read"),
            "{odd}: {mail}"
        );
    }
    // A missing list, or an unreadable plan, is not mistaken for an empty run.
    let stack = Stack::start(shop(|_| 50.0)).await;
    let plan = stack.planned("alarms", minute(0)).await["plan"].clone();
    stack.aws.put_object(Stack::BUCKET, "runs/x/y/odd.json", "{\"targets\": [null]}");
    for (event, refused) in [
        (json!({"plan": plan}), "Invalid"),
        (json!({"ended": []}), "Invalid"),
        (json!({"plan": "runs/x/y/odd.json", "ended": []}), "Malformed"),
        (json!({"plan": "runs/x/y/none.json", "ended": []}), "NotFound"),
    ] {
        let failure = stack.invoke(Function::ForwardSummary, event.clone()).await.unwrap_err();
        assert_eq!(failure.error_type(), refused, "{event}");
    }
}

/// Issue 14, point 1: the result of another execution of the same run is not reported as this
/// one's.
#[tokio::test]
async fn an_outcome_of_an_earlier_execution_hides_no_failure_of_this_one() {
    let denied = json!({"errorMessage": "ecs:ListClusters: no", "errorType": "Denied"}).to_string();
    for (end, notified) in [("failed", "ecs:ListClusters: no"), ("lost", "")] {
        let stack = Stack::start(shop(|_| 50.0)).await;
        let item = stack.items("alarms", minute(0)).await.remove(0);
        stack.play_item(item).await;
        let plan = two_regions(&stack, 0).await;
        let event = match end {
            "failed" => {
                let failure = json!({"Error": "Denied", "Cause": denied});
                let failed = json!({"failed": {"plan": plan, "target": 0, "failure": failure}});
                stack.invoke(Function::ForwardSummary, failed).await.unwrap();
                json!({"plan": plan, "ended": [{"target": 0, "ended": "failed"}]})
            }
            _ => json!({"plan": plan, "ended": []}),
        };
        stack.invoke(Function::ForwardSummary, event).await.unwrap();
        assert_eq!(stack.mails().len(), usize::from(end == "failed"), "a loss may pass by itself");
        assert!(notified.is_empty() || stack.mail(0).contains(notified), "{}", stack.mail(0));
        let broken = stack.aws.items(Stack::TABLE).iter().filter(|item| item["pk"]["S"] == "TARGETS").count();
        assert_eq!(broken, 2, "both are remembered as unseen");
    }
}

/// Issue 14, point 1.
#[tokio::test]
async fn a_failure_that_could_not_be_stored_is_still_reported() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    for at in [0, 10] {
        let mut item = stack.items("alarms", minute(at)).await.remove(0);
        item["failure"] = json!({"Error": "Denied", "Cause": null});
        let event = forward(&stack.planned("alarms", minute(at)).await, &[item]);
        stack.invoke(Function::ForwardSummary, event).await.unwrap();
    }
    assert!(stack.mail(0).contains("it failed, and the reason could not be stored"), "{}", stack.mail(0));
}

/// A sweep of two clusters whose second pass was cut off: by a stored failure, by one that could
/// not be stored, by the end of its child.
#[tokio::test]
async fn what_a_sweep_did_before_it_was_cut_off_is_reported() {
    for how in ["kept", "unkept", "dead"] {
        let mut home = estate();
        for name in ["a", "b"] {
            home.put_cluster(ClusterSpec::new(name).service(ServiceSpec::new("web").running(2)));
        }
        let stack = Stack::start(home).await;
        stack.put_config("limits: {existing: change, max-percent: 100}");
        stack.set_timeout(Duration::from_secs(1));
        let mut item = stack.items("sweep", minute(0)).await.remove(0);
        let first = stack.invoke(Function::EnableInsights, item.clone()).await.unwrap();
        item["cursor"] = first["cursor"].clone();
        item["failure"] = json!({"Error": "Sandbox.Timedout", "Cause": null});
        if how == "kept" {
            stack.invoke(Function::ForwardSummary, json!({"failed": item})).await.unwrap();
        }
        let ends = if how == "dead" { &[][..] } else { std::slice::from_ref(&item) };
        stack.invoke(Function::ForwardSummary, forward(&item, ends)).await.unwrap();
        let mail = stack.mail(0);
        assert!(
            mail.contains("SET Container Insights: disabled -> enabled") && mail.contains(": a: about"),
            "{how}: {mail}"
        );
        assert!(mail.contains("CANNOT READ eu-west-1 (123456789012)"), "{how}: {mail}");
    }
}

/// The state machine has retried it, and the next sweep is a day away.
#[tokio::test]
async fn a_sweep_that_dies_is_reported_at_once_and_a_rollback_by_its_subject() {
    for kind in ["sweep", "rollback"] {
        let stack = Stack::start(shop(|_| 50.0)).await;
        for day in [0, 24 * 60] {
            let ends = stack.items(kind, minute(day)).await;
            let event = forward(&ends[0], &[]);
            stack.invoke(Function::ForwardSummary, event).await.unwrap();
            // An alarms run is a separate matter: it has other permissions.
            stack.run_line("alarms", minute(day + 5)).await.receipt.unwrap();
        }
        let subjects: Vec<_> = stack.mails().into_iter().map(|mail| mail.subject.unwrap()).collect();
        // Every requested rollback gets an answer.
        let wanted = if kind == "sweep" { 1 } else { 2 };
        assert_eq!(subjects.len(), wanted, "{subjects:?}");
        assert!(
            subjects.iter().all(|subject| subject.starts_with("CANNOT READ eu-west-1 (123456789012): lost")),
            "{subjects:?}"
        );
        assert_eq!(stack.mails()[wanted - 1].attributes["severity"], "warning");
    }
}

#[tokio::test]
async fn a_sweep_that_failed_and_whose_findings_are_missing_reports_both() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let mut item = stack.items("sweep", minute(0)).await.remove(0);
    item["cursor"] = json!({"after": {"cluster": "a"}, "findings": {"key": "outcomes/elsewhere.json"}});
    item["failure"] = json!({"Error": "Denied", "Cause": "ecs:ListClusters: no"});
    stack.invoke(Function::ForwardSummary, json!({"failed": item})).await.unwrap();
    summarize(&stack, &item).await.unwrap();
    let mail = stack.mail(0);
    assert!(mail.contains("ecs:ListClusters: no") && mail.contains("outcomes/elsewhere.json"), "{mail}");
}

/// Issue 14, point 1: Lambda's response may be longer than the limit of Step Functions for a cause.
#[tokio::test]
async fn a_truncated_cause_is_reported_as_it_is() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let cut = format!("{{\"errorMessage\": \"{}", "ecs:ListClusters: no. ".repeat(1000));
    failed(&stack, 0, json!({"Error": "Denied", "Cause": cut})).await;
    assert!(stack.mail(0).contains("ecs:ListClusters: no."), "{}", stack.mail(0));
}

#[tokio::test]
async fn a_quiet_run_publishes_nothing_and_says_why() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let receipt = stack.run_line("alarms", minute(0)).await.receipt.unwrap();
    assert_eq!(
        receipt,
        json!({"published": false, "message_id": null, "why": "nothing changed", "listeners": 0})
    );
    assert_eq!(stack.aws.meter().count("sns:Publish"), 0);
}

#[tokio::test]
async fn the_receipt_has_the_id_that_sns_gave() {
    let stack = Stack::start(shop(|_| 93.1)).await;
    let receipt = stack.run_line("alarms", minute(0)).await.receipt.unwrap();
    assert_eq!(receipt["published"], true);
    assert!(receipt["message_id"].as_str().unwrap().starts_with("10000000-"), "{receipt}");
    assert_eq!(receipt["why"].as_str(), stack.mails()[0].subject.as_deref());
    let kind_and_run = ["kind", "run"].map(|name| stack.mails()[0].attributes[name].clone());
    assert_eq!(kind_and_run, ["alarms", "alarms-20261122T100500Z"]);
}

#[tokio::test]
async fn a_missing_or_damaged_outcome_is_a_fault_of_its_target_alone() {
    for damaged in [false, true] {
        let stack = Stack::start(shop(|_| 93.1)).await;
        let item = stack.items("alarms", minute(0)).await.remove(0);
        stack.play_item(item).await;
        let key = "outcomes/alarms-20261122T100500Z/123456789012.us-east-1.1-of-1.json";
        if damaged {
            stack.aws.put_object(Stack::BUCKET, key, "{}");
        }
        let ended = [0, 1].map(|target| json!({"target": target, "ended": "done"}));
        let event = json!({"plan": two_regions(&stack, 0).await, "ended": ended});
        stack.invoke(Function::ForwardSummary, event).await.unwrap();
        let mail = stack.mail(0);
        assert!(mail.contains("shop/web"), "{mail}");
        assert!(mail.contains("CANNOT READ us-east-1") && mail.contains(key), "{mail}");
    }
}

#[tokio::test]
async fn a_step_that_step_functions_ended_itself_is_notified_after_ten_minutes() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let timeout = json!({"Error": "States.Timeout", "Cause": null});
    // A transient failure is not notified at once.
    assert_eq!(failed(&stack, 0, timeout.clone()).await["published"], false);
    failed(&stack, 10, timeout).await;
    assert!(stack.mail(0).contains("CANNOT READ eu-west-1") && stack.mail(0).contains("States.Timeout"));
}

#[tokio::test]
async fn a_hostile_error_text_stays_one_harmless_line() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let hostile = "denied\r\nBcc: everyone\u{202e}\u{0007}";
    let failure = Failure::Fault(FargazeFault::malformed(Operation::EcsListClusters, "shop", hostile));
    failed(&stack, 0, caught(json!({}), &failure)["failure"].clone()).await;
    let mail = &stack.mails()[0];
    assert!(mail.message.lines().all(|line| !line.starts_with("Bcc")), "{}", mail.message);
    assert!(!mail.message.contains(['\u{202e}', '\u{7}', '\r']));
}

#[tokio::test]
async fn a_report_is_always_sent_and_shows_what_was_changed_and_what_is_silent() {
    let mut estate = shop(|_| 50.0);
    estate.put_service("shop", fake_aws::ServiceSpec::new("idle").desired(0).running(0));
    let stack = Stack::start(estate).await;
    let receipt = stack.run_line("report", minute(0)).await.receipt.unwrap();
    assert_eq!(receipt["published"], true);
    let mail = stack.mail(0);
    for words in ["shop/web", "shop/api", "Services: 3"] {
        assert!(mail.contains(words), "{words}: {mail}");
    }
    let services = stack.json("reports/latest.json")["clusters"][0]["services"].to_string();
    assert!(services.contains("idle"), "{services}");
    assert_eq!(stack.mails()[0].attributes["kind"], "report");
}

#[tokio::test]
async fn a_report_whose_snapshot_is_missing_names_it() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let item = stack.items("report", minute(0)).await.remove(0);
    let done = stack.play_item(item).await;
    let key = done["outcome"]["key"].as_str().unwrap();
    let mut outcome = stack.json(key);
    outcome["snapshot"] = json!("snapshots/missing.ndjson.gz");
    stack.aws.put_object(Stack::BUCKET, key, outcome.to_string());
    summarize(&stack, &done).await.unwrap();
    assert!(stack.mail(0).contains("snapshots/missing.ndjson.gz"), "{}", stack.mail(0));
}

#[tokio::test]
async fn t16_a_throttled_topic_fails_the_step_as_throttled_and_the_state_machines_retry_publishes_it() {
    // SNS's own throttling code is not one that the SDK retries; `Retry` of the state machine waits
    // longer anyway.
    let stack = Stack::start(shop(|_| 93.1)).await;
    let item = stack.items("alarms", minute(0)).await.remove(0);
    let done = stack.play_item(item).await;
    stack.aws.add_fault(Fault::on("sns:Publish").times(ATTEMPTS).throttle());
    let failure = summarize(&stack, &done).await.unwrap_err();
    assert_eq!(failure.error_type(), "Throttled");
    assert_eq!(stack.mails().len(), 0);
    while !stack.aws.faults_left().is_empty() {
        summarize(&stack, &done).await.unwrap_err();
    }
    assert_eq!(summarize(&stack, &done).await.unwrap()["published"], true);
    assert_eq!(stack.mails().len(), 1);
}

#[tokio::test]
async fn an_item_that_was_retried_after_its_mail_is_not_mailed_again() {
    // Step Functions retries a function whose response it did not get; the outcome object still
    // holds the change.
    let stack = Stack::start(shop(|_| 93.1)).await;
    let item = stack.items("alarms", minute(0)).await.remove(0);
    let done = stack.play_item(item).await;
    summarize(&stack, &done).await.unwrap();
    summarize(&stack, &done).await.unwrap();
    assert_eq!(stack.mails().len(), 1);
}

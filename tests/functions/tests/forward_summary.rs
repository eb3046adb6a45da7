//! `forward-summary`: what it does with targets that failed, and with objects that are gone.

use fake_aws::Fault;
use fargaze::failure::Failure;
use fargaze::fault::Fault as FargazeFault;
use function_tests::{ATTEMPTS, Function, Stack, caught, minute, shop};
use serde_json::{Value, json};

async fn forward(stack: &Stack, kind: &str, outcomes: &[Value]) -> Result<Value, Failure> {
    let run = stack.plan(kind, minute(0)).await["run"].clone();
    let targets: Vec<&Value> = outcomes.iter().map(|end| &end["target"]).collect();
    stack
        .invoke(Function::ForwardSummary, json!({"run": run, "targets": targets, "outcomes": outcomes}))
        .await
}

#[tokio::test]
async fn a_target_of_which_nothing_came_back_is_told() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    for at in [minute(0), minute(10)] {
        let plan = stack.plan("alarms", at).await;
        let event = json!({"run": plan["run"], "targets": plan["targets"], "outcomes": []});
        stack.invoke(Function::ForwardSummary, event).await.unwrap();
    }
    assert!(stack.mail(0).contains("CANNOT SEE eu-west-1 (123456789012): run: lost"), "{}", stack.mail(0));
}

/// Issue 14, point 2: what the state machine hands on and cannot be read costs itself only.
#[tokio::test]
async fn an_odd_entry_is_the_loss_of_its_target_alone() {
    let metadata =
        json!({"ExecutionArn": "arn:aws:states:eu-west-1:123456789012:express:x", "Status": "FAILED"});
    let half = json!({"target": {"account": "123456789012"}, "outcome": 3});
    for odd in [Value::Null, json!("text"), json!([]), json!({}), metadata, half] {
        let stack = Stack::start(shop(|_| 93.1)).await;
        let item = stack.items("alarms", minute(0)).await.remove(0);
        let good = stack.play_item(item).await;
        let mut lost = good["target"].clone();
        lost["region"] = json!("us-east-1");
        let run = stack.plan("alarms", minute(0)).await["run"].clone();
        let targets = json!([good["target"], lost]);
        let event = json!({"run": run, "targets": targets, "outcomes": [odd, good]});
        stack.invoke(Function::ForwardSummary, event).await.unwrap();
        let mail = stack.mail(0);
        assert!(mail.contains("shop/web"), "{mail}");
        // Nobody is notified of a target that could not be seen in one run; ten minutes later it is one.
        let later = stack.plan("alarms", minute(10)).await["run"].clone();
        let event = json!({"run": later, "targets": targets, "outcomes": [odd]});
        stack.invoke(Function::ForwardSummary, event).await.unwrap();
        let mail = stack.mail(1);
        assert!(
            mail.contains("us-east-1") && mail.contains("entry 0 of outcomes cannot be read"),
            "{odd}: {mail}"
        );
    }
    // A list that is missing, or a target that cannot be read, is not taken for nothing to look at.
    let stack = Stack::start(shop(|_| 50.0)).await;
    let plan = stack.plan("alarms", minute(0)).await;
    for (key, value) in [("targets", None), ("outcomes", None), ("targets", Some(json!([null])))] {
        let mut event = json!({"run": plan["run"], "targets": plan["targets"], "outcomes": []});
        match value {
            Some(value) => event[key] = value,
            None => drop(event.as_object_mut().unwrap().remove(key)),
        }
        let refused = stack.invoke(Function::ForwardSummary, event).await.unwrap_err();
        assert_eq!(refused.error_type(), "Invalid", "{key}");
    }
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
async fn an_outcome_that_is_gone_or_damaged_is_a_fault_of_its_target_alone() {
    for damaged in [false, true] {
        let stack = Stack::start(shop(|_| 93.1)).await;
        let item = stack.items("alarms", minute(0)).await.remove(0);
        let good = stack.play_item(item).await;
        let mut bad = good.clone();
        bad["target"]["region"] = json!("us-east-1");
        bad["outcome"]["key"] = json!("outcomes/elsewhere.json");
        if damaged {
            stack.aws.put_object(Stack::BUCKET, "outcomes/elsewhere.json", "{}");
        }
        forward(&stack, "alarms", &[bad, good]).await.unwrap();
        let mail = stack.mail(0);
        assert!(mail.contains("shop/web"), "{mail}");
        assert!(mail.contains("CANNOT SEE us-east-1") && mail.contains("outcomes/elsewhere.json"), "{mail}");
    }
}

#[tokio::test]
async fn a_step_that_step_functions_ended_itself_is_told_after_ten_minutes() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let item = stack.items("alarms", minute(0)).await.remove(0);
    let mut failed = item;
    failed["failure"] = json!({"Error": "States.Timeout", "Cause": null});
    // A failure that may pass is not told at once.
    assert_eq!(forward(&stack, "alarms", std::slice::from_ref(&failed)).await.unwrap()["published"], false);
    let run = stack.plan("alarms", minute(10)).await["run"].clone();
    let event = json!({"run": run, "targets": [failed["target"]], "outcomes": [failed]});
    stack.invoke(Function::ForwardSummary, event).await.unwrap();
    assert!(stack.mail(0).contains("CANNOT SEE eu-west-1") && stack.mail(0).contains("States.Timeout"));
}

#[tokio::test]
async fn a_hostile_error_text_stays_one_harmless_line() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let item = stack.items("alarms", minute(0)).await.remove(0);
    let hostile = "denied\r\nBcc: everyone\u{202e}\u{0007}";
    let failure = Failure::Fault(FargazeFault::malformed("ecs:ListClusters", "shop", hostile));
    forward(&stack, "alarms", &[caught(item, &failure)]).await.unwrap();
    let mail = &stack.mails()[0];
    assert!(mail.message.lines().all(|line| !line.starts_with("Bcc")), "{}", mail.message);
    assert!(!mail.message.contains(['\u{202e}', '\u{7}', '\r']));
}

#[tokio::test]
async fn a_report_is_always_sent_and_tells_what_was_changed_and_what_is_silent() {
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
async fn a_report_whose_snapshot_is_gone_names_it() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let item = stack.items("report", minute(0)).await.remove(0);
    let done = stack.play_item(item).await;
    let key = done["outcome"]["key"].as_str().unwrap();
    let mut outcome = stack.json(key);
    outcome["snapshot"] = json!("snapshots/gone.ndjson.gz");
    stack.aws.put_object(Stack::BUCKET, key, outcome.to_string());
    forward(&stack, "report", &[done]).await.unwrap();
    assert!(stack.mail(0).contains("snapshots/gone.ndjson.gz"), "{}", stack.mail(0));
}

#[tokio::test]
async fn t16_a_throttled_topic_fails_the_step_as_throttled_and_the_state_machines_retry_tells_it() {
    // SNS's own code for "too fast" is none that the SDK retries; `Retry` of the state machine waits longer anyway.
    let stack = Stack::start(shop(|_| 93.1)).await;
    let item = stack.items("alarms", minute(0)).await.remove(0);
    let done = stack.play_item(item).await;
    stack.aws.add_fault(Fault::on("sns:Publish").times(ATTEMPTS).throttle());
    let failure = forward(&stack, "alarms", std::slice::from_ref(&done)).await.unwrap_err();
    assert_eq!(failure.error_type(), "Throttled");
    assert_eq!(stack.mails().len(), 0);
    while !stack.aws.faults_left().is_empty() {
        forward(&stack, "alarms", std::slice::from_ref(&done)).await.unwrap_err();
    }
    assert_eq!(forward(&stack, "alarms", &[done]).await.unwrap()["published"], true);
    assert_eq!(stack.mails().len(), 1);
}

#[tokio::test]
async fn an_item_that_was_retried_after_it_was_told_is_not_told_again() {
    // Step Functions retries a function whose answer it did not get; the outcome object still holds the change.
    let stack = Stack::start(shop(|_| 93.1)).await;
    let item = stack.items("alarms", minute(0)).await.remove(0);
    let done = stack.play_item(item).await;
    forward(&stack, "alarms", std::slice::from_ref(&done)).await.unwrap();
    forward(&stack, "alarms", &[done]).await.unwrap();
    assert_eq!(stack.mails().len(), 1);
}

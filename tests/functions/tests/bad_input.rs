//! Bad input: a clear error that names the input, nothing half done, nothing lost.

use fake_aws::ClusterSpec;
use function_tests::{Function, Stack, estate, event_file, minute, sent_back, shop, sqs_batch};
use serde_json::{Value, json};

#[tokio::test]
async fn a_function_without_settings_names_every_variable_that_is_missing() {
    for (function, variables) in [
        (
            Function::PlanRun,
            &[
                "FARGAZE_BUCKET",
                "FARGAZE_ACCOUNT",
                "AWS_REGION",
                "FARGAZE_DELAY_SECONDS",
                "FARGAZE_LOOKBACK_MINUTES",
                "FARGAZE_ALARMS_SCHEDULE",
                "FARGAZE_REPORT_DAYS",
            ][..],
        ),
        (Function::CollectMetrics, &["FARGAZE_BUCKET", "FARGAZE_TABLE"]),
        (Function::KeepEvents, &["FARGAZE_TABLE"]),
        (Function::EvaluateAlarms, &["FARGAZE_BUCKET", "FARGAZE_TABLE"]),
        (
            Function::EnableInsights,
            &[
                "FARGAZE_BUCKET",
                "FARGAZE_TABLE",
                "FARGAZE_ACCOUNT",
                "FARGAZE_REGION",
                "FARGAZE_ROLE_ARN",
                "FARGAZE_QUEUE_URL",
            ],
        ),
        (
            Function::ForwardSummary,
            &["FARGAZE_BUCKET", "FARGAZE_TABLE", "FARGAZE_TOPIC_ARN", "FARGAZE_STACK", "AWS_REGION"],
        ),
    ] {
        let stack = Stack::start(estate()).await;
        stack.unset_all();
        let failure = stack.invoke(function, json!({})).await.unwrap_err();
        assert_eq!(failure.error_type(), "Misconfigured", "{function:?}");
        let notified = failure.to_string();
        for variable in variables {
            assert!(notified.contains(&format!("{variable} is missing")), "{function:?}: {notified}");
        }
        assert_eq!(notified.matches(" is missing").count(), variables.len(), "{function:?}: {notified}");
        assert_eq!(stack.aws.meter().count_all(), 0, "{function:?}");
    }
}

#[tokio::test]
async fn a_setting_of_the_wrong_form_is_named_with_its_value() {
    for (function, name, value) in [
        (Function::PlanRun, "FARGAZE_ACCOUNT", "12345"),
        (Function::PlanRun, "FARGAZE_DELAY_SECONDS", "soon"),
        (Function::PlanRun, "FARGAZE_LOOKBACK_MINUTES", "-5"),
        (Function::PlanRun, "AWS_REGION", "Ireland"),
        (Function::EnableInsights, "FARGAZE_ACCOUNT", "12345"),
        (Function::EnableInsights, "FARGAZE_REGION", "Ireland"),
    ] {
        let stack = Stack::start(estate()).await;
        stack.set(name, value);
        let failure = stack.invoke(function, json!({})).await.unwrap_err();
        let notified = failure.to_string();
        assert!(notified.contains(name) && notified.contains(&format!("`{value}`")), "{notified}");
        assert_eq!(failure.error_type(), "Misconfigured");
    }
}

#[tokio::test]
async fn an_unknown_event_is_refused_by_every_function_without_a_call() {
    for function in Function::ALL {
        for event in [json!({"greeting": "hello"}), json!([]), json!(null), json!({"plan": 1, "target": 2})] {
            let stack = Stack::start(shop(|_| 93.1)).await;
            let failure = stack.invoke(function, event.clone()).await.unwrap_err();
            assert_eq!(failure.error_type(), "Invalid", "{function:?} {event}");
            assert_eq!(stack.aws.meter().count_all(), 0, "{function:?} {event}");
        }
    }
}

#[tokio::test]
async fn a_run_request_that_is_wrong_names_what_is_wrong_and_what_would_be_right() {
    let stack = Stack::start(shop(|_| 93.1)).await;
    for (request, named) in [
        (json!({"kind": "alarm"}), "`alarm`"),
        (json!({"kind": "alarms", "dry_run": true}), "`dry_run`"),
        (json!({"kind": "alarms", "time": "yesterday"}), "yesterday"),
        (json!({"time": "2026-11-22T10:05:00Z"}), "`kind`"),
        // An invocation by hand, outside of the state machine, has no start time of an execution to
        // fall back to.
        (json!({"kind": "alarms"}), "`time`"),
    ] {
        let failure = stack.invoke(Function::PlanRun, request.clone()).await.unwrap_err();
        let notified = failure.to_string();
        assert!(
            notified.contains(named) && notified.contains(r#"Send {"kind":"alarms"}"#),
            "{request}: {notified}"
        );
        assert_eq!(failure.error_type(), "Invalid");
    }
    assert_eq!(stack.aws.meter().count_all(), 0);
}

#[tokio::test]
async fn an_unknown_key_in_the_users_file_is_reported_first_with_its_name_and_line_and_watching_continues() {
    let rule = "    what: memory-percent\n    threshold: 80\n    comparison: GreaterThanThreshold\n    \
                evaluation-periods: 1\n    datapoints-to-alarm: 1\n";
    for (yaml, named) in [
        (format!("rules:\n  - name: r\n{rule}    treshold: 90\n"), "`treshold`"),
        ("ruels: []\n".to_owned(), "`ruels`"),
        (format!("rules:\n  - name: r\n{rule}").replace("memory-percent", "memory"), "`memory`"),
        (format!("rules:\n  - name: r\n{rule}").replace("threshold: 80", "threshold: 2 vCPU"), "2 vCPU"),
        ("targets:\n  - {account: \"210987654321\", regions: [eu-west-1]}\n".to_owned(), "roles"),
        ("limits: {level: enhanced}\n".to_owned(), "`level`"),
        ("limits: {existing: maybe}\n".to_owned(), "`maybe`"),
        ("policies: [{container-insights: on}]\n".to_owned(), "not a valid policy"),
        ("insights: {existing: change}\n".to_owned(), "`insights`"),
    ] {
        let stack = Stack::start(shop(|_| 93.1)).await;
        stack.put_config(&yaml);
        let line = stack.run_line("alarms", minute(0)).await;
        line.receipt.unwrap();
        let mail = stack.mail(0);
        let (first, rest) = mail.split_once("WARNING shop/web: memory 93.1 %").unwrap();
        assert!(first.starts_with("ALARM shop/web") && first.contains("fargaze.yaml:"), "{yaml}: {mail}");
        assert!(
            first.contains(named) && first.contains("the built-in rules are in force."),
            "{yaml}: {mail}"
        );
        assert!(rest.contains("Rule memory-high."), "{yaml}: {mail}");
        assert_eq!(line.plan["run"]["config_version"], Value::Null, "{yaml}");
        assert_eq!(stack.aws.object(Stack::BUCKET, "config/last-good.json"), None, "{yaml}");
    }
}

#[tokio::test]
async fn a_malformed_event_returns_to_the_queue_and_changes_nothing() {
    let created = event_file("enable-insights.create-cluster.ok");
    let mut other_region = created.clone();
    other_region["detail"]["awsRegion"] = json!("us-east-1");
    let mut other_account = created.clone();
    other_account["detail"]["recipientAccountId"] = json!("999999999999");
    let mut no_arn = created.clone();
    no_arn["detail"]["responseElements"]["cluster"]["clusterArn"] = json!("arn:nonsense");
    let mut no_time = created;
    no_time["detail"]["eventTime"] = json!("yesterday");
    let stack = Stack::start(estate().cluster(ClusterSpec::new("shop"))).await;
    let bodies: Vec<String> =
        [other_region, other_account, no_arn, no_time].iter().map(ToString::to_string).collect();
    let answer = stack.invoke(Function::EnableInsights, sqs_batch(&bodies)).await.unwrap();
    assert_eq!(sent_back(&answer), ["message-0", "message-1", "message-2", "message-3"]);
    assert_eq!(stack.aws.meter().count_all(), 0);
}

#[tokio::test]
async fn an_event_of_another_kind_is_ignored_and_not_sent_back() {
    let mut task = event_file("enable-insights.create-cluster.ok");
    task["detail-type"] = json!("ECS Task State Change");
    let mut call = event_file("enable-insights.create-cluster.ok");
    call["detail"]["eventName"] = json!("PutClusterCapacityProviders");
    let stack = Stack::start(estate().cluster(ClusterSpec::new("shop"))).await;
    let answer = stack
        .invoke(Function::EnableInsights, sqs_batch(&[task.to_string(), call.to_string()]))
        .await
        .unwrap();
    assert_eq!(sent_back(&answer), [""; 0]);
    assert_eq!(stack.aws.meter().count_all(), 0);
}

#[tokio::test]
async fn t15_the_spellings_of_a_time_in_events_are_one_instant() {
    for time in ["2026-11-22T10:03:20Z", "2026-11-22T10:03:20.000+0000", "2026-11-22T11:03:20+01:00"] {
        let mut event = event_file("enable-insights.create-cluster.ok");
        event["detail"]["eventTime"] = json!(time);
        let stack = Stack::start(estate().cluster(ClusterSpec::new("shop"))).await;
        stack.invoke(Function::EnableInsights, sqs_batch(&[event.to_string()])).await.unwrap();
        let items = stack.aws.items(Stack::TABLE);
        let life = items.iter().find(|item| item["pk"]["S"] == "LIVES#123456789012#eu-west-1").unwrap();
        assert_eq!(life["time"]["S"], "2026-11-22T10:03:20Z", "{time}");
    }
}

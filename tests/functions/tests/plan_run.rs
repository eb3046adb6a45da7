//! `plan-run`: a request becomes a run and its targets.

use function_tests::{Function, Stack, estate, event_file, minute, request};
use serde_json::{Value, json};

#[tokio::test]
async fn an_alarms_request_becomes_a_run_over_the_newest_settled_minutes_of_home() {
    let stack = Stack::start(estate()).await;
    let plan = stack.plan("alarms", minute(0)).await;
    assert_eq!(
        plan,
        json!({
            "run": {
                "id": "alarms-20261122T100500Z",
                "kind": "alarms",
                "time": "2026-11-22T10:05:00Z",
                // Fifteen minutes to evaluate, and the evaluation range of the longest rule before
                // them.
                "window": {"start": "2026-11-22T09:16:00Z", "end": "2026-11-22T10:03:00Z", "period_seconds": 60},
                "looks_back_to": "2026-11-22T09:48:00Z",
                "config_version": null,
            },
            "targets": [
                {"platform": "ecs", "account": "123456789012", "region": "eu-west-1", "part": {"index": 0, "count": 1}, "role": null},
                {"platform": "eks", "account": "123456789012", "region": "eu-west-1", "part": {"index": 0, "count": 1}, "role": null},
            ],
        })
    );
    let calls = [("s3:GetObject", 1), ("s3:PutObject", 1)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(stack.aws.meter().calls_by_operation(), calls.into());
}

/// Issue 14, points 1 and 6: roles, external ids and the errors of the user's file stay in the
/// bucket.
#[tokio::test]
async fn what_travels_is_where_the_plan_is_and_a_number_for_each_target() {
    let stack = Stack::start(estate()).await;
    let yaml = "targets: [{account: \"210987654321\", regions: [us-east-1, eu-west-1], platforms: [ecs], \
                roles: {read: \"arn:aws:iam::210987654321:role/fargaze-reader\"}, external-id: secret-1}]\n";
    stack.put_config(yaml);
    stack.plan("alarms", minute(-5)).await;
    stack.put_config(&format!("{yaml}rules: [{}]", vec!["{nmae: x}"; 60].join(", ")));
    let planned = stack.planned("alarms", minute(0)).await;
    let key = planned["plan"].as_str().unwrap();
    assert!(
        key.starts_with("runs/alarms-20261122T100500Z/6f0d2c1a-7a54-4c9b-9f1e-1c2d3e4f5a6b/plan-"),
        "{key}"
    );
    assert_eq!(
        planned,
        json!({
            "run": "alarms-20261122T100500Z",
            "kind": "alarms",
            "plan": key,
            "targets": [
                {"number": 0, "platform": "ecs", "name": "us-east-1 (210987654321)", "queries": false},
                {"number": 1, "platform": "ecs", "name": "eu-west-1 (210987654321)", "queries": false},
            ],
        })
    );
    let plan = stack.json(key);
    assert_eq!(plan["targets"][1]["role"]["external_id"], "secret-1");
    assert!(plan["run"]["bad_config"]["problems"].as_array().unwrap().len() >= 60, "{plan}");
}

#[tokio::test]
async fn a_second_plan_of_an_execution_replaces_no_first_one_that_says_something_else() {
    let stack = Stack::start(estate()).await;
    let first = stack.planned("alarms", minute(0)).await["plan"].clone();
    assert_eq!(stack.planned("alarms", minute(0)).await["plan"], first);
    stack.put_config("targets: [{account: \"123456789012\", regions: [us-east-1]}]");
    assert_ne!(stack.planned("alarms", minute(0)).await["plan"], first);
    let region = |plan: &Value| stack.json(plan.as_str().unwrap())["targets"][0]["region"].clone();
    assert_eq!(region(&first), "eu-west-1");
}

#[tokio::test]
async fn a_report_covers_a_day_in_steps_of_five_minutes() {
    let stack = Stack::start(estate()).await;
    let run = stack.plan("report", minute(0)).await["run"].clone();
    assert_eq!(run["id"], "report-20261122T100500Z");
    let window =
        json!({"start": "2026-11-21T10:00:00Z", "end": "2026-11-22T10:00:00Z", "period_seconds": 300});
    assert_eq!(run["window"], window);
}

#[tokio::test]
async fn a_rollback_passes_since_to_its_functions_and_otherwise_nothing() {
    let stack = Stack::start(estate()).await;
    let plan = async |name| {
        let planned = stack.invoke(Function::PlanRun, event_file(name)).await.unwrap();
        stack.json(planned["plan"].as_str().unwrap())
    };
    let of_time = plan("plan-run.rollback.ok").await;
    assert_eq!(of_time["run"]["id"], "rollback-20261122T100503Z");
    assert_eq!(
        (&of_time["run"]["kind"], &of_time["run"]["since"]),
        (&json!("rollback"), &json!("2026-11-22T00:00:00Z"))
    );
    assert_eq!(plan("plan-run.rollback-all.ok").await["run"].get("since"), None);
}

#[tokio::test]
async fn since_is_refused_for_every_other_kind_by_its_name() {
    let stack = Stack::start(estate()).await;
    for kind in ["sweep", "alarms", "report"] {
        let mut event = event_file("plan-run.sweep-since.bad");
        event["request"]["kind"] = json!(kind);
        let failure = stack.invoke(Function::PlanRun, event).await.unwrap_err();
        assert_eq!(failure.error_type(), "Invalid");
        let notified = failure.to_string();
        assert!(
            notified.contains(&format!("`since` is only valid with kind `rollback`, not `{kind}`")),
            "{notified}"
        );
    }
    assert_eq!(stack.aws.meter().count_all(), 0);
}

#[tokio::test]
async fn a_sweep_takes_all_parts_of_a_target_as_one() {
    let stack = Stack::start(estate()).await;
    stack.put_config(
        "targets: [{account: \"123456789012\", regions: [eu-west-1, us-east-1], platforms: [ecs], parts: 3}]",
    );
    for (kind, targets) in [("sweep", 2), ("rollback", 2), ("alarms", 6)] {
        let plan = stack.plan(kind, minute(0)).await;
        assert_eq!(plan["targets"].as_array().unwrap().len(), targets, "{kind}");
        if targets == 2 {
            let whole = json!({"index": 0, "count": 1});
            let regions = [0, 1].map(|index| plan["targets"][index]["region"].clone());
            assert_eq!(regions, ["eu-west-1", "us-east-1"], "{kind}");
            assert!([0, 1].iter().all(|&index| plan["targets"][index]["part"] == whole), "{kind}: {plan}");
        }
    }
}

#[tokio::test]
async fn delay_and_lookback_come_from_the_settings() {
    let stack = Stack::start(estate()).await;
    stack.set("FARGAZE_DELAY_SECONDS", "300");
    stack.set("FARGAZE_LOOKBACK_MINUTES", "30");
    let window = stack.plan("alarms", minute(0)).await["run"]["window"].clone();
    assert_eq!(
        (&window["start"], &window["end"]),
        (&json!("2026-11-22T08:43:00Z"), &json!("2026-11-22T10:00:00Z"))
    );
}

#[tokio::test]
async fn a_bare_request_by_hand_with_a_time_is_taken() {
    let stack = Stack::start(estate()).await;
    let bare = json!({"kind": "sweep", "time": "2026-11-22T10:05:00Z"});
    let planned = stack.invoke(Function::PlanRun, bare).await.unwrap();
    let key = planned["plan"].as_str().unwrap();
    assert!(key.starts_with("runs/sweep-20261122T100500Z/by-hand/"), "{key}");
    assert_eq!(stack.json(key), stack.plan("sweep", minute(0)).await);
}

#[tokio::test]
async fn the_users_targets_are_taken_with_roles_and_parts_and_the_version_of_the_file() {
    let stack = Stack::start(estate()).await;
    let yaml = "targets:\n  - {account: \"123456789012\", regions: [eu-west-1], platforms: [ecs], parts: 2}\n  \
                - account: \"210987654321\"\n    regions: [us-east-1]\n    platforms: [ecs]\n    \
                roles: {read: \"arn:aws:iam::210987654321:role/fargaze-reader\"}\n    external-id: x-1\n";
    let version = stack.aws.put_object(Stack::BUCKET, "fargaze.yaml", yaml);
    let plan = stack.plan("alarms", minute(0)).await;
    assert_eq!(plan["run"]["config_version"].as_str(), Some(version.as_str()));
    let target = |index: usize| plan["targets"][index].clone();
    let parts: Vec<Value> = (0..2).map(|index| target(index)["part"].clone()).collect();
    assert_eq!(parts, [json!({"index": 0, "count": 2}), json!({"index": 1, "count": 2})]);
    let role = json!({"arn": "arn:aws:iam::210987654321:role/fargaze-reader", "external_id": "x-1"});
    assert_eq!((target(2)["role"].clone(), target(2)["region"].clone()), (role, json!("us-east-1")));
    assert_eq!(plan["targets"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn without_the_permission_to_read_the_file_the_run_fails_and_does_not_fall_back_to_other_rules() {
    let stack = Stack::start(estate().deny("s3:GetObject")).await;
    let failure = stack.invoke(Function::PlanRun, request("alarms", minute(0))).await.unwrap_err();
    assert_eq!(failure.error_type(), "Denied");
    assert!(failure.to_string().contains("s3:GetObject of fargaze.yaml"), "{failure}");
}

//! What each function may call: its whole repertoire is played once, and the calls are written to
//! `target/recorded-calls.json`, which the tests of the template compare with the roles.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;

use fake_aws::{ClusterSpec, Estate, FakeAws, Fault, ServiceSpec};
use function_tests::{
    ACCOUNT, Function, REGION, Stack, insights, minute, put_minutes, running, shop, sqs_batch_of,
};
use serde_json::json;

const OTHER: &str = "210987654321";
const ROLE: &str = "arn:aws:iam::210987654321:role/fargaze-reader";

/// Two accounts with every reason for a call: Container Insights on and off, a hot service and a silent one, a role.
async fn stack() -> Stack {
    let mut home = shop(|_| 93.1);
    "enabled".clone_into(&mut home.cluster_mut("shop").unwrap().insights);
    insights(&mut home, "shop", "web", "RunningTaskCount", |_| 2.0);
    put_minutes(&mut home, "ECS/ContainerInsights", "TaskCount", &[("ClusterName", "shop")], |_| 4.0);
    home.put_service("shop", ServiceSpec::new("down").desired(2).running(0));
    home.put_cluster(ClusterSpec::new("off"));
    let mut other = Estate::new(OTHER, REGION).now(minute(0));
    running(&mut other, "search", "index", |_| 97.0);
    let stack = Stack::of(FakeAws::builder(home).estate(other)).await;
    stack.aws.edit(|world| world.role(ROLE, Some("fargaze-42")));
    stack.set("FARGAZE_EXISTING_CLUSTERS", "change");
    stack.put_config(&format!(
        "targets:\n  - {{account: \"{ACCOUNT}\", regions: [{REGION}]}}\n  - {{account: \"{OTHER}\", regions: [{REGION}], \
         role-arn: \"{ROLE}\", external-id: fargaze-42}}\n"
    ));
    stack
}

async fn play_everything(stack: &Stack) {
    // A write whose answer is lost is found by reading the alarm again.
    stack.aws.add_fault(Fault::on("dynamodb:PutItem").lose_answer());
    for kind in ["alarms", "report", "sweep"] {
        stack.run_line(kind, minute(0)).await.receipt.unwrap();
    }
    stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("shop")));
    stack
        .invoke(Function::EnableInsights, sqs_batch_of(&["enable-insights.create-cluster.ok"]))
        .await
        .unwrap();
    let query = json!({"query": {
        "namespace": "AWS/ECS", "metric": "CPUUtilization", "dimensions": {"ClusterName": "shop", "ServiceName": "web"},
        "statistics": ["Average"], "period_seconds": 60,
        "start": "2026-11-22T09:00:00Z", "end": "2026-11-22T10:00:00Z",
    }});
    stack.invoke(Function::CollectMetrics, query).await.unwrap();
}

fn target_folder() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target");
    env::var_os("CARGO_TARGET_DIR").map_or_else(beside, PathBuf::from)
}

#[tokio::test]
async fn the_calls_of_every_function_are_the_known_ones() {
    let stack = stack().await;
    play_everything(&stack).await;
    let recorded: BTreeMap<String, Vec<String>> = stack
        .aws
        .meter()
        .calls_by_app()
        .into_iter()
        .map(|(app, calls)| {
            let function = app.strip_prefix("fargaze-").unwrap_or_else(|| panic!("a call of `{app}`"));
            (function.to_owned(), calls.into_iter().collect())
        })
        .collect();
    let known: BTreeMap<String, Vec<String>> = serde_json::from_value(json!({
        "collect-metrics": [
            "cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics",
            "ecs:DescribeClusters", "ecs:DescribeServices", "ecs:ListClusters", "ecs:ListServices",
            "s3:GetObject", "s3:PutObject", "sts:AssumeRole",
        ],
        "enable-insights": [
            "dynamodb:PutItem", "ecs:DescribeClusters", "ecs:ListClusters", "ecs:UpdateClusterSettings",
            "s3:GetObject", "s3:PutObject", "sts:AssumeRole",
        ],
        "evaluate-alarms": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "s3:GetObject", "s3:PutObject"],
        "forward-summary": [
            "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "s3:GetObject", "sns:Publish",
        ],
        "plan-run": ["s3:GetObject"],
    }))
    .unwrap();
    assert_eq!(recorded, known);
    let file = target_folder().join("recorded-calls.json");
    fs::write(&file, serde_json::to_string_pretty(&recorded).unwrap() + "\n").unwrap();
}

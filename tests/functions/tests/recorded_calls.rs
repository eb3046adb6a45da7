//! The calls of each function: its whole repertoire is played once, and the calls are written to
//! `target/recorded-calls.json`, which the template tests compare with the roles.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use fake_aws::{
    ClusterSpec, EksClusterSpec, Estate, FakeAws, Fault, LogGroupSpec, ServiceSpec, StoppedTaskSpec, TaskSpec,
};
use fake_kubernetes::{FakeKubernetes, Handle};
use function_tests::{
    ACCOUNT, Function, REGION, Stack, insights, minute, put_minutes, running, shop, sqs_batch_of,
};
use serde_json::json;

const OTHER: &str = "210987654321";
const ROLE: &str = "arn:aws:iam::210987654321:role/fargaze-reader";
const LOG_ROLE: &str = "arn:aws:iam::210987654321:role/fargaze-log-reader";

/// A service whose task has stopped: its last lines are read.
fn down(home: &mut Estate) {
    #[expect(clippy::cast_precision_loss, reason = "epoch seconds")]
    let stopped_at = minute(-1).as_second() as f64;
    let (id, container) = ("0a1b2c3d4e5f60718293a4b5c6d7e8f9".to_owned(), "app".to_owned());
    home.write_logs("/ecs/down", &format!("down/app/{id}"), [(minute(-2), "ERROR no route")]);
    let stopped = StoppedTaskSpec { id, revision: 1, container, exit_code: Some(1), stopped_at };
    let service = ServiceSpec::new("down").desired(2).running(0);
    home.put_service("shop", ServiceSpec { stopped_tasks: vec![stopped], ..service });
    home.put_log_group(LogGroupSpec::new("/ecs/down"));
    home.put_task_definition(json!({"family": "down", "containerDefinitions": [{
        "name": "app", "image": "app", "essential": true, "logConfiguration": {"logDriver": "awslogs", "options": {
            "awslogs-group": "/ecs/down", "awslogs-region": REGION, "awslogs-stream-prefix": "down",
        }},
    }]}));
}

/// Two accounts with every reason for a call: Container Insights on and off, a hot service, a silent
/// one and one that is down, a role, saved queries of logs, and an EKS cluster that rejects the role.
async fn stack() -> (Stack, Handle) {
    let kubernetes =
        FakeKubernetes::start(fake_kubernetes::Estate::default().with(|estate| estate.identities.clear()))
            .await;
    let payments = EksClusterSpec::new("payments").at(&kubernetes.endpoint(), kubernetes.ca_base64());
    let payments = payments.profile("fp-default", &["shop"]).addon("metrics-server", "v0.8.0-eksbuild.1");
    let mut home = shop(|_| 93.1);
    "enabled".clone_into(&mut home.cluster_mut("shop").unwrap().insights);
    insights(&mut home, "shop", "web", "RunningTaskCount", |_| 2.0);
    put_minutes(&mut home, "ECS/ContainerInsights", "TaskCount", &[("ClusterName", "shop")], |_| 4.0);
    down(&mut home);
    put_minutes(&mut home, "AWS/EKS", "scheduler_pending_pods", &[("ClusterName", "payments")], |_| 1.0);
    home.put_eks(payments);
    home.put_eks(EksClusterSpec::new("orders").since("ACTIVE", minute(-600)).node_group("workers"));
    home.put_cluster(ClusterSpec::new("off").service(ServiceSpec::new("web").running(2)));
    // A task of no service, and a log group.
    let task = TaskSpec { family: "nightly".to_owned(), running: 1, pending: 0, containers: 1 };
    home.put_cluster(ClusterSpec::new("batch").task(task));
    home.put_log_group(LogGroupSpec::new("/aws/ecs/containerinsights/shop/performance"));
    // Its retention is set, and a rollback removes it.
    let created = Some(minute(-600).as_millisecond());
    home.put_log_group(LogGroupSpec { created, ..LogGroupSpec::new("/kept/jobs") });
    home.odd_query("never", "Complete", 10_000);
    let mut other = Estate::new(OTHER, REGION).now(minute(0));
    running(&mut other, "search", "index", |_| 97.0);
    let stack = Stack::of(FakeAws::builder(home).estate(other)).await;
    stack.aws.edit(|world| {
        world.role(ROLE, Some("fargaze-42"));
        world.role(LOG_ROLE, Some("fargaze-42"));
    });
    stack.put_config(&format!(
        "limits: {{existing: change}}\npolicies: [{{match: {{clusters: [orders]}}, control-plane-logs: [api]}}, \
         {{account-default: at-least-enabled}}, {{match: {{log-groups: [/kept/*]}}, log-retention: {{exactly: 30d}}}}]\ntargets:\n  - {{account: \"{ACCOUNT}\", regions: [{REGION}]}}\n  - {{account: \"{OTHER}\", regions: [{REGION}], \
         roles: {{read: \"{ROLE}\", read-logs: \"{LOG_ROLE}\"}}, external-id: fargaze-42}}\n\
         eks: [{{clusters: [payments], pod-logs: read}}]\nbudget: {{month: 20 USD}}\n\
         logs: {{excerpts: lines, queries: [{{name: errors, groups: [/ecs/*], library: errors, run-with: [alarms, report]}}]}}\n"
    ));
    (stack, kubernetes)
}

async fn play_everything(stack: &Stack) {
    // A write with a lost response is verified by reading the alarm again.
    stack.aws.add_fault(Fault::on("dynamodb:PutItem").lose_answer());
    for (kind, at) in [("alarms", 0), ("report", 0), ("sweep", 0), ("sweep", 60), ("rollback", 120)] {
        if kind == "sweep" {
            // A sweep whose time is up after each cluster continues from its cursor.
            stack.set_timeout(Duration::from_secs(1));
        }
        stack.run_line(kind, minute(at)).await.receipt.unwrap();
        // EKS has completed the request.
        stack.aws.edit(|world| {
            let orders = world.home().eks_cluster("orders").unwrap();
            orders.finish_updates();
            orders.finish_addons();
        });
    }
    stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("shop")));
    stack
        .invoke(Function::EnableInsights, sqs_batch_of(&["enable-insights.create-cluster.ok"]))
        .await
        .unwrap();
    let died = sqs_batch_of(&["keep-events.task-out-of-memory.ok", "keep-events.retirement.ok"]);
    stack.invoke(Function::KeepEvents, died).await.unwrap();
    let query = json!({"query": {
        "namespace": "AWS/ECS", "metric": "CPUUtilization", "dimensions": {"ClusterName": "shop", "ServiceName": "web"},
        "statistics": ["Average"], "period_seconds": 60,
        "start": "2026-11-22T09:00:00Z", "end": "2026-11-22T10:00:00Z",
    }});
    stack.invoke(Function::CollectMetrics, query).await.unwrap();
    // By hand: events that match a pattern, and a query that does not end and is stopped.
    stack.set_timeout(Duration::from_secs(6));
    for mut question in [json!({"filter": "ERROR"}), json!({"query": "filter @message like /never/"})] {
        question["groups"] = json!(["/ecs/down"]);
        question["end"] = json!(minute(0).to_string());
        // The second has no answer.
        let _ = stack.invoke(Function::CollectLogs, json!({"logs": question})).await;
    }
    // A failed target: the reason is stored.
    let mut failed = stack.items("alarms", minute(5)).await.remove(0);
    failed["failure"] = json!({"Error": "States.Timeout", "Cause": null});
    stack.invoke(Function::ForwardSummary, json!({"failed": failed})).await.unwrap();
    // An unusable file: the previous version is read, and the mail says so.
    stack.put_config("ruels: []");
    stack.run_line("alarms", minute(5)).await.receipt.unwrap();
    stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("shop")));
    let created = sqs_batch_of(&["enable-insights.create-cluster.ok"]);
    stack.invoke(Function::EnableInsights, created).await.unwrap();
}

/// What a function did with which objects: operation, and key up to the first slash.
fn objects(stack: &Stack, function: &str) -> BTreeSet<(String, String)> {
    let app = format!("fargaze-{function}");
    let calls = stack.aws.meter().calls.into_iter();
    let of_objects = ["s3:GetObject", "s3:PutObject"];
    let calls = calls.filter(|call| call.app == app && of_objects.contains(&call.operation.as_str()));
    calls
        .map(|call| {
            let key = call.subject.split_once('/').unwrap().1;
            (call.operation, key.split_inclusive('/').next().unwrap().to_owned())
        })
        .collect()
}

#[tokio::test]
async fn every_function_touches_only_the_objects_that_its_role_names() {
    let (stack, _kubernetes) = stack().await;
    play_everything(&stack).await;
    for (function, reads, writes) in [
        ("plan-run", &["config/", "fargaze.yaml"][..], &["config/", "runs/"][..]),
        (
            "collect-metrics",
            &["fargaze.yaml", "inventory/", "outcomes/", "runs/", "snapshots/"],
            &["inventory/", "outcomes/", "snapshots/"],
        ),
        (
            "collect-pods",
            &["fargaze.yaml", "inventory/", "runs/", "snapshots/"],
            &["inventory/", "outcomes/", "snapshots/"],
        ),
        (
            "collect-logs",
            &["fargaze.yaml", "inventory/", "logs/", "outcomes/", "runs/", "snapshots/"],
            &["inventory/", "logs/"],
        ),
        ("evaluate-alarms", &["fargaze.yaml", "logs/", "runs/", "snapshots/"], &["outcomes/"]),
        (
            "forward-summary",
            &["config/", "logs/", "outcomes/", "reports/", "runs/", "snapshots/"],
            &["config/", "reports/", "runs/"],
        ),
        (
            "enable-insights",
            &["clusters/", "config/", "fargaze.yaml", "outcomes/", "runs/"],
            &["clusters/", "outcomes/"],
        ),
    ] {
        let objects = objects(&stack, function);
        let found = |operation: &str| -> Vec<String> {
            let of_operation = objects.iter().filter(|(found, _)| found == operation);
            of_operation.map(|(_, key)| key.clone()).collect()
        };
        assert_eq!(
            (found("s3:GetObject"), found("s3:PutObject")),
            (owned(reads), owned(writes)),
            "{function}"
        );
        assert_eq!(objects.len(), reads.len() + writes.len(), "{function}: {objects:?}");
    }
}

fn owned(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|&key| key.to_owned()).collect()
}

fn target_folder() -> PathBuf {
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target");
    env::var_os("CARGO_TARGET_DIR").map_or_else(default, PathBuf::from)
}

#[tokio::test]
async fn the_calls_of_every_function_are_the_known_ones() {
    let (stack, _kubernetes) = stack().await;
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
            "dynamodb:Query", "ecs:DescribeClusters", "ecs:DescribeServices", "ecs:DescribeTasks",
            "ecs:ListAccountSettings", "ecs:ListClusters", "ecs:ListServices", "ecs:ListTasks", "s3:GetObject", "s3:ListObjectsV2", "s3:PutObject", "sts:AssumeRole",
        ],
        "collect-pods": [
            "cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "eks:DescribeAccessEntry", "eks:DescribeAddon",
            "eks:DescribeCluster", "eks:DescribeFargateProfile", "eks:ListAddons", "eks:ListClusters",
            "eks:ListFargateProfiles", "eks:ListNodegroups", "s3:GetObject", "s3:ListObjectsV2", "s3:PutObject",
            "sts:AssumeRole",
        ],
        "collect-logs": [
            "cloudwatch:GetMetricData", "dynamodb:UpdateItem", "ecs:DescribeTaskDefinition", "ecs:DescribeTasks",
            "ecs:ListAccountSettings", "ecs:ListTasks", "eks:DescribeCluster", "logs:DescribeLogGroups",
            "logs:FilterLogEvents", "logs:GetLogEvents", "logs:GetQueryResults", "logs:StartQuery", "logs:StopQuery",
            "s3:GetObject", "s3:PutObject", "sts:AssumeRole",
        ],
        "enable-insights": [
            "cloudwatch:ListMetrics", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query",
            "ecs:DescribeClusters", "ecs:DescribeTasks", "ecs:ListAccountSettings", "ecs:ListClusters",
            "ecs:ListTasks", "ecs:PutAccountSettingDefault", "ecs:UpdateClusterSettings",
            "eks:CreateAddon", "eks:DeleteAddon", "eks:DescribeAddon", "eks:DescribeCluster", "eks:DescribeFargateProfile",
            "eks:DescribeUpdate", "eks:ListClusters", "eks:ListFargateProfiles", "eks:ListNodegroups",
            "eks:UpdateClusterConfig", "logs:DeleteRetentionPolicy", "logs:DescribeLogGroups", "logs:PutRetentionPolicy",
            "s3:GetObject", "s3:PutObject", "sqs:SendMessage", "sts:AssumeRole",
        ],
        "evaluate-alarms": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "s3:GetObject", "s3:PutObject"],
        "forward-summary": [
            "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "s3:GetObject", "s3:ListObjectsV2",
            "s3:PutObject", "sns:GetTopicAttributes", "sns:Publish",
        ],
        "keep-events": ["dynamodb:PutItem"],
        "plan-run": ["s3:GetObject", "s3:PutObject"],
    }))
    .unwrap();
    assert_eq!(recorded, known);
    let file = target_folder().join("recorded-calls.json");
    fs::write(&file, serde_json::to_string_pretty(&recorded).unwrap() + "\n").unwrap();
}

//! Runs: caches, retries, deadlines, other accounts, and what cannot be read.

use std::time::Duration;

use fake_aws::{ClusterSpec, Estate, FakeAws, Fault, ServiceSpec, TaskSpec};
use fargaze::logs::{FindingKind, FindingPlace};
use fargaze::model::fault::FaultKind;
use function_tests::{ATTEMPTS, Function, REGION, Stack, minute};
use serde_json::json;

use super::{fixtures, read, runs, shop};

const OTHER: &str = "210987654321";

fn definition(name: &str) -> serde_json::Value {
    fixtures().into_iter().find(|fixture| fixture.name == name).unwrap().definition
}

fn count(stack: &Stack, operation: &str) -> usize {
    stack.aws.meter().count(operation)
}

/// Tasks that no service started are audited under their family. Their tasks are described only in
/// clusters that have some.
#[tokio::test]
async fn tasks_without_a_service_are_audited() {
    let mut home = shop();
    runs(&mut home, definition("awslogs"));
    let task = TaskSpec { family: "nightly".to_owned(), running: 1, pending: 0, containers: 1 };
    let mut nightly = definition("no-log-configuration");
    nightly["family"] = "nightly".into();
    home.put_task_definition(nightly);
    home.put_cluster(ClusterSpec::new("batch").service(ServiceSpec::new("api")).task(task));
    let stack = Stack::start(home).await;
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    let read = read(&stack, "", 0);
    let found: Vec<_> = read.findings.iter().map(|finding| (finding.kind, &finding.place)).collect();
    let [(FindingKind::NoDriver, FindingPlace::Container { subject, container })] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((subject.to_string().as_str(), container.as_str()), ("batch#nightly", "web"));
    assert_eq!((count(&stack, "ecs:ListTasks"), count(&stack, "ecs:DescribeTasks")), (2, 1));
    assert!(stack.mail(0).contains("No log driver: batch#nightly (web)"), "{}", stack.mail(0));
}

/// Revisions never change: the second report describes only new ones.
#[tokio::test]
async fn a_described_revision_is_never_described_again() {
    let mut home = shop();
    let fixtures = fixtures();
    fixtures.iter().for_each(|fixture| runs(&mut home, fixture.definition.clone()));
    let stack = Stack::start(home).await;
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    assert_eq!(count(&stack, "ecs:DescribeTaskDefinition"), fixtures.len());
    let before = read(&stack, "", 0);
    stack.run_line("report", minute(20)).await.receipt.unwrap();
    assert_eq!(count(&stack, "ecs:DescribeTaskDefinition"), fixtures.len());
    assert_eq!(read(&stack, "", 20).findings, before.findings);
    // A deployment: one revision more, and the old one is forgotten.
    stack.aws.edit(|world| {
        let mut newer = definition("no-log-configuration");
        newer["family"] = "awslogs".into();
        newer["revision"] = 2.into();
        world.home().put_task_definition(newer);
        let arn = format!("arn:aws:ecs:{REGION}:123456789012:task-definition/awslogs:2");
        let deployment = json!([{ "id": "ecs-svc/2", "status": "PRIMARY", "taskDefinition": arn, "desiredCount": 1,
            "runningCount": 1, "pendingCount": 0, "rolloutState": "COMPLETED" }]);
        let service = world.home().service_mut("shop", "awslogs").unwrap();
        *service = service.clone().member("deployments", deployment);
    });
    stack.run_line("report", minute(40)).await.receipt.unwrap();
    assert_eq!(count(&stack, "ecs:DescribeTaskDefinition"), fixtures.len() + 1);
    let after = read(&stack, "", 40);
    assert_eq!((after.revisions, after.findings.len()), (fixtures.len(), before.findings.len() + 1));
}

/// No value of a secret option, or of one that may contain a secret, is stored anywhere.
#[tokio::test]
async fn secrets_are_neither_stored_nor_sent() {
    let mut home = shop();
    for name in ["splunk-with-plain-token", "firelens-to-datadog-with-plain-key"] {
        runs(&mut home, definition(name));
    }
    let stack = Stack::start(home).await;
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    let target = "123456789012/eu-west-1/1-of-1.task-definitions.json.gz";
    let cache = stack.aws.object(Stack::BUCKET, &format!("inventory/{target}")).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&cache[..]), &mut text).unwrap();
    let run = minute(0).strftime("%Y%m%dT%H%M%SZ");
    let logs = stack.json(&format!("logs/report-{run}/123456789012.eu-west-1.1-of-1.json"));
    for stored in [text, logs.to_string(), stack.mail(0), stack.notifications()[0].to_string()] {
        for secret in ["B5A79AAD", "0123456789abcdef", "splunk.example.com", "datadoghq"] {
            assert!(!stored.contains(secret), "{secret} is in {stored}");
        }
    }
}

/// What cannot be read is reported, and the rest is audited all the same.
#[tokio::test]
async fn what_cannot_be_read_is_under_coverage() {
    for (operation, hides) in [
        ("logs:DescribeLogGroups", 0),
        ("ecs:DescribeTaskDefinition", 1),
        ("ecs:ListAccountSettings", 0),
        ("ecs:ListTasks", 0),
    ] {
        let mut home = shop().deny(operation);
        runs(&mut home, definition("no-log-configuration"));
        let stack = Stack::start(home).await;
        stack.run_line("report", minute(0)).await.receipt.unwrap();
        let read = read(&stack, "", 0);
        assert_eq!(read.findings.len(), 1 - hides, "{operation}");
        let fault = &read.faults[0].fault;
        assert_eq!((fault.operation.to_string().as_str(), fault.kind), (operation, FaultKind::Denied));
        let mail = stack.mail(0);
        assert!(mail.contains(&format!("Could not query eu-west-1 (123456789012): {operation}")), "{mail}");
    }
}

/// Without a result of `collect-logs` the report is sent, and says so.
#[tokio::test]
async fn a_lost_result_is_reported_and_fails_no_target() {
    let mut home = shop();
    runs(&mut home, definition("awslogs"));
    let stack = Stack::start(home).await;
    stack.aws.add_fault(Fault::on("logs:DescribeLogGroups").times(ATTEMPTS).throttle());
    // The log groups cannot be listed in any attempt of one target: that is under coverage.
    let line = stack.run_line("report", minute(0)).await;
    assert!(line.items.iter().all(|item| item.get("failure").is_none()), "{:?}", line.items);
    let mail = stack.mail(0);
    assert!(mail.contains("logs:DescribeLogGroups"), "{mail}");
    // A run without the step at all.
    let planned = stack.planned("report", minute(20)).await;
    let ended = json!([{ "target": 0, "ended": "done" }, { "target": 1, "ended": "done" }]);
    let items = stack.items("report", minute(20)).await;
    for (item, function) in items.into_iter().zip([Function::CollectMetrics, Function::CollectPods]) {
        stack.invoke(function, item).await.unwrap();
    }
    let end = json!({ "plan": planned["plan"], "ended": ended });
    stack.invoke(Function::ForwardSummary, end).await.unwrap();
    assert!(stack.mail(1).contains("CollectLogs ended without a result"), "{}", stack.mail(1));
}

/// In another account the audit needs a role of its own.
#[tokio::test]
async fn another_account_is_audited_with_its_role_for_logs() {
    let reader = format!("arn:aws:iam::{OTHER}:role/fargaze-reader");
    let log_reader = format!("arn:aws:iam::{OTHER}:role/fargaze-log-reader");
    for (roles, is_audited) in [
        (format!("{{read: \"{reader}\"}}"), false),
        (format!("{{read: \"{reader}\", read-logs: \"{log_reader}\"}}"), true),
    ] {
        let mut other = Estate::new(OTHER, REGION).now(minute(0)).cluster(ClusterSpec::new("shop"));
        runs(&mut other, definition("no-log-configuration"));
        let stack = Stack::of(FakeAws::builder(shop()).estate(other)).await;
        for role in [&reader, &log_reader] {
            stack.aws.edit(|world| world.role(role, Some("fargaze-42")));
        }
        stack.put_config(&format!(
            "targets: [{{account: \"{OTHER}\", regions: [{REGION}], roles: {roles}, external-id: fargaze-42}}]\n"
        ));
        stack.run_line("report", minute(0)).await.receipt.unwrap();
        let mail = stack.mail(0);
        assert_eq!(mail.contains("No log driver: shop/no-log-configuration (web)"), is_audited, "{mail}");
        let left_out = format!("Not audited: {OTHER}, because fargaze.yaml names no role read-logs there.");
        assert_eq!(mail.contains(&left_out), !is_audited, "{mail}");
        let assumed = stack.aws.meter().calls.into_iter().filter(|call| call.app == "fargaze-collect-logs");
        let assumed: Vec<String> =
            assumed.filter(|call| call.operation == "sts:AssumeRole").map(|call| call.subject).collect();
        assert!(assumed.iter().all(|role| *role == log_reader), "{assumed:?}");
        assert_eq!(!assumed.is_empty(), is_audited);
    }
}

/// Cold, the quota's rate decides: what does not fit into one run continues in the next.
#[tokio::test(start_paused = true)]
async fn more_revisions_than_time_continue_in_the_next_report() {
    let mut home = shop();
    for number in 0..700 {
        let mut definition = definition("awslogs");
        definition["family"] = format!("f{number}").into();
        runs(&mut home, definition);
    }
    let stack = Stack::in_process(FakeAws::builder(home).published_buckets());
    stack.set_timeout(Duration::from_secs(50));
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    let first = read(&stack, "", 0);
    assert!((120..220).contains(&first.revisions_left), "{}", first.revisions_left);
    assert!(stack.mail(0).contains("the next report continues"), "{}", stack.mail(0));
    stack.run_line("report", minute(20)).await.receipt.unwrap();
    let second = read(&stack, "", 20);
    assert_eq!((second.revisions, second.revisions_left, second.containers), (700, 0, 700));
    assert_eq!((count(&stack, "ecs:DescribeTaskDefinition"), stack.aws.meter().throttled()), (700, 0));
}

/// A retry of the state machine repeats nothing.
#[tokio::test]
async fn a_retry_finds_the_result_of_the_earlier_attempt() {
    let mut home = shop();
    runs(&mut home, definition("awslogs"));
    let stack = Stack::start(home).await;
    let item = stack.items("report", minute(0)).await.remove(0);
    stack.invoke(Function::CollectMetrics, item.clone()).await.unwrap();
    let first = stack.invoke(Function::CollectLogs, item.clone()).await.unwrap();
    let calls = count(&stack, "ecs:DescribeTaskDefinition") + count(&stack, "logs:DescribeLogGroups");
    assert_eq!(stack.invoke(Function::CollectLogs, item).await.unwrap(), first);
    assert_eq!(count(&stack, "ecs:DescribeTaskDefinition") + count(&stack, "logs:DescribeLogGroups"), calls);
    let alarms = stack.items("alarms", minute(5)).await.remove(0);
    let error = stack.invoke(Function::CollectLogs, alarms).await.unwrap_err().to_string();
    assert!(error.contains("a run of kind alarms has no such step"), "{error}");
}

/// 1,000 services in ten clusters, whose revisions are new, and then known.
#[tokio::test(start_paused = true)]
async fn a_thousand_services_cost_the_quota_once_and_then_one_call() {
    let mut home = shop();
    for cluster in 0..10 {
        let name = format!("c{cluster}");
        home.put_cluster(ClusterSpec::new(&name));
        for number in 0..100 {
            let mut definition = definition("awslogs");
            let family = format!("f{cluster}-{number}");
            definition["family"] = family.as_str().into();
            home.put_service(&name, ServiceSpec::new(&family));
            home.put_task_definition(definition);
        }
    }
    let stack = Stack::in_process(FakeAws::builder(home).published_buckets());
    // The state has a minute, so that what is new is described in two runs: in each 50 at once and
    // then 20 a second.
    let (mut described, mut took) = (0, Duration::ZERO);
    for at in [0, 20] {
        stack.aws.reset_meter();
        stack.run_line("report", minute(at)).await.receipt.unwrap();
        let calls = stack.aws.meter().calls;
        let of = || calls.iter().filter(|call| call.operation == "ecs:DescribeTaskDefinition");
        let floor = u64::try_from(of().count().saturating_sub(50)).unwrap() * 50;
        let span = of().next_back().unwrap().at.saturating_sub(of().next().unwrap().at);
        assert!(span < Duration::from_millis(floor * 105 / 100 + 50), "{span:?} for {}", of().count());
        (described, took) = (described + of().count(), took + span);
    }
    assert_eq!(described, 1_000);
    assert!(took < Duration::from_millis(47_500 * 105 / 100), "{took:?}");
    stack.aws.reset_meter();
    stack.run_line("report", minute(40)).await.receipt.unwrap();
    let meter = stack.aws.meter();
    let mut own = std::collections::BTreeMap::<String, usize>::new();
    for call in meter.calls.iter().filter(|call| call.app == "fargaze-collect-logs") {
        *own.entry(call.operation.clone()).or_default() += 1;
    }
    own.retain(|operation, _| !operation.starts_with("s3:"));
    // Eleven clusters, and the log groups of two targets.
    let expected = [
        ("cloudwatch:GetMetricData", 1),
        ("ecs:ListAccountSettings", 1),
        ("ecs:ListTasks", 11),
        ("logs:DescribeLogGroups", 2),
    ];
    assert_eq!(own, expected.map(|(operation, count)| (operation.to_owned(), count)).into());
    assert_eq!(meter.throttled(), 0);
}

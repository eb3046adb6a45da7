//! The audit of logs: task definitions and log groups -> findings -> report.
//!
//! `task_definitions.json` has task definitions as people register them, each with what the audit
//! finds. They are made from the Amazon ECS Developer Guide and public issues; most stand beside a
//! clean twin.

mod groups;
mod limits;
mod pods;
mod queries;
mod runs;

use std::collections::{BTreeMap, BTreeSet};

use fake_aws::{ClusterSpec, Estate, LogGroupSpec, ServiceSpec};
use fargaze::logs::{FindingKind, FindingPlace, LogsRead, TargetLogs};
use function_tests::{Stack, estate, minute, put_span};
use serde_json::Value;

/// The log group of the fixtures.
const GROUP: &str = "/ecs/shop";

/// A task definition, and the keys of what the audit finds in it, sorted.
struct Fixture {
    name: String,
    definition: Value,
    finds: Vec<String>,
}

fn fixtures() -> Vec<Fixture> {
    let all: Vec<Value> = serde_json::from_str(include_str!("task_definitions.json")).unwrap();
    let fixture = |fixture: Value| {
        let mut finds: Vec<String> = serde_json::from_value(fixture["finds"].clone()).unwrap();
        finds.sort();
        Fixture {
            name: fixture["name"].as_str().unwrap().to_owned(),
            definition: fixture["definition"].clone(),
            finds,
        }
    };
    all.into_iter().map(fixture).collect()
}

/// Adds what a log group receives in each minute of the last eight days; minutes are counted from
/// the start of the tests.
fn receives(estate: &mut Estate, group: &str, bytes: impl Fn(i64) -> f64) {
    let events = |minute| if bytes(minute) > 0.0 { 10.0 } else { f64::NAN };
    let dimensions = [("LogGroupName", group)];
    let some = |minute| if bytes(minute) > 0.0 { bytes(minute) } else { f64::NAN };
    put_span(estate, "AWS/Logs", "IncomingBytes", &dimensions, -9 * 1440..60, some);
    put_span(estate, "AWS/Logs", "IncomingLogEvents", &dimensions, -9 * 1440..60, events);
}

/// The cluster `shop` with the log group of the fixtures.
fn shop() -> Estate {
    let mut estate = estate().cluster(ClusterSpec::new("shop"));
    estate.put_log_group(LogGroupSpec::new(GROUP).retention(30).stored(1 << 30));
    receives(&mut estate, GROUP, |_| 1_000.0);
    estate
}

/// Adds a service that runs this task definition.
fn runs(estate: &mut Estate, definition: Value) {
    let family = definition["family"].as_str().unwrap().to_owned();
    estate.put_service("shop", ServiceSpec::new(&family).family(&family));
    estate.put_task_definition(definition);
}

/// What the report's run read about the logs of the home account's ECS clusters.
fn read(stack: &Stack, platform: &str, at: i64) -> LogsRead {
    let run = minute(at).strftime("%Y%m%dT%H%M%SZ");
    let key = format!("logs/report-{run}/123456789012.eu-west-1.{platform}1-of-1.json");
    match serde_json::from_value(stack.json(&key)).unwrap() {
        TargetLogs::Read(read) => read,
        TargetLogs::NoRole => panic!("{key}: no role"),
    }
}

/// Keys of the findings by service, sorted.
fn by_service(read: &LogsRead) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::<String, Vec<String>>::new();
    for finding in &read.findings {
        if let FindingPlace::Container { subject, .. } = &finding.place {
            let service = subject.service().unwrap().to_string();
            found.entry(service).or_default().push(finding.kind.key().to_owned());
        }
    }
    found.values_mut().for_each(|keys| keys.sort());
    found
}

/// Runs the fixtures with these names and compares what the audit finds.
async fn check(names: &[&str]) {
    let chosen: Vec<Fixture> =
        fixtures().into_iter().filter(|fixture| names.contains(&fixture.name.as_str())).collect();
    assert_eq!(chosen.len(), names.len(), "a name without a fixture in {names:?}");
    compare(chosen).await;
}

async fn compare(fixtures: Vec<Fixture>) {
    let mut home = shop();
    fixtures.iter().for_each(|fixture| runs(&mut home, fixture.definition.clone()));
    let stack = Stack::start(home).await;
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    let read = read(&stack, "", 0);
    assert_eq!((read.revisions, read.revisions_left), (fixtures.len(), 0));
    let found = by_service(&read);
    for Fixture { name, finds, .. } in fixtures {
        assert_eq!(found.get(&name).cloned().unwrap_or_default(), finds, "{name}");
    }
}

#[tokio::test]
async fn every_task_definition_has_its_findings() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 40);
    // Each rule about containers has an example.
    let found: BTreeSet<&str> =
        fixtures.iter().flat_map(|fixture| fixture.finds.iter().map(String::as_str)).collect();
    let of_groups = [
        FindingKind::GroupSilent,
        FindingKind::NeverExpires,
        FindingKind::LimitedClass,
        FindingKind::PodLogsDenied,
    ];
    let rules: BTreeSet<&str> =
        FindingKind::ALL.iter().filter(|kind| !of_groups.contains(kind)).map(|kind| kind.key()).collect();
    assert_eq!(found, rules);
    compare(fixtures).await;
}

#[tokio::test]
async fn s75_the_driver_of_each_container_is_audited() {
    check(&["no-log-configuration", "awslogs", "sidecar-without-logs", "sidecar-with-logs", "json-file"])
        .await;
    check(&["syslog-on-ec2", "splunk", "splunk-without-url", "splunk-with-plain-token"]).await;
}

#[tokio::test]
async fn s76_the_log_group_is_required_and_exists() {
    check(&["awslogs-without-group", "group-missing", "awslogs"]).await;
}

#[tokio::test]
async fn s77_the_region_is_required_and_the_clusters_own() {
    check(&["awslogs-without-region", "other-region", "awslogs"]).await;
}

#[tokio::test]
async fn s78_the_stream_prefix_is_required_on_fargate() {
    check(&["awslogs-without-prefix", "awslogs-without-anything", "awslogs"]).await;
}

#[tokio::test]
async fn s79_a_group_that_the_driver_creates_may_not_exist_yet() {
    check(&["group-to-be-created", "group-created", "group-missing"]).await;
}

/// The revision that runs counts, not the newest one.
#[tokio::test]
async fn s80_the_revision_that_each_service_runs_is_audited() {
    let mut home = shop();
    let fixtures = fixtures();
    let of = |name: &str, revision: i64| {
        let fixture = fixtures.iter().find(|fixture| fixture.name == name).unwrap();
        let mut definition = fixture.definition.clone();
        definition["family"] = "web".into();
        definition["revision"] = revision.into();
        definition
    };
    home.put_service("shop", ServiceSpec::new("web"));
    home.put_task_definition(of("no-log-configuration", 1));
    home.put_task_definition(of("awslogs", 2));
    let stack = Stack::start(home).await;
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    assert_eq!(by_service(&read(&stack, "", 0))["web"], ["no-log-driver"]);
}

#[tokio::test]
async fn s81_firelens_needs_a_router() {
    check(&[
        "firelens-to-cloudwatch",
        "firelens-without-router",
        "firelens-router-without-logs",
        "firelens-router-through-itself",
        "firelens-router-not-essential",
        "firelens-router-not-awaited",
        "firelens-router-awaited",
        "firelens-router-awaited-by-ecs",
        "firelens-with-fluentd",
    ])
    .await;
}

#[tokio::test]
async fn s82_awslogs_options_in_firelens_are_named_with_the_right_ones() {
    check(&["firelens-with-awslogs-keys", "firelens-without-options", "firelens-to-missing-group"]).await;
    check(&["firelens-with-lowercase-name", "firelens-with-type-for-fluent-bit"]).await;
    let mut home = shop();
    let seed = fixtures().into_iter().find(|fixture| fixture.name == "firelens-with-awslogs-keys").unwrap();
    runs(&mut home, seed.definition);
    let stack = Stack::start(home).await;
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    let read = read(&stack, "", 0);
    let finding =
        read.findings.iter().find(|finding| finding.kind == FindingKind::AwslogsInFirelens).unwrap();
    for right in [
        r#""log_group_name": "firelens-container""#,
        r#""region": "eu-west-1""#,
        r#""auto_create_group": "true""#,
        r#""log_stream_prefix": "firelens""#,
    ] {
        assert!(finding.remedy.contains(right), "{right} is not in {}", finding.remedy);
    }
}

#[tokio::test]
async fn s83_destinations_outside_cloudwatch_are_recognized() {
    check(&["firelens-to-firehose", "firelens-to-datadog-with-plain-key", "firelens-to-datadog-with-secret"])
        .await;
}

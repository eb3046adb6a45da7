//! Whole digests, kept in the tree for review. `FARGAZE_WRITE_DOCS=1` rewrites them.

use std::fs;
use std::path::Path;

use fargaze::alarms::{MissingMetric, Notice, NoticeKind, RuleChange, RulePlace, RuleProblem, RuleRecord};
use fargaze::evidence::coverage::CountedFault;
use fargaze::evidence::pods::NamedPod;
use fargaze::logs::excerpt::{AlarmLogs, LogSearch};
use fargaze::logs::query::LogLine;
use fargaze::model::fault::Fault;
use fargaze::model::insights::InsightsLevel;
use fargaze::model::metric::{Dimensions, Metric, Statistic, Unit};
use fargaze::model::operation::Operation;
use fargaze::model::run::RunKind;
use fargaze::model::subject::Subject;
use fargaze::notify::{DigestLogs, digest};
use fargaze::outcome::{TargetResult, coverage_changes};
use fargaze::rules::{Comparison, KubernetesMeasure as M, Mute, Severity};
use fargaze::text::message::Message;
use jiff::SignedDuration;

use crate::scene::{
    because, but, denied, eks_seen, eks_target, late, memory, minutes_ago, nothing_running, now, of_kind,
    of_pod, over, run, sampled, seen, service, target, throttled, workload,
};

/// Compares a message with the golden file of this name, or writes it.
fn golden(name: &str, message: &Message) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/digest").join(format!("{name}.txt"));
    let text = format!("Subject: {}\n\n{}", message.subject, message.body);
    for line in message.body.lines() {
        let is_link = ["https://", "Inspect: kubectl ", "First, once: aws ", "List existing metrics: aws "]
            .iter()
            .any(|start| line.trim_start().starts_with(start));
        assert!(is_link || line.chars().count() <= 78, "{name}: {line}");
    }
    if std::env::var_os("FARGAZE_WRITE_DOCS").is_some() {
        fs::write(&path, text).unwrap();
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{name}: rewrite it with FARGAZE_WRITE_DOCS=1 and review it:\n{text}");
}

/// No subject begins with OK unless an alarm ended with state OK.
fn said(results: &[TargetResult]) -> Message {
    let changes = coverage_changes(RunKind::Alarms, now(), results, &[]);
    digest(&run(RunKind::Alarms), results, &changes, &[], &DigestLogs::default()).unwrap()
}

fn hot(name: &str) -> Notice {
    memory(service("shop", name), &[Some(78.0), Some(81.25), None, Some(89.0), Some(93.1)])
}

#[test]
fn one_hot_service() {
    golden("one-hot-service", &said(&[seen("eu-west-1", 5, vec![hot("web")])]));
}

/// An error burst with its newest lines, and a service whose last task left a traceback.
#[test]
fn logs_beside_alarms() {
    let burst = but(hot("web"), |evaluation| {
        (evaluation.label, evaluation.unit, evaluation.source) = ("errors".to_owned(), Unit::Count, None);
        (evaluation.threshold, evaluation.values) = (20.0, vec![Some(57.0)]);
        evaluation.message = None;
    });
    let burst = Notice { rule: "error-burst".to_owned(), id: "burst".to_owned(), ..burst };
    let down = Notice { id: "down".to_owned(), ..nothing_running(service("shop", "api"), 2.0) };
    let line = |seconds, text: &str| LogLine {
        at: Some(now() - SignedDuration::from_secs(seconds)),
        group: "/ecs/shop".to_owned(),
        text: text.to_owned(),
    };
    let search = |query: &str| LogSearch {
        groups: vec!["/ecs/shop".to_owned()],
        query: query.to_owned(),
        start: now() - SignedDuration::from_mins(20),
        end: now(),
    };
    let of_burst = AlarmLogs {
        search: Some(search("filter @message like /error/\n| sort @timestamp desc")),
        lines: vec![
            line(190, "ERROR checkout: card [masked] declined by the bank"),
            line(170, "ERROR checkout: time-out after 3,000 ms"),
            line(150, "ERROR checkout: time-out after 3,000 ms"),
        ],
        of: String::new(),
        fault: None,
    };
    let of_down = AlarmLogs {
        search: Some(search("sort @timestamp desc")),
        lines: vec![line(260, "Traceback (most recent call last):"), line(260, "KeyError: 'DATABASE_URL'")],
        of: "task 0a1b2c3d (app, exit code 1)".to_owned(),
        fault: None,
    };
    let results = [seen("eu-west-1", 5, vec![burst, down])];
    let target = results[0].target.to_string();
    let logs = [("burst", of_burst), ("down", of_down)];
    let alarms = logs.map(|(id, logs)| ((target.clone(), id.to_owned()), logs)).into();
    let logs = DigestLogs { alarms, queries: Vec::new() };
    golden("logs-beside-alarms", &digest(&run(RunKind::Alarms), &results, &[], &[], &logs).unwrap());
}

#[test]
fn sixty_transitions_at_once() {
    let mut notices = Vec::new();
    for i in 0..60_u32 {
        let cluster = format!("shop-{}", i % 7);
        let level = f64::from(81 + i % 19);
        let mut notice =
            memory(service(&cluster, &format!("worker-{i:02}")), &[Some(70.0), Some(level), Some(level)]);
        if i % 20 == 0 {
            notice = nothing_running(notice.subject, f64::from(1 + i % 3));
        }
        notice.at = minutes_ago(2 + i64::from(i % 5));
        let at = notice.at;
        notices.push(but(notice, |evaluation| evaluation.until = at));
    }
    let more = (0..10).map(|i| hot(&format!("late-{i}")));
    let over = (0..3).map(|i| over(hot(&format!("calm-{i}")), 41.5));
    notices.extend(more.chain(over));
    golden("sixty-transitions", &said(&[seen("eu-west-1", 40, notices)]));
}

#[test]
fn three_targets_of_which_one_is_denied_and_one_throttled() {
    let blind = |name: &str| {
        let notice = because(&throttled("orders").to_string(), memory(service("orders", name), &[]));
        Notice { since: Some(minutes_ago(19)), ..of_kind(NoticeKind::Blind, notice) }
    };
    let notices = ["api", "auth", "cart", "mail", "pay", "till", "web"].map(blind).to_vec();
    let mut slow = seen("us-east-1", 12, notices);
    if let Ok(outcome) = &mut slow.result {
        outcome.coverage.clusters_seen = 9;
        outcome.coverage.with_data -= 30;
        outcome.coverage.unread = 30;
        let fault = |cluster| CountedFault { fault: throttled(cluster), count: 10 };
        outcome.coverage.faults = ["orders", "pay", "search"].map(fault).to_vec();
    }
    let mut closed = target("eu-central-1");
    closed.account = "210987654321".parse().unwrap();
    let closed = TargetResult { target: closed, result: Err(denied()) };
    golden("one-denied-one-throttled", &said(&[seen("eu-west-1", 29, vec![hot("web")]), slow, closed]));
}

#[test]
fn recovery() {
    let web = over(hot("web"), 55.5);
    let closing = of_kind(NoticeKind::Deleted, over(hot("old"), 0.0));
    let again = of_kind(NoticeKind::SeenAgain, over(hot("batch"), 0.0));
    golden("recovery", &said(&[seen("eu-west-1", 5, vec![web, closing, again])]));
}

fn without_data(name: &str, rule: &str, running: u32) -> Notice {
    let notice = memory(service("shop", name), &[None, None, None]);
    let notice = because(&format!("ECS reports {running} running tasks"), notice);
    Notice { rule: rule.to_owned(), since: Some(minutes_ago(26)), ..of_kind(NoticeKind::NoData, notice) }
}

/// Issue 12, point 4: two rules on one service, and three services.
#[test]
fn running_services_without_data() {
    let mut notices = vec![without_data("web", "memory-high", 2), without_data("web", "cpu-high", 2)];
    golden("no-data-of-one-service", &said(&[seen("eu-west-1", 5, notices.clone())]));
    notices.push(without_data("api", "memory-high", 2));
    notices.push(without_data("cart", "memory-high", 4));
    golden("no-data-of-three-services", &said(&[seen("eu-west-1", 5, notices)]));
}

#[test]
fn only_what_was_deleted_or_can_be_evaluated_again() {
    let of = |kind| of_kind(kind, over(hot("web"), 0.0));
    golden("deleted", &said(&[seen("eu-west-1", 5, vec![of(NoticeKind::Deleted)])]));
    golden("seen-again", &said(&[seen("eu-west-1", 5, vec![of(NoticeKind::SeenAgain)])]));
}

/// Issue 12, point 8.
#[test]
fn rules_that_cannot_fire() {
    let metric = |name: &'static str| Metric {
        namespace: "Shop".into(),
        name: name.into(),
        dimensions: Dimensions::new([("Queue".to_owned(), "jobs".to_owned())]),
    };
    let record = |rule: &str, problem| RuleRecord {
        rule: rule.to_owned(),
        definition: String::new(),
        since: minutes_ago(24 * 60),
        notify_after_seconds: Some(86_400),
        notified: true,
        problem,
    };
    let no_data = |statistic| RuleProblem::NoData {
        missing: MissingMetric { metrics: vec![metric("Agee")], statistic, subjects: 1 },
        places: vec![RulePlace::of(&target("eu-west-1")), RulePlace::of(&target("us-east-1"))],
    };
    let nothing = |needs| RuleProblem::AppliesToNothing { needs };
    let changes = [
        record("jobs-old", no_data(Statistic::Average)),
        record("jobs-slow", no_data(Statistic::Percentile("p99".to_owned()))),
        record("odd", nothing(None)),
        record("task-memory", nothing(Some(InsightsLevel::Enhanced))),
    ]
    .map(RuleChange::Due);
    let results = [seen("eu-west-1", 5, Vec::new())];
    golden(
        "rules-that-cannot-fire",
        &digest(&run(RunKind::Alarms), &results, &[], &changes, &DigestLogs::default()).unwrap(),
    );
    let one = digest(&run(RunKind::Alarms), &results, &[], &changes[..1], &DigestLogs::default()).unwrap();
    assert_eq!(one.subject, "CHECK RULE jobs-old: it has no data");
    assert_eq!(one.attributes["severity"].value(), "warning");
}

#[test]
fn a_reminder() {
    let kind = NoticeKind::Reminder;
    let down = of_kind(kind, nothing_running(service("shop", "cart"), 2.0));
    let down = Notice { since: Some(minutes_ago(24 * 60 + 5)), ..down };
    let full = of_kind(kind, hot("web"));
    golden("reminder", &said(&[seen("eu-west-1", 5, vec![full, down])]));
}

#[test]
fn no_data_at_all() {
    let results: Vec<TargetResult> = ["eu-central-1", "eu-west-1"]
        .map(|region| TargetResult { target: target(region), result: Err(denied()) })
        .to_vec();
    golden("no-data-at-all", &said(&results));
}

#[test]
fn all_kinds_of_windows() {
    let day = (0..96).map(|i| Some(f64::from(40 + i % 60))).collect::<Vec<_>>();
    let long = memory(service("shop", "long"), &day);
    let low = memory(service("shop", "low"), &[Some(3.0), Some(2.0), Some(1.0), Some(0.0)]);
    let low = but(low, |evaluation| {
        evaluation.label = "RunningTaskCount".to_owned();
        evaluation.unit = fargaze::model::metric::Unit::Count;
        evaluation.comparison = Comparison::LessThanThreshold;
        (evaluation.threshold, evaluation.message) = (2.0, None);
    });
    let low = Notice { rule: "too-few-tasks".to_owned(), severity: Severity::Info, ..low };
    let late = Notice { at: minutes_ago(12), ..late(Mute::Deployment, hot("late")) };
    let silent =
        but(memory(service("shop", "silent"), &[None, None]), |evaluation| evaluation.message = None);
    let silent = Notice { rule: "heartbeat".to_owned(), ..silent };
    let family = Subject::TaskFamily("shop".parse().unwrap(), "nightly".to_owned());
    let family = Notice { subject: family, ..hot("web") };
    golden("windows", &said(&[seen("eu-west-1", 5, vec![long, low, late, silent, family])]));
}

/// OOM-killed pods.
fn full() -> Notice {
    let advice = "A pod is killed when it needs more memory than it has. Raise its memory request, and its limit if it has one \
                  (Fargate sizes a pod by its requests), or look for a leak.";
    let why = "Highest: pod web-6c9f7d5b8-x2x9k, 953 MiB of 1024 MiB provisioned, 700 MiB requested.";
    let pod = NamedPod { name: "web-6c9f7d5b8-x2x9k".to_owned(), container: None };
    let values = [71.0, 88.2, f64::NAN, 93.1];
    let notice = sampled(M::PodMemoryPercent, workload("shop/Deployment/web"), 85.0, &values);
    let notice = but(notice, |evaluation| evaluation.message = Some(advice.to_owned()));
    Notice { severity: Severity::Warning, ..of_pod(pod, because(why, notice)) }
}

fn crashing() -> Notice {
    let why = "billing-0: container app waits: CrashLoopBackOff, last ended with Error (exit code 1).";
    let pod = NamedPod { name: "billing-0".to_owned(), container: Some("app".to_owned()) };
    let notice = sampled(M::CrashLoopingPods, workload("shop/StatefulSet/billing"), 0.0, &[1.0]);
    Notice { severity: Severity::Critical, ..of_pod(pod, because(why, notice)) }
}

fn pending(name: &str) -> Notice {
    sampled(M::PodPending, workload(name), 600.0, &[300.0, 600.0, 900.0])
}

#[test]
fn a_workload_that_is_full() {
    golden("workload", &said(&[eks_seen("eu-west-1", 3, vec![full()])]));
}

#[test]
fn workloads_and_services_at_once() {
    let down = sampled(M::MetricsServerDown, Subject::Cluster("lab".parse().unwrap()), 0.0, &[1.0]);
    let mut lost = eks_seen("us-east-1", 1, Vec::new());
    let message = denied().message.replace("ecs:", "eks:");
    lost.result = Err(Fault { operation: Operation::EksListClusters, message, ..denied() });
    let silent = eks_seen("eu-central-1", 2, Vec::new());
    let results = [
        seen("eu-west-1", 5, vec![hot("web")]),
        eks_seen("eu-west-1", 3, vec![full(), crashing(), pending("shop/Job/import"), down]),
        silent,
        lost,
    ];
    golden("workloads-and-services", &said(&results));
}

#[test]
fn workloads_that_recovered() {
    let closing = of_kind(NoticeKind::Deleted, pending("shop/Job/import"));
    let blind =
        of_kind(NoticeKind::Blind, because("kubernetes:ListPods of payments: 401 Unauthorized", full()));
    let restarts = sampled(M::PodRestarts, workload("shop/DaemonSet/agent"), 3.0, &[4.0]);
    let api = sampled(M::MetricsServerDown, Subject::Cluster("lab".parse().unwrap()), 0.0, &[1.0]);
    let notices = vec![
        over(full(), 41.0),
        over(crashing(), 0.0),
        over(pending("shop/Deployment/web"), 0.0),
        over(restarts, 1.0),
        over(api, 0.0),
        closing,
        blind,
    ];
    golden("workloads-recovery", &said(&[eks_seen("eu-west-1", 3, notices)]));
}

#[test]
fn a_reminder_of_a_workload() {
    let kind = NoticeKind::Reminder;
    let missing = sampled(M::AvailableBelowDesired, workload("shop/Deployment/cart"), 0.0, &[2.0, 2.0, 1.0]);
    let missing = Notice { since: Some(minutes_ago(26 * 60)), ..of_kind(kind, missing) };
    let notices = vec![of_kind(kind, crashing()), missing];
    golden("workload-reminder", &said(&[eks_seen("eu-west-1", 3, notices)]));
}

#[test]
fn the_json_says_which_workload_and_what_shows_it() {
    let message = said(&[eks_seen("cn-north-1", 1, vec![full()])]);
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    let alarm = &json["alarms"][0];
    let workload = serde_json::json!({ "namespace": "shop", "kind": "Deployment", "name": "web" });
    assert_eq!((&alarm["workload"], &alarm["platform"]), (&workload, &"eks".into()));
    assert_eq!(alarm["pod"]["name"], "web-6c9f7d5b8-x2x9k");
    let context = "kubectl --context arn:aws-cn:eks:cn-north-1:123456789012:cluster/payments";
    assert_eq!(
        alarm["kubectl"],
        format!("{context} --namespace shop top pod web-6c9f7d5b8-x2x9k --containers")
    );
    assert_eq!(
        alarm["console"],
        "https://cn-north-1.console.amazonaws.cn/eks/home?region=cn-north-1#/clusters/payments"
    );
    // A metric that AWS publishes has a graph.
    let vended = but(full(), |evaluation| {
        evaluation.source.as_mut().unwrap().metrics[0].namespace = "AWS/EKS".into();
    });
    let json_of_vended: serde_json::Value =
        serde_json::from_str(&said(&[eks_seen("eu-west-1", 1, vec![vended])]).json).unwrap();
    let console = json_of_vended["alarms"][0]["console"].as_str().unwrap();
    assert!(console.starts_with("https://eu-west-1.console.aws.amazon.com/cloudwatch/home?"), "{console}");
    assert_eq!(json["coverage"]["workloads"], 6);
    assert_eq!(eks_target("cn-north-1").to_string(), "EKS in cn-north-1 (123456789012)");
    let names: Vec<&str> = message.attributes.keys().map(String::as_str).collect();
    assert_eq!(names, ["account", "cluster", "kind", "region", "run", "severity"]);
}

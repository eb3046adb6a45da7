//! When a sweep or rollback has a message, and what it says.

mod golden;
mod several;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::alarms::BrokenTarget;
use crate::evidence::coverage::Coverage;
use crate::model::fault::{Fault, FaultKind};
use crate::model::insights::InsightsLevel::{self, Disabled, Enabled, Enhanced};
use crate::model::operation::Operation;
use crate::model::run::Part;
use crate::model::subject::Subject;
use crate::notify::words::WIDTH;
use crate::outcome::{Outcome, OutcomeKind, Reconciled};
use crate::reconcile::{Aspect, ClusterSize, Cost, CostNote, Transition, Value, estimate};

const NEW: &str = "the cluster is new; its policy is at-least-enabled (built-in)";
const BATCH: &str = "its policy is leave (built-in)";
const TAG: &str = "tagged fargaze=hands-off";
const BEFORE: &str = "the cluster existed before fargaze; existing clusters are only reported (existing: report); its \
                      policy is at-least-enabled (built-in)";

fn run(kind: RunKind) -> Run {
    let time: Timestamp = "2026-11-22T06:30:00Z".parse().unwrap();
    Run::new(kind, time, SignedDuration::from_mins(2), SignedDuration::from_mins(15), None)
}

fn cluster(name: &str) -> Subject {
    Subject::Cluster(name.parse().unwrap())
}

/// A finding about Container Insights of a cluster with this level.
fn finding(name: &str, level: InsightsLevel, result: FindingResult, reason: &str) -> Finding {
    Finding {
        now: Some(level.to_string()),
        ..Finding::new(cluster(name), Some(Aspect::ContainerInsights), result, reason)
    }
}

/// This many compliant clusters.
fn compliant(n: usize) -> impl Iterator<Item = Finding> {
    let reason = "it is enabled, and its policy is at-least-enabled (built-in)";
    (1..=n).map(move |n| finding(&format!("right-{n}"), Enabled, FindingResult::Compliant, reason))
}

fn moved(from: InsightsLevel, to: InsightsLevel) -> Transition {
    Transition::new(&Value::Level(from), &Value::Level(to))
}

/// A cluster that is off, with the cost of setting it to `to`; it has this many services of two
/// tasks each.
fn off(name: &str, to: InsightsLevel, result: FindingResult, reason: &str, services: u32) -> Finding {
    let tasks = 2 * services;
    let size = ClusterSize { services, task_families: services, tasks, containers: tasks };
    Finding {
        change: (result != FindingResult::Reported).then(|| moved(Disabled, to)),
        cost: Some(Cost::Metrics(estimate(Disabled, to, &size))),
        ..finding(name, Disabled, result, reason)
    }
}

/// A finding about an aspect of an EKS cluster.
fn eks(name: &str, aspect: Aspect, result: FindingResult, reason: &str) -> Finding {
    Finding::new(cluster(name), Some(aspect), result, reason)
}

/// An add-on that is, would be or could be installed.
fn addon(name: &str, result: FindingResult) -> Finding {
    Finding {
        change: Some(Transition::new(&Value::Absent, &Value::DEFAULT_ADDON)),
        cost: Some(Cost::Note(CostNote::FreeButPods)),
        ..eks(name, Aspect::MetricsServer, result, "the cluster is new; its policy is install (built-in)")
    }
}

fn logs(name: &str, result: FindingResult) -> Finding {
    let change = Transition { from: "no logs".to_owned(), to: "api, audit".to_owned() };
    Finding {
        change: Some(change),
        cost: Some(Cost::Note(CostNote::LogsWithAudit)),
        ..eks(
            name,
            Aspect::ControlPlaneLogs,
            result,
            "the cluster is new; its policy is at least api, audit (fargaze.yaml:9)",
        )
    }
}

fn default(level: Option<InsightsLevel>, result: FindingResult, reason: &str) -> Finding {
    Finding {
        now: level.map(|level| level.to_string()),
        ..Finding::new(Subject::Account, Some(Aspect::AccountDefault), result, reason)
    }
}

fn on(platform: Platform, region: &str, findings: Vec<Finding>) -> Outcome {
    let target = Target {
        platform,
        account: "123456789012".parse().unwrap(),
        region: region.parse().unwrap(),
        part: Part::WHOLE,
        role: None,
    };
    let clusters = findings.iter().filter_map(Finding::cluster).collect::<BTreeSet<_>>().len();
    let coverage = Coverage { clusters, clusters_seen: clusters, ..Coverage::default() };
    Outcome { target, coverage, kind: OutcomeKind::Reconciled(Reconciled { findings, dry_run: false }) }
}

fn ecs_in(region: &str, findings: Vec<Finding>) -> Outcome {
    on(Platform::Ecs, region, findings)
}

fn ecs(findings: Vec<Finding>) -> Outcome {
    ecs_in("eu-west-1", findings)
}

fn of_eks(findings: Vec<Finding>) -> Outcome {
    on(Platform::Eks, "eu-west-1", findings)
}

fn dry(outcome: Outcome) -> Outcome {
    let findings = outcome.reconciled().unwrap().findings.clone();
    Outcome { kind: OutcomeKind::Reconciled(Reconciled { findings, dry_run: true }), ..outcome }
}

fn results(outcomes: impl IntoIterator<Item = Outcome>) -> Vec<TargetResult> {
    let result = |outcome: Outcome| TargetResult { target: outcome.target.clone(), result: Ok(outcome) };
    outcomes.into_iter().map(result).collect()
}

fn denied() -> Fault {
    Fault {
        operation: Operation::EcsUpdateClusterSettings,
        subject: "payments".to_owned(),
        kind: FaultKind::Denied,
        code: "AccessDeniedException".to_owned(),
        message: "User is not authorized to perform this action".to_owned(),
    }
}

fn message(kind: RunKind, outcomes: impl IntoIterator<Item = Outcome>) -> Message {
    let message = sweep(&run(kind), &results(outcomes), &[]).unwrap();
    let is_command = |line: &str| ["    aws ", "    kubectl "].iter().any(|start| line.starts_with(start));
    let fits = |line: &str| line.chars().count() <= WIDTH || is_command(line);
    assert!(message.body.lines().all(fits), "{}", message.body);
    message
}

fn no_message(outcome: Outcome) -> String {
    let results = results([outcome]);
    assert_eq!(sweep(&run(RunKind::Sweep), &results, &[]), None);
    nothing_to_do(&results)
}

fn conflict() -> FindingResult {
    FindingResult::Conflict(vec!["ci (UpdateClusterSettings)".to_owned()])
}

#[test]
fn without_anything_to_do_there_is_a_sentence_and_no_message() {
    assert_eq!(no_message(ecs(compliant(41).collect())), "nothing to do: 41 of 41 ECS clusters comply");
    assert_eq!(no_message(of_eks(Vec::new())), "nothing to do: 0 of 0 EKS clusters comply");
}

#[test]
fn findings_that_were_notified_before_are_not_notified_again() {
    let known = [
        finding("AWSBatch-1", Disabled, FindingResult::Left, BATCH),
        finding("old", Disabled, FindingResult::Reported, BEFORE),
        finding("orders", Disabled, conflict(), "reverted"),
    ];
    let quiet = ecs(compliant(38).chain(known).collect());
    assert_eq!(
        no_message(quiet.clone()),
        "nothing to do: 38 of 41 ECS clusters comply, 1 left alone, 1 in conflict, 1 out of policy"
    );
    let mut results = results([quiet]);
    let TargetResult { target, .. } = results[0].clone();
    results.push(TargetResult { target, result: Err(denied()) });
    assert!(nothing_to_do(&results).ends_with(", and 1 target could not be read, as notified before"));
    let complies = eks("payments", Aspect::MetricsServer, FindingResult::Compliant, "it is installed");
    let left = eks("payments", Aspect::AwsLogging, FindingResult::Left, "its Kubernetes API was not queried");
    let reported = eks("old", Aspect::AwsLogging, FindingResult::Reported, "there is none");
    assert_eq!(
        no_message(of_eks(vec![complies, left, reported])),
        "nothing to do: 1 of 2 EKS clusters complies, 1 out of policy"
    );
}

#[test]
fn long_lists_are_folded_the_most_expensive_first() {
    let named = |n: u32, result, reason| off(&format!("c{n:03}"), Enabled, result, reason, n);
    let set = (1..=23).map(|n| named(n, FindingResult::Set, NEW));
    let failed = (24..=49).map(|n| named(n, FindingResult::Failed(denied()), NEW));
    let reported = (50..=80).map(|n| named(n, FindingResult::Reported, BEFORE));
    let text = message(RunKind::Sweep, [ecs(set.chain(failed).chain(reported).collect())]).body;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "(123456789012): c023: about 587 metrics, $176 a month c022:",
        "c004: about 112 metrics, $33.60 a month and 3 more: about 186 metrics, $55.80 a month Why: the cluster is new;",
        "c042, c043 and 6 more. ecs:UpdateClusterSettings: AccessDeniedException: User",
        "and 11 more: about",
        "Cost if the reported clusters were changed: about 50,747 custom metrics, $15,224 a month.",
    ] {
        assert!(words.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn each_new_finding_has_its_own_subject_once() {
    let unannounced = Finding { unannounced: true, ..compliant(1).next().unwrap() };
    let silent = Finding { silent: true, ..compliant(1).next().unwrap() };
    let refused = || FindingResult::Unknown(Fault { operation: Operation::EksListAddons, ..denied() });
    let deleted = FindingResult::Conflict(vec!["alice (DeleteAddon)".to_owned()]);
    for (found, platform, subject, severity) in [
        (silent, Platform::Ecs, "ECS: 1 on without metrics", "info"),
        (unannounced, Platform::Ecs, "ECS: 1 without an event", "info"),
        (
            finding("old", Disabled, FindingResult::Reported, BEFORE),
            Platform::Ecs,
            "ECS: 1 out of policy",
            "info",
        ),
        (
            finding("orders", Disabled, conflict(), "why"),
            Platform::Ecs,
            "CONFLICT over Container Insights of orders",
            "warning",
        ),
        (default(None, refused(), "x"), Platform::Ecs, "ECS: account default denied", "warning"),
        (
            default(Some(Disabled), conflict(), "x"),
            Platform::Ecs,
            "CONFLICT over account default in eu-west-1",
            "warning",
        ),
        (logs("payments", FindingResult::Reported), Platform::Eks, "EKS: 1 out of policy", "info"),
        (logs("payments", FindingResult::Blocked), Platform::Eks, "EKS: 1 blocked", "info"),
        (logs("payments", refused()), Platform::Eks, "EKS: 1 denied", "info"),
        (
            logs("payments", FindingResult::Overdue),
            Platform::Eks,
            "EKS: 1 still updating after an hour",
            "warning",
        ),
        (logs("payments", deleted), Platform::Eks, "CONFLICT over control-plane-logs of payments", "warning"),
    ] {
        let mut found = found;
        found.mark_news(None);
        let first = message(RunKind::Sweep, [on(platform, "eu-west-1", vec![found.clone()])]);
        assert_eq!(
            (first.subject.as_str(), first.attributes["severity"].value().as_str()),
            (subject, severity)
        );
        let last = found.clone();
        found.mark_news(Some(&last));
        no_message(on(platform, "eu-west-1", vec![found]));
    }
}

/// Actions and failures are notified each time.
#[test]
fn actions_have_their_own_subject_each_time() {
    let acted = |result: FindingResult| default(Some(Disabled), result, "x");
    for (found, platform, subject) in [
        (off("shop", Enabled, FindingResult::Set, NEW, 1), Platform::Ecs, "ECS: 1 set"),
        (acted(FindingResult::Set), Platform::Ecs, "ECS: account default set"),
        (logs("payments", FindingResult::Set), Platform::Eks, "EKS: 1 set"),
        (
            logs("payments", FindingResult::Failed(denied())),
            Platform::Eks,
            "FAILED to set control-plane-logs of payments",
        ),
    ] {
        let message = message(RunKind::Sweep, [on(platform, "eu-west-1", vec![found])]);
        assert_eq!(message.subject, subject);
    }
}

#[test]
fn account_defaults_that_are_alike_are_one_sentence() {
    let set = |region| {
        let found = default(Some(Disabled), FindingResult::Set, "it is below its policy");
        ecs_in(region, vec![Finding { change: Some(moved(Disabled, Enabled)), ..found }])
    };
    let left = |region| {
        ecs_in(region, vec![default(Some(Disabled), FindingResult::Left, "its policy is leave (built-in)")])
    };
    let unread = default(None, FindingResult::Unknown(denied()), "the current state could not be read");
    let outcomes = [
        set("eu-west-1"),
        set("us-east-1"),
        ecs_in("us-west-2", vec![unread]),
        left("eu-north-1"),
        left("eu-south-1"),
    ];
    let text = message(RunKind::Sweep, outcomes).body;
    for part in [
        "SET account default: disabled -> enabled, in eu-west-1 (123456789012),\n  us-east-1 (123456789012).\n",
        "COULD NOT BE READ: account default in us-west-2 (123456789012).\n",
        "The account default of Container Insights is disabled in eu-north-1\n",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn a_change_that_lowers_the_cost_saves() {
    let size = ClusterSize { services: 40, task_families: 40, tasks: 1, containers: 1 };
    let set = Finding {
        cost: Some(Cost::Metrics(estimate(Enabled, Enhanced, &size))),
        change: Some(moved(Enabled, Enhanced)),
        ..finding("shop", Enabled, FindingResult::Set, "its policy is at-least-enhanced")
    };
    let text = message(RunKind::Sweep, [ecs(vec![set])]).body;
    assert!(text.contains("  shop: saves about $"), "{text}");
}

#[test]
fn untrusted_text_cannot_end_a_line() {
    let by = vec!["evil\nSET disabled -> enabled".to_owned()];
    let found = finding("shop", Disabled, FindingResult::Conflict(by), "a\nb");
    let text = message(RunKind::Sweep, [ecs(vec![Finding { news: true, ..found }])]).body;
    assert!(
        text.contains("  Reverted by evil SET disabled -> enabled.") && text.contains("Why: a b."),
        "{text}"
    );
}

#[test]
fn a_rollback_always_has_a_message_and_a_subject_about_its_platforms() {
    let complies = || compliant(1).collect::<Vec<_>>();
    let left = || vec![eks("payments", Aspect::AwsLogging, FindingResult::Left, "x")];
    let one = |result| vec![eks("payments", Aspect::AwsLogging, result, "x")];
    for (outcomes, subject) in [
        (vec![of_eks(Vec::new())], "EKS: nothing to roll back"),
        (vec![of_eks(left())], "EKS: nothing to roll back"),
        (vec![of_eks(one(FindingResult::RolledBack))], "EKS: 1 rolled back"),
        (vec![of_eks(one(FindingResult::Skipped))], "EKS: 1 skipped"),
        (vec![of_eks(one(FindingResult::Unknown(denied())))], "EKS: 1 denied"),
        (vec![of_eks(one(FindingResult::Failed(denied())))], "FAILED to roll back aws-logging of payments"),
        (vec![dry(of_eks(Vec::new()))], "Dry run: nothing would be rolled back"),
        (
            vec![dry(of_eks(one(FindingResult::WouldSet)))],
            "Dry run: would roll back aws-logging of 1 cluster",
        ),
        (vec![ecs(complies())], "ECS: nothing to roll back"),
        (vec![of_eks(left()), ecs(complies())], "ECS, EKS: nothing to roll back"),
    ] {
        assert!(message(RunKind::Rollback, outcomes).subject.ends_with(subject), "{subject}");
    }
}

/// Issue 13, point 1: a change by another event or run does not wait for a limit.
#[test]
fn a_change_under_way_elsewhere_is_left_and_not_reported_as_waiting() {
    let why = "another run is changing it right now";
    let under_way = finding("orders", Disabled, FindingResult::UnderWay, why);
    let set = Finding {
        change: Some(moved(Disabled, Enabled)),
        ..finding("shop", Disabled, FindingResult::Set, NEW)
    };
    let body = message(RunKind::Sweep, [ecs(vec![under_way.clone(), set])]).body;
    assert!(body.contains(why), "{body}");
    assert!(!body.contains("max-changes") && !body.contains("WAITS"), "{body}");
    no_message(ecs(vec![under_way]));
}

//! When there is a message, and what it says.

mod eks;
mod eks_to_do;
mod golden;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::alarm::BrokenTarget;
use crate::fault::{Fault, FaultKind};
use crate::insights::InsightsLevel::{Disabled, Enabled, Enhanced};
use crate::insights::{ClusterSize, InsightsLevel, estimate};
use crate::operation::Operation;
use crate::outcome::{Coverage, Outcome, OutcomeKind, Reconciled};
use crate::run::Part;
use crate::summary::words::WIDTH;

const NEW: &str = "it is new; its wish is at-least-enabled (built-in)";
const BATCH: &str = "its wish is hands-off (built-in)";
const TAG: &str = "its tag fargaze = hands-off says so";
const BEFORE: &str = "it was there before fargaze, and such clusters are only reported (existing: report); its wish is \
                      at-least-enabled (built-in)";

fn run(kind: RunKind) -> Run {
    let time: Timestamp = "2026-11-22T06:30:00Z".parse().unwrap();
    Run::new(kind, time, SignedDuration::from_mins(2), SignedDuration::from_mins(15), None)
}

fn finding(cluster: &str, level: InsightsLevel, result: InsightsResult, reason: &str) -> InsightsFinding {
    InsightsFinding {
        cluster: cluster.parse().unwrap(),
        level,
        result,
        reason: reason.to_owned(),
        cost: None,
        unannounced: false,
        silent: false,
        news: false,
    }
}

/// So many clusters that are right.
fn right(n: usize) -> impl Iterator<Item = InsightsFinding> {
    let reason = "it is enabled, and its wish is at-least-enabled (built-in)";
    (1..=n).map(move |n| finding(&format!("right-{n}"), Enabled, InsightsResult::Right, reason))
}

/// A cluster that is off, with what `result` would cost for so many services of two tasks each.
fn off(cluster: &str, result: InsightsResult, reason: &str, services: u32) -> InsightsFinding {
    let to = match &result {
        InsightsResult::Set(to) | InsightsResult::WouldSet(to) | InsightsResult::Waiting(to) => *to,
        _ => Enabled,
    };
    let tasks = 2 * services;
    let size = ClusterSize { services, task_families: services, tasks, containers: tasks };
    InsightsFinding {
        cost: Some(estimate(Disabled, to, &size)),
        ..finding(cluster, Disabled, result, reason)
    }
}

fn outcome(region: &str, insights: Vec<InsightsFinding>) -> Outcome {
    let target = Target {
        platform: crate::run::Platform::Ecs,
        account: "123456789012".parse().unwrap(),
        region: region.parse().unwrap(),
        part: Part::WHOLE,
        role: None,
    };
    let coverage =
        Coverage { clusters: insights.len(), clusters_seen: insights.len(), ..Coverage::default() };
    Outcome {
        target,
        coverage,
        kind: OutcomeKind::Reconciled(Reconciled { insights, ..Reconciled::default() }),
    }
}

/// The outcome with something else found or done.
fn but(outcome: Outcome, change: impl FnOnce(&mut Reconciled)) -> Outcome {
    let mut reconciled = outcome.reconciled().unwrap().clone();
    change(&mut reconciled);
    Outcome { kind: OutcomeKind::Reconciled(reconciled), ..outcome }
}

fn account_default(
    level: Option<InsightsLevel>,
    result: InsightsResult,
    reason: &str,
) -> AccountDefaultFinding {
    AccountDefaultFinding { level, result, reason: reason.to_owned(), news: false }
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

fn message(kind: RunKind, results: &[TargetResult]) -> Message {
    let message = sweep(&run(kind), results, &[]).unwrap();
    let is_command = |line: &str| ["    aws ", "    kubectl "].iter().any(|start| line.starts_with(start));
    let fits = |line: &str| line.chars().count() <= WIDTH || is_command(line);
    assert!(message.body.lines().all(fits), "{}", message.body);
    message
}

#[test]
fn nothing_to_do_is_no_message_but_a_sentence() {
    let quiet = results([outcome("eu-west-1", right(41).collect())]);
    assert_eq!(sweep(&run(RunKind::Sweep), &quiet, &[]), None);
    assert_eq!(nothing_to_do(&quiet), "nothing to do: 41 of 41 clusters are as wished");
}

#[test]
fn what_was_told_before_is_no_message_either() {
    let fight = InsightsResult::Fight(vec!["ci".to_owned()]);
    let known = [
        finding("AWSBatch-1", Disabled, InsightsResult::Left, BATCH),
        finding("old", Disabled, InsightsResult::Reported, BEFORE),
        finding("orders", Disabled, fight, "put back"),
    ];
    let mut quiet = results([outcome("eu-west-1", right(38).chain(known).collect())]);
    assert_eq!(sweep(&run(RunKind::Sweep), &quiet, &[]), None);
    assert_eq!(
        nothing_to_do(&quiet),
        "nothing to do: 38 of 41 clusters are as wished, 1 left alone, 1 reported before, 1 in a fight told before"
    );
    let TargetResult { target, .. } = quiet[0].clone();
    quiet.push(TargetResult { target, result: Err(denied()) });
    assert!(nothing_to_do(&quiet).ends_with(", and 1 target could not be seen, as told before"));
}

#[test]
fn many_of_a_kind_are_folded_the_dearest_first() {
    let named = |n: u32, result, reason| off(&format!("c{n:03}"), result, reason, n);
    let set = (1..=23).map(|n| named(n, InsightsResult::Set(Enabled), NEW));
    let failed = (24..=49).map(|n| named(n, InsightsResult::Failed(denied()), NEW));
    let reported = (50..=80).map(|n| named(n, InsightsResult::Reported, BEFORE));
    let found = set.chain(failed).chain(reported).collect();
    let text = message(RunKind::Sweep, &results([outcome("eu-west-1", found)])).body;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "(123456789012): c023: about 587 metrics, $176 a month c022:",
        "c004: about 112 metrics, $33.60 a month and 3 more: about 186 metrics, $55.80 a month Why: it is new;",
        "c042, c043 and 6 more. ecs:UpdateClusterSettings: AccessDeniedException: User",
        "c068, c069 and 11 more. Why: it was there before fargaze,",
        "What is left so, if it were set: about 50,747 custom metrics, $15,224 a month.",
    ] {
        assert!(words.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn each_piece_of_news_alone_is_a_message_with_its_own_subject() {
    let news = |mut finding: InsightsFinding, silent, unannounced| {
        (finding.silent, finding.unannounced, finding.news) = (silent, unannounced, true);
        outcome("eu-west-1", vec![finding])
    };
    let a_right_one = || right(1).next().unwrap();
    let by = vec!["ci".to_owned()];
    let with_default = |level, result, news| {
        let finding =
            AccountDefaultFinding { news, ..account_default(level, result, "account-default is enabled") };
        but(outcome("eu-west-1", Vec::new()), |found| found.account_default = Some(finding))
    };
    let about_default = "Container Insights: the account default";
    for (outcome, subject, severity) in [
        (news(a_right_one(), true, false), "Container Insights: 1 on, but silent", "info"),
        (news(a_right_one(), false, true), "Container Insights: 1 without an event", "info"),
        (
            news(finding("old", Disabled, InsightsResult::Reported, BEFORE), false, false),
            "Container Insights: 1 not as wished",
            "info",
        ),
        (
            news(finding("orders", Disabled, InsightsResult::Fight(by.clone()), "why"), false, false),
            "FIGHT over Container Insights of orders",
            "warning",
        ),
        (with_default(None, InsightsResult::Failed(denied()), true), about_default, "warning"),
        (with_default(Some(Disabled), InsightsResult::Set(Enabled), false), about_default, "info"),
        (with_default(Some(Disabled), InsightsResult::Fight(by), true), about_default, "warning"),
    ] {
        let message = message(RunKind::Sweep, &results([outcome]));
        assert_eq!(
            (message.subject.as_str(), message.attributes["severity"].value().as_str()),
            (subject, severity)
        );
    }
}

#[test]
fn account_defaults_that_are_alike_are_one_sentence() {
    let with = |region, level, result| {
        let finding = account_default(level, result, "account-default is enabled");
        but(outcome(region, Vec::new()), |found| found.account_default = Some(finding))
    };
    let outcomes = [
        with("eu-west-1", Some(Disabled), InsightsResult::Set(Enabled)),
        with("us-east-1", Some(Disabled), InsightsResult::Set(Enabled)),
        with("us-west-2", None, InsightsResult::Failed(denied())),
        with("eu-north-1", Some(Disabled), InsightsResult::Waiting(Enabled)),
    ];
    let text = message(RunKind::Sweep, &results(outcomes)).body;
    let expected = "\
ACCOUNT DEFAULT SET disabled -> enabled in eu-west-1 (123456789012), us-east-1
(123456789012).
  Why: account-default is enabled.

ACCOUNT DEFAULT COULD NOT BE READ in us-west-2 (123456789012).
  ecs:UpdateClusterSettings: AccessDeniedException: User is not authorized to
  perform this action (deploy the stack again, which gives its role the
  action; in another account grant it to the target's role, see
  docs/permissions.md).

ACCOUNT DEFAULT WAITS to go disabled -> enabled in eu-north-1 (123456789012).
  Why: account-default is enabled.
";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn what_becomes_cheaper_is_said_to_save() {
    let size = ClusterSize { services: 40, task_families: 40, tasks: 1, containers: 1 };
    let cost = Some(estimate(Enabled, Enhanced, &size));
    let set = finding("shop", Enabled, InsightsResult::Set(Enhanced), "its wish is at-least-enhanced");
    let text =
        message(RunKind::Sweep, &results([outcome("eu-west-1", vec![InsightsFinding { cost, ..set }])])).body;
    assert!(text.contains("  shop: saves about $"), "{text}");
}

#[test]
fn what_others_wrote_cannot_end_a_line() {
    let by = vec!["evil\nSET disabled -> enabled".to_owned()];
    let mut found = finding("shop", Disabled, InsightsResult::Fight(by), "a\nb");
    found.news = true;
    let text = message(RunKind::Sweep, &results([outcome("eu-west-1", vec![found])])).body;
    assert!(
        text.contains("  Put back by evil SET disabled -> enabled.") && text.contains("Why: a b."),
        "{text}"
    );
}

#[test]
fn a_dry_run_of_a_restore_says_what_would_be_put_back() {
    let found =
        finding("shop", Enabled, InsightsResult::WouldSet(Disabled), "it was disabled before fargaze");
    let dry = but(outcome("eu-west-1", vec![found]), |found| found.dry_run = true);
    let message = message(RunKind::Restore, &results([dry]));
    assert_eq!(message.subject, "Dry run: Container Insights of 1 cluster would be put back");
    assert!(message.body.contains("\nWOULD PUT BACK enabled -> disabled in eu-west-1"), "{}", message.body);
}

#[test]
fn what_cannot_be_seen_and_what_can_again_is_a_message_of_its_own() {
    let broken = BrokenTarget {
        name: "eu-west-1 (123456789012)".to_owned(),
        since: Timestamp::UNIX_EPOCH,
        told: true,
    };
    let quiet = results([outcome("eu-west-1", right(1).collect())]);
    for (change, subject, severity) in [
        (
            CoverageChange::Lost(broken.clone(), denied()),
            "CANNOT SEE eu-west-1 (123456789012): AccessDeniedException",
            "warning",
        ),
        (CoverageChange::Back(broken), "CAN SEE eu-west-1 (123456789012) again", "info"),
    ] {
        let message = sweep(&run(RunKind::Sweep), &quiet, &[change]).unwrap();
        assert_eq!(
            (message.subject.as_str(), message.attributes["severity"].value().as_str()),
            (subject, severity)
        );
    }
}

/// Issue 13, point 1: what another event or run changes right now waits for no limit.
#[test]
fn what_is_under_way_elsewhere_is_left_and_not_said_to_wait() {
    use InsightsLevel::{Disabled, Enabled};
    let under_way =
        finding("orders", Disabled, InsightsResult::UnderWay, "another run is changing it right now");
    let found = vec![under_way.clone(), finding("shop", Disabled, InsightsResult::Set(Enabled), "it is new")];
    let body = message(RunKind::Sweep, &results([outcome("eu-west-1", found)])).body;
    assert!(body.contains("another run is changing it right now"), "{body}");
    assert!(!body.contains("max-changes") && !body.contains("WAITS"), "{body}");
    assert!(sweep(&run(RunKind::Sweep), &results([outcome("eu-west-1", vec![under_way])]), &[]).is_none());
}

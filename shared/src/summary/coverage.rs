//! What could not be seen: in every message, and as news of its own when it begins and when it ends.

use jiff::{SignedDuration, Timestamp};

use super::TargetResult;
use super::words::{count, list, span, wrap};
use crate::alarm::BrokenTarget;
use crate::fault::{Fault, FaultKind};
use crate::message::harmless;
use crate::outcome::{CountedFault, Coverage};

/// How long a target may be out of sight for a passing reason (throttling, an outage) before it is told.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// How the sight of one target changed.
#[derive(Debug, Clone, PartialEq)]
pub enum CoverageChange {
    /// Remember that it cannot be seen, and say nothing yet: the reason may pass.
    Noticed(BrokenTarget),
    /// It cannot be seen: tell it, with the reason.
    Lost(BrokenTarget, Fault),
    /// It can be seen again; told if its loss was told.
    Back(BrokenTarget),
}

/// Compares what could not be seen in this run with what is remembered.
pub fn coverage_changes(
    now: Timestamp,
    results: &[TargetResult],
    known: &[BrokenTarget],
) -> Vec<CoverageChange> {
    results.iter().filter_map(|result| coverage_change(now, result, known)).collect()
}

fn coverage_change(now: Timestamp, result: &TargetResult, known: &[BrokenTarget]) -> Option<CoverageChange> {
    let name = result.target.to_string();
    let known = known.iter().find(|broken| broken.name == name);
    let Some(fault) = worst_fault(result) else {
        return known.cloned().map(CoverageChange::Back);
    };
    let passing = matches!(fault.kind, FaultKind::Throttled | FaultKind::Transient);
    let broken = |since, told| BrokenTarget { name: name.clone(), since, told };
    match known {
        None if passing => Some(CoverageChange::Noticed(broken(now, false))),
        None => Some(CoverageChange::Lost(broken(now, true), fault.clone())),
        Some(BrokenTarget { told: false, since, .. })
            if !passing || now.duration_since(*since) >= PATIENCE =>
        {
            Some(CoverageChange::Lost(broken(*since, true), fault.clone()))
        }
        Some(_) => None,
    }
}

/// The fault that a person must act on, before those that pass.
fn worst_fault(result: &TargetResult) -> Option<&Fault> {
    match &result.result {
        Err(fault) => Some(fault),
        Ok(outcome) => {
            let faults = || outcome.coverage.faults.iter().map(|counted| &counted.fault);
            let lasting = |fault: &&Fault| !matches!(fault.kind, FaultKind::Throttled | FaultKind::Transient);
            faults().find(lasting).or_else(|| faults().next())
        }
    }
}

/// News about coverage, for the head of a message.
pub(super) fn news(now: Timestamp, changes: &[CoverageChange]) -> String {
    let line = |change: &CoverageChange| match change {
        CoverageChange::Lost(broken, fault) => {
            let text = format!(
                "CANNOT SEE {}: {} ({}).",
                broken.name,
                harmless(&fault.to_string()),
                fault.kind.advice()
            );
            wrap(&text, 0)
        }
        CoverageChange::Back(broken) if broken.told => {
            wrap(&format!("CAN SEE {} again, after {}.", broken.name, span(broken.since, now)), 0)
        }
        CoverageChange::Back(_) | CoverageChange::Noticed(_) => String::new(),
    };
    changes.iter().map(line).collect()
}

/// Whether some change of coverage is to be told.
pub(super) fn is_news(changes: &[CoverageChange]) -> bool {
    changes.iter().any(|change| match change {
        CoverageChange::Lost(..) => true,
        CoverageChange::Back(broken) => broken.told,
        CoverageChange::Noticed(_) => false,
    })
}

/// What was looked at, and what could not be asked and why: the end of every message.
pub(super) fn paragraph(results: &[TargetResult]) -> String {
    let coverages: Vec<&Coverage> =
        results.iter().filter_map(|r| r.outcome()).map(|outcome| &outcome.coverage).collect();
    let sum = |field: fn(&Coverage) -> usize| coverages.iter().map(|coverage| field(coverage)).sum::<usize>();
    let (clusters, seen) = (sum(|c| c.clusters), sum(|c| c.clusters_seen));
    let mut text = format!("Looked at {seen} of {}", count(clusters, "cluster"));
    let targets = results.len();
    if targets > 1 {
        text.push_str(&format!(" in {} of {targets} targets", coverages.len()));
    }
    let services = sum(|c| c.services);
    if services > 0 {
        text.push_str(&format!(" with {}", count(services, "service")));
    }
    text.push('.');
    let metrics = sum(|c| c.metrics);
    if metrics > 0 {
        let (with, without) = (sum(|c| c.with_data), sum(|c| c.without_data));
        let (partial, unread) = (sum(|c| c.partial), sum(|c| c.unread));
        text.push_str(&format!(" Of {} asked, {with} had data", count(metrics, "metric")));
        for (n, what) in [(without, "had none"), (partial, "came in part"), (unread, "could not be read")] {
            if n > 0 {
                text.push_str(&format!(" and {n} {what}"));
            }
        }
        text.push('.');
    }
    let mut paragraph = wrap(&text, 0);
    for result in results {
        let faults = match &result.result {
            Err(fault) => vec![CountedFault { fault: fault.clone(), count: 1 }],
            Ok(outcome) => merged(&outcome.coverage.faults),
        };
        for CountedFault { fault, count } in faults.iter().take(10) {
            let times = if *count > 1 { format!(" ({count} times)") } else { String::new() };
            let place = &result.target;
            paragraph.push_str(&wrap(
                &format!("Could not ask in {place}: {}{times}.", harmless(&fault.to_string())),
                0,
            ));
        }
        if faults.len() > 10 {
            paragraph.push_str(&wrap(
                &format!("... and {} more reasons in {}.", faults.len() - 10, result.target),
                0,
            ));
        }
    }
    paragraph
}

/// Faults that differ in their subject alone as one: a hundred clusters denied are one sentence.
fn merged(faults: &[CountedFault]) -> Vec<CountedFault> {
    let mut groups = Vec::<(Fault, Vec<&str>, usize)>::new();
    for CountedFault { fault, count } in faults {
        let same = |(other, ..): &&mut (Fault, Vec<&str>, usize)| {
            (&other.operation, &other.code, &other.message) == (&fault.operation, &fault.code, &fault.message)
        };
        match groups.iter_mut().find(same) {
            Some((_, subjects, sum)) => {
                subjects.push(&fault.subject);
                *sum += count;
            }
            None => groups.push((fault.clone(), vec![&fault.subject], *count)),
        }
    }
    let merged = groups.into_iter().map(|(fault, subjects, count)| {
        let subject = list(subjects.into_iter().filter(|subject| !subject.is_empty()), 3);
        CountedFault { fault: Fault { subject, ..fault }, count }
    });
    let mut merged: Vec<CountedFault> = merged.collect();
    merged.sort_by_key(|counted| std::cmp::Reverse(counted.count));
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Part, Target};
    use crate::summary::words::WIDTH;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn failed(kind: FaultKind) -> TargetResult {
        let target = Target {
            account: "123456789012".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            part: Part::WHOLE,
            role: None,
        };
        let fault = Fault { kind, ..Fault::malformed("ecs:ListClusters", "", "no") };
        TargetResult { target, result: Err(fault) }
    }

    fn seen() -> TargetResult {
        let TargetResult { target, .. } = failed(FaultKind::Denied);
        let outcome = crate::outcome::Outcome {
            target: target.clone(),
            coverage: Coverage::default(),
            notices: Vec::new(),
            insights: Vec::new(),
            account_default: None,
            dry_run: false,
            snapshot: None,
        };
        TargetResult { target, result: Ok(outcome) }
    }

    #[test]
    fn a_denied_target_is_told_at_once_and_once() {
        let first = coverage_changes(at(0), &[failed(FaultKind::Denied)], &[]);
        let [CoverageChange::Lost(broken, _)] = &first[..] else { panic!("{first:?}") };
        assert!(news(at(0), &first).starts_with("CANNOT SEE eu-west-1 (123456789012): ecs:ListClusters"));
        assert!(
            coverage_changes(at(5), &[failed(FaultKind::Denied)], std::slice::from_ref(broken)).is_empty()
        );
        let back = coverage_changes(at(65), &[seen()], std::slice::from_ref(broken));
        assert_eq!(news(at(65), &back), "CAN SEE eu-west-1 (123456789012) again, after 1 hour 5 minutes.\n");
    }

    #[test]
    fn a_passing_reason_is_told_only_when_it_lasts() {
        let first = coverage_changes(at(0), &[failed(FaultKind::Throttled)], &[]);
        let [CoverageChange::Noticed(broken)] = &first[..] else { panic!("{first:?}") };
        assert!(!is_news(&first));
        assert!(
            coverage_changes(at(5), &[failed(FaultKind::Throttled)], std::slice::from_ref(broken)).is_empty()
        );
        assert!(is_news(&coverage_changes(
            at(10),
            &[failed(FaultKind::Throttled)],
            std::slice::from_ref(broken)
        )));
        assert!(!is_news(&coverage_changes(at(5), &[seen()], std::slice::from_ref(broken))));
    }

    #[test]
    fn faults_that_differ_in_their_subject_alone_are_one_sentence() {
        let fault = |subject: &str| CountedFault {
            fault: Fault::malformed("ecs:ListServices", subject, "no"),
            count: 1,
        };
        let mut result = seen();
        if let Ok(outcome) = &mut result.result {
            outcome.coverage.faults = ["a", "b", "c", "d", "e"].map(fault).to_vec();
        }
        let text = paragraph(&[result]).replace('\n', " ");
        assert!(
            text.contains("ecs:ListServices of a, b, c and 2 more: malformed answer: no (5 times)."),
            "{text}"
        );
        assert!(text.lines().all(|line| line.len() <= WIDTH || line.len() == text.len()));
    }
}

//! The results of a run's targets, and which targets became unreadable or readable again.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use crate::alarms::BrokenTarget;
use crate::evidence::coverage::{CountedFault, Coverage};
use crate::model::fault::Fault;
use crate::model::run::{RunKind, Target};
use crate::outcome::Outcome;
use crate::text::message::harmless;
use crate::text::words::{count, list, listed};

/// How long alarms runs and reports tolerate an unreadable target for a transient reason
/// (throttling, an outage) before it is notified. The next sweep is a day away and a rollback is
/// not repeated, so these notify at once.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// The maximum number of subjects that one fault names.
const NAMED: usize = 3;

/// How one target of the run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetResult {
    /// The target.
    pub target: Target,
    /// Its outcome, or why it has none.
    pub result: Result<Outcome, Fault>,
}

impl TargetResult {
    /// Its outcome, if any.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.result.as_ref().ok()
    }
}

/// How the readability of one target changed.
#[derive(Debug, Clone, PartialEq)]
pub enum CoverageChange {
    /// It cannot be read: remember it, but do not notify yet, because the reason may be transient.
    Noticed(BrokenTarget),
    /// It cannot be read: notify, with the reason.
    Lost(BrokenTarget, Fault),
    /// It can be read again: notify if its loss was notified.
    Back(BrokenTarget),
}

/// Compares the targets that could not be read in this run with those remembered for the same kind
/// of runs: runs about settings have other permissions than runs about metrics.
pub fn coverage_changes(
    kind: RunKind,
    now: Timestamp,
    results: &[TargetResult],
    known: &[BrokenTarget],
) -> Vec<CoverageChange> {
    results.iter().filter_map(|result| coverage_change(kind, now, result, known)).collect()
}

fn coverage_change(
    kind: RunKind,
    now: Timestamp,
    result: &TargetResult,
    known: &[BrokenTarget],
) -> Option<CoverageChange> {
    let name = result.target.to_string();
    let known = known.iter().find(|broken| broken.name == name);
    let Some(fault) = worst_fault(result) else {
        return known.cloned().map(CoverageChange::Back);
    };
    let passing = fault.kind.passes() && !kind.is_of_settings();
    let broken = |since, notified| BrokenTarget { name: name.clone(), since, notified };
    match known {
        None if passing => Some(CoverageChange::Noticed(broken(now, false))),
        None => Some(CoverageChange::Lost(broken(now, true), fault.clone())),
        Some(BrokenTarget { notified: false, since, .. })
            if !passing || now.duration_since(*since) >= PATIENCE =>
        {
            Some(CoverageChange::Lost(broken(*since, true), fault.clone()))
        }
        Some(_) => None,
    }
}

/// The most important fault: one that needs action, else a transient one.
pub(crate) fn worst_fault(result: &TargetResult) -> Option<&Fault> {
    match &result.result {
        Err(fault) => Some(fault),
        Ok(outcome) => {
            let faults = || outcome.coverage.faults.iter().map(|counted| &counted.fault);
            let lasting = |fault: &&Fault| !fault.kind.passes();
            faults().find(lasting).or_else(|| faults().next())
        }
    }
}

/// Merges faults that differ only in their subject, most frequent first: a hundred denied clusters
/// become one sentence.
pub(crate) fn merged(faults: &[CountedFault]) -> Vec<CountedFault> {
    let mut groups = Vec::<(Fault, Vec<String>, usize)>::new();
    for CountedFault { fault, count } in faults {
        let subject = harmless(&fault.subject);
        let same = |(other, ..): &&mut (Fault, Vec<String>, usize)| {
            (&other.operation, &other.code, &other.message) == (&fault.operation, &fault.code, &fault.message)
        };
        match groups.iter_mut().find(same) {
            Some((_, subjects, sum)) => {
                subjects.push(subject);
                *sum += count;
            }
            None => groups.push((fault.clone(), vec![subject], *count)),
        }
    }
    let merged = groups.into_iter().map(|(fault, subjects, count)| {
        // Faults of many queries may name the same cluster.
        let mut named = HashSet::new();
        let once = subjects.iter().map(String::as_str);
        let once = once.filter(|subject| !subject.is_empty() && named.insert(*subject));
        CountedFault { fault: Fault { subject: list(once, NAMED), ..fault }, count }
    });
    let mut merged: Vec<CountedFault> = merged.collect();
    merged.sort_by_key(|counted| std::cmp::Reverse(counted.count));
    merged
}

/// The total coverage of all targets, without faults.
pub(crate) fn total(results: &[TargetResult]) -> Coverage {
    let outcomes = results.iter().filter_map(TargetResult::outcome);
    outcomes.fold(Coverage::default(), |mut sum, Outcome { coverage, .. }| {
        sum.clusters += coverage.clusters;
        sum.clusters_seen += coverage.clusters_seen;
        sum.services += coverage.services;
        sum.metrics += coverage.metrics;
        sum.with_data += coverage.with_data;
        sum.without_data += coverage.without_data;
        sum.partial += coverage.partial;
        sum.unread += coverage.unread;
        sum
    })
}

/// ` with 310 services and 14 workloads.`, without zero counts.
pub(crate) fn with_subjects(services: usize, workloads: usize) -> String {
    let subjects = [(services, "service"), (workloads, "workload")];
    let subjects: Vec<String> =
        subjects.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| count(n, what)).collect();
    if subjects.is_empty() { ".".to_owned() } else { format!(" with {}.", subjects.join(" and ")) }
}

/// ` Of 620 metrics requested, 618 had data and 2 had none.`; empty if none was requested.
pub(crate) fn answers(coverage: &Coverage) -> String {
    let Coverage { metrics, with_data, without_data, partial, unread, .. } = *coverage;
    if metrics == 0 {
        return String::new();
    }
    let rest = [(without_data, "had none"), (partial, "arrived in part"), (unread, "could not be read")];
    let rest = rest.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
    let answers: Vec<String> = std::iter::once(format!("{with_data} had data")).chain(rest).collect();
    format!(" Of {} requested, {}.", count(metrics, "metric"), listed(&answers))
}

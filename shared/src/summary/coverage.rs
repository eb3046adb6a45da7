//! What could not be seen: in every message, and as news of its own when it begins and when it ends.

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::TargetResult;
use super::words::{count, hang, list, span, wrap};
use crate::alarm::BrokenTarget;
use crate::fault::Fault;
use crate::message::harmless;
use crate::outcome::{CountedFault, Coverage, Outcome};
use crate::run::{Platform, RunKind, Target};

/// How long a target of alarms and reports may be out of sight for a passing reason (throttling, an outage) before it is told.
/// The next sweep is a day away, and a restore is not repeated at all: they tell it at once.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// Changes, and reasons why something could not be asked, that a message tells.
const MOST: usize = 20;

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

/// The subject of a message that says only what can be seen again. Other targets may still be out of sight.
pub(super) fn seen_again(changes: &[CoverageChange]) -> String {
    let back = changes.iter().filter_map(|change| match change {
        CoverageChange::Back(broken) => Some(&broken.name),
        CoverageChange::Noticed(_) | CoverageChange::Lost(..) => None,
    });
    match &back.collect::<Vec<_>>()[..] {
        [] => "Nothing changed".to_owned(),
        [one] => format!("CAN SEE {one} again"),
        [one, rest @ ..] => format!("CAN SEE {one} and {} more again", rest.len()),
    }
}

/// Compares what could not be seen in this run with what is remembered of such runs: those about settings look with other
/// rights than those about metrics.
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
pub(super) fn worst_fault(result: &TargetResult) -> Option<&Fault> {
    match &result.result {
        Err(fault) => Some(fault),
        Ok(outcome) => {
            let faults = || outcome.coverage.faults.iter().map(|counted| &counted.fault);
            let lasting = |fault: &&Fault| !fault.kind.passes();
            faults().find(lasting).or_else(|| faults().next())
        }
    }
}

/// News about coverage, for the head of a message.
pub(super) fn news(now: Timestamp, changes: &[CoverageChange]) -> String {
    let line = |change: &CoverageChange| match change {
        CoverageChange::Lost(broken, fault) => {
            let text = format!("CANNOT SEE {}: {} ({}).", broken.name, in_words(fault), fault.advice());
            hang(&text)
        }
        CoverageChange::Back(broken) if broken.told => {
            wrap(&format!("CAN SEE {} again, after {}.", broken.name, span(broken.since, now)), 0)
        }
        CoverageChange::Back(_) | CoverageChange::Noticed(_) => String::new(),
    };
    let (told, more) = changes.split_at(changes.len().min(MOST));
    let mut text: String = told.iter().map(line).collect();
    if is_news(more) {
        text.push_str(&format!("... and the sight of {} changed.\n", count(more.len(), "more target")));
    }
    text
}

/// A fault whose parts are harmless, each by itself.
pub(super) fn in_words(Fault { operation, subject, kind, code, message }: &Fault) -> String {
    let [subject, code, message] = [subject, code, message].map(|text| harmless(text));
    let operation = operation.map_path(harmless);
    Fault { operation, subject, kind: *kind, code, message }.to_string()
}

/// Whether some change of coverage is to be told.
pub(super) fn is_news(changes: &[CoverageChange]) -> bool {
    changes.iter().any(|change| match change {
        CoverageChange::Lost(..) => true,
        CoverageChange::Back(broken) => broken.told,
        CoverageChange::Noticed(_) => false,
    })
}

/// What was looked at, and what could not be asked and why: the end of every message. What [`news`] told before in full
/// is told here in short.
pub(super) fn paragraph_after(results: &[TargetResult], told: &[CoverageChange]) -> String {
    let is_told = |place: &Target, fault: &Fault| {
        let is = |change: &CoverageChange| matches!(change, CoverageChange::Lost(broken, lost) if broken.name == place.to_string() && lost == fault);
        told.iter().take(MOST).any(is)
    };
    let reasons: Vec<(&Target, CountedFault)> = reasons(results).collect();
    let (shown, more) = reasons.split_at(reasons.len().min(MOST));
    let mut paragraph = wrap(&looked_at(results), 0);
    for (place, CountedFault { fault, count }) in shown {
        let times = if *count > 1 { format!(" ({count} times)") } else { String::new() };
        let (why, remedy) = if is_told(place, fault) {
            (format!("{}, see above", harmless(&fault.code)), String::new())
        } else {
            (in_words(fault), format!(" ({})", fault.advice()))
        };
        let text = format!("Could not ask {}: {}{times}{remedy}.", asked(place), harmless(&why));
        paragraph.push_str(&hang(&text));
    }
    if !more.is_empty() {
        paragraph.push_str(&format!("... and {}.\n", count(more.len(), "more reason")));
    }
    paragraph
}

fn asked(target: &Target) -> String {
    match target.platform {
        Platform::Ecs => format!("in {target}"),
        Platform::Eks => target.to_string(),
    }
}

/// `Looked at 41 of 43 clusters with 310 services. Of 620 metrics asked, 618 had data and 2 had none.`
fn looked_at(results: &[TargetResult]) -> String {
    let coverages: Vec<&Coverage> =
        results.iter().filter_map(|r| r.outcome()).map(|outcome| &outcome.coverage).collect();
    let sum = |field: fn(&Coverage) -> usize| coverages.iter().map(|coverage| field(coverage)).sum::<usize>();
    let (clusters, seen) = (sum(|c| c.clusters), sum(|c| c.clusters_seen));
    let (targets, targets_seen) = targets(results);
    if coverages.is_empty() && targets > 0 {
        return match targets {
            1 => "Looked at nothing: the only target could not be seen.".to_owned(),
            _ => format!("Looked at nothing: none of {targets} targets could be seen."),
        };
    }
    let mut text = format!("Looked at {seen} of {}", count(clusters, "cluster"));
    let of_eks = of_eks(results);
    match (clusters - of_eks.clusters, of_eks.clusters) {
        (_, 0) => {}
        (0, _) => text.push_str(" of EKS"),
        (ecs, eks) => text.push_str(&format!(" ({ecs} of ECS, {eks} of EKS)")),
    }
    if targets > 1 {
        text.push_str(&format!(" in {targets_seen} of {targets} targets"));
    }
    let (services, workloads) = (sum(|c| c.services) - of_eks.services, of_eks.services);
    let subjects = [(services, "service"), (workloads, "workload")];
    let subjects: Vec<String> =
        subjects.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| count(n, what)).collect();
    if !subjects.is_empty() {
        text.push_str(&format!(" with {}", subjects.join(" and ")));
    }
    text.push('.');
    let metrics = sum(|c| c.metrics);
    if metrics > 0 {
        let parts = [
            (sum(|c| c.without_data), "had none"),
            (sum(|c| c.partial), "came in part"),
            (sum(|c| c.unread), "could not be read"),
        ];
        let rest = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
        let parts: Vec<String> =
            std::iter::once(format!("{} had data", sum(|c| c.with_data))).chain(rest).collect();
        let told = match parts.split_last() {
            Some((last, first)) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
            _ => parts.concat(),
        };
        text.push_str(&format!(" Of {} asked, {told}.", count(metrics, "metric")));
    }
    text
}

/// Number of targets, and of those that were seen. One of EKS without a cluster is there only because nobody said that there is
/// none, and is not worth a word.
fn targets(results: &[TargetResult]) -> (usize, usize) {
    let idle = |result: &&TargetResult| {
        let coverage = result.outcome().map(|outcome| &outcome.coverage);
        result.target.platform == Platform::Eks
            && coverage.is_some_and(|coverage| coverage.clusters == 0 && coverage.is_complete())
    };
    let idle = results.iter().filter(idle).count();
    let seen = results.iter().filter(|result| result.outcome().is_some()).count();
    if idle == results.len() { (results.len(), seen) } else { (results.len() - idle, seen - idle) }
}

/// Clusters of EKS, and their workloads where services are counted.
fn of_eks(results: &[TargetResult]) -> Coverage {
    let of_eks = results.iter().filter(|result| result.target.platform == Platform::Eks);
    of_eks.filter_map(TargetResult::outcome).fold(Coverage::default(), |mut sum, outcome| {
        sum.clusters += outcome.coverage.clusters;
        sum.services += outcome.coverage.services;
        sum
    })
}

/// Why something could not be asked, target by target.
fn reasons(results: &[TargetResult]) -> impl Iterator<Item = (&Target, CountedFault)> {
    results.iter().flat_map(|result| {
        let faults = match &result.result {
            Err(fault) => vec![CountedFault { fault: fault.clone(), count: 1 }],
            Ok(outcome) => merged(&outcome.coverage.faults),
        };
        faults.into_iter().map(|fault| (&result.target, fault))
    })
}

/// What was looked at, for the JSON of a message.
pub(super) fn json(results: &[TargetResult]) -> Value {
    let mut sum = Coverage::default();
    let seen = results.iter().filter_map(TargetResult::outcome);
    for Outcome { coverage, .. } in seen {
        sum.clusters += coverage.clusters;
        sum.clusters_seen += coverage.clusters_seen;
        sum.services += coverage.services;
        sum.metrics += coverage.metrics;
        sum.with_data += coverage.with_data;
        sum.without_data += coverage.without_data;
        sum.partial += coverage.partial;
        sum.unread += coverage.unread;
    }
    let reasons: Vec<Value> =
        reasons(results).map(|(target, counted)| fault_json(target, &counted)).collect();
    json!({
        "targets": targets(results).0,
        "targets_seen": targets(results).1,
        "clusters": sum.clusters,
        "clusters_seen": sum.clusters_seen,
        "services": sum.services - of_eks(results).services,
        "workloads": of_eks(results).services,
        "metrics": sum.metrics,
        "with_data": sum.with_data,
        "without_data": sum.without_data,
        "partial": sum.partial,
        "unread": sum.unread,
        "faults": reasons[..reasons.len().min(MOST)],
        "more": reasons.len().saturating_sub(MOST),
    })
}

fn fault_json(target: &Target, CountedFault { fault, count }: &CountedFault) -> Value {
    json!({
        "account": target.account,
        "region": target.region,
        "platform": target.platform,
        "part": target.part_name(),
        "operation": fault.operation,
        "subject": fault.subject,
        "kind": fault.kind,
        "code": fault.code,
        "message": fault.message,
        "count": count,
    })
}

/// Targets that were lost and that are back, for the JSON of a message.
pub(super) fn changes_json(changes: &[CoverageChange]) -> [(String, Value); 2] {
    let lost = changes.iter().filter_map(|change| match change {
        CoverageChange::Lost(broken, fault) => Some(json!({
            "target": broken.name,
            "since": broken.since,
            "operation": fault.operation,
            "kind": fault.kind,
            "code": fault.code,
            "message": fault.message,
        })),
        CoverageChange::Back(_) | CoverageChange::Noticed(_) => None,
    });
    let back = changes.iter().filter_map(|change| match change {
        CoverageChange::Back(broken) if broken.told => {
            Some(json!({ "target": broken.name, "since": broken.since }))
        }
        _ => None,
    });
    [("lost".to_owned(), lost.collect()), ("back".to_owned(), back.collect())]
}

/// Faults that differ in their subject alone as one: a hundred clusters denied are one sentence.
fn merged(faults: &[CountedFault]) -> Vec<CountedFault> {
    let mut groups = Vec::<(Fault, Vec<String>, usize)>::new();
    for CountedFault { fault, count } in faults {
        let same = |(other, ..): &&mut (Fault, Vec<String>, usize)| {
            (&other.operation, &other.code, &other.message) == (&fault.operation, &fault.code, &fault.message)
        };
        match groups.iter_mut().find(same) {
            Some((_, subjects, sum)) => {
                subjects.push(harmless(&fault.subject));
                *sum += count;
            }
            None => groups.push((fault.clone(), vec![harmless(&fault.subject)], *count)),
        }
    }
    let merged = groups.into_iter().map(|(fault, subjects, count)| {
        let subject = list(subjects.iter().map(String::as_str).filter(|subject| !subject.is_empty()), 3);
        CountedFault { fault: Fault { subject, ..fault }, count }
    });
    let mut merged: Vec<CountedFault> = merged.collect();
    merged.sort_by_key(|counted| std::cmp::Reverse(counted.count));
    merged
}

//! Coverage: what could not be read is part of every message, and a notification of its own when it
//! begins and ends.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::evidence::coverage::{CountedFault, Coverage};
use crate::model::fault::Fault;
use crate::model::run::{Platform, Target};
pub(super) use crate::outcome::worst_fault;
use crate::outcome::{CoverageChange, TargetResult, answers, merged, total, with_subjects};
use crate::text::message::harmless;
use crate::text::words::{count, hang, list, span, wrap};

/// Most changes, and most reasons for failed queries, that a message shows.
const MOST: usize = 20;

/// The subject of a message that only reports targets that are readable again. Other targets may
/// still be unreadable.
pub(super) fn readable_again(changes: &[CoverageChange]) -> String {
    let back = changes.iter().filter_map(|change| match change {
        CoverageChange::Back(broken) => Some(&broken.name),
        CoverageChange::Noticed(_) | CoverageChange::Lost(..) => None,
    });
    match &back.collect::<Vec<_>>()[..] {
        [] => "Nothing changed".to_owned(),
        [one] => format!("CAN READ {one} again"),
        [one, rest @ ..] => format!("CAN READ {one} and {} more again", rest.len()),
    }
}

/// Notifications about coverage, for the top of a message.
pub(super) fn notifications(now: Timestamp, changes: &[CoverageChange]) -> String {
    let (shown, more) = changes.split_at(changes.len().min(MOST));
    let mut text: String = lost(shown).iter().map(|group| cannot_read(group)).collect();
    for change in shown {
        if let CoverageChange::Back(broken) = change
            && broken.notified
        {
            let text_of = format!("CAN READ {} again, after {}.", broken.name, span(broken.since, now));
            text.push_str(&wrap(&text_of, 0));
        }
    }
    if has_notifications(more) {
        text.push_str(&format!("... and the coverage of {} changed.\n", count(more.len(), "more target")));
    }
    text
}

/// Targets that became unreadable; those with the same cause share a group.
fn lost(changes: &[CoverageChange]) -> Vec<Vec<(&str, &Fault)>> {
    let mut groups: Vec<Vec<(&str, &Fault)>> = Vec::new();
    for change in changes {
        let CoverageChange::Lost(broken, fault) = change else { continue };
        let same = |other: &Fault| {
            (&other.operation, other.kind, &other.code, other.advice())
                == (&fault.operation, fault.kind, &fault.code, fault.advice())
        };
        let lost = (broken.name.as_str(), fault);
        match groups.iter_mut().find(|group| group.first().is_some_and(|(_, other)| same(other))) {
            Some(group) => group.push(lost),
            None => groups.push(vec![lost]),
        }
    }
    groups
}

fn cannot_read(group: &[(&str, &Fault)]) -> String {
    let Some((_, fault)) = group.first() else { return String::new() };
    let names = list(group.iter().map(|(name, _)| *name), MOST);
    // Messages of one cause differ by the resource that they name.
    let of = if group.iter().all(|(_, other)| other.message == fault.message) { "" } else { "the first: " };
    hang(&format!("CANNOT READ {names}: {of}{} ({}).", in_words(fault), fault.advice()))
}

/// The fault in words, with each of its parts sanitized.
pub(super) fn in_words(Fault { operation, subject, kind, code, message }: &Fault) -> String {
    let [subject, code, message] = [subject, code, message].map(|text| harmless(text));
    let operation = operation.map_path(harmless);
    Fault { operation, subject, kind: *kind, code, message }.to_string()
}

/// Whether any change of coverage must be notified.
pub(super) fn has_notifications(changes: &[CoverageChange]) -> bool {
    changes.iter().any(|change| match change {
        CoverageChange::Lost(..) => true,
        CoverageChange::Back(broken) => broken.notified,
        CoverageChange::Noticed(_) => false,
    })
}

/// What was checked, and what could not be queried and why: the end of every message. Faults that
/// [`notifications`] has shown in full are shortened.
pub(super) fn paragraph_after(results: &[TargetResult], changes: &[CoverageChange]) -> String {
    let is_above = |place: &Target, fault: &Fault| {
        let is = |change: &CoverageChange| matches!(change, CoverageChange::Lost(broken, lost) if broken.name == place.to_string() && lost == fault);
        changes.iter().take(MOST).any(is)
    };
    let reasons: Vec<(&Target, CountedFault)> = reasons(results).collect();
    let (shown, more) = reasons.split_at(reasons.len().min(MOST));
    let mut paragraph = wrap(&checked(results), 0);
    for (place, CountedFault { fault, count }) in shown {
        let times = if *count > 1 { format!(" ({count} times)") } else { String::new() };
        let (why, remedy) = if is_above(place, fault) {
            (format!("{}, see above", harmless(&fault.code)), String::new())
        } else {
            (in_words(fault), format!(" ({})", fault.advice()))
        };
        let text = format!("Could not query {place}: {}{times}{remedy}.", harmless(&why));
        paragraph.push_str(&hang(&text));
    }
    if !more.is_empty() {
        paragraph.push_str(&format!("... and {}.\n", count(more.len(), "more reason")));
    }
    paragraph
}

/// `Checked 41 of 43 clusters with 310 services. Of 620 metrics requested, 618 had data and 2 had
/// none.`
fn checked(results: &[TargetResult]) -> String {
    let total = total(results);
    let Coverage { clusters, clusters_seen: seen, .. } = total;
    let (targets, targets_seen) = targets(results);
    if results.iter().all(|result| result.outcome().is_none()) && targets > 0 {
        return match targets {
            1 => "Checked nothing: the only target could not be read.".to_owned(),
            _ => format!("Checked nothing: none of {targets} targets could be read."),
        };
    }
    let mut text = format!("Checked {seen} of {}", count(clusters, "cluster"));
    let of_eks = of_eks(results);
    match (clusters - of_eks.clusters, of_eks.clusters) {
        (_, 0) => {}
        (0, _) => text.push_str(" (all EKS)"),
        (ecs, eks) => text.push_str(&format!(" ({ecs} ECS, {eks} EKS)")),
    }
    if targets > 1 {
        text.push_str(&format!(" in {targets_seen} of {targets} targets"));
    }
    text.push_str(&with_subjects(total.services - of_eks.services, of_eks.services));
    text.push_str(&answers(&total));
    text
}

/// Number of targets, and of those that were read. EKS targets without clusters are not counted:
/// they only exist because EKS is not turned off for them.
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

/// Numbers of EKS clusters and of their workloads, which `services` counts.
fn of_eks(results: &[TargetResult]) -> Coverage {
    let of_eks = results.iter().filter(|result| result.target.platform == Platform::Eks);
    of_eks.filter_map(TargetResult::outcome).fold(Coverage::default(), |mut sum, outcome| {
        sum.clusters += outcome.coverage.clusters;
        sum.services += outcome.coverage.services;
        sum
    })
}

/// Why queries failed, target by target.
fn reasons(results: &[TargetResult]) -> impl Iterator<Item = (&Target, CountedFault)> {
    results.iter().flat_map(|result| {
        let faults = match &result.result {
            Err(fault) => vec![CountedFault { fault: fault.clone(), count: 1 }],
            Ok(outcome) => merged(&outcome.coverage.faults),
        };
        faults.into_iter().map(|fault| (&result.target, fault))
    })
}

/// Coverage for the JSON of a message.
pub(super) fn json(results: &[TargetResult]) -> Value {
    let sum = total(results);
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

/// Targets that became unreadable or readable again, for the JSON of a message.
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
        CoverageChange::Back(broken) if broken.notified => {
            Some(json!({ "target": broken.name, "since": broken.since }))
        }
        _ => None,
    });
    [("lost".to_owned(), lost.collect()), ("back".to_owned(), back.collect())]
}

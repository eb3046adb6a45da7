//! What could not be seen: in every message, and as news of its own when it begins and when it ends.

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
use crate::text::words::{count, hang, span, wrap};

/// Changes, and reasons why something could not be asked, that a message tells.
const MOST: usize = 20;

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

/// News about coverage, for the head of a message.
pub(super) fn news(now: Timestamp, changes: &[CoverageChange]) -> String {
    let line = |change: &CoverageChange| match change {
        CoverageChange::Lost(broken, fault) => {
            let text = format!("CANNOT SEE {}: {} ({}).", broken.name, in_words(fault), fault.advice());
            hang(&text)
        }
        CoverageChange::Back(broken) if broken.notified => {
            wrap(&format!("CAN SEE {} again, after {}.", broken.name, span(broken.since, now)), 0)
        }
        CoverageChange::Back(_) | CoverageChange::Noticed(_) => String::new(),
    };
    let (notified, more) = changes.split_at(changes.len().min(MOST));
    let mut text: String = notified.iter().map(line).collect();
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
        CoverageChange::Back(broken) => broken.notified,
        CoverageChange::Noticed(_) => false,
    })
}

/// What was looked at, and what could not be asked and why: the end of every message. What [`news`] told before in full
/// is told here in short.
pub(super) fn paragraph_after(results: &[TargetResult], notified: &[CoverageChange]) -> String {
    let is_told = |place: &Target, fault: &Fault| {
        let is = |change: &CoverageChange| matches!(change, CoverageChange::Lost(broken, lost) if broken.name == place.to_string() && lost == fault);
        notified.iter().take(MOST).any(is)
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
    let total = total(results);
    let Coverage { clusters, clusters_seen: seen, .. } = total;
    let (targets, targets_seen) = targets(results);
    if results.iter().all(|result| result.outcome().is_none()) && targets > 0 {
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
    text.push_str(&with_subjects(total.services - of_eks.services, of_eks.services));
    text.push_str(&answers(&total));
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
        CoverageChange::Back(broken) if broken.notified => {
            Some(json!({ "target": broken.name, "since": broken.since }))
        }
        _ => None,
    });
    [("lost".to_owned(), lost.collect()), ("back".to_owned(), back.collect())]
}

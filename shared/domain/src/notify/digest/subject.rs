//! The subject of a digest: the most urgent first, because it may be all that is read.

use super::super::words::list;
use super::super::{CoverageChange, RuleLine, coverage};
use super::{PlacedNotice, Sections, label};
use crate::alarms::{Notice, NoticeKind};
use crate::model::run::Platform;
use crate::model::subject::{Subject, TaskOwner, Workload};
use crate::report::counted;
use crate::text::message::harmless;

/// Most subjects without data that are named.
const MOST_NAMED: usize = 3;
/// Longest subject line; a longer one would be cut within a name.
const MOST: usize = 99;

pub(super) fn subject(sections: &Sections<'_>, changes: &[CoverageChange], rules: &[RuleLine]) -> String {
    let more = |notices: &[PlacedNotice<'_>]| match notices.len() - 1 {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    let Sections { began, blind, no_data, ended, reminders } = sections;
    match &began[..] {
        [] => {}
        [one] => return format!("ALARM {} {}", shortly(one.notice), place(one)),
        several => return all_of(&format!("ALARM {} alarms", several.len()), several),
    }
    let lost = changes.iter().filter_map(|change| match change {
        CoverageChange::Lost(broken, fault) => Some((broken, fault)),
        _ => None,
    });
    match &lost.collect::<Vec<_>>()[..] {
        [] => {}
        [(broken, fault)] => return format!("CANNOT READ {}: {}", broken.name, fault.code),
        [(broken, fault), rest @ ..] => {
            return format!("CANNOT READ {} and {} more: {}", broken.name, rest.len(), fault.code);
        }
    }
    if let Some(PlacedNotice { notice, .. }) = blind.first() {
        let subject = short_with_cluster(&notice.subject);
        return format!("CANNOT EVALUATE {subject}: {}{}", notice.rule, more(blind));
    }
    if !no_data.is_empty() {
        // All rules on one service lack data together: name it once.
        let mut names: Vec<String> = no_data.iter().map(|placed| short(&placed.notice.subject)).collect();
        names.sort_unstable();
        names.dedup();
        let names = list(names.iter().map(String::as_str), MOST_NAMED);
        let region = &no_data[0].target.region;
        let is_one = no_data.iter().all(|placed| placed.target.region == *region);
        return if is_one {
            format!("NO DATA from {names} in {region}")
        } else {
            format!("NO DATA from {names}")
        };
    }
    match rules {
        [] => {}
        [one] if one.applies_to_nothing() => {
            return format!("CHECK RULE {}: it matches nothing", one.rule);
        }
        [one] => return format!("CHECK RULE {}: it has no data", one.rule),
        several => return format!("CHECK RULES: {}", counted(several).join(", ")),
    }
    if let Some(over) = over(ended) {
        return over;
    }
    match reminders.first() {
        Some(PlacedNotice { notice, .. }) => {
            let subject = short_with_cluster(&notice.subject);
            format!("STILL {}{}", valued(subject, ": ", notice), more(reminders))
        }
        None => coverage::readable_again(changes),
    }
}

/// Alarms that are over. Only those that are OK now are called and counted OK.
fn over(notices: &[PlacedNotice<'_>]) -> Option<String> {
    let of = |kind: NoticeKind| notices.iter().filter(move |placed| placed.notice.kind() == kind);
    let kinds = [NoticeKind::Ended, NoticeKind::SeenAgain, NoticeKind::Deleted];
    let mut there = kinds.into_iter().filter(|kind| of(*kind).next().is_some());
    let kind = there.next()?;
    let first = of(kind).next()?.notice;
    let (subject, rule) = (short_with_cluster(&first.subject), &first.rule);
    let words = match kind {
        NoticeKind::SeenAgain => format!("EVALUATED AGAIN {subject}: {rule} {}", label::state(first.to)),
        NoticeKind::Deleted => format!("NO LONGER EVALUATED {subject}: {rule}"),
        _ => format!("OK {subject}: {rule} ended"),
    };
    let more = match of(kind).count() - 1 {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    let others = there.map(|kind| {
        let count = of(kind).count();
        if kind == NoticeKind::SeenAgain {
            format!("; {count} evaluated again")
        } else {
            format!("; {count} no longer evaluated")
        }
    });
    Some(format!("{words}{more}{}", others.collect::<String>()))
}

/// `ALARM 3 alarms: shop/web memory 93 %, shop/api CPU 91 %, ...`: as many as fit, and at least
/// one.
fn all_of(head: &str, notices: &[PlacedNotice<'_>]) -> String {
    let etc = ", ...";
    let mut subject = String::new();
    for (i, PlacedNotice { notice, .. }) in notices.iter().enumerate() {
        let separator = if i == 0 { ": " } else { ", " };
        let next = format!("{separator}{}", valued(short(&notice.subject), " ", notice));
        let room = if i + 1 == notices.len() { MOST } else { MOST - etc.len() };
        if i > 0 && head.len() + subject.chars().count() + next.chars().count() > room {
            subject.push_str(etc);
            break;
        }
        subject.push_str(&next);
    }
    format!("{head}{subject}")
}

/// The subject, with the names of task families and workloads sanitized; other names are letters
/// and digits.
pub(super) fn name(subject: &Subject) -> String {
    match subject {
        Subject::TaskFamily(cluster, family) => {
            Subject::TaskFamily(cluster.clone(), harmless(family)).to_string()
        }
        Subject::Task(cluster, owner, id) => {
            Subject::Task(cluster.clone(), plain(owner), harmless(id)).to_string()
        }
        Subject::Container(cluster, owner, name) => {
            Subject::Container(cluster.clone(), plain(owner), harmless(name)).to_string()
        }
        Subject::Workload(cluster, workload) => {
            Subject::Workload(cluster.clone(), sanitized(workload)).to_string()
        }
        Subject::LogGroup(name) => Subject::LogGroup(harmless(name)).to_string(),
        Subject::Account | Subject::Cluster(_) | Subject::Service(..) => subject.to_string(),
    }
}

fn plain(owner: &TaskOwner) -> TaskOwner {
    match owner {
        TaskOwner::Service(service) => TaskOwner::Service(service.clone()),
        TaskOwner::Family(family) => TaskOwner::Family(harmless(family)),
    }
}

fn sanitized(Workload { namespace, kind, name }: &Workload) -> Workload {
    let [namespace, kind, name] = [namespace, kind, name].map(|text| harmless(text));
    Workload { namespace, kind, name }
}

/// The subject, short enough for a phone: a workload by namespace and name only.
fn short(subject: &Subject) -> String {
    match subject.workload().map(sanitized) {
        Some(Workload { namespace, name, .. }) => format!("{namespace}/{name}"),
        None => name(subject),
    }
}

/// The short subject, but a workload with its cluster, because `shop/web` might also be a service.
fn short_with_cluster(subject: &Subject) -> String {
    match subject {
        Subject::Workload(cluster, _) => format!("{} on EKS {cluster}", short(subject)),
        _ => short(subject),
    }
}

/// The short form of its place.
fn place(PlacedNotice { target, notice, .. }: &PlacedNotice<'_>) -> String {
    match (target.platform, &notice.subject) {
        (Platform::Eks, Subject::Workload(cluster, _)) => format!("on EKS {cluster} in {}", target.region),
        (Platform::Eks, _) => format!("on EKS in {}", target.region),
        (Platform::Ecs, _) => format!("in {}", target.region),
    }
}

/// `shop/web: memory 93.1 %`, `payments shop/deployment/web: 2 pods crash-looping`
pub(super) fn headline(notice: &Notice) -> String {
    valued(name(&notice.subject), ": ", notice)
}

fn shortly(notice: &Notice) -> String {
    valued(short(&notice.subject), ": ", notice)
}

/// The subject, followed by the worst value if anything was evaluated.
fn valued(subject: String, separator: &str, notice: &Notice) -> String {
    match notice.evaluation() {
        Some(evaluation) => format!("{subject}{separator}{}", label::worst(notice, evaluation)),
        None => subject,
    }
}

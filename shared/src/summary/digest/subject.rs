//! The subject of a digest: what matters most, first, for it may be all that is read.

use super::super::words::list;
use super::super::{CoverageChange, RuleLine, rule_line};
use super::{News, Sections, label};
use crate::alarm::{Notice, NoticeKind};
use crate::message::harmless;
use crate::rule::{Subject, Workload};
use crate::run::Platform;

/// Subjects without data that are named.
const MOST_NAMED: usize = 3;
/// Longest subject; what is longer would be cut within a name.
const MOST: usize = 99;

pub(super) fn subject(sections: &Sections<'_>, changes: &[CoverageChange], rules: &[RuleLine]) -> String {
    let more = |news: &[News<'_>]| match news.len() - 1 {
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
        [(broken, fault)] => return format!("CANNOT SEE {}: {}", broken.name, fault.code),
        [(broken, fault), rest @ ..] => {
            return format!("CANNOT SEE {} and {} more: {}", broken.name, rest.len(), fault.code);
        }
    }
    if let Some(News { notice, .. }) = blind.first() {
        return format!("CANNOT JUDGE {}: {}{}", short(&notice.subject), notice.rule, more(blind));
    }
    if !no_data.is_empty() {
        // The rules on one service lack data together: its name stands once.
        let mut names: Vec<String> = no_data.iter().map(|news| short(&news.notice.subject)).collect();
        names.sort_unstable();
        names.dedup();
        return format!("NO DATA from {}", list(names.iter().map(String::as_str), MOST_NAMED));
    }
    match rules {
        [] => {}
        [one] if one.applies_to_nothing() => {
            return format!("CHECK RULE {}: it applies to nothing", one.rule);
        }
        [one] => return format!("CHECK RULE {}: it has no data", one.rule),
        several => return format!("CHECK RULES: {}", rule_line::counted(several).join(", ")),
    }
    // Only what is OK now is called so.
    let is_ok = |news: &&News<'_>| news.notice.kind == NoticeKind::Ended;
    if let Some(News { notice, .. }) = ended.iter().find(is_ok).or(ended.first()) {
        let (head, what) = match notice.kind {
            NoticeKind::SeenAgain => ("JUDGED AGAIN", ""),
            NoticeKind::Gone => ("NO LONGER JUDGED", ""),
            _ => ("OK", " ended"),
        };
        return format!("{head} {}: {}{what}{}", short(&notice.subject), notice.rule, more(ended));
    }
    match reminders.first() {
        Some(first) => format!("STILL {}{}", shortly(first.notice), more(reminders)),
        None => "OK everything can be seen again".to_owned(),
    }
}

/// `ALARM 3 alarms: shop/web memory 93 %, shop/api CPU 91 %, ...`: as many as fit, and at least one.
fn all_of(head: &str, news: &[News<'_>]) -> String {
    let etc = ", ...";
    let mut subject = String::new();
    for (i, News { notice, .. }) in news.iter().enumerate() {
        let (name, what) = (short(&notice.subject), label::worst(notice));
        let separator = if i == 0 { ": " } else { ", " };
        let next = format!("{separator}{name} {what}");
        let room = if i + 1 == news.len() { MOST } else { MOST - etc.len() };
        if i > 0 && head.len() + subject.chars().count() + next.chars().count() > room {
            subject.push_str(etc);
            break;
        }
        subject.push_str(&next);
    }
    format!("{head}{subject}")
}

/// The subject without what hides in the name of a task family or workload; others are letters and digits.
pub(super) fn name(subject: &Subject) -> String {
    let workload = subject.workload.as_ref().map(tamed);
    let task_family = subject.task_family.as_deref().map(harmless);
    Subject { task_family, workload, ..subject.clone() }.to_string()
}

fn tamed(Workload { namespace, kind, name }: &Workload) -> Workload {
    let [namespace, kind, name] = [namespace, kind, name].map(|text| harmless(text));
    Workload { namespace, kind, name }
}

/// The subject as short as a telephone shows it: a workload is told by its namespace and name.
fn short(subject: &Subject) -> String {
    match subject.workload.as_ref().map(tamed) {
        Some(Workload { namespace, name, .. }) => format!("{namespace}/{name}"),
        None => name(subject),
    }
}

/// Where it is, as short.
fn place(News { target, notice }: &News<'_>) -> String {
    match (target.platform, &notice.subject.workload) {
        (Platform::Eks, Some(_)) => format!("on EKS {} in {}", notice.subject.cluster, target.region),
        (Platform::Eks, None) => format!("on EKS in {}", target.region),
        (Platform::Ecs, _) => format!("in {}", target.region),
    }
}

/// `shop/web: memory 93.1 %`, `payments shop/deployment/web: 2 pods crash-looping`
pub(super) fn headline(notice: &Notice) -> String {
    format!("{}: {}", name(&notice.subject), label::worst(notice))
}

fn shortly(notice: &Notice) -> String {
    format!("{}: {}", short(&notice.subject), label::worst(notice))
}

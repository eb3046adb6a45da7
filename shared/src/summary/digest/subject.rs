//! The subject of a digest: what matters most, first, for it may be all that is read.

use super::super::CoverageChange;
use super::{News, Sections};
use crate::alarm::{Notice, NoticeKind};
use crate::message::harmless;
use crate::metric::Unit;
use crate::rule::Subject;

/// Longest subject; what is longer would be cut within a name.
const MOST: usize = 99;

pub(super) fn subject(sections: &Sections<'_>, changes: &[CoverageChange]) -> String {
    let more = |news: &[News<'_>]| match news.len() - 1 {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    let Sections { began, blind, ended, reminders } = sections;
    match &began[..] {
        [] => {}
        [one] => return format!("ALARM {} in {}", headline(one.notice), one.target.region),
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
        return format!("CANNOT JUDGE {}: {}{}", name(&notice.subject), notice.rule, more(blind));
    }
    if let Some(News { notice, .. }) = ended.first() {
        let what = match notice.kind {
            NoticeKind::SeenAgain => "can be judged again",
            _ => "ended",
        };
        return format!("OK {}: {} {what}{}", name(&notice.subject), notice.rule, more(ended));
    }
    match reminders.first() {
        Some(first) => format!("STILL {}{}", headline(first.notice), more(reminders)),
        None => "OK everything can be seen again".to_owned(),
    }
}

/// `ALARM 3 alarms: shop/web memory 93 %, shop/api CPU 91 %, ...`: as many as fit, and at least one.
fn all_of(head: &str, news: &[News<'_>]) -> String {
    let etc = ", ...";
    let mut subject = String::new();
    for (i, News { notice, .. }) in news.iter().enumerate() {
        let Headline { subject: name, what } = Headline::of(notice);
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

/// The subject without what hides in the name of a task family; others are letters and digits.
pub(super) fn name(subject: &Subject) -> String {
    Subject { task_family: subject.task_family.as_deref().map(harmless), ..subject.clone() }.to_string()
}

/// `shop/web: memory 93.1 %`, `shop/web: 2 tasks missing`
pub(super) fn headline(notice: &Notice) -> String {
    let Headline { subject, what } = Headline::of(notice);
    format!("{subject}: {what}")
}

struct Headline {
    subject: String,
    what: String,
}

impl Headline {
    fn of(notice: &Notice) -> Self {
        let (subject, label) = (name(&notice.subject), harmless(&notice.label));
        let what = match notice.worst().map(|value| notice.unit.show(value)) {
            // `tasks missing` is no name of a metric.
            Some(value) if notice.unit == Unit::Count && label.starts_with("tasks ") => {
                let one = label.strip_prefix("tasks ").filter(|_| value == "1");
                let label = one.map_or_else(|| label.clone(), |rest| format!("task {rest}"));
                format!("{value} {label}")
            }
            Some(value) => format!("{label} {value}"),
            None if notice.values.is_empty() => label,
            None => format!("{label} has no data"),
        };
        Self { subject, what }
    }
}

//! The digest: which alarms began and ended, which could not be judged, and which go on; the worst first.

mod json;
mod label;
mod paragraphs;
#[cfg(test)]
pub(in crate::notify) mod samples;
mod subject;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::words::{clock, utc};
use super::{CoverageChange, RuleLine, TargetResult, add_places, attributes, coverage};
use crate::alarms::{Notice, NoticeKind, RuleChange};
use crate::model::run::{Run, Target};
use crate::outcome::Outcome;
use crate::rules::Severity;
use crate::text::message::{Attribute, Message};

/// One notice with its place.
#[derive(Clone, Copy)]
struct News<'a> {
    target: &'a Target,
    notice: &'a Notice,
}

/// All news of a run by what it is about, each the worst first.
#[derive(Default)]
struct Sections<'a> {
    began: Vec<News<'a>>,
    blind: Vec<News<'a>>,
    no_data: Vec<News<'a>>,
    /// Ended, seen again, or gone.
    ended: Vec<News<'a>>,
    reminders: Vec<News<'a>>,
}

/// The message of an alarms run; none if nothing changed that a person should hear of.
pub fn digest(
    run: &Run,
    results: &[TargetResult],
    changes: &[CoverageChange],
    rules: &[RuleChange],
) -> Option<Message> {
    let mut news: Vec<News<'_>> = results
        .iter()
        .filter_map(|result| result.outcome().map(|outcome| (&result.target, outcome)))
        .flat_map(|(target, outcome)| outcome.notices().iter().map(move |notice| News { target, notice }))
        .collect();
    let rules: Vec<RuleLine> = rules.iter().filter_map(due).collect();
    if news.is_empty() && rules.is_empty() && !coverage::is_news(changes) {
        return None;
    }
    news.sort_by(|a, b| {
        let key = |News { notice, .. }: &News<'_>| (notice.severity, Reverse(notice.at));
        key(a).cmp(&key(b)).then_with(|| {
            (&a.notice.subject, a.notice.kind(), &a.notice.rule).cmp(&(
                &b.notice.subject,
                b.notice.kind(),
                &b.notice.rule,
            ))
        })
    });
    let sections = Sections::of(&news);
    let mut body = coverage::news(run.time, changes);
    separate(&mut body);
    body.push_str(&paragraphs::began(&sections.began));
    let of_kind =
        |kind| sections.ended.iter().filter(|news| news.notice.kind() == kind).copied().collect::<Vec<_>>();
    let rest = [
        ("COULD NOT BE JUDGED", paragraphs::blind(run, &sections.blind)),
        ("NO DATA", paragraphs::no_data(run, &sections.no_data)),
        ("RULES WITHOUT DATA", paragraphs::rules(run, &rules, false)),
        ("RULES THAT APPLY TO NOTHING", paragraphs::rules(run, &rules, true)),
        ("ENDED", paragraphs::ended(&of_kind(NoticeKind::Ended))),
        ("JUDGED AGAIN", paragraphs::ended(&of_kind(NoticeKind::SeenAgain))),
        ("NO LONGER JUDGED", paragraphs::ended(&of_kind(NoticeKind::Gone))),
        ("STILL IN ALARM", paragraphs::reminders(run, &sections.reminders)),
    ];
    for (title, text) in rest {
        if !text.is_empty() {
            body.push_str(&format!("{title}\n{text}"));
            separate(&mut body);
        }
    }
    body.push_str(&coverage::paragraph_after(results, changes));
    body.push_str(&format!(
        "Run {}, about {} to {}.\n",
        run.id,
        utc(run.window.start),
        clock(run.window.end)
    ));
    let json = json::digest(run, results, &sections.in_order(), changes, &rules);
    let attributes = filters(run, results, &news, changes, &rules);
    Some(Message::new(&subject::subject(&sections, changes, &rules), &body, &json, attributes))
}

/// A rule that people are to be notified of.
fn due(change: &RuleChange) -> Option<RuleLine> {
    match change {
        RuleChange::Due(record) => Some(RuleLine::of(record)),
        RuleChange::Noticed(_) | RuleChange::Over(_) => None,
    }
}

/// Whether somebody has to do something.
fn is_open(kind: NoticeKind) -> bool {
    matches!(kind, NoticeKind::Began | NoticeKind::Blind | NoticeKind::NoData | NoticeKind::Reminder)
}

/// What filter policies may look at: the worst severity, and where there is news.
fn filters(
    run: &Run,
    results: &[TargetResult],
    news: &[News<'_>],
    changes: &[CoverageChange],
    rules: &[RuleLine],
) -> BTreeMap<String, Attribute> {
    let loudest =
        news.iter().filter(|news| is_open(news.notice.kind())).map(|news| news.notice.severity).min();
    let is_lost = changes.iter().any(|change| matches!(change, CoverageChange::Lost(..)));
    let unseen = if is_lost || !rules.is_empty() { Severity::Warning } else { Severity::Info };
    let severity = loudest.unwrap_or(unseen).min(unseen);
    let mut attributes = attributes(run, severity.as_str());
    // Of a target that was lost or is back only the name is known.
    let notified: BTreeSet<&str> = changes
        .iter()
        .filter_map(|change| match change {
            CoverageChange::Lost(broken, _) | CoverageChange::Back(broken) => Some(broken.name.as_str()),
            CoverageChange::Noticed(_) => None,
        })
        .collect();
    let targets = results.iter().map(|result| &result.target);
    let lost = targets.filter(|target| notified.contains(target.to_string().as_str()));
    add_places(&mut attributes, news.iter().map(|news| news.target).chain(lost));
    let clusters = news.iter().filter_map(|news| Some(news.notice.subject.cluster()?.to_string()));
    attributes.insert("cluster".to_owned(), clusters.collect());
    let owners = results.iter().filter_map(TargetResult::outcome).flat_map(Outcome::owners);
    attributes.insert("owner".to_owned(), owners.cloned().collect());
    attributes
}

impl<'a> Sections<'a> {
    fn of(news: &[News<'a>]) -> Self {
        let mut sections = Self::default();
        for &news in news {
            let section = match news.notice.kind() {
                NoticeKind::Began => &mut sections.began,
                NoticeKind::Blind => &mut sections.blind,
                NoticeKind::NoData => &mut sections.no_data,
                NoticeKind::Ended | NoticeKind::SeenAgain | NoticeKind::Gone => &mut sections.ended,
                NoticeKind::Reminder => &mut sections.reminders,
            };
            section.push(news);
        }
        sections
    }

    /// All of them as the message tells them.
    fn in_order(&self) -> Vec<News<'a>> {
        let Self { began, blind, no_data, ended, reminders } = self;
        [began, blind, no_data, ended, reminders].into_iter().flatten().copied().collect()
    }
}

fn separate(body: &mut String) {
    if !body.is_empty() {
        body.push('\n');
    }
}

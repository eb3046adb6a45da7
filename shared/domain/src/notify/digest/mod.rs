//! The digest: alarms that began, ended, could not be evaluated, or are still active; the most
//! severe first.

mod deaths;
mod json;
mod label;
mod logs;
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
use crate::logs::AskedQueries;
use crate::logs::excerpt::AlarmLogs;
use crate::model::run::{Run, Target};
use crate::model::subject::Subject;
use crate::outcome::Outcome;
use crate::rules::Severity;
use crate::text::message::{Attribute, Message};

/// A notice with its target.
#[derive(Clone, Copy)]
struct PlacedNotice<'a> {
    target: &'a Target,
    notice: &'a Notice,
    /// Its logs, if they were looked for.
    logs: Option<&'a AlarmLogs>,
}

/// What the logs of the targets say: of alarms that began, by target and id of the notice; and what
/// saved queries found that run with alarms.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DigestLogs {
    /// The logs of alarms.
    pub alarms: BTreeMap<(String, String), AlarmLogs>,
    /// The results of queries, with their targets.
    pub queries: Vec<(Target, AskedQueries)>,
}

/// All notices of a run by kind, each the most severe first.
#[derive(Default)]
struct Sections<'a> {
    began: Vec<PlacedNotice<'a>>,
    blind: Vec<PlacedNotice<'a>>,
    no_data: Vec<PlacedNotice<'a>>,
    /// Ended, evaluated again, or no longer evaluated.
    ended: Vec<PlacedNotice<'a>>,
    reminders: Vec<PlacedNotice<'a>>,
}

/// The message of an alarms run; `None` if there is nothing to notify.
pub fn digest(
    run: &Run,
    results: &[TargetResult],
    changes: &[CoverageChange],
    rules: &[RuleChange],
    logs: &DigestLogs,
) -> Option<Message> {
    let mut notices: Vec<PlacedNotice<'_>> = results
        .iter()
        .filter_map(|result| result.outcome().map(|outcome| (&result.target, outcome)))
        .flat_map(|(target, outcome)| {
            outcome.notices().iter().map(move |notice| {
                let logs = logs.alarms.get(&(target.to_string(), notice.id.clone()));
                PlacedNotice { target, notice, logs }
            })
        })
        .collect();
    let rules: Vec<RuleLine> = rules.iter().filter_map(due).collect();
    if notices.is_empty() && rules.is_empty() && !coverage::has_notifications(changes) {
        return None;
    }
    notices.sort_by(|a, b| {
        let key = |PlacedNotice { notice, .. }: &PlacedNotice<'_>| (notice.severity, Reverse(notice.at));
        key(a).cmp(&key(b)).then_with(|| {
            // What is about the account comes after what runs in it.
            let is_account = |placed: &PlacedNotice<'_>| placed.notice.subject == Subject::Account;
            (is_account(a), &a.notice.subject, a.notice.kind(), &a.notice.rule).cmp(&(
                is_account(b),
                &b.notice.subject,
                b.notice.kind(),
                &b.notice.rule,
            ))
        })
    });
    let sections = Sections::of(&notices);
    let mut body = coverage::notifications(run.time, changes);
    separate(&mut body);
    body.push_str(&paragraphs::began(&sections.began));
    let of_kind = |kind| {
        sections.ended.iter().filter(|placed| placed.notice.kind() == kind).copied().collect::<Vec<_>>()
    };
    let rest = [
        ("COULD NOT BE EVALUATED", paragraphs::blind(run, &sections.blind)),
        ("NO DATA", paragraphs::no_data(run, &sections.no_data)),
        ("RULES WITHOUT DATA", paragraphs::rules(run, &rules, false)),
        ("RULES THAT MATCH NOTHING", paragraphs::rules(run, &rules, true)),
        ("ENDED", paragraphs::ended(&of_kind(NoticeKind::Ended))),
        ("EVALUATED AGAIN", paragraphs::ended(&of_kind(NoticeKind::SeenAgain))),
        ("NO LONGER EVALUATED", paragraphs::ended(&of_kind(NoticeKind::Deleted))),
        ("STILL IN ALARM", paragraphs::reminders(run, &sections.reminders)),
        ("LOG QUERIES", logs::queries(&logs.queries)),
    ];
    for (title, text) in rest {
        if !text.is_empty() {
            body.push_str(&format!("{title}\n{text}"));
            separate(&mut body);
        }
    }
    body.push_str(&coverage::paragraph_after(results, changes));
    body.push_str(&format!(
        "Run {}, covering {} to {}.\n",
        run.id,
        utc(run.window.start),
        clock(run.window.end)
    ));
    let json = json::digest(run, results, &sections.in_order(), changes, &rules);
    let attributes = filters(run, results, &notices, changes, &rules);
    Some(Message::new(&subject::subject(&sections, changes, &rules), &body, &json, attributes))
}

/// The rule, if it is to be notified.
fn due(change: &RuleChange) -> Option<RuleLine> {
    match change {
        RuleChange::Due(record) => Some(RuleLine::of(record)),
        RuleChange::Noticed(_) | RuleChange::Over(_) => None,
    }
}

/// Whether a notice of this kind needs a person.
fn is_open(kind: NoticeKind) -> bool {
    matches!(kind, NoticeKind::Began | NoticeKind::Blind | NoticeKind::NoData | NoticeKind::Reminder)
}

/// Message attributes for filter policies: the highest severity, and the places of the notices.
fn filters(
    run: &Run,
    results: &[TargetResult],
    notices: &[PlacedNotice<'_>],
    changes: &[CoverageChange],
    rules: &[RuleLine],
) -> BTreeMap<String, Attribute> {
    let loudest = notices
        .iter()
        .filter(|placed| is_open(placed.notice.kind()))
        .map(|placed| placed.notice.severity)
        .min();
    let is_lost = changes.iter().any(|change| matches!(change, CoverageChange::Lost(..)));
    let unseen = if is_lost || !rules.is_empty() { Severity::Warning } else { Severity::Info };
    let severity = loudest.unwrap_or(unseen).min(unseen);
    let mut attributes = attributes(run, severity.as_str());
    // Coverage changes name their target, but do not contain it.
    let notified: BTreeSet<&str> = changes
        .iter()
        .filter_map(|change| match change {
            CoverageChange::Lost(broken, _) | CoverageChange::Back(broken) => Some(broken.name.as_str()),
            CoverageChange::Noticed(_) => None,
        })
        .collect();
    let targets = results.iter().map(|result| &result.target);
    let lost = targets.filter(|target| notified.contains(target.to_string().as_str()));
    add_places(&mut attributes, notices.iter().map(|placed| placed.target).chain(lost));
    let clusters = notices.iter().filter_map(|placed| Some(placed.notice.subject.cluster()?.to_string()));
    attributes.insert("cluster".to_owned(), clusters.collect());
    let owners = results.iter().filter_map(TargetResult::outcome).flat_map(Outcome::owners);
    attributes.insert("owner".to_owned(), owners.cloned().collect());
    attributes
}

impl<'a> Sections<'a> {
    fn of(notices: &[PlacedNotice<'a>]) -> Self {
        let mut sections = Self::default();
        for &placed in notices {
            let section = match placed.notice.kind() {
                NoticeKind::Began => &mut sections.began,
                NoticeKind::Blind => &mut sections.blind,
                NoticeKind::NoData => &mut sections.no_data,
                NoticeKind::Ended | NoticeKind::SeenAgain | NoticeKind::Deleted => &mut sections.ended,
                NoticeKind::Reminder => &mut sections.reminders,
            };
            section.push(placed);
        }
        sections
    }

    /// All notices in the order of the message.
    fn in_order(&self) -> Vec<PlacedNotice<'a>> {
        let Self { began, blind, no_data, ended, reminders } = self;
        [began, blind, no_data, ended, reminders].into_iter().flatten().copied().collect()
    }
}

fn separate(body: &mut String) {
    if !body.is_empty() {
        body.push('\n');
    }
}

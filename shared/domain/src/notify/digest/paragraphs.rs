//! The paragraphs of a digest, each of whole lines.

use std::collections::{BTreeMap, BTreeSet};

use super::super::console::alarm_link;
use super::super::spark::spark;
use super::super::words::{clock, count, hang, list, span, utc, wrap};
use super::super::{RuleLine, kubectl, place};
use super::News;
use super::label::{self, DEPLOYMENTS_FAILED, TASKS_FAILED, TASKS_MISSING};
use super::subject::{headline, name};
use crate::alarms::evaluate::AlarmState;
use crate::alarms::{Evaluation, Notice, NoticeKind};
use crate::model::run::Run;
use crate::model::subject::Subject;
use crate::rules::KubernetesMeasure;
use crate::text::message::harmless;

/// News of one kind that have a paragraph each.
const IN_FULL: usize = 20;
/// News of one kind that are told at all; the outcomes of the run and the JSON have more.
const TOLD: usize = 60;
/// Subjects that are named of a rule that could not be judged.
const MOST_NAMED: usize = 5;

/// Alarms that began.
pub(super) fn began(news: &[News<'_>]) -> String {
    let mut above = Above::default();
    let (in_full, rest) = news.split_at(news.len().min(IN_FULL));
    let mut text: String = in_full.iter().map(|news| begun(news, &mut above) + "\n").collect();
    let (in_short, more) = rest.split_at(rest.len().min(TOLD - IN_FULL));
    // The place stands above already if it is one.
    let is_one_place = news.iter().all(|other| other.target == news[0].target);
    for News { target, notice } in in_short {
        let severity = notice.severity.as_str().to_uppercase();
        let (since, rule) = (utc(notice.at), harmless(&notice.rule));
        let place = if is_one_place { String::new() } else { format!(", {}", self::place(target)) };
        text.push_str(&hang(&format!("{severity} {}{place}, since {since}. Rule {rule}.", headline(notice))));
    }
    text.push_str(&and_more(more.len(), 0));
    text + if rest.is_empty() { "" } else { "\n" }
}

fn and_more(n: usize, indent: usize) -> String {
    if n > 0 { wrap(&format!("... and {n} more in the outcomes of the run."), indent) } else { String::new() }
}

/// What stands above, and is not repeated.
#[derive(Default)]
struct Above<'a> {
    /// Advices, each with the subject that it stands under.
    advised: BTreeMap<&'a str, String>,
    /// Commands that make a context of kubectl.
    contexts: BTreeSet<String>,
}

/// One alarm in full.
fn begun<'a>(news: &News<'a>, Above { advised, contexts }: &mut Above<'a>) -> String {
    let News { target, notice } = news;
    let mut text = hang(&format!("{} {}", notice.severity.as_str().to_uppercase(), headline(notice)));
    let mut line = |line: &str| text.push_str(&wrap(line, 2));
    if let Some(evaluation) = notice.evaluation() {
        line(&crossed(evaluation));
        if evaluation.values.len() > 1 && evaluation.worst().is_some() {
            line(&window(evaluation));
        }
    }
    if let Some(why) = notice.why() {
        line(&harmless(why));
    }
    let place = crate::notify::words::capital(&place(target));
    line(&format!("{place}, since {}. Rule {}.", utc(notice.at), harmless(&notice.rule)));
    if let Some(late) = notice.late() {
        line(&format!("Held back until now because of {}.", harmless(&late.to_string())));
    }
    if let Some(message) = notice.evaluation().and_then(|evaluation| evaluation.message.as_deref()) {
        match advised.get(message) {
            Some(subject) => line(&format!("What to do: as for {subject} above.")),
            None => line(&harmless(message)),
        }
        advised.entry(message).or_insert_with(|| name(&notice.subject));
    }
    if let Some(link) = alarm_link(target, notice) {
        line(&link);
    }
    if let Some(command) = kubectl::look(target, notice) {
        // Each on one line, so that it can be copied.
        let context = kubectl::kubeconfig(target, notice).filter(|context| !contexts.contains(context));
        if let Some(context) = context {
            text.push_str(&format!("  First, once: {context}\n"));
            contexts.insert(context);
        }
        text.push_str(&format!("  Described: {command}\n"));
    }
    text
}

/// Why it fired, in one sentence.
fn crossed(evaluation: &Evaluation) -> String {
    let looked_at = evaluation.values.len();
    let limit = format!("{} {}", evaluation.comparison.words(), evaluation.unit.show(evaluation.threshold));
    let Some((worst, time)) = evaluation.worst_at() else {
        return match looked_at {
            0 => format!("Threshold: {limit}."),
            1 => format!("There was no data, which the rule counts as {limit}."),
            _ => format!(
                "None of the last {} had data, which the rule counts as {limit}.",
                periods(evaluation)
            ),
        };
    };
    let (worst, time) = (evaluation.unit.show(worst), clock(time));
    if looked_at == 1 && evaluation.source.is_none() && evaluation.label == TASKS_MISSING {
        return format!("No task runs, and {worst} should.");
    }
    if looked_at == 1 && evaluation.label == DEPLOYMENTS_FAILED {
        return "The newest deployment failed or is rolled back.".to_owned();
    }
    if looked_at == 1 && evaluation.label == TASKS_FAILED {
        return format!("{worst} failed since the check before; the rule fires {limit}.");
    }
    if looked_at == 1 && evaluation.label == KubernetesMeasure::MetricsServerDown.label() {
        return format!("The Metrics API did not answer at {time}.");
    }
    if looked_at == 1 {
        return format!("It was {worst} at {time}; the rule fires {limit}.");
    }
    let missing = evaluation.values.iter().filter(|value| value.is_none()).count();
    let gaps = if missing > 0 { format!("; {missing} had no data") } else { String::new() };
    let extreme = evaluation.comparison.extreme();
    let breaching = evaluation.breaching().count();
    format!(
        "{breaching} of the last {} were {limit}; {extreme} {worst} at {time}{gaps}.",
        periods(evaluation)
    )
}

/// `5 minutes`, `3 periods of 5 minutes`, `3 samples`
fn periods(evaluation: &Evaluation) -> String {
    if !evaluation.sampled_at.is_empty() {
        return count(evaluation.values.len(), "sample");
    }
    let (n, minutes) = (evaluation.values.len(), evaluation.period.seconds() / 60);
    if minutes == 1 { format!("{n} minutes") } else { format!("{n} periods of {minutes} minutes") }
}

/// The judged window in one line: `09:58 ▃[▅]·[▇█] 10:03 UTC; [ ] is over 80 %, · is no data.`
fn window(evaluation: &Evaluation) -> String {
    let (marks, each) = spark(evaluation);
    let (start, end) = (evaluation.begin(), evaluation.until);
    let limit = format!("{} {}", evaluation.comparison.words(), evaluation.unit.show(evaluation.threshold));
    let mut legend = vec![format!("[ ] is {limit}")];
    if marks.contains('·') {
        legend.push("· is no data".to_owned());
    }
    if each > 1 {
        legend.push(format!("each mark is the worst of {each} periods"));
    }
    format!("{} {marks} {}; {}.", start.strftime("%H:%M"), clock(end), legend.join(", "))
}

/// Alarms that could not be judged, one paragraph for each rule: one failing API spoils many.
pub(super) fn blind(run: &Run, news: &[News<'_>]) -> String {
    let (mut text, mut notified) = (String::new(), 0);
    let mut rest: Vec<&News<'_>> = news.iter().collect();
    while let Some(News { target, notice }) = rest.first() {
        let same = |other: &&News<'_>| other.notice.rule == notice.rule && other.target == *target;
        let (group, others): (Vec<&News<'_>>, Vec<&News<'_>>) = rest.iter().copied().partition(same);
        let names: Vec<String> = group.iter().map(|news| name(&news.notice.subject)).collect();
        let since = group.iter().filter_map(|news| news.notice.since).min().unwrap_or(notice.at);
        let why = notice.why().map(|why| format!(" {}.", harmless(why))).unwrap_or_default();
        let said = format!(
            "Rule {} on {}, for {}, {}: {}.{why}",
            harmless(&notice.rule),
            count(names.len(), "subject"),
            span(since, run.window.end),
            place(target),
            list(names.iter().map(String::as_str), MOST_NAMED),
        );
        if notified == TOLD {
            return text + &and_more(rest.len(), 2);
        }
        notified += 1;
        text.push_str(&wrap(&said, 2));
        rest = others;
    }
    text
}

/// Alarms without data, one paragraph for what lacks it together: the rules on one service do.
pub(super) fn no_data(run: &Run, news: &[News<'_>]) -> String {
    let (mut text, mut notified) = (String::new(), 0);
    let mut rest: Vec<&News<'_>> = news.iter().collect();
    while let Some(News { target, notice }) = rest.first() {
        if notified == TOLD {
            return text + &and_more(rest.len(), 2);
        }
        let same = |other: &&News<'_>| {
            (other.notice.why(), other.notice.since, is_closed(other.notice))
                == (notice.why(), notice.since, is_closed(notice))
                && other.target == *target
        };
        let (group, others): (Vec<&News<'_>>, Vec<&News<'_>>) = rest.iter().copied().partition(same);
        let names: BTreeSet<String> = group.iter().map(|news| name(&news.notice.subject)).collect();
        let rules: BTreeSet<String> = group.iter().map(|news| harmless(&news.notice.rule)).collect();
        let lasts = notice.since.map(|since| format!(" for {}", span(since, run.window.end)));
        let each = if names.len() > 1 { " each" } else { "" };
        let why = notice.why().map(|why| format!(" {}{each}.", harmless(why)));
        let said = format!(
            "{}: no data{}, {}.{} {} ({} {}).",
            list(names.iter().map(String::as_str), MOST_NAMED),
            lasts.unwrap_or_default(),
            place(target),
            why.unwrap_or_default(),
            consequence(group.len(), is_closed(notice)),
            if rules.len() == 1 { "rule" } else { "rules" },
            list(rules.iter().map(String::as_str), MOST_NAMED),
        );
        notified += 1;
        text.push_str(&wrap(&said, 2));
        rest = others;
    }
    text
}

/// Whether the missing data ended the alarm, as it does where no late point can come.
fn is_closed(notice: &Notice) -> bool {
    notice.from == AlarmState::Alarm && notice.to == AlarmState::InsufficientData
}

fn consequence(alarms: usize, closed: bool) -> String {
    let them = count(alarms, "alarm");
    match (closed, alarms) {
        (false, _) => format!("{them} cannot be evaluated"),
        (true, 1) => format!("{them} is closed; a new one begins if the problem is still there"),
        (true, _) => format!("{them} are closed; new ones begin if the problem is still there"),
    }
}

/// Rules without data, or those that apply to nothing, each with what to check.
pub(super) fn rules(run: &Run, lines: &[RuleLine], apply_to_nothing: bool) -> String {
    let lines: Vec<_> = lines.iter().filter(|line| line.applies_to_nothing() == apply_to_nothing).collect();
    let (notified, more) = lines.split_at(lines.len().min(TOLD));
    let paragraph = |line: &&RuleLine| {
        // On one line, so that it can be copied.
        let command =
            line.command().map(|command| format!("    List what exists: {command}\n")).unwrap_or_default();
        wrap(&line.sentences(run.time), 2) + &command
    };
    notified.iter().map(paragraph).collect::<String>() + &and_more(more.len(), 2)
}

/// Alarms that ended, one sentence each.
pub(super) fn ended(news: &[News<'_>]) -> String {
    let (notified, more) = news.split_at(news.len().min(TOLD));
    notified.iter().map(over).collect::<String>() + &and_more(more.len(), 2)
}

fn over(News { target, notice }: &News<'_>) -> String {
    // How long an alarm was on says nothing of when its subject went.
    let since = notice.since.filter(|_| notice.kind() != NoticeKind::Gone);
    let after = since.map(|since| format!(" after {}", span(since, notice.at))).unwrap_or_default();
    let now = match notice.kind() {
        NoticeKind::SeenAgain => format!("can be judged again and {}", label::stands(notice.to)),
        NoticeKind::Gone => {
            format!("is not judged any more (the {} or the rule is gone)", kind_of(&notice.subject))
        }
        _ => notice.evaluation().and_then(back).unwrap_or_else(|| "is OK again".to_owned()),
    };
    let (subject, rule) = (name(&notice.subject), harmless(&notice.rule));
    let place = place(target);
    wrap(&format!("{subject} {now}{after}, at {}, {place}. Rule {rule}.", clock(notice.at)), 2)
}

/// The newest value, which ended the alarm.
fn back(evaluation: &Evaluation) -> Option<String> {
    let newest = evaluation.values.iter().flatten().next_back()?;
    Some(label::back(evaluation, *newest))
}

fn kind_of(subject: &Subject) -> &'static str {
    match subject {
        Subject::Account => "account",
        Subject::Cluster(_) => "cluster",
        Subject::Service(..) => "service",
        Subject::TaskFamily(..) => "task family",
        Subject::Workload(..) => "workload",
    }
}

/// Alarms that go on.
pub(super) fn reminders(run: &Run, news: &[News<'_>]) -> String {
    let (notified, more) = news.split_at(news.len().min(TOLD));
    let in_full = |i: usize| i < IN_FULL;
    let notified = notified.iter().enumerate().map(|(i, news)| still(run, news, in_full(i)));
    notified.collect::<String>() + &and_more(more.len(), 2)
}

fn still(run: &Run, News { target, notice }: &News<'_>, in_full: bool) -> String {
    let lasts =
        notice.since.map(|since| format!(", for {}", span(since, run.window.end))).unwrap_or_default();
    let severity = notice.severity.as_str().to_uppercase();
    let rule = harmless(&notice.rule);
    let place = place(target);
    let mut text = wrap(&format!("{severity} {}{lasts}, {place}. Rule {rule}.", headline(notice)), 2);
    if in_full {
        if let Some(why) = notice.why() {
            text.push_str(&wrap(&harmless(why), 4));
        }
        text.extend(alarm_link(target, notice).map(|link| wrap(&link, 4)));
    }
    text
}

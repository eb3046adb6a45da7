//! The paragraphs of a digest, each made of whole lines.

use std::collections::{BTreeMap, BTreeSet};

use super::super::console::alarm_link;
use super::super::spark::spark;
use super::super::words::{clock, count, hang, list, span, utc, wrap};
use super::super::{RuleLine, kubectl, place};
use super::PlacedNotice;
use super::label::{self, DEPLOYMENTS_FAILED, TASKS_FAILED, TASKS_MISSING};
use super::subject::{headline, name};
use crate::alarms::evaluate::AlarmState;
use crate::alarms::{Evaluation, Notice, NoticeKind};
use crate::model::run::Run;
use crate::model::subject::Subject;
use crate::rules::KubernetesMeasure;
use crate::text::message::harmless;

/// Most notices of one kind with a paragraph each.
const IN_FULL: usize = 20;
/// Most notices of one kind in the message; the outcomes of the run and the JSON have the others.
const LISTED: usize = 60;
/// Most subjects that a paragraph names.
const MOST_NAMED: usize = 5;

/// Alarms that began.
pub(super) fn began(notices: &[PlacedNotice<'_>]) -> String {
    let mut above = Above::default();
    let (in_full, rest) = notices.split_at(notices.len().min(IN_FULL));
    let mut text: String = in_full.iter().map(|placed| begun(placed, &mut above) + "\n").collect();
    let (in_short, more) = rest.split_at(rest.len().min(LISTED - IN_FULL));
    // A single place is already named above.
    let is_one_place = notices.iter().all(|other| other.target == notices[0].target);
    for PlacedNotice { target, notice, .. } in in_short {
        let severity = notice.severity.as_str().to_uppercase();
        let (since, rule) = (utc(notice.at), harmless(&notice.rule));
        let place = if is_one_place { String::new() } else { format!(", {}", self::place(target)) };
        let late = held_back(notice).map(|sentence| format!(" {sentence}")).unwrap_or_default();
        let headline = headline(notice);
        text.push_str(&hang(&format!("{severity} {headline}{place}, since {since}. Rule {rule}.{late}")));
    }
    text.push_str(&and_more(more.len(), 0));
    text + if rest.is_empty() { "" } else { "\n" }
}

fn and_more(n: usize, indent: usize) -> String {
    if n > 0 { wrap(&format!("... and {n} more in the outcomes of the run."), indent) } else { String::new() }
}

/// What is already above and not repeated.
#[derive(Default)]
struct Above<'a> {
    /// Advice texts, each with the subject that it follows.
    advised: BTreeMap<&'a str, String>,
    /// Commands that create a kubectl context.
    contexts: BTreeSet<String>,
}

/// One alarm in full.
fn begun<'a>(placed: &PlacedNotice<'a>, Above { advised, contexts }: &mut Above<'a>) -> String {
    let PlacedNotice { target, notice, logs } = placed;
    let mut text = hang(&format!("{} {}", notice.severity.as_str().to_uppercase(), headline(notice)));
    let mut line = |line: &str| text.push_str(&wrap(line, 2));
    if let Some(evaluation) = notice.evaluation() {
        // Of counts of events the sentences below say more.
        if label::sum(evaluation).is_none() || notice.deaths().is_empty() {
            line(&crossed(evaluation));
        }
        if evaluation.values.len() > 1 && evaluation.worst().is_some() {
            line(&window(evaluation));
        }
    }
    for sentence in super::deaths::sentences(notice) {
        line(&sentence);
    }
    if let Some(why) = notice.why() {
        line(&harmless(why));
    }
    let place = crate::notify::words::capital(&place(target));
    line(&format!("{place}, since {}. Rule {}.", utc(notice.at), harmless(&notice.rule)));
    if let Some(late) = held_back(notice) {
        line(&late);
    }
    if let Some(message) = notice.evaluation().and_then(|evaluation| evaluation.message.as_deref()) {
        match advised.get(message) {
            Some(subject) => line(&format!("What to do: see {subject} above.")),
            None => line(&harmless(message)),
        }
        advised.entry(message).or_insert_with(|| name(&notice.subject));
    }
    if let Some(link) = alarm_link(target, notice) {
        line(&link);
    }
    if let Some(command) = kubectl::inspect(target, notice) {
        // Each on one line, so that it can be copied.
        let context = kubectl::kubeconfig(target, notice).filter(|context| !contexts.contains(context));
        if let Some(context) = context {
            text.push_str(&format!("  First, once: {context}\n"));
            contexts.insert(context);
        }
        text.push_str(&format!("  Inspect: {command}\n"));
    }
    if let Some(command) = super::deaths::inspect(target, notice) {
        text.push_str(&format!("  Inspect: {command}\n"));
    }
    if let Some(logs) = logs {
        text.push_str(&super::logs::of_alarm(target, logs));
    }
    text
}

/// Why people hear of it only now, in one sentence.
fn held_back(notice: &Notice) -> Option<String> {
    Some(format!("Held back until now because of {}.", harmless(&notice.late()?.to_string())))
}

/// Why it fired, in one sentence.
fn crossed(evaluation: &Evaluation) -> String {
    let checked = evaluation.values.len();
    let limit = format!("{} {}", evaluation.comparison.words(), evaluation.unit.show(evaluation.threshold));
    let Some((worst, time)) = evaluation.worst_at() else {
        return match checked {
            0 => format!("Threshold: {limit}."),
            1 => format!("There was no data, which the rule counts as {limit}."),
            _ => format!(
                "None of the last {} had data, which the rule counts as {limit}.",
                periods(evaluation)
            ),
        };
    };
    let (worst, time) = (evaluation.unit.show(worst), clock(time));
    if checked == 1 && evaluation.source.is_none() && evaluation.label == TASKS_MISSING {
        return format!("No tasks running; {worst} desired.");
    }
    if let Some(sum) = label::sum(evaluation) {
        let breaching = evaluation.breaching().count();
        let sum = evaluation.unit.show(sum);
        return format!("{sum} in the last {}, in {breaching} of them.", periods(evaluation));
    }
    if checked == 1 && evaluation.label == DEPLOYMENTS_FAILED {
        return "The newest deployment failed or is being rolled back.".to_owned();
    }
    if checked == 1 && evaluation.label == TASKS_FAILED {
        return format!("{worst} failed since the previous check; the rule fires on values {limit}.");
    }
    if checked == 1 && evaluation.label == KubernetesMeasure::MetricsServerDown.label() {
        return format!("The Metrics API did not answer at {time}.");
    }
    if checked == 1 {
        return format!("It was {worst} at {time}; the rule fires on values {limit}.");
    }
    let missing = evaluation.values.iter().filter(|value| value.is_none()).count();
    let gaps = if missing > 0 { format!("; {missing} had no data") } else { String::new() };
    let extreme = evaluation.comparison.extreme();
    let breaching = evaluation.breaching().count();
    let were = if breaching == 1 { "was" } else { "were" };
    format!(
        "{breaching} of the last {} {were} {limit}; {extreme} {worst} at {time}{gaps}.",
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

/// The evaluated window in one line: `09:58 ▃[▅]·[▇█] 10:03 UTC; [ ] is over 80 %, · is no data.`
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

/// Alarms that could not be evaluated, one paragraph for each rule: one failing API affects many.
pub(super) fn blind(run: &Run, notices: &[PlacedNotice<'_>]) -> String {
    let (mut text, mut shown) = (String::new(), 0);
    let mut rest: Vec<&PlacedNotice<'_>> = notices.iter().collect();
    while let Some(PlacedNotice { target, notice, .. }) = rest.first() {
        let same = |other: &&PlacedNotice<'_>| other.notice.rule == notice.rule && other.target == *target;
        let (group, others): (Vec<&PlacedNotice<'_>>, Vec<&PlacedNotice<'_>>) =
            rest.iter().copied().partition(same);
        let names: Vec<String> = group.iter().map(|placed| name(&placed.notice.subject)).collect();
        let since = group.iter().filter_map(|placed| placed.notice.since).min().unwrap_or(notice.at);
        let why = notice.why().map(|why| format!(" {}.", harmless(why))).unwrap_or_default();
        let sentence = format!(
            "Rule {} on {}, for {}, {}: {}.{why}",
            harmless(&notice.rule),
            count(names.len(), kind_of(&notice.subject)),
            span(since, run.window.end),
            place(target),
            list(names.iter().map(String::as_str), MOST_NAMED),
        );
        if shown == LISTED {
            return text + &and_more(rest.len(), 2);
        }
        shown += 1;
        text.push_str(&wrap(&sentence, 2));
        rest = others;
    }
    text
}

/// Alarms without data, one paragraph for those with the same cause and start, such as all rules on
/// one service.
pub(super) fn no_data(run: &Run, notices: &[PlacedNotice<'_>]) -> String {
    let (mut text, mut shown) = (String::new(), 0);
    let mut rest: Vec<&PlacedNotice<'_>> = notices.iter().collect();
    while let Some(PlacedNotice { target, notice, .. }) = rest.first() {
        if shown == LISTED {
            return text + &and_more(rest.len(), 2);
        }
        let same = |other: &&PlacedNotice<'_>| {
            (other.notice.why(), other.notice.since, is_closed(other.notice))
                == (notice.why(), notice.since, is_closed(notice))
                && other.target == *target
        };
        let (group, others): (Vec<&PlacedNotice<'_>>, Vec<&PlacedNotice<'_>>) =
            rest.iter().copied().partition(same);
        let names: BTreeSet<String> = group.iter().map(|placed| name(&placed.notice.subject)).collect();
        let rules: BTreeSet<String> = group.iter().map(|placed| harmless(&placed.notice.rule)).collect();
        let lasts = notice.since.map(|since| format!(" for {}", span(since, run.window.end)));
        let each = if names.len() > 1 { " each" } else { "" };
        let why = notice.why().map(|why| format!(" {}{each}.", harmless(why)));
        let sentence = format!(
            "{}: no data{}, {}.{} {} ({} {}).",
            list(names.iter().map(String::as_str), MOST_NAMED),
            lasts.unwrap_or_default(),
            place(target),
            why.unwrap_or_default(),
            consequence(group.len(), is_closed(notice)),
            if rules.len() == 1 { "rule" } else { "rules" },
            list(rules.iter().map(String::as_str), MOST_NAMED),
        );
        shown += 1;
        text.push_str(&wrap(&sentence, 2));
        rest = others;
    }
    text
}

/// Whether the missing data ended the alarm, which happens where no late point can arrive.
fn is_closed(notice: &Notice) -> bool {
    notice.from == AlarmState::Alarm && notice.to == AlarmState::InsufficientData
}

fn consequence(alarms: usize, closed: bool) -> String {
    let them = count(alarms, "alarm");
    match (closed, alarms) {
        (false, _) => format!("{them} cannot be evaluated"),
        (true, 1) => format!("{them} is closed; a new one begins if the problem persists"),
        (true, _) => format!("{them} are closed; new ones begin if the problem persists"),
    }
}

/// Rules without data, or those that match nothing, each with what to check.
pub(super) fn rules(run: &Run, lines: &[RuleLine], match_nothing: bool) -> String {
    let lines: Vec<_> = lines.iter().filter(|line| line.applies_to_nothing() == match_nothing).collect();
    let (shown, more) = lines.split_at(lines.len().min(LISTED));
    let paragraph = |line: &&RuleLine| {
        // On one line, so that it can be copied.
        let command = line
            .command()
            .map(|command| format!("    List existing metrics: {command}\n"))
            .unwrap_or_default();
        wrap(&line.sentences(run.time), 2) + &command
    };
    shown.iter().map(paragraph).collect::<String>() + &and_more(more.len(), 2)
}

/// Alarms that ended, one sentence each.
pub(super) fn ended(notices: &[PlacedNotice<'_>]) -> String {
    let (shown, more) = notices.split_at(notices.len().min(LISTED));
    shown.iter().map(over).collect::<String>() + &and_more(more.len(), 2)
}

fn over(PlacedNotice { target, notice, .. }: &PlacedNotice<'_>) -> String {
    // How long an alarm was active does not say when its subject was deleted.
    let since = notice.since.filter(|_| notice.kind() != NoticeKind::Deleted);
    let after = since.map(|since| format!(" after {}", span(since, notice.at))).unwrap_or_default();
    let now = match notice.kind() {
        NoticeKind::SeenAgain => format!("can be evaluated again{after} and {}", label::state(notice.to)),
        NoticeKind::Deleted => {
            format!("is no longer evaluated (the {} or the rule was deleted)", kind_of(&notice.subject))
        }
        _ => notice.evaluation().and_then(back).unwrap_or_else(|| "is OK again".to_owned()),
    };
    let (subject, rule) = (name(&notice.subject), harmless(&notice.rule));
    let after = if notice.kind() == NoticeKind::SeenAgain { "" } else { &after };
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
        Subject::Task(..) => "task",
        Subject::Container(..) => "container",
        Subject::Workload(..) => "workload",
        Subject::LogGroup(_) => "log group",
    }
}

/// Alarms that are still active.
pub(super) fn reminders(run: &Run, notices: &[PlacedNotice<'_>]) -> String {
    let (shown, more) = notices.split_at(notices.len().min(LISTED));
    let in_full = |i: usize| i < IN_FULL;
    let shown = shown.iter().enumerate().map(|(i, placed)| still(run, placed, in_full(i)));
    shown.collect::<String>() + &and_more(more.len(), 2)
}

fn still(run: &Run, PlacedNotice { target, notice, .. }: &PlacedNotice<'_>, in_full: bool) -> String {
    let lasts =
        notice.since.map(|since| format!(", for {}", span(since, run.window.end))).unwrap_or_default();
    let severity = notice.severity.as_str().to_uppercase();
    let rule = harmless(&notice.rule);
    let place = place(target);
    let mut text = wrap(&format!("{severity} {}{lasts}, {place}. Rule {rule}.", headline(notice)), 2);
    if in_full {
        for sentence in super::deaths::sentences(notice) {
            text.push_str(&wrap(&sentence, 4));
        }
        if let Some(why) = notice.why() {
            text.push_str(&wrap(&harmless(why), 4));
        }
        text.extend(alarm_link(target, notice).map(|link| wrap(&link, 4)));
    }
    text
}

//! The logs of an alarm, and the results of saved queries, in a digest.

use serde_json::{Value, json};

use super::super::coverage::in_words;
use super::super::place;
use super::super::words::{clock, count, size, span, wrap};
use crate::logs::AskedQueries;
use crate::logs::excerpt::{AlarmLogs, LogSearch};
use crate::logs::query::{LogLine, QueryFound, QueryResult};
use crate::model::run::Target;
use crate::text::links::logs_insights_link;
use crate::text::message::harmless;
use crate::text::sparkline::sparkline;

/// Characters of a line: the console has the rest.
const LONGEST: usize = 300;
/// Results of queries in a message.
const MOST: usize = 10;

/// The lines and the link of an alarm that began.
pub(super) fn of_alarm(target: &Target, logs: &AlarmLogs) -> String {
    let AlarmLogs { search, lines, of, fault } = logs;
    let mut text = String::new();
    if !lines.is_empty() {
        let of = harmless(of);
        let head = if of.is_empty() { "Newest lines:".to_owned() } else { format!("Last lines of {of}:") };
        text.push_str(&wrap(&head, 2));
        for line in lines {
            text.push_str(&wrap(&shown(line), 4));
        }
    }
    if let Some(fault) = fault {
        let why = harmless(&in_words(fault));
        text.push_str(&wrap(&format!("Its log lines could not be read: {why} ({}).", fault.advice()), 2));
    }
    if let Some(link) = search.as_ref().and_then(|search| link(target, search)) {
        text.push_str(&wrap(&format!("Logs: {link}"), 2));
    }
    text
}

pub(super) fn link(target: &Target, search: &LogSearch) -> Option<String> {
    logs_insights_link(&target.region, &search.groups, &search.query, (search.start, search.end))
}

/// `10:03:07 UTC Traceback ...`
fn shown(LogLine { at, text, .. }: &LogLine) -> String {
    let text = harmless(text);
    if text.trim().is_empty() {
        return "(an empty line)".to_owned();
    }
    let text = match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} ...", text[..end].trim_end()),
        None => text,
    };
    match at {
        Some(at) => format!("{} {text}", at.strftime("%H:%M:%S UTC")),
        None => text,
    }
}

/// The logs of an alarm as JSON.
pub(super) fn json(target: &Target, logs: &AlarmLogs) -> Value {
    let lines: Vec<Value> =
        logs.lines.iter().map(|line| json!({ "at": line.at, "text": harmless(&line.text) })).collect();
    json!({
        "link": logs.search.as_ref().and_then(|search| link(target, search)),
        "of": harmless(&logs.of),
        "lines": lines,
    })
}

/// What saved queries found that run with alarms; only those that found something.
pub(super) fn queries(of_targets: &[(Target, AskedQueries)]) -> String {
    let all =
        of_targets.iter().flat_map(|(target, asked)| asked.results.iter().map(move |one| (target, one)));
    let found: Vec<_> = all.filter_map(|(target, result)| Some((target, result, matched(result)?))).collect();
    let (shown, more) = found.split_at(found.len().min(MOST));
    let mut text: String = shown
        .iter()
        .map(|(target, result, (events, histogram))| {
            let strangers = match result.unattributed {
                0 => String::new(),
                rows => format!(" {} could not be attributed to a service or workload.", count(rows, "row")),
            };
            let sentence = format!(
                "{}: {} in {} in {} until {}, {}; {} scanned.{strangers}",
                harmless(&result.name),
                count(*events, "event"),
                count(result.groups.len(), "log group"),
                span(result.start, result.end),
                clock(result.end),
                place(target),
                size(result.bytes_scanned)
            );
            wrap(&sentence, 2) + &histogram.as_deref().map(|marks| wrap(marks, 4)).unwrap_or_default()
        })
        .collect();
    if !more.is_empty() {
        text.push_str(&wrap(
            &format!("... and {} in the objects logs/ of the run.", count(more.len(), "result")),
            2,
        ));
    }
    text
}

/// How many events matched, if any, and when.
fn matched(result: &QueryResult) -> Option<(usize, Option<String>)> {
    match &result.found {
        QueryFound::Answered { matched, histogram, .. } if *matched > 0 => {
            let marks = histogram.as_ref().map(|histogram| sparkline(&histogram.counts));
            Some((usize::try_from(*matched).unwrap_or(usize::MAX), marks))
        }
        _ => None,
    }
}

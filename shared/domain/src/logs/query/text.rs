//! The language of Logs Insights, as far as fargaze must understand a query to count its events by
//! period, or to show them.

use regex_lite::Regex;

use crate::rules::COUNT;

/// Field with the beginning of the name of a log stream: what comes before the task's id.
pub(super) const SOURCE: &str = "logsource";
/// Fields with pod and namespace in the name of a log stream that the router of EKS on Fargate
/// writes.
pub(super) const POD: &str = "logpod";
pub(super) const NAMESPACE: &str = "lognamespace";

/// Commands that select events, or give them fields. The first other one ends the selection.
const SELECTING: [&str; 5] = ["fields", "filter", "filterindex", "parse", "unnest"];

/// What distinguishes the subjects of a query within a log group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Split {
    /// Nothing: a group is a subject, or has one writer.
    Group,
    /// The stream of a container of ECS.
    Stream,
    /// The stream of a pod.
    Pod,
}

/// The commands of a query, separated by `|`. A `|` in a string, a regular expression, a field name
/// in backticks or a comment separates nothing.
pub(super) fn commands(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let (mut found, mut start, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'|' => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            b'#' => at += text[at..].find('\n').unwrap_or(text.len() - at),
            quote @ (b'"' | b'\'' | b'`') => at = end_of_literal(bytes, at, quote),
            b'/' if begins_regex(&text[start..at], bytes.get(at + 1)) => at = end_of_literal(bytes, at, b'/'),
            _ => {}
        }
        at += 1;
    }
    found.push(&text[start..]);
    found.into_iter().map(str::trim).filter(|command| !command.is_empty()).collect()
}

/// Where the literal that begins at `start` ends: its closing quote, or the end of the text.
fn end_of_literal(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

/// Whether a slash after `before` begins a regular expression, and is no division.
fn begins_regex(before: &str, next: Option<&u8>) -> bool {
    let trimmed = before.trim_end();
    let is_spaced = trimmed.len() < before.len() && next.is_some_and(|next| !next.is_ascii_whitespace());
    trimmed.ends_with("like") || trimmed.ends_with("=~") || keyword(before) == "parse" || is_spaced
}

/// The first word of a command, in lower case; empty for a comment.
fn keyword(command: &str) -> String {
    let lines = command.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let word = lines.unwrap_or_default().split(|c: char| !c.is_ascii_alphanumeric()).next();
    word.unwrap_or_default().to_ascii_lowercase()
}

/// Whether the query aggregates.
pub(super) fn has_stats(text: &str) -> bool {
    commands(text).into_iter().any(|command| keyword(command) == "stats")
}

/// The first commands of the query: those that select events.
pub(super) fn selection(text: &str) -> Vec<&str> {
    let commands = commands(text).into_iter();
    commands.take_while(|command| SELECTING.contains(&keyword(command).as_str())).collect()
}

/// Whether the query selects some of the events. One that does not counts everything.
pub fn selects(text: &str) -> bool {
    selection(text).into_iter().any(|command| keyword(command).starts_with("filter"))
}

/// The width of the bins of the first `stats`, in seconds; `None` without `bin()`.
pub fn bin_of(text: &str) -> Option<i64> {
    let stats = commands(text).into_iter().find(|command| keyword(command) == "stats")?;
    let bin = Regex::new(r"(?i)\bbin\(\s*(\d+)\s*(ms|[a-z])[a-z]*\s*\)").ok()?;
    let found = bin.captures(stats)?;
    let seconds = match found[2].to_ascii_lowercase().as_str() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    found[1].parse::<i64>().ok()?.checked_mul(seconds)
}

/// Whether the first `stats` tells log groups apart.
pub fn is_by_log(text: &str) -> bool {
    let stats = commands(text).into_iter().find(|command| keyword(command) == "stats").unwrap_or_default();
    let by = Regex::new(r"(?is)\sby\s(.*)$").ok().and_then(|by| Some(by.captures(stats)?[1].to_owned()));
    by.unwrap_or_default().split(',').any(|field| field.trim() == "@log")
}

/// Fields of the first `stats` whose values may be added up: counts and sums.
pub(super) fn additive(text: &str) -> Vec<String> {
    let stats = commands(text).into_iter().find(|command| keyword(command) == "stats").unwrap_or_default();
    let Ok(of) = Regex::new(r"(?i)\b(?:count|sum)\(([^()]|\([^()]*\))*\)(\s+as\s+`?([\w.@]+))?") else {
        return Vec::new();
    };
    let name = |found: regex_lite::Captures<'_>| {
        found.get(3).map_or_else(|| found[0].trim().to_owned(), |name| name.as_str().to_owned())
    };
    of.captures_iter(stats).map(name).collect()
}

/// The number of selected events by bins of so many seconds.
pub(super) fn histogram(text: &str, seconds: i64) -> String {
    joined(selection(text), &[&format!("stats count(*) as {COUNT} by bin({seconds}s)")])
}

/// The number of selected events by period and subject.
pub(super) fn counted(text: &str, seconds: i64, split: Split) -> String {
    let (parse, by) = match split {
        Split::Group => (None, String::new()),
        // What follows the last slash or hyphen is the task's id.
        Split::Stream => {
            (Some(format!(r"parse @logStream /^(?<{SOURCE}>.*)[\/-][^\/-]*$/")), format!("{SOURCE}, "))
        }
        Split::Pod => (
            Some(format!(r"parse @logStream /containers\.(?<{POD}>[^_]+)_(?<{NAMESPACE}>[^_]+)_/")),
            format!("{POD}, {NAMESPACE}, "),
        ),
    };
    let stats = format!("stats count(*) as {COUNT} by @log, {by}bin({seconds}s)");
    let more: Vec<&str> = parse.as_deref().into_iter().chain([stats.as_str()]).collect();
    joined(selection(text), &more)
}

/// The newest selected events. A query without a filter shows all.
pub fn lines_query(text: &str, limit: usize) -> String {
    let limit = format!("limit {limit}");
    joined(
        selection(text),
        &["fields @timestamp, @log, @logStream, @message", "sort @timestamp desc", &limit],
    )
}

fn joined(commands: Vec<&str>, more: &[&str]) -> String {
    let all: Vec<&str> = commands.into_iter().chain(more.iter().copied()).collect();
    all.join("\n| ")
}

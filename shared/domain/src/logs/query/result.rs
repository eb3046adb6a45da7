//! The result of a saved query: a table, a histogram over time, and the newest lines.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, QueryRow, is_bin, time};
use super::budget::Budget;
use super::plan::{Fate, Purpose, QueryRun};
use super::text;
use crate::evidence::coverage::{CountedFault, counted};
use crate::logs::Masks;
use crate::logs::mask::MASKED;
use crate::model::fault::Fault;

/// Most rows of a table that are kept.
const MOST_ROWS: usize = 50;
/// Most characters of a cell or a line that are kept.
const LONGEST: usize = 500;
/// Most lines that are kept.
const MOST_LINES: usize = 10;

/// Where a saved query could not look.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unqueryable {
    /// There is no log group at all: none matches, or nothing that it covers writes to one.
    Nothing,
    /// This log group does not exist.
    Missing(String),
    /// Logs Insights does not query groups of this one's class.
    Class(String),
}

/// The result of a saved query in one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryResult {
    /// Its name.
    pub name: String,
    /// What was sent.
    pub text: String,
    /// The log groups, by name.
    pub groups: BTreeSet<String>,
    /// First instant, inclusive.
    pub start: Timestamp,
    /// End, exclusive.
    pub end: Timestamp,
    /// What it was expected to scan.
    pub estimated_bytes: u64,
    /// What it scanned.
    pub bytes_scanned: u64,
    /// The answer.
    pub found: QueryFound,
    /// Rows that rules could not use, because they belong to no single known service or workload.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unattributed: usize,
    /// Why parts of it have no answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<CountedFault>,
}

/// The answer to a saved query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueryFound {
    /// It was answered, at least in part.
    Answered {
        /// Events that matched.
        matched: u64,
        /// Its rows; `None` if they are only counts over time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        table: Option<ResultTable>,
        /// Counts over time; `None` if the text has no bins of counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        histogram: Option<Histogram>,
        /// The newest lines, newest first, with secrets masked.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lines: Vec<LogLine>,
    },
    /// The month's budget does not allow it.
    Refused(Budget),
    /// There is no answer.
    Unanswered,
}

/// A table of values as text, with secrets masked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultTable {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The first rows.
    pub rows: Vec<Vec<String>>,
    /// Rows that were left out.
    pub more: usize,
}

/// Counts over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Start of the first bin.
    pub start: Timestamp,
    /// Width of a bin, in seconds.
    pub bin_seconds: i64,
    /// The counts, oldest first.
    pub counts: Vec<f64>,
}

/// A log line, with secrets masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was written; `None` if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Its log group; empty for a line of a pod.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The line.
    pub text: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// A query with its answer, or why it has none.
type Answered<'a> = (&'a QueryRun, &'a Result<Answer, Fault>);

/// The results of a target's queries by saved query, in the order of the file. A saved query may
/// have been run in several parts.
pub fn merge(queries: &[(QueryRun, Result<Answer, Fault>, Fate)], masks: &Masks) -> Vec<QueryResult> {
    let mut names: Vec<&str> = Vec::new();
    for (query, ..) in queries {
        if !names.contains(&query.name.as_str()) {
            names.push(&query.name);
        }
    }
    let result = |name: &&str| {
        let parts: Vec<&(QueryRun, Result<Answer, Fault>, Fate)> =
            queries.iter().filter(|(query, ..)| query.name == *name).collect();
        result_of(&parts, masks)
    };
    names.iter().filter_map(result).collect()
}

fn result_of(parts: &[&(QueryRun, Result<Answer, Fault>, Fate)], masks: &Masks) -> Option<QueryResult> {
    // Rules with different periods ask the same question several times: the first one is shown.
    let shown = parts.iter().find(|(query, ..)| query.purpose != Purpose::Lines)?;
    let is_shown = |query: &QueryRun| query.purpose == shown.0.purpose;
    let of = |wanted: &dyn Fn(&QueryRun) -> bool| -> Vec<Answered<'_>> {
        parts.iter().filter(|(query, ..)| wanted(query)).map(|(query, answer, _)| (query, answer)).collect()
    };
    let (main, lines) = (of(&is_shown), of(&|query| query.purpose == Purpose::Lines));
    let budget = parts.iter().find_map(|(.., fate)| match fate {
        Fate::Refused(budget) => Some(*budget),
        Fate::Running(_) | Fate::Failed(_) => None,
    });
    let answers: Vec<(&QueryRun, &Answer)> =
        main.iter().filter_map(|(query, answer)| Some((*query, answer.as_ref().ok()?))).collect();
    let found = match (answers.is_empty(), budget) {
        (true, Some(budget)) => QueryFound::Refused(budget),
        (true, None) => QueryFound::Unanswered,
        (false, _) => answered(&shown.0, &answers, &lines, masks),
    };
    let faults = parts.iter().filter(|(.., fate)| !matches!(fate, Fate::Refused(_)));
    let faults = faults.filter_map(|(_, answer, _)| answer.as_ref().err().cloned());
    let scanned = parts.iter().filter_map(|(_, answer, _)| answer.as_ref().ok());
    Some(QueryResult {
        name: shown.0.name.clone(),
        text: shown.0.text.clone(),
        groups: main.iter().flat_map(|(query, _)| query.groups.iter().cloned()).collect(),
        start: shown.0.start,
        end: shown.0.end,
        estimated_bytes: parts.iter().map(|(query, ..)| query.estimated_bytes).sum(),
        bytes_scanned: scanned.map(|answer| answer.bytes_scanned).sum(),
        found,
        unattributed: 0,
        faults: counted(faults),
    })
}

fn answered(
    shown: &QueryRun,
    answers: &[(&QueryRun, &Answer)],
    lines: &[Answered<'_>],
    masks: &Masks,
) -> QueryFound {
    let rows: Vec<&QueryRow> = answers.iter().flat_map(|(_, answer)| &answer.rows).collect();
    let additive = text::additive(&shown.text);
    let histogram = text::bin_of(&shown.text)
        .zip(additive.first())
        .map(|(seconds, field)| histogram(shown, &rows, seconds, field));
    let mut newest: Vec<LogLine> = lines
        .iter()
        .filter_map(|(_, answer)| answer.as_ref().ok())
        .flat_map(|a| log_lines(a, masks))
        .collect();
    newest.sort_by_key(|line| std::cmp::Reverse(line.at));
    newest.truncate(MOST_LINES);
    QueryFound::Answered {
        matched: answers.iter().map(|(_, answer)| answer.matched).sum(),
        table: table(&rows, &additive, masks),
        histogram,
        lines: newest,
    }
}

fn histogram(shown: &QueryRun, rows: &[&QueryRow], seconds: i64, field: &str) -> Histogram {
    let seconds = seconds.max(1);
    let first = shown.start.as_second().div_euclid(seconds) * seconds;
    let last = (shown.end.as_second() - 1).div_euclid(seconds) * seconds;
    let bins = usize::try_from((last - first) / seconds + 1).unwrap_or(0).min(2_000);
    let mut counts = vec![0.0; bins];
    for row in rows {
        let (Some(bin), Some(value)) = (row.bin(), row.number(field)) else { continue };
        let at = usize::try_from((bin.as_second() - first).div_euclid(seconds));
        if let Some(count) = at.ok().and_then(|at| counts.get_mut(at)) {
            *count += value;
        }
    }
    let start = Timestamp::from_second(first).unwrap_or(shown.start);
    Histogram { start, bin_seconds: seconds, counts }
}

/// The rows as a table. Counts over time are added up, because the histogram shows the times; a
/// table without another column would only repeat it.
fn table(rows: &[&QueryRow], additive: &[String], masks: &Masks) -> Option<ResultTable> {
    let first = rows.first()?;
    let is_sum = |column: &str| additive.iter().any(|sum| sum == column);
    let columns: Vec<&str> = first.0.iter().map(|(name, _)| name.as_str()).collect();
    let has_bin = columns.iter().any(|column| is_bin(column));
    let keys: Vec<&str> =
        columns.iter().copied().filter(|column| !is_bin(column) && !is_sum(column)).collect();
    let is_key_text = |column: &&str| rows.iter().all(|row| row.number(column).is_none());
    if !has_bin || !keys.iter().all(is_key_text) {
        let cells = |row: &&QueryRow| columns.iter().map(|column| cell(row, column, masks)).collect();
        return Some(cut(&columns, rows.len(), rows.iter().map(cells)));
    }
    if keys.is_empty() {
        return None;
    }
    let sums: Vec<&str> = columns.iter().copied().filter(|column| is_sum(column)).collect();
    let mut totals = BTreeMap::<Vec<String>, Vec<f64>>::new();
    for row in rows {
        let key = keys.iter().map(|key| raw(row, key).to_owned()).collect();
        let total = totals.entry(key).or_insert_with(|| vec![0.0; sums.len()]);
        for (sum, column) in total.iter_mut().zip(&sums) {
            *sum += row.number(column).unwrap_or_default();
        }
    }
    let mut totals: Vec<(Vec<String>, Vec<f64>)> = totals.into_iter().collect();
    totals.sort_by(|(one, a), (other, b)| {
        let (a, b) = (a.first().copied().unwrap_or_default(), b.first().copied().unwrap_or_default());
        b.total_cmp(&a).then_with(|| one.cmp(other))
    });
    let columns: Vec<&str> = keys.iter().copied().chain(sums).collect();
    let cells = |(key, sums): (Vec<String>, Vec<f64>)| {
        let key = keys.iter().zip(key).map(|(name, value)| shortened(&masked_value(name, &value, masks)));
        key.chain(sums.into_iter().map(|sum| format!("{sum}"))).collect()
    };
    Some(cut(&columns, totals.len(), totals.into_iter().map(cells)))
}

/// Only the rows that are shown are made.
fn cut(columns: &[&str], count: usize, rows: impl Iterator<Item = Vec<String>>) -> ResultTable {
    let name = |column: &&str| if *column == "@log" { "log group".to_owned() } else { (*column).to_owned() };
    let rows = rows.take(MOST_ROWS).collect();
    ResultTable { columns: columns.iter().map(name).collect(), rows, more: count.saturating_sub(MOST_ROWS) }
}

fn cell(row: &QueryRow, column: &str, masks: &Masks) -> String {
    shortened(&masked_value(column, raw(row, column), masks))
}

fn raw<'r>(row: &'r QueryRow, column: &str) -> &'r str {
    let value = match column {
        "@log" => row.group(),
        _ => row.get(column),
    };
    value.unwrap_or_default()
}

/// A value with secrets masked: all of it, if its name says that it is one.
fn masked_value(name: &str, value: &str, masks: &Masks) -> String {
    let named = format!("{name}={value}");
    let is_secret = !value.is_empty() && masks.mask(&named).starts_with(&format!("{name}={MASKED}"));
    if is_secret && name != "@message" { MASKED.to_owned() } else { masks.mask(value) }
}

/// The rows of an answer as they are, with secrets masked.
pub fn masked_rows(answer: &Answer, masks: &Masks) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let row = |QueryRow(fields): &QueryRow| {
        let masked =
            |(name, value): &(String, String)| (name.clone(), masked_value(name, value, masks).into());
        fields.iter().map(masked).collect()
    };
    answer.rows.iter().map(row).collect()
}

/// The lines of an answer.
pub fn log_lines(answer: &Answer, masks: &Masks) -> Vec<LogLine> {
    let line = |row: &QueryRow| LogLine {
        at: row.get("@timestamp").and_then(time),
        group: row.group().unwrap_or_default().to_owned(),
        text: shortened(&masks.mask(row.get("@message").unwrap_or_default())),
    };
    answer.rows.iter().map(line).collect()
}

/// The first characters of a text. It is masked before, so that no half of a secret remains.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} ...", text[..end].trim_end()),
    }
}

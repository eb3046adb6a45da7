//! What saved queries of logs found, as data.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::logs::query::{
    Budget, Histogram, LogLine, QueryFound, QueryResult, ResultTable, Unqueryable, dollars_scanned,
};
use crate::logs::{AskedQueries, TargetQueries};
use crate::model::cluster::{AccountId, Region};
use crate::model::fault::Fault;
use crate::model::run::Target;
use crate::text::links::logs_insights_link;
use crate::text::words::{count, dollars};
use crate::text::{Block, Text};

/// Log groups of a link: each makes it longer.
const LINK_GROUPS: usize = 5;

/// What saved queries found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct QueriesReport {
    /// The results, in the order of fargaze.yaml.
    pub results: Vec<QueryReport>,
    /// What all queries of this month have cost so far, in US dollars; null if not known.
    pub spent: Option<f64>,
    /// Accounts in which no query ran, because fargaze.yaml names no role `read-logs` for them.
    pub without_role: Vec<AccountId>,
}

/// The result of a saved query in one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct QueryReport {
    /// Account.
    pub account: AccountId,
    /// Region.
    pub region: Region,
    /// Its name in fargaze.yaml.
    pub name: Text,
    /// What was sent; empty if nothing was.
    pub text: Block,
    /// Number of log groups.
    pub groups: usize,
    /// First instant, inclusive; null if nothing was sent.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub start: Option<Timestamp>,
    /// End, exclusive.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub end: Option<Timestamp>,
    /// Events that matched; null if there is no answer.
    pub matched: Option<u64>,
    /// Bytes that were scanned.
    pub bytes_scanned: u64,
    /// What that costs, in US dollars.
    pub dollars: f64,
    /// Columns of the table; empty without one.
    pub columns: Vec<Text>,
    /// The first rows of the table.
    pub rows: Vec<Vec<Text>>,
    /// Rows that were left out.
    pub more_rows: usize,
    /// Counts over time; null without them.
    pub histogram: Option<HistogramReport>,
    /// The newest lines, newest first, with secrets masked; empty unless fargaze.yaml allows lines.
    pub lines: Vec<LineReport>,
    /// What could not be queried, and why.
    pub problems: Vec<Text>,
    /// The query in the console; null if that console is not public.
    pub link: Option<String>,
}

/// Counts over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HistogramReport {
    /// Start of the first bin.
    #[cfg_attr(test, schemars(with = "String"))]
    pub start: Timestamp,
    /// Width of a bin, in seconds.
    pub bin_seconds: i64,
    /// The counts, oldest first.
    pub counts: Vec<f64>,
}

/// A log line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LineReport {
    /// When it was written; null if not known.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub at: Option<Timestamp>,
    /// Its log group.
    pub group: Text,
    /// The line, with secrets masked.
    pub text: Text,
}

impl QueriesReport {
    /// What the queries of the targets found.
    pub(crate) fn of(targets: &[(Target, Result<TargetQueries, Fault>)]) -> Self {
        let mut report = Self::default();
        for (target, queries) in targets {
            match queries {
                Ok(TargetQueries::Asked(asked)) => report.add(target, asked),
                Ok(TargetQueries::NoRole) if !report.without_role.contains(&target.account) => {
                    report.without_role.push(target.account.clone());
                }
                Ok(TargetQueries::NoRole) | Err(_) => {}
            }
        }
        report
    }

    fn add(&mut self, target: &Target, asked: &AskedQueries) {
        let nothing: BTreeSet<&str> = asked
            .left_out
            .iter()
            .filter(|(_, why)| *why == Unqueryable::Nothing)
            .map(|(name, _)| name.as_str())
            .collect();
        self.results.extend(asked.results.iter().map(|result| QueryReport::of(target, result, asked)));
        self.results.extend(nothing.into_iter().map(|name| QueryReport::without_groups(target, name, asked)));
        if let Some(spent) = asked.spent {
            // The targets add to one number: the largest is the newest.
            self.spent = Some(self.spent.map_or(spent, |before| before.max(spent)));
        }
    }

    /// Whether nothing was queried.
    pub(crate) fn is_empty(&self) -> bool {
        self.results.is_empty() && self.without_role.is_empty()
    }
}

impl QueryReport {
    pub(crate) fn of(target: &Target, result: &QueryResult, asked: &AskedQueries) -> Self {
        let empty = Self::without_groups(target, &result.name, asked);
        let mut problems = empty.problems;
        problems.extend(result.faults.iter().map(|counted| Text::new(&counted.fault.to_string())));
        let (matched, table, histogram, lines) = match &result.found {
            QueryFound::Answered { matched, table, histogram, lines } => {
                (Some(*matched), table.clone(), histogram.clone(), lines.clone())
            }
            QueryFound::Refused(budget) => {
                problems.push(Text::new(&refused(budget, result.estimated_bytes)));
                (None, None, None, Vec::new())
            }
            QueryFound::Unanswered => (None, None, None, Vec::new()),
        };
        let ResultTable { columns, rows, more } = table.unwrap_or_default();
        let groups: Vec<String> = result.groups.iter().take(LINK_GROUPS).cloned().collect();
        let times = (result.start, result.end);
        Self {
            text: Block::new(&result.text),
            groups: result.groups.len(),
            start: Some(result.start),
            end: Some(result.end),
            matched,
            bytes_scanned: result.bytes_scanned,
            dollars: dollars_scanned(result.bytes_scanned),
            columns: columns.iter().map(|column| Text::new(column)).collect(),
            rows: rows.iter().map(|row| row.iter().map(|cell| Text::new(cell)).collect()).collect(),
            more_rows: more,
            histogram: histogram.map(|Histogram { start, bin_seconds, counts }| HistogramReport {
                start,
                bin_seconds,
                counts,
            }),
            lines: lines.iter().map(LineReport::of).collect(),
            problems,
            link: logs_insights_link(&target.region, &groups, &result.text, times),
            ..Self::bare(target, &result.name)
        }
    }

    /// A query that had no log group to look into.
    fn without_groups(target: &Target, name: &str, asked: &AskedQueries) -> Self {
        let of_query = asked.left_out.iter().filter(|(query, _)| query == name);
        let problems = of_query.map(|(_, why)| Text::new(&left_out(why))).collect();
        Self { problems, ..Self::bare(target, name) }
    }

    fn bare(target: &Target, name: &str) -> Self {
        Self {
            account: target.account.clone(),
            region: target.region.clone(),
            name: Text::new(name),
            text: Block::default(),
            groups: 0,
            start: None,
            end: None,
            matched: None,
            bytes_scanned: 0,
            dollars: 0.0,
            columns: Vec::new(),
            rows: Vec::new(),
            more_rows: 0,
            histogram: None,
            lines: Vec::new(),
            problems: Vec::new(),
            link: None,
        }
    }
}

impl LineReport {
    pub(crate) fn of(line: &LogLine) -> Self {
        Self { at: line.at, group: Text::new(&line.group), text: Text::new(&line.text) }
    }
}

fn left_out(why: &Unqueryable) -> String {
    match why {
        Unqueryable::Nothing => {
            "there is no log group to look into: none matches, or none is known yet for what the query names"
                .to_owned()
        }
        Unqueryable::Missing(name) => format!("the log group {name} does not exist"),
        Unqueryable::Class(name) => {
            format!("the log group {name} is of the class DELIVERY, which has no Logs Insights")
        }
    }
}

fn refused(budget: &Budget, estimated: u64) -> String {
    format!(
        "refused: of the budget of {} a month {} are spent, and it may cost {}",
        dollars(budget.dollars),
        dollars(budget.spent),
        dollars(dollars_scanned(estimated))
    )
}

/// `57 events in 12 log groups`
pub(crate) fn matched(query: &QueryReport) -> Option<String> {
    let events = usize::try_from(query.matched?).unwrap_or(usize::MAX);
    Some(format!("{} in {}", count(events, "event"), count(query.groups, "log group")))
}

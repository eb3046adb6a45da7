//! Which queries a run starts: each with its groups, its time, and what it may scan.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::budget::estimated_scan;
use super::readings::EvaluatedLogs;
use super::result::Unqueryable;
use super::saved::{Excerpts, LogSettings, SavedQuery};
use super::text::{self, Split};
use super::writers::Destinations;
use crate::logs::LogGroup;
use crate::model::fault::Fault;
use crate::model::metric::Period;
use crate::model::run::{Platform, Run, RunKind};
use crate::model::subject::Subject;
use crate::model::window::Window;
use crate::rules::{AlarmRule, COUNT, LogMeasure, Measure, QueryPlaces};

/// Most log groups of one query (Amazon `CloudWatch` Logs API, `StartQuery`).
pub const MOST_GROUPS: usize = 50;
/// Rows that an answer has at most by default, and at most at all (`StartQuery`).
const ROWS: u32 = 10_000;
const MOST_ROWS: u32 = 100_000;
/// Lines of a result.
const LINES: usize = 10;

/// What a query is run for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "kebab-case")]
pub enum Purpose {
    /// Its result.
    Result,
    /// The newest of the events that it selects.
    Lines,
    /// The values that rules are evaluated on.
    Rules {
        /// Field of the result, or `count`.
        field: String,
        /// Length of a period.
        #[serde(rename = "period_seconds")]
        period: Period,
        /// Names of the rules.
        rules: Vec<String>,
    },
}

/// A query to start: a saved query, or a part of one that has many groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryRun {
    /// Name of the saved query.
    pub name: String,
    /// What it is run for.
    pub purpose: Purpose,
    /// What is sent.
    pub text: String,
    /// The log groups, at most [`MOST_GROUPS`].
    pub groups: Vec<String>,
    /// First instant, inclusive.
    pub start: Timestamp,
    /// End, exclusive.
    pub end: Timestamp,
    /// Most rows of the answer. One with as many rows was cut.
    pub limit: u32,
    /// What it is expected to scan.
    pub estimated_bytes: u64,
}

/// A query after the attempt to start it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The query.
    pub query: QueryRun,
    /// Whether it runs.
    pub fate: Fate,
}

/// Whether a query was started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It runs under this id.
    Running(String),
    /// The month's budget does not allow it.
    Refused(super::Budget),
    /// It could not be started.
    Failed(Fault),
}

/// The queries of a target in one run, as stored until their answers are read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StartedQueries {
    /// When they were started, by the clock.
    pub at: Option<Timestamp>,
    /// The queries.
    pub queries: Vec<Started>,
    /// Saved queries without any log group that could be queried, and groups that were left out.
    pub left_out: Vec<(String, Unqueryable)>,
    /// What could not be read to find the log groups.
    pub faults: Vec<Fault>,
}

/// What a run of a target queries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunsOfQueries {
    /// The queries to start.
    pub queries: Vec<QueryRun>,
    /// By saved query, what is left out.
    pub left_out: Vec<(String, Unqueryable)>,
}

/// What is known about the logs of an account and Region.
#[derive(Debug, Clone, Copy)]
pub struct KnownLogs<'a> {
    /// Who writes to which log group.
    pub destinations: &'a Destinations,
    /// The log groups.
    pub groups: &'a BTreeMap<String, LogGroup>,
    /// Up to when rules were evaluated.
    pub evaluated: &'a EvaluatedLogs,
}

/// The saved queries that a target runs.
///
/// Of the targets of an account and Region, those of ECS query for services, those of EKS for
/// workloads, and one of them (`has_groups`) for log groups.
pub fn plan_queries(
    settings: &LogSettings,
    rules: &[AlarmRule],
    run: &Run,
    platform: Platform,
    has_groups: bool,
    known: KnownLogs<'_>,
) -> RunsOfQueries {
    let mut planned = RunsOfQueries::default();
    for query in settings.queries_of(run.kind) {
        let is_here = match &query.places {
            QueryPlaces::Services(_) => platform == Platform::Ecs,
            QueryPlaces::Workloads(_) => platform == Platform::Eks,
            QueryPlaces::Groups(_) => has_groups,
        };
        if is_here {
            let KnownLogs { destinations, groups, evaluated } = known;
            Planner { query, run, destinations, groups, evaluated }.plan(
                rules,
                settings.excerpts,
                &mut planned,
            );
        }
    }
    planned
}

struct Planner<'a> {
    query: &'a SavedQuery,
    run: &'a Run,
    destinations: &'a Destinations,
    groups: &'a BTreeMap<String, LogGroup>,
    evaluated: &'a EvaluatedLogs,
}

impl Planner<'_> {
    fn plan(&self, rules: &[AlarmRule], excerpts: Excerpts, planned: &mut RunsOfQueries) {
        let chosen = self.chosen(&mut planned.left_out);
        if chosen.is_empty() {
            planned.left_out.push((self.query.name.clone(), Unqueryable::Nothing));
            return;
        }
        let measures = match self.run.kind {
            RunKind::Alarms => self.measures(rules),
            RunKind::Report | RunKind::Sweep | RunKind::Rollback => BTreeMap::new(),
        };
        if measures.is_empty() {
            let end = self.run.window.end;
            let purpose = Purpose::Result;
            let window = (end - self.query.window, end);
            self.add(&chosen, &purpose, &self.query.result_text(), window, ROWS, planned);
            // Messages of alarms have lines only of alarms.
            let shows_lines = excerpts == Excerpts::Lines && self.run.kind == RunKind::Report;
            if shows_lines && text::selects(&self.query.text) {
                let lines = text::lines_query(&self.query.text, LINES);
                self.add(&chosen, &Purpose::Lines, &lines, window, ROWS, planned);
            }
        }
        for ((field, seconds), of) in measures {
            self.add_rules(&chosen, &field, seconds, &of, planned);
        }
    }

    fn add_rules(
        &self,
        chosen: &[&LogGroup],
        field: &str,
        seconds: i64,
        rules: &[&AlarmRule],
        planned: &mut RunsOfQueries,
    ) {
        let Some(period) = rules.first().map(|rule| rule.period) else { return };
        let windows = rules.iter().map(|rule| {
            let window = self.run.window_of(rule.range());
            let start = self.evaluated.needed_from(rule, self.subjects(chosen), window);
            Window { start, ..window }.in_periods(period)
        });
        let (mut start, mut end) = (Timestamp::MAX, Timestamp::MIN);
        for window in windows {
            (start, end) = (start.min(window.start), end.max(window.end));
        }
        if start >= end {
            return;
        }
        let text = if field == COUNT {
            text::counted(&self.query.text, seconds, self.split(chosen))
        } else {
            self.query.text.clone()
        };
        let subjects: usize =
            chosen.iter().map(|group| self.destinations.of_group(&group.name).count().max(1)).sum();
        let periods = usize::try_from((end.as_second() - start.as_second()) / seconds).unwrap_or(1);
        let limit = if subjects * (periods + 1) < ROWS as usize { ROWS } else { MOST_ROWS };
        let rules = rules.iter().map(|rule| rule.name.clone()).collect();
        let purpose = Purpose::Rules { field: field.to_owned(), period, rules };
        self.add(chosen, &purpose, &text, (start, end), limit, planned);
    }

    /// Who is evaluated, if the query is not about log groups.
    fn subjects<'s>(&'s self, chosen: &'s [&LogGroup]) -> impl Iterator<Item = &'s Subject> {
        let of = chosen.iter().flat_map(|group| self.destinations.of_group(&group.name));
        of.map(|writer| &writer.subject).filter(|subject| self.query.places.covers(subject))
    }

    /// The rules on this query by field and length of period: those that one answer serves.
    fn measures<'r>(&self, rules: &'r [AlarmRule]) -> BTreeMap<(String, i64), Vec<&'r AlarmRule>> {
        let mut measures = BTreeMap::<(String, i64), Vec<&AlarmRule>>::new();
        for rule in rules {
            if let Measure::Log(LogMeasure { query, field, .. }) = &rule.measure
                && *query == self.query.name
            {
                measures.entry((field.clone(), rule.period.seconds())).or_default().push(rule);
            }
        }
        measures
    }

    /// What distinguishes the subjects within a group.
    fn split(&self, chosen: &[&LogGroup]) -> Split {
        match &self.query.places {
            QueryPlaces::Groups(_) => Split::Group,
            QueryPlaces::Workloads(_) => Split::Pod,
            QueryPlaces::Services(_) => {
                let is_shared = chosen.iter().any(|group| self.destinations.is_shared(&group.name));
                if is_shared { Split::Stream } else { Split::Group }
            }
        }
    }

    /// The groups to query. Notes those that do not exist, or that Logs Insights cannot query.
    fn chosen(&self, left_out: &mut Vec<(String, Unqueryable)>) -> Vec<&LogGroup> {
        let names: BTreeSet<&str> = match &self.query.places {
            QueryPlaces::Groups(patterns) => {
                let of_pattern = patterns.iter().flat_map(|pattern| match pattern.literal() {
                    Some(name) => vec![name],
                    None => {
                        self.groups.keys().map(String::as_str).filter(|name| pattern.matches(name)).collect()
                    }
                });
                of_pattern.collect()
            }
            places => self.destinations.covered(places).into_keys().collect(),
        };
        let mut chosen = Vec::new();
        for name in names {
            match self.groups.get(name) {
                Some(group) if group.class == "DELIVERY" => {
                    left_out.push((self.query.name.clone(), Unqueryable::Class(name.to_owned())));
                }
                Some(group) => chosen.push(group),
                None => left_out.push((self.query.name.clone(), Unqueryable::Missing(name.to_owned()))),
            }
        }
        chosen
    }

    /// Adds the query, in as many parts as its groups need: a query takes groups of one class only.
    fn add(
        &self,
        chosen: &[&LogGroup],
        purpose: &Purpose,
        text: &str,
        (start, end): (Timestamp, Timestamp),
        limit: u32,
        planned: &mut RunsOfQueries,
    ) {
        let mut by_class = BTreeMap::<&str, Vec<&LogGroup>>::new();
        for group in chosen {
            by_class.entry(&group.class).or_default().push(group);
        }
        let window = end.duration_since(start);
        for part in by_class.values().flat_map(|of_class| of_class.chunks(MOST_GROUPS)) {
            let bytes = part.iter().map(|group| estimated_scan(group, window, self.run.time)).sum();
            planned.queries.push(QueryRun {
                name: self.query.name.clone(),
                purpose: purpose.clone(),
                text: text.to_owned(),
                groups: part.iter().map(|group| group.name.clone()).collect(),
                start,
                end,
                limit,
                estimated_bytes: bytes,
            });
        }
    }
}

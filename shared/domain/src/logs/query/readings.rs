//! What rules on logs are evaluated on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, QueryRow};
use super::plan::{Purpose, QueryRun};
use super::text::{NAMESPACE, POD, SOURCE};
use super::writers::Destinations;
use crate::model::fault::{Fault, FaultKind};
use crate::model::operation::Operation;
use crate::model::run::Run;
use crate::model::series::{Datapoint, MetricSeries, Reading};
use crate::model::subject::Subject;
use crate::model::window::Window;
use crate::rules::{AlarmRule, COUNT, Measure, QueryPlaces};

/// The values of one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogValues {
    /// Values by start of their period, in epoch seconds, oldest first, requested from `from` on.
    Read {
        /// Start of the first period that was requested.
        from: i64,
        /// The values; a period without one had none.
        values: Vec<(i64, f64)>,
    },
    /// They could not be read.
    Unread(Fault),
}

/// What the rules on logs of one target are evaluated on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LogReadings {
    /// By rule, the values of each subject.
    pub rules: BTreeMap<String, Vec<(Subject, LogValues)>>,
    /// By saved query, rows that belong to no single known service or workload.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unattributed: BTreeMap<String, usize>,
}

impl LogValues {
    /// The values as a rule reads them.
    pub fn reading(&self) -> Reading {
        match self {
            Self::Unread(fault) => Reading::Unread(fault.clone()),
            Self::Read { from, values } => {
                let points = values.iter().filter_map(|(second, value)| {
                    Some(Datapoint { timestamp: Timestamp::from_second(*second).ok()?, value: *value })
                });
                let series = MetricSeries::new(points.collect());
                let from = Timestamp::from_second(*from).ok();
                Reading::Complete(from.into_iter().fold(series, MetricSeries::requested_from))
            }
        }
    }
}

/// By rule, up to when the logs of which subjects were evaluated. The next run need not scan again
/// what is older.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EvaluatedLogs(pub BTreeMap<String, Evaluated>);

/// What was evaluated of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluated {
    /// The end of the newest period.
    pub until: Timestamp,
    /// The subjects.
    pub subjects: BTreeSet<String>,
}

impl EvaluatedLogs {
    /// What the evaluation of these readings has settled: rules that count events, because each
    /// of their periods is final once it was read. Other fields may be missing, which a later run
    /// reads again.
    pub fn by(readings: &LogReadings, rules: &[AlarmRule], run: &Run) -> Self {
        let until = |rule: &AlarmRule| {
            let Measure::Log(log) = &rule.measure else { return None };
            let values = readings.rules.get(&rule.name)?;
            let is_read = |(_, values): &(Subject, LogValues)| matches!(values, LogValues::Read { .. });
            let end = run.window_of(rule.range()).in_periods(rule.period).end;
            let is_settled = log.field == COUNT && !values.is_empty() && values.iter().all(is_read);
            let subjects = values.iter().map(|(subject, _)| subject.to_string()).collect();
            is_settled.then(|| (rule.name.clone(), Evaluated { until: end, subjects }))
        };
        Self(rules.iter().filter_map(until).collect())
    }

    /// The first instant that the rule needs of a window: all of it for a subject that the last run
    /// did not evaluate.
    pub(super) fn needed_from<'s>(
        &self,
        rule: &AlarmRule,
        mut subjects: impl Iterator<Item = &'s Subject>,
        window: Window,
    ) -> Timestamp {
        let settled = self.0.get(&rule.name).filter(|evaluated| evaluated.until <= window.end);
        let settled = settled
            .filter(|evaluated| subjects.all(|subject| evaluated.subjects.contains(&subject.to_string())));
        settled.map_or(window.start, |evaluated| (evaluated.until - rule.range()).max(window.start))
    }
}

/// Values of one subject by period, and why some are not known.
type BySubject = BTreeMap<Subject, Result<BTreeMap<i64, f64>, Fault>>;

impl LogReadings {
    /// The reading of a rule on a subject; `None` if its logs were not queried.
    pub fn of(&self, rule: &str, subject: &Subject) -> Option<Reading> {
        let (_, values) = self.rules.get(rule)?.iter().find(|(other, _)| other == subject)?;
        Some(values.reading())
    }

    /// Whether the subject may exist for a rule: it was queried, or the query did not run.
    pub(crate) fn may_have(&self, rule: &str, subject: &Subject) -> bool {
        self.rules.get(rule).is_none_or(|values| values.iter().any(|(other, _)| other == subject))
    }

    /// Adds the answer to a query, or why there is none.
    pub fn add(
        &mut self,
        query: &QueryRun,
        answer: &Result<Answer, Fault>,
        places: &QueryPlaces,
        destinations: &Destinations,
    ) {
        let Purpose::Rules { field, period, rules } = &query.purpose else { return };
        let mut found = BySubject::new();
        for subject in subjects(query, places, destinations) {
            found.insert(subject, Ok(BTreeMap::new()));
        }
        let mut strangers = 0;
        match whole(query, answer) {
            Err(fault) => found.values_mut().for_each(|values| *values = Err(fault.clone())),
            Ok(answer) => {
                for row in &answer.rows {
                    let writers = writers_of(row, places, destinations);
                    if writers.len() > 1 {
                        strangers += 1;
                        let fault = ambiguous(query, row, &writers);
                        for writer in &writers {
                            if let Some(values) = found.get_mut(writer) {
                                *values = Err(fault.clone());
                            }
                        }
                        continue;
                    }
                    let (Some(subject), Some(bin), Some(value)) =
                        (writers.into_iter().next(), row.bin(), row.number(field))
                    else {
                        strangers += 1;
                        continue;
                    };
                    if let Some(Ok(values)) = found.get_mut(&subject) {
                        // A service may write to several groups.
                        add_to(values, period.start_of(bin), value, field == COUNT);
                    }
                }
            }
        }
        if strangers > 0 {
            *self.unattributed.entry(query.name.clone()).or_default() += strangers;
        }
        let first = period.start_of(query.start);
        for rule in rules {
            let known = self.rules.entry(rule.clone()).or_default();
            for (subject, values) in &found {
                let values = match values {
                    Err(fault) => LogValues::Unread(fault.clone()),
                    Ok(values) => {
                        let values = if field == COUNT { filled(query, values) } else { values.clone() };
                        LogValues::Read { from: first, values: values.into_iter().collect() }
                    }
                };
                merge(known, subject, values, field == COUNT);
            }
        }
    }
}

/// Adds the values of a subject to those from other parts of the query.
fn merge(known: &mut Vec<(Subject, LogValues)>, subject: &Subject, values: LogValues, adds: bool) {
    let Some((_, before)) = known.iter_mut().find(|(other, _)| other == subject) else {
        known.push((subject.clone(), values));
        return;
    };
    match (&mut *before, values) {
        (LogValues::Unread(_), _) => {}
        (_, unread @ LogValues::Unread(_)) => *before = unread,
        (LogValues::Read { values, .. }, LogValues::Read { values: more, .. }) => {
            let mut sum: BTreeMap<i64, f64> = values.iter().copied().collect();
            for (start, value) in more {
                add_to(&mut sum, start, value, adds);
            }
            *values = sum.into_iter().collect();
        }
    }
}

/// The answer, if it has all rows.
fn whole<'a>(query: &QueryRun, answer: &'a Result<Answer, Fault>) -> Result<&'a Answer, Fault> {
    match answer {
        Ok(answer) if answer.rows.len() >= query.limit as usize => Err(Fault {
            operation: Operation::LogsGetQueryResults,
            subject: query.name.clone(),
            kind: FaultKind::Malformed,
            code: "limit".to_owned(),
            message: format!(
                "the answer was cut after {} rows; select fewer events or log groups",
                query.limit
            ),
        }),
        Ok(answer) => Ok(answer),
        Err(fault) => Err(fault.clone()),
    }
}

/// Whom the query is about.
fn subjects(query: &QueryRun, places: &QueryPlaces, destinations: &Destinations) -> Vec<Subject> {
    if matches!(places, QueryPlaces::Groups(_)) {
        return query.groups.iter().cloned().map(Subject::LogGroup).collect();
    }
    let covered = destinations.covered(places);
    let of = query.groups.iter().filter_map(|group| covered.get(group.as_str())).flatten();
    let mut subjects: Vec<Subject> = of.map(|subject| (*subject).clone()).collect();
    subjects.sort();
    subjects.dedup();
    subjects
}

/// Who may have written the events of a row: nobody that is known, one, or several.
fn writers_of(row: &QueryRow, places: &QueryPlaces, destinations: &Destinations) -> BTreeSet<Subject> {
    let Some(group) = row.group() else { return BTreeSet::new() };
    let owned = |subjects: BTreeSet<&Subject>| subjects.into_iter().cloned().collect();
    match places {
        QueryPlaces::Groups(_) => BTreeSet::from([Subject::LogGroup(group.to_owned())]),
        QueryPlaces::Services(_) => owned(destinations.writers(group, row.get(SOURCE))),
        QueryPlaces::Workloads(_) => match (row.get(NAMESPACE), row.get(POD)) {
            (Some(namespace), Some(pod)) => owned(destinations.workloads(group, namespace, pod)),
            _ => BTreeSet::new(),
        },
    }
}

/// Whose events they are cannot be told: a count without them would be wrong for each.
fn ambiguous(query: &QueryRun, row: &QueryRow, writers: &BTreeSet<Subject>) -> Fault {
    let group = row.group().unwrap_or_default();
    let names: Vec<String> = writers.iter().take(3).map(ToString::to_string).collect();
    let more = if writers.len() > names.len() { " and others" } else { "" };
    Fault {
        operation: Operation::LogsGetQueryResults,
        subject: query.name.clone(),
        kind: FaultKind::Unreadable,
        code: "ambiguous".to_owned(),
        message: format!(
            "{}{more} write to {group} in a way that cannot be told apart: give each a log group or a stream prefix of its own",
            names.join(", ")
        ),
    }
}

/// Adds a value of a period to that of another group or row.
fn add_to(values: &mut BTreeMap<i64, f64>, start: i64, value: f64, adds: bool) {
    let sum = |before: &mut f64| *before = if adds { *before + value } else { before.max(value) };
    values.entry(start).and_modify(sum).or_insert(value);
}

/// A period without an event has none: its count is zero.
fn filled(query: &QueryRun, values: &BTreeMap<i64, f64>) -> BTreeMap<i64, f64> {
    let Purpose::Rules { period, .. } = &query.purpose else { return values.clone() };
    let starts = (query.start.as_second()..query.end.as_second())
        .step_by(usize::try_from(period.seconds()).unwrap_or(60).max(1));
    starts.map(|start| (start, values.get(&start).copied().unwrap_or_default())).collect()
}

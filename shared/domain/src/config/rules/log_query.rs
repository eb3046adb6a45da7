//! Rules on what a saved query of logs finds.

use super::super::read::{At, Either, OneOf};
use super::check::Check;
use super::raw::{RawMetric, RawRule, WhatText};
use crate::logs::query::{LogSettings, SavedQuery, bin_of, is_by_log};
use crate::model::metric::{Period, Unit};
use crate::rules::{COUNT, LogMeasure, Measure};
use crate::text::nearest::hint;

type What = Either<WhatText, RawMetric>;

fn given(what: Option<&What>) -> Option<&RawMetric> {
    match what?.value.as_ref()? {
        OneOf::Compound(raw) if raw.log_query.is_some() || raw.field.is_some() => Some(raw),
        OneOf::Compound(_) | OneOf::Plain(_) => None,
    }
}

/// Whether the measure is a saved query.
pub(super) fn is_given(what: Option<&What>) -> bool {
    given(what).is_some()
}

/// The saved query that the measure names, if there is one.
pub(super) fn of<'a>(what: Option<&What>, logs: &'a LogSettings) -> Option<&'a SavedQuery> {
    logs.query(given(what)?.log_query.as_ref()?.value.as_deref()?)
}

impl Check<'_> {
    /// The measure, if it is valid. `query` is the one that it names.
    pub(super) fn log_measure(
        &self,
        raw: &RawRule,
        query: Option<&SavedQuery>,
        logs: &LogSettings,
    ) -> Option<Measure> {
        let given = given(raw.what.as_ref())?;
        for (key, is_wrong) in [
            ("namespace", given.namespace.is_some()),
            ("metric", given.metric.is_some()),
            ("dimensions", given.dimensions.is_some()),
        ] {
            if is_wrong {
                self.add(
                    self.line,
                    &format!("what: {key}"),
                    "is of a CloudWatch metric, not of a saved query",
                );
            }
        }
        if let Some(at) = &raw.statistic {
            self.add(
                at.line,
                "statistic",
                "is not valid for a saved query, which has one value for a period",
            );
        }
        let Some(At { line, value: Some(name) }) = &given.log_query else {
            if given.log_query.is_none() {
                self.add(self.line, "what: log-query", "is missing: name a query of the section logs");
            }
            return None;
        };
        let Some(query) = query else {
            let known: Vec<&str> = logs.queries.iter().map(|query| query.name.as_str()).collect();
            let hint = if known.is_empty() {
                "the section logs has no valid query".to_owned()
            } else {
                hint(name, &known)
            };
            self.add(*line, "what: log-query", format_args!("`{name}` is not a saved query: {hint}"));
            return None;
        };
        if !query.with_alarms {
            let why =
                format_args!("`{name}` does not run with alarms: add `run-with: [alarms, report]` to it");
            self.add(*line, "what: log-query", why);
        }
        let scope = query.places.scope();
        if let Some(At { line, value: Some(other) }) = &raw.scope
            && *other != scope
        {
            let why = format_args!(
                "{}, but `{name}` names {}s: leave it out, or write {}",
                other.as_str(),
                scope.as_str(),
                scope.as_str()
            );
            self.add(*line, "scope", why);
        }
        let field = match &given.field {
            None => COUNT.to_owned(),
            Some(At { line, value }) => {
                let field = value.clone()?;
                if field != COUNT {
                    self.field(*line, &field, query, raw);
                }
                field
            }
        };
        let unit = given.unit.as_ref().and_then(|at| at.value).map_or(Unit::Count, Unit::from);
        Some(Measure::Log(LogMeasure { query: name.clone(), field, unit, places: query.places.clone() }))
    }

    /// A field of the result needs a result by log group and period.
    fn field(&self, line: u64, field: &str, query: &SavedQuery, raw: &RawRule) {
        if field.trim().is_empty() {
            self.add(line, "what: field", "is empty");
            return;
        }
        let period = raw.period.as_ref().and_then(|at| at.value).unwrap_or(Period::FIVE_MINUTES.seconds());
        let bin = bin_of(&query.text);
        if !is_by_log(&query.text) || bin.is_none() {
            let why = format_args!(
                "needs a query whose stats are by log group and period: end them with `by @log, bin({period}s)`, or use `field: count`"
            );
            self.add(line, "what: field", why);
        } else if bin != Some(period) {
            let bin = bin.unwrap_or_default();
            let why = format_args!(
                "the query has bins of {bin} seconds, but the rule periods of {period}: write `period: {bin}`"
            );
            self.add(line, "what: field", why);
        }
    }
}

//! The measure of a rule: a word, a metric of the catalogue, or any CloudWatch metric.

use std::str::FromStr;

use super::super::read::{At, Either, OneOf};
use super::check::Check;
use super::raw::{RawMetric, WhatText};
use crate::model::catalogue::CATALOGUE;
use crate::model::metric::{Statistic, Unit};
use crate::rules::{CustomMetric, Measure, Scope, words, words_of};
use crate::text::nearest::{hint, nearest};

/// The maximum number of dimensions of a metric (CloudWatch API, `Metric`).
const MAX_DIMENSIONS: usize = 30;

const PLACEHOLDERS: [&str; 7] =
    ["cluster", "service", "task-family", "task", "container", "namespace", "workload"];

impl Check<'_> {
    /// The measure, if it is valid.
    pub(super) fn measure(
        &self,
        what: Option<&Either<WhatText, RawMetric>>,
        scope: Scope,
        statistic: Option<&Statistic>,
    ) -> Option<Measure> {
        let Some(what) = what else {
            self.add(self.line, "what", "is missing");
            return None;
        };
        let line = what.line;
        let measure = match what.value.as_ref()? {
            OneOf::Plain(WhatText(text)) => {
                let measure = Measure::from_str(text).ok().or_else(|| {
                    self.add(line, "what", format_args!("`{text}` is not a measure: {}", like(text)));
                    None
                })?;
                if !measure.supports(scope) {
                    let per = scope.as_str();
                    let others: Vec<&str> = words_of(scope).collect();
                    let others = if others.is_empty() {
                        "name a metric by namespace and name".to_owned()
                    } else {
                        format!("measures of this scope are {}", others.join(", "))
                    };
                    self.add(line, "what", format_args!("`{text}` is not published per {per}; {others}"));
                }
                measure
            }
            OneOf::Compound(raw) => Measure::Custom(self.custom(line, raw, scope)?),
        };
        self.statistic_of_samples(&measure, statistic);
        self.statistic_of_balancers(&measure, statistic);
        if measure.task_figure().is_some() && statistic.is_some_and(|statistic| *statistic != Statistic::Sum)
        {
            self.add(line, "statistic", "is not valid for events, which are only counted: leave it out");
        }
        if statistic == Some(&Statistic::SampleCount) && measure.is_derived() {
            self.add(line, "statistic", "SampleCount is not valid for a value computed from two metrics");
        }
        Some(measure)
    }

    /// Sampled measures support few statistics: each pod of a workload is one sample.
    fn statistic_of_samples(&self, measure: &Measure, statistic: Option<&Statistic>) {
        let (Measure::Named(row), Some(statistic)) = (measure, statistic) else { return };
        let Some(sampled) = row.sampled() else { return };
        if !sampled.statistics.contains(statistic) {
            let known: Vec<&str> = sampled.statistics.iter().map(Statistic::as_str).collect();
            let word = row.word;
            let why = format_args!("{statistic} is not available for {word}, only {}", known.join(" or "));
            self.add(self.line, "statistic", why);
        }
    }

    fn custom(&self, line: u64, raw: &RawMetric, scope: Scope) -> Option<CustomMetric> {
        let text = |key: &str, at: Option<&At<String>>| match at {
            None => {
                self.add(line, &format!("what: {key}"), "is missing");
                None
            }
            Some(At { line, value: Some(text) }) if text.trim().is_empty() => {
                self.add(*line, &format!("what: {key}"), "is empty");
                None
            }
            Some(at) => at.value.clone(),
        };
        let (namespace, name) =
            (text("namespace", raw.namespace.as_ref()), text("metric", raw.metric.as_ref()));
        let mut dimensions = Vec::new();
        let mut good = true;
        if let Some(At { line, value: Some(given) }) = &raw.dimensions {
            if given.len() > MAX_DIMENSIONS {
                self.add(*line, "what: dimensions", format_args!("are more than {MAX_DIMENSIONS}"));
                good = false;
            }
            for (name, at) in given {
                let Some(value) = &at.value else { continue };
                good &= self.placeholders(at.line, name, value, scope);
                dimensions.push((name.clone(), value.clone()));
            }
        }
        let unit = raw.unit.as_ref().and_then(|at| at.value).map_or(Unit::Count, Unit::from);
        let custom = CustomMetric { namespace: namespace?, name: name?, dimensions, unit };
        good.then_some(custom)
    }

    /// Whether each name in braces is a placeholder that subjects of the scope have.
    fn placeholders(&self, line: u64, name: &str, value: &str, scope: Scope) -> bool {
        let key = format!("what: dimensions: {name}");
        let before = value.split('{').skip(1).map(|part| part.split_once('}').map(|(name, _)| name));
        let mut good = true;
        for placeholder in before {
            let why = match placeholder {
                None => format!("`{value}` has an unclosed brace"),
                Some(name) if !PLACEHOLDERS.contains(&name) => {
                    format!("`{{{name}}}` is not a placeholder: {}", hint(name, &PLACEHOLDERS))
                }
                Some(name) if !scope.fills(name) => {
                    format!("`{{{name}}}` is not valid for scope {}", scope.as_str())
                }
                Some(_) => continue,
            };
            self.add(line, &key, why);
            good = false;
        }
        good
    }
}

/// A hint at the measure that was most likely meant.
fn like(text: &str) -> String {
    let metrics: Vec<String> =
        CATALOGUE.iter().map(|metric| format!("{} {}", metric.namespace, metric.name)).collect();
    let mut known: Vec<&str> = words().collect();
    known.extend(metrics.iter().map(String::as_str));
    match nearest(text, known) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!(
            "expected one of {}, an ECS metric such as `{}`, or any other metric as a map of namespace, metric and dimensions",
            words().collect::<Vec<_>>().join(", "),
            metrics[0]
        ),
    }
}

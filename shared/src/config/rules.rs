//! The section `rules`: what to judge.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Scalar, checked, parse};
use crate::metric::{Period, Statistic};
use crate::pattern::NamePattern;
use crate::rule::{AlarmRule, Comparison, Condition, Measure, MissingData, Scope, Severity, ThresholdText};

/// Periods that a rule may look at: its evaluation range must fit into the longest window of an alarms run.
const MAX_EVALUATION_PERIODS: u32 = 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRule {
    name: String,
    what: String,
    #[serde(default = "average")]
    statistic: String,
    #[serde(default)]
    scope: Scope,
    #[serde(default = "everything")]
    clusters: Vec<NamePattern>,
    #[serde(default = "everything")]
    services: Vec<NamePattern>,
    threshold: Scalar,
    comparison: Comparison,
    #[serde(default = "minute")]
    period: i64,
    evaluation_periods: u32,
    datapoints_to_alarm: u32,
    #[serde(default)]
    treat_missing_data: MissingData,
    #[serde(default)]
    severity: Severity,
    message: Option<String>,
}

fn average() -> String {
    "Average".to_owned()
}
fn minute() -> i64 {
    60
}
fn everything() -> Vec<NamePattern> {
    vec![NamePattern::new("*")]
}

/// All rules of the file, each with a name of its own.
pub(super) fn check_rules(rules: Vec<Spanned<RawRule>>, problems: &mut Vec<String>) -> Vec<AlarmRule> {
    let mut seen = BTreeSet::new();
    checked(rules, "rule", problems, |raw| {
        let name = raw.name.clone();
        let (rule, mut problems) = check_rule(raw);
        if !seen.insert(name.clone()) {
            problems.push("another rule has the same name; names must be unique".to_owned());
        }
        let labelled = problems.iter().map(|problem| format!("rule `{name}`: {problem}")).collect();
        rule.filter(|_| problems.is_empty()).ok_or(labelled)
    })
}

fn check_rule(raw: RawRule) -> (Option<AlarmRule>, Vec<String>) {
    let mut problems = Vec::new();
    let measure = parse::<Measure>("what", &raw.what, &mut problems);
    let statistic = parse::<Statistic>("statistic", &raw.statistic, &mut problems);
    let period =
        Period::from_seconds(raw.period).map_err(|error| problems.push(format!("period: {error}"))).ok();
    let threshold = measure.and_then(|measure| {
        let threshold = ThresholdText(raw.threshold.0.clone()).in_unit(measure.unit());
        threshold.map_err(|error| problems.push(format!("threshold: {error}"))).ok()
    });
    let (n, m) = (raw.evaluation_periods, raw.datapoints_to_alarm);
    if n == 0 || n > MAX_EVALUATION_PERIODS {
        problems.push(format!("evaluation-periods: {n} is not between 1 and {MAX_EVALUATION_PERIODS}"));
    }
    if m == 0 || m > n {
        problems.push(format!("datapoints-to-alarm: {m} is not between 1 and evaluation-periods ({n})"));
    }
    if let Some(measure) = measure.filter(|measure| !measure.supports(raw.scope)) {
        let scope = if raw.scope == Scope::Cluster { "cluster" } else { "service" };
        problems.push(format!("scope: {} is not published per {scope}", measure.label()));
    }
    if raw.name.trim().is_empty() {
        problems.push("name: is empty".to_owned());
    }
    let rule = measure.zip(statistic).zip(period).zip(threshold).map(
        |(((measure, statistic), period), threshold)| {
            let condition = Condition {
                comparison: raw.comparison,
                threshold,
                evaluation_periods: n,
                datapoints_to_alarm: m,
                treat_missing_data: raw.treat_missing_data,
            };
            AlarmRule {
                name: raw.name,
                measure,
                statistic,
                scope: raw.scope,
                clusters: raw.clusters,
                services: raw.services,
                condition,
                period,
                severity: raw.severity,
                message: raw.message,
            }
        },
    );
    (rule, problems)
}

//! A rule that cannot fire, because it has no data anywhere or matches nothing, as data and in
//! words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alarms::{RuleProblem, RuleRecord};
use crate::model::insights::InsightsLevel;
use crate::model::metric::{Metric, Statistic};
use crate::text::Text;
use crate::text::shell::{is_odd, quoted};
use crate::text::words::{count, list, span};

/// Most places that a sentence names.
const MOST_NAMED: usize = 5;

/// A rule that cannot fire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RuleLine {
    /// Its name.
    pub rule: Text,
    /// Since when every run found the same.
    #[cfg_attr(test, schemars(with = "String"))]
    pub since: Timestamp,
    /// Whether missing data may be normal, because the rule itself defines what missing data means,
    /// or because the metric is published only while tasks run. Such a rule is listed here, but
    /// never notified.
    pub may_be_normal: bool,
    /// Why it cannot fire.
    pub problem: RuleLineProblem,
}

/// Why a rule cannot fire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum RuleLineProblem {
    /// CloudWatch has no point of any of its metrics.
    NoData {
        /// The metrics of one subject as requested, with namespace and dimensions.
        metrics: Vec<Text>,
        /// The statistic that was requested.
        statistic: Text,
        /// Number of subjects that were queried.
        subjects: usize,
        /// Their accounts and Regions.
        places: Vec<Text>,
        /// A command that lists the metrics CloudWatch has in the namespace.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command: Option<Text>,
    },
    /// Nothing matches its selection.
    AppliesToNothing {
        /// The level of Container Insights that the selected clusters lack.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        needs: Option<InsightsLevel>,
    },
}

impl RuleLine {
    /// The rules that a report lists, those that are certainly wrong first.
    pub(crate) fn reported(records: &[RuleRecord], now: Timestamp) -> Vec<Self> {
        let listed = records.iter().filter(|record| record.is_reported(now));
        let mut lines: Vec<Self> = listed.map(Self::of).collect();
        lines.sort_by(|a, b| (a.may_be_normal, a.since, &a.rule).cmp(&(b.may_be_normal, b.since, &b.rule)));
        lines
    }

    pub(crate) fn of(record: &RuleRecord) -> Self {
        let problem = match &record.problem {
            RuleProblem::AppliesToNothing { needs } => RuleLineProblem::AppliesToNothing { needs: *needs },
            RuleProblem::NoData { missing, places } => RuleLineProblem::NoData {
                metrics: missing.metrics.iter().map(|metric| Text::new(&metric.to_string())).collect(),
                statistic: Text::new(missing.statistic.as_str()),
                subjects: missing.subjects,
                places: places.iter().map(|place| Text::new(&place.name)).collect(),
                command: missing
                    .metrics
                    .first()
                    .zip(places.first())
                    .and_then(|(metric, place)| command(metric, place.region.as_str())),
            },
        };
        Self {
            rule: Text::new(&record.rule),
            since: record.since,
            may_be_normal: record.notify_after_seconds.is_none(),
            problem,
        }
    }

    /// Whether it matches nothing, as opposed to having no data.
    pub(crate) fn applies_to_nothing(&self) -> bool {
        matches!(self.problem, RuleLineProblem::AppliesToNothing { .. })
    }

    /// What was found and what to check, in full sentences.
    pub(crate) fn sentences(&self, now: Timestamp) -> String {
        let (rule, lasts) = (&self.rule, span(self.since, now));
        match &self.problem {
            RuleLineProblem::AppliesToNothing { needs: None } => format!(
                "Rule {rule} has matched nothing for {lasts}: no existing resource fits its selection. Check the names, \
                 patterns and tags under clusters, services, task-families, namespaces, workloads and tags."
            ),
            RuleLineProblem::AppliesToNothing { needs: Some(level) } => format!(
                "Rule {rule} has matched nothing for {lasts}: no cluster that it selects has Container Insights at the \
                 level {level}, without which ECS does not publish the metric. Raise the level, or use another metric."
            ),
            RuleLineProblem::NoData { metrics, statistic, subjects, places, .. } => {
                let metrics: Vec<&str> = metrics.iter().map(Text::as_str).collect();
                let example = if *subjects > 1 {
                    format!(" (one of {})", count(*subjects, "subject"))
                } else {
                    String::new()
                };
                format!(
                    "Rule {rule} has had no data for {lasts}, in {}. It requests the {statistic} of {}{example}. {}",
                    list(places.iter().map(Text::as_str), MOST_NAMED),
                    metrics.join(" and of "),
                    self.advice(statistic),
                )
            }
        }
    }

    fn advice(&self, statistic: &Text) -> &'static str {
        let is_percentile = matches!(statistic.as_str().parse(), Ok(Statistic::Percentile(_)));
        if self.may_be_normal {
            "That may be normal: the rule defines what missing data means, or nothing that publishes the metric is running."
        } else if is_percentile {
            "Check the spelling of namespace, metric and dimensions, and whether the publisher sends single values: \
             CloudWatch has no percentiles of aggregated values."
        } else {
            "Check the spelling of namespace, metric and dimensions."
        }
    }

    /// A command that lists the existing metrics.
    pub(crate) fn command(&self) -> Option<&str> {
        match &self.problem {
            RuleLineProblem::NoData { command, .. } if !self.may_be_normal => {
                command.as_ref().map(Text::as_str)
            }
            _ => None,
        }
    }
}

/// `aws cloudwatch list-metrics` for the namespace, if its name is safe in a command. The metric's
/// name may be misspelt, so it is not part of the command.
fn command(metric: &Metric, region: &str) -> Option<Text> {
    let namespace = metric.namespace.as_ref();
    if is_odd(namespace) {
        return None;
    }
    let namespace = quoted(namespace);
    Some(Text::new(&format!("aws cloudwatch list-metrics --region {region} --namespace {namespace}")))
}

/// The number of rules of each kind, in a few words.
pub(crate) fn counted(lines: &[RuleLine]) -> Vec<String> {
    let is_notable = |line: &&RuleLine| !line.may_be_normal;
    let (nothing, no_data): (Vec<&RuleLine>, Vec<&RuleLine>) =
        lines.iter().filter(is_notable).partition(|line| line.applies_to_nothing());
    let mut words = Vec::new();
    if !no_data.is_empty() {
        words.push(format!("{} without data", count(no_data.len(), "rule")));
    }
    match nothing.len() {
        0 => {}
        1 => words.push("1 rule matches nothing".to_owned()),
        n => words.push(format!("{n} rules match nothing")),
    }
    words
}

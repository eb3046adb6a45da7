//! What one run of a target observed about each rule: whether it has data anywhere, and whether it
//! matches anything.
//!
//! A rule on a misspelt metric, or one whose selection matches nothing, never fires and never
//! fails. Only a check of the rule as a whole distinguishes it from a rule whose subjects are
//! healthy.

use std::collections::HashMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::Basis;
use crate::evidence::inventory::{Inventory, ServiceState};
use crate::model::catalogue;
use crate::model::insights::InsightsLevel;
use crate::model::metric::{Metric, Statistic};
use crate::model::series::Reading;
use crate::model::subject::Subject;
use crate::rules::{AlarmRule, Measure, MissingData, Scope, Selection};

/// How long a rule must be without data or without a subject before people are notified: a metric
/// that a nightly job publishes once a day is not a fault. If the evaluation range is longer, it
/// counts instead.
pub const GRACE: SignedDuration = SignedDuration::from_hours(24);

/// What one run of a target observed about a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleObservation {
    /// Name of the rule.
    pub rule: String,
    /// What the rule queries and selects, as text. A rule whose definition has changed is another
    /// rule.
    pub definition: String,
    /// After how many seconds a problem is notified; `None` if it is only reported, because missing
    /// data is normal for this rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_after_seconds: Option<i64>,
    /// The finding.
    pub found: RuleFound,
}

/// What a run found about a rule in one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum RuleFound {
    /// Some subject has at least one point.
    HasData,
    /// Subjects were queried, the answers were complete, and none has any point.
    NoData(MissingMetric),
    /// The rule selects something, and nothing matches.
    AppliesToNothing {
        /// The level of Container Insights that the selected clusters lack; `None` if no cluster is
        /// selected.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        needs: Option<InsightsLevel>,
    },
    /// The rule selects everything of its scope, and nothing exists: no conclusion.
    NothingThere,
    /// The query failed, ECS says that no task runs, or the measure is not a CloudWatch metric.
    NotKnown,
}

/// A CloudWatch query that returned no points, with one subject as an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingMetric {
    /// The metrics: one, or the two of a derived value.
    pub metrics: Vec<Metric>,
    /// The requested statistic.
    pub statistic: Statistic,
    /// Number of subjects queried.
    pub subjects: usize,
}

/// What has been observed about a rule so far.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    has_data: bool,
    unread: bool,
    judged: bool,
    /// Subjects without any point; empty once one has a point.
    silent: Vec<Subject>,
}

impl Evidence {
    /// Adds a subject that was not due in this run.
    pub(super) fn not_due(&mut self) {
        self.judged = true;
        self.unread |= !self.has_data;
    }

    /// Notes that the values of all subjects are known, though only those that are not zero are
    /// evaluated.
    pub(super) fn known(&mut self) {
        (self.judged, self.has_data) = (true, true);
    }

    pub(super) fn take(&mut self, subject: &Subject, reading: &Reading, basis: Basis) {
        self.judged = true;
        if self.has_data {
            return;
        }
        match reading {
            Reading::Complete(series) | Reading::Partial(series, _) if !series.points().is_empty() => {
                self.has_data = true;
                self.silent = Vec::new();
            }
            Reading::Complete(_) if basis == Basis::Points => self.silent.push(subject.clone()),
            // The query failed, or the value is not a CloudWatch metric that could be missing.
            _ => self.unread = true,
        }
    }

    /// The observation, once all lines have been read. `is_listed` says whether everything that
    /// exists is in the inventory.
    pub(super) fn finish(
        mut self,
        rule: &AlarmRule,
        inventory: &Inventory,
        services: &HashMap<Subject, ServiceState>,
        is_listed: bool,
    ) -> RuleObservation {
        // A service that runs no task publishes nothing.
        self.silent.retain(|subject| services.get(subject).is_none_or(|state| state.running > 0));
        // The field of a query may have no value for a day; nobody may have called a service, and
        // nothing may use a quota.
        let may_rest = matches!(rule.measure, Measure::Log(_))
            || rule.measure.balancer_figure().is_some()
            || rule.measure.quota_figure().is_some();
        let found = if !self.judged {
            // A Region without clusters uses no quota.
            let is_known = is_listed && rule.scope != Scope::Account;
            if is_known { nothing_matches(rule, inventory) } else { RuleFound::NotKnown }
        } else if self.has_data {
            RuleFound::HasData
        } else if let Some(example) = self.silent.first().filter(|_| !self.unread && !may_rest) {
            let (metrics, statistic) = (rule.measure.of(example), rule.statistic.clone());
            RuleFound::NoData(MissingMetric { metrics, statistic, subjects: self.silent.len() })
        } else {
            RuleFound::NotKnown
        };
        let is_notified = match &found {
            RuleFound::NoData(_) => {
                is_missing_a_fault(rule, |subject| services.contains_key(subject), &self.silent)
            }
            _ => true,
        };
        let range = i64::try_from(rule.condition.evaluation_range()).unwrap_or(i64::MAX);
        let range = range.saturating_mul(rule.period.seconds());
        RuleObservation {
            rule: rule.name.clone(),
            definition: definition(rule),
            notify_after_seconds: is_notified.then(|| GRACE.as_secs().max(range)),
            found,
        }
    }
}

/// Whether people should be notified when all subjects lack data.
fn is_missing_a_fault(rule: &AlarmRule, is_running: impl Fn(&Subject) -> bool, silent: &[Subject]) -> bool {
    // The other two treatments give a gap a meaning: the user expects gaps.
    let expects_data =
        matches!(rule.condition.treat_missing_data, MissingData::Missing | MissingData::Ignore);
    let known = match &rule.measure {
        Measure::Custom(custom) => catalogue::find(&custom.namespace, &custom.name).is_some(),
        _ => true,
    };
    let may_be_unpublished = matches!(rule.statistic, Statistic::Percentile(_));
    expects_data
        && if !known || may_be_unpublished {
            true
        } else if rule.measure.is_always_published() {
            // A service that runs without these metrics has its own notification.
            false
        } else {
            // Metrics that ECS publishes are missing wherever nothing runs.
            rule.scope == Scope::Service && silent.iter().any(is_running)
        }
}

/// Why the rule has no subject in a complete inventory.
fn nothing_matches(rule: &AlarmRule, inventory: &Inventory) -> RuleFound {
    let selected = inventory.clusters.iter().any(|(cluster, entry)| {
        rule.selection.fits_cluster(cluster, &entry.tags) && entry.insights() < rule.measure.needs()
    });
    if selected {
        RuleFound::AppliesToNothing { needs: Some(rule.measure.needs()) }
    } else if rule.selection.is_everything() {
        RuleFound::NothingThere
    } else {
        RuleFound::AppliesToNothing { needs: None }
    }
}

fn definition(rule: &AlarmRule) -> String {
    let AlarmRule { measure, statistic, scope, selection, .. } = rule;
    let measure = match measure {
        Measure::Custom(custom) => {
            format!("{} {} {:?}", custom.namespace, custom.name, custom.dimensions)
        }
        Measure::Log(log) => format!("log query {} {}", log.query, log.field),
        Measure::Named(row) if rule.measure.metrics().next().is_none() => row.word.to_owned(),
        measure => measure
            .metrics()
            .map(|metric| format!("{} {}", metric.namespace, metric.name))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let Selection { clusters, services, runs_on, task_families, containers, namespaces, workloads, tags } =
        selection;
    format!(
        "{measure} | {statistic} | {} | {clusters:?} {services:?} {runs_on:?} {task_families:?} {containers:?} {namespaces:?} {workloads:?} {tags:?}",
        scope.as_str()
    )
}

//! What one run of a target saw of each rule: whether it has data anywhere, and whether it applies
//! to anything.
//!
//! A rule on a misspelt metric, or one whose selection matches nothing, never fires and never
//! fails. Only a look at the rule as a whole tells it from a rule whose subjects are well.

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

/// How long a rule must be without data, or without a subject, before people are notified: a metric
/// that is published once a day, by a nightly job, is no fault. A longer evaluation range counts
/// instead.
pub const GRACE: SignedDuration = SignedDuration::from_hours(24);

/// What one run of a target saw of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleObservation {
    /// Name of the rule.
    pub rule: String,
    /// What the rule asks and selects, as text. A rule whose definition changed is another rule.
    pub definition: String,
    /// After how many seconds a problem is notified; none if it is only reported, because missing
    /// data is normal for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_after_seconds: Option<i64>,
    /// What was found.
    pub found: RuleFound,
}

/// What a run found about a rule in one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum RuleFound {
    /// Some subject has at least one point.
    HasData,
    /// Subjects were asked about, the answers were complete, and none has any point.
    NoData(MissingMetric),
    /// The rule selects something, and nothing matches.
    AppliesToNothing {
        /// The level of Container Insights that the selected clusters lack; none if none is
        /// selected.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        needs: Option<InsightsLevel>,
    },
    /// The rule selects everything of its scope, and there is none: nothing to conclude.
    NothingThere,
    /// It could not be asked, ECS says that no task runs, or the measure is no metric of
    /// CloudWatch.
    NotKnown,
}

/// A question to CloudWatch that brought no point, of one subject as an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingMetric {
    /// The metrics: one, or the two of a derived value.
    pub metrics: Vec<Metric>,
    /// The statistic that was asked for.
    pub statistic: Statistic,
    /// Subjects that were asked about.
    pub subjects: usize,
}

/// What was seen of a rule so far.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    has_data: bool,
    unread: bool,
    judged: bool,
    /// Subjects without any point; empty once one has a point.
    silent: Vec<Subject>,
}

impl Evidence {
    /// Takes in a subject that it was not the turn of in this run.
    pub(super) fn not_asked(&mut self) {
        self.judged = true;
        self.unread |= !self.has_data;
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
            // It could not be asked, or is no metric of CloudWatch that could be missing.
            _ => self.unread = true,
        }
    }

    /// What follows once all lines have come. `is_listed` says whether everything that exists is in
    /// the inventory.
    pub(super) fn sight(
        mut self,
        rule: &AlarmRule,
        inventory: &Inventory,
        services: &HashMap<Subject, ServiceState>,
        is_listed: bool,
    ) -> RuleObservation {
        // A service that runs no task publishes nothing.
        self.silent.retain(|subject| services.get(subject).is_none_or(|state| state.running > 0));
        let found = if !self.judged {
            if is_listed { nothing_matches(rule, inventory) } else { RuleFound::NotKnown }
        } else if self.has_data {
            RuleFound::HasData
        } else if let Some(example) = self.silent.first().filter(|_| !self.unread) {
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

/// Whether missing data of all subjects is a fault that people should be notified of.
fn is_missing_a_fault(rule: &AlarmRule, is_running: impl Fn(&Subject) -> bool, silent: &[Subject]) -> bool {
    // With the other two treatments a gap has a meaning: the user expects gaps.
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
            // A service that runs without these has a notification of its own.
            false
        } else {
            // What ECS publishes is missing wherever nothing runs.
            rule.scope == Scope::Service && silent.iter().any(is_running)
        }
}

/// Why the rule judges nothing in an inventory that is complete.
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
        Measure::Named(row) if rule.measure.metrics().next().is_none() => row.word.to_owned(),
        measure => measure
            .metrics()
            .map(|metric| format!("{} {}", metric.namespace, metric.name))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let Selection { clusters, services, task_families, namespaces, workloads, tags } = selection;
    format!(
        "{measure} | {statistic} | {} | {clusters:?} {services:?} {task_families:?} {namespaces:?} {workloads:?} {tags:?}",
        scope.as_str()
    )
}

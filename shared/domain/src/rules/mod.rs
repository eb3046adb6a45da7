//! Alarm rules: what they measure, their threshold, and how to react when they fire.
//!
//! Every rule is valid, because `config` checks the user's text. The name of a measure, its sources
//! and the meaning of its gaps are defined by one row of one table ([`MEASURES`]).

mod balancer_metrics;
mod condition;
mod cron;
pub mod derive;
mod duration;
mod kubernetes;
mod log_query;
mod maintenance;
mod measure;
mod mute;
pub mod pattern;
mod quota;
mod source;
mod table;
mod threshold;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::deaths::Class;
use crate::model::cluster::ClusterName;
use crate::model::compute::Capacity;
use crate::model::metric::{Period, Statistic, Unit};
use crate::model::run::Platform;
pub use crate::model::subject::Scope;
use crate::model::subject::{Subject, TaskOwner};
use crate::rules::pattern::NamePattern;

pub use balancer_metrics::{BalancerInput, BalancerMetric, is_sparse};
pub use cron::BadCron;
pub use duration::DurationText;
pub use kubernetes::{KUBERNETES, KubernetesMeasure, SAMPLE_PERIOD};
pub use log_query::{COUNT, LogMeasure, QueryPlaces, ServicePattern, WorkloadPattern};
pub use maintenance::MaintenanceWindow;
pub use measure::{CustomMetric, EKS_NAMESPACES, Measure, measures_with_samples, words, words_of};
pub use mute::Mute;
pub use quota::{AWS_USAGE, PERCENT_OF_QUOTA, QuotaFigure, RESOURCE_COUNT};
pub use source::{BalancerFigure, ReadFrom, Sampled, ServiceFigure, Source, SourceKind, TaskFigure};
pub use table::{Gap, MEASURES, MeasureRow};
pub use threshold::ThresholdText;

/// A validated rule of the user's file.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmRule {
    /// Name, unique in the file.
    pub name: String,
    /// The evaluated measure.
    pub measure: Measure,
    /// The classes that `task-deaths` counts; empty for all failures, and for other measures.
    pub classes: Vec<Class>,
    /// The least number of requests of a period that counts; `None` if all count.
    pub minimum_samples: Option<u32>,
    /// Source of the measure; if `None`, the first that can answer.
    pub source: Option<SourceKind>,
    /// Statistic of each period.
    pub statistic: Statistic,
    /// Kind of the evaluated subjects: clusters, services, task families or workloads.
    pub scope: Scope,
    /// Which subjects of that kind.
    pub selection: Selection,
    /// Condition to fire.
    pub condition: Condition,
    /// Length of a period.
    pub period: Period,
    /// Severity.
    pub severity: Severity,
    /// Remedy, for the reader of the summary.
    pub message: Option<String>,
    /// Minimum duration of an alarm, so that a flapping value is one alarm; zero for no minimum.
    pub hold: SignedDuration,
    /// Time after the last notification about an alarm until it is notified again; `None` for
    /// never.
    pub remind_every: Option<SignedDuration>,
    /// When it is muted.
    pub maintenance: Vec<MaintenanceWindow>,
    /// Whether it is muted for a service that is being deployed.
    pub quiet_during_deployment: bool,
    /// Names of other rules: while one of them is in ALARM on the same subject or its cluster, this
    /// rule is muted.
    pub unless: Vec<String>,
}

/// Subjects of a rule: those that match one pattern of each list, in clusters whose tags match all
/// of `tags`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Patterns of cluster names.
    pub clusters: Vec<NamePattern>,
    /// Patterns of service names.
    pub services: Vec<NamePattern>,
    /// Patterns of the kinds of capacity that a service's tasks run on.
    pub runs_on: Vec<NamePattern>,
    /// Patterns of task families.
    pub task_families: Vec<NamePattern>,
    /// Patterns of container names.
    pub containers: Vec<NamePattern>,
    /// Patterns of Kubernetes namespaces.
    pub namespaces: Vec<NamePattern>,
    /// Patterns of workload names.
    pub workloads: Vec<NamePattern>,
    /// Keys of cluster tags with patterns for their values. A cluster without the tag does not
    /// match.
    pub tags: Vec<(String, NamePattern)>,
}

/// Condition to fire: M of the newest N periods breach the threshold (CloudWatch User Guide,
/// "Evaluating an alarm").
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Condition {
    /// Comparison under which a value breaches the threshold.
    pub comparison: Comparison,
    /// The threshold, in the unit of the measure.
    pub threshold: f64,
    /// The threshold below (or above) which an alarm may end; if `None`, the threshold itself.
    pub clear_threshold: Option<f64>,
    /// N: the number of evaluated periods.
    pub evaluation_periods: u32,
    /// M: the number of periods that must breach.
    pub datapoints_to_alarm: u32,
    /// How a period without data counts.
    pub treat_missing_data: MissingData,
}

/// How a value is compared with the threshold, as in CloudWatch (`ComparisonOperator`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Comparison {
    /// `>`
    GreaterThanThreshold,
    /// `>=`
    GreaterThanOrEqualToThreshold,
    /// `<`
    LessThanThreshold,
    /// `<=`
    LessThanOrEqualToThreshold,
}

impl Comparison {
    /// Whether the value breaches the threshold.
    pub fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterThanThreshold => value > threshold,
            Self::GreaterThanOrEqualToThreshold => value >= threshold,
            Self::LessThanThreshold => value < threshold,
            Self::LessThanOrEqualToThreshold => value <= threshold,
        }
    }

    /// The comparison in words, as in "were over 80 %".
    pub fn words(self) -> &'static str {
        match self {
            Self::GreaterThanThreshold => "over",
            Self::GreaterThanOrEqualToThreshold => "at or over",
            Self::LessThanThreshold => "under",
            Self::LessThanOrEqualToThreshold => "at or under",
        }
    }

    /// Word for the worst value.
    pub fn extreme(self) -> &'static str {
        match self {
            Self::GreaterThanThreshold | Self::GreaterThanOrEqualToThreshold => "highest",
            Self::LessThanThreshold | Self::LessThanOrEqualToThreshold => "lowest",
        }
    }

    /// The worse of two values.
    pub fn worse(self, a: f64, b: f64) -> f64 {
        match self {
            Self::GreaterThanThreshold | Self::GreaterThanOrEqualToThreshold => a.max(b),
            Self::LessThanThreshold | Self::LessThanOrEqualToThreshold => a.min(b),
        }
    }
}

/// How a period without data counts, as in CloudWatch (`TreatMissingData`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum MissingData {
    /// Not counted; without any data the state is `INSUFFICIENT_DATA`.
    #[default]
    Missing,
    /// Not counted; the state does not change.
    Ignore,
    /// Counts as breaching.
    Breaching,
    /// Counts as not breaching.
    NotBreaching,
}

/// Severity of an alarm; summaries list the most severe alarms first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Users are affected.
    Critical,
    /// Users will be affected unless someone acts.
    #[default]
    Warning,
    /// For information.
    Info,
}

impl Severity {
    /// Its spelling in the user's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl AlarmRule {
    /// Whether it is evaluated on ECS or EKS clusters.
    pub fn platform(&self) -> Platform {
        match self.scope {
            // Log groups belong to neither; which target queries them is decided for each run.
            Scope::Account
            | Scope::Service
            | Scope::TaskFamily
            | Scope::Task
            | Scope::Container
            | Scope::LogGroup => Platform::Ecs,
            Scope::Workload => Platform::Eks,
            Scope::Cluster => self.measure.platform(),
        }
    }

    /// Whether its measure exists for this subject: a saved query of logs names its subjects.
    pub(crate) fn covers(&self, subject: &Subject) -> bool {
        match &self.measure {
            Measure::Log(log) => log.places.covers(subject),
            Measure::Named(_) | Measure::Metric(_) | Measure::Custom(_) => true,
        }
    }

    /// Whether it depends on how a service is set up: what it runs on, or what is in front of it.
    pub fn needs_setup(&self) -> bool {
        self.measure.balancer_figure().is_some()
            || !self.selection.runs_on.iter().any(NamePattern::is_everything)
    }

    /// The sources that it may use, in the order in which they are tried.
    pub fn sources(&self) -> impl Iterator<Item = Source> + use<> {
        let only = self.source;
        self.measure.sources().filter(move |source| only.is_none_or(|kind| source.kind() == kind))
    }

    /// Length of the range that one evaluation uses.
    pub fn range(&self) -> SignedDuration {
        self.period.length() * i32::try_from(self.condition.evaluation_range()).unwrap_or(i32::MAX)
    }

    /// Unit of the evaluated values: that of the measure, except that a number of samples is always
    /// a plain number.
    pub fn unit(&self) -> Unit {
        if self.statistic == Statistic::SampleCount { Unit::Count } else { self.measure.unit() }
    }
}

impl Selection {
    /// Whether the cluster matches. `tags` are the tags of the cluster.
    pub fn fits_cluster(&self, cluster: &ClusterName, tags: &BTreeMap<String, String>) -> bool {
        fits(&self.clusters, cluster.as_str())
            && self
                .tags
                .iter()
                .all(|(key, pattern)| tags.get(key).is_some_and(|value| pattern.matches(value)))
    }

    /// Whether it selects everything.
    pub fn is_everything(&self) -> bool {
        // What a service runs on is no name that could be misspelt.
        let Self { clusters, services, runs_on: _, task_families, containers, namespaces, workloads, tags } =
            self;
        let lists = [clusters, services, task_families, containers, namespaces, workloads];
        tags.is_empty() && lists.into_iter().all(|list| list.iter().any(NamePattern::is_everything))
    }

    /// Whether what a service runs on matches. One that has not been described yet counts as on
    /// Fargate.
    pub fn fits_capacity(&self, capacity: Option<Capacity>) -> bool {
        fits(&self.runs_on, capacity.unwrap_or_default().as_str())
    }

    /// Whether the service, task family or workload of the subject matches; a cluster as a whole
    /// always matches.
    pub fn fits_within(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Account | Subject::Cluster(_) | Subject::LogGroup(_) => true,
            Subject::Service(_, service) => fits(&self.services, service.as_str()),
            Subject::TaskFamily(_, family) => fits(&self.task_families, family),
            Subject::Task(_, owner, _) => self.fits_owner(owner),
            Subject::Container(_, owner, name) => self.fits_owner(owner) && fits(&self.containers, name),
            Subject::Workload(_, workload) => {
                fits(&self.namespaces, &workload.namespace) && fits(&self.workloads, &workload.name)
            }
        }
    }
}

impl Selection {
    /// Whether a task's service or family is selected. Who names services does not mean tasks
    /// without one, and who names families does not mean those of services.
    fn fits_owner(&self, owner: &TaskOwner) -> bool {
        let names = |patterns: &[NamePattern]| !patterns.iter().any(NamePattern::is_everything);
        let (services, families) = (names(&self.services), names(&self.task_families));
        match owner {
            TaskOwner::Service(service) => fits(&self.services, service.as_str()) && (services || !families),
            TaskOwner::Family(family) => fits(&self.task_families, family) && (families || !services),
        }
    }
}

fn fits(patterns: &[NamePattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

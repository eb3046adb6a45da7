//! Alarm rules: what is judged, against which threshold, and what it means when it fires.
//!
//! A rule that exists can be judged: `config` checks the user's text. What a measure is called, where it comes from and how
//! its gaps are read stands in one row of one table ([`MEASURES`]).

mod cron;
pub mod derive;
mod duration;
mod kubernetes;
mod maintenance;
mod measure;
mod mute;
pub mod pattern;
mod source;
mod table;
mod threshold;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::model::cluster::ClusterName;
use crate::model::metric::{Period, Statistic, Unit};
use crate::model::run::Platform;
pub use crate::model::subject::Scope;
use crate::model::subject::Subject;
use crate::rules::pattern::NamePattern;

pub use cron::BadCron;
pub use duration::DurationText;
pub use kubernetes::{KUBERNETES, KubernetesMeasure, SAMPLE_PERIOD};
pub use maintenance::MaintenanceWindow;
pub use measure::{CustomMetric, EKS_NAMESPACES, Measure, words};
pub use mute::Mute;
pub use source::{ReadFrom, Sampled, ServiceFigure, Source, SourceKind};
pub use table::{Gap, MEASURES, MeasureRow};
pub use threshold::ThresholdText;

/// A rule of the user's file, checked: it can be judged.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmRule {
    /// Name, unique in the file.
    pub name: String,
    /// What is judged.
    pub measure: Measure,
    /// Which of the sources of the measure is asked; the first that can answer if none is named.
    pub source: Option<SourceKind>,
    /// Statistic of each period.
    pub statistic: Statistic,
    /// Whether clusters, services, task families or workloads are judged.
    pub scope: Scope,
    /// Which of them.
    pub selection: Selection,
    /// When it fires.
    pub condition: Condition,
    /// Length of a period.
    pub period: Period,
    /// How bad it is.
    pub severity: Severity,
    /// What to do about it, for the reader of the summary.
    pub message: Option<String>,
    /// How long an alarm lasts at least, so that a flapping value is one alarm; zero if nothing holds it.
    pub hold: SignedDuration,
    /// How long after the last word about it an alarm is told again; none if never.
    pub remind_every: Option<SignedDuration>,
    /// When nothing is told of it.
    pub maintenance: Vec<MaintenanceWindow>,
    /// Whether nothing is told of a service that is being deployed.
    pub quiet_during_deployment: bool,
    /// Names of other rules: while one of them is in ALARM on the same subject or its cluster, nothing is told.
    pub unless: Vec<String>,
}

/// What a rule applies to: what fits one pattern of each list, in clusters whose tags fit all of `tags`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Patterns of cluster names.
    pub clusters: Vec<NamePattern>,
    /// Patterns of service names.
    pub services: Vec<NamePattern>,
    /// Patterns of task families.
    pub task_families: Vec<NamePattern>,
    /// Patterns of Kubernetes namespaces.
    pub namespaces: Vec<NamePattern>,
    /// Patterns of names of workloads.
    pub workloads: Vec<NamePattern>,
    /// Keys of tags of the cluster with patterns of their values. A cluster without the tag does not fit.
    pub tags: Vec<(String, NamePattern)>,
}

/// When a rule fires: M of the newest N periods breach the threshold (CloudWatch User Guide, "Evaluating an alarm").
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Condition {
    /// How a value is compared with the threshold to breach it.
    pub comparison: Comparison,
    /// The threshold, in the unit of the measure.
    pub threshold: f64,
    /// The threshold below (or above) which an alarm may end; the threshold itself if there is none.
    pub clear_threshold: Option<f64>,
    /// N: how many periods are looked at.
    pub evaluation_periods: u32,
    /// M: how many of them must breach.
    pub datapoints_to_alarm: u32,
    /// What a period without data counts as.
    pub treat_missing_data: MissingData,
}

/// CloudWatch's words for comparing a value with the threshold (`ComparisonOperator`).
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

    /// What the worst value is called.
    pub fn extreme(self) -> &'static str {
        match self {
            Self::GreaterThanThreshold | Self::GreaterThanOrEqualToThreshold => "highest",
            Self::LessThanThreshold | Self::LessThanOrEqualToThreshold => "lowest",
        }
    }

    /// Of two values the one that is worse for the reader.
    pub fn worse(self, a: f64, b: f64) -> f64 {
        match self {
            Self::GreaterThanThreshold | Self::GreaterThanOrEqualToThreshold => a.max(b),
            Self::LessThanThreshold | Self::LessThanOrEqualToThreshold => a.min(b),
        }
    }
}

/// CloudWatch's words for what a period without data counts as (`TreatMissingData`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum MissingData {
    /// Nothing: with no data at all the state is `INSUFFICIENT_DATA`.
    #[default]
    Missing,
    /// Nothing: the state stays what it was.
    Ignore,
    /// A period that breaches.
    Breaching,
    /// A period that does not.
    NotBreaching,
}

/// How bad an alarm is; the worst comes first in a summary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Users notice.
    Critical,
    /// Users will notice if nobody acts.
    #[default]
    Warning,
    /// Good to know.
    Info,
}

impl Severity {
    /// The word of the user's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl AlarmRule {
    /// Whether clusters of ECS or of EKS are judged by it.
    pub fn platform(&self) -> Platform {
        match self.scope {
            Scope::Service | Scope::TaskFamily => Platform::Ecs,
            Scope::Workload => Platform::Eks,
            Scope::Cluster => self.measure.platform(),
        }
    }

    /// The sources that it may be judged on, in the order in which they are tried.
    pub fn sources(&self) -> impl Iterator<Item = Source> + use<> {
        let only = self.source;
        self.measure.sources().filter(move |source| only.is_none_or(|kind| source.kind() == kind))
    }

    /// How far back one verdict looks.
    pub fn range(&self) -> SignedDuration {
        self.period.length() * i32::try_from(self.condition.evaluation_range()).unwrap_or(i32::MAX)
    }

    /// Unit of the judged values: that of the measure, except that a number of samples is a number whatever was sampled.
    pub fn unit(&self) -> Unit {
        if self.statistic == Statistic::SampleCount { Unit::Count } else { self.measure.unit() }
    }
}

impl Selection {
    /// Whether the cluster fits. `tags` are its own.
    pub fn fits_cluster(&self, cluster: &ClusterName, tags: &BTreeMap<String, String>) -> bool {
        fits(&self.clusters, cluster.as_str())
            && self
                .tags
                .iter()
                .all(|(key, pattern)| tags.get(key).is_some_and(|value| pattern.matches(value)))
    }

    /// Whether nothing is left out.
    pub fn is_everything(&self) -> bool {
        let Self { clusters, services, task_families, namespaces, workloads, tags } = self;
        let lists = [clusters, services, task_families, namespaces, workloads];
        tags.is_empty() && lists.into_iter().all(|list| list.iter().any(NamePattern::is_everything))
    }

    /// Whether the service, task family or workload of the subject fits; a cluster as a whole always does.
    pub fn fits_within(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Account | Subject::Cluster(_) => true,
            Subject::Service(_, service) => fits(&self.services, service.as_str()),
            Subject::TaskFamily(_, family) => fits(&self.task_families, family),
            Subject::Workload(_, workload) => {
                fits(&self.namespaces, &workload.namespace) && fits(&self.workloads, &workload.name)
            }
        }
    }
}

fn fits(patterns: &[NamePattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

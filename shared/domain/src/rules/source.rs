//! Where the values of a measure come from.

use super::KubernetesMeasure;
use crate::model::catalogue::CatalogueMetric;
use crate::model::insights::InsightsLevel;
use crate::model::metric::Statistic;
use crate::rules::derive::Formula;

/// One way to come by the values of a measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source {
    /// A metric of the catalogue.
    Metric(&'static CatalogueMetric),
    /// A value computed from two metrics with the same dimensions.
    Derived {
        /// How it is computed.
        formula: Formula,
        /// Left side of the formula.
        first: &'static CatalogueMetric,
        /// Right side of the formula.
        second: &'static CatalogueMetric,
    },
    /// A metric that the user spells out.
    Custom,
    /// What ECS says of a service at the time of the run.
    EcsApi(ServiceFigure),
    /// A sample of a workload or cluster on EKS.
    Sampled(Sampled),
}

/// The kind of a source, by which a rule may choose one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "source"))]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// Metrics of CloudWatch.
    Cloudwatch,
    /// The API of ECS (`DescribeServices`).
    EcsApi,
    /// The API of Kubernetes and its Metrics API.
    KubernetesApi,
    /// cAdvisor, by way of the Kubernetes API.
    Cadvisor,
}

/// What `DescribeServices` says of a service, as one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceFigure {
    /// Tasks that should run while not a single one does. Such a service publishes no metrics, so no metric can tell.
    NothingRunning,
    /// Tasks that should run and do not, for as long as every check since has found some.
    RunningBelowDesired,
    /// 1 while the newest deployment is one that failed or that is rolled back, else 0.
    DeploymentFailed,
    /// Tasks of its deployments that failed since the check before.
    TasksFailing,
}

/// A figure that is sampled from EKS once a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampled {
    /// Which figure.
    pub measure: KubernetesMeasure,
    /// Name of its samples in a snapshot.
    pub metric: &'static str,
    /// Where it is read.
    pub from: ReadFrom,
    /// How the pods of a workload become one value. What is counted has one way only, and it is called Maximum.
    pub statistics: &'static [Statistic],
}

/// The answer that a sample is read from: without it the sample could not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFrom {
    /// The pods of the cluster.
    Pods,
    /// What the Metrics API says of their usage.
    Usage,
    /// Whether the Metrics API answers, which is not known if nobody could ask.
    MetricsApi,
    /// Workloads with their replicas.
    Workloads,
    /// Counters of cAdvisor, which is read only where the user's file says so.
    Cadvisor,
}

impl SourceKind {
    /// The word of the user's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cloudwatch => "cloudwatch",
            Self::EcsApi => "ecs-api",
            Self::KubernetesApi => "kubernetes-api",
            Self::Cadvisor => "cadvisor",
        }
    }
}

impl ServiceFigure {
    /// Whether it is known of the time since earlier checks, too. The others are known of one instant.
    pub fn lasts(self) -> bool {
        self == Self::RunningBelowDesired
    }

    /// Whether ECS must be asked about each service for it. A service whose metrics arrive has tasks that run.
    pub fn needs_every_service(self) -> bool {
        self != Self::NothingRunning
    }
}

impl Source {
    /// What kind of source it is.
    pub fn kind(self) -> SourceKind {
        match self {
            Self::Metric(_) | Self::Derived { .. } | Self::Custom => SourceKind::Cloudwatch,
            Self::EcsApi(_) => SourceKind::EcsApi,
            Self::Sampled(Sampled { from: ReadFrom::Cadvisor, .. }) => SourceKind::Cadvisor,
            Self::Sampled(_) => SourceKind::KubernetesApi,
        }
    }

    /// Metrics of the catalogue that are asked for.
    pub fn metrics(self) -> impl Iterator<Item = &'static CatalogueMetric> {
        let (first, second) = match self {
            Self::Metric(metric) => (Some(metric), None),
            Self::Derived { first, second, .. } => (Some(first), Some(second)),
            Self::Custom | Self::EcsApi(_) | Self::Sampled(_) => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// Least setting of Container Insights with which a cluster publishes what is asked for.
    pub fn needs(self) -> InsightsLevel {
        self.metrics().map(|metric| metric.needs).max().unwrap_or_default()
    }
}

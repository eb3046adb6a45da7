//! Sources of a measure's values.

use super::{KubernetesMeasure, QuotaFigure};
use crate::model::catalogue::CatalogueMetric;
use crate::model::insights::InsightsLevel;
use crate::model::metric::Statistic;
use crate::rules::derive::Formula;

/// A source of a measure's values.
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
    /// A metric that the user specifies in full.
    Custom,
    /// A figure that ECS reports about a service at the time of the run.
    EcsApi(ServiceFigure),
    /// A sample of an EKS workload or cluster.
    Sampled(Sampled),
    /// A query of logs.
    LogsInsights,
    /// A count of events of tasks.
    TaskEvents(TaskFigure),
    /// A figure of the load balancers in front of a service.
    LoadBalancer(BalancerFigure),
    /// How much of a quota of the account is used.
    Quota(QuotaFigure),
}

/// The kind of a source, with which a rule can select one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "source"))]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// CloudWatch metrics.
    Cloudwatch,
    /// The ECS API (`DescribeServices`).
    EcsApi,
    /// The Kubernetes API, including the Metrics API.
    KubernetesApi,
    /// cAdvisor, through the Kubernetes API.
    Cadvisor,
    /// `CloudWatch` Logs Insights.
    LogsInsights,
    /// Events of tasks, which fargaze keeps.
    TaskEvents,
}

/// What is counted of the events of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskFigure {
    /// Tasks that died.
    Deaths,
    /// Tasks that ended by themselves within five minutes of their start.
    CrashLoops,
    /// Tasks that Fargate Spot interrupted.
    SpotInterruptions,
    /// Tasks that ECS could not place: no capacity, no IP address, no quota.
    PlacementFailures,
}

/// A figure of the load balancers in front of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BalancerFigure {
    /// Share of the requests that the service's targets answered with 5XX.
    Http5xxPercent,
    /// Time until the targets answered, in seconds.
    ResponseTime,
    /// Targets that fail their health check.
    UnhealthyHosts,
    /// Requests.
    Requests,
}

impl BalancerFigure {
    /// The statistic of a rule that names none. Only that of response times can be chosen.
    pub fn statistic(self) -> Statistic {
        match self {
            Self::ResponseTime => Statistic::Percentile("p99".to_owned()),
            Self::UnhealthyHosts => Statistic::Maximum,
            Self::Http5xxPercent | Self::Requests => Statistic::Sum,
        }
    }

    /// Whether its periods have a number of requests, which a rule can demand.
    pub fn has_samples(self) -> bool {
        matches!(self, Self::Http5xxPercent | Self::ResponseTime)
    }
}

/// A figure that `DescribeServices` reports about a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceFigure {
    /// Number of desired tasks while no task is running. A service without running tasks publishes
    /// no metrics, so no metric shows this.
    NothingRunning,
    /// Number of desired tasks that are not running, for as long as every check since then has
    /// found some.
    RunningBelowDesired,
    /// 1 while the newest deployment has failed or is being rolled back, otherwise 0.
    DeploymentFailed,
    /// Tasks of its deployments that failed since the previous check.
    TasksFailing,
}

/// A figure that is sampled from EKS once per run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampled {
    /// Which figure.
    pub measure: KubernetesMeasure,
    /// Name of its samples in a snapshot.
    pub metric: &'static str,
    /// The response that it is read from.
    pub from: ReadFrom,
    /// How the values of a workload's pods are aggregated. Counts have only one way, which is named
    /// Maximum.
    pub statistics: &'static [Statistic],
}

/// The response that a sample is read from: without it there is no sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFrom {
    /// The pods of the cluster.
    Pods,
    /// Their usage, from the Metrics API.
    Usage,
    /// Whether the Metrics API responds, which is unknown if it could not be asked.
    MetricsApi,
    /// The workloads with their replicas.
    Workloads,
    /// Counters of cAdvisor, which is read only if the user's file enables it.
    Cadvisor,
}

impl SourceKind {
    /// Its spelling in the user's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cloudwatch => "cloudwatch",
            Self::EcsApi => "ecs-api",
            Self::KubernetesApi => "kubernetes-api",
            Self::Cadvisor => "cadvisor",
            Self::LogsInsights => "logs-insights",
            Self::TaskEvents => "task-events",
        }
    }
}

impl ServiceFigure {
    /// Whether it is also known for the time since earlier checks. The others are known only for
    /// one instant.
    pub fn lasts(self) -> bool {
        self == Self::RunningBelowDesired
    }

    /// Whether every service must be described for it. A service whose metrics arrive has running
    /// tasks.
    pub fn needs_every_service(self) -> bool {
        self != Self::NothingRunning
    }
}

impl Source {
    /// Kind of the source.
    pub fn kind(self) -> SourceKind {
        match self {
            Self::Metric(_)
            | Self::Derived { .. }
            | Self::Custom
            | Self::LoadBalancer(_)
            | Self::Quota(_) => SourceKind::Cloudwatch,
            Self::EcsApi(_) => SourceKind::EcsApi,
            Self::Sampled(Sampled { from: ReadFrom::Cadvisor, .. }) => SourceKind::Cadvisor,
            Self::Sampled(_) => SourceKind::KubernetesApi,
            Self::LogsInsights => SourceKind::LogsInsights,
            Self::TaskEvents(_) => SourceKind::TaskEvents,
        }
    }

    /// The metrics of the catalogue that are requested.
    pub fn metrics(self) -> impl Iterator<Item = &'static CatalogueMetric> {
        let (first, second) = match self {
            Self::Metric(metric) => (Some(metric), None),
            Self::Derived { first, second, .. } => (Some(first), Some(second)),
            Self::Custom
            | Self::EcsApi(_)
            | Self::Sampled(_)
            | Self::LogsInsights
            | Self::TaskEvents(_)
            | Self::LoadBalancer(_)
            | Self::Quota(_) => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// Lowest Container Insights level at which a cluster publishes its metrics.
    pub fn needs(self) -> InsightsLevel {
        self.metrics().map(|metric| metric.needs).max().unwrap_or_default()
    }
}

//! Quotas of an account on Fargate: the part that is used.
//!
//! Source: Amazon ECS Developer Guide, "Amazon ECS usage metrics": `AWS/Usage` `ResourceCount` with
//! the function `SERVICE_QUOTA`. Tasks of ECS and pods of EKS count.

use crate::model::metric::{Dimensions, Metric, MetricQuery, Period, Statistic};

/// A quota of an account in a Region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuotaFigure {
    /// vCPUs of Fargate on demand.
    OnDemandVcpus,
    /// vCPUs of Fargate Spot.
    SpotVcpus,
}

/// Namespace of usage metrics.
pub const AWS_USAGE: &str = "AWS/Usage";

/// The usage metric.
pub const RESOURCE_COUNT: &str = "ResourceCount";

/// Name under which a snapshot has the usage in percent of the quota, which CloudWatch computes.
pub const PERCENT_OF_QUOTA: &str = "ResourceCountPercentOfQuota";

impl QuotaFigure {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::OnDemandVcpus, Self::SpotVcpus];

    /// Value of the dimension `Class`.
    pub fn class(self) -> &'static str {
        match self {
            Self::OnDemandVcpus => "Standard/OnDemand",
            Self::SpotVcpus => "Standard/Spot",
        }
    }

    /// The quota that a metric in a snapshot is about.
    pub fn of(metric: &Metric) -> Option<Self> {
        let is_it = metric.namespace == AWS_USAGE && metric.name == PERCENT_OF_QUOTA;
        let class = metric.dimensions.get("Class").filter(|_| is_it)?;
        Self::ALL.into_iter().find(|figure| figure.class() == class)
    }

    /// The query for the highest usage of each period, in percent of the quota.
    pub fn query(self, period: Period) -> MetricQuery {
        let dimensions =
            [("Service", "Fargate"), ("Type", "Resource"), ("Resource", "vCPU"), ("Class", self.class())];
        let metric = Metric {
            namespace: AWS_USAGE.into(),
            name: PERCENT_OF_QUOTA.into(),
            dimensions: Dimensions::new(dimensions),
        };
        MetricQuery { metric, statistic: Statistic::Maximum, period }
    }
}

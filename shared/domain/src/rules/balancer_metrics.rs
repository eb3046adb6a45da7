//! The metrics of load balancers that figures are computed from (Elastic Load Balancing User Guides,
//! "CloudWatch metrics for your Application Load Balancer" and "... Network Load Balancer").

use super::{AWS_USAGE, AlarmRule, BalancerFigure};
use crate::model::load_balancer::BalancerKind;
use crate::model::metric::{Metric, Statistic};

/// What a metric of a target group is for in a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BalancerInput {
    /// Requests of a period.
    Requests,
    /// Requests that the targets answered with 5XX.
    Errors,
    /// The figure itself.
    Value,
}

/// A metric that a figure is computed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalancerMetric {
    /// What it is for.
    pub input: BalancerInput,
    /// Its name.
    pub name: &'static str,
    /// Its statistic.
    pub statistic: Statistic,
}

impl BalancerFigure {
    /// Whether this kind of load balancer publishes it. A Network Load Balancer has no requests.
    pub fn exists_for(self, kind: BalancerKind) -> bool {
        match kind {
            BalancerKind::Application => true,
            BalancerKind::Network => self == Self::UnhealthyHosts,
            BalancerKind::Gateway => false,
        }
    }

    /// The metrics that it is computed from, for each target group.
    pub fn inputs(self, rule: &AlarmRule) -> Vec<BalancerMetric> {
        let sum = |input, name| BalancerMetric { input, name, statistic: Statistic::Sum };
        let requests = || sum(BalancerInput::Requests, "RequestCount");
        let value = |name, statistic| BalancerMetric { input: BalancerInput::Value, name, statistic };
        match self {
            Self::Http5xxPercent => vec![sum(BalancerInput::Errors, "HTTPCode_Target_5XX_Count"), requests()],
            Self::ResponseTime => {
                let time = value("TargetResponseTime", rule.statistic.clone());
                std::iter::once(time).chain(rule.minimum_samples.map(|_| requests())).collect()
            }
            Self::UnhealthyHosts => vec![value("UnHealthyHostCount", Statistic::Maximum)],
            Self::Requests => vec![requests()],
        }
    }
}

/// Whether a metric has no point while nothing happens: of requests, errors and response times
/// without any, and of quotas that nothing uses.
pub fn is_sparse(metric: &Metric) -> bool {
    let happens = || {
        ["RequestCount", "HTTPCode_Target_5XX_Count", "TargetResponseTime"].contains(&metric.name.as_ref())
    };
    metric.namespace == AWS_USAGE || metric.namespace == BalancerKind::Application.namespace() && happens()
}

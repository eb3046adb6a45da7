//! CloudWatch metrics of EKS clusters: which ones a report shows, and how to interpret their
//! values.
//!
//! Their names are not listed here: AWS has renamed those of `AWS/EKS` once, and adds new ones.
//! Only naming patterns are known.

use crate::model::metric::{Metric, Statistic};

/// The namespace of the control plane's metrics.
const CONTROL_PLANE: &str = "AWS/EKS";
/// Prefixes of counter names in the December 2024 edition of the Amazon EKS User Guide, "Monitor
/// cluster data with Amazon CloudWatch"; newer names follow Prometheus, whose counters have `total`
/// in their name.
const COUNTERS: [&str; 2] = ["APIServerRequests", "SchedulerScheduleAttempts"];

/// Whether a metric counts events in a period, so that its value is the `Sum` of the period: the
/// guide says this about the counters of `AWS/EKS`. In other namespaces `total` has other meanings
/// (`pod_cpu_usage_total` is a gauge).
pub fn is_counter(namespace: &str, name: &str) -> bool {
    let is_total = || name.split('_').any(|part| part == "total");
    namespace == CONTROL_PLANE && (is_total() || COUNTERS.iter().any(|counter| name.starts_with(counter)))
}

/// The statistics that a report requests: the sum for a counter, otherwise mean and maximum.
pub fn statistics(metric: &Metric) -> &'static [Statistic] {
    if is_counter(&metric.namespace, &metric.name) {
        &[Statistic::Sum]
    } else {
        &[Statistic::Average, Statistic::Maximum]
    }
}

/// The cluster of a metric, if a report shows it: a metric of the cluster as a whole, or one that
/// ADOT publishes for its Fargate pods, per cluster or namespace (AWS Distro for OpenTelemetry,
/// "Container Insights EKS Fargate"). Series of single pods are for rules only: a report has every
/// pod from the Metrics API, and each series is billed.
pub fn cluster_of(metric: &Metric) -> Option<&str> {
    let is_shown = metric.dimensions.iter().all(|(name, value)| match name {
        "ClusterName" => true,
        "LaunchType" => value == "fargate",
        "Namespace" => metric.dimensions.get("LaunchType").is_some(),
        _ => false,
    });
    metric.dimensions.get("ClusterName").filter(|_| is_shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metric::Dimensions;

    /// Issue 12, point 12.
    #[test]
    fn counters_of_both_editions_are_known_and_gauges_are_not_counters() {
        for name in [
            "apiserver_request_total",
            "apiserver_request_total_4XX",
            "apiserver_request_total_429",
            "scheduler_schedule_attempts_total",
            "scheduler_schedule_attempts_total_UNSCHEDULABLE",
            "APIServerRequests",
            "APIServerRequestsHTTP5XX",
        ] {
            assert!(is_counter("AWS/EKS", name), "{name}");
            assert!(!is_counter("ContainerInsights", name), "{name}");
        }
        for name in [
            "apiserver_request_duration_seconds_GET_P99",
            "apiserver_flowcontrol_current_executing_seats",
            "scheduler_pending_pods",
            "APIServerRequestLatency",
            "named_tomorrow",
        ] {
            assert!(!is_counter("AWS/EKS", name), "{name}");
        }
        assert!(!is_counter("ContainerInsights", "pod_cpu_usage_total"));
    }

    /// Issue 12, point 12.
    #[test]
    fn a_report_shows_metrics_of_clusters_and_those_of_adot() {
        let cluster_of = |dimensions: &[(&'static str, &str)]| {
            let dimensions = Dimensions::new(dimensions.iter().map(|(name, value)| (*name, *value)));
            let metric = Metric { namespace: "ContainerInsights".into(), name: "m".into(), dimensions };
            super::cluster_of(&metric).map(ToOwned::to_owned)
        };
        let (cluster, fargate) = (("ClusterName", "shop"), ("LaunchType", "fargate"));
        let (namespace, pod) = (("Namespace", "web"), ("PodName", "web-1"));
        for shown in [vec![cluster], vec![cluster, fargate], vec![cluster, fargate, namespace]] {
            assert_eq!(cluster_of(&shown).as_deref(), Some("shop"), "{shown:?}");
        }
        for not in [
            vec![fargate],
            vec![cluster, namespace],
            vec![cluster, fargate, namespace, pod],
            vec![cluster, ("LaunchType", "ec2")],
        ] {
            assert_eq!(cluster_of(&not), None, "{not:?}");
        }
    }
}

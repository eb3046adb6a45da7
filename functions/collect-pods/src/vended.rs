//! CloudWatch metrics of EKS clusters: those of the control plane, and those that an agent in the
//! cluster publishes.

use fargaze::evidence::inventory::Inventory;
use fargaze::model::fault::Fault;
use fargaze::model::metric::MetricQuery;
use fargaze::model::run::{Run, RunKind};
use fargaze::model::vended::{cluster_of, statistics};
use fargaze::rules::{AlarmRule, EKS_NAMESPACES};
use fargaze::sources::plan::QueryPlan;
use fargaze_aws::CloudWatch;

/// The queries for CloudWatch: in an alarms run those that rules need; for a report all metrics of
/// clusters with recent data. `ListMetrics` finds the names, because AWS has changed them once, and
/// adds more.
pub(crate) async fn queries(
    rules: &[AlarmRule],
    run: &Run,
    inventory: &Inventory,
    cloudwatch: &CloudWatch,
) -> (Vec<MetricQuery>, Vec<Fault>) {
    if run.kind != RunKind::Report {
        return (QueryPlan::for_alarms(rules, inventory).queries, Vec::new());
    }
    let (mut queries, mut faults) = (Vec::new(), Vec::new());
    if inventory.clusters.is_empty() {
        return (queries, faults);
    }
    for namespace in EKS_NAMESPACES {
        match cloudwatch.list_active_namespace(namespace).await {
            Ok(metrics) => {
                for metric in metrics {
                    let name = cluster_of(&metric).and_then(|name| name.parse().ok());
                    if name.is_none_or(|name| !inventory.clusters.contains_key(&name)) {
                        continue;
                    }
                    let of_metric = statistics(&metric).iter().map(|statistic| MetricQuery {
                        metric: metric.clone(),
                        statistic: statistic.clone(),
                        period: run.window.period,
                    });
                    queries.extend(of_metric);
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    // In the snapshot's order.
    queries.sort();
    queries.dedup();
    (queries, faults)
}

//! What CloudWatch has of EKS clusters: the control plane's own metrics, and those that an agent in the cluster writes.

use fargaze::aws::CloudWatch;
use fargaze::cluster::ClusterName;
use fargaze::fault::Fault;
use fargaze::inventory::Inventory;
use fargaze::metric::{Metric, MetricQuery, Statistic};
use fargaze::plan::QueryPlan;
use fargaze::rule::{AlarmRule, EKS_NAMESPACES};
use fargaze::run::{Run, RunKind};

/// What CloudWatch is asked: in an alarms run what rules need; for a report mean and maximum of all metrics of whole clusters that
/// have had data lately. Their names are found by `ListMetrics`: AWS has changed them once, and adds more.
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
                let ours = metrics
                    .into_iter()
                    .filter(|metric| is_of_cluster(metric, |name| inventory.clusters.contains_key(name)));
                for metric in ours {
                    for statistic in [Statistic::Average, Statistic::Maximum] {
                        let period = run.window.period;
                        queries.push(MetricQuery { metric: metric.clone(), statistic, period });
                    }
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    // In the order in which the snapshot has them.
    queries.sort();
    queries.dedup();
    (queries, faults)
}

/// Whether the metric is about one of these clusters as a whole.
fn is_of_cluster(metric: &Metric, known: impl Fn(&ClusterName) -> bool) -> bool {
    let name = metric.dimensions.get("ClusterName").and_then(|name| name.parse().ok());
    metric.dimensions.len() == 1 && name.is_some_and(|name| known(&name))
}

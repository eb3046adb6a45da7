//! Which services ECS must be asked about, because CloudWatch does not tell.

use std::collections::BTreeMap;

use fargaze::cluster::{ClusterName, ServiceName};
use fargaze::inventory::Inventory;
use fargaze::plan::needs_service_states;
use fargaze::rule::AlarmRule;
use fargaze::run::{Run, RunKind};

use crate::recording::Alive;

/// The services to describe, by cluster.
///
/// An alarms run needs the state of services without a recent point, if a rule is judged by it: metrics vanish together
/// with the last task. A report shows the counts of services, also of those of which no metric tells them.
pub(crate) fn to_describe(
    run: &Run,
    rules: &[AlarmRule],
    inventory: &Inventory,
    alive: &Alive,
) -> BTreeMap<ClusterName, Vec<ServiceName>> {
    let silent = |cluster: &ClusterName, service: &ServiceName| {
        !alive.contains(&(cluster.to_string(), service.to_string()))
    };
    let unclear = |cluster: &ClusterName, service: &ServiceName| match run.kind {
        RunKind::Report => {
            let reports = inventory.clusters.get(cluster).is_some_and(|entry| entry.reports_insights);
            !reports || silent(cluster, service)
        }
        RunKind::Alarms | RunKind::Sweep | RunKind::Restore => {
            needs_service_states(rules) && silent(cluster, service)
        }
    };
    let mut services = BTreeMap::<ClusterName, Vec<ServiceName>>::new();
    for (cluster, service) in inventory.services().filter(|(cluster, service)| unclear(cluster, service)) {
        services.entry(cluster.clone()).or_default().push(service.clone());
    }
    services
}

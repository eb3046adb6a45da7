//! Which services ECS must be asked about, because CloudWatch does not tell.

use std::collections::BTreeMap;

use fargaze::cluster::{ClusterName, ServiceName};
use fargaze::inventory::Inventory;
use fargaze::plan::needs_service_states;
use fargaze::rule::AlarmRule;
use fargaze::run::{Run, RunKind};

use crate::recording::Services;

/// The services to describe, by cluster.
///
/// An alarms run needs the state of services without a recent point, if a rule is judged by it: metrics vanish together
/// with the last task. It also needs to know of deployments where a rule that keeps quiet during them may fire. A report
/// shows tasks and deployments of all services.
pub(crate) fn to_describe(
    run: &Run,
    rules: &[AlarmRule],
    inventory: &Inventory,
    known: &Services,
) -> BTreeMap<ClusterName, Vec<ServiceName>> {
    let unclear = |cluster: &ClusterName, service: &ServiceName| {
        let name = (cluster.to_string(), service.to_string());
        let silent = !known.alive.contains(&name);
        match run.kind {
            RunKind::Report => true,
            RunKind::Alarms | RunKind::Sweep | RunKind::Restore => {
                (silent && needs_service_states(rules)) || known.hot.contains(&name)
            }
        }
    };
    let mut services = BTreeMap::<ClusterName, Vec<ServiceName>>::new();
    for (cluster, service) in inventory.services().filter(|(cluster, service)| unclear(cluster, service)) {
        services.entry(cluster.clone()).or_default().push(service.clone());
    }
    services
}

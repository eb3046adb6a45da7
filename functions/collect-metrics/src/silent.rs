//! Which services ECS must be asked about, because CloudWatch does not tell.

use std::collections::BTreeMap;

use fargaze::evidence::continuation::Earlier;
use fargaze::evidence::inventory::Inventory;
use fargaze::model::cluster::{ClusterName, ServiceName};
use fargaze::model::run::{Run, RunKind};
use fargaze::model::subject::Subject;
use fargaze::rules::AlarmRule;
use fargaze::sources::ecs_api::{needs_service, needs_silent_services};
use fargaze::sources::rotation::Rotation;

use crate::snapshot_builder::Services;

/// The services to describe, by cluster. A report shows tasks and deployments of all services.
///
/// An alarms run needs the state of services without a recent point, if a rule is judged by it: metrics vanish together
/// with the last task. It needs to know of deployments where a rule that keeps quiet during them may fire. And where a
/// rule is judged on what only ECS says, it asks about the services of which something was under way in the earlier run,
/// and about the others in rotation.
pub(crate) fn to_describe(
    run: &Run,
    rules: &[AlarmRule],
    inventory: &Inventory,
    known: &Services,
    earlier: Option<&Earlier>,
) -> BTreeMap<ClusterName, Vec<ServiceName>> {
    let needs_silent = needs_silent_services(rules);
    let rotation = Rotation { since: earlier.map(|earlier| earlier.time), now: run.time };
    let mut services = BTreeMap::<ClusterName, Vec<ServiceName>>::new();
    for (cluster, entry) in &inventory.clusters {
        let is_asked = |(place, service): &(usize, &ServiceName)| {
            let name = (cluster.to_string(), service.to_string());
            let is_unclear = needs_silent && !known.alive.contains(&name) || known.hot.contains(&name);
            let is_due = || {
                rotation.is_due(cluster, *place)
                    || earlier.is_some_and(|earlier| earlier.checks.asks_for(cluster, service, run.time))
            };
            let is_needed = || {
                let subject = Subject::Service(cluster.clone(), (*service).clone());
                needs_service(rules, &subject, entry)
            };
            run.kind == RunKind::Report || is_unclear || is_due() && is_needed()
        };
        let asked: Vec<ServiceName> = entry
            .services()
            .iter()
            .enumerate()
            .filter(is_asked)
            .map(|(_, service)| service.clone())
            .collect();
        if !asked.is_empty() {
            services.insert(cluster.clone(), asked);
        }
    }
    services
}

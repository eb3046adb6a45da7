//! Selects the services to describe by the ECS API, because CloudWatch metrics do not show their
//! state.

use std::collections::BTreeMap;

use fargaze::evidence::continuation::Earlier;
use fargaze::evidence::inventory::Inventory;
use fargaze::model::cluster::{ClusterName, ServiceName};
use fargaze::model::run::{Run, RunKind};
use fargaze::model::subject::Subject;
use fargaze::rules::AlarmRule;
use fargaze::sources::ecs_api::{needs_service, needs_silent};
use fargaze::sources::rotation::Rotation;

use crate::snapshot_builder::Services;

/// The services to describe, by cluster. A report shows tasks and deployments of all services.
///
/// An alarms run needs the state of services without a recent data point, if a rule is evaluated on
/// it: metrics vanish together with the last task. It needs deployments where a rule with
/// `quiet-during-deployment` may fire. And where a rule is evaluated on data that only the ECS API
/// has, it describes the services with something in progress in the earlier run, and the others in
/// rotation.
pub(crate) fn to_describe(
    run: &Run,
    rules: &[AlarmRule],
    inventory: &Inventory,
    known: &Services,
    earlier: Option<&Earlier>,
) -> BTreeMap<ClusterName, Vec<ServiceName>> {
    let needs_setup = rules.iter().any(AlarmRule::needs_setup);
    let rotation = Rotation { since: earlier.map(|earlier| earlier.time), now: run.time };
    let mut services = BTreeMap::<ClusterName, Vec<ServiceName>>::new();
    for (cluster, entry) in &inventory.clusters {
        let is_to_describe = |(place, service): &(usize, &ServiceName)| {
            let name = (cluster.to_string(), service.to_string());
            let subject = || Subject::Service(cluster.clone(), (*service).clone());
            let is_silent = !known.alive.contains(&name) && needs_silent(rules, &subject(), entry);
            let is_unclear = is_silent || known.hot.contains(&name);
            let is_due = || {
                rotation.is_due(cluster, *place)
                    || earlier.is_some_and(|earlier| earlier.checks.must_recheck(cluster, service, run.time))
            };
            // How a service is set up may change, also so that no rule evaluates it, or one does again.
            let is_needed = || needs_setup || needs_service(rules, &subject(), entry);
            run.kind == RunKind::Report || is_unclear || is_due() && is_needed()
        };
        let names: Vec<ServiceName> = entry
            .services()
            .iter()
            .enumerate()
            .filter(is_to_describe)
            .map(|(_, service)| service.clone())
            .collect();
        if !names.is_empty() {
            services.insert(cluster.clone(), names);
        }
    }
    services
}

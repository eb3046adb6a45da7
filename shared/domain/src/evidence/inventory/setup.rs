//! How services are set up, remembered from when they were last described: which target groups are
//! in front of them, and what they run on.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{CachedInventory, ClusterEntry, EcsEntry, ServiceState};
use crate::model::cluster::{ClusterName, ServiceName};
use crate::model::compute::{Capacity, Compute};
use crate::model::load_balancer::{Balancer, LoadBalancing, TargetGroup};

/// What changes about a service only when somebody deploys it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSetup {
    /// What its tasks run on.
    #[serde(default)]
    pub compute: Compute,
    /// What is in front of it.
    #[serde(default, skip_serializing_if = "LoadBalancing::is_empty")]
    pub load_balancing: LoadBalancing,
}

/// The load balancer of each target group, by the name of the group.
pub type Balancers = BTreeMap<String, Balancer>;

impl ServiceSetup {
    /// Takes over the load balancers that are known of the same target groups.
    fn keep_balancers_of(&mut self, known: &Self) {
        for group in self.load_balancing.groups_mut().filter(|group| group.balancer.is_none()) {
            let same = known.load_balancing.groups().find(|known| known.name == group.name);
            group.balancer = same.and_then(|known| known.balancer.clone());
        }
    }
}

impl ClusterEntry {
    /// The setup of a service; `None` if it has not been described yet.
    pub fn setup(&self, service: &ServiceName) -> Option<&ServiceSetup> {
        self.ecs()?.setups.get(service)
    }

    /// What a service runs on; `None` if it has not been described yet.
    pub fn capacity(&self, service: &ServiceName) -> Option<Capacity> {
        self.setup(service).map(|setup| setup.compute.capacity)
    }
}

impl EcsEntry {
    /// Takes over how its services are set up, and forgets that of others.
    pub fn keep_setups(&mut self, setups: BTreeMap<ServiceName, ServiceSetup>) {
        let listed: BTreeSet<&ServiceName> = self.services.iter().collect();
        self.setups = setups.into_iter().filter(|(service, _)| listed.contains(service)).collect();
    }
}

impl CachedInventory {
    /// Remembers the setups of described services. Returns whether any has changed.
    pub fn learn(&mut self, described: &[ServiceState]) -> bool {
        let mut has_changed = false;
        for state in described.iter().filter(|state| !state.is_missing()) {
            let entry = self.inventory.clusters.get_mut(&state.cluster).and_then(ClusterEntry::ecs_mut);
            let Some(ecs) = entry.filter(|ecs| ecs.services.contains(&state.service)) else { continue };
            let mut setup = state.setup.clone();
            let known = ecs.setups.get(&state.service);
            known.into_iter().for_each(|known| setup.keep_balancers_of(known));
            if known != Some(&setup) {
                ecs.setups.insert(state.service.clone(), setup);
                has_changed = true;
            }
        }
        has_changed
    }

    /// The services that have not been described yet, by cluster.
    pub fn undescribed(&self) -> BTreeMap<ClusterName, Vec<ServiceName>> {
        let new = |entry: &ClusterEntry| -> Vec<ServiceName> {
            entry.services().iter().filter(|service| entry.setup(service).is_none()).cloned().collect()
        };
        let clusters = self.inventory.clusters.iter().map(|(name, entry)| (name.clone(), new(entry)));
        clusters.filter(|(_, services)| !services.is_empty()).collect()
    }

    /// The target groups whose load balancer is not known.
    pub fn unbalanced(&self) -> impl Iterator<Item = &TargetGroup> {
        let entries = self.inventory.clusters.values().filter_map(ClusterEntry::ecs);
        let setups = entries.flat_map(|ecs| ecs.setups.values());
        setups.flat_map(|setup| setup.load_balancing.groups()).filter(|group| group.balancer.is_none())
    }

    /// Takes the load balancers of target groups. Returns whether any was not known.
    pub fn balance(&mut self, balancers: &Balancers) -> bool {
        let mut has_changed = false;
        let entries = self.inventory.clusters.values_mut().filter_map(ClusterEntry::ecs_mut);
        let setups = entries.flat_map(|ecs| ecs.setups.values_mut());
        let groups = setups.flat_map(|setup| setup.load_balancing.groups_mut());
        for group in groups.filter(|group| group.balancer.is_none()) {
            group.balancer = balancers.get(&group.name).cloned();
            has_changed |= group.balancer.is_some();
        }
        has_changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::inventory::Inventory;
    use crate::model::load_balancer::Route;
    use crate::model::status::ServiceStatus;

    fn state(service: &str, group: &str) -> ServiceState {
        let group = TargetGroup { name: format!("targetgroup/{group}/1"), balancer: None };
        let load_balancing =
            LoadBalancing { routes: vec![Route { group, alternate: None }], ..LoadBalancing::default() };
        ServiceState {
            status: ServiceStatus::Active,
            setup: ServiceSetup { load_balancing, ..ServiceSetup::default() },
            ..ServiceState::missing("shop".parse().unwrap(), service.parse().unwrap())
        }
    }

    fn cached(services: &[&str]) -> CachedInventory {
        let services = services.iter().map(|name| name.parse().unwrap()).collect();
        let ecs = EcsEntry { services, ..EcsEntry::default() };
        let inventory = Inventory {
            read_at: "2026-11-22T10:00:00Z".parse().unwrap(),
            clusters: BTreeMap::from([("shop".parse().unwrap(), ecs.into())]),
            faults: Vec::new(),
            families_listed: false,
            tasks_listed: false,
        };
        CachedInventory { checked_at: inventory.read_at, inventory, active_services: BTreeMap::new() }
    }

    #[test]
    fn a_setup_is_learnt_once_and_its_balancer_is_kept_until_the_group_changes() {
        let mut cached = cached(&["web"]);
        assert!(cached.learn(&[state("web", "blue"), state("unlisted", "blue")]));
        assert!(!cached.learn(&[state("web", "blue")]), "nothing has changed");
        assert_eq!(cached.unbalanced().map(TargetGroup::short_name).collect::<Vec<_>>(), ["blue"]);
        let balancer = Balancer::from_dimension("app/edge/1").unwrap();
        let found = Balancers::from([("targetgroup/blue/1".to_owned(), balancer)]);
        assert!(cached.balance(&found) && !cached.balance(&found));
        assert_eq!(cached.unbalanced().count(), 0);
        assert!(!cached.learn(&[state("web", "blue")]), "the balancer is not forgotten");
        assert!(cached.learn(&[state("web", "green")]));
        assert_eq!(cached.unbalanced().count(), 1);
        let missing = ServiceState::missing("shop".parse().unwrap(), "web".parse().unwrap());
        assert!(!cached.learn(&[missing]));
    }
}

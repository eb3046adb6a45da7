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

/// The load balancers of each target group, by the name of the group: more than one for some hours
/// after one was replaced.
pub type Balancers = BTreeMap<String, BTreeSet<Balancer>>;

impl ServiceSetup {
    /// Takes over the load balancers that are known of the same target groups. A new group is behind
    /// the load balancer of the one that it takes turns with or replaces, until CloudWatch lists its
    /// own.
    fn keep_balancers_of(&mut self, known: &Self) {
        let known = &known.load_balancing;
        for group in self.load_balancing.groups_mut().filter(|group| group.balancer.is_none()) {
            if let Some(same) = known.groups().find(|known| known.name == group.name) {
                group.balancer.clone_from(&same.balancer);
                group.before.clone_from(&same.before);
            }
        }
        let of_any = known.groups().find_map(|group| group.balancer.clone());
        for route in &mut self.load_balancing.routes {
            let alternate = route.alternate.as_ref().and_then(|group| group.balancer.clone());
            let of_route = route.group.balancer.clone().or(alternate).or_else(|| of_any.clone());
            for group in std::iter::once(&mut route.group).chain(&mut route.alternate) {
                group.balancer = group.balancer.take().or_else(|| of_route.clone());
            }
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
    /// Forgets how services were set up that it no longer has.
    pub fn forget_other_setups(&mut self) {
        let listed: BTreeSet<&ServiceName> = self.services.iter().collect();
        self.setups.retain(|service, _| listed.contains(service));
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

    /// All target groups of services.
    pub fn target_groups(&self) -> impl Iterator<Item = &TargetGroup> {
        let entries = self.inventory.clusters.values().filter_map(ClusterEntry::ecs);
        entries.flat_map(|ecs| ecs.setups.values()).flat_map(|setup| setup.load_balancing.groups())
    }

    /// Takes the load balancers of target groups. Returns whether any was not known or has changed.
    pub fn balance(&mut self, balancers: &Balancers) -> bool {
        let mut has_changed = false;
        let entries = self.inventory.clusters.values_mut().filter_map(ClusterEntry::ecs_mut);
        let setups = entries.flat_map(|ecs| ecs.setups.values_mut());
        for group in setups.flat_map(|setup| setup.load_balancing.groups_mut()) {
            has_changed |= balancers.get(&group.name).is_some_and(|listed| group.take_listed(listed));
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
        let group = TargetGroup { name: format!("targetgroup/{group}/1"), balancer: None, before: None };
        let load_balancing = LoadBalancing {
            routes: vec![Route { group, alternate: None, is_tested: false }],
            ..LoadBalancing::default()
        };
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
    fn a_setup_is_learnt_once_and_its_balancer_is_kept_when_the_group_changes() {
        let mut cached = cached(&["web"]);
        assert!(cached.learn(&[state("web", "blue"), state("unlisted", "blue")]));
        assert!(!cached.learn(&[state("web", "blue")]), "nothing has changed");
        let balancers = |cached: &CachedInventory| -> Vec<(String, Option<String>)> {
            let groups = cached.target_groups();
            let name = |group: &TargetGroup| group.balancer.as_ref().map(|one| one.name().to_owned());
            groups.map(|group| (group.short_name().to_owned(), name(group))).collect()
        };
        assert_eq!(balancers(&cached), [("blue".to_owned(), None)]);
        let edge = Balancer::from_dimension("app/edge/1").unwrap();
        let found = Balancers::from([("targetgroup/blue/1".to_owned(), BTreeSet::from([edge]))]);
        assert!(cached.balance(&found) && !cached.balance(&found));
        assert!(!cached.learn(&[state("web", "blue")]), "the balancer is not forgotten");
        // A deployment to another group is most likely behind the same load balancer.
        assert!(cached.learn(&[state("web", "green")]));
        assert_eq!(balancers(&cached), [("green".to_owned(), Some("edge".to_owned()))]);
        let other = Balancer::from_dimension("app/other/1").unwrap();
        let found = Balancers::from([("targetgroup/green/1".to_owned(), BTreeSet::from([other]))]);
        assert!(cached.balance(&found));
        assert_eq!(balancers(&cached), [("green".to_owned(), Some("other".to_owned()))]);
        let missing = ServiceState::missing("shop".parse().unwrap(), "web".parse().unwrap());
        assert!(!cached.learn(&[missing]));
    }
}

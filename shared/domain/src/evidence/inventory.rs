//! The clusters and services of a target: listed once an hour and cached between runs.

mod checks;
mod entry;
mod setup;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::cluster::{ClusterName, ServiceName};
use crate::model::deployment::DeploymentState;
use crate::model::fault::{Fault, FaultKind};
use crate::model::status::ServiceStatus;

pub use checks::EarlierChecks;
pub use entry::{ClusterContents, ClusterEntry, EcsEntry, EksEntry};
pub use setup::{Balancers, ServiceSetup};

/// Age at which a cached inventory is listed again. A full listing needs one `ListServices` call
/// per cluster, and ECS allows 20 a second.
pub const MAX_AGE: SignedDuration = SignedDuration::from_hours(1);

/// How long a run may use a cached inventory without checking for new and deleted clusters and
/// services. Tasks of a new service may take ten minutes to start anyway, so a service that never
/// starts is reported 15 minutes after its creation.
pub const CHECK_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// The clusters of one target and their services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// Logical time of the run that listed the clusters.
    pub read_at: Timestamp,
    /// ACTIVE clusters, by name.
    pub clusters: BTreeMap<ClusterName, ClusterEntry>,
    /// What could not be listed.
    pub faults: Vec<Fault>,
    /// Whether task families were listed. They are listed only if a rule has scope `task-family`.
    #[serde(default)]
    pub families_listed: bool,
    /// Whether tasks and containers were listed.
    #[serde(default)]
    pub tasks_listed: bool,
}

/// Whether Container Insights metrics arrive from a cluster (`ListMetrics`, metrics of the last
/// three hours).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Reporting {
    /// Metrics arrive.
    Reporting,
    /// No metrics arrive. Also used without a query where Container Insights is off in all
    /// clusters, because none are expected.
    Silent,
    /// The query failed.
    #[default]
    NotKnown,
}

impl Reporting {
    /// For a cluster that `ListMetrics` does or does not return.
    pub fn seen(seen: bool) -> Self {
        if seen { Self::Reporting } else { Self::Silent }
    }
}

impl Inventory {
    /// Whether a run at `time` may still use the inventory. An inventory from the future counts as
    /// stale, and one with faults is listed again at once.
    pub fn is_fresh(&self, time: Timestamp) -> bool {
        let age = time.duration_since(self.read_at);
        !self.has_passing_faults() && !age.is_negative() && age < MAX_AGE
    }

    /// Whether another listing may find more. A name that could not be read will not become
    /// readable.
    pub fn has_passing_faults(&self) -> bool {
        self.faults.iter().any(|fault| fault.kind != FaultKind::Unreadable)
    }

    /// All services, each with its cluster.
    pub fn services(&self) -> impl Iterator<Item = (&ClusterName, &ServiceName)> {
        self.clusters
            .iter()
            .flat_map(|(name, cluster)| cluster.services().iter().map(move |service| (name, service)))
    }

    /// Owners by cluster: the value of the tag `owner` (case-insensitive), where it is set.
    pub fn owners(&self) -> BTreeMap<ClusterName, String> {
        let owner = |entry: &ClusterEntry| {
            let tag =
                entry.tags.iter().find(|(key, value)| key.eq_ignore_ascii_case("owner") && !value.is_empty());
            tag.map(|(_, value)| value.clone())
        };
        self.clusters.iter().filter_map(|(name, entry)| Some((name.clone(), owner(entry)?))).collect()
    }

    /// The number of services.
    pub fn service_count(&self) -> usize {
        self.clusters.values().map(|cluster| cluster.services().len()).sum()
    }

    /// The number of EKS workloads.
    pub fn workload_count(&self) -> usize {
        self.clusters.values().map(|cluster| cluster.workloads().len()).sum()
    }

    /// Removes a service. Returns whether its cluster is in the inventory.
    pub fn drop_service(&mut self, cluster: &ClusterName, service: &ServiceName) -> bool {
        let entry = self.clusters.get_mut(cluster).and_then(ClusterEntry::ecs_mut);
        let is_here = entry.is_some();
        if let Some(ecs) = entry {
            ecs.services.retain(|other| other != service);
            ecs.setups.remove(service);
        }
        is_here
    }

    /// Takes over from an older inventory what this listing could not read: a service that could
    /// not be listed is not a deleted one.
    pub fn keep_unread_from(&mut self, older: &Self) {
        for (name, cluster) in self.clusters.iter_mut().filter(|(_, cluster)| cluster.unlisted) {
            let known = older.clusters.get(name).map(|known| &known.contents);
            match (&mut cluster.contents, known) {
                (ClusterContents::Ecs(now), Some(ClusterContents::Ecs(known))) => {
                    now.services.clone_from(&known.services);
                    now.setups.clone_from(&known.setups);
                }
                (ClusterContents::Eks(now), Some(ClusterContents::Eks(known))) => {
                    now.workloads.clone_from(&known.workloads);
                }
                _ => {}
            }
        }
    }
}

/// An inventory as cached between runs, with the counts that show cheaply whether it is still
/// valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedInventory {
    /// The inventory.
    pub inventory: Inventory,
    /// Logical time of the run that last checked for new and deleted clusters and services.
    pub checked_at: Timestamp,
    /// `activeServicesCount` of each cluster when its services were listed. If a cluster has no
    /// entry, the next check lists its services.
    pub active_services: BTreeMap<ClusterName, u32>,
}

impl CachedInventory {
    /// Whether a run at `time` may use the inventory without a check.
    pub fn is_checked(&self, time: Timestamp) -> bool {
        let age = time.duration_since(self.checked_at);
        !age.is_negative() && age < CHECK_AFTER
    }

    /// Removes clusters and services that no longer exist, and makes the next run check, because
    /// new ones may have taken their place without changing any count. Returns whether anything was
    /// removed.
    pub fn drop_missing(&mut self, clusters: &[ClusterName], services: &[ServiceState]) -> bool {
        let mut found = false;
        for cluster in clusters {
            found |= self.inventory.clusters.remove(cluster).is_some();
            self.active_services.remove(cluster);
        }
        for deleted in services.iter().filter(|state| state.is_missing()) {
            if !self.inventory.drop_service(&deleted.cluster, &deleted.service) {
                continue;
            }
            self.active_services.remove(&deleted.cluster);
            found = true;
        }
        if found {
            self.checked_at = Timestamp::UNIX_EPOCH;
        }
        found
    }
}

/// The state of a service according to `DescribeServices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceState {
    /// Cluster of the service.
    pub cluster: ClusterName,
    /// Name of the service.
    pub service: ServiceName,
    /// Its status; `Missing` if the service does not exist, or no longer exists.
    pub status: ServiceStatus,
    /// Desired number of tasks.
    pub desired: u32,
    /// Number of running tasks.
    pub running: u32,
    /// Number of tasks that are starting.
    pub pending: u32,
    /// When the service was created.
    pub created_at: Option<Timestamp>,
    /// The state of its deployments or task sets; `None` if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentState>,
    /// The messages of its service events, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// ARNs of the task definitions whose tasks run, each with its revision; empty in alarms runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub task_definitions: Vec<String>,
    /// How it is set up; a snapshot has it once, with the cluster.
    #[serde(skip)]
    pub setup: ServiceSetup,
    /// What a comparison with the checks of earlier runs shows.
    #[serde(default, skip_serializing_if = "ServiceTrend::is_none")]
    pub trend: ServiceTrend,
}

/// What only the checks of several runs show about a service, because ECS does not keep it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceTrend {
    /// Since when every check has found fewer tasks running than desired; `None` if all desired
    /// tasks run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_since: Option<Timestamp>,
    /// Tasks of its deployments that failed since the previous check; `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_failures: Option<u32>,
}

impl ServiceTrend {
    /// Whether there is nothing to store.
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl ServiceState {
    /// A service that does not exist in ECS.
    pub fn missing(cluster: ClusterName, service: ServiceName) -> Self {
        Self {
            cluster,
            service,
            status: ServiceStatus::Missing,
            desired: 0,
            running: 0,
            pending: 0,
            created_at: None,
            deployment: None,
            events: Vec::new(),
            task_definitions: Vec::new(),
            setup: ServiceSetup::default(),
            trend: ServiceTrend::default(),
        }
    }

    /// Whether the service has been deleted. A `DRAINING` service still has tasks.
    pub fn is_missing(&self) -> bool {
        matches!(self.status, ServiceStatus::Inactive | ServiceStatus::Missing)
    }
}

/// A service that could not be described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndescribedService {
    /// Cluster of the service.
    pub cluster: ClusterName,
    /// Name of the service.
    pub service: ServiceName,
    /// Why it could not be described.
    pub fault: Fault,
    /// Whether its metrics arrive, which means that it has running tasks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_alive: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::operation::Operation;

    fn inventory(services: &[&str], unread: bool) -> Inventory {
        let services = services.iter().map(|name| name.parse().unwrap()).collect();
        let ecs = EcsEntry { reports_insights: Reporting::Silent, services, ..EcsEntry::default() };
        let entry = ClusterEntry { unlisted: unread, ..ecs.into() };
        Inventory {
            read_at: "2026-11-22T10:00:00Z".parse().unwrap(),
            clusters: BTreeMap::from([("shop".parse().unwrap(), entry)]),
            faults: Vec::new(),
            families_listed: false,
            tasks_listed: false,
        }
    }

    #[test]
    fn it_is_fresh_for_an_hour_after_it_was_read() {
        let inventory = inventory(&["web"], false);
        for (time, fresh) in [
            ("2026-11-22T10:00:00Z", true),
            ("2026-11-22T10:59:59Z", true),
            ("2026-11-22T11:00:00Z", false),
            ("2026-11-22T09:59:59Z", false),
        ] {
            assert_eq!(inventory.is_fresh(time.parse().unwrap()), fresh, "{time}");
        }
    }

    #[test]
    fn it_is_checked_for_ten_minutes_and_never_from_the_future() {
        let checked_at = "2026-11-22T10:10:00Z".parse().unwrap();
        let cached = CachedInventory {
            inventory: inventory(&["web"], false),
            checked_at,
            active_services: BTreeMap::new(),
        };
        for (time, checked) in [
            ("2026-11-22T10:09:00Z", false),
            ("2026-11-22T10:10:00Z", true),
            ("2026-11-22T10:19:59Z", true),
            ("2026-11-22T10:20:00Z", false),
        ] {
            assert_eq!(cached.is_checked(time.parse().unwrap()), checked, "{time}");
        }
    }

    #[test]
    fn deleted_clusters_and_services_are_removed_and_trigger_a_check() {
        let shop: ClusterName = "shop".parse().unwrap();
        let cached = CachedInventory {
            inventory: inventory(&["api", "web"], false),
            checked_at: "2026-11-22T10:10:00Z".parse().unwrap(),
            active_services: BTreeMap::from([(shop.clone(), 2)]),
        };
        let state = |status: &str| ServiceState {
            status: status.into(),
            ..ServiceState::missing(shop.clone(), "web".parse().unwrap())
        };
        for status in ["ACTIVE", "DRAINING"] {
            let mut kept = cached.clone();
            assert!(!kept.drop_missing(&[], &[state(status)]), "{status}");
            assert_eq!(kept, cached);
        }
        for status in ["INACTIVE", "MISSING"] {
            let mut left = cached.clone();
            assert!(left.drop_missing(&[], &[state(status)]), "{status}");
            assert_eq!((left.inventory.service_count(), left.active_services.len()), (1, 0));
            assert!(!left.is_checked(cached.checked_at), "{status}");
        }
        let mut left = cached.clone();
        assert!(left.drop_missing(std::slice::from_ref(&shop), &[]));
        assert!(left.inventory.clusters.is_empty());
        assert!(!left.drop_missing(&[shop], &[]), "it was removed before");
    }

    #[test]
    fn an_inventory_with_faults_is_never_fresh() {
        let mut inventory = inventory(&["web"], true);
        inventory.faults.push(Fault::malformed(Operation::EcsListServices, "shop", "cut"));
        assert!(!inventory.is_fresh(inventory.read_at));
    }

    #[test]
    fn services_that_could_not_be_listed_are_kept_from_the_older_inventory() {
        let mut unread = inventory(&[], true);
        unread.keep_unread_from(&inventory(&["web", "api"], false));
        assert_eq!(unread.service_count(), 2);
        let mut read = inventory(&["web"], false);
        read.keep_unread_from(&inventory(&["web", "api"], false));
        assert_eq!(read.service_count(), 1);
    }
}

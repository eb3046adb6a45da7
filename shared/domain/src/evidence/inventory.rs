//! Which clusters and services there are: listed once an hour, cached between runs.

mod checks;
mod entry;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::cluster::{ClusterName, ServiceName};
use crate::model::deployment::DeploymentState;
use crate::model::fault::{Fault, FaultKind};
use crate::model::status::ServiceStatus;

pub use checks::EarlierChecks;
pub use entry::{ClusterContents, ClusterEntry, EcsEntry, EksEntry};

/// Age at which a cached inventory is read anew. A full listing needs one `ListServices` call per cluster, and ECS
/// allows 20 a second.
pub const MAX_AGE: SignedDuration = SignedDuration::from_hours(1);

/// How long a run may use a cached inventory without looking for what has come or gone since. Tasks of a new service may
/// take ten minutes to start anyway, so with this one that never starts is reported 15 minutes after it was created.
pub const CHECK_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// The clusters of one target with their services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// Logical time of the run that listed it.
    pub read_at: Timestamp,
    /// ACTIVE clusters, by name.
    pub clusters: BTreeMap<ClusterName, ClusterEntry>,
    /// What could not be listed.
    pub faults: Vec<Fault>,
    /// Whether task families were listed, which is done only if a rule is about them.
    #[serde(default)]
    pub families_listed: bool,
}

/// Whether metrics of Container Insights arrive from a cluster (`ListMetrics`, those of the last three hours).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Reporting {
    /// They do.
    Reporting,
    /// None arrived. Where Container Insights is off in all clusters, nobody asked: none are expected.
    Silent,
    /// It could not be asked.
    #[default]
    NotKnown,
}

impl Reporting {
    /// Of a cluster that `ListMetrics` names or does not name.
    pub fn seen(seen: bool) -> Self {
        if seen { Self::Reporting } else { Self::Silent }
    }
}

impl Inventory {
    /// Whether a run at `time` may still use it. One from the future is as bad as an old one, and one with faults is
    /// read anew at once.
    pub fn is_fresh(&self, time: Timestamp) -> bool {
        let age = time.duration_since(self.read_at);
        !self.has_passing_faults() && !age.is_negative() && age < MAX_AGE
    }

    /// Whether asking again may find more. A name that cannot be read stays so.
    pub fn has_passing_faults(&self) -> bool {
        self.faults.iter().any(|fault| fault.kind != FaultKind::Unreadable)
    }

    /// All services with their cluster.
    pub fn services(&self) -> impl Iterator<Item = (&ClusterName, &ServiceName)> {
        self.clusters
            .iter()
            .flat_map(|(name, cluster)| cluster.services().iter().map(move |service| (name, service)))
    }

    /// Who owns which cluster: the tag `owner`, in any case, of those that have it.
    pub fn owners(&self) -> BTreeMap<ClusterName, String> {
        let owner = |entry: &ClusterEntry| {
            let tag =
                entry.tags.iter().find(|(key, value)| key.eq_ignore_ascii_case("owner") && !value.is_empty());
            tag.map(|(_, value)| value.clone())
        };
        self.clusters.iter().filter_map(|(name, entry)| Some((name.clone(), owner(entry)?))).collect()
    }

    /// Number of services.
    pub fn service_count(&self) -> usize {
        self.clusters.values().map(|cluster| cluster.services().len()).sum()
    }

    /// Number of workloads on EKS.
    pub fn workload_count(&self) -> usize {
        self.clusters.values().map(|cluster| cluster.workloads().len()).sum()
    }

    /// Drops a service; whether its cluster is here.
    pub fn drop_service(&mut self, cluster: &ClusterName, service: &ServiceName) -> bool {
        let entry = self.clusters.get_mut(cluster).and_then(ClusterEntry::ecs_mut);
        let is_here = entry.is_some();
        entry.into_iter().for_each(|ecs| ecs.services.retain(|other| other != service));
        is_here
    }

    /// Takes over from an older inventory what this listing could not read: an unlisted service is not a deleted one.
    pub fn keep_unread_from(&mut self, older: &Self) {
        for (name, cluster) in self.clusters.iter_mut().filter(|(_, cluster)| cluster.unlisted) {
            let known = older.clusters.get(name).map(|known| &known.contents);
            match (&mut cluster.contents, known) {
                (ClusterContents::Ecs(now), Some(ClusterContents::Ecs(known))) => {
                    now.services.clone_from(&known.services);
                }
                (ClusterContents::Eks(now), Some(ClusterContents::Eks(known))) => {
                    now.workloads.clone_from(&known.workloads);
                }
                _ => {}
            }
        }
    }
}

/// An inventory as the cache holds it between runs, with what tells cheaply whether it still holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedInventory {
    /// What was listed.
    pub inventory: Inventory,
    /// Logical time of the run that last looked for clusters and services that have come or gone.
    pub checked_at: Timestamp,
    /// `activeServicesCount` of each cluster when its services were listed. Without it they are listed by the next check.
    pub active_services: BTreeMap<ClusterName, u32>,
}

impl CachedInventory {
    /// Whether a run at `time` may use it without a check.
    pub fn is_checked(&self, time: Timestamp) -> bool {
        let age = time.duration_since(self.checked_at);
        !age.is_negative() && age < CHECK_AFTER
    }

    /// Drops clusters and services that ECS no longer knows, and has the next run check, because others may have taken
    /// their place without changing any count. Whether there was something to drop.
    pub fn drop_missing(&mut self, clusters: &[ClusterName], services: &[ServiceState]) -> bool {
        let mut found = false;
        for cluster in clusters {
            found |= self.inventory.clusters.remove(cluster).is_some();
            self.active_services.remove(cluster);
        }
        for gone in services.iter().filter(|state| state.is_missing()) {
            if !self.inventory.drop_service(&gone.cluster, &gone.service) {
                continue;
            }
            self.active_services.remove(&gone.cluster);
            found = true;
        }
        if found {
            self.checked_at = Timestamp::UNIX_EPOCH;
        }
        found
    }
}

/// Where a service stands, by `DescribeServices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceState {
    /// Cluster of the service.
    pub cluster: ClusterName,
    /// Name of the service.
    pub service: ServiceName,
    /// Its status; `Missing` if ECS does not know it (any more).
    pub status: ServiceStatus,
    /// Tasks that should run.
    pub desired: u32,
    /// Tasks that run.
    pub running: u32,
    /// Tasks that are being started.
    pub pending: u32,
    /// When the service was created.
    pub created_at: Option<Timestamp>,
    /// How its deployments or task sets go; none of a service without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentState>,
    /// What happened to it, the newest first: the sentences of its service events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// What the checks of earlier runs tell beside.
    #[serde(default, skip_serializing_if = "ServiceTrend::is_none")]
    pub trend: ServiceTrend,
}

/// What the checks of several runs tell of a service, which ECS does not keep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceTrend {
    /// Since when every check found fewer tasks than should run; none if as many run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_since: Option<Timestamp>,
    /// Tasks of its deployments that failed since the check before; none if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_failures: Option<u32>,
}

impl ServiceTrend {
    /// Whether nothing is known.
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl ServiceState {
    /// A service that ECS does not know.
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
            trend: ServiceTrend::default(),
        }
    }

    /// Whether the service has been deleted. One that is `DRAINING` still has tasks.
    pub fn is_missing(&self) -> bool {
        matches!(self.status, ServiceStatus::Inactive | ServiceStatus::Missing)
    }
}

/// A service that `DescribeServices` was asked about in vain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndescribedService {
    /// Cluster of the service.
    pub cluster: ClusterName,
    /// Name of the service.
    pub service: ServiceName,
    /// Why nothing is known of it.
    pub fault: Fault,
    /// Whether its metrics arrive, so that it has running tasks.
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
    fn what_is_gone_leaves_it_and_has_it_checked_again() {
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
        assert!(!left.drop_missing(&[shop], &[]), "it is gone already");
    }

    #[test]
    fn one_with_faults_is_never_fresh() {
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

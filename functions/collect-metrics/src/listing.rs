//! The inventory of a target: from the cache while it is fresh, else listed again. Every ten
//! minutes the cached inventory is updated, with two calls per 100 clusters and one per cluster
//! that has changed.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::evidence::inventory::{
    CachedInventory, ClusterContents, ClusterEntry, EcsEntry, Inventory, Reporting, ServiceSetup,
};
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::TargetTask;
use fargaze::model::catalogue::CONTAINER_INSIGHTS;
use fargaze::model::cluster::{ClusterName, ServiceName};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::insights::{InsightsLevel, ObservedCluster};
use fargaze::model::run::RunKind;
use fargaze::rules::{AlarmRule, Scope};
use fargaze_aws::{CloudWatch, Described, Ecs, Listed, Store};

use crate::parts::{self, Parts};

/// Returns the cached inventory if it is fresh, updated if that is due; else a new one. A new or
/// updated inventory is stored for later runs. `cached` is the content of the cache.
pub(crate) async fn inventory(
    task: &TargetTask,
    rules: &[AlarmRule],
    cached: Result<Option<CachedInventory>, Fault>,
    ecs: &Ecs,
    cloudwatch: &CloudWatch,
    store: &Store,
) -> Result<CachedInventory, Failure> {
    let time = task.run.time;
    // An unreadable cache is treated as absent: listing again gives the same result, only later.
    let cached = cached.unwrap_or_else(|fault| {
        tracing::warn!(%fault, "the cached inventory cannot be read; listing again");
        None
    });
    let finer = Finer::of(task, rules);
    let suits = |cached: &CachedInventory| {
        let Inventory { families_listed, tasks_listed, .. } = cached.inventory;
        cached.inventory.is_fresh(time)
            && (families_listed || !finer.families)
            && (tasks_listed || !finer.tasks)
    };
    let fresh = cached.as_ref().is_some_and(suits);
    let listed = match &cached {
        Some(known) if fresh && known.is_checked(time) => return Ok(known.clone()),
        Some(known) if fresh => check(task, finer, ecs, cloudwatch, known).await,
        older => list(task, finer, ecs, cloudwatch, older.as_ref()).await,
    };
    let listed = match (listed, cached) {
        (Ok(listed), _) => listed,
        (Err(fault), Some(mut older)) => {
            older.inventory.faults.push(fault);
            return Ok(older);
        }
        (Err(fault), None) => return Err(fault.into()),
    };
    // The next run repeats an incomplete check, and the earlier listing remains valid.
    if !fresh || !listed.inventory.has_passing_faults() {
        store.put_inventory(&task.target, &listed).await?;
    }
    Ok(listed)
}

/// Which finer subjects are to be listed: only what a rule evaluates or the report shows.
#[derive(Debug, Clone, Copy)]
struct Finer {
    families: bool,
    tasks: bool,
}

impl Finer {
    fn of(task: &TargetTask, rules: &[AlarmRule]) -> Self {
        let is_report = task.run.kind == RunKind::Report;
        let has = |scopes: &[Scope]| rules.iter().any(|rule| scopes.contains(&rule.scope));
        Self {
            families: is_report || has(&[Scope::TaskFamily]),
            tasks: is_report || has(&[Scope::Task, Scope::Container]),
        }
    }

    /// Tasks and containers; `None` if they are not needed or could not be listed.
    async fn parts(self, cloudwatch: &CloudWatch, faults: &mut Vec<Fault>) -> Option<Parts> {
        if !self.tasks {
            return None;
        }
        parts::list(cloudwatch).await.map_err(|fault| faults.push(fault)).ok()
    }
}

/// Names of a cluster's services, or why they could not be listed.
type Services = Result<Listed<ServiceName>, Fault>;

/// Clusters as ECS describes them now, with the services of those that may have changed.
struct Checked {
    /// ACTIVE clusters, and whether their services could be listed. `None`: the number of services
    /// has not changed.
    active: Vec<(ObservedCluster, Option<Services>)>,
    /// Existing clusters that could not be described, as in the older inventory.
    undescribed: Vec<(ClusterName, ClusterEntry)>,
    /// Faults that do not concern the services of a single cluster.
    faults: Vec<Fault>,
}

impl Checked {
    /// Fails only if not even the names of the clusters can be listed. `counts` are the clusters
    /// whose services are known, as long as ECS still returns the same number.
    async fn take(
        task: &TargetTask,
        ecs: &Ecs,
        older: Option<&Inventory>,
        counts: &BTreeMap<ClusterName, u32>,
    ) -> Result<Self, Fault> {
        let Listed { found, faults: strange } = ecs.list_clusters().await?;
        let listed: Vec<ClusterName> =
            found.into_iter().filter(|name| task.target.part.holds(name)).collect();
        // An unreadable name belongs to no part, so the first part reports it for all.
        let strange = strange.into_iter().filter(|_| task.target.part.index == 0);
        let described = ecs.describe_clusters(&listed).await;
        let undescribed = undescribed(listed, &described, older);
        let active = described.found.into_iter().filter(|cluster| cluster.status == "ACTIVE");
        let active: Vec<ObservedCluster> = active.collect();
        let changed =
            active.iter().filter(|cluster| counts.get(&cluster.name) != Some(&cluster.active_services));
        let changed: Vec<ClusterName> = changed.map(|cluster| cluster.name.clone()).collect();
        let mut services = ecs.list_services_of(&changed).await;
        let with_services = active.into_iter().filter_map(|cluster| match services.remove(&cluster.name) {
            // Deleted since it was described.
            Some(Ok(None)) => None,
            Some(Ok(Some(services))) => Some((cluster, Some(Ok(services)))),
            Some(Err(fault)) => Some((cluster, Some(Err(fault)))),
            None => Some((cluster, None)),
        });
        let active = with_services.collect();
        // A cluster that was deleted since it was listed is not a fault.
        let faults = described.faults.into_iter().filter(|fault| fault.kind != FaultKind::NotFound);
        Ok(Self { active, undescribed, faults: strange.chain(faults).collect() })
    }

    /// Builds the inventory; `known` returns the existing entry of a cluster.
    fn inventory(
        self,
        base: Inventory,
        mut known: impl FnMut(&ClusterName) -> ClusterEntry,
        time: jiff::Timestamp,
    ) -> CachedInventory {
        let (mut inventory, mut active_services) = (base, BTreeMap::new());
        let mut clusters = std::mem::take(&mut inventory.clusters);
        let mut add = |fault: Fault| {
            if !inventory.faults.contains(&fault) {
                inventory.faults.push(fault);
            }
        };
        self.faults.into_iter().for_each(&mut add);
        for (cluster, listed) in self.active {
            let ObservedCluster { name, level, tags, active_services: count, .. } = cluster;
            let ClusterEntry { mut unlisted, contents, .. } = known(&name);
            let mut ecs = EcsEntry { insights: level, ..of_ecs(contents) };
            match listed {
                Some(Ok(Listed { found, faults })) => {
                    (ecs.services, unlisted) = (found, false);
                    faults.into_iter().for_each(&mut add);
                }
                Some(Err(fault)) => {
                    add(fault);
                    unlisted = true;
                }
                None => {}
            }
            if !unlisted {
                ecs.forget_other_setups();
            }
            let entry = ClusterEntry { tags, unlisted, contents: ClusterContents::Ecs(ecs) };
            active_services.insert(name.clone(), count);
            clusters.insert(name, entry);
        }
        clusters.extend(self.undescribed);
        inventory.clusters = clusters;
        CachedInventory { inventory, checked_at: time, active_services }
    }
}

/// Updates the known inventory: adds new clusters and services, and removes deleted ones.
///
/// Tasks are listed each time, because they come and go.
async fn check(
    task: &TargetTask,
    finer: Finer,
    ecs: &Ecs,
    cloudwatch: &CloudWatch,
    known: &CachedInventory,
) -> Result<CachedInventory, Fault> {
    let CachedInventory { inventory, active_services, .. } = known;
    let checked = Checked::take(task, ecs, Some(inventory), active_services).await?;
    let mut base = Inventory { clusters: BTreeMap::new(), ..inventory.clone() };
    let mut parts = finer.parts(cloudwatch, &mut base.faults).await;
    let entry = |name: &ClusterName| {
        let mut entry = known_or_new(Some(inventory), name);
        if let (Some(parts), Some(ecs)) = (&mut parts, entry.ecs_mut()) {
            (ecs.tasks, ecs.containers) = parts.take(name.as_str());
        }
        entry
    };
    Ok(checked.inventory(base, entry, task.run.time))
}

/// Lists the clusters of the target with their settings and all services. Fails only if not even
/// the clusters can be listed. A cluster that is listed but cannot be described keeps its entry of
/// the older inventory.
async fn list(
    task: &TargetTask,
    finer: Finer,
    ecs: &Ecs,
    cloudwatch: &CloudWatch,
    older: Option<&CachedInventory>,
) -> Result<CachedInventory, Fault> {
    let older = older.map(|older| &older.inventory);
    let checked = Checked::take(task, ecs, older, &BTreeMap::new()).await?;
    let mut faults = Vec::new();
    // If it is off in every cluster, no cluster reports metrics.
    let mut reporting = Some(BTreeSet::new());
    if checked.active.iter().any(|(cluster, _)| cluster.level > InsightsLevel::Disabled) {
        reporting = reporting_clusters(cloudwatch).await.map_err(|fault| faults.push(fault)).ok();
    }
    let mut families_listed = finer.families;
    let mut families = if finer.families {
        task_families(cloudwatch).await.unwrap_or_else(|fault| {
            faults.push(fault);
            families_listed = false;
            BTreeMap::new()
        })
    } else {
        BTreeMap::new()
    };
    let mut parts = finer.parts(cloudwatch, &mut faults).await;
    let tasks_listed = parts.is_some();
    let time = task.run.time;
    let base = Inventory { read_at: time, clusters: BTreeMap::new(), faults, families_listed, tasks_listed };
    let entry = |name: &ClusterName| {
        let (tasks, containers) = parts.as_mut().map(|parts| parts.take(name.as_str())).unwrap_or_default();
        let ecs = EcsEntry {
            tasks,
            containers,
            reports_insights: match &reporting {
                Some(reporting) => Reporting::seen(reporting.contains(name.as_str())),
                None => Reporting::NotKnown,
            },
            task_families: families.remove(name.as_str()).unwrap_or_default(),
            setups: setups_of(older, name),
            ..EcsEntry::default()
        };
        ecs.into()
    };
    let mut listed = checked.inventory(base, entry, time);
    if let Some(older) = older {
        listed.inventory.keep_unread_from(older);
    }
    Ok(listed)
}

/// Existing clusters that could not be described now. A cluster that ECS calls missing was deleted
/// in the meantime.
fn undescribed(
    listed: Vec<ClusterName>,
    described: &Described<ObservedCluster>,
    older: Option<&Inventory>,
) -> Vec<(ClusterName, ClusterEntry)> {
    let found: BTreeSet<&ClusterName> = described.found.iter().map(|cluster| &cluster.name).collect();
    let deleted = |name: &ClusterName| {
        let missing = described.faults.iter().filter(|fault| fault.kind == FaultKind::NotFound);
        missing.filter_map(|fault| fault.subject.rsplit('/').next()).any(|subject| subject == name.as_str())
    };
    let entry = |name: &ClusterName| {
        let known = known_or_new(older, name);
        ClusterEntry { unlisted: true, ..known }
    };
    let unknown = listed.into_iter().filter(|name| !found.contains(name) && !deleted(name));
    unknown.map(|name| (name.clone(), entry(&name))).collect()
}

/// The entry of a cluster in an older inventory; an empty one if the cluster is new.
fn known_or_new(older: Option<&Inventory>, name: &ClusterName) -> ClusterEntry {
    let known = older.and_then(|older| older.clusters.get(name)).cloned();
    known.unwrap_or_else(|| EcsEntry::default().into())
}

/// How the services of a cluster were set up when they were last described.
fn setups_of(older: Option<&Inventory>, name: &ClusterName) -> BTreeMap<ServiceName, ServiceSetup> {
    let known = older.and_then(|older| older.clusters.get(name)?.ecs());
    known.map(|known| known.setups.clone()).unwrap_or_default()
}

fn of_ecs(contents: ClusterContents) -> EcsEntry {
    match contents {
        ClusterContents::Ecs(ecs) => ecs,
        ClusterContents::Eks(_) => EcsEntry::default(),
    }
}

/// Names of the clusters whose Container Insights metrics arrive. `TaskCount` exists once per
/// cluster, so one page of the listing covers 500 clusters.
async fn reporting_clusters(cloudwatch: &CloudWatch) -> Result<BTreeSet<String>, Fault> {
    let metrics = cloudwatch.list_active_metrics(CONTAINER_INSIGHTS, "TaskCount").await?;
    Ok(metrics
        .iter()
        .filter_map(|metric| metric.dimensions.get("ClusterName"))
        .map(ToOwned::to_owned)
        .collect())
}

/// Task families with Container Insights metrics in the last three hours, by cluster, sorted.
async fn task_families(cloudwatch: &CloudWatch) -> Result<BTreeMap<String, Vec<String>>, Fault> {
    let mut families = BTreeMap::<String, BTreeSet<String>>::new();
    for metric in cloudwatch.list_active_metrics(CONTAINER_INSIGHTS, "CpuReserved").await? {
        let dimensions = &metric.dimensions;
        if let (2, Some(cluster), Some(family)) =
            (dimensions.len(), dimensions.get("ClusterName"), dimensions.get("TaskDefinitionFamily"))
        {
            families.entry(cluster.to_owned()).or_default().insert(family.to_owned());
        }
    }
    Ok(families.into_iter().map(|(cluster, families)| (cluster, families.into_iter().collect())).collect())
}

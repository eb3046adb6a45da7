//! The inventory of a target: from the cache while it is fresh, else listed again. Every ten minutes the cached one is
//! brought up to date, which costs two calls for 100 clusters and one for each cluster that has changed.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::evidence::inventory::{
    CachedInventory, ClusterContents, ClusterEntry, EcsEntry, Inventory, Reporting,
};
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::TargetTask;
use fargaze::model::catalogue::CONTAINER_INSIGHTS;
use fargaze::model::cluster::{ClusterName, ServiceName};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::insights::{InsightsLevel, ObservedCluster};
use fargaze::rules::{AlarmRule, Scope};
use fargaze_aws::{CloudWatch, Described, Ecs, Listed, Store};

/// The cached inventory if it is fresh, brought up to date if that is due; else a new one. What is new is stored for the
/// runs to come. `cached` is what the cache holds.
pub(crate) async fn inventory(
    task: &TargetTask,
    rules: &[AlarmRule],
    cached: Result<Option<CachedInventory>, Fault>,
    ecs: &Ecs,
    cloudwatch: &CloudWatch,
    store: &Store,
) -> Result<CachedInventory, Failure> {
    let time = task.run.time;
    // A cache that cannot be read is a cache that is not there: the listing says the same, only later.
    let cached = cached.unwrap_or_else(|fault| {
        tracing::warn!(%fault, "the cached inventory cannot be read; listing anew");
        None
    });
    let families = rules.iter().any(|rule| rule.scope == Scope::TaskFamily);
    let suits = |cached: &CachedInventory| {
        cached.inventory.is_fresh(time) && (cached.inventory.families_listed || !families)
    };
    let fresh = cached.as_ref().is_some_and(suits);
    let listed = match &cached {
        Some(known) if fresh && known.is_checked(time) => return Ok(known.clone()),
        Some(known) if fresh => check(task, ecs, known).await,
        older => list(task, families, ecs, cloudwatch, older.as_ref()).await,
    };
    let listed = match (listed, cached) {
        (Ok(listed), _) => listed,
        (Err(fault), Some(mut older)) => {
            older.inventory.faults.push(fault);
            return Ok(older);
        }
        (Err(fault), None) => return Err(fault.into()),
    };
    // A check that found out half of it is made again by the next run, and the listing before still holds.
    if !fresh || !listed.inventory.has_passing_faults() {
        store.put_inventory(&task.target, &listed).await?;
    }
    Ok(listed)
}

/// Names of a cluster's services, or why they could not be listed.
type Services = Result<Listed<ServiceName>, Fault>;

/// Clusters as ECS describes them now, with the services of those that may have changed.
struct Checked {
    /// Clusters that are ACTIVE, and whether their services could be listed. None: they are as many as before.
    active: Vec<(ObservedCluster, Option<Services>)>,
    /// Clusters that are there and could not be described, as the older inventory knew them.
    undescribed: Vec<(ClusterName, ClusterEntry)>,
    /// What could not be asked of no single cluster's services.
    faults: Vec<Fault>,
}

impl Checked {
    /// Fails only if not even the names of the clusters can be listed. `counts` are the clusters whose services are known
    /// if ECS still counts so many.
    async fn take(
        task: &TargetTask,
        ecs: &Ecs,
        older: Option<&Inventory>,
        counts: &BTreeMap<ClusterName, u32>,
    ) -> Result<Self, Fault> {
        let Listed { found, faults: strange } = ecs.list_clusters().await?;
        let listed: Vec<ClusterName> =
            found.into_iter().filter(|name| task.target.part.holds(name)).collect();
        // A name that cannot be read is in no part: the first tells it for all.
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
        // A cluster that was deleted since it was listed is no fault.
        let faults = described.faults.into_iter().filter(|fault| fault.kind != FaultKind::NotFound);
        Ok(Self { active, undescribed, faults: strange.chain(faults).collect() })
    }

    /// The inventory that it makes; `known` is the entry that stands for a cluster so far.
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
            let entry = ClusterEntry { tags, unlisted, contents: ClusterContents::Ecs(ecs) };
            active_services.insert(name.clone(), count);
            clusters.insert(name, entry);
        }
        clusters.extend(self.undescribed);
        inventory.clusters = clusters;
        CachedInventory { inventory, checked_at: time, active_services }
    }
}

/// The known inventory with the clusters and services that have come since, and without those that have gone.
async fn check(task: &TargetTask, ecs: &Ecs, known: &CachedInventory) -> Result<CachedInventory, Fault> {
    let CachedInventory { inventory, active_services, .. } = known;
    let checked = Checked::take(task, ecs, Some(inventory), active_services).await?;
    let base = Inventory { clusters: BTreeMap::new(), ..inventory.clone() };
    let entry = |name: &ClusterName| known_or_new(Some(inventory), name);
    Ok(checked.inventory(base, entry, task.run.time))
}

/// Lists the clusters of the target with their settings and all services. Fails only if not even the clusters can be
/// listed. A cluster that is listed and could not be described stays as the older inventory knew it.
async fn list(
    task: &TargetTask,
    families_wanted: bool,
    ecs: &Ecs,
    cloudwatch: &CloudWatch,
    older: Option<&CachedInventory>,
) -> Result<CachedInventory, Fault> {
    let older = older.map(|older| &older.inventory);
    let checked = Checked::take(task, ecs, older, &BTreeMap::new()).await?;
    let mut faults = Vec::new();
    // Where it is on nowhere, nothing reports.
    let mut reporting = Some(BTreeSet::new());
    if checked.active.iter().any(|(cluster, _)| cluster.level > InsightsLevel::Disabled) {
        reporting = reporting_clusters(cloudwatch).await.map_err(|fault| faults.push(fault)).ok();
    }
    let mut families_listed = families_wanted;
    let mut families = if families_wanted {
        task_families(cloudwatch).await.unwrap_or_else(|fault| {
            faults.push(fault);
            families_listed = false;
            BTreeMap::new()
        })
    } else {
        BTreeMap::new()
    };
    let time = task.run.time;
    let base = Inventory { read_at: time, clusters: BTreeMap::new(), faults, families_listed };
    let entry = |name: &ClusterName| {
        let ecs = EcsEntry {
            reports_insights: match &reporting {
                Some(reporting) => Reporting::seen(reporting.contains(name.as_str())),
                None => Reporting::NotKnown,
            },
            task_families: families.remove(name.as_str()).unwrap_or_default(),
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

/// Clusters that are there and of which nothing is known now. One that ECS calls missing was deleted in the meantime.
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

/// The entry of a cluster in an older inventory; an empty one if it is new.
fn known_or_new(older: Option<&Inventory>, name: &ClusterName) -> ClusterEntry {
    let known = older.and_then(|older| older.clusters.get(name)).cloned();
    known.unwrap_or_else(|| EcsEntry::default().into())
}

fn of_ecs(contents: ClusterContents) -> EcsEntry {
    match contents {
        ClusterContents::Ecs(ecs) => ecs,
        ClusterContents::Eks(_) => EcsEntry::default(),
    }
}

/// Names of the clusters whose metrics of Container Insights arrive. `TaskCount` exists once per cluster, so one page of
/// the listing tells of 500 clusters.
async fn reporting_clusters(cloudwatch: &CloudWatch) -> Result<BTreeSet<String>, Fault> {
    let metrics = cloudwatch.list_active_metrics(CONTAINER_INSIGHTS, "TaskCount").await?;
    Ok(metrics
        .iter()
        .filter_map(|metric| metric.dimensions.get("ClusterName"))
        .map(ToOwned::to_owned)
        .collect())
}

/// Task families with metrics of Container Insights in the last three hours, by cluster, sorted.
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

//! The inventory of a target: from the cache while it is fresh, else listed anew.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::aws::{CloudWatch, Described, Ecs, Store};
use fargaze::catalogue::CONTAINER_INSIGHTS;
use fargaze::cluster::ClusterName;
use fargaze::failure::Failure;
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::{InsightsLevel, ObservedCluster};
use fargaze::inventory::{ClusterEntry, Inventory, Reporting};
use fargaze::outcome::TargetTask;
use fargaze::rule::{AlarmRule, Scope};

/// The cached inventory if it is fresh; else a new one, stored for the runs to come. `cached` is what the cache holds.
pub(crate) async fn inventory(
    task: &TargetTask,
    rules: &[AlarmRule],
    cached: Result<Option<Inventory>, Fault>,
    ecs: &Ecs,
    cloudwatch: &CloudWatch,
    store: &Store,
) -> Result<Inventory, Failure> {
    let time = task.run.time;
    // A cache that cannot be read is a cache that is not there: the listing says the same, only later.
    let cached = cached.unwrap_or_else(|fault| {
        tracing::warn!(%fault, "the cached inventory cannot be read; listing anew");
        None
    });
    let families = rules.iter().any(|rule| rule.scope == Scope::TaskFamily);
    let suits = |cached: &&Inventory| cached.is_fresh(time) && (cached.families_listed || !families);
    if let Some(fresh) = cached.as_ref().filter(suits) {
        return Ok(fresh.clone());
    }
    let mut inventory = match list(task, families, ecs, cloudwatch, cached.as_ref()).await {
        Ok(inventory) => inventory,
        Err(fault) => match cached {
            Some(mut older) => {
                older.faults.push(fault);
                return Ok(older);
            }
            None => return Err(fault.into()),
        },
    };
    if let Some(older) = &cached {
        inventory.keep_unread_from(older);
    }
    store.put_inventory(&task.target, &inventory).await?;
    Ok(inventory)
}

/// Lists the clusters of the target with their settings and services. Fails only if not even the clusters can be listed.
/// A cluster that is listed and could not be described stays as the older inventory knew it.
async fn list(
    task: &TargetTask,
    families_wanted: bool,
    ecs: &Ecs,
    cloudwatch: &CloudWatch,
    older: Option<&Inventory>,
) -> Result<Inventory, Fault> {
    let arns = ecs.list_clusters().await?;
    let listed: Vec<ClusterName> =
        arns.into_iter().map(|arn| arn.name).filter(|name| task.target.part.holds(name)).collect();
    let described = ecs.describe_clusters(&listed).await;
    let undescribed = undescribed(listed, &described, older);
    let mut faults = described.faults;
    let active: Vec<_> = described.found.into_iter().filter(|cluster| cluster.status == "ACTIVE").collect();
    let names: Vec<ClusterName> = active.iter().map(|cluster| cluster.name.clone()).collect();
    let mut services = ecs.list_services_of(&names).await;
    // Where it is on nowhere, nothing reports.
    let mut reporting = Some(BTreeSet::new());
    if active.iter().any(|cluster| cluster.level > InsightsLevel::Disabled) {
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
    let entries = active.into_iter().map(|cluster| {
        let (services, services_unread) = match services.remove(&cluster.name) {
            Some(Ok(services)) => (services, false),
            Some(Err(fault)) => {
                faults.push(fault);
                (Vec::new(), true)
            }
            None => (Vec::new(), true),
        };
        let entry = ClusterEntry {
            insights: cluster.level,
            reports_insights: match &reporting {
                Some(reporting) => Reporting::seen(reporting.contains(cluster.name.as_str())),
                None => Reporting::NotKnown,
            },
            tags: cluster.tags,
            task_families: families.remove(cluster.name.as_str()).unwrap_or_default(),
            services,
            workloads: Vec::new(),
            cadvisor: false,
            services_unread,
        };
        (cluster.name, entry)
    });
    let clusters = entries.chain(undescribed).collect();
    Ok(Inventory { read_at: task.run.time, clusters, faults, families_listed })
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
        let known = older.and_then(|older| older.clusters.get(name)).cloned().unwrap_or_default();
        ClusterEntry { services_unread: true, ..known }
    };
    let unknown = listed.into_iter().filter(|name| !found.contains(name) && !deleted(name));
    unknown.map(|name| (name.clone(), entry(&name))).collect()
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

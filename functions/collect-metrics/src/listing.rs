//! The inventory of a target: from the cache while it is fresh, else listed anew.

use std::collections::BTreeSet;

use fargaze::aws::{CloudWatch, Ecs, Store};
use fargaze::catalogue::CONTAINER_INSIGHTS;
use fargaze::cluster::ClusterName;
use fargaze::failure::Failure;
use fargaze::fault::Fault;
use fargaze::insights::InsightsLevel;
use fargaze::inventory::{ClusterEntry, Inventory};
use fargaze::outcome::TargetTask;

/// The cached inventory if it is fresh; else a new one, stored for the runs to come. `cached` is what the cache holds.
pub(crate) async fn inventory(
    task: &TargetTask,
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
    if let Some(fresh) = cached.as_ref().filter(|cached| cached.is_fresh(time)) {
        return Ok(fresh.clone());
    }
    let mut inventory = match list(task, ecs, cloudwatch).await {
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
async fn list(task: &TargetTask, ecs: &Ecs, cloudwatch: &CloudWatch) -> Result<Inventory, Fault> {
    let arns = ecs.list_clusters().await?;
    let names: Vec<ClusterName> =
        arns.into_iter().map(|arn| arn.name).filter(|name| task.target.part.holds(name)).collect();
    let described = ecs.describe_clusters(&names).await;
    let mut faults = described.faults;
    let active: Vec<_> = described.found.into_iter().filter(|cluster| cluster.status == "ACTIVE").collect();
    let names: Vec<ClusterName> = active.iter().map(|cluster| cluster.name.clone()).collect();
    let mut services = ecs.list_services_of(&names).await;
    let reporting = if active.iter().any(|cluster| cluster.level > InsightsLevel::Disabled) {
        reporting_clusters(cloudwatch).await.unwrap_or_else(|fault| {
            faults.push(fault);
            BTreeSet::new()
        })
    } else {
        BTreeSet::new()
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
            reports_insights: reporting.contains(cluster.name.as_str()),
            tags: cluster.tags,
            services,
            services_unread,
        };
        (cluster.name, entry)
    });
    let clusters = entries.collect();
    Ok(Inventory { read_at: task.run.time, clusters, faults })
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

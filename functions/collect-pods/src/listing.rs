//! The list of EKS clusters: from the cache while it is fresh, else listed again. Every ten minutes
//! the names are listed, with one call per 100 clusters, and new clusters are described.

use std::collections::BTreeSet;

use fargaze::evidence::eks::EksCluster;
use fargaze::evidence::inventory::{CHECK_AFTER, MAX_AGE};
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::TargetTask;
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze_aws::{Eks, Store};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The EKS clusters of a target, as cached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Listing {
    /// Logical time of the run that listed them.
    pub(crate) read_at: Timestamp,
    /// Logical time of the run that last checked for new and deleted clusters.
    pub(crate) checked_at: Timestamp,
    /// Clusters that could be described, by name.
    clusters: Vec<EksCluster>,
    /// Existing clusters that could never be described.
    undescribed: Vec<ClusterName>,
    /// What could not be listed or described.
    pub(crate) faults: Vec<Fault>,
}

/// A cluster that EKS lists.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Listed<'a> {
    /// It was described, now or earlier.
    Described(&'a EksCluster),
    /// It could never be described.
    Undescribed(&'a ClusterName),
}

impl Listing {
    /// All existing clusters.
    pub(crate) fn all(&self) -> impl Iterator<Item = Listed<'_>> {
        let described = self.clusters.iter().map(Listed::Described);
        described.chain(self.undescribed.iter().map(Listed::Undescribed))
    }

    /// Whether a run at `time` may still use it: a listing with faults, or with clusters that are
    /// changing their status, is replaced at once. A permanently unreadable name does not count.
    fn is_fresh(&self, time: Timestamp) -> bool {
        let age = time.duration_since(self.read_at);
        let settled = self.clusters.iter().all(|cluster| cluster.status == "ACTIVE");
        let is_passing = |fault: &Fault| fault.kind != FaultKind::Unreadable;
        let settled = settled && self.undescribed.is_empty();
        !self.faults.iter().any(is_passing) && settled && !age.is_negative() && age < MAX_AGE
    }

    fn is_checked(&self, time: Timestamp) -> bool {
        let age = time.duration_since(self.checked_at);
        !age.is_negative() && age < CHECK_AFTER
    }
}

/// Returns the cached listing if it is fresh; else a new one, stored for later runs. If not even
/// the names can be listed, returns an older listing with the fault.
pub(crate) async fn listing(task: &TargetTask, eks: &Eks, store: &Store) -> Result<Listing, Failure> {
    let key = task.target.inventory_key();
    // An unreadable cache is treated as absent: listing again gives the same result, only later.
    let cached = store.get_json::<Listing>(&key).await.unwrap_or_else(|fault| {
        tracing::warn!(%fault, "the cached listing cannot be read; listing again");
        None
    });
    let fresh = cached.as_ref().filter(|cached| cached.is_fresh(task.run.time));
    if let Some(checked) = fresh.filter(|fresh| fresh.is_checked(task.run.time)) {
        return Ok(checked.clone());
    }
    let listed = match eks.list_clusters().await {
        Ok(listed) => listed,
        Err(fault) => match cached {
            Some(mut older) => {
                older.faults.push(fault);
                return Ok(older);
            }
            None => return Err(fault.into()),
        },
    };
    let listing = describe(task, listed, eks, fresh, cached.as_ref()).await;
    store.put_json(&key, &listing).await?;
    Ok(listing)
}

/// Describes the clusters of these names, except those in a fresh listing. A cluster that is listed
/// but cannot be described keeps its description of the older listing.
async fn describe(
    task: &TargetTask,
    listed: fargaze_aws::Listed<ClusterName>,
    eks: &Eks,
    fresh: Option<&Listing>,
    older: Option<&Listing>,
) -> Listing {
    let names: BTreeSet<ClusterName> =
        listed.found.into_iter().filter(|name| task.target.part.holds(name)).collect();
    let known = fresh.map(|fresh| fresh.clusters.as_slice()).unwrap_or_default().iter();
    let mut clusters: Vec<EksCluster> =
        known.filter(|cluster| names.contains(&cluster.name)).cloned().collect();
    let new = names.into_iter().filter(|name| clusters.iter().all(|known| known.name != *name));
    let new: Vec<ClusterName> = new.collect();
    // An unreadable name belongs to no part, so the first part reports it for all.
    let mut undescribed = Vec::new();
    let mut faults = if task.target.part.index == 0 { listed.faults } else { Vec::new() };
    for (name, described) in eks.describe_clusters(&new).await {
        match described {
            Ok(cluster) => clusters.push(cluster),
            Err(fault) => {
                faults.push(fault);
                let known =
                    older.and_then(|older| older.clusters.iter().find(|cluster| cluster.name == name));
                match known {
                    Some(known) => clusters.push(known.clone()),
                    None => undescribed.push(name),
                }
            }
        }
    }
    clusters.sort_by(|a, b| a.name.cmp(&b.name));
    let time = task.run.time;
    let read_at = fresh.map_or(time, |fresh| fresh.read_at);
    Listing { read_at, checked_at: time, clusters, undescribed, faults }
}

/// Makes the next run list all clusters again.
pub(crate) async fn forget(task: &TargetTask, store: &Store) -> Result<(), Fault> {
    let key = task.target.inventory_key();
    let Some(mut listing) = store.get_json::<Listing>(&key).await? else { return Ok(()) };
    listing.read_at = Timestamp::UNIX_EPOCH;
    store.put_json(&key, &listing).await
}

//! Which EKS clusters there are: from the cache while it is fresh, else listed again. Every ten minutes their names are
//! listed, which is one call for 100 clusters, and new ones are described.

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

/// The EKS clusters of a target, as the cache holds them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Listing {
    /// Logical time of the run that listed them.
    pub(crate) read_at: Timestamp,
    /// Logical time of the run that last looked for clusters that have come or gone.
    pub(crate) checked_at: Timestamp,
    /// Clusters that could be described, by name.
    clusters: Vec<EksCluster>,
    /// Clusters that are there, and of which nothing is known.
    undescribed: Vec<ClusterName>,
    /// What could not be listed or described.
    pub(crate) faults: Vec<Fault>,
}

/// A cluster that EKS lists.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Listed<'a> {
    /// It could be described, now or earlier.
    Described(&'a EksCluster),
    /// It never could.
    Undescribed(&'a ClusterName),
}

impl Listing {
    /// All clusters that are there.
    pub(crate) fn all(&self) -> impl Iterator<Item = Listed<'_>> {
        let described = self.clusters.iter().map(Listed::Described);
        described.chain(self.undescribed.iter().map(Listed::Undescribed))
    }

    /// Whether a run at `time` may still use it: one with faults, or with clusters that are on their way to another status, is made
    /// anew at once. A name that cannot be read stays so.
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

/// The cached listing if it is fresh; else a new one, stored for the runs to come. If not even the names can be listed, an older
/// listing serves, with the fault.
pub(crate) async fn listing(task: &TargetTask, eks: &Eks, store: &Store) -> Result<Listing, Failure> {
    let key = task.target.inventory_key();
    // A cache that cannot be read is a cache that is not there: listing anew says the same, only later.
    let cached = store.get_json::<Listing>(&key).await.unwrap_or_else(|fault| {
        tracing::warn!(%fault, "the cached listing cannot be read; listing anew");
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

/// Describes the clusters of these names but those that a fresh listing knows. A cluster that is listed and cannot be
/// described stays as the older listing knew it.
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
    // A name that cannot be read is in no part: the first tells it for all.
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

/// Makes the next run list anew.
pub(crate) async fn forget(task: &TargetTask, store: &Store) -> Result<(), Fault> {
    let key = task.target.inventory_key();
    let Some(mut listing) = store.get_json::<Listing>(&key).await? else { return Ok(()) };
    listing.read_at = Timestamp::UNIX_EPOCH;
    store.put_json(&key, &listing).await
}

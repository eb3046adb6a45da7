//! EKS clusters: what is wished and what is there -> steps -> add-ons, logs and the `ConfigMap` -> ledger.
//!
//! Events, messages of ours, sweeps share one decision, [`fargaze::insights::eks::decide_eks`], which removes nothing. EKS
//! takes minutes for most of it: the cluster goes back to the queue meanwhile, and nobody waits.

mod hear;
mod logging;
mod observe;
mod put_back;
mod reconcile;
mod restore;
mod sweep;

use fargaze::aws::{Eks, Memory, Queue};
use fargaze::cluster::ClusterName;
use fargaze::fault::Fault;
use fargaze::insights::Sighting;
use fargaze::insights::eks::{EksConfig, EksFollow, EksLedger, FollowedUpdate};
use fargaze::run::Target;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::reconcile::Cause;

pub(crate) use restore::EksRestore;
pub(crate) use sweep::EksSweep;

/// What clusters of one target are set up with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup<'a> {
    pub(crate) eks: &'a Eks,
    /// The target's credentials, which sign tokens for the Kubernetes API as well.
    pub(crate) sdk: &'a aws_config::SdkConfig,
    pub(crate) memory: &'a Memory,
    pub(crate) queue: &'a Queue,
    pub(crate) target: &'a Target,
    pub(crate) config: &'a EksConfig,
    pub(crate) cause: Cause<'a>,
    /// It is for a restore, or follows what one asked for: nothing is set up.
    pub(crate) restores: bool,
    /// The time by which it is judged what takes too long.
    pub(crate) now: Timestamp,
    /// When the function must have ended.
    pub(crate) deadline: Instant,
}

impl Setup<'_> {
    /// Sends a cluster back to the queue, to be looked at again in a minute or two. False if it has been followed for long
    /// enough: from then on it is the sweep's.
    pub(crate) async fn follow(
        &self,
        cluster: &ClusterName,
        ledger: &EksLedger,
        (since, now): (Timestamp, Timestamp),
    ) -> Result<bool, Fault> {
        let Target { account, region, .. } = self.target;
        let whose = (account.clone(), region.clone(), cluster.clone());
        let follow = EksFollow::new(whose, followed(ledger), since, self.cause.id.to_owned(), self.restores);
        let Some(delay) = follow.delay_seconds(now) else { return Ok(false) };
        self.queue.send_later(&follow, delay, cluster.as_str()).await?;
        Ok(true)
    }
}

/// Whether the last sweep saw this cluster, and not another of its name that was there before it; none if there was
/// no sweep yet.
fn seen(sighting: Sighting, created_at: Option<Timestamp>) -> Option<bool> {
    match sighting {
        Sighting::NoSweep => None,
        Sighting::Unseen => Some(false),
        Sighting::Since(seen) => Some(created_at.is_none_or(|created| created <= seen)),
    }
}

/// What EKS works on for us.
fn followed(ledger: &EksLedger) -> Vec<FollowedUpdate> {
    let changes = ledger.aspects.iter().flat_map(|(aspect, of)| of.changes.iter().map(|one| (*aspect, one)));
    let open = changes.filter_map(|(aspect, change)| Some((aspect, change.in_progress()?)));
    open.map(|(aspect, work)| FollowedUpdate { aspect, id: work.update_id.map(str::to_owned) }).collect()
}

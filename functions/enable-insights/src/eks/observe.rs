//! What is there of a cluster.

use std::collections::BTreeMap;

use fargaze::cluster::ClusterName;
use fargaze::eks::{Addon, EksCluster};
use fargaze::fault::Fault;
use fargaze::insights::eks::{Asked, AwsLogging, EksAspect, EksChange, EksLedger, ObservedEks, UpdateStatus};
use fargaze::insights::{ChangeState, opts_out};

use super::logging::Api;
use super::{Setup, logging};

/// A cluster as it is now, and its Kubernetes API if that was asked.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) observed: ObservedEks,
    pub(super) api: Option<Api>,
    /// Whether it was asked what it has. Of one that was not, no change is known to have ended.
    pub(super) is_asked: bool,
}

impl Setup<'_> {
    /// Asks what a cluster has. One that is not ACTIVE is not asked further, nor one whose owner opted out, but by a restore.
    /// `logging` says whether the logging of its Fargate pods is of interest, for which its Kubernetes API must let us in.
    pub(super) async fn observe(&self, cluster: EksCluster, ledger: &EksLedger, logging: bool) -> Seen {
        if cluster.status != "ACTIVE" || opts_out(&cluster.tags) && !self.restores {
            return Seen { observed: ObservedEks::bare(cluster), api: None, is_asked: false };
        }
        let name = cluster.name.clone();
        let (profiles, node_groups, addons, updates) = tokio::join!(
            self.eks.fargate_profiles(&name),
            self.eks.node_groups(&name),
            self.addons(&name),
            self.updates(&name, ledger)
        );
        let mut seen = Seen {
            observed: ObservedEks {
                profiles: profiles.into(),
                node_groups: node_groups.into(),
                addons: addons.into(),
                updates,
                ..ObservedEks::bare(cluster)
            },
            api: None,
            is_asked: true,
        };
        let has_profile = seen.observed.profiles.known().is_some_and(|profiles| !profiles.is_empty());
        // What fargaze perhaps wrote, or perhaps deleted, is to be known whatever became of profiles and wishes.
        let is_open = |change: &EksChange| change.state == ChangeState::Planned || change.undo.is_some();
        let begun = ledger.of(EksAspect::AwsLogging).iter().any(is_open);
        if logging && (has_profile || self.restores) || begun {
            self.see_logging(&mut seen).await;
        }
        seen
    }

    async fn see_logging(&self, seen: &mut Seen) {
        let read = match logging::api(self, &seen.observed.cluster) {
            Ok(api) => {
                let read = logging::read(&api).await;
                seen.api = Some(api);
                read
            }
            Err(error) => Err(error),
        };
        seen.observed.logging = read.unwrap_or_else(|error| AwsLogging::Unread(error.into()));
    }

    /// The add-ons that are decided on, of those that the cluster has.
    async fn addons(&self, cluster: &ClusterName) -> Result<Vec<Addon>, Fault> {
        let mut addons = Vec::new();
        for name in EksAspect::ALL.into_iter().filter_map(EksAspect::addon) {
            addons.extend(self.eks.describe_addon(cluster, name).await?);
        }
        Ok(addons)
    }

    /// Updates of ours that were not at their end when they were last looked at.
    async fn updates(
        &self,
        cluster: &ClusterName,
        ledger: &EksLedger,
    ) -> BTreeMap<String, Asked<UpdateStatus>> {
        let mut updates = BTreeMap::new();
        for id in ledger.followed() {
            updates.insert(id.to_owned(), self.eks.describe_update(cluster, id).await.into());
        }
        updates
    }
}

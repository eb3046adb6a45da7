//! What fargaze sees of a cluster.

use fargaze::cluster::ClusterName;
use fargaze::eks::{Addon, EksCluster, FargateProfile, FargateSelector};
use fargaze::fault::FaultKind;
use fargaze::insights::eks::{Asked, AwsLogging, EksAspect, EksChange, EksLedger, ObservedEks, UpdateStatus};
use fargaze::insights::{ChangeState, opts_out};
use fargaze::status::ProfileStatus;

use super::World;
use super::cloud::{fault, locked};
use crate::eks::table;

/// What is there of a cluster, and whether it was asked for.
pub(super) struct Seen {
    pub(super) observed: ObservedEks,
    is_asked: bool,
}

impl World {
    /// What there is of a cluster. One that is not ACTIVE is not asked further, nor one whose owner opted out.
    pub(super) fn observe(&self, name: &ClusterName, log: &EksLedger, logging: bool, restores: bool) -> Seen {
        let there = &self.clusters[name];
        let cluster = EksCluster {
            created_at: Some(there.born),
            tags: there.tags.clone(),
            logs: there.log_types(),
            ..EksCluster::named(name.clone(), there.status(self.minute))
        };
        if cluster.status != "ACTIVE" || opts_out(&cluster.tags) && !restores {
            return Seen { observed: ObservedEks::bare(cluster), is_asked: false };
        }
        let throttled = || fault("eks:Describe", FaultKind::Throttled, "ThrottlingException", "");
        let [no_addons, no_places, no_updates] = there.mood.throttled;
        let update = |id: &str| match there.ended.get(id) {
            _ if no_updates => Asked::Unread(throttled()),
            Some(status) => Asked::Known(status.clone()),
            None if there.update.as_ref().is_some_and(|update| update.is_of(id)) => {
                Asked::Known(UpdateStatus::InProgress)
            }
            None => {
                let code = "ResourceNotFoundException";
                Asked::Unread(fault("eks:DescribeUpdate", FaultKind::NotFound, code, "No update found"))
            }
        };
        let addons = there.addons.iter().map(|(name, addon)| Addon {
            version: Some(addon.version.to_owned()),
            ..table::addon(name, addon.status(self.minute))
        });
        let profiles = there.profile.map(|(namespace, ready)| FargateProfile {
            name: "default".to_owned(),
            status: if self.minute < ready { ProfileStatus::Creating } else { ProfileStatus::Active },
            selectors: vec![FargateSelector { namespace: namespace.to_owned(), labels: [].into() }],
            pod_execution_role: None,
        });
        let nodes = if there.has_nodes { vec!["a".to_owned()] } else { Vec::new() };
        let mut observed = ObservedEks {
            addons: if no_addons { Asked::Unread(throttled()) } else { Asked::Known(addons.collect()) },
            profiles: if no_places {
                Asked::Unread(throttled())
            } else {
                Asked::Known(profiles.into_iter().collect())
            },
            node_groups: if no_places { Asked::Unread(throttled()) } else { Asked::Known(nodes) },
            updates: log.followed().into_iter().map(|id| (id.to_owned(), update(id))).collect(),
            ..ObservedEks::bare(cluster)
        };
        let has_profile = observed.profiles.known().is_some_and(|profiles| !profiles.is_empty());
        let is_open = |change: &EksChange| change.state == ChangeState::Planned || change.undo.is_some();
        if logging && (has_profile || restores) || log.of(EksAspect::AwsLogging).iter().any(is_open) {
            observed.logging = self.logging(name);
        }
        Seen { observed, is_asked: true }
    }

    fn logging(&self, name: &ClusterName) -> AwsLogging {
        let there = &self.clusters[name];
        if there.mood.is_locked {
            return AwsLogging::Unread(locked("kubernetes:GET configmaps"));
        }
        let config_map = there.config_map.as_ref().map(|(data, _)| data.clone());
        let is_bad = config_map.as_ref() == Some(&table::data("bad"));
        let problems = if is_bad { vec!["it has no [OUTPUT]".to_owned()] } else { Vec::new() };
        AwsLogging::Known { namespace: there.namespace.clone(), config_map, problems }
    }

    /// Ends what was begun earlier, as far as the cluster tells how it ended.
    pub(super) fn settle(&mut self, log: &mut EksLedger, seen: &Seen) {
        if seen.is_asked {
            log.settle(&seen.observed).iter().for_each(|change| self.write(change));
        }
    }
}

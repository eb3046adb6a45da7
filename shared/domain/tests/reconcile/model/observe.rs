//! fargaze's view of a subject.

use fargaze::evidence::eks::{Addon, EksCluster, FargateProfile, FargateSelector};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::insights::ObservedCluster;
use fargaze::reconcile::{
    Aspect, AwsLogging, Change, ChangeState, Checker, Observed, ObservedEks, Queried, SubjectLog,
    UpdateStatus,
};

use super::eks::{Eks, fault, locked};
use super::resource::{Ecs, Kind, Resource};
use super::{Id, World};
use crate::common::{addon, data};

/// What is read from an EKS cluster in addition to the usual.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking {
    /// The logging of its Fargate pods matters.
    pub(super) logging: bool,
    /// It is for a rollback.
    pub(super) rolls_back: bool,
}

impl World {
    /// The current state of a subject. An EKS cluster that is not ACTIVE, or whose owner opted out,
    /// is not read further.
    pub(super) fn observe(&self, id: &Id, log: &SubjectLog, asking: Asking) -> Observed {
        let resource = &self.resources[id];
        match &resource.kind {
            Kind::Account(_) if resource.is_hidden => Observed::account(Queried::Unread(throttled())),
            Kind::Account(setting) => Observed::account(Queried::Known(setting.level)),
            Kind::Ecs(Ecs { setting, is_occupied, .. }) => Observed::of_ecs(ObservedCluster {
                name: id.subject.cluster().unwrap().clone(),
                status: resource.status(self.minute).to_owned(),
                level: setting.level,
                tags: resource.tags.clone(),
                running_tasks: 0,
                active_services: u32::from(*is_occupied),
            }),
            Kind::Eks(eks) => Observed::of_eks(self.observe_eks(id, resource, eks, log, asking)),
        }
    }

    fn observe_eks(
        &self,
        id: &Id,
        resource: &Resource,
        there: &Eks,
        log: &SubjectLog,
        asking: Asking,
    ) -> ObservedEks {
        let name = id.subject.cluster().unwrap().clone();
        let cluster = EksCluster {
            created_at: Some(resource.born),
            tags: resource.tags.clone(),
            logs: there.log_types(),
            ..EksCluster::named(name, resource.status(self.minute))
        };
        if cluster.status != "ACTIVE" || resource.opts_out() && !asking.rolls_back {
            return ObservedEks::bare(cluster);
        }
        let [no_addons, no_places, no_updates] = there.mood.throttled;
        let update = |id: &str| match there.ended.get(id) {
            _ if no_updates => Queried::Unread(throttled()),
            Some(status) => Queried::Known(status.clone()),
            None if there.update.as_ref().is_some_and(|update| update.is_of(id)) => {
                Queried::Known(UpdateStatus::InProgress)
            }
            None => {
                let code = "ResourceNotFoundException";
                Queried::Unread(fault("eks:DescribeUpdate", FaultKind::NotFound, code, "No update found"))
            }
        };
        let addons = there.addons.iter().map(|(name, installed)| Addon {
            version: Some(installed.version.to_owned()),
            ..addon(name, installed.status(self.minute))
        });
        let profiles = there.profile.map(|(namespace, ready)| FargateProfile {
            name: "default".to_owned(),
            status: if self.minute < ready { "CREATING" } else { "ACTIVE" }.into(),
            selectors: vec![FargateSelector { namespace: namespace.to_owned(), labels: [].into() }],
            pod_execution_role: None,
        });
        let nodes = if there.has_nodes { vec!["a".to_owned()] } else { Vec::new() };
        let mut observed = ObservedEks {
            is_asked: true,
            addons: if no_addons { Queried::Unread(throttled()) } else { Queried::Known(addons.collect()) },
            profiles: if no_places {
                Queried::Unread(throttled())
            } else {
                Queried::Known(profiles.into_iter().collect())
            },
            node_groups: if no_places { Queried::Unread(throttled()) } else { Queried::Known(nodes) },
            updates: log.followed().into_iter().map(|id| (id.to_owned(), update(id))).collect(),
            ..ObservedEks::bare(cluster)
        };
        let has_profile = observed.profiles.known().is_some_and(|profiles| !profiles.is_empty());
        let is_open = |change: &Change| change.state == ChangeState::Planned || change.undo.is_some();
        let begun = log.changes(Aspect::AwsLogging).iter().any(is_open);
        if asking.logging && (has_profile || asking.rolls_back) || begun {
            observed.logging = logging(there);
        }
        observed
    }

    /// Ends what was begun earlier, as far as the subject shows how it ended.
    pub(super) fn settle(&mut self, id: &Id, log: &mut SubjectLog, observed: &Observed, cause: &str) {
        let checker = Checker { cause, now: self.now() };
        log.settle(observed, checker).iter().for_each(|change| self.write(id.platform, change));
    }
}

fn throttled() -> Fault {
    fault("eks:DescribeCluster", FaultKind::Throttled, "ThrottlingException", "")
}

fn logging(there: &Eks) -> AwsLogging {
    if there.mood.is_locked {
        return AwsLogging::Unread(locked("kubernetes:GET configmaps"));
    }
    let config_map = there.config_map.as_ref().map(|(data, _)| data.clone());
    let is_bad = config_map.as_ref() == Some(&data("bad"));
    let problems = if is_bad { vec!["it has no [OUTPUT]".to_owned()] } else { Vec::new() };
    AwsLogging::Known { namespace: there.namespace.clone(), config_map, problems }
}

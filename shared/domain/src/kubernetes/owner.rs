//! What makes pods, under one name that stays the same from release to release, so that an alarm about it does too.
//!
//! Pods name their controller, and many controllers make another object for each release or each run: a Deployment and
//! a Rollout of Argo make a `ReplicaSet` for each template, a `CronJob` a Job for each time. What people know is what
//! stands behind them.

mod labels;
mod names;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::api::{ObjectMeta, OwnerReference};
use labels::Labels;
use names::{of_cron_job, without_random};

pub use labels::NO_OBJECTS;

/// A workload that makes pods.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// Kind, such as `Deployment`.
    pub kind: String,
    /// Name, in the namespace of the pod.
    pub name: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// What stands behind each Job, by namespace and name of the Job: what owns it, or the Job itself.
pub type JobOwners = BTreeMap<(String, String), Owner>;

/// Kinds of Kubernetes itself whose names people choose.
const LASTING: [&str; 8] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "CronJob",
    "Node",
    "Pod",
];

impl Owner {
    /// What controls an object, as the object names it; none if nothing does.
    pub fn controller(owners: &[OwnerReference]) -> Option<Self> {
        let controller = owners.iter().find(|owner| owner.controller == Some(true))?;
        Some(Self { kind: controller.kind.clone(), name: controller.name.clone() })
    }

    /// What makes a pod, by its own metadata. Behind a Job stands what [`Self::behind`] knows. A pod that nothing
    /// controls stands for itself: none, or the name that its own was generated from. `made` is when it was made.
    pub(super) fn of_pod(metadata: &ObjectMeta, made: Option<Timestamp>) -> Option<Self> {
        let labels = Labels(&metadata.labels);
        let Some(controller) = Self::controller(&metadata.owner_references) else {
            let generated =
                || stem(metadata).map(|name| Self { kind: "Pod".to_owned(), name: name.to_owned() });
            return labels.behind_run(made).or_else(generated);
        };
        Some(match controller.kind.as_str() {
            "ReplicaSet" => labels.behind_replica_set(&controller.name).unwrap_or(controller),
            kind if LASTING.contains(&kind) && kind != "Pod" => controller,
            _ => labels.behind_run(made).unwrap_or_else(|| controller.lasting()),
        })
    }

    /// What a Deployment is counted for, if that is not itself: a service of Knative, whose Deployments have the labels
    /// of their pods.
    pub(super) fn of_deployment(metadata: &ObjectMeta) -> Option<Self> {
        Labels(&metadata.labels).knative()
    }

    /// What stands behind a Job: what owns it; if nothing does, the name that the Job's own was generated from.
    pub fn of_job(metadata: &ObjectMeta) -> Self {
        Self::controller(&metadata.owner_references).map_or_else(
            || Self { kind: "Job".to_owned(), name: stem(metadata).unwrap_or(&metadata.name).to_owned() },
            Self::lasting,
        )
    }

    /// What stands behind it, if it is a Job. One that is not listed, because it is gone or Jobs could not be listed,
    /// is a `CronJob`'s if its name says so. `made` is when the pod was made.
    #[must_use]
    pub fn behind(self, namespace: &str, jobs: &JobOwners, made: Option<Timestamp>) -> Self {
        if self.kind != "Job" {
            return self;
        }
        let key = (namespace.to_owned(), self.name);
        if let Some(owner) = jobs.get(&key) {
            return owner.clone();
        }
        let name = key.1;
        match made.and_then(|made| of_cron_job(&name, made)) {
            Some(cron) => Self { kind: "CronJob".to_owned(), name: cron.to_owned() },
            None => Self { kind: self.kind, name: without_random(&name).to_owned() },
        }
    }

    /// Under the name that stays the same from run to run. Behind a Job stands what [`Self::behind`] knows.
    fn lasting(self) -> Self {
        let name = names::lasting(&self.kind, &self.name).to_owned();
        Self { kind: self.kind, name }
    }
}

/// What the API server generated the name of an object from; none if the object was named.
fn stem(metadata: &ObjectMeta) -> Option<&str> {
    let stem = metadata.generate_name.trim_end_matches('-');
    (!stem.is_empty() && metadata.name.starts_with(&metadata.generate_name)).then_some(stem)
}

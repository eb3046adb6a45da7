//! Owners of pods, under a name that is stable across releases, so that alarms on them are stable
//! too.
//!
//! Pods name their controller, but many controllers are created for a single release or run: a
//! Deployment or an Argo Rollout creates a `ReplicaSet` per template, a `CronJob` creates a Job per
//! run. Users know the owners of these controllers.

mod labels;
mod names;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::api::{ObjectMeta, OwnerReference};
use labels::Labels;
use names::{of_cron_job, without_random};

pub use labels::NO_OBJECTS;

/// A workload that creates pods.
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

/// The owner of each Job, by namespace and name of the Job: its controller, or the Job itself.
pub type JobOwners = BTreeMap<(String, String), Owner>;

/// Built-in kinds whose names are chosen by users.
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
    /// The controller that an object names; `None` without a controller.
    pub fn controller(owners: &[OwnerReference]) -> Option<Self> {
        let controller = owners.iter().find(|owner| owner.controller == Some(true))?;
        Some(Self { kind: controller.kind.clone(), name: controller.name.clone() })
    }

    /// The owner of a pod, from the pod's metadata. [`Self::behind`] finds the owner of a Job. For
    /// a pod without a controller: the prefix that its name was generated from, or `None` if it has
    /// a chosen name. `made` is the creation time of the pod.
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

    /// The workload that a Deployment is counted for, if it is not the Deployment itself: a Knative
    /// service, whose Deployments have the labels of their pods.
    pub(super) fn of_deployment(metadata: &ObjectMeta) -> Option<Self> {
        Labels(&metadata.labels).knative()
    }

    /// The owner of a Job: its controller, otherwise the Job under the prefix that its name was
    /// generated from.
    pub fn of_job(metadata: &ObjectMeta) -> Self {
        Self::controller(&metadata.owner_references).map_or_else(
            || Self { kind: "Job".to_owned(), name: stem(metadata).unwrap_or(&metadata.name).to_owned() },
            Self::lasting,
        )
    }

    /// Its owner, if it is a Job. A Job that is not listed, because it was deleted or Jobs could
    /// not be listed, is attributed to a `CronJob` if its name matches. `made` is the creation time
    /// of the pod.
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

    /// The owner under a name that is stable across runs. [`Self::behind`] finds the owner of a
    /// Job.
    fn lasting(self) -> Self {
        let name = names::lasting(&self.kind, &self.name).to_owned();
        Self { kind: self.kind, name }
    }
}

/// The prefix from which the API server generated the name of an object; `None` if the name was
/// chosen.
fn stem(metadata: &ObjectMeta) -> Option<&str> {
    let stem = metadata.generate_name.trim_end_matches('-');
    (!stem.is_empty() && metadata.name.starts_with(&metadata.generate_name)).then_some(stem)
}

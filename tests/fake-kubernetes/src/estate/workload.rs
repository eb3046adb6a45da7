//! Owners of pods: Deployments, `ReplicaSets`, `StatefulSets`, Jobs and others.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::template::{time, uid};

/// Kind of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// apps/v1.
    Deployment,
    /// apps/v1.
    ReplicaSet,
    /// apps/v1.
    StatefulSet,
    /// apps/v1; does not run on Fargate.
    DaemonSet,
    /// batch/v1.
    Job,
    /// batch/v1.
    CronJob,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Deployment, Self::ReplicaSet, Self::StatefulSet, Self::DaemonSet, Self::Job, Self::CronJob];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::ReplicaSet => "ReplicaSet",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
        }
    }

    pub(crate) fn group(self) -> &'static str {
        if matches!(self, Self::Job | Self::CronJob) { "batch" } else { "apps" }
    }

    /// As in paths.
    pub(crate) fn resource(self) -> String {
        format!("{}s", self.name().to_lowercase())
    }
}

/// A workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Kind.
    pub kind: Kind,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Value of the label `app` of its pods.
    pub app: String,
    /// Its other labels.
    pub labels: BTreeMap<String, String>,
    /// Its controller: kind and name.
    pub owner: Option<(Kind, String)>,
    /// Creation.
    pub created_at: Timestamp,
    /// Desired pods; completions of a Job.
    pub desired: u32,
    /// Ready pods; successes of a Job.
    pub ready: u32,
    /// Failures of a Job.
    pub failed: u32,
}

impl Workload {
    /// A workload whose pods are all ready.
    pub fn new(kind: Kind, namespace: &str, name: &str, desired: u32, created_at: Timestamp) -> Self {
        Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            app: name.to_owned(),
            labels: BTreeMap::new(),
            owner: None,
            created_at,
            desired,
            ready: desired,
            failed: 0,
        }
    }

    /// Adds a label.
    #[must_use]
    pub fn labelled(mut self, name: &str, value: &str) -> Self {
        self.labels.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn value(&self) -> Value {
        let mut metadata = json!({
            "name": self.name,
            "namespace": self.namespace,
            "uid": uid(&[self.kind.name(), &self.namespace, &self.name]),
            "resourceVersion": "4600",
            "generation": 1,
            "creationTimestamp": time(self.created_at),
            "labels": {"app": self.app},
        });
        for (name, value) in &self.labels {
            metadata["labels"][name] = value.as_str().into();
        }
        if let Some((kind, name)) = &self.owner {
            metadata["ownerReferences"] = json!([{
                "apiVersion": format!("{}/v1", kind.group()),
                "kind": kind.name(),
                "name": name,
                "uid": uid(&[kind.name(), &self.namespace, name]),
                "controller": true,
                "blockOwnerDeletion": true,
            }]);
        }
        json!({"metadata": metadata, "spec": self.spec(), "status": self.status()})
    }

    fn spec(&self) -> Value {
        let template = json!({
            "metadata": {"labels": {"app": self.app}},
            "spec": {"containers": [{"name": "app", "image": "docker.io/library/nginx:latest"}]},
        });
        let selector = json!({"matchLabels": {"app": self.app}});
        match self.kind {
            Kind::Job => {
                json!({"completions": self.desired, "parallelism": 1, "backoffLimit": 6, "template": template})
            }
            Kind::CronJob => {
                json!({"schedule": "*/5 * * * *", "suspend": false, "jobTemplate": {"spec": {"template": template}}})
            }
            Kind::DaemonSet => json!({"selector": selector, "template": template}),
            Kind::StatefulSet => {
                json!({"replicas": self.desired, "selector": selector, "serviceName": self.app, "template": template})
            }
            _ => json!({"replicas": self.desired, "selector": selector, "template": template}),
        }
    }

    fn status(&self) -> Value {
        let Self { desired, ready, .. } = *self;
        match self.kind {
            Kind::Deployment => {
                let (available, reason) = if ready < desired {
                    ("False", "MinimumReplicasUnavailable")
                } else {
                    ("True", "MinimumReplicasAvailable")
                };
                json!({
                    "observedGeneration": 1, "replicas": desired, "updatedReplicas": desired, "readyReplicas": ready,
                    "availableReplicas": ready, "unavailableReplicas": desired.saturating_sub(ready),
                    "conditions": [{"type": "Available", "status": available, "reason": reason,
                        "lastUpdateTime": time(self.created_at), "lastTransitionTime": time(self.created_at)}],
                })
            }
            Kind::DaemonSet => json!({
                "currentNumberScheduled": desired, "desiredNumberScheduled": desired, "numberMisscheduled": 0,
                "numberReady": ready, "numberAvailable": ready, "updatedNumberScheduled": desired, "observedGeneration": 1,
            }),
            Kind::Job => {
                let end = if self.failed > 0 { "Failed" } else { "Complete" };
                let conditions = if ready < desired && self.failed == 0 {
                    json!([])
                } else {
                    json!([{"type": end, "status": "True", "lastTransitionTime": time(self.created_at)}])
                };
                json!({
                    "active": desired.saturating_sub(ready + self.failed), "succeeded": ready, "failed": self.failed,
                    "startTime": time(self.created_at), "conditions": conditions,
                })
            }
            Kind::CronJob => json!({"lastScheduleTime": time(self.created_at)}),
            _ => {
                json!({"replicas": desired, "readyReplicas": ready, "availableReplicas": ready, "observedGeneration": 1})
            }
        }
    }
}

//! Facts about workloads: desired and current pods.

use std::fmt;

use super::api::{DaemonSet, Deployment, Job, ObjectMeta, ReplicaSpec, ReplicaStatus, StatefulSet};
use super::owner::Owner;

/// Facts about a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadFacts {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Namespace.
    pub namespace: String,
    /// Name, unique for its kind in its namespace.
    pub name: String,
    /// Desired pods; for a Job, the pods that must succeed.
    pub desired: i64,
    /// Pods that pass their readiness probes.
    pub ready: i64,
    /// Pods that have been ready for long enough; `None` for a Job, which does not count them.
    pub available: Option<i64>,
    /// Pods of the newest template; `None` for a Job, which has only one template.
    pub updated: Option<i64>,
    /// Pods of a Job that succeeded.
    pub succeeded: Option<i64>,
    /// Pods of a Job that failed.
    pub failed: Option<i64>,
    /// Its owner, such as the `CronJob` of a Job.
    pub owner: Option<Owner>,
    /// The workload that its pods and replicas are counted for, if it is not the workload itself: a
    /// Knative service.
    pub counts_for: Option<Owner>,
}

/// The kind whose list contains the replicas of workloads of a kind: Knative services have
/// Deployments.
pub fn listed_with(kind: &str) -> &str {
    match kind {
        "Service" | "Configuration" => "Deployment",
        kind => kind,
    }
}

/// Kinds of workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkloadKind {
    /// Interchangeable pods.
    Deployment,
    /// Pods with a stable name and their own storage.
    StatefulSet,
    /// A pod on each node; Fargate does not support it.
    DaemonSet,
    /// Pods that run to completion.
    Job,
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
        })
    }
}

impl WorkloadFacts {
    fn new(kind: WorkloadKind, metadata: ObjectMeta) -> Self {
        Self {
            kind,
            owner: Owner::controller(&metadata.owner_references),
            namespace: metadata.namespace,
            name: metadata.name,
            desired: 0,
            ready: 0,
            available: None,
            updated: None,
            succeeded: None,
            failed: None,
            counts_for: None,
        }
    }

    fn replicated(
        kind: WorkloadKind,
        metadata: ObjectMeta,
        spec: &ReplicaSpec,
        status: &ReplicaStatus,
    ) -> Self {
        Self {
            desired: spec.replicas.unwrap_or(1),
            ready: status.ready_replicas,
            available: Some(status.available_replicas),
            updated: Some(status.updated_replicas),
            ..Self::new(kind, metadata)
        }
    }
}

impl From<Deployment> for WorkloadFacts {
    fn from(one: Deployment) -> Self {
        let counts_for = Owner::of_deployment(&one.metadata);
        Self {
            counts_for,
            ..Self::replicated(WorkloadKind::Deployment, one.metadata, &one.spec, &one.status)
        }
    }
}

impl From<StatefulSet> for WorkloadFacts {
    fn from(one: StatefulSet) -> Self {
        Self::replicated(WorkloadKind::StatefulSet, one.metadata, &one.spec, &one.status)
    }
}

impl From<DaemonSet> for WorkloadFacts {
    fn from(one: DaemonSet) -> Self {
        Self {
            desired: one.status.desired_number_scheduled,
            ready: one.status.number_ready,
            available: Some(one.status.number_available),
            updated: Some(one.status.updated_number_scheduled),
            ..Self::new(WorkloadKind::DaemonSet, one.metadata)
        }
    }
}

impl From<Job> for WorkloadFacts {
    fn from(one: Job) -> Self {
        Self {
            desired: one.spec.completions.unwrap_or(1),
            ready: one.status.ready,
            succeeded: Some(one.status.succeeded),
            failed: Some(one.status.failed),
            ..Self::new(WorkloadKind::Job, one.metadata)
        }
    }
}

//! What is known of what makes pods: how many are wanted and how many are there.

use std::fmt;

use super::api::{DaemonSet, Deployment, Job, ObjectMeta, ReplicaSpec, ReplicaStatus, StatefulSet};
use super::owner::Owner;

/// What is known of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadFacts {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Namespace.
    pub namespace: String,
    /// Name, unique among its kind in its namespace.
    pub name: String,
    /// Pods that are wanted; of a Job those that have to succeed.
    pub desired: i64,
    /// Pods that pass their readiness probes.
    pub ready: i64,
    /// Pods that have been ready for long enough; a Job does not count them.
    pub available: Option<i64>,
    /// Pods of the newest template; a Job has no newer one.
    pub updated: Option<i64>,
    /// Pods of a Job that succeeded.
    pub succeeded: Option<i64>,
    /// Pods of a Job that failed.
    pub failed: Option<i64>,
    /// Who made it, as a `CronJob` makes Jobs.
    pub owner: Option<Owner>,
    /// What its pods and replicas are counted for, if that is not itself: a service of Knative.
    pub counts_for: Option<Owner>,
}

/// The kind whose list has the replicas of workloads of a kind: Knative has Deployments for its services.
pub fn listed_with(kind: &str) -> &str {
    match kind {
        "Service" | "Configuration" => "Deployment",
        kind => kind,
    }
}

/// Kinds of workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkloadKind {
    /// Pods that are alike.
    Deployment,
    /// Pods with a name and a disk of their own.
    StatefulSet,
    /// A pod on each node, of which Fargate starts none.
    DaemonSet,
    /// Pods that end.
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

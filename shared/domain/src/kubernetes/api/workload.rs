//! Workloads, and the `ConfigMap`s and namespaces of pods (Kubernetes API, groups `apps`, `batch` and
//! core).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ObjectMeta, nullable};

macro_rules! workload {
    ($(#[$doc:meta])* $name:ident, $spec:ty, $status:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
        #[serde(default)]
        pub struct $name {
            /// Name, namespace, owners.
            pub metadata: ObjectMeta,
            /// Desired state.
            #[serde(deserialize_with = "nullable")]
            pub spec: $spec,
            /// Current state.
            #[serde(deserialize_with = "nullable")]
            pub status: $status,
        }
    };
}

workload!(
    /// A Deployment.
    Deployment,
    ReplicaSpec,
    ReplicaStatus
);
workload!(
    /// A `StatefulSet`.
    StatefulSet,
    ReplicaSpec,
    ReplicaStatus
);
workload!(
    /// A Job.
    Job,
    JobSpec,
    JobStatus
);

/// Desired replicas.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ReplicaSpec {
    /// Number of replicas; the API defaults to 1.
    pub replicas: Option<i64>,
}

/// Replicas by state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaStatus {
    /// Replicas that pass their readiness probes.
    pub ready_replicas: i64,
    /// Replicas that have been ready for long enough.
    pub available_replicas: i64,
    /// Replicas of the newest template.
    pub updated_replicas: i64,
}

/// A `DaemonSet`; Fargate runs none of its pods (Amazon EKS User Guide, "Fargate pods:
/// considerations").
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DaemonSet {
    /// Name, namespace, owners.
    pub metadata: ObjectMeta,
    /// Current state.
    #[serde(deserialize_with = "nullable")]
    pub status: DaemonSetStatus,
}

/// Nodes by the state of their pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DaemonSetStatus {
    /// Nodes that should have a pod.
    pub desired_number_scheduled: i64,
    /// Nodes whose pod is ready.
    pub number_ready: i64,
    /// Nodes whose pod has been ready for long enough.
    pub number_available: i64,
    /// Nodes whose pod is of the newest template.
    pub updated_number_scheduled: i64,
}

/// Desired state of a Job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct JobSpec {
    /// Number of pods that must succeed; absent if one success is enough.
    pub completions: Option<i64>,
}

/// Pods of a Job by state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct JobStatus {
    /// Running pods that are ready.
    pub ready: i64,
    /// Pods that succeeded.
    pub succeeded: i64,
    /// Pods that failed.
    pub failed: i64,
}

/// A `ConfigMap`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ConfigMap {
    /// Name and namespace.
    pub metadata: ObjectMeta,
    /// Its data by key.
    #[serde(deserialize_with = "nullable")]
    pub data: BTreeMap<String, String>,
}

/// A namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Namespace {
    /// Name and labels.
    pub metadata: ObjectMeta,
}

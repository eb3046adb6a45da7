//! What makes pods, and what they are configured with (Kubernetes API, groups `apps`, `batch` and core).

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
            /// What is wanted.
            #[serde(deserialize_with = "nullable")]
            pub spec: $spec,
            /// What is.
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

/// Wanted replicas.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ReplicaSpec {
    /// How many; the API fills in 1 where nothing is said.
    pub replicas: Option<i64>,
}

/// Replicas by what they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaStatus {
    /// Those that pass their readiness probes.
    pub ready_replicas: i64,
    /// Those that have been ready for long enough.
    pub available_replicas: i64,
    /// Those of the newest template.
    pub updated_replicas: i64,
}

/// A `DaemonSet`; Fargate runs none of its pods (Amazon EKS User Guide, "Fargate pods: considerations").
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DaemonSet {
    /// Name, namespace, owners.
    pub metadata: ObjectMeta,
    /// What is.
    #[serde(deserialize_with = "nullable")]
    pub status: DaemonSetStatus,
}

/// Nodes by what their pod is.
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

/// What is wanted of a Job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct JobSpec {
    /// How many pods have to succeed; absent if one success is enough for all.
    pub completions: Option<i64>,
}

/// Pods of a Job by what they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct JobStatus {
    /// Running ones that are ready.
    pub ready: i64,
    /// Those that succeeded.
    pub succeeded: i64,
    /// Those that failed.
    pub failed: i64,
}

/// A `ConfigMap`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ConfigMap {
    /// Name and namespace.
    pub metadata: ObjectMeta,
    /// Its texts by key.
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

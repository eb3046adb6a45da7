//! Usage (Metrics API `metrics.k8s.io`, v1beta1 and v1, whose fields are the same: KEP-5207).

use serde::Deserialize;

use super::{ObjectMeta, UsageList, nullable};

/// What a pod used.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct PodMetrics {
    /// Name and namespace. Its `creationTimestamp` is the time of the answer and says nothing of the pod.
    pub metadata: ObjectMeta,
    /// End of the window, RFC 3339.
    pub timestamp: Option<String>,
    /// Length of the window that the mean is over, as a duration of Go.
    #[serde(deserialize_with = "nullable")]
    pub window: String,
    /// The containers that were read; one that has just started is missing.
    #[serde(deserialize_with = "nullable")]
    pub containers: Vec<ContainerMetrics>,
}

/// What a container used.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ContainerMetrics {
    /// Its name.
    pub name: String,
    /// Cores, and bytes of its working set.
    #[serde(deserialize_with = "nullable")]
    pub usage: UsageList,
}

/// What a node used.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct NodeMetrics {
    /// Its name.
    pub metadata: ObjectMeta,
    /// End of the window, RFC 3339.
    pub timestamp: Option<String>,
    /// Length of the window that the mean is over, as a duration of Go.
    #[serde(deserialize_with = "nullable")]
    pub window: String,
    /// Cores, and bytes of the working set.
    #[serde(deserialize_with = "nullable")]
    pub usage: UsageList,
}

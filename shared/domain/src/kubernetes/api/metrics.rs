//! Usage (Metrics API `metrics.k8s.io`, v1beta1 and v1, which have the same fields: KEP-5207).

use serde::Deserialize;

use super::{ObjectMeta, UsageList, nullable};

/// Usage of a pod.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct PodMetrics {
    /// Name and namespace. Its `creationTimestamp` is the time of the response, not of the pod.
    pub metadata: ObjectMeta,
    /// End of the window, RFC 3339.
    pub timestamp: Option<String>,
    /// Length of the window over which the mean is taken, as a Go duration.
    #[serde(deserialize_with = "nullable")]
    pub window: String,
    /// The measured containers; one that has just started is missing.
    #[serde(deserialize_with = "nullable")]
    pub containers: Vec<ContainerMetrics>,
}

/// Usage of a container.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ContainerMetrics {
    /// Its name.
    pub name: String,
    /// Cores, and bytes of its working set.
    #[serde(deserialize_with = "nullable")]
    pub usage: UsageList,
}

/// Usage of a node.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct NodeMetrics {
    /// Its name.
    pub metadata: ObjectMeta,
    /// End of the window, RFC 3339.
    pub timestamp: Option<String>,
    /// Length of the window over which the mean is taken, as a Go duration.
    #[serde(deserialize_with = "nullable")]
    pub window: String,
    /// Cores, and bytes of the working set.
    #[serde(deserialize_with = "nullable")]
    pub usage: UsageList,
}

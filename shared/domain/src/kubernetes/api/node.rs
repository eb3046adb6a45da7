//! Nodes (Kubernetes API, "Node v1 core").

use serde::Deserialize;

use super::{Condition, ObjectMeta, ResourceList, nullable};

/// A node; on Fargate there is one for each pod.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Node {
    /// Name and labels.
    pub metadata: ObjectMeta,
    /// What it is and has.
    #[serde(deserialize_with = "nullable")]
    pub status: NodeStatus,
}

/// What a node is and has.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeStatus {
    /// All that it has.
    #[serde(deserialize_with = "nullable")]
    pub capacity: ResourceList,
    /// What of it pods may have.
    #[serde(deserialize_with = "nullable")]
    pub allocatable: ResourceList,
    /// Conditions such as `Ready`.
    #[serde(deserialize_with = "nullable")]
    pub conditions: Vec<Condition>,
    /// Versions of its software.
    #[serde(deserialize_with = "nullable")]
    pub node_info: NodeInfo,
}

/// Versions of a node's software.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeInfo {
    /// Version of its kubelet, such as `v1.36.2-eks-1234567`.
    pub kubelet_version: String,
}

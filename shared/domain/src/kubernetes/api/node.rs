//! Nodes (Kubernetes API, "Node v1 core").

use serde::Deserialize;

use super::{Condition, ObjectMeta, ResourceList, nullable};

/// A node; on Fargate each pod has its own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Node {
    /// Name and labels.
    pub metadata: ObjectMeta,
    /// Status.
    #[serde(deserialize_with = "nullable")]
    pub status: NodeStatus,
}

/// Status of a node.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeStatus {
    /// Total resources.
    #[serde(deserialize_with = "nullable")]
    pub capacity: ResourceList,
    /// Resources available to pods.
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

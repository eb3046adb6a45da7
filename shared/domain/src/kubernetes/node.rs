//! Facts about a node, from the API server's list.

use super::api;
use super::resources::Resources;

/// Facts about a node. On Fargate it exists as long as its one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFacts {
    /// Its name, such as `fargate-ip-192-168-0-10.ec2.internal`.
    pub name: String,
    /// Whether it is a Fargate node, by the label `eks.amazonaws.com/compute-type` or the prefix of
    /// its name.
    pub is_fargate: bool,
    /// Total resources. On Fargate they may be several times the billed size.
    pub capacity: Resources,
    /// Resources available to pods.
    pub allocatable: Resources,
    /// Whether it accepts pods (condition `Ready`).
    pub ready: bool,
    /// Version of its kubelet; empty if unknown.
    pub kubelet_version: String,
    /// A sentence for each field that could not be read, starting with its path.
    pub unreadable: Vec<String>,
}

impl NodeFacts {
    /// Reads a node of the list. A bad field does not discard the node: it is reported in
    /// `unreadable`.
    pub fn read(node: api::Node) -> Self {
        let api::Node { metadata, status } = node;
        let mut unreadable = Vec::new();
        let compute_type = metadata.labels.get("eks.amazonaws.com/compute-type");
        Self {
            is_fargate: compute_type.is_some_and(|compute| compute == "fargate")
                || metadata.name.starts_with("fargate-"),
            capacity: Resources::read(&status.capacity, "status.capacity", &mut unreadable),
            allocatable: Resources::read(&status.allocatable, "status.allocatable", &mut unreadable),
            ready: status.conditions.iter().any(|one| one.r#type == "Ready" && one.status == "True"),
            kubelet_version: status.node_info.kubelet_version,
            name: metadata.name,
            unreadable,
        }
    }

    /// Resources available to pods: the allocatable amounts, or the capacity if a node does not
    /// report them.
    pub fn available(&self) -> &Resources {
        if self.allocatable.is_empty() { &self.capacity } else { &self.allocatable }
    }
}

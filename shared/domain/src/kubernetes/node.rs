//! What is known of a node from the API server's list.

use super::api;
use super::resources::Resources;

/// What is known of a node. On Fargate it lives as long as its one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFacts {
    /// Its name, such as `fargate-ip-192-168-0-10.ec2.internal`.
    pub name: String,
    /// Whether it is of Fargate: label `eks.amazonaws.com/compute-type` or the beginning of its name.
    pub is_fargate: bool,
    /// All that it has. On Fargate that may be several times of what is paid for.
    pub capacity: Resources,
    /// What of it pods may have.
    pub allocatable: Resources,
    /// Whether it takes pods (condition `Ready`).
    pub ready: bool,
    /// Version of its kubelet; empty if it was not told.
    pub kubelet_version: String,
    /// A sentence for each field that could not be read, beginning with its place.
    pub unreadable: Vec<String>,
}

impl NodeFacts {
    /// What a node of the list says. No bad field loses the node: it is told in `unreadable` instead.
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

    /// What pods may have: the allocatable amounts, or the capacity of a node that does not tell them.
    pub fn available(&self) -> &Resources {
        if self.allocatable.is_empty() { &self.capacity } else { &self.allocatable }
    }
}

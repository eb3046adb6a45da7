//! The node that Fargate creates for one pod.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::pod::{Pod, address};
use super::template::{NODE, time, uid};

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Name.
    pub name: String,
    /// Its address in the VPC.
    pub address: String,
    /// Creation.
    pub created_at: Timestamp,
    /// Condition `Ready`.
    pub ready: bool,
    /// Whether the API server can reach its kubelet.
    pub reachable: bool,
    /// Cores; often more than the pod has provisioned.
    pub cpu: String,
    /// Quantity of memory.
    pub memory: String,
    /// `nodeInfo.kubeletVersion`.
    pub kubelet_version: String,
}

impl Node {
    pub(crate) fn of(pod: &Pod, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            address: address(&pod.namespace, &pod.name),
            created_at: pod.created_at,
            ready: true,
            reachable: true,
            cpu: "2".to_owned(),
            memory: "3977764Ki".to_owned(),
            kubelet_version: "v1.36.1-eks-abcdef0".to_owned(),
        }
    }

    pub(crate) fn value(&self) -> Value {
        let mut node = NODE.clone();
        let host = self.name.trim_start_matches("fargate-");
        node["metadata"]["name"] = self.name.as_str().into();
        node["metadata"]["uid"] = uid(&["node", &self.name]).into();
        node["metadata"]["creationTimestamp"] = time(self.created_at);
        node["metadata"]["labels"]["kubernetes.io/hostname"] = host.into();
        node["spec"]["providerID"] = format!("aws:///us-east-1a/{}/{}", uid(&[&self.name]), self.name).into();
        let status = &mut node["status"];
        for of in ["capacity", "allocatable"] {
            status[of]["cpu"] = self.cpu.as_str().into();
            status[of]["memory"] = self.memory.as_str().into();
        }
        status["addresses"] = json!([
            {"type": "InternalIP", "address": self.address},
            {"type": "Hostname", "address": host},
        ]);
        status["nodeInfo"]["kubeletVersion"] = self.kubelet_version.as_str().into();
        for condition in status["conditions"].as_array_mut().into_iter().flatten() {
            if condition["type"] == "Ready" {
                condition["status"] = if self.ready { "True" } else { "Unknown" }.into();
            }
        }
        node
    }
}

//! What the Kubernetes API answers: the fields that are needed and no other, so that a page of thousands of pods stays
//! small. `managedFields`, half of each object, is skipped because no type has it.
//!
//! Go writes an empty list as `null` as well as leaving it out; both are read as empty here.

mod auth;
mod discovery;
mod metrics;
mod node;
mod pod;
mod workload;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::quantity::RawQuantity;

pub use auth::{
    AccessSpec, AccessStatus, ResourceAttributes, SelfSubjectAccessReview, SelfSubjectReview,
    SelfSubjectStatus, Status, StatusDetails, UserInfo,
};
pub use discovery::{ApiGroup, ApiGroupList, GroupVersion};
pub use metrics::{ContainerMetrics, NodeMetrics, PodMetrics};
pub use node::{Node, NodeInfo, NodeStatus};
pub use pod::{
    Affinity, Container, ContainerState, ContainerStatus, NodeAffinity, NodeSelector,
    NodeSelectorRequirement, NodeSelectorTerm, Pod, PodSpec, PodStatus, Requirements, StateRunning,
    StateTerminated, StateWaiting,
};
pub use workload::{
    ConfigMap, DaemonSet, DaemonSetStatus, Deployment, Job, JobSpec, JobStatus, Namespace, ReplicaSpec,
    ReplicaStatus, StatefulSet,
};

/// Amounts of resources by name, such as `cpu` and `memory`, as the API wrote them.
pub type ResourceList = BTreeMap<String, RawQuantity>;

/// Amounts of what was used by resource. `null` is no amount, which is not the same as zero.
pub type UsageList = BTreeMap<String, Option<RawQuantity>>;

/// `null` as nothing, where a field is a list, a map or an object.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A page of a list (Kubernetes API, "Retrieving large results sets in chunks").
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub struct List<T> {
    /// Where the page stands in the whole.
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: ListMeta,
    /// The objects of this page. An empty list of Go may be null; an answer without them is no list.
    #[serde(deserialize_with = "nullable")]
    pub items: Vec<T>,
}

/// Metadata of a page, and of the error that says that a page is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListMeta {
    /// Token of the next page; empty on the last one.
    #[serde(deserialize_with = "nullable")]
    pub r#continue: String,
    /// How many objects follow behind this page; absent if a selector was given.
    pub remaining_item_count: Option<i64>,
}

/// Metadata of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectMeta {
    /// Name, unique in its namespace.
    pub name: String,
    /// What the API server made the name of, by adding five random characters; empty of an object that was named.
    #[serde(deserialize_with = "nullable")]
    pub generate_name: String,
    /// Namespace; empty for nodes and namespaces.
    pub namespace: String,
    /// Identity over time: a pod of the same name made anew has another.
    pub uid: String,
    /// Labels.
    #[serde(deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(deserialize_with = "nullable")]
    pub annotations: BTreeMap<String, String>,
    /// Who made it.
    #[serde(deserialize_with = "nullable")]
    pub owner_references: Vec<OwnerReference>,
    /// When it was made, RFC 3339.
    pub creation_timestamp: Option<String>,
    /// When it is to be gone, RFC 3339, if it is being deleted.
    pub deletion_timestamp: Option<String>,
}

/// One owner of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct OwnerReference {
    /// Kind, such as `ReplicaSet`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Whether it is the one that manages the object.
    pub controller: Option<bool>,
}

/// A condition of a pod or node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// Which condition, such as `Ready`.
    pub r#type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// When it last changed from one of them to another, RFC 3339.
    pub last_transition_time: Option<String>,
    /// Why, in one word.
    pub reason: Option<String>,
    /// Why, in a sentence.
    pub message: Option<String>,
}

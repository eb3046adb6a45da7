//! Responses of the Kubernetes API with only the required fields, so that a page of thousands of
//! pods stays small. `managedFields`, half of each object, is skipped because no type contains it.
//!
//! Go writes an empty list as `null` or omits it; both are read as empty here.

mod auth;
mod discovery;
mod event;
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
pub use event::{Event, EventSeries, ObjectReference};
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

/// Amounts of resources by name, such as `cpu` and `memory`, as in the response.
pub type ResourceList = BTreeMap<String, RawQuantity>;

/// Used amounts by resource. `null` means no amount, which is not the same as zero.
pub type UsageList = BTreeMap<String, Option<RawQuantity>>;

/// Reads `null` as the default value, for fields that are lists, maps or objects.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A page of a list (Kubernetes API, "Retrieving large results sets in chunks").
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub struct List<T> {
    /// Position of the page in the list.
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: ListMeta,
    /// The objects of this page. Go may write an empty list as null; a response without `items` is
    /// not a list.
    #[serde(deserialize_with = "nullable")]
    pub items: Vec<T>,
}

/// Metadata of a page, and of the error for a page that has expired.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListMeta {
    /// Token of the next page; empty on the last one.
    #[serde(deserialize_with = "nullable")]
    pub r#continue: String,
    /// Number of objects after this page; absent if a selector was given.
    pub remaining_item_count: Option<i64>,
}

/// Metadata of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectMeta {
    /// Name, unique in its namespace.
    pub name: String,
    /// Prefix from which the API server generated the name, by appending five random characters;
    /// empty if the name was chosen.
    #[serde(deserialize_with = "nullable")]
    pub generate_name: String,
    /// Namespace; empty for nodes and namespaces.
    pub namespace: String,
    /// Unique id: a recreated pod of the same name has another one.
    pub uid: String,
    /// Labels.
    #[serde(deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(deserialize_with = "nullable")]
    pub annotations: BTreeMap<String, String>,
    /// Owners.
    #[serde(deserialize_with = "nullable")]
    pub owner_references: Vec<OwnerReference>,
    /// Creation time, RFC 3339.
    pub creation_timestamp: Option<String>,
    /// Time at which it is due for deletion, RFC 3339, if it is being deleted.
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
    /// Whether it is the controller that manages the object.
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
    /// Time of the last change of the status, RFC 3339.
    pub last_transition_time: Option<String>,
    /// Reason, in one word.
    pub reason: Option<String>,
    /// Message.
    pub message: Option<String>,
}

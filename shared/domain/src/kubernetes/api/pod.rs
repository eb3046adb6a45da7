//! Pods (Kubernetes API, "Pod v1 core").

use serde::Deserialize;

use super::{Condition, ObjectMeta, ResourceList, nullable};

/// A pod.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// Name, labels, annotations, owners.
    pub metadata: ObjectMeta,
    /// Desired state.
    #[serde(deserialize_with = "nullable")]
    pub spec: PodSpec,
    /// Current state.
    #[serde(deserialize_with = "nullable")]
    pub status: PodStatus,
}

/// Desired state of a pod.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    /// Node it runs on, once it is scheduled.
    #[serde(deserialize_with = "nullable")]
    pub node_name: String,
    /// Scheduler it waits for.
    #[serde(deserialize_with = "nullable")]
    pub scheduler_name: String,
    /// Which nodes it may run on.
    #[serde(deserialize_with = "nullable")]
    pub affinity: Affinity,
    /// Resources of its sandbox, in addition to the containers.
    #[serde(deserialize_with = "nullable")]
    pub overhead: ResourceList,
    /// Requests and limits of the pod as a whole (Kubernetes 1.34 and later).
    #[serde(deserialize_with = "nullable")]
    pub resources: Requirements,
    /// Containers that run concurrently.
    #[serde(deserialize_with = "nullable")]
    pub containers: Vec<Container>,
    /// Containers that run before them, in this order; sidecars among them keep running.
    #[serde(deserialize_with = "nullable")]
    pub init_containers: Vec<Container>,
}

/// Which nodes a pod may run on, with only the required fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Affinity {
    /// Rules about the nodes themselves.
    #[serde(deserialize_with = "nullable")]
    pub node_affinity: NodeAffinity,
}

/// Which nodes a pod may run on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeAffinity {
    /// Required when the pod is scheduled.
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution", deserialize_with = "nullable")]
    pub required: NodeSelector,
}

impl NodeAffinity {
    /// Nodes that it names. Pods of a `DaemonSet` name the node that they are for (Kubernetes,
    /// `ReplaceDaemonSetPodNodeNameNodeAffinity` in `pkg/controller/daemon/util`).
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        let fields = self.required.node_selector_terms.iter().flat_map(|term| &term.match_fields);
        fields
            .filter(|field| field.key == "metadata.name" && field.operator == "In")
            .flat_map(|field| field.values.iter().map(String::as_str))
    }
}

/// Terms, at least one of which must match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSelector {
    /// The terms.
    #[serde(deserialize_with = "nullable")]
    pub node_selector_terms: Vec<NodeSelectorTerm>,
}

/// Requirements that must all match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSelectorTerm {
    /// Requirements on fields of the node; the only field is `metadata.name`.
    #[serde(deserialize_with = "nullable")]
    pub match_fields: Vec<NodeSelectorRequirement>,
}

/// A requirement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NodeSelectorRequirement {
    /// The field.
    #[serde(deserialize_with = "nullable")]
    pub key: String,
    /// `In`, `NotIn` and others.
    #[serde(deserialize_with = "nullable")]
    pub operator: String,
    /// Its values.
    #[serde(deserialize_with = "nullable")]
    pub values: Vec<String>,
}

/// A container of the spec.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Name, unique in its pod.
    pub name: String,
    /// Requests and limits.
    #[serde(deserialize_with = "nullable")]
    pub resources: Requirements,
    /// `Always` makes an init container a sidecar.
    pub restart_policy: Option<String>,
}

/// Requests and limits.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Requirements {
    /// Reserved amounts.
    #[serde(deserialize_with = "nullable")]
    pub requests: ResourceList,
    /// Maximum amounts.
    #[serde(deserialize_with = "nullable")]
    pub limits: ResourceList,
}

/// Current state of a pod.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    #[serde(deserialize_with = "nullable")]
    pub phase: String,
    /// Reason, in one word, such as `Evicted`.
    pub reason: Option<String>,
    /// Message.
    pub message: Option<String>,
    /// Time at which the kubelet accepted it, RFC 3339.
    pub start_time: Option<String>,
    /// Conditions such as `PodScheduled` and `Ready`.
    #[serde(deserialize_with = "nullable")]
    pub conditions: Vec<Condition>,
    /// The containers.
    #[serde(deserialize_with = "nullable")]
    pub container_statuses: Vec<ContainerStatus>,
    /// The init containers.
    #[serde(deserialize_with = "nullable")]
    pub init_container_statuses: Vec<ContainerStatus>,
}

/// Current state of a container.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Its name.
    pub name: String,
    /// Whether it passes its readiness probe.
    pub ready: bool,
    /// Whether it has passed its startup probe; `None` if unknown.
    pub started: Option<bool>,
    /// Number of restarts.
    pub restart_count: i32,
    /// Current state.
    #[serde(deserialize_with = "nullable")]
    pub state: ContainerState,
    /// How its previous run ended.
    #[serde(deserialize_with = "nullable")]
    pub last_state: ContainerState,
}

/// One of three states; if all are `None`, it is waiting without a reason.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// Not started yet, or in back-off after a failure.
    pub waiting: Option<StateWaiting>,
    /// Running.
    pub running: Option<StateRunning>,
    /// Terminated.
    pub terminated: Option<StateTerminated>,
}

/// A waiting container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StateWaiting {
    /// Reason, such as `CrashLoopBackOff` or `ContainerCreating`.
    pub reason: Option<String>,
    /// Message.
    pub message: Option<String>,
}

/// A running container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StateRunning {
    /// Start time, RFC 3339.
    pub started_at: Option<String>,
}

/// A terminated container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StateTerminated {
    /// Reason, such as `OOMKilled`, `Error` or `Completed`.
    pub reason: Option<String>,
    /// Exit code of its process.
    pub exit_code: i32,
    /// End time, RFC 3339.
    pub finished_at: Option<String>,
}

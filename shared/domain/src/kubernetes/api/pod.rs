//! Pods (Kubernetes API, "Pod v1 core").

use serde::Deserialize;

use super::{Condition, ObjectMeta, ResourceList, nullable};

/// A pod.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// Name, labels, annotations, owners.
    pub metadata: ObjectMeta,
    /// What is wanted.
    #[serde(deserialize_with = "nullable")]
    pub spec: PodSpec,
    /// What is.
    #[serde(deserialize_with = "nullable")]
    pub status: PodStatus,
}

/// What is wanted of a pod.
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
    /// What its sandbox needs beside the containers.
    #[serde(deserialize_with = "nullable")]
    pub overhead: ResourceList,
    /// Requests and limits of the pod as a whole (Kubernetes 1.34 and later).
    #[serde(deserialize_with = "nullable")]
    pub resources: Requirements,
    /// Containers that run at the same time.
    #[serde(deserialize_with = "nullable")]
    pub containers: Vec<Container>,
    /// Containers that run before, in this order; a sidecar among them goes on running.
    #[serde(deserialize_with = "nullable")]
    pub init_containers: Vec<Container>,
}

/// Which nodes a pod may run on: what is needed of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Affinity {
    /// By the nodes themselves.
    #[serde(deserialize_with = "nullable")]
    pub node_affinity: NodeAffinity,
}

/// Which nodes a pod may run on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeAffinity {
    /// What must hold when the pod is scheduled.
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution", deserialize_with = "nullable")]
    pub required: NodeSelector,
}

impl NodeAffinity {
    /// Nodes that it names. Pods of a `DaemonSet` name the one that they are for (Kubernetes,
    /// `ReplaceDaemonSetPodNodeNameNodeAffinity` in `pkg/controller/daemon/util`).
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        let fields = self.required.node_selector_terms.iter().flat_map(|term| &term.match_fields);
        fields
            .filter(|field| field.key == "metadata.name" && field.operator == "In")
            .flat_map(|field| field.values.iter().map(String::as_str))
    }
}

/// Terms of which one must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSelector {
    /// The terms.
    #[serde(deserialize_with = "nullable")]
    pub node_selector_terms: Vec<NodeSelectorTerm>,
}

/// Requirements that must hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSelectorTerm {
    /// By fields of the node, of which there is one: `metadata.name`.
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

/// A container that is wanted.
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
    /// What is set aside.
    #[serde(deserialize_with = "nullable")]
    pub requests: ResourceList,
    /// What must not be exceeded.
    #[serde(deserialize_with = "nullable")]
    pub limits: ResourceList,
}

/// What a pod is at the moment.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    #[serde(deserialize_with = "nullable")]
    pub phase: String,
    /// Why, in one word, such as `Evicted`.
    pub reason: Option<String>,
    /// Why, in a sentence.
    pub message: Option<String>,
    /// When the kubelet took it over, RFC 3339.
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

/// What a container is at the moment.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Its name.
    pub name: String,
    /// Whether it passes its readiness probe.
    pub ready: bool,
    /// Whether it has passed its startup probe; none if that is not known.
    pub started: Option<bool>,
    /// How often it was started again.
    pub restart_count: i32,
    /// Its state now.
    #[serde(deserialize_with = "nullable")]
    pub state: ContainerState,
    /// How it ended the time before.
    #[serde(deserialize_with = "nullable")]
    pub last_state: ContainerState,
}

/// One of three states; none of them means waiting without a reason.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// Not started yet, or held back after it failed.
    pub waiting: Option<StateWaiting>,
    /// Runs.
    pub running: Option<StateRunning>,
    /// Has ended.
    pub terminated: Option<StateTerminated>,
}

/// A container that waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StateWaiting {
    /// Why, such as `CrashLoopBackOff` or `ContainerCreating`.
    pub reason: Option<String>,
    /// Why, in a sentence.
    pub message: Option<String>,
}

/// A container that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StateRunning {
    /// Since when, RFC 3339.
    pub started_at: Option<String>,
}

/// A container that has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StateTerminated {
    /// Why, such as `OOMKilled`, `Error` or `Completed`.
    pub reason: Option<String>,
    /// Exit code of its process.
    pub exit_code: i32,
    /// When, RFC 3339.
    pub finished_at: Option<String>,
}

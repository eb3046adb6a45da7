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

//! Facts about a pod, from the API server's list.

mod end;
mod init;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::api::{self, ContainerState, ContainerStatus, ObjectMeta};
use super::fargate::Provisioned;
use super::place::{field, moment};
use super::resources::{Resources, of_pod};

pub use super::owner::Owner;
pub use init::Initializing;

/// Facts about a pod.
#[derive(Debug, Clone, PartialEq, Deserialize)]
// Converted pod by pod while parsing, because a page of facts is much smaller than a page of pods.
#[serde(from = "api::Pod")]
pub struct PodFacts {
    /// Namespace.
    pub namespace: String,
    /// Name, unique in its namespace.
    pub name: String,
    /// Unique id.
    pub uid: String,
    /// Its owner, under a stable name.
    pub owner: Option<Owner>,
    /// Node it runs on, once it is scheduled.
    pub node: Option<String>,
    /// Fargate profile that took it (label `eks.amazonaws.com/fargate-profile`).
    pub fargate_profile: Option<String>,
    /// Phase of its lifecycle.
    pub phase: Phase,
    /// Reason for the phase, in one word, such as `Evicted`, if Kubernetes reports one.
    pub reason: Option<String>,
    /// Message about the phase.
    pub message: Option<String>,
    /// Creation time.
    pub created: Option<Timestamp>,
    /// Time at which the kubelet accepted it.
    pub started: Option<Timestamp>,
    /// Time at which it is due for deletion, if it is being deleted.
    pub deletion: Option<Timestamp>,
    /// When it ended, if it has: the newest end of its containers, or, if one of these is unknown,
    /// the last known time before the end. `None` if unknown.
    pub ended: Option<Timestamp>,
    /// Provisioned and billed size (annotation `CapacityProvisioned`).
    pub provisioned: Option<Provisioned>,
    /// Requests of the pod as a whole.
    pub requests: Resources,
    /// Limits of the pod as a whole.
    pub limits: Resources,
    /// Restarts of its containers, including init containers.
    pub restarts: i64,
    /// Whether it accepts traffic (condition `Ready`).
    pub ready: bool,
    /// Why it is not running yet, if its phase is `Pending`.
    pub pending: Option<Pending>,
    /// The init container that it waits for, if its phase is `Pending` and one is running.
    pub initializing: Option<Initializing>,
    /// Containers that have not started yet, or are in back-off after a failure.
    pub waiting: Vec<Waiting>,
    /// Terminations of containers: of those that have ended, and of the previous run of those that
    /// were restarted.
    pub terminated: Vec<Termination>,
    /// Whether Fargate forwards its logs (annotation `Logging`), decided when it was scheduled: a
    /// later correction of the `ConfigMap` does not reach it.
    pub logging: Option<Logging>,
    /// Whether it is scheduled on Fargate, or waiting for it.
    is_fargate: bool,
    /// A sentence for each field that could not be read, starting with its path.
    pub unreadable: Vec<String>,
}

/// Phase of a pod's lifecycle (Kubernetes documentation, "Pod lifecycle: Pod phase").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Accepted, but not all containers have started. On Fargate this usually takes a few minutes.
    Pending,
    /// At least one container is running or restarting.
    Running,
    /// All containers have ended successfully and will not restart.
    Succeeded,
    /// All containers have ended, at least one in failure, and will not restart.
    Failed,
    /// Its node does not respond.
    Unknown,
}

impl Phase {
    /// Kubernetes' spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown",
        }
    }

    /// Whether the phase is final.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// Why a pod is pending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Creation time of the pod.
    pub since: Option<Timestamp>,
    /// Reason, in one word, such as `Unschedulable` or `ContainerCreating`.
    pub reason: Option<String>,
    /// Message.
    pub message: Option<String>,
}

/// A waiting container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its name.
    pub container: String,
    /// Reason, such as `CrashLoopBackOff`; `ContainerCreating` and `PodInitializing` are normal
    /// ([`super::waiting`]).
    pub reason: String,
    /// Message.
    pub message: Option<String>,
}

/// Termination of a container: an event with a time, so that an alarm on it can end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Termination {
    /// Its name.
    pub container: String,
    /// Reason, such as `OOMKilled`, `Error` or `Completed`.
    pub reason: String,
    /// Exit code of its process.
    pub exit_code: i32,
    /// Time of the termination.
    pub finished_at: Option<Timestamp>,
}

/// Whether Fargate forwards the logs of a pod (Amazon EKS User Guide, "Fargate logging:
/// troubleshooting").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logging {
    /// Logs are forwarded.
    Enabled,
    /// Logs are not forwarded.
    Disabled {
        /// Reason, such as `LOGGING_CONFIGMAP_NOT_FOUND`; empty if none is given.
        reason: String,
    },
}

impl From<api::Pod> for PodFacts {
    fn from(pod: api::Pod) -> Self {
        Self::read(pod)
    }
}

impl PodFacts {
    /// Reads a pod of the list. A bad field does not discard the pod: it is reported in
    /// `unreadable`.
    pub fn read(pod: api::Pod) -> Self {
        let mut unreadable = Vec::new();
        let (requests, limits) = of_pod(&pod.spec, &mut unreadable);
        let is_fargate = is_fargate(&pod);
        let api::Pod { metadata, spec, status } = pod;
        let created =
            moment(metadata.creation_timestamp.as_deref(), "metadata.creationTimestamp", &mut unreadable);
        let phase =
            field(Some(phase(&status.phase)), "status.phase", &mut unreadable).unwrap_or(Phase::Unknown);
        Self {
            owner: Owner::of_pod(&metadata, created),
            node: Some(spec.node_name.clone()).filter(|node| !node.is_empty()),
            fargate_profile: metadata.labels.get(PROFILE).cloned(),
            phase,
            reason: said(status.reason.as_ref()),
            message: said(status.message.as_ref()),
            created,
            started: moment(status.start_time.as_deref(), "status.startTime", &mut unreadable),
            deletion: moment(
                metadata.deletion_timestamp.as_deref(),
                "metadata.deletionTimestamp",
                &mut unreadable,
            ),
            provisioned: annotation(&metadata, "CapacityProvisioned", str::parse, &mut unreadable),
            ended: phase.is_end().then(|| end::of(&status, created)).flatten(),
            requests,
            limits,
            restarts: statuses(&status).map(|(_, container)| i64::from(container.restart_count)).sum(),
            ready: condition(&status, "Ready").is_some_and(|ready| ready.status == "True"),
            pending: (phase == Phase::Pending).then(|| pending(&status, created)),
            initializing: (phase == Phase::Pending)
                .then(|| init::of(&spec, &status, &mut unreadable))
                .flatten(),
            waiting: statuses(&status).filter_map(|(_, container)| waiting(container)).collect(),
            terminated: terminated(&status, &mut unreadable),
            logging: annotation(&metadata, "Logging", logging, &mut unreadable),
            is_fargate,
            namespace: metadata.namespace,
            name: metadata.name,
            uid: metadata.uid,
            unreadable,
        }
    }

    /// Whether it runs on Fargate, or is waiting for it.
    pub fn is_fargate(&self) -> bool {
        self.is_fargate
    }

    /// Whether it has ended, successfully or not.
    pub fn is_completed(&self) -> bool {
        self.phase.is_end()
    }

    /// Whether it has ended but is still billed: a Fargate node exists, and is billed, until its
    /// pod is deleted (github.com/aws/containers-roadmap, issue 1284). With
    /// `ttlSecondsAfterFinished`, a Job deletes its pods.
    pub fn bills_though_completed(&self) -> bool {
        self.is_fargate && self.is_completed()
    }
}

const PROFILE: &str = "eks.amazonaws.com/fargate-profile";

/// Each of these four signs is enough: a pending pod has no node yet, a pod whose label was removed
/// still has its node, and a pod of a `DaemonSet` names the node that it is for.
fn is_fargate(pod: &api::Pod) -> bool {
    pod.metadata.labels.contains_key(PROFILE)
        || pod.spec.scheduler_name == "fargate-scheduler"
        || pod.spec.node_name.starts_with("fargate-")
        || pod.spec.affinity.node_affinity.nodes().any(|node| node.starts_with("fargate-"))
}

/// A text that is not blank.
fn said(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).cloned()
}

fn phase(text: &str) -> Result<Phase, String> {
    match text {
        "Pending" => Ok(Phase::Pending),
        "Running" => Ok(Phase::Running),
        "Succeeded" => Ok(Phase::Succeeded),
        "Failed" => Ok(Phase::Failed),
        "Unknown" => Ok(Phase::Unknown),
        _ => Err(format!("{text:?} is not a phase: expected Pending, Running, Succeeded, Failed or Unknown")),
    }
}

fn annotation<T, E: fmt::Display>(
    metadata: &ObjectMeta,
    name: &str,
    read: impl Fn(&str) -> Result<T, E>,
    unreadable: &mut Vec<String>,
) -> Option<T> {
    let text = metadata.annotations.get(name);
    field(text.map(|text| read(text)), &format!("metadata.annotations.{name}"), unreadable)
}

fn logging(text: &str) -> Result<Logging, String> {
    let (word, reason) = text.split_once(':').unwrap_or((text, ""));
    match word.trim() {
        "LoggingEnabled" => Ok(Logging::Enabled),
        "LoggingDisabled" => Ok(Logging::Disabled { reason: reason.trim().to_owned() }),
        _ => Err(format!("{text:?} is not a logging state: expected LoggingEnabled or LoggingDisabled")),
    }
}

fn condition<'a>(status: &'a api::PodStatus, name: &str) -> Option<&'a api::Condition> {
    status.conditions.iter().find(|condition| condition.r#type == name)
}

/// All containers, each with the name of its list.
fn statuses(status: &api::PodStatus) -> impl Iterator<Item = (&'static str, &ContainerStatus)> {
    let init = status.init_container_statuses.iter().map(|container| ("initContainerStatuses", container));
    init.chain(status.container_statuses.iter().map(|container| ("containerStatuses", container)))
}

/// The first available reason: from the scheduler, the pod as a whole, or the first waiting
/// container.
fn pending(status: &api::PodStatus, since: Option<Timestamp>) -> Pending {
    let unscheduled = condition(status, "PodScheduled").filter(|scheduled| scheduled.status == "False");
    let (reason, message) = match unscheduled {
        Some(condition) => (said(condition.reason.as_ref()), said(condition.message.as_ref())),
        None => (said(status.reason.as_ref()), said(status.message.as_ref())),
    };
    let waiting = || statuses(status).find_map(|(_, container)| waiting(container));
    if reason.is_some() {
        return Pending { since, reason, message };
    }
    let (reason, said) = waiting().map(|one| (one.reason, one.message)).unzip();
    Pending { since, reason, message: message.or(said.flatten()) }
}

fn waiting(container: &ContainerStatus) -> Option<Waiting> {
    let waiting = container.state.waiting.as_ref()?;
    let (reason, message) = (waiting.reason.clone()?, said(waiting.message.as_ref()));
    Some(Waiting { container: container.name.clone(), reason, message })
}

fn terminated(status: &api::PodStatus, unreadable: &mut Vec<String>) -> Vec<Termination> {
    let mut ends = Vec::new();
    for (list, container) in statuses(status) {
        let mut push = |state: &ContainerState, name: &str| {
            if let Some(end) = &state.terminated {
                let place = format!("status.{list}[{}].{name}.terminated.finishedAt", container.name);
                let at = moment(end.finished_at.as_deref(), &place, unreadable);
                let end = Termination {
                    container: container.name.clone(),
                    reason: end.reason.clone().unwrap_or_default(),
                    exit_code: end.exit_code,
                    // The kubelet writes 1970 for an unknown time.
                    finished_at: at.filter(|at| *at > Timestamp::UNIX_EPOCH),
                };
                // For a lost container, both states are the same.
                if !ends.contains(&end) {
                    ends.push(end);
                }
            }
        };
        push(&container.state, "state");
        push(&container.last_state, "lastState");
    }
    ends
}

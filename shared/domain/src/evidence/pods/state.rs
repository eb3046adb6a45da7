//! Pods and workloads as stored in a snapshot.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{PodCounters, PodRates, PodWarning, ProbeKill};
use crate::deaths::Class;
use crate::kubernetes::pod::Phase;
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::resources::Resources;
use crate::model::cluster::ClusterName;
use crate::model::subject::{Subject, Workload};

/// Amounts of CPU, memory and ephemeral storage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Amounts {
    /// Thousandths of a core, rounded up as `kubectl` does; `None` if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_millicores: Option<i64>,
    /// Bytes of memory; `None` if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<i64>,
    /// Bytes of ephemeral storage; `None` if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage_bytes: Option<i64>,
}

/// One pod at the time of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PodState {
    /// Its cluster.
    pub cluster: ClusterName,
    /// The workload that owns it.
    pub workload: Workload,
    /// Its name.
    pub pod: String,
    /// Its UID: a pod recreated under the same name has another.
    pub uid: String,
    /// Its phase.
    pub phase: Phase,
    /// Kubernetes' reason for its phase, such as `Evicted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Kubernetes' message about its phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it is due to be deleted, if it is being deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<Timestamp>,
    /// When it ended, if it has. If Kubernetes does not report when, the time of the first run that
    /// found it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Whether it runs on Fargate.
    pub fargate: bool,
    /// The Fargate profile that selected it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// What Fargate provisioned for it: the most it can use, and what is billed (Amazon EKS User
    /// Guide, "Fargate Pod configuration": annotation `CapacityProvisioned`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<Amounts>,
    /// Its resource requests.
    pub requests: Amounts,
    /// Its resource limits.
    pub limits: Amounts,
    /// Its usage; `None` until the Metrics API has measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<PodUsageState>,
    /// Its cAdvisor counters; `None` if cAdvisor was not queried or did not return any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<Box<PodCounters>>,
    /// Rates of its counters since the previous sample; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates: Option<Box<PodRates>>,
    /// Whether all its containers are ready.
    pub ready: bool,
    /// Restarts of its containers since its creation.
    pub restarts: u32,
    /// Restarts since the previous sample; 0 without one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub new_restarts: u32,
    /// OOM kills of its containers since the previous sample; without one, those of the last
    /// minutes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub new_oom_kills: u32,
    /// When it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Why it is pending, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingPod>,
    /// The running init container that it waits for, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initializing: Option<InitContainer>,
    /// Containers that wait, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitingContainer>,
    /// The newest end of each container that ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terminated: Vec<Termination>,
    /// Warnings among its events that still apply, the most telling one first; empty if it is well,
    /// or if events could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<PodWarning>,
    /// Containers that the kubelet killed because a probe failed, within the hour for which
    /// Kubernetes keeps events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probe_kills: Vec<ProbeKill>,
    /// Why Fargate's log router is off; `None` if it is on, or unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging_disabled: Option<String>,
    /// Its node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Its share of its node's allocatable resources, as `kubectl describe node` prints it; reports
    /// only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub of_node: BTreeMap<String, Share>,
    /// Fields that could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// What a pod used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PodUsageState {
    /// Billionths of a core, the unit of the Metrics API.
    pub cpu_nanocores: i64,
    /// Bytes of the working set.
    pub memory_bytes: i64,
    /// End of the window that the mean covers.
    pub timestamp: Timestamp,
    /// Length of that window.
    pub window_seconds: f64,
}

/// A share of a node's allocatable resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Requested percent, truncated to an integer.
    pub requests_percent: u64,
    /// Percent of the limit, truncated to an integer; may exceed 100.
    pub limits_percent: u64,
}

/// Why a pod is pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingPod {
    /// Since when: its creation, or, if scheduling gates held it back, the first sample without
    /// them.
    pub since: Timestamp,
    /// The reason of the condition `PodScheduled`, if that is false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Kubernetes' message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A running init container that the others wait for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitContainer {
    /// Its name.
    pub container: String,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Whether it is a sidecar that has not passed its startup probe.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sidecar: bool,
}

/// A waiting container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingContainer {
    /// Its name.
    pub container: String,
    /// Why, such as `CrashLoopBackOff`.
    pub reason: String,
    /// Kubernetes' message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The class that the whole text belongs to, of which `message` may be a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Termination {
    /// Its name.
    pub container: String,
    /// Why, such as `OOMKilled` or `Completed`.
    pub reason: String,
    /// Its exit code.
    pub exit_code: i32,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// A Deployment, `StatefulSet` or `DaemonSet` at the time of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadState {
    /// Its cluster.
    pub cluster: ClusterName,
    /// The workload.
    pub workload: Workload,
    /// Desired replicas.
    pub desired: u32,
    /// Replicas that are ready.
    pub ready: u32,
    /// Replicas that are available: ready for at least the workload's `minReadySeconds`.
    pub available: u32,
}

impl WorkloadState {
    /// Desired replicas that are not available.
    pub fn missing(&self) -> u32 {
        self.desired.saturating_sub(self.available)
    }

    /// Sums the replicas of states that belong to the same workload.
    pub fn summed(states: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut sums = BTreeMap::<Workload, Self>::new();
        for state in states {
            match sums.entry(state.workload.clone()) {
                Entry::Vacant(entry) => _ = entry.insert(state),
                Entry::Occupied(mut entry) => {
                    let sum = entry.get_mut();
                    sum.desired = sum.desired.saturating_add(state.desired);
                    sum.ready = sum.ready.saturating_add(state.ready);
                    sum.available = sum.available.saturating_add(state.available);
                }
            }
        }
        sums.into_values().collect()
    }
}

impl PodState {
    /// The subject that rules evaluate.
    pub fn subject(&self) -> Subject {
        Subject::Workload(self.cluster.clone(), self.workload.clone())
    }

    /// Whether it has ended.
    pub fn is_completed(&self) -> bool {
        self.phase.is_end()
    }

    /// Whether it should be running: it has not ended and is not being deleted.
    pub fn is_live(&self) -> bool {
        !self.is_completed() && self.deletion.is_none()
    }

    /// Used percent of the provisioned memory; `None` if either is unknown.
    #[expect(clippy::cast_precision_loss, reason = "bytes of a pod are far below 2^53")]
    pub fn memory_percent(&self) -> Option<f64> {
        let (usage, provisioned) = (self.usage.as_ref()?, self.provisioned?.memory_bytes.filter(|m| *m > 0)?);
        Some(usage.memory_bytes as f64 * 100.0 / provisioned as f64)
    }

    /// Used percent of the provisioned CPU; `None` if either is unknown.
    #[expect(clippy::cast_precision_loss, reason = "cores of a pod are few")]
    pub fn cpu_percent(&self) -> Option<f64> {
        let (usage, provisioned) =
            (self.usage.as_ref()?, self.provisioned?.cpu_millicores.filter(|m| *m > 0)?);
        Some(usage.cpu_nanocores as f64 / 10_000.0 / provisioned as f64)
    }
}

impl Amounts {
    /// The amounts as Kubernetes quantities.
    pub fn resources(&self) -> Resources {
        Resources {
            cpu: self.cpu_millicores.map(Quantity::millis),
            memory: self.memory_bytes.map(Quantity::bytes),
            ephemeral_storage: self.ephemeral_storage_bytes.map(Quantity::bytes),
            ..Resources::default()
        }
    }
}

impl PodUsageState {
    /// Thousandths of a core, rounded up as `kubectl top` does.
    pub fn cpu_millicores(&self) -> i64 {
        self.cpu_nanocores.div_euclid(1_000_000) + i64::from(self.cpu_nanocores.rem_euclid(1_000_000) != 0)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

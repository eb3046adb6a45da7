//! Pods and workloads as a snapshot holds them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{PodCounters, PodRates};
use crate::kubernetes::pod::Phase;
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::resources::Resources;
use crate::model::cluster::ClusterName;
use crate::model::subject::{Subject, Workload};

/// CPU and memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Amounts {
    /// Thousandths of a core, rounded up as `kubectl` does; none if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_millicores: Option<i64>,
    /// Bytes; none if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<i64>,
    /// Bytes of ephemeral storage; none if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage_bytes: Option<i64>,
}

/// One pod at the time of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PodState {
    /// Its cluster.
    pub cluster: ClusterName,
    /// What owns it.
    pub workload: Workload,
    /// Its name.
    pub pod: String,
    /// Its identity: a pod made anew under the same name has another.
    pub uid: String,
    /// Where it is in its life.
    pub phase: Phase,
    /// Why, in Kubernetes' word, such as `Evicted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in Kubernetes' sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it is to be gone, if it is being deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<Timestamp>,
    /// When it ended, if it has; of one of which Kubernetes does not say when, the first run that found it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Whether it runs on Fargate.
    pub fargate: bool,
    /// The Fargate profile that selected it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// What Fargate provisioned, which is what it may use and what is paid for (Amazon EKS User Guide, "Fargate Pod
    /// configuration": annotation `CapacityProvisioned`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<Amounts>,
    /// What it asks for.
    pub requests: Amounts,
    /// What it may use at most.
    pub limits: Amounts,
    /// What it used; none while the Metrics API has not read it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<PodUsageState>,
    /// What cAdvisor has counted for it; none if it was not asked or did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<Box<PodCounters>>,
    /// Its counters since the sample before; none without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates: Option<Box<PodRates>>,
    /// Whether all its containers are ready.
    pub ready: bool,
    /// Restarts of its containers since it was made.
    pub restarts: u32,
    /// Those of them since the sample before; 0 without one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub new_restarts: u32,
    /// Kills of its containers for want of memory since the sample before; without one, those of the last minutes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub new_oom_kills: u32,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Why it is pending, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingPod>,
    /// The init container that it waits for, if one runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initializing: Option<InitContainer>,
    /// Containers that wait, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitingContainer>,
    /// Containers that ended, the newest end of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terminated: Vec<Termination>,
    /// Whether Fargate's log router is on, or why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging_disabled: Option<String>,
    /// Its node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What it asks for of its node's allocatable resources, as `kubectl describe node` prints it; of a report only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub of_node: BTreeMap<String, Share>,
    /// Fields that could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// What a pod used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PodUsageState {
    /// Billionths of a core, as the Metrics API counts.
    pub cpu_nanocores: i64,
    /// Bytes of the working set.
    pub memory_bytes: i64,
    /// End of the window that the mean is over.
    pub timestamp: Timestamp,
    /// Length of that window.
    pub window_seconds: f64,
}

/// A share of a node's allocatable resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Percent that is requested, cut off to an integer.
    pub requests_percent: u64,
    /// Percent of the limit, cut off to an integer; may be over 100.
    pub limits_percent: u64,
}

/// Why a pod is pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingPod {
    /// Since when: its creation, or, of one that scheduling gates held back, the first sample that did not see them.
    pub since: Timestamp,
    /// The reason of the condition `PodScheduled`, if that is false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Kubernetes' sentence about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// An init container that runs, and that the others wait for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitContainer {
    /// Its name.
    pub container: String,
    /// Since when it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Whether it is a sidecar that has not passed its startup probe.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sidecar: bool,
}

/// A container that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingContainer {
    /// Its name.
    pub container: String,
    /// Why, such as `CrashLoopBackOff`.
    pub reason: String,
    /// Kubernetes' sentence about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Termination {
    /// Its name.
    pub container: String,
    /// Why, such as `OOMKilled` or `Completed`.
    pub reason: String,
    /// What it exited with.
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
    /// Which workload.
    pub workload: Workload,
    /// Replicas that should be there.
    pub desired: u32,
    /// Replicas that are ready.
    pub ready: u32,
    /// Replicas that are available: ready for as long as the workload asks for.
    pub available: u32,
}

impl WorkloadState {
    /// Replicas that should be available and are not.
    pub fn missing(&self) -> u32 {
        self.desired.saturating_sub(self.available)
    }

    /// Each workload once, with the replicas of all that are counted for it.
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
    /// What is judged.
    pub fn subject(&self) -> Subject {
        Subject::Workload(self.cluster.clone(), self.workload.clone())
    }

    /// Whether it has run to its end.
    pub fn is_completed(&self) -> bool {
        self.phase.is_end()
    }

    /// Whether it is to run, or to go on running: it has not ended, and nobody is deleting it.
    pub fn is_live(&self) -> bool {
        !self.is_completed() && self.deletion.is_none()
    }

    /// Percent of the provisioned memory that is used; none without either.
    #[expect(clippy::cast_precision_loss, reason = "bytes of a pod are far below 2^53")]
    pub fn memory_percent(&self) -> Option<f64> {
        let (usage, provisioned) = (self.usage.as_ref()?, self.provisioned?.memory_bytes.filter(|m| *m > 0)?);
        Some(usage.memory_bytes as f64 * 100.0 / provisioned as f64)
    }

    /// Percent of the provisioned CPU that is used; none without either.
    #[expect(clippy::cast_precision_loss, reason = "cores of a pod are few")]
    pub fn cpu_percent(&self) -> Option<f64> {
        let (usage, provisioned) =
            (self.usage.as_ref()?, self.provisioned?.cpu_millicores.filter(|m| *m > 0)?);
        Some(usage.cpu_nanocores as f64 / 10_000.0 / provisioned as f64)
    }
}

impl Amounts {
    /// The same as Kubernetes reckons with them.
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

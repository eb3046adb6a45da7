//! A pod as data: kubectl's own figures, and what Fargate provisioned.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::counted::PodCounted;
use super::setup::MetricsApiState;
use crate::evidence::pods::{Amounts, PodState, Share, Termination, WaitingContainer};
use crate::kubernetes::fargate::size_but_for_overhead;
use crate::kubernetes::pod::Phase;
use crate::kubernetes::waiting::WaitingCause;
use crate::report::measured::figures::tenth;
use crate::text::Text;

/// The reason for a pod whose logging is disabled without one.
const NO_REASON: &str = "no reason given";

const GIB: f64 = 1_073_741_824.0;

/// One pod.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and a member of the JSON")]
pub struct PodReport {
    /// Its namespace.
    pub namespace: Text,
    /// Its name.
    pub pod: Text,
    /// Its owner: `deployment/web`.
    pub workload: Text,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: Text,
    /// Kubernetes' reason for the phase, such as `Evicted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// Kubernetes' message about the phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Text>,
    /// When it is due for deletion, if it is being deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub deletion: Option<Timestamp>,
    /// When it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub ended_at: Option<Timestamp>,
    /// Whether all its containers are ready.
    pub ready: bool,
    /// Whether it runs on Fargate.
    pub fargate: bool,
    /// The Fargate profile that selected it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Text>,
    /// Whether its usage is known.
    pub usage: PodUsage,
    /// CPU, in thousandths of a core.
    pub cpu_millicores: PodResource,
    /// Memory, in bytes.
    pub memory_bytes: PodResource,
    /// What cAdvisor counted between the two newest samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<PodCounted>,
    /// Restarts of its containers since it was created.
    pub restarts: u32,
    /// When it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub created_at: Option<Timestamp>,
    /// The most recent termination of a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_end: Option<PodEnd>,
    /// Why it is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PodWait>,
    /// Waiting containers, each with its reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Text>,
    /// Kubernetes' warnings about it in the hour before the report, the most telling one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Text>,
    /// Why its log router is off; absent if it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging_disabled: Option<Text>,
    /// Whether it is still billed although it completed over an hour ago.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paid_though_completed: bool,
    /// Whether it is a pod of a `DaemonSet` for a Fargate node, where it will never run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_placed: bool,
    /// Whether a smaller size would do, even for the peak usage of its workload, were it not for
    /// the 256 MB that Fargate adds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub misses_step: bool,
    /// Its node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Text>,
    /// Its fields that could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<Text>,
}

/// Whether the usage of a pod is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PodUsage {
    /// The Metrics API reports it.
    Known,
    /// The Metrics API has not read the pod yet.
    NotYet,
    /// The Metrics API could not be queried.
    CouldNotAsk,
    /// The pod is not running.
    #[default]
    NotRunning,
}

/// CPU or memory of one pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PodResource {
    /// Usage; CPU is rounded up, as in `kubectl top pods`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<i64>,
    /// Sum of its requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<i64>,
    /// Sum of its limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<i64>,
    /// What Fargate provisioned for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<i64>,
    /// Usage in percent of what is provisioned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent_of_provisioned: Option<f64>,
    /// Requests in percent of its node, as `kubectl describe node` prints them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_percent_of_node: Option<u64>,
    /// Limits in percent of its node, as `kubectl describe node` prints them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits_percent_of_node: Option<u64>,
}

/// The termination of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PodEnd {
    /// The container.
    pub container: Text,
    /// The reason, such as `OOMKilled` or `Completed`.
    pub reason: Text,
    /// The exit code.
    pub exit_code: i32,
    /// When it terminated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub finished_at: Option<Timestamp>,
}

/// Why a pod is pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PodWait {
    /// Since when it is pending.
    #[cfg_attr(test, schemars(with = "String"))]
    pub since: Timestamp,
    /// The reason in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// The reason in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Text>,
}

impl PodReport {
    /// What the report keeps of a pod.
    pub(crate) fn new(pod: &PodState, api: MetricsApiState, highest: Highest, now: Timestamp) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(Text::new);
        Self {
            namespace: Text::new(&pod.workload.namespace),
            pod: Text::new(&pod.pod),
            workload: Text::new(&format!("{}/{}", pod.workload.kind.to_lowercase(), pod.workload.name)),
            phase: Text::new(pod.phase.as_str()),
            reason: text(&pod.reason),
            message: text(&pod.message),
            deletion: pod.deletion,
            ended_at: pod.ended_at,
            ready: pod.ready,
            fargate: pod.fargate,
            profile: text(&pod.profile),
            usage: PodUsage::of(pod, api),
            cpu_millicores: cpu(pod),
            memory_bytes: memory(pod),
            counted: pod.rates.as_deref().map(PodCounted::from),
            restarts: pod.restarts,
            created_at: pod.created_at,
            last_end: pod.terminated.iter().max_by_key(|end| end.finished_at).map(PodEnd::of),
            pending: pod.pending.as_ref().map(|pending| PodWait {
                since: pending.since,
                reason: text(&pending.reason),
                message: text(&pending.message)
                    .or_else(|| pod.initializing.as_ref().map(|one| Text::new(&one.to_string()))),
            }),
            waiting: pod.waiting.iter().map(waits).collect(),
            warnings: pod.warnings.iter().map(|one| Text::new(&one.to_string())).collect(),
            logging_disabled: pod.logging_disabled.as_deref().map(|reason| {
                let reason = Text::new(reason);
                if reason.as_str().is_empty() { NO_REASON.into() } else { reason }
            }),
            paid_though_completed: pod.is_forgotten(now),
            never_placed: pod.is_never_placed(),
            misses_step: misses_step(pod, highest),
            node: text(&pod.node),
            unreadable: pod.unreadable.iter().map(|field| Text::new(field)).collect(),
        }
    }

    /// Sort key: pods that need a person first, by severity, then by restarts, then by usage.
    pub(crate) fn order(&self) -> impl Ord + use<> {
        let was_killed = self.last_end.as_ref().is_some_and(|end| end.reason.as_str() == "OOMKilled");
        let is_live = self.deletion.is_none() && self.ended_at.is_none();
        let severity = if self.never_placed {
            3
        } else if self.deletion.is_some() {
            // An overdue deletion may stay for long.
            2
        } else if is_live && !self.waiting.is_empty() {
            0
        } else if was_killed {
            1
        } else if self.pending.is_some() || self.phase.as_str() == "Failed" {
            2
        } else if self.phase.as_str() != "Succeeded" {
            3
        } else {
            4 - u8::from(self.paid_though_completed)
        };
        let usage = [self.memory_bytes, self.cpu_millicores].map(|one| one.percent_of_provisioned);
        let usage = usage.into_iter().flatten().fold(0.0, f64::max);
        #[expect(clippy::cast_possible_truncation, reason = "a percentage in tenths")]
        let usage = (usage * 10.0) as i64;
        let name = (self.namespace.clone(), self.pod.clone());
        (severity, Reverse(self.restarts), Reverse(usage), name)
    }
}

impl PodUsage {
    fn of(pod: &PodState, api: MetricsApiState) -> Self {
        match (&pod.usage, api) {
            (Some(_), _) => Self::Known,
            (None, _) if pod.phase != Phase::Running => Self::NotRunning,
            (None, MetricsApiState::Serves) => Self::NotYet,
            (None, _) => Self::CouldNotAsk,
        }
    }
}

/// Why a container waits. Without the message of a crash loop, which only repeats names and the
/// kubelet's back-off.
fn waits(waiting: &WaitingContainer) -> Text {
    let WaitingContainer { container, reason, message, .. } = waiting;
    let message = message.as_deref().filter(|_| waiting.cause() != WaitingCause::CrashLoop);
    let message = message.map(|text| format!(" ({})", text.trim_end_matches('.'))).unwrap_or_default();
    Text::new(&format!("{container}: {reason}{message}"))
}

impl PodEnd {
    fn of(Termination { container, reason, exit_code, finished_at }: &Termination) -> Self {
        let (container, reason) = (Text::new(container), Text::new(reason));
        Self { container, reason, exit_code: *exit_code, finished_at: *finished_at }
    }
}

fn cpu(pod: &PodState) -> PodResource {
    PodResource {
        used: pod.usage.as_ref().map(crate::evidence::pods::PodUsageState::cpu_millicores),
        percent_of_provisioned: pod.cpu_percent().map(tenth),
        ..amounts(pod, |amounts| amounts.cpu_millicores, "cpu")
    }
}

fn memory(pod: &PodState) -> PodResource {
    PodResource {
        used: pod.usage.as_ref().map(|usage| usage.memory_bytes),
        percent_of_provisioned: pod.memory_percent().map(tenth),
        ..amounts(pod, |amounts| amounts.memory_bytes, "memory")
    }
}

/// Requests, limits and provisioned size.
fn amounts(pod: &PodState, amount: fn(&Amounts) -> Option<i64>, resource: &str) -> PodResource {
    let share: Option<&Share> = pod.of_node.get(resource);
    PodResource {
        requests: amount(&pod.requests),
        limits: amount(&pod.limits),
        provisioned: pod.provisioned.as_ref().and_then(amount),
        requests_percent_of_node: share.map(|share| share.requests_percent),
        limits_percent_of_node: share.map(|share| share.limits_percent),
        ..PodResource::default()
    }
}

/// The peak usage of a workload in the report's window, in percent of what Fargate provisioned;
/// `None` if unknown.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Highest {
    pub(crate) cpu: Option<f64>,
    pub(crate) memory: Option<f64>,
}

/// Only for pods whose size Fargate derived from their requests. A completed pod is no reason to
/// change them, nor is a pod whose usage is not known to fit.
fn misses_step(pod: &PodState, highest: Highest) -> bool {
    let (Some(provisioned), false) = (&pod.provisioned, pod.is_completed()) else { return false };
    let Some(smaller) = size_but_for_overhead(&pod.requests.resources()) else { return false };
    let cpu = provisioned.cpu_millicores.zip(highest.cpu);
    let memory = provisioned.memory_bytes.zip(highest.memory);
    pod.fargate
        && fits(cpu, pod.cpu_percent(), smaller.cpu.milli())
        && fits(memory, pod.memory_percent(), smaller.memory)
}

/// Whether peak usage and current usage, given in percent of what is provisioned, are at most
/// `size`.
#[expect(clippy::cast_precision_loss, reason = "sizes of pods are far below 2^53")]
fn fits(provisioned_and_highest: Option<(i64, f64)>, now: Option<f64>, size: i64) -> bool {
    provisioned_and_highest.is_some_and(|(provisioned, highest)| {
        provisioned as f64 * highest.max(now.unwrap_or_default()) / 100.0 <= size as f64
    })
}

/// `0.25 vCPU, 0.5 GB`: Fargate writes GB and means GiB.
#[expect(clippy::cast_precision_loss, reason = "sizes of pods are far below 2^53")]
pub(crate) fn size(millicores: Option<i64>, bytes: Option<i64>) -> Option<String> {
    let (cpu, memory) = (millicores? as f64 / 1000.0, bytes? as f64 / GIB);
    Some(format!("{cpu} vCPU, {} GB", (memory * 100.0).round() / 100.0))
}

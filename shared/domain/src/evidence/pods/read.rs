//! Converts Kubernetes objects to the states that a snapshot stores.

use std::collections::BTreeMap;

use super::{
    Amounts, InitContainer, PendingPod, PodState, PodUsageState, Share, Termination, WaitingContainer,
    WorkloadState,
};
use crate::deaths::{PodSaid, class_of_pod};
use crate::kubernetes::node::NodeFacts;
use crate::kubernetes::owner::{JobOwners, Owner};
use crate::kubernetes::pod::{Logging, PodFacts};
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::resources::Resources;
use crate::kubernetes::usage::PodUsage;
use crate::kubernetes::views::describe_node;
use crate::kubernetes::workload::{WorkloadFacts, WorkloadKind};
use crate::model::cluster::ClusterName;
use crate::model::subject::Workload;
use crate::text::message::harmless;

/// How many characters of Kubernetes' messages are kept.
const LONGEST_MESSAGE: usize = 300;

/// Stands for what was cut out of a message.
const CUT: &str = " [...] ";

impl From<&Resources> for Amounts {
    fn from(resources: &Resources) -> Self {
        Self {
            cpu_millicores: resources.cpu.map(Quantity::milli),
            memory_bytes: resources.memory.map(Quantity::value),
            ephemeral_storage_bytes: resources.ephemeral_storage.map(Quantity::value),
        }
    }
}

impl From<&PodUsage> for PodUsageState {
    fn from(usage: &PodUsage) -> Self {
        Self {
            cpu_nanocores: i64::try_from(usage.cpu.nanos()).unwrap_or(i64::MAX),
            memory_bytes: usage.memory.value(),
            timestamp: usage.timestamp,
            window_seconds: usage.window.as_secs_f64(),
        }
    }
}

impl PodState {
    /// The state of a pod. `node` is its node, if nodes were listed.
    pub fn read(cluster: &ClusterName, pod: PodFacts, jobs: &JobOwners, node: Option<&NodeFacts>) -> Self {
        let of_node = node.map(|node| of_node(&pod, node)).unwrap_or_default();
        let (workload, fargate) = (workload_of(&pod, jobs), pod.is_fargate());
        let pending = pod.pending.and_then(|pending| {
            let since = pending.since?;
            Some(PendingPod { since, reason: said(pending.reason), message: said(pending.message) })
        });
        Self {
            cluster: cluster.clone(),
            workload,
            uid: pod.uid,
            phase: pod.phase,
            reason: said(pod.reason),
            message: said(pod.message),
            deletion: pod.deletion,
            ended_at: pod.ended,
            fargate,
            profile: pod.fargate_profile,
            provisioned: pod.provisioned.map(|size| Amounts {
                cpu_millicores: Some(size.cpu.milli()),
                memory_bytes: Some(size.memory.value()),
                ephemeral_storage_bytes: None,
            }),
            requests: Amounts::from(&pod.requests),
            limits: Amounts::from(&pod.limits),
            usage: None,
            counters: None,
            rates: None,
            ready: pod.ready,
            restarts: u32::try_from(pod.restarts.max(0)).unwrap_or(u32::MAX),
            new_restarts: 0,
            new_oom_kills: 0,
            created_at: pod.created,
            pending,
            initializing: pod.initializing.map(|one| InitContainer {
                container: one.container,
                since: one.since,
                sidecar: one.sidecar,
            }),
            waiting: pod
                .waiting
                .into_iter()
                .map(|waiting| WaitingContainer {
                    class: class_of_pod(PodSaid::Waits {
                        reason: &waiting.reason,
                        message: waiting.message.as_deref().unwrap_or_default(),
                    }),
                    container: waiting.container,
                    reason: waiting.reason,
                    message: said(waiting.message),
                })
                .collect(),
            terminated: pod
                .terminated
                .into_iter()
                .map(|end| Termination {
                    container: end.container,
                    reason: end.reason,
                    exit_code: end.exit_code,
                    finished_at: end.finished_at,
                })
                .collect(),
            warnings: Vec::new(),
            probe_kills: Vec::new(),
            logging_disabled: pod.logging.and_then(|logging| match logging {
                Logging::Disabled { reason } => Some(reason),
                Logging::Enabled => None,
            }),
            node: pod.node,
            of_node,
            unreadable: pod.unreadable,
            pod: pod.name,
        }
    }
}

impl PodState {
    /// Sets the pod's usage, which is read separately so that pods do not wait for it.
    pub fn uses(&mut self, usage: &PodUsage) {
        self.usage = Some(PodUsageState::from(usage));
    }
}

impl WorkloadState {
    /// The replicas of a workload; `None` for a Job, which has none to miss.
    pub fn read(cluster: &ClusterName, facts: &WorkloadFacts) -> Option<Self> {
        if facts.kind == WorkloadKind::Job {
            return None;
        }
        let count = |number: i64| u32::try_from(number.max(0)).unwrap_or(u32::MAX);
        let itself = || Owner { kind: facts.kind.to_string(), name: facts.name.clone() };
        let Owner { kind, name } = facts.counts_for.clone().unwrap_or_else(itself);
        let workload = Workload { namespace: facts.namespace.clone(), kind, name };
        Some(Self {
            cluster: cluster.clone(),
            workload,
            desired: count(facts.desired),
            ready: count(facts.ready),
            available: count(facts.available.unwrap_or(facts.ready)),
        })
    }
}

/// The workload of a pod: its top-level owner, or the pod itself if it has none.
fn workload_of(pod: &PodFacts, jobs: &JobOwners) -> Workload {
    let itself = || Owner { kind: "Pod".to_owned(), name: pod.name.clone() };
    let owner = pod.owner.clone().unwrap_or_else(itself);
    let Owner { kind, name } = owner.behind(&pod.namespace, jobs, pod.created);
    Workload { namespace: pod.namespace.clone(), kind, name }
}

/// A message on one line, without hidden characters, cut to [`LONGEST_MESSAGE`].
fn said(text: Option<String>) -> Option<String> {
    text.map(|text| one_line(&text))
}

/// Cut in the middle: a runtime's error begins with what was done and ends with why it failed.
pub(super) fn one_line(text: &str) -> String {
    let text = harmless(text);
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= LONGEST_MESSAGE {
        return text;
    }
    let side = (LONGEST_MESSAGE - CUT.len()) / 2;
    let (head, tail) = (chars.iter().take(side), chars.iter().skip(chars.len() - side));
    let (head, tail): (String, String) = (head.collect(), tail.collect());
    format!("{}{CUT}{}", head.trim_end(), tail.trim_start())
}

/// The pod's share of its node by resource, as `kubectl describe node` prints it.
fn of_node(pod: &PodFacts, node: &NodeFacts) -> BTreeMap<String, Share> {
    let shares = describe_node([pod], node).totals.into_iter().filter_map(|(resource, total)| {
        let (requests_percent, limits_percent) = (total.requests.percent?, total.limits.percent?);
        Some((resource, Share { requests_percent, limits_percent }))
    });
    shares.filter(|(_, share)| share.requests_percent > 0 || share.limits_percent > 0).collect()
}

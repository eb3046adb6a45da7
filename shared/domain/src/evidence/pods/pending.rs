//! Why a pod is pending, and the remedy. A pod without a node waits for other things than a pod
//! with one.

use std::fmt;

use super::{InitContainer, PodState, WaitingContainer};
use crate::kubernetes::waiting::{self, WaitingCause};

/// What a pending pod waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingCause<'a> {
    /// A node, but the pod uses features that Fargate does not support.
    Unsupported,
    /// A Fargate node.
    Fargate,
    /// A node, and no Fargate profile has selected the pod: it may be meant for EC2 nodes.
    NoProfile,
    /// A place on an EC2 node; the scheduler says what the nodes lack.
    Nodes,
    /// The pod has a node, but this container cannot be started.
    Container(&'a WaitingContainer),
    /// The pod has a node, and this init container is running.
    Init(&'a InitContainer),
    /// The pod has a node, and its containers are starting.
    Starting,
}

impl PodState {
    /// What the pod waits for.
    pub fn pending_cause(&self) -> PendingCause<'_> {
        if self.node.is_some() {
            let stuck = self.waiting.iter().find(|one| one.cause() != WaitingCause::Starting);
            let at_work = || self.initializing.as_ref().map_or(PendingCause::Starting, PendingCause::Init);
            return stuck.map_or_else(at_work, PendingCause::Container);
        }
        let (_, message) = self.said_of_pending();
        if message.is_some_and(|message| message.contains("not supported on Fargate")) {
            return PendingCause::Unsupported;
        }
        if self.fargate {
            PendingCause::Fargate
        } else if self.workload.kind == "DaemonSet" || message.is_some_and(is_about_nodes) {
            PendingCause::Nodes
        } else {
            PendingCause::NoProfile
        }
    }
}

impl PodState {
    /// Reason and message why it is pending: of its condition or, since Fargate's scheduler often
    /// sets none, of its newest event about scheduling.
    fn said_of_pending(&self) -> (Option<&str>, Option<&str>) {
        let said = self.pending.as_ref().map(|one| (one.reason.as_deref(), one.message.as_deref()));
        let warned = || {
            let warning = self.warnings.iter().find(|one| one.is_about_scheduling())?;
            Some((
                Some(warning.reason.as_str()),
                Some(warning.message.as_str()).filter(|text| !text.is_empty()),
            ))
        };
        said.filter(|(_, message)| message.is_some()).or_else(warned).or(said).unwrap_or_default()
    }
}

/// Whether the scheduler names anything but the taint of Fargate's nodes, in a sentence such as
/// `0/5 nodes are available: 1 Insufficient cpu, 4 node(s) had untolerated taint
/// {eks.amazonaws.com/compute-type: fargate}. preemption: ...` (Kubernetes, `FitError` in
/// `pkg/scheduler/framework`). Without other nodes, Fargate is the only option.
fn is_about_nodes(message: &str) -> bool {
    let sentence = message.split(" preemption:").next().unwrap_or_default();
    let Some((_, reasons)) = sentence.split_once("nodes are available") else {
        return !sentence.contains("no nodes available");
    };
    let reasons = reasons.trim_matches([':', '.', ' ']).split(", ").filter(|reason| !reason.is_empty());
    // Older releases add a clause after the taint.
    reasons
        .filter(|reason| !reason.starts_with("that the pod"))
        .any(|reason| !reason.contains("eks.amazonaws.com/compute-type: fargate"))
}

impl PendingCause<'_> {
    /// What to do, in one to three sentences.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Unsupported => "Remove what it names from the pod template.",
            Self::Fargate => {
                "It cannot be scheduled: read its events (kubectl describe pod), and check that the subnets of its Fargate profile have free \
                 addresses and that the account's Fargate vCPU quota is not used up."
            }
            Self::NoProfile => {
                "It has no node: read its events (kubectl describe pod). If it is meant for Fargate, check whether a Fargate profile selects its \
                 namespace and labels. Profiles apply when a pod is created: once one matches, have its controller recreate the pod."
            }
            Self::Nodes => {
                "It cannot be scheduled: the scheduler says what the nodes lack. If it is CPU, memory or pods, add nodes or request less; otherwise \
                 correct what the pod requires of a node (node selector, affinity, tolerations, volumes)."
            }
            Self::Container(waiting) => waiting.remedy(),
            Self::Init(InitContainer { sidecar: false, .. }) => {
                "Its log shows what it is doing (kubectl logs --container, with its name)."
            }
            Self::Init(_) => {
                "Read its log (kubectl logs --container, with its name), and check its startup probe."
            }
            Self::Starting => waiting::remedy("ContainerCreating"),
        }
    }
}

/// The cause, after "has been pending since 10:00 UTC: ", such as `it has a node, and container app
/// waits: ImagePullBackOff`.
pub(super) struct Kept<'a>(pub(super) &'a PodState);

impl fmt::Display for Kept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(pod) = self;
        if pod.node.is_some() {
            f.write_str("it has a node, and ")?;
        }
        let (reason, message) = match pod.pending_cause() {
            PendingCause::Container(waiting) => {
                write!(f, "container {} waits: ", waiting.container)?;
                (Some(waiting.reason.as_str()), waiting.message.as_deref())
            }
            PendingCause::Starting => {
                f.write_str("its containers have not started yet: ")?;
                pod.said_of_pending()
            }
            PendingCause::Init(one) => return one.fmt(f),
            PendingCause::Unsupported
            | PendingCause::Fargate
            | PendingCause::NoProfile
            | PendingCause::Nodes => pod.said_of_pending(),
        };
        f.write_str(reason.unwrap_or("no reason given"))?;
        match message {
            Some(message) => write!(f, " ({})", message.trim_end_matches('.')),
            None => Ok(()),
        }
    }
}

impl fmt::Display for InitContainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { container, since, sidecar } = self;
        let what = if *sidecar { "sidecar" } else { "init container" };
        match since {
            Some(since) => {
                let since = since.strftime("%H:%M UTC");
                write!(f, "{what} {container} has been running since {since}")?;
            }
            None => write!(f, "{what} {container} is running")?,
        }
        if *sidecar { f.write_str(" and has not passed its startup probe") } else { Ok(()) }
    }
}

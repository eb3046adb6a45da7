//! Why a pod is pending, and what helps: a pod without a node waits for another thing than one that has its node.

use std::fmt;

use super::{InitContainer, PodState, WaitingContainer};
use crate::kubernetes::waiting::{self, WaitingCause};

/// What a pending pod waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingCause<'a> {
    /// A place, and Fargate says that it will get none as it is.
    Unsupported,
    /// A place that Fargate is to make.
    Fargate,
    /// A place, and no Fargate profile has selected it: it may be meant for other nodes.
    NoProfile,
    /// A place on a node that is not of Fargate, of which the scheduler says what they lack.
    Nodes,
    /// It has a node, and this container cannot be started.
    Container(&'a WaitingContainer),
    /// It has a node, and this init container is at work.
    Init(&'a InitContainer),
    /// It has a node, and its containers are on their way.
    Starting,
}

impl PodState {
    /// What it waits for.
    pub fn pending_cause(&self) -> PendingCause<'_> {
        if self.node.is_some() {
            let stuck = self.waiting.iter().find(|one| one.cause() != WaitingCause::Starting);
            let at_work = || self.initializing.as_ref().map_or(PendingCause::Starting, PendingCause::Init);
            return stuck.map_or_else(at_work, PendingCause::Container);
        }
        let message = self.pending.as_ref().and_then(|pending| pending.message.as_deref());
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

/// Whether the scheduler names anything but the taint of Fargate's nodes, in a sentence such as `0/5 nodes are available: 1
/// Insufficient cpu, 4 node(s) had untolerated taint {eks.amazonaws.com/compute-type: fargate}. preemption: ...` (Kubernetes,
/// `FitError` in `pkg/scheduler/framework`). Without other nodes there is but one way to a place.
fn is_about_nodes(message: &str) -> bool {
    let sentence = message.split(" preemption:").next().unwrap_or_default();
    let Some((_, reasons)) = sentence.split_once("nodes are available") else {
        return !sentence.contains("no nodes available");
    };
    let reasons = reasons.trim_matches([':', '.', ' ']).split(", ").filter(|reason| !reason.is_empty());
    // Older releases put a clause behind the taint.
    reasons
        .filter(|reason| !reason.starts_with("that the pod"))
        .any(|reason| !reason.contains("eks.amazonaws.com/compute-type: fargate"))
}

impl PendingCause<'_> {
    /// What to do, in one or two sentences.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Unsupported => "Take what it names out of the pod's template.",
            Self::Fargate => {
                "It cannot be placed: read its events (kubectl describe pod), and see whether the subnets of its Fargate profile have free \
                 addresses and the account's quota of Fargate vCPUs is used up."
            }
            Self::NoProfile => {
                "It has no node: read its events (kubectl describe pod). If it is meant for Fargate, see whether a Fargate profile selects its \
                 namespace and labels. Profiles are looked at when a pod is created: once one does, let its controller make the pod again."
            }
            Self::Nodes => {
                "It cannot be placed: the scheduler says what the nodes lack. Add nodes or ask for less where it is CPU, memory or pods; else \
                 correct what the pod asks of a node (node selector, affinity, tolerations, volumes)."
            }
            Self::Container(waiting) => waiting.remedy(),
            Self::Init(InitContainer { sidecar: false, .. }) => {
                "Its log says what it does (kubectl logs --container, with its name)."
            }
            Self::Init(_) => {
                "Read its log (kubectl logs --container, with its name), and check its startup probe."
            }
            Self::Starting => waiting::remedy("ContainerCreating"),
        }
    }
}

/// What keeps it, after "is pending since 10:00 UTC": `on its node fargate-..., container app waits: ImagePullBackOff`.
pub(super) struct Kept<'a>(pub(super) &'a PodState);

impl fmt::Display for Kept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(pod) = self;
        if pod.node.is_some() {
            f.write_str("it has its node, and ")?;
        }
        let pending = pod.pending.as_ref();
        let said = pending.map(|pending| (pending.reason.as_deref(), pending.message.as_deref()));
        let (reason, message) = match pod.pending_cause() {
            PendingCause::Container(waiting) => {
                write!(f, "container {} waits: ", waiting.container)?;
                (Some(waiting.reason.as_str()), waiting.message.as_deref())
            }
            PendingCause::Starting => {
                f.write_str("its containers are not started yet: ")?;
                said.unwrap_or_default()
            }
            PendingCause::Init(one) => return one.fmt(f),
            PendingCause::Unsupported
            | PendingCause::Fargate
            | PendingCause::NoProfile
            | PendingCause::Nodes => said.unwrap_or_default(),
        };
        f.write_str(reason.unwrap_or("no reason is given"))?;
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
        write!(f, "{what} {container} runs")?;
        if let Some(since) = since {
            write!(f, " since {}", since.strftime("%H:%M UTC"))?;
        }
        if *sidecar { f.write_str(" and has not passed its startup probe") } else { Ok(()) }
    }
}

//! Why a pod is pending, and what helps: a pod without a node waits for another thing than one that has its node.

use std::fmt;

use super::{PodState, WaitingContainer};
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
    /// It has a node, and this container cannot be started.
    Container(&'a WaitingContainer),
    /// It has a node, and its containers are on their way.
    Starting,
}

impl PodState {
    /// What it waits for.
    pub fn pending_cause(&self) -> PendingCause<'_> {
        if self.node.is_some() {
            let stuck = self.waiting.iter().find(|one| one.cause() != WaitingCause::Starting);
            return stuck.map_or(PendingCause::Starting, PendingCause::Container);
        }
        let message = self.pending.as_ref().and_then(|pending| pending.message.as_deref());
        if message.is_some_and(|message| message.contains("not supported on Fargate")) {
            return PendingCause::Unsupported;
        }
        if self.fargate { PendingCause::Fargate } else { PendingCause::NoProfile }
    }
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
                "It has no node: read its events (kubectl describe pod). If it is meant for Fargate, see whether a profile selects its namespace \
                 and labels. Profiles are looked at when a pod is created: once one does, let its controller make the pod again."
            }
            Self::Container(waiting) => waiting.remedy(),
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
            PendingCause::Unsupported | PendingCause::Fargate | PendingCause::NoProfile => {
                said.unwrap_or_default()
            }
        };
        f.write_str(reason.unwrap_or("no reason is given"))?;
        match message {
            Some(message) => write!(f, " ({})", message.trim_end_matches('.')),
            None => Ok(()),
        }
    }
}

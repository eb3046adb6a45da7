//! The result of a decision: what to do about an aspect.

use jiff::Timestamp;

use super::{Aspect, CostNote, Expiring, Remedy, Value};
use crate::model::fault::Fault;

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Change it. The requested value always differs from the current one, because EKS rejects
    /// no-op updates ("No changes needed").
    Set {
        /// The current value.
        from: Value,
        /// The value to set.
        to: Value,
    },
    /// Report that a later sweep changes it, because the change deletes what nobody can restore.
    Announce {
        /// The current value.
        from: Value,
        /// The value to set.
        to: Value,
    },
    /// Do nothing: it complies.
    Comply,
    /// Report that it is out of policy, and leave it.
    Report,
    /// It would be changed, but the cluster lacks a prerequisite that only its owner can provide:
    /// report it, and check again.
    Blocked,
    /// Leave it and do not report it.
    Leave,
    /// The change was reverted twice: report it, and leave it until the policy changes.
    Conflict {
        /// Who reverted it and by which calls, as far as events show; never empty.
        by: Vec<String>,
    },
    /// The service is working on it: check again later.
    Waiting,
    /// The cluster is being created: return it to the queue.
    NotYet,
    /// Its creation or update has taken longer than [`OVERDUE`](super::OVERDUE): report it.
    Overdue,
    /// The current state could not be read, so nothing is decided.
    Unknown(Fault),
}

/// What to do about one aspect of a subject, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The aspect; `None` if the step is about the cluster as a whole, and then it is the only
    /// step.
    pub aspect: Option<Aspect>,
    /// What to do.
    pub action: Action,
    /// The current value of the aspect; `None` if it is not known.
    pub now: Option<Value>,
    /// The reason, worded to follow the name of the cluster or aspect.
    pub reason: String,
    /// What a changed or reported aspect costs or would cost, where that can be said without
    /// knowing the cluster.
    pub cost: Option<CostNote>,
    /// The events that the change of a log group's retention deletes.
    pub expiring: Option<Expiring>,
    /// When the change was announced, if it had to be.
    pub announced_at: Option<Timestamp>,
    /// What an operator can do about it.
    pub remedy: Option<Remedy>,
}

impl Step {
    pub(super) fn whole(action: Action, reason: impl Into<String>) -> Self {
        Self {
            aspect: None,
            action,
            now: None,
            reason: reason.into(),
            cost: None,
            expiring: None,
            announced_at: None,
            remedy: None,
        }
    }

    /// Turns a change into [`Action::Blocked`], because the cluster lacks a prerequisite.
    pub(super) fn blocked_by(self, missing: &str, remedy: Option<Remedy>) -> Self {
        let reason = format!("{}; {missing}", self.reason);
        match self.action {
            Action::Set { .. } => Self { action: Action::Blocked, reason, remedy, ..self },
            _ => Self { reason, ..self },
        }
    }

    /// Turns a change into [`Action::Waiting`], because EKS is still creating a prerequisite.
    pub(super) fn waiting_for(self, what: &str) -> Self {
        let is_change = matches!(self.action, Action::Set { .. });
        let action = if is_change { Action::Waiting } else { self.action };
        Self { action, reason: format!("{}; {what}", self.reason), ..self }
    }

    pub(super) fn costing(self, cost: CostNote) -> Self {
        Self { cost: Some(cost), ..self }
    }
}

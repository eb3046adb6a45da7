//! What is to be done about an aspect.

use super::{Aspect, CostNote, Remedy, Value};
use crate::model::fault::Fault;

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Change it. What is requested is never what is there, for EKS refuses that ("No changes needed").
    Set {
        /// What is there.
        from: Value,
        /// What is to be there.
        to: Value,
    },
    /// Nothing: it complies.
    Comply,
    /// Report that it is out of policy, and leave it.
    Report,
    /// It would be changed, but the cluster lacks something that only its owner can give: report it, and check again.
    Blocked,
    /// Leave it, and do not report it.
    Leave,
    /// What was set was reverted twice: report it, and leave it until the policy changes.
    Conflict {
        /// By whom and by which calls, as far as events reported it; never empty.
        by: Vec<String>,
    },
    /// A service works on it: check again later.
    Waiting,
    /// The cluster is being created: back to the queue.
    NotYet,
    /// It has been created or updated for more than [`OVERDUE`](super::OVERDUE): report it.
    Overdue,
    /// What is there could not be asked: nothing is decided on it.
    Unknown(Fault),
}

/// What to do about one aspect of a subject, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The aspect; none if it is about the cluster as a whole, and then it is the only step.
    pub aspect: Option<Aspect>,
    /// What to do.
    pub action: Action,
    /// What the aspect is set to; none if that is not known.
    pub now: Option<Value>,
    /// Why, in words that follow the name of the cluster or of the aspect.
    pub reason: String,
    /// What it costs or would cost, of what is changed or reported, where that can be said of any cluster.
    pub cost: Option<CostNote>,
    /// What a person can do about it.
    pub remedy: Option<Remedy>,
}

impl Step {
    pub(super) fn whole(action: Action, reason: impl Into<String>) -> Self {
        Self { aspect: None, action, now: None, reason: reason.into(), cost: None, remedy: None }
    }

    /// What would be changed cannot be, because the cluster lacks something.
    pub(super) fn blocked_by(self, missing: &str, remedy: Option<Remedy>) -> Self {
        let reason = format!("{}; {missing}", self.reason);
        match self.action {
            Action::Set { .. } => Self { action: Action::Blocked, reason, remedy, ..self },
            _ => Self { reason, ..self },
        }
    }

    /// What would be changed cannot be yet, because EKS still makes what it needs.
    pub(super) fn waiting_for(self, what: &str) -> Self {
        let is_change = matches!(self.action, Action::Set { .. });
        let action = if is_change { Action::Waiting } else { self.action };
        Self { action, reason: format!("{}; {what}", self.reason), ..self }
    }

    pub(super) fn costing(self, cost: CostNote) -> Self {
        Self { cost: Some(cost), ..self }
    }
}

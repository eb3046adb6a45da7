//! One of fargaze's changes, and how it ends.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::{Aspect, Observed, Queried, UpdateStatus, Value};
use super::{Checker, InProgress, UNDER_WAY, Undo};
use crate::evidence::eks::LogType;
use crate::model::fault::FaultKind;
use crate::model::subject::Subject;

/// The state of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeState {
    /// About to be made. Written first, so that every change has an entry, whatever fails
    /// afterwards.
    Planned,
    /// Made and read back.
    Done,
    /// Planned and never applied.
    Abandoned,
    /// Made, and rolled back.
    RolledBack,
}

impl ChangeState {
    /// The change log's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Abandoned => "abandoned",
            Self::RolledBack => "rolled-back",
        }
    }
}

/// A change that fargaze is about to make.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The subject.
    pub subject: Subject,
    /// The aspect.
    pub aspect: Aspect,
    /// What is there.
    pub from: Value,
    /// What it is to be.
    pub to: Value,
    /// Text of the policy that it is made for.
    pub policy: String,
    /// Why, in words.
    pub reason: String,
}

/// A change by fargaze. The change log stores it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The changed subject.
    pub subject: Subject,
    /// The changed aspect.
    pub aspect: Aspect,
    /// The number of the change within its aspect, from 1: no two changes can be written with the
    /// same number.
    pub number: u32,
    /// When it was made, by fargaze's own clock, which determines the order of changes.
    pub made: Timestamp,
    /// Id of the event or run; see [`super::AspectLog::cause_for`].
    pub cause: String,
    /// The value before.
    pub from: Value,
    /// The value after; exact once the change is done.
    pub to: Value,
    /// The text of the policy that it was made for.
    pub policy: String,
    /// The reason, in words.
    pub reason: String,
    /// The service's request id, as in CloudTrail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The state. A change that is planned and accepted is in progress.
    pub state: ChangeState,
    /// Whether the service accepted the request. If not, someone else may have set the value.
    #[serde(default)]
    pub accepted: bool,
    /// EKS's id of the update to follow, if it returned one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_id: Option<String>,
    /// Why the service failed at a change that it had accepted, in its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The state of undoing it, from just before a rollback requests it until it is known to be
    /// done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
    /// Id of the rollback that undid it or requests it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back_by: Option<String>,
}

/// How a change ended.
enum End {
    Open,
    Done,
    Failed(Option<String>),
}

impl Change {
    /// The work that a service is doing, as far as known: making the change or undoing it.
    pub fn in_progress(&self) -> Option<InProgress<'_>> {
        match (self.state, &self.undo) {
            (ChangeState::Planned, _) if self.accepted => {
                Some(InProgress { since: self.made, update_id: self.update_id.as_deref() })
            }
            (ChangeState::RolledBack, Some(Undo::InProgress { since, update_id })) => {
                Some(InProgress { since: *since, update_id: update_id.as_deref() })
            }
            _ => None,
        }
    }

    /// Whether this event or run caused it.
    pub fn is_caused_by(&self, id: &str) -> bool {
        self.cause.split('+').next() == Some(id)
    }

    /// EKS's `clientRequestToken`: 32 characters that are the same for every attempt at this
    /// change, so that a repeated call makes no second change.
    pub fn token(&self) -> String {
        let Self { subject, aspect, number, cause, to, .. } = self;
        let text = format!("{subject}#{aspect}#{number}#{cause}#{to}");
        let fnv = |basis: u64| {
            text.bytes().fold(basis, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        };
        format!("{:016x}{:016x}", fnv(0xcbf2_9ce4_8422_2325), fnv(0x9ae1_6a3b_2f90_404f))
    }

    /// Whether it is done and was made at or after `since`.
    pub fn is_done_since(&self, since: Option<Timestamp>) -> bool {
        self.state == ChangeState::Done && since.is_none_or(|since| self.made >= since)
    }

    /// The log types that it turned on.
    pub(in crate::reconcile) fn turned_on(&self) -> BTreeSet<LogType> {
        match (&self.from, &self.to) {
            (Value::Logs(from), Value::Logs(to)) => to - from,
            _ => BTreeSet::new(),
        }
    }

    /// Whether another invocation may be making it.
    pub(super) fn is_under_way(&self, checker: Checker<'_>) -> bool {
        !self.accepted
            && !self.is_caused_by(checker.cause)
            && checker.now.duration_since(self.made) < UNDER_WAY
    }

    /// Settles this planned change if it has ended. `open`: no newer change was settled as done,
    /// because only one of several changes planned at the same time can have been made.
    pub(super) fn settle(&mut self, observed: &Observed, open: &mut bool, checker: Checker<'_>) -> bool {
        let Ok(now) = observed.value(self.aspect) else { return false };
        match self.ended(observed, &now, checker) {
            End::Open => false,
            End::Done if std::mem::take(open) => {
                self.state = ChangeState::Done;
                // Record the version that EKS chose, but only if the add-on is as fargaze installed
                // it.
                if matches!(self.to, Value::Addon { .. }) && now.fulfils(&self.to) {
                    self.to = now;
                }
                true
            }
            End::Done => self.abandon(None),
            End::Failed(why) => self.abandon(why),
        }
    }

    fn abandon(&mut self, failure: Option<String>) -> bool {
        self.state = ChangeState::Abandoned;
        self.failure = failure;
        true
    }

    fn ended(&self, observed: &Observed, now: &Value, checker: Checker<'_>) -> End {
        if let Some(id) = &self.update_id {
            match observed.update(id) {
                Some(Queried::Known(UpdateStatus::Failed(why))) => return End::Failed(Some(why.clone())),
                // If it is off again now, someone turned it off after fargaze's update.
                Some(Queried::Known(UpdateStatus::Successful)) => return End::Done,
                // EKS keeps updates only for a while.
                Some(Queried::Unread(fault)) if fault.kind == FaultKind::NotFound => {}
                // In progress, or not known.
                _ => return End::Open,
            }
        }
        let addon = self.aspect.addon().and_then(|name| observed.eks()?.addon(name).ok().flatten());
        match addon.map(|addon| (addon.status.as_str(), addon)) {
            Some(("CREATING" | "UPDATING", _)) => return End::Open,
            Some(("CREATE_FAILED", addon)) => return End::Failed(Some(addon.issues.join("; "))),
            _ => {}
        }
        // An accepted change that is not visible was undone before this check.
        if now.fulfils(&self.to) || self.accepted && self.update_id.is_none() {
            End::Done
        } else if self.is_under_way(checker) {
            End::Open
        } else {
            End::Failed(None)
        }
    }
}

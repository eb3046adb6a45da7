//! The input of a decision.

use jiff::Timestamp;

use super::step::{Action, Step};
use super::{Announced, Aspect, Change, EffectivePolicy, Observed, Origin, SubjectLog, SubjectPolicy, Value};
use crate::model::fault::Fault;

/// The input of the decision about one subject.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The policies in force for the subject.
    pub policy: &'a SubjectPolicy,
    /// The observed state.
    pub observed: &'a Observed,
    /// Whether the subject is new.
    pub origin: Origin,
    /// What fargaze changed before, after [`SubjectLog::forget_before`] and [`SubjectLog::settle`].
    pub log: &'a SubjectLog,
    /// The change of the subject that a sweep announced and did not make yet.
    pub announced: Option<&'a Announced>,
    /// The current time.
    pub now: Timestamp,
}

/// The input of the decision about one aspect of the subject.
#[derive(Debug)]
pub(super) struct AspectCase<'a> {
    pub(super) aspect: Aspect,
    /// The policy in force.
    pub(super) policy: EffectivePolicy,
    /// The current value, or the fault that prevented reading it.
    pub(super) now: Result<Value, &'a Fault>,
    /// fargaze's changes to the aspect, oldest first.
    pub(super) changes: &'a [Change],
    /// The case of the whole subject.
    pub(super) whole: &'a Case<'a>,
}

impl<'a> Case<'a> {
    pub(super) fn of(&'a self, aspect: Aspect) -> AspectCase<'a> {
        AspectCase {
            aspect,
            policy: self.policy.of(aspect),
            now: self.observed.value(aspect),
            changes: self.log.changes(aspect),
            whole: self,
        }
    }
}

impl AspectCase<'_> {
    pub(super) fn step(&self, action: Action, reason: impl Into<String>) -> Step {
        Step { aspect: Some(self.aspect), now: self.now.clone().ok(), ..Step::whole(action, reason) }
    }

    pub(super) fn unknown(&self, fault: &Fault) -> Step {
        self.step(Action::Unknown(fault.clone()), "the current state could not be read")
    }

    /// The step for an aspect that is left alone.
    pub(super) fn left(&self) -> Step {
        self.step(Action::Leave, format!("its policy is {}", self.policy))
    }
}

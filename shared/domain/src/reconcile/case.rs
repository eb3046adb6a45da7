//! What a decision is made on.

use jiff::Timestamp;

use super::step::{Action, Step};
use super::{Aspect, Change, EffectivePolicy, Observed, Origin, SubjectLog, SubjectPolicy, Value};
use crate::model::fault::Fault;

/// All that the decision about one subject looks at.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The policies in force for the subject.
    pub policy: &'a SubjectPolicy,
    /// What there is of it.
    pub observed: &'a Observed,
    /// Whether it is new.
    pub origin: Origin,
    /// What fargaze did to it, after [`SubjectLog::forget_before`] and [`SubjectLog::settle`].
    pub log: &'a SubjectLog,
    /// The time of day.
    pub now: Timestamp,
}

/// All that the decision about one aspect of it looks at.
#[derive(Debug)]
pub(super) struct AspectCase<'a> {
    pub(super) aspect: Aspect,
    /// The policy in force.
    pub(super) policy: EffectivePolicy,
    /// What it is set to, or why that is not known.
    pub(super) now: Result<Value, &'a Fault>,
    /// What fargaze changed of it, the oldest first.
    pub(super) changes: &'a [Change],
    /// The subject.
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
        self.step(Action::Unknown(fault.clone()), "it could not be asked what is there")
    }

    /// The step of an aspect that no policy is about.
    pub(super) fn left(&self) -> Step {
        self.step(Action::Leave, format!("its policy is {}", self.policy))
    }
}

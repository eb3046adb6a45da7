//! What a decision is made on.

use jiff::Timestamp;

use super::step::{Action, Step};
use super::{Aspect, Change, Desired, EffectivePolicy, Observed, Origin, SubjectLog, SubjectPolicy};

/// All that one decision looks at.
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

impl Case<'_> {
    pub(super) fn policy_of(&self, aspect: Aspect) -> EffectivePolicy {
        self.policy.of(aspect)
    }

    pub(super) fn changes(&self, aspect: Aspect) -> &[Change] {
        self.log.changes(aspect)
    }

    /// The step of an aspect that no policy is about.
    pub(super) fn left(&self, aspect: Aspect) -> Step {
        Step::new(aspect, Action::Leave, format!("its policy is {}", self.policy_of(aspect)))
    }
}

/// Whether a policy names nothing to be done or reported.
pub(super) fn is_left(desired: &Desired) -> bool {
    *desired == Desired::Leave
}

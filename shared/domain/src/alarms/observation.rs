//! What a rule sees of a subject in one run.

use std::borrow::Cow;

use crate::evidence::pods::NamedPod;
use crate::model::series::Reading;
use crate::rules::Mute;

/// What a rule sees of a subject in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation<'a> {
    /// The values, or why there are none.
    pub reading: Cow<'a, Reading>,
    /// What else is known that a reader should hear when the alarm begins.
    pub why: Option<String>,
    /// The pod to look at first, of a workload.
    pub pod: Option<NamedPod>,
    /// Why nothing is to be told in this run; the rule's own maintenance windows need not be given.
    pub mute: Option<Mute>,
    /// How many tasks of the service run, as ECS says, if the metric has data whenever a task runs; none if ECS was not
    /// asked, or the metric may have no data for another reason.
    pub running: Option<u32>,
}

impl<'a> Observation<'a> {
    /// A reading about which nothing else is known.
    pub fn of(reading: &'a Reading) -> Self {
        Self::with(Cow::Borrowed(reading))
    }

    /// The same of a reading that may be owned.
    pub(super) fn with(reading: Cow<'a, Reading>) -> Self {
        Self { reading, why: None, pod: None, mute: None, running: None }
    }
}

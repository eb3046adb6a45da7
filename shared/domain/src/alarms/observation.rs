//! What a rule observes about a subject in one run.

use std::borrow::Cow;

use crate::deaths::DeathSummary;
use crate::evidence::pods::NamedPod;
use crate::model::metric::Metric;
use crate::model::series::Reading;
use crate::rules::Mute;

/// What a rule observes about a subject in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation<'a> {
    /// The values, or why there are none.
    pub reading: Cow<'a, Reading>,
    /// The known reason, for the notification that the alarm began.
    pub why: Option<String>,
    /// The metrics behind the values, if the rule and the subject alone do not name them.
    pub metrics: Vec<Metric>,
    /// The pod to check first, for a workload.
    pub pod: Option<NamedPod>,
    /// The deaths of tasks behind it, for a service.
    pub deaths: Vec<DeathSummary>,
    /// The rules whose alarms on the same subject this one hides.
    pub hidden: Vec<String>,
    /// What mutes the alarm in this run, apart from the rule's own maintenance windows.
    pub mute: Option<Mute>,
    /// How many tasks of the service run, if the metric has data whenever a task runs; `None` if
    /// the service was not described, or the metric may lack data for another reason.
    pub running: Option<u32>,
}

impl<'a> Observation<'a> {
    /// An observation of a reading alone.
    pub fn of(reading: &'a Reading) -> Self {
        Self::with(Cow::Borrowed(reading))
    }

    /// An observation of a reading that may be owned.
    pub(super) fn with(reading: Cow<'a, Reading>) -> Self {
        Self {
            reading,
            why: None,
            metrics: Vec::new(),
            pod: None,
            deaths: Vec::new(),
            hidden: Vec::new(),
            mute: None,
            running: None,
        }
    }
}

//! What is remembered of alarms between runs.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Mute, Notice};
use crate::evaluate::AlarmState;
use crate::rule::Subject;

/// What is remembered of an alarm between runs. An alarm that is plainly OK is not remembered at all, so a quiet run
/// writes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    /// State after the newest period judged.
    pub state: AlarmState,
    /// End of the period that led to it.
    pub since: Timestamp,
    /// End of the newest period that was judged when this was written. Later periods are judged in order, so that a
    /// failed run leaves no gap; earlier ones are never judged again, so that an old window cannot turn back the state.
    pub judged_until: Timestamp,
    /// What people last heard: OK or ALARM.
    pub told: AlarmState,
    /// Time of the run in which they heard it, or were reminded of it.
    pub told_at: Option<Timestamp>,
    /// What kept an ALARM silent that nobody was told yet.
    pub muted: Option<Mute>,
    /// End of the newest period when it first could not be judged; none if it can be.
    pub blind_since: Option<Timestamp>,
    /// Whether people heard that it cannot be judged.
    pub blind_told: bool,
    /// Of `nothing-running`: end of the newest period in which nothing ran although a task should, as far as a run wrote
    /// it down: when that began or ended. None once the service should run nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_seen: Option<Timestamp>,
}

impl Remembered {
    /// The alarm that nothing is remembered of: OK, and judged up to `at`.
    pub fn plainly_ok(at: Timestamp) -> Self {
        Self {
            state: AlarmState::Ok,
            since: at,
            judged_until: at,
            told: AlarmState::Ok,
            told_at: None,
            muted: None,
            blind_since: None,
            blind_told: false,
            outage_seen: None,
        }
    }

    /// Whether it was in ALARM at the end of an earlier period than this one.
    pub(super) fn is_alarm_before(&self, end: Timestamp) -> bool {
        self.state == AlarmState::Alarm && self.since < end
    }

    /// Whether it can be forgotten once no window reaches back to `judged_until`.
    pub fn is_plainly_ok(&self) -> bool {
        (self.state, self.told, self.blind_since) == (AlarmState::Ok, AlarmState::Ok, None)
    }
}

/// Which alarm: a rule on a subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmKey {
    /// Name of the rule.
    pub rule: String,
    /// What it judges.
    pub subject: Subject,
}

impl fmt::Display for AlarmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.rule, self.subject)
    }
}

/// An alarm as the table holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmRecord {
    /// Which alarm.
    pub key: AlarmKey,
    /// Its state.
    pub memory: Remembered,
    /// What nobody has been told yet. A notice is written here before it is told and taken out after.
    pub untold: Vec<Notice>,
    /// Number of writes so far, so that two runs at once cannot overwrite each other; 0 if it was never written.
    pub version: u64,
}

impl AlarmRecord {
    /// Whether it can be forgotten once no window reaches back to what was judged, and all was told.
    pub fn is_over(&self) -> bool {
        self.untold.is_empty() && self.memory.is_plainly_ok()
    }
}

/// A target that cannot be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenTarget {
    /// The target, as it is written in summaries.
    pub name: String,
    /// Time of the first run that could not see it.
    pub since: Timestamp,
    /// Whether people have been told.
    pub told: bool,
}

//! What is remembered of alarms between runs.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Notice;
use crate::alarms::evaluate::AlarmState;
use crate::model::subject::Subject;
use crate::rules::Mute;

/// What is remembered of an alarm between runs. An alarm that is plainly OK is not remembered at all, so a quiet run
/// writes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    /// State after the newest period judged.
    pub state: AlarmState,
    /// End of the period that led to it.
    pub since: Timestamp,
    /// End of the newest period that was judged when this was written. An older window than that changes nothing.
    pub judged_until: Timestamp,
    /// From where the next run judges again, if late points may still change what was judged; none if they cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
    /// What people were last notified of: OK or ALARM.
    pub notified: AlarmState,
    /// Time of the run in which they were notified of it, or reminded.
    pub notified_at: Option<Timestamp>,
    /// What mutes an ALARM that nobody was notified of yet.
    pub muted: Option<Mute>,
    /// Why it cannot be judged now; none if it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blind: Option<Blindness>,
    /// Of `nothing-running`: end of the newest period in which nothing ran although a task should, as far as a run wrote
    /// it down: when that began or ended. None once the service should run nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_seen: Option<Timestamp>,
}

/// An alarm after the newest period whose verdict is final. Every later one may change when a late point arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// End of that period.
    pub until: Timestamp,
    /// State after it.
    pub state: AlarmState,
    /// End of the period that led to the state.
    pub since: Timestamp,
    /// OK or ALARM, and since when: the state, or what it was before data was missing.
    pub phase: (AlarmState, Timestamp),
    /// How often the alarm began or ended in the later periods: so many changes have been dealt with.
    pub changes: usize,
}

/// Since when and why an alarm cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blindness {
    /// End of the newest period when it was first found.
    pub since: Timestamp,
    /// Why.
    pub because: Unseen,
    /// Whether people were notified of it.
    pub notified: bool,
}

/// Why an alarm cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Unseen {
    /// The question failed.
    CouldNotAsk,
    /// CloudWatch answered, and has no point where there should be some.
    NoData,
}

impl Remembered {
    /// The alarm that nothing is remembered of: OK, and judged up to `at`.
    pub fn plainly_ok(at: Timestamp) -> Self {
        Self {
            state: AlarmState::Ok,
            since: at,
            judged_until: at,
            settled: None,
            notified: AlarmState::Ok,
            notified_at: None,
            muted: None,
            blind: None,
            outage_seen: None,
        }
    }

    /// Whether it was in ALARM at the end of an earlier period than this one.
    pub(super) fn is_alarm_before(&self, end: Timestamp) -> bool {
        self.state == AlarmState::Alarm && self.since < end
    }

    /// Whether a window that ends at `end` is older than one that was looked at.
    pub(super) fn is_newer_than(&self, end: Timestamp) -> bool {
        end < self.judged_until || self.blind.is_some_and(|blind| end < blind.since)
    }

    /// Whether it can be forgotten once no window reaches back to `judged_until`.
    pub fn is_plainly_ok(&self) -> bool {
        (self.state, self.notified, self.blind) == (AlarmState::Ok, AlarmState::Ok, None)
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
    pub pending: Vec<Notice>,
    /// Number of writes so far, so that two runs at once cannot overwrite each other; 0 if it was never written.
    pub version: u64,
}

impl AlarmRecord {
    /// Whether it can be forgotten once no window reaches back to what was judged, and all was told.
    pub fn is_over(&self) -> bool {
        self.pending.is_empty() && self.memory.is_plainly_ok()
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
    pub notified: bool,
}

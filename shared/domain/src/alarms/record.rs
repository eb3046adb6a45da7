//! Alarm state stored between runs.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Notice;
use crate::alarms::evaluate::AlarmState;
use crate::model::subject::Subject;
use crate::rules::Mute;

/// The state of an alarm between runs. An alarm that is plainly OK is not stored at all, so a quiet
/// run writes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    /// State after the newest evaluated period.
    pub state: AlarmState,
    /// End of the period that led to this state.
    pub since: Timestamp,
    /// End of the newest period that had been evaluated when this was written. An older window
    /// changes nothing.
    pub judged_until: Timestamp,
    /// From where the next run evaluates again; `None` if late points cannot change the verdicts
    /// any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
    /// What people were last notified of: OK or ALARM.
    pub notified: AlarmState,
    /// Time of the run that last notified or reminded them.
    pub notified_at: Option<Timestamp>,
    /// What mutes an ALARM that has not been notified yet.
    pub muted: Option<Mute>,
    /// Why it cannot be evaluated now; `None` if it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blind: Option<Blindness>,
    /// For `nothing-running`: end of the newest recorded period in which no task ran although one
    /// should; recorded when an outage begins or ends. `None` once the service should run nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_seen: Option<Timestamp>,
}

/// An alarm after the newest period whose verdict is final. Every later one may change when a late
/// point arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// End of that period.
    pub until: Timestamp,
    /// State after it.
    pub state: AlarmState,
    /// End of the period that led to the state.
    pub since: Timestamp,
    /// OK or ALARM, and since when: the state, or the one before data was missing.
    pub phase: (AlarmState, Timestamp),
    /// How often the alarm began or ended in later periods: these changes have been processed.
    pub changes: usize,
}

/// Since when and why an alarm cannot be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blindness {
    /// End of the newest period when this was first found.
    pub since: Timestamp,
    /// Why.
    pub because: Unseen,
    /// Whether people were notified.
    pub notified: bool,
    /// Whether people were notified of the alarm after that. The notice of missing data also covers
    /// the end of the alarm that was active then, not of a later one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub before_alarm: bool,
}

/// Why an alarm cannot be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Unseen {
    /// The query failed.
    CouldNotAsk,
    /// CloudWatch answered, but has no points where there should be some.
    NoData,
}

impl Remembered {
    /// The state of an alarm without a record: OK, and evaluated up to `at`.
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

    /// Whether it was already in ALARM before the period that ends at `end`.
    pub(super) fn is_alarm_before(&self, end: Timestamp) -> bool {
        self.state == AlarmState::Alarm && self.since < end
    }

    /// Whether a window that ends at `end` is older than the one last evaluated.
    pub(super) fn is_newer_than(&self, end: Timestamp) -> bool {
        end < self.judged_until || self.blind.is_some_and(|blind| end < blind.since)
    }

    /// Whether it can be deleted once no window reaches back to `judged_until`.
    pub fn is_plainly_ok(&self) -> bool {
        (self.state, self.notified, self.blind) == (AlarmState::Ok, AlarmState::Ok, None)
    }
}

/// Identifies an alarm: a rule on a subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmKey {
    /// Name of the rule.
    pub rule: String,
    /// What it evaluates.
    pub subject: Subject,
}

impl fmt::Display for AlarmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.rule, self.subject)
    }
}

/// An alarm as stored in the table.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmRecord {
    /// Which alarm.
    pub key: AlarmKey,
    /// Its state.
    pub memory: Remembered,
    /// Notices that have not been sent. A notice is stored here before it is sent, and removed
    /// after.
    pub pending: Vec<Notice>,
    /// Number of writes so far, so that two runs at once cannot overwrite each other; 0 if it was
    /// never written.
    pub version: u64,
}

impl AlarmRecord {
    /// Whether it can be deleted once no window reaches back to what was evaluated: it is plainly
    /// OK, and no notice is pending.
    pub fn is_over(&self) -> bool {
        self.pending.is_empty() && self.memory.is_plainly_ok()
    }
}

/// A target that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenTarget {
    /// The target, as summaries name it.
    pub name: String,
    /// Time of the first run that could not read it.
    pub since: Timestamp,
    /// Whether people have been notified.
    pub notified: bool,
}

//! The stored state of one alarm.

use super::{Kind, News, Silence};
use crate::clock::Minute;
use crate::verdict::State;

/// An alarm as it must be stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alarm {
    pub(crate) state: State,
    pub(crate) since: Minute,
    pub(crate) judged_until: Minute,
    pub(crate) settled: Option<Settled>,
    /// Whether ALARM was the last notified state, and the time of the last notification.
    pub(crate) notified: bool,
    pub(crate) notified_at: Option<Minute>,
    pub(crate) silenced: Option<Silence>,
    pub(crate) blind: Option<Blind>,
    /// Of `nothing-running`: when an outage was last seen to begin or to end.
    pub(crate) outage_seen: Option<Minute>,
    pub(crate) pending: Vec<News>,
}

/// The alarm after the newest period that no late point can change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settled {
    pub(crate) until: Minute,
    pub(crate) state: State,
    pub(crate) since: Minute,
    /// OK or ALARM, and since when, whatever data is missing.
    pub(crate) phase: (State, Minute),
    /// How many later changes of the phase runs have processed.
    pub(crate) changes: usize,
}

/// Why and since when an alarm cannot be evaluated, and whether that was notified.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Blind {
    pub(crate) since: Minute,
    pub(crate) no_data: bool,
    pub(crate) notified: bool,
    /// Whether the alarm was notified after that.
    pub(crate) before_alarm: bool,
}

impl Alarm {
    /// An unknown alarm counts as OK.
    pub(crate) fn unknown(at: Minute) -> Self {
        Self {
            state: State::Ok,
            since: at,
            judged_until: at,
            settled: None,
            notified: false,
            notified_at: None,
            silenced: None,
            blind: None,
            outage_seen: None,
            pending: Vec::new(),
        }
    }

    /// Whether starting tasks at the end of a run excuse that nothing runs: for one run or five
    /// minutes, and again only after the service has run for two hours or should run nothing.
    pub(crate) fn excuses_a_start(&self, end: Minute) -> bool {
        let starts = self.silenced == Some(Silence::Start) && end - self.since < 5;
        let lasts = self.state == State::Alarm && self.since < end;
        starts || !lasts && self.outage_seen.is_none_or(|seen| seen == end || end - seen >= 120)
    }

    /// Whether a newer run has checked it, even without seeing anything.
    pub(super) fn was_seen_later(&self, end: Minute) -> bool {
        end < self.judged_until || self.blind.is_some_and(|blind| end < blind.since)
    }

    pub(super) fn is_plain(&self) -> bool {
        self.state == State::Ok && !self.notified && self.blind.is_none()
    }

    pub(super) fn notify(&mut self, kind: Kind, at: Minute) {
        self.pending.push(News { kind, at, late: false });
    }

    pub(super) fn ends(&mut self, at: Minute, now: Minute) {
        self.notify(Kind::Ended, at);
        (self.notified, self.notified_at) = (false, Some(now));
    }
}

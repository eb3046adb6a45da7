//! What is remembered of one alarm.

use super::{Kind, News, Silence};
use crate::clock::Minute;
use crate::verdict::State;

/// An alarm as it must be remembered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alarm {
    pub(crate) state: State,
    pub(crate) since: Minute,
    pub(crate) judged_until: Minute,
    pub(crate) settled: Option<Settled>,
    /// Whether people were last notified of ALARM, and when they were notified of anything.
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
    /// How many changes of the phase after it runs have dealt with.
    pub(crate) changes: usize,
}

/// Why and since when an alarm cannot be judged, and whether people were notified.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Blind {
    pub(crate) since: Minute,
    pub(crate) no_data: bool,
    pub(crate) notified: bool,
}

impl Alarm {
    /// An alarm of which nothing is known counts as OK.
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

    /// Whether tasks that are being started at the end of a run excuse that nothing runs: for one run or five minutes, and
    /// again only once the service has run for two hours or should run nothing.
    pub(crate) fn excuses_a_start(&self, end: Minute) -> bool {
        let starts = self.silenced == Some(Silence::Start) && end - self.since < 5;
        let lasts = self.state == State::Alarm && self.since < end;
        starts || !lasts && self.outage_seen.is_none_or(|seen| seen == end || end - seen >= 120)
    }

    /// Whether a newer run has looked at it, though it may not have seen anything.
    pub(super) fn was_seen_later(&self, end: Minute) -> bool {
        end < self.judged_until || self.blind.is_some_and(|blind| end < blind.since)
    }

    pub(super) fn is_plain(&self) -> bool {
        self.state == State::Ok && !self.notified && self.blind.is_none()
    }

    pub(super) fn tell(&mut self, kind: Kind, at: Minute) {
        self.pending.push(News { kind, at, late: false });
    }

    pub(super) fn ends(&mut self, at: Minute, now: Minute) {
        self.tell(Kind::Ended, at);
        (self.notified, self.notified_at) = (false, Some(now));
    }
}

//! Takes an alarm through the periods of a run.

mod notices;

use std::ops::Range;

use jiff::Timestamp;

use super::grid::{Periods, newest};
use super::{Notice, NoticeBody, Observation, Remembered, Settled};
use crate::alarms::evaluate::AlarmState;
use crate::model::series::Reading;
use crate::model::subject::Subject;
use crate::rules::{AlarmRule, MissingData};

/// An alarm while the periods of a run are evaluated.
pub(super) struct Course<'a> {
    rule: &'a AlarmRule,
    subject: &'a Subject,
    observation: &'a Observation<'a>,
    now: Timestamp,
    periods: &'a Periods,
    memory: Remembered,
    /// Whether the state was stored, not assumed.
    is_known: bool,
    /// Distinguishes notices that a late point causes from earlier notices of the same time.
    again: Option<u64>,
    /// The last state other than missing data, and since when.
    phase: (AlarmState, Timestamp),
    /// How often it began or ended since the settled period, and how many of these changes earlier
    /// runs have processed.
    changes: usize,
    done: usize,
    /// Whether something was muted in this run.
    muted: bool,
    newest: Newest,
    notices: Vec<Notice>,
}

/// Whether the newest period was evaluated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Newest {
    Judged,
    /// It waits for points that may still arrive.
    Waits,
    /// A query that it depends on failed.
    Unseen,
}

/// A change of an alarm's state, or none.
#[derive(Clone, Copy)]
struct StateChange {
    from: AlarmState,
    to: AlarmState,
    /// End of the decisive period.
    at: Timestamp,
    /// Since when the subject of the notice had lasted, if known.
    since: Option<Timestamp>,
}

/// The result of a period.
enum Verdict {
    /// The state after the period.
    Is(AlarmState),
    /// The state depends on values that are unknown, perhaps only for now.
    Unsure,
    /// A gap in a partial answer may be a point that was not returned: this period and all later
    /// ones wait for the next run, so that every period is evaluated in order.
    Waits,
}

impl<'a> Course<'a> {
    pub(super) fn new(
        rule: &'a AlarmRule,
        subject: &'a Subject,
        observation: &'a Observation<'a>,
        now: Timestamp,
        periods: &'a Periods,
        memory: Remembered,
        version: Option<u64>,
    ) -> Self {
        let again = version.filter(|_| memory.settled.is_some());
        let phase = (memory.notified, memory.since);
        Self {
            rule,
            subject,
            observation,
            now,
            periods,
            memory,
            is_known: version.is_some(),
            again,
            phase,
            changes: 0,
            done: 0,
            muted: false,
            newest: Newest::Unseen,
            notices: Vec::new(),
        }
    }

    /// Evaluates all periods. Returns the state to store and the notices.
    pub(super) fn run(mut self) -> (Remembered, Vec<Notice>) {
        if !matches!(&*self.observation.reading, Reading::Unread(_)) {
            self.judge_all();
        }
        self.conclude();
        self.remind();
        (self.memory, self.notices)
    }

    fn range_of(&self, period: usize) -> Range<usize> {
        newest(period, self.rule.condition.evaluation_range())
    }

    fn newest(&self) -> usize {
        self.periods.len() - 1
    }

    fn newest_end(&self) -> Timestamp {
        self.periods.end(self.newest())
    }

    /// Where evaluation begins: after the settled period, if the periods reach back to it;
    /// otherwise after the newest change, since which the state has been the same up to the newest
    /// evaluated period.
    fn begin(&mut self) -> Settled {
        let Remembered { state, since, judged_until, settled, .. } = self.memory;
        let first = self.periods.first_whole(self.rule.condition.evaluation_range());
        let phase = (if state == AlarmState::InsufficientData { self.memory.notified } else { state }, since);
        let from = |until| Settled { until, state, since, phase, changes: 0 };
        let begin = match settled {
            None => from(judged_until),
            Some(settled) if self.periods.after(settled.until) >= first => settled,
            Some(_) => from(since),
        };
        (self.memory.state, self.memory.since, self.done) = (begin.state, begin.since, begin.changes);
        self.phase = begin.phase;
        begin
    }

    /// Evaluates all periods whose verdict is not final, in order.
    fn judge_all(&mut self) {
        let before = (self.memory.state, self.memory.since);
        let begin = self.begin();
        let whole = self.periods.first_whole(self.rule.condition.evaluation_range());
        let first = self.periods.after(begin.until).max(whole);
        // Periods before the first whole range are never evaluated again.
        let until = begin.until.max(self.periods.end(whole) - self.rule.period.length());
        let (mut settled, mut is_final) = (Settled { changes: 0, until, ..begin }, true);
        let mut judged_until = begin.until;
        if first >= self.periods.len() {
            // The same run may be repeated.
            let newest = self.newest();
            let waits = self.has_open(newest) && matches!(self.verdict(newest), Verdict::Unsure);
            self.newest = if waits { Newest::Waits } else { Newest::Judged };
        }
        for period in first..self.periods.len() {
            let end = self.periods.end(period);
            let verdict = self.verdict(period);
            let has_open = self.has_open(period);
            is_final &= !has_open;
            match verdict {
                // Verdicts of earlier runs, which had more data than this one, stay.
                Verdict::Waits if self.changes < self.done => {
                    (self.memory.state, self.memory.since) = before;
                    return;
                }
                Verdict::Waits => break,
                Verdict::Unsure => {
                    let waits = has_open && period == self.newest();
                    self.newest = if waits { Newest::Waits } else { Newest::Unseen };
                    if has_open {
                        judged_until = end;
                    }
                }
                Verdict::Is(state) => {
                    self.judge(period, state);
                    judged_until = end;
                    self.newest = if period == self.newest() { Newest::Judged } else { Newest::Unseen };
                    if is_final {
                        let Remembered { state, since, .. } = self.memory;
                        settled =
                            Settled { until: end, state, since, phase: self.phase, changes: self.changes };
                    }
                }
            }
        }
        self.reconcile();
        self.settle(settled, judged_until);
    }

    /// A late point may undo a change that earlier runs have processed. If people were notified of
    /// a phase other than the current one, one notice at the newest period corrects that, whatever
    /// the hold: the alarm never existed.
    fn reconcile(&mut self) {
        if self.changes >= self.done {
            return;
        }
        self.done = self.changes;
        let (newest, end, since) = (self.newest(), self.newest_end(), self.memory.since);
        match (self.phase.0, self.memory.notified) {
            (AlarmState::Ok, AlarmState::Alarm) => {
                let (from, to) = (AlarmState::Alarm, AlarmState::Ok);
                let evaluation = self.evaluation(newest);
                self.push(StateChange { from, to, at: end, since: None }, NoticeBody::Ended { evaluation });
                (self.memory.notified, self.memory.notified_at) = (AlarmState::Ok, Some(self.now));
            }
            (AlarmState::Alarm, AlarmState::Ok) => {
                self.memory.since = end;
                self.notify(newest, AlarmState::Ok, None);
                self.memory.since = since;
            }
            _ => {}
        }
    }

    fn settle(&mut self, settled: Settled, judged_until: Timestamp) {
        // The same run may be repeated.
        let is_later = self.memory.judged_until < self.newest_end();
        self.memory.judged_until = self.memory.judged_until.max(judged_until);
        // A muted alarm is notified later in another way; without any value there is nothing to
        // revise.
        let is_settled = settled.until >= self.memory.judged_until || self.muted || self.periods.is_silent();
        let changes = self.changes.saturating_sub(settled.changes);
        self.memory.settled = (!is_settled).then_some(Settled { changes, ..settled });
        // For an alarm whose data went missing, that notification also covers its end; there is no
        // other one. Not while a verdict that is evaluated again is still ALARM: it would be
        // notified a second time.
        let blind_notified = self.memory.blind.is_some_and(|blind| blind.notified && !blind.before_alarm);
        let is_missing = [self.memory.state, settled.state] == [AlarmState::InsufficientData; 2];
        let is_over = is_missing && changes == 0 && self.periods.is_silent_since_aged_out();
        // An alarm notified in this very run stays notified until a later one.
        let was_notified =
            self.memory.notified == AlarmState::Alarm && self.memory.notified_at != Some(self.now);
        if is_over && is_later && blind_notified && was_notified {
            (self.memory.notified, self.memory.notified_at) = (AlarmState::Ok, Some(self.now));
            let phase = (AlarmState::Ok, self.newest_end());
            self.memory.settled = self.memory.settled.map(|settled| Settled { phase, ..settled });
        }
    }

    /// Whether a point that may still arrive could change the verdict on this period.
    fn has_open(&self, period: usize) -> bool {
        let range = self.range_of(period);
        let n = self.rule.condition.evaluation_periods as usize;
        let decides = self.periods.values(newest(period, n));
        decides.iter().any(Option::is_none) && !self.periods.open(&range).is_empty()
    }

    fn verdict(&self, period: usize) -> Verdict {
        let range = self.range_of(period);
        let values = self.periods.values(range.clone());
        let condition = &self.rule.condition;
        let current = self.memory.state;
        if values.iter().all(Option::is_some) {
            return Verdict::Is(condition.next_state(values, current));
        }
        let mut unknown = self.periods.unread(&range);
        let is_complete = matches!(&*self.observation.reading, Reading::Complete(_));
        if !is_complete && unknown.is_empty() {
            return Verdict::Waits;
        }
        let is_empty = values.iter().all(Option::is_none) && unknown.is_empty();
        // The two explicit treatments give a gap its meaning at once, as in CloudWatch. With the
        // others, the verdict waits for a point that may still arrive, unless it makes no
        // difference.
        let waits = matches!(condition.treat_missing_data, MissingData::Missing | MissingData::Ignore);
        if waits && !is_empty {
            unknown.extend(self.periods.open(&range));
        }
        condition.sure_state(values, &unknown, current).map_or(Verdict::Unsure, Verdict::Is)
    }

    /// Processes the verdict on one period.
    fn judge(&mut self, period: usize, verdict: AlarmState) {
        let end = self.periods.end(period);
        let (from, since) = (self.memory.state, self.memory.since);
        // An alarm that was never notified need not be kept from flapping.
        let is_notified = self.memory.notified == AlarmState::Alarm || self.changes < self.done;
        let held = from == AlarmState::Alarm && is_notified && end.duration_since(since) < self.rule.hold;
        let to = if held { from } else { verdict };
        if to != from {
            self.change(period, to);
        }
        if self.changes >= self.done {
            self.notify(period, from, self.is_known.then_some(since));
        }
        self.is_known |= to != from;
    }

    fn change(&mut self, period: usize, to: AlarmState) {
        let end = self.periods.end(period);
        let from = (self.memory.state, self.memory.since);
        if to == AlarmState::InsufficientData {
            (self.memory.state, self.memory.since, self.memory.muted) = (to, end, None);
            // Missing samples never arrive, so this is the end of the alarm.
            if !self.periods.can_be_late() && self.memory.notified == AlarmState::Alarm {
                let since = self.periods.newest_value_end();
                let evaluation = self.evaluation(period);
                let body = NoticeBody::NoData { evaluation, why: None };
                self.push(StateChange { from: from.0, to, at: end, since }, body);
                (self.memory.notified, self.memory.notified_at) = (AlarmState::Ok, Some(self.now));
                self.phase = (AlarmState::Ok, end);
            }
            return;
        }
        if to == self.phase.0 {
            // The state is the same as before data was missing.
            (self.memory.state, self.memory.since) = self.phase;
            return;
        }
        self.changes += 1;
        let is_new = self.changes > self.done;
        (self.memory.state, self.memory.since) = (to, end);
        self.phase = (to, end);
        if is_new && to == AlarmState::Ok && self.memory.notified == AlarmState::Alarm {
            let since = (from.0 == AlarmState::Alarm).then_some(from.1);
            let evaluation = self.evaluation(period);
            self.push(StateChange { from: from.0, to, at: end, since }, NoticeBody::Ended { evaluation });
            (self.memory.notified, self.memory.notified_at) = (AlarmState::Ok, Some(self.now));
        }
        if is_new {
            self.memory.muted = None;
        }
    }
}

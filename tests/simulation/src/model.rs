//! What the engine promises about one alarm, period by period: `docs/delivery.md` and the rules of the user's file in
//! simple code. It knows nothing of the engine's own.

mod alarm;
mod notify;

use crate::clock::Minute;
use crate::rule::{Rule, Treat, What};
use crate::verdict::State;
pub(crate) use alarm::{Alarm, Blind, Settled};
pub(crate) use notify::gone;
use notify::{begin, blind, remind, seen, unseen};

/// What kind of thing people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Began,
    Ended,
    Reminder,
    Blind,
    NoData,
    SeenAgain,
    Gone,
}

/// Something to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct News {
    pub(crate) kind: Kind,
    /// End of the period that it is about.
    pub(crate) at: Minute,
    /// Whether it comes late because the alarm was kept silent.
    pub(crate) late: bool,
}

/// Why nothing is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    Maintenance,
    Deployment,
    /// Tasks are being started.
    Start,
    Unless,
}

/// What a run sees of an alarm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Observation {
    /// Values by period, oldest first; the last period is the newest that is complete.
    pub(crate) values: Vec<Option<f64>>,
    /// Ends of the periods. Those of samples are as far apart as runs are.
    pub(crate) ends: Vec<Minute>,
    /// Of samples, whether nothing is known of a period, nor ever will be.
    pub(crate) unknown: Vec<bool>,
    /// End of the newest period.
    pub(crate) end: Minute,
    pub(crate) answer: Answer,
    /// What keeps it silent, but the rule's own maintenance.
    pub(crate) silence: Option<Silence>,
    /// Time of the run.
    pub(crate) now: Minute,
    /// Whether the service should run no task.
    pub(crate) idle: bool,
    /// Number of the oldest periods that cannot get a point any more.
    pub(crate) aged: usize,
    /// Whether ECS says that tasks run, if the metric has points whenever one does.
    pub(crate) runs: bool,
}

/// How far an answer can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Whole,
    /// What is not there may be there.
    Part,
    None,
}

/// The alarm after a run; none if a newer run has seen it.
pub(crate) fn after(rule: &Rule, before: Option<&Alarm>, sight: &Observation) -> Option<Alarm> {
    if sight.values.is_empty() || before.is_some_and(|alarm| alarm.was_seen_later(sight.end)) {
        return None;
    }
    // A service that is new is not judged by whether it runs.
    let is_silent = sight.answer == Answer::Whole && sight.values.iter().all(Option::is_none);
    if rule.what == What::NothingRunning && is_silent {
        return None;
    }
    let unknown = || Alarm::unknown(sight.ends[0] - rule.period);
    let mut alarm = before.cloned().unwrap_or_else(unknown);
    let old = alarm.state;
    let newest = judge_all(rule, &mut alarm, sight);
    match unseen(rule, &alarm, sight, newest) {
        None => seen(rule, &mut alarm, sight),
        Some(no_data) => blind(rule, &mut alarm, sight, no_data),
    }
    remind(rule, &mut alarm, sight);
    if rule.what == What::NothingRunning {
        if sight.idle {
            alarm.outage_seen = None;
        } else if alarm.state != old && [alarm.state, old].contains(&State::Alarm) {
            alarm.outage_seen = Some(sight.end);
        }
    }
    Some(alarm)
}

/// The same; none as well if nothing changes that must be written.
pub(crate) fn changed(rule: &Rule, before: Option<&Alarm>, sight: &Observation) -> Option<Alarm> {
    let alarm = after(rule, before, sight)?;
    let Alarm { judged_until, settled, .. } = alarm;
    let as_before = before.cloned().unwrap_or_else(|| Alarm::unknown(alarm.since));
    (alarm != Alarm { judged_until, settled, ..as_before }).then_some(alarm)
}

/// The evaluation range that ends with a period: its places, and the first that may still get a point.
fn range(rule: &Rule, period: usize) -> std::ops::Range<usize> {
    (period + 1).saturating_sub(rule.condition.n + 2)..period + 1
}

/// What may be judged after an instant: whole ranges, in order, up to a gap in a part of an answer, which may be a value.
pub(crate) fn judged(rule: &Rule, sight: &Observation, until: Minute) -> Vec<(usize, Minute)> {
    if sight.answer == Answer::None {
        return Vec::new();
    }
    let count = sight.values.len();
    let first = count.min(rule.condition.n + 2) - 1;
    // Of a sample that could not be taken it is known that nothing is known.
    let is_sure = |period: &usize| {
        let range = range(rule, *period);
        sight.answer == Answer::Whole
            || !sight.values[range.clone()].contains(&None)
            || sight.unknown[range].contains(&true)
    };
    let periods = (first..count).filter(|period| sight.ends[*period] > until);
    periods.take_while(is_sure).map(|period| (period, sight.ends[period])).collect()
}

/// Whether a late point may change what the period is judged to be.
fn is_open(rule: &Rule, sight: &Observation, period: usize) -> bool {
    let range = range(rule, period);
    let newest = (period + 1).saturating_sub(rule.condition.n)..period + 1;
    sight.values[newest].contains(&None)
        && range.into_iter().any(|place| place >= sight.aged && sight.values[place].is_none())
}

/// The state after a period; none while it depends on points that may still come, or on what is not known.
fn verdict(rule: &Rule, sight: &Observation, period: usize, current: State) -> Option<State> {
    let range = range(rule, period);
    let unknown = &sight.unknown[range.clone()];
    let is_empty = sight.values[range.clone()].iter().all(Option::is_none) && !unknown.contains(&true);
    let waits = matches!(rule.condition.treat, Treat::Missing | Treat::Ignore) && !is_empty;
    let may_be = |place: &usize| sight.unknown[*place] || waits && *place >= sight.aged;
    let with = |value: Option<f64>| {
        let fill = |place: usize| sight.values[place].or(value.filter(|_| may_be(&place)));
        let values: Vec<Option<f64>> = range.clone().map(fill).collect();
        rule.condition.next(&values, current)
    };
    let plain = with(None);
    let is_sure = [f64::MAX, f64::MIN].into_iter().all(|value| with(Some(value)) == plain);
    is_sure.then_some(plain)
}

/// What became of the newest period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newest {
    Judged,
    /// It depends on points that may still come.
    Waits,
    Unknown,
}

/// Judges again what is not settled. Changes that earlier runs have dealt with make no news.
fn judge_all(rule: &Rule, alarm: &mut Alarm, sight: &Observation) -> Newest {
    if sight.answer == Answer::None {
        return Newest::Unknown;
    }
    let before = alarm.clone();
    let count = sight.values.len();
    let first = count.min(rule.condition.n + 2) - 1;
    let end = |period: usize| sight.ends[period];
    let is_there = |settled: &Settled| settled.until >= end(first) - rule.period || count == 1;
    let phase = if alarm.state != State::Blank {
        alarm.state
    } else if alarm.notified {
        State::Alarm
    } else {
        State::Ok
    };
    let Alarm { state, since, judged_until, .. } = *alarm;
    // Behind the newest change the state is the same up to where was judged.
    let unsettled = if alarm.settled.is_some() { since } else { judged_until };
    let from = alarm.settled.filter(is_there).unwrap_or(Settled {
        until: unsettled,
        state,
        since,
        phase: (phase, since),
        changes: 0,
    });
    (alarm.state, alarm.since) = (from.state, from.since);
    let mut way =
        Way { rule, sight, alarm, phase: from.phase, changes: 0, done: from.changes, silent: false };
    let mut settled = Settled { until: from.until.max(end(first) - rule.period), changes: 0, ..from };
    let (mut is_final, mut until) = (true, from.until);
    let mut newest = Newest::Unknown;
    let periods = judged(rule, sight, from.until);
    let reaches = periods.last().map_or(from.until, |(_, end)| *end) >= sight.end;
    for (period, end) in periods {
        let open = is_open(rule, sight, period);
        is_final &= !open;
        let is_newest = end == sight.end;
        match verdict(rule, sight, period, way.alarm.state) {
            None if open => {
                until = end;
                newest = if is_newest { Newest::Waits } else { Newest::Unknown };
            }
            None => newest = Newest::Unknown,
            Some(state) => {
                way.judge(state, end);
                until = end;
                newest = if is_newest { Newest::Judged } else { Newest::Unknown };
                if is_final {
                    let Alarm { state, since, .. } = *way.alarm;
                    settled = Settled { until: end, state, since, phase: way.phase, changes: way.changes };
                }
            }
        }
    }
    if from.until >= sight.end {
        // The same run may come again.
        let waits = sight.answer == Answer::Whole
            && is_open(rule, sight, count - 1)
            && verdict(rule, sight, count - 1, way.alarm.state).is_none();
        newest = if waits { Newest::Waits } else { Newest::Judged };
    }
    if !reaches && way.changes < way.done {
        // Earlier runs had more data: what they found stays.
        (way.alarm.state, way.alarm.since) = (before.state, before.since);
        return Newest::Unknown;
    }
    way.reconcile();
    let Way { changes, silent, .. } = way;
    alarm.judged_until = alarm.judged_until.max(until);
    let has_data = sight.values.iter().any(Option::is_some);
    let is_open = settled.until < alarm.judged_until && !silent && has_data;
    alarm.settled = is_open.then_some(Settled { changes: changes - settled.changes, ..settled });
    // An alarm whose data never came back was notified with that.
    let is_over = before.judged_until < sight.end
        && alarm.state == State::Blank
        && settled.state == State::Blank
        && changes == settled.changes
        && sight.values.iter().skip(sight.aged).all(Option::is_none)
        && before.blind.is_some_and(|blind| blind.notified);
    if is_over && alarm.notified && alarm.notified_at != Some(sight.now) {
        (alarm.notified, alarm.notified_at) = (false, Some(sight.now));
        let phase = (State::Ok, sight.end);
        alarm.settled = alarm.settled.map(|settled| Settled { phase, ..settled });
    }
    newest
}

/// An alarm on its way through the periods.
struct Way<'a> {
    rule: &'a Rule,
    sight: &'a Observation,
    alarm: &'a mut Alarm,
    phase: (State, Minute),
    /// Changes of the phase so far, and how many of them are no news.
    changes: usize,
    done: usize,
    /// Whether something was kept silent.
    silent: bool,
}

impl Way<'_> {
    fn judge(&mut self, verdict: State, end: Minute) {
        let is_known = self.alarm.notified || self.changes < self.done;
        let is_held = self.alarm.state == State::Alarm && is_known && end - self.alarm.since < self.rule.hold;
        if !is_held && verdict != self.alarm.state {
            self.change(verdict, end);
        }
        if self.changes >= self.done {
            self.silent |= begin(self.rule, self.alarm, self.sight, end);
        }
    }

    fn change(&mut self, state: State, end: Minute) {
        if state == State::Blank {
            (self.alarm.state, self.alarm.since, self.alarm.silenced) = (state, end, None);
            // Samples that are missing never come, so that this is its end.
            if self.rule.what.is_sampled() && self.alarm.notified {
                self.alarm.tell(Kind::NoData, end);
                (self.alarm.notified, self.alarm.notified_at) = (false, Some(self.sight.now));
                self.phase = (State::Ok, end);
            }
        } else if state == self.phase.0 {
            (self.alarm.state, self.alarm.since) = self.phase;
        } else {
            self.changes += 1;
            self.phase = (state, end);
            (self.alarm.state, self.alarm.since) = self.phase;
            if self.changes > self.done {
                self.alarm.silenced = None;
                if state == State::Ok && self.alarm.notified {
                    self.alarm.ends(end, self.sight.now);
                }
            }
        }
    }

    /// Late points have undone a change that people may have been notified of.
    fn reconcile(&mut self) {
        if self.changes >= self.done {
            return;
        }
        let end = self.sight.end;
        match self.phase.0 {
            State::Ok if self.alarm.notified => self.alarm.ends(end, self.sight.now),
            State::Alarm if self.alarm.state == State::Alarm => {
                let since = std::mem::replace(&mut self.alarm.since, end);
                self.silent |= begin(self.rule, self.alarm, self.sight, end);
                self.alarm.since = since;
            }
            _ => {}
        }
    }
}

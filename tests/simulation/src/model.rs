//! What the engine promises about one alarm, period by period: `docs/delivery.md` and the rules of
//! the user's file in simple code, independent of the engine's code.

mod alarm;
mod notify;

use crate::clock::Minute;
use crate::rule::{Rule, Treat, What};
use crate::verdict::State;
pub(crate) use alarm::{Alarm, Blind, Settled};
pub(crate) use notify::deleted;
use notify::{begin, blind, remind, seen, unseen};

/// The kind of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Began,
    Ended,
    Reminder,
    Blind,
    NoData,
    SeenAgain,
    Deleted,
}

/// A notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct News {
    pub(crate) kind: Kind,
    /// End of its period.
    pub(crate) at: Minute,
    /// Whether it comes late because the alarm was muted.
    pub(crate) late: bool,
}

/// Why an alarm is muted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    Maintenance,
    Deployment,
    /// Tasks are being started.
    Start,
    Unless,
}

/// A run's input for an alarm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Observation {
    /// Values by period, oldest first; the last period is the newest complete one.
    pub(crate) values: Vec<Option<f64>>,
    /// Ends of the periods. Samples are as far apart as runs.
    pub(crate) ends: Vec<Minute>,
    /// For samples, whether a period is unknown and will remain so.
    pub(crate) unknown: Vec<bool>,
    /// Where the window begins. Periods between it and the first one were not requested, because
    /// they have a value.
    pub(crate) begins: Minute,
    /// End of the newest period.
    pub(crate) end: Minute,
    pub(crate) answer: Answer,
    /// What mutes it, except the rule's own maintenance.
    pub(crate) silence: Option<Silence>,
    /// Time of the run.
    pub(crate) now: Minute,
    /// Whether the service should run no task.
    pub(crate) idle: bool,
    /// Number of the oldest periods that can get no more points.
    pub(crate) aged: usize,
    /// Whether ECS reports running tasks, if the metric has points whenever one runs.
    pub(crate) runs: bool,
}

/// How far a response can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Whole,
    /// Missing points may exist.
    Part,
    None,
}

/// The alarm after a run; `None` if a newer run has seen it.
pub(crate) fn after(rule: &Rule, before: Option<&Alarm>, observation: &Observation) -> Option<Alarm> {
    if observation.values.is_empty() || before.is_some_and(|alarm| alarm.was_seen_later(observation.end)) {
        return None;
    }
    // A new service is not evaluated for running tasks.
    let is_silent = observation.answer == Answer::Whole && observation.values.iter().all(Option::is_none);
    if rule.what == What::NothingRunning && is_silent {
        return None;
    }
    let unknown = || Alarm::unknown(observation.ends[0] - rule.period);
    let mut alarm = before.cloned().unwrap_or_else(unknown);
    let old = alarm.state;
    let newest = judge_all(rule, &mut alarm, observation);
    match unseen(rule, &alarm, observation, newest) {
        None => seen(rule, &mut alarm, observation),
        Some(no_data) => blind(rule, &mut alarm, observation, no_data),
    }
    remind(rule, &mut alarm, observation);
    if rule.what == What::NothingRunning {
        if observation.idle {
            alarm.outage_seen = None;
        } else if alarm.state != old && [alarm.state, old].contains(&State::Alarm) {
            alarm.outage_seen = Some(observation.end);
        }
    }
    Some(alarm)
}

/// The same; also `None` if nothing changes that must be written.
pub(crate) fn changed(rule: &Rule, before: Option<&Alarm>, observation: &Observation) -> Option<Alarm> {
    let alarm = after(rule, before, observation)?;
    let Alarm { judged_until, settled, .. } = alarm;
    let as_before = before.cloned().unwrap_or_else(|| Alarm::unknown(alarm.since));
    (alarm != Alarm { judged_until, settled, ..as_before }).then_some(alarm)
}

/// The evaluation range that ends with a period: its places, and the first that may still get a
/// point.
fn range(rule: &Rule, period: usize) -> std::ops::Range<usize> {
    (period + 1).saturating_sub(rule.condition.n + 2)..period + 1
}

/// What may be evaluated after an instant: whole ranges, in order, up to a gap in a partial
/// response, which may be a value.
pub(crate) fn judged(rule: &Rule, observation: &Observation, until: Minute) -> Vec<(usize, Minute)> {
    if observation.answer == Answer::None {
        return Vec::new();
    }
    let count = observation.values.len();
    let first = count.min(rule.condition.n + 2) - 1;
    // A sample that could not be taken is known to be unknown.
    let is_sure = |period: &usize| {
        let range = range(rule, *period);
        observation.answer == Answer::Whole
            || !observation.values[range.clone()].contains(&None)
            || observation.unknown[range].contains(&true)
    };
    let periods = (first..count).filter(|period| observation.ends[*period] > until);
    periods.take_while(is_sure).map(|period| (period, observation.ends[period])).collect()
}

/// Whether a late point may change the result of the period.
fn is_open(rule: &Rule, observation: &Observation, period: usize) -> bool {
    let range = range(rule, period);
    let newest = (period + 1).saturating_sub(rule.condition.n)..period + 1;
    observation.values[newest].contains(&None)
        && range.into_iter().any(|place| place >= observation.aged && observation.values[place].is_none())
}

/// The state after a period; `None` while it depends on points that may still arrive, or on unknown
/// ones.
fn verdict(rule: &Rule, observation: &Observation, period: usize, current: State) -> Option<State> {
    let range = range(rule, period);
    let unknown = &observation.unknown[range.clone()];
    let is_empty = observation.values[range.clone()].iter().all(Option::is_none) && !unknown.contains(&true);
    let waits = matches!(rule.condition.treat, Treat::Missing | Treat::Ignore) && !is_empty;
    let may_be = |place: &usize| observation.unknown[*place] || waits && *place >= observation.aged;
    let with = |value: Option<f64>| {
        let fill = |place: usize| observation.values[place].or(value.filter(|_| may_be(&place)));
        let values: Vec<Option<f64>> = range.clone().map(fill).collect();
        rule.condition.next(&values, current)
    };
    let plain = with(None);
    let is_sure = [f64::MAX, f64::MIN].into_iter().all(|value| with(Some(value)) == plain);
    is_sure.then_some(plain)
}

/// The result of the newest period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newest {
    Judged,
    /// It depends on points that may still arrive.
    Waits,
    Unknown,
}

/// Evaluates unsettled periods again. Changes that earlier runs have processed give no
/// notification.
fn judge_all(rule: &Rule, alarm: &mut Alarm, observation: &Observation) -> Newest {
    if observation.answer == Answer::None {
        return Newest::Unknown;
    }
    let before = alarm.clone();
    let count = observation.values.len();
    let first = count.min(rule.condition.n + 2) - 1;
    let end = |period: usize| observation.ends[period];
    let is_there = |settled: &Settled| settled.until >= end(first) - rule.period || count == 1;
    let phase = if alarm.state != State::Blank {
        alarm.state
    } else if alarm.notified {
        State::Alarm
    } else {
        State::Ok
    };
    let Alarm { state, since, judged_until, .. } = *alarm;
    // After the newest change the state is the same up to the end of the evaluation.
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
        Way { rule, observation, alarm, phase: from.phase, changes: 0, done: from.changes, silent: false };
    let mut settled = Settled { until: from.until.max(end(first) - rule.period), changes: 0, ..from };
    let (mut is_final, mut until) = (true, from.until);
    let mut newest = Newest::Unknown;
    let periods = judged(rule, observation, from.until);
    let reaches = periods.last().map_or(from.until, |(_, end)| *end) >= observation.end;
    for (period, end) in periods {
        let open = is_open(rule, observation, period);
        is_final &= !open;
        let is_newest = end == observation.end;
        match verdict(rule, observation, period, way.alarm.state) {
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
    if from.until >= observation.end {
        // The same run may be repeated.
        let waits = observation.answer == Answer::Whole
            && is_open(rule, observation, count - 1)
            && verdict(rule, observation, count - 1, way.alarm.state).is_none();
        newest = if waits { Newest::Waits } else { Newest::Judged };
    }
    if !reaches && way.changes < way.done {
        // Earlier runs had more data: their results stay.
        (way.alarm.state, way.alarm.since) = (before.state, before.since);
        return Newest::Unknown;
    }
    way.reconcile();
    let Way { changes, silent, .. } = way;
    alarm.judged_until = alarm.judged_until.max(until);
    let has_data = observation.values.iter().any(Option::is_some);
    let is_open = settled.until < alarm.judged_until && !silent && has_data;
    alarm.settled = is_open.then_some(Settled { changes: changes - settled.changes, ..settled });
    // An alarm whose data never returned was notified as without data.
    let is_over = before.judged_until < observation.end
        && alarm.state == State::Blank
        && settled.state == State::Blank
        && changes == settled.changes
        && observation.values.iter().skip(observation.aged).all(Option::is_none)
        && alarm.blind.is_some_and(|blind| blind.notified && !blind.before_alarm);
    if is_over && alarm.notified && alarm.notified_at != Some(observation.now) {
        (alarm.notified, alarm.notified_at) = (false, Some(observation.now));
        let phase = (State::Ok, observation.end);
        alarm.settled = alarm.settled.map(|settled| Settled { phase, ..settled });
    }
    newest
}

/// An alarm on its way through the periods.
struct Way<'a> {
    rule: &'a Rule,
    observation: &'a Observation,
    alarm: &'a mut Alarm,
    phase: (State, Minute),
    /// Changes of the phase so far, and how many of them give no notification.
    changes: usize,
    done: usize,
    /// Whether something was muted.
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
            self.silent |= begin(self.rule, self.alarm, self.observation, end);
        }
    }

    fn change(&mut self, state: State, end: Minute) {
        if state == State::Blank {
            (self.alarm.state, self.alarm.since, self.alarm.silenced) = (state, end, None);
            // Missing samples never arrive, so this is its end.
            if self.rule.what.is_sampled() && self.alarm.notified {
                self.alarm.notify(Kind::NoData, end);
                (self.alarm.notified, self.alarm.notified_at) = (false, Some(self.observation.now));
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
                    self.alarm.ends(end, self.observation.now);
                }
            }
        }
    }

    /// Late points have undone a change that may have been notified.
    fn reconcile(&mut self) {
        if self.changes >= self.done {
            return;
        }
        let end = self.observation.end;
        match self.phase.0 {
            State::Ok if self.alarm.notified => self.alarm.ends(end, self.observation.now),
            State::Alarm if self.alarm.state == State::Alarm => {
                let since = std::mem::replace(&mut self.alarm.since, end);
                self.silent |= begin(self.rule, self.alarm, self.observation, end);
                self.alarm.since = since;
            }
            _ => {}
        }
    }
}

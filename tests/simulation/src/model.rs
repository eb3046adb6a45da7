//! What the engine promises about one alarm, period by period: `docs/delivery.md` and the rules of the user's file in
//! simple code. It knows nothing of the engine's own.

use crate::clock::Minute;
use crate::rule::{Rule, What};
use crate::verdict::State;

/// What kind of thing people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Began,
    Ended,
    Reminder,
    Blind,
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
pub(crate) struct Sight {
    /// Values by period, oldest first; the last period is the newest that is complete.
    pub(crate) values: Vec<Option<f64>>,
    /// End of the newest period.
    pub(crate) end: Minute,
    pub(crate) answer: Answer,
    /// What keeps it silent, but the rule's own maintenance.
    pub(crate) silence: Option<Silence>,
    /// Time of the run.
    pub(crate) now: Minute,
    /// Whether the service should run no task.
    pub(crate) idle: bool,
}

/// How far an answer can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Whole,
    /// What is not there may be there.
    Part,
    None,
}

/// An alarm as it must be remembered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alarm {
    pub(crate) state: State,
    pub(crate) since: Minute,
    pub(crate) judged_until: Minute,
    /// Whether people were last told that it is in ALARM, and when they were told anything.
    pub(crate) told: bool,
    pub(crate) told_at: Option<Minute>,
    pub(crate) silenced: Option<Silence>,
    pub(crate) blind_since: Option<Minute>,
    pub(crate) blind_told: bool,
    /// Of `nothing-running`: when an outage was last seen to begin or to end.
    pub(crate) outage_seen: Option<Minute>,
    pub(crate) untold: Vec<News>,
}

impl Alarm {
    /// An alarm of which nothing is known counts as OK.
    pub(crate) fn unknown(at: Minute) -> Self {
        Self {
            state: State::Ok,
            since: at,
            judged_until: at,
            told: false,
            told_at: None,
            silenced: None,
            blind_since: None,
            blind_told: false,
            outage_seen: None,
            untold: Vec::new(),
        }
    }

    /// Whether tasks that are being started at the end of a run excuse that nothing runs: for one run, and again only once
    /// the service has run for an hour or should run nothing.
    pub(crate) fn excuses_a_start(&self, end: Minute) -> bool {
        let lasts = self.state == State::Alarm && self.since < end;
        !lasts && self.outage_seen.is_none_or(|seen| seen == end || end - seen >= 60)
    }

    /// Whether a newer run has looked at it, though it may not have seen anything.
    fn was_seen_later(&self, end: Minute) -> bool {
        end < self.judged_until || self.blind_since.is_some_and(|since| end < since)
    }

    fn is_plain(&self) -> bool {
        self.state == State::Ok && !self.told && self.blind_since.is_none()
    }
}

/// The alarm after a run; none if the run changes nothing.
pub(crate) fn after(rule: &Rule, before: Option<&Alarm>, sight: &Sight) -> Option<Alarm> {
    if before.is_some_and(|alarm| alarm.was_seen_later(sight.end)) {
        return None;
    }
    let begins = sight.end - length(&sight.values) * rule.period;
    let mut alarm = before.cloned().unwrap_or_else(|| Alarm::unknown(begins));
    let old = alarm.clone();
    for (period, end) in judged(rule, sight, alarm.judged_until) {
        judge(rule, &mut alarm, sight, period, end);
    }
    if sight.answer == Answer::Whole {
        alarm.judged_until = sight.end;
    }
    if alarm.judged_until == sight.end {
        seen(rule, &mut alarm, sight);
    } else {
        unseen(rule, &mut alarm, sight);
    }
    remind(rule, &mut alarm, sight);
    if rule.what == What::NothingRunning {
        if sight.idle {
            alarm.outage_seen = None;
        } else if alarm.state != old.state && [alarm.state, old.state].contains(&State::Alarm) {
            alarm.outage_seen = Some(sight.end);
        }
    }
    let changed = alarm != Alarm { judged_until: alarm.judged_until, ..old };
    changed.then_some(alarm)
}

fn length(values: &[Option<f64>]) -> Minute {
    i64::try_from(values.len()).unwrap()
}

/// The evaluation range that ends with a period.
fn range<'a>(rule: &Rule, sight: &'a Sight, period: usize) -> &'a [Option<f64>] {
    &sight.values[(period + 1).saturating_sub(rule.condition.n + 2)..=period]
}

/// The periods that this run judges, with their ends: in order, on whole ranges, and none twice.
pub(crate) fn judged(rule: &Rule, sight: &Sight, until: Minute) -> Vec<(usize, Minute)> {
    let mut periods = Vec::new();
    if sight.answer == Answer::None {
        return periods;
    }
    let count = sight.values.len();
    for period in 0..count {
        let end = sight.end - (length(&sight.values) - 1 - i64::try_from(period).unwrap()) * rule.period;
        let whole = period + 1 >= rule.condition.n + 2 || period + 1 == count;
        if !whole || end <= until {
            continue;
        }
        // A gap in a part of an answer may be a value: this period and all later ones wait.
        if sight.answer == Answer::Part && range(rule, sight, period).contains(&None) {
            break;
        }
        periods.push((period, end));
    }
    periods
}

fn judge(rule: &Rule, alarm: &mut Alarm, sight: &Sight, period: usize, end: Minute) {
    let mut state = rule.condition.next(range(rule, sight, period), alarm.state);
    if alarm.told && end - alarm.since < rule.hold {
        state = State::Alarm;
    }
    alarm.judged_until = end;
    if state != alarm.state {
        if alarm.told {
            tell(alarm, Kind::Ended, end);
            (alarm.told, alarm.told_at) = (false, Some(sight.now));
        }
        (alarm.state, alarm.since, alarm.silenced) = (state, end, None);
    }
    begin(rule, alarm, sight, end);
}

fn tell(alarm: &mut Alarm, kind: Kind, at: Minute) {
    alarm.untold.push(News { kind, at, late: false });
}

/// Tells an alarm that people do not know of, unless something keeps it silent at the end of this period.
fn begin(rule: &Rule, alarm: &mut Alarm, sight: &Sight, end: Minute) {
    if alarm.state != State::Alarm || alarm.told {
        return;
    }
    if let Some(silence) = silence(rule, sight, end) {
        alarm.silenced = Some(silence);
        return;
    }
    // When a deployment or another alarm ended is known no better than by the run.
    let by_run = matches!(alarm.silenced, Some(Silence::Deployment | Silence::Start | Silence::Unless));
    if by_run && end < sight.end {
        return;
    }
    let late = alarm.silenced.take().is_some();
    alarm.untold.push(News { kind: Kind::Began, at: alarm.since, late });
    (alarm.told, alarm.told_at) = (true, Some(sight.now));
}

fn silence(rule: &Rule, sight: &Sight, end: Minute) -> Option<Silence> {
    let planned = rule.maintenance.is_some_and(|(first, length)| {
        // Worlds begin at 08:00.
        let of_day = (end + 8 * 60).rem_euclid(24 * 60);
        (first..first + length).contains(&of_day)
    });
    if planned { Some(Silence::Maintenance) } else { sight.silence }
}

/// All that there is was judged.
fn seen(rule: &Rule, alarm: &mut Alarm, sight: &Sight) {
    begin(rule, alarm, sight, sight.end);
    alarm.blind_since = None;
    if std::mem::take(&mut alarm.blind_told) {
        tell(alarm, Kind::SeenAgain, sight.end);
    }
}

/// The newest period could not be judged.
fn unseen(rule: &Rule, alarm: &mut Alarm, sight: &Sight) {
    let since = *alarm.blind_since.get_or_insert(sight.end);
    let long = sight.end - since > rule.range() * rule.period;
    if long && !alarm.blind_told && silence(rule, sight, sight.end).is_none() {
        tell(alarm, Kind::Blind, sight.end);
        alarm.blind_told = true;
    }
}

fn remind(rule: &Rule, alarm: &mut Alarm, sight: &Sight) {
    let (Some(every), Some(told_at)) = (rule.remind, alarm.told_at) else { return };
    let goes_on = alarm.told && alarm.state == State::Alarm;
    if goes_on && sight.now - told_at >= every && silence(rule, sight, sight.end).is_none() {
        tell(alarm, Kind::Reminder, sight.end);
        alarm.told_at = Some(sight.now);
    }
}

/// The alarm when nothing judges it any more; none if there was nothing to end.
pub(crate) fn gone(before: &Alarm, end: Minute) -> Option<Alarm> {
    // What a newer run has seen is not ended by what an older one did not know.
    if before.is_plain() || before.was_seen_later(end) {
        return None;
    }
    let mut alarm = Alarm { untold: before.untold.clone(), ..Alarm::unknown(end) };
    if before.told || before.blind_told {
        tell(&mut alarm, Kind::Gone, end);
    }
    Some(alarm)
}

impl What {
    /// Periods that a run looks at: of what ECS says only the newest is known.
    pub(crate) fn periods(self, rule: &Rule, window: Minute) -> Minute {
        if self == Self::NothingRunning { rule.range().min(window) } else { window }
    }
}

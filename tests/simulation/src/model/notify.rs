//! Notifications other than those about the periods.

use super::{Alarm, Blind, Kind, Newest, News, Observation, Silence, range};
use crate::clock::Minute;
use crate::rule::{Rule, Treat, What};
use crate::verdict::State;

/// Notifies of an alarm that was not notified, unless it is muted at the end of this period.
/// Returns whether it is muted.
pub(super) fn begin(rule: &Rule, alarm: &mut Alarm, observation: &Observation, end: Minute) -> bool {
    if alarm.state != State::Alarm || alarm.notified {
        return false;
    }
    if let Some(silence) = silence(rule, observation, end) {
        alarm.silenced = Some(silence);
        return true;
    }
    // The end of a deployment or another alarm is known only to the precision of a run.
    let by_run = matches!(alarm.silenced, Some(Silence::Deployment | Silence::Start | Silence::Unless));
    if by_run && end < observation.end {
        return true;
    }
    let late = alarm.silenced.take().is_some();
    alarm.pending.push(News { kind: Kind::Began, at: alarm.since, late });
    (alarm.notified, alarm.notified_at) = (true, Some(observation.now));
    if let Some(blind) = &mut alarm.blind {
        blind.before_alarm = blind.no_data && blind.notified;
    }
    false
}

fn silence(rule: &Rule, observation: &Observation, end: Minute) -> Option<Silence> {
    let planned = rule.maintenance.is_some_and(|(first, length)| {
        // Worlds begin at 08:00.
        let of_day = (end + 8 * 60).rem_euclid(24 * 60);
        (first..first + length).contains(&of_day)
    });
    if planned { Some(Silence::Maintenance) } else { observation.silence }
}

/// Whether the newest period says nothing about the alarm; and if so, whether that is because there
/// is no data.
pub(super) fn unseen(rule: &Rule, alarm: &Alarm, observation: &Observation, newest: Newest) -> Option<bool> {
    if newest == Newest::Unknown {
        return Some(false);
    }
    let continues = alarm.blind.is_some_and(|blind| blind.no_data && blind.notified);
    let range = range(rule, observation.values.len() - 1);
    let is_empty = observation.values[range].iter().all(Option::is_none);
    let may_come = rule.what != What::NothingRunning && !rule.what.is_sampled();
    let matters = may_come && (alarm.notified || observation.runs);
    let is_missing = is_empty && rule.condition.treat != Treat::Breaching && (continues || matters);
    (is_missing || continues && newest == Newest::Waits).then_some(true)
}

/// Everything available was evaluated.
pub(super) fn seen(rule: &Rule, alarm: &mut Alarm, observation: &Observation) {
    begin(rule, alarm, observation, observation.end);
    let Some(blind) = alarm.blind else { return };
    let may_come = |(place, value): (usize, &Option<f64>)| {
        observation.ends[place] > blind.since && place >= observation.aged && value.is_none()
    };
    if blind.notified && blind.no_data && observation.values.iter().enumerate().any(may_come) {
        return;
    }
    alarm.blind = None;
    let is_lost = |(place, value): (usize, &Option<f64>)| {
        observation.ends[place] > blind.since && place < observation.aged && value.is_none()
    };
    let is_older = blind.since <= observation.begins;
    let lost = !blind.no_data || is_older || observation.values.iter().enumerate().any(is_lost);
    if blind.notified && lost {
        alarm.notify(Kind::SeenAgain, observation.end);
    }
}

/// The newest period could not be evaluated, or has no data.
pub(super) fn blind(rule: &Rule, alarm: &mut Alarm, observation: &Observation, no_data: bool) {
    let known = alarm.blind.filter(|blind| blind.no_data == no_data || blind.notified);
    let mut blind =
        known.unwrap_or(Blind { since: observation.end, no_data, notified: false, before_alarm: false });
    // A range without data has lasted already.
    let patience = if no_data { 0 } else { rule.range() };
    let since = if rule.what.is_sampled() {
        i64::try_from(observation.ends.iter().filter(|end| **end > blind.since).count()).unwrap()
    } else {
        // It may be older than the input.
        (observation.end - blind.since) / rule.period
    };
    let long = since > patience;
    // A service that has just started has no points yet.
    let young = no_data
        && !alarm.notified
        && observation.end - blind.since < (observation.now - observation.end).max(5);
    // What was notified before the alarm does not say that its data went missing.
    let is_new = !blind.notified
        || no_data && blind.before_alarm && alarm.notified && alarm.notified_at != Some(observation.now);
    if long && !young && is_new && silence(rule, observation, observation.end).is_none() {
        alarm.notify(if no_data { Kind::NoData } else { Kind::Blind }, observation.end);
        (blind.notified, blind.before_alarm) = (true, false);
    }
    alarm.blind = Some(blind);
}

pub(super) fn remind(rule: &Rule, alarm: &mut Alarm, observation: &Observation) {
    let (Some(every), Some(notified_at)) = (rule.remind, alarm.notified_at) else { return };
    let is_active = alarm.notified && alarm.state == State::Alarm;
    if is_active
        && observation.now - notified_at >= every
        && silence(rule, observation, observation.end).is_none()
    {
        alarm.notify(Kind::Reminder, observation.end);
        alarm.notified_at = Some(observation.now);
    }
}

/// The alarm when it is no longer evaluated; `None` if there was nothing to end.
pub(crate) fn deleted(before: &Alarm, end: Minute) -> Option<Alarm> {
    // An older run that does not know a subject must not end what a newer run has seen.
    if before.is_plain() || before.was_seen_later(end) {
        return None;
    }
    let mut alarm = Alarm { pending: before.pending.clone(), ..Alarm::unknown(end) };
    if before.notified || before.blind.is_some_and(|blind| blind.notified) {
        alarm.notify(Kind::Deleted, end);
    }
    Some(alarm)
}

//! What people are notified of, apart from what the periods say.

use super::{Alarm, Blind, Kind, Newest, News, Observation, Silence, range};
use crate::clock::Minute;
use crate::rule::{Rule, Treat, What};
use crate::verdict::State;

/// Notifies of an alarm that people do not know of, unless something keeps it silent at the end of this period. Returns
/// whether something does.
pub(super) fn begin(rule: &Rule, alarm: &mut Alarm, sight: &Observation, end: Minute) -> bool {
    if alarm.state != State::Alarm || alarm.notified {
        return false;
    }
    if let Some(silence) = silence(rule, sight, end) {
        alarm.silenced = Some(silence);
        return true;
    }
    // When a deployment or another alarm ended is known no better than by the run.
    let by_run = matches!(alarm.silenced, Some(Silence::Deployment | Silence::Start | Silence::Unless));
    if by_run && end < sight.end {
        return true;
    }
    let late = alarm.silenced.take().is_some();
    alarm.pending.push(News { kind: Kind::Began, at: alarm.since, late });
    (alarm.notified, alarm.notified_at) = (true, Some(sight.now));
    false
}

fn silence(rule: &Rule, sight: &Observation, end: Minute) -> Option<Silence> {
    let planned = rule.maintenance.is_some_and(|(first, length)| {
        // Worlds begin at 08:00.
        let of_day = (end + 8 * 60).rem_euclid(24 * 60);
        (first..first + length).contains(&of_day)
    });
    if planned { Some(Silence::Maintenance) } else { sight.silence }
}

/// Whether the newest period says nothing of the alarm; and if so, whether that is because there is no data.
pub(super) fn unseen(rule: &Rule, alarm: &Alarm, sight: &Observation, newest: Newest) -> Option<bool> {
    if newest == Newest::Unknown {
        return Some(false);
    }
    let goes_on = alarm.blind.is_some_and(|blind| blind.no_data && blind.notified);
    let range = range(rule, sight.values.len() - 1);
    let is_empty = sight.values[range].iter().all(Option::is_none);
    let may_come = rule.what != What::NothingRunning && !rule.what.is_sampled();
    let matters = may_come && (alarm.notified || sight.runs);
    let is_missing = is_empty && rule.condition.treat != Treat::Breaching && (goes_on || matters);
    (is_missing || goes_on && newest == Newest::Waits).then_some(true)
}

/// All that there is was judged.
pub(super) fn seen(rule: &Rule, alarm: &mut Alarm, sight: &Observation) {
    begin(rule, alarm, sight, sight.end);
    let Some(blind) = alarm.blind else { return };
    let may_come = |(place, value): (usize, &Option<f64>)| {
        sight.ends[place] > blind.since && place >= sight.aged && value.is_none()
    };
    if blind.notified && blind.no_data && sight.values.iter().enumerate().any(may_come) {
        return;
    }
    alarm.blind = None;
    let is_lost = |(place, value): (usize, &Option<f64>)| {
        sight.ends[place] > blind.since && place < sight.aged && value.is_none()
    };
    let is_older = blind.since < sight.ends[0];
    let lost = !blind.no_data || is_older || sight.values.iter().enumerate().any(is_lost);
    if blind.notified && lost {
        alarm.tell(Kind::SeenAgain, sight.end);
    }
}

/// The newest period could not be judged, or has no data.
pub(super) fn blind(rule: &Rule, alarm: &mut Alarm, sight: &Observation, no_data: bool) {
    let known = alarm.blind.filter(|blind| blind.no_data == no_data || blind.notified);
    let mut blind = known.unwrap_or(Blind { since: sight.end, no_data, notified: false });
    // A range without data has lasted already.
    let patience = if no_data { 0 } else { rule.range() };
    let since = if rule.what.is_sampled() {
        i64::try_from(sight.ends.iter().filter(|end| **end > blind.since).count()).unwrap()
    } else {
        // It may be older than what is seen.
        (sight.end - blind.since) / rule.period
    };
    let long = since > patience;
    // Who has just begun to run has no points yet.
    let young = no_data && !alarm.notified && sight.end - blind.since < (sight.now - sight.end).max(5);
    if long && !young && !blind.notified && silence(rule, sight, sight.end).is_none() {
        alarm.tell(if no_data { Kind::NoData } else { Kind::Blind }, sight.end);
        blind.notified = true;
    }
    alarm.blind = Some(blind);
}

pub(super) fn remind(rule: &Rule, alarm: &mut Alarm, sight: &Observation) {
    let (Some(every), Some(notified_at)) = (rule.remind, alarm.notified_at) else { return };
    let goes_on = alarm.notified && alarm.state == State::Alarm;
    if goes_on && sight.now - notified_at >= every && silence(rule, sight, sight.end).is_none() {
        alarm.tell(Kind::Reminder, sight.end);
        alarm.notified_at = Some(sight.now);
    }
}

/// The alarm when nothing judges it any more; none if there was nothing to end.
pub(crate) fn gone(before: &Alarm, end: Minute) -> Option<Alarm> {
    // What a newer run has seen is not ended by what an older one did not know.
    if before.is_plain() || before.was_seen_later(end) {
        return None;
    }
    let mut alarm = Alarm { pending: before.pending.clone(), ..Alarm::unknown(end) };
    if before.notified || before.blind.is_some_and(|blind| blind.notified) {
        alarm.tell(Kind::Gone, end);
    }
    Some(alarm)
}

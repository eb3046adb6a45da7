//! How long starting tasks excuse that nothing runs: once, for one run or a few minutes, and not
//! again until the service has been steady. Otherwise a crash loop whose task runs at every other
//! check would be excused each time.

use jiff::{SignedDuration, Timestamp};

use super::{AlarmRecord, Basis, Grid, Observation, step};
use crate::alarms::evaluate::AlarmState;
use crate::evidence::snapshot::SnapshotBegin;
use crate::model::subject::Subject;
use crate::rules::{AlarmRule, Mute, ServiceFigure};

/// How long a service must have run before a start is excused again. Even with hourly runs, a crash
/// loop that is found running in every other run still alarms.
const STEADY_AFTER: SignedDuration = SignedDuration::from_hours(2);

/// How long a start is excused if runs are more frequent: pulling an image takes minutes.
const START: SignedDuration = SignedDuration::from_mins(5);

/// Whether tasks that are starting at `end` excuse that nothing runs. The same run may call this
/// twice.
pub(super) fn is_granted(before: Option<&AlarmRecord>, end: Timestamp) -> bool {
    before.is_none_or(|record| {
        let memory = &record.memory;
        let steady = |seen: Timestamp| seen == end || end.duration_since(seen) >= STEADY_AFTER;
        let starts = memory.muted == Some(Mute::Start) && end.duration_since(memory.since) < START;
        starts || !memory.is_alarm_before(end) && memory.outage_seen.is_none_or(steady)
    })
}

/// The decision about an alarm, with its record of outages.
pub(super) fn judged(
    rule: &AlarmRule,
    subject: &Subject,
    observation: &Observation<'_>,
    basis: Basis,
    begin: &SnapshotBegin,
    before: Option<&AlarmRecord>,
) -> Option<AlarmRecord> {
    let run = &begin.run;
    // A new service, or one being deleted, is not evaluated: its record stays.
    let is_silent = observation.reading.series().is_some_and(|series| series.points().is_empty());
    if matches!(basis, Basis::State { .. }) && is_silent {
        return None;
    }
    let after = step(rule, subject, observation, &Grid::of(rule, basis, begin), run.time, before);
    match (rule.measure.service_figure(), basis) {
        (Some(ServiceFigure::NothingRunning), Basis::State { idle }) => {
            remember(after, before, run.window.end, idle)
        }
        _ => after,
    }
}

/// Records whether nothing ran. A service with a desired count of zero has no outage: its next
/// start is excused.
fn remember(
    after: Option<AlarmRecord>,
    before: Option<&AlarmRecord>,
    end: Timestamp,
    idle: bool,
) -> Option<AlarmRecord> {
    let earlier = before.filter(|record| !record.memory.is_newer_than(end));
    let was = before.map_or(AlarmState::Ok, |record| record.memory.state);
    let forgets = |record: &&AlarmRecord| idle && record.memory.outage_seen.is_some();
    // Also records how far was evaluated, so that an older run does not change it again.
    let judged = |record: &AlarmRecord| {
        let mut record = record.clone();
        record.memory.judged_until = end;
        record
    };
    let mut after = after.or_else(|| earlier.filter(forgets).map(judged))?;
    if idle {
        after.memory.outage_seen = None;
    } else if after.memory.state != was && [was, after.memory.state].contains(&AlarmState::Alarm) {
        after.memory.outage_seen = Some(end);
    }
    Some(after)
}

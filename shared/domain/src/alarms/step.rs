//! The decision about one alarm in one run: pure, and the only place where states change and
//! notices are created.

use jiff::Timestamp;

use super::course::Course;
use super::grid::{Grid, Periods, surely_ok};
use super::{AlarmKey, AlarmRecord, Notice, NoticeBody, Observation, Remembered};
use crate::alarms::evaluate::AlarmState;
use crate::model::series::Reading;
use crate::model::subject::Subject;
use crate::rules::{AlarmRule, Severity};

/// Evaluates every period whose verdict is not final, oldest first. Returns the record to store,
/// with the notices to send; `None` if nothing changed.
///
/// `now` is the time of the run. A failed query is neither OK nor ALARM: the state stays, and if
/// that lasts longer than the rule looks back, there is a notice. The same holds for missing data
/// where tasks run.
pub fn step(
    rule: &AlarmRule,
    subject: &Subject,
    observation: &Observation<'_>,
    grid: &Grid<'_>,
    now: Timestamp,
    before: Option<&AlarmRecord>,
) -> Option<AlarmRecord> {
    let newest = grid.newest_end(rule.period)?;
    match (before, &*observation.reading) {
        (None, Reading::Complete(series))
            if observation.running.is_none() && surely_ok(rule, grid, series) =>
        {
            return None;
        }
        (Some(AlarmRecord { memory, .. }), _) if memory.is_newer_than(newest) => return None,
        _ => {}
    }
    let periods = Periods::of(rule, grid, &observation.reading);
    if periods.len() == 0 {
        return None;
    }
    let remembered = before.map_or_else(
        || Remembered::plainly_ok(periods.end(0) - rule.period.length()),
        |record| record.memory.clone(),
    );
    let version = before.map(|record| record.version);
    let course = Course::new(rule, subject, observation, now, &periods, remembered.clone(), version);
    let (memory, notices) = course.run();
    // Progress alone is not a change, unless the stored progress is about to fall out of the
    // window.
    let as_before =
        Remembered { judged_until: memory.judged_until, settled: memory.settled, ..remembered.clone() };
    let changed = memory != as_before || is_running_out(rule, &periods, &remembered, &memory);
    changed.then(|| AlarmRecord {
        key: AlarmKey { rule: rule.name.clone(), subject: subject.clone() },
        memory,
        pending: before
            .into_iter()
            .flat_map(|record| record.pending.iter().cloned())
            .chain(notices)
            .collect(),
        version: before.map_or(0, |record| record.version),
    })
}

/// Whether a run as far in the future as the last write is in the past could not continue from the
/// stored record, because its window begins later.
fn is_running_out(rule: &AlarmRule, periods: &Periods, before: &Remembered, after: &Remembered) -> bool {
    before.settled.is_some_and(|settled| {
        let first = periods.first_whole(rule.condition.evaluation_range());
        let spare = periods.aged_out().saturating_sub(first);
        let since_written = periods.count_since(before.judged_until);
        // The next run queries from the oldest remaining gap. If the newest change is later than
        // that, evaluation could not begin there.
        let is_passed = |left: super::Settled| settled.until < left.until && left.until < after.since;
        after.settled.is_some_and(is_passed)
            || after.settled != before.settled
                && periods.after(settled.until) < first + since_written.min(spare)
    })
}

/// Ends an alarm that is no longer evaluated because its service or its rule was deleted. If people
/// were notified of it, there is a closing notice; the rest is forgotten. `None` if it had already
/// ended.
pub fn end(record: &AlarmRecord, at: Timestamp) -> Option<AlarmRecord> {
    let Remembered { state, since, notified, blind, .. } = record.memory;
    // An older run does not end an alarm that a newer run has evaluated.
    if record.memory.is_newer_than(at) || record.memory.is_plainly_ok() {
        return None;
    }
    let AlarmKey { rule, subject } = &record.key;
    let in_alarm = notified == AlarmState::Alarm;
    let blind_notified = blind.filter(|blind| blind.notified);
    let closing = Notice {
        id: format!("{rule}#{subject}#{}#deleted", at.as_second()),
        rule: rule.clone(),
        severity: Severity::Info,
        subject: subject.clone(),
        from: state,
        to: AlarmState::InsufficientData,
        at,
        since: if in_alarm { Some(since) } else { blind.map(|blind| blind.since) },
        body: NoticeBody::Deleted,
    };
    let mut record = record.clone();
    record.pending.extend((in_alarm || blind_notified.is_some()).then_some(closing));
    record.memory = Remembered::plainly_ok(at.max(record.memory.judged_until));
    Some(record)
}

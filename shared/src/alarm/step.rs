//! The decision about one alarm in one run: pure, and the only place where states change and notices are made.

use std::borrow::Cow;

use jiff::Timestamp;

use super::course::Course;
use super::grid::{Grid, Periods, surely_ok};
use super::{AlarmKey, AlarmRecord, Mute, Notice, NoticeKind, Remembered};
use crate::evaluate::AlarmState;
use crate::metric::{Period, Unit};
use crate::pods::NamedPod;
use crate::rule::{AlarmRule, Comparison, Severity};
use crate::series::Reading;
use crate::subject::Subject;

/// What a rule sees of a subject in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight<'a> {
    /// The values, or why there are none.
    pub reading: Cow<'a, Reading>,
    /// What else is known that a reader should hear when the alarm begins.
    pub why: Option<String>,
    /// The pod to look at first, of a workload.
    pub pod: Option<NamedPod>,
    /// Why nothing is to be told in this run; the rule's own maintenance windows need not be given.
    pub mute: Option<Mute>,
    /// How many tasks of the service run, as ECS says, if the metric has data whenever a task runs; none if ECS was not
    /// asked, or the metric may have no data for another reason.
    pub running: Option<u32>,
}

impl<'a> Sight<'a> {
    /// A reading about which nothing else is known.
    pub fn of(reading: &'a Reading) -> Self {
        Self::with(Cow::Borrowed(reading))
    }

    /// The same of a reading that may be owned.
    pub(super) fn with(reading: Cow<'a, Reading>) -> Self {
        Self { reading, why: None, pod: None, mute: None, running: None }
    }
}

/// Judges every period whose verdict is not final yet, oldest first. Returns what to remember now, with the notices to send;
/// none if nothing changed.
///
/// `now` is the time of the run. An answer that could not be had is neither OK nor ALARM: the state stays, and when that
/// lasts longer than the rule looks back, there is a notice of it. So is data that is missing where tasks run.
pub fn step(
    rule: &AlarmRule,
    subject: &Subject,
    sight: &Sight<'_>,
    grid: &Grid<'_>,
    now: Timestamp,
    before: Option<&AlarmRecord>,
) -> Option<AlarmRecord> {
    let newest = grid.newest_end(rule.period)?;
    match (before, &*sight.reading) {
        (None, Reading::Complete(series)) if sight.running.is_none() && surely_ok(rule, grid, series) => {
            return None;
        }
        (Some(AlarmRecord { memory, .. }), _) if memory.is_newer_than(newest) => return None,
        _ => {}
    }
    let periods = Periods::of(rule, grid, &sight.reading);
    if periods.len() == 0 {
        return None;
    }
    let remembered = before.map_or_else(
        || Remembered::plainly_ok(periods.end(0) - rule.period.length()),
        |record| record.memory.clone(),
    );
    let version = before.map(|record| record.version);
    let course = Course::new(rule, subject, sight, now, &periods, remembered.clone(), version);
    let (memory, notices) = course.run();
    // How far was judged is no change, unless what is remembered of it is about to fall out of the window.
    let as_before =
        Remembered { judged_until: memory.judged_until, settled: memory.settled, ..remembered.clone() };
    let changed = memory != as_before || is_running_out(rule, &periods, &remembered, &memory);
    changed.then(|| AlarmRecord {
        key: AlarmKey { rule: rule.name.clone(), subject: subject.clone() },
        memory,
        untold: before.into_iter().flat_map(|record| record.untold.iter().cloned()).chain(notices).collect(),
        version: before.map_or(0, |record| record.version),
    })
}

/// Whether a run as far away as this one is from the last write could not go on from what is remembered, because its
/// window begins later.
fn is_running_out(rule: &AlarmRule, periods: &Periods, before: &Remembered, after: &Remembered) -> bool {
    before.settled.is_some_and(|settled| {
        let first = periods.first_whole(rule.condition.evaluation_range());
        let spare = periods.aged_out().saturating_sub(first);
        let since_written = periods.count_since(before.judged_until);
        // The next run asks from the oldest gap that is left. Where the newest change lies behind it, judging could not
        // begin there.
        let is_passed = |left: super::Settled| settled.until < left.until && left.until < after.since;
        after.settled.is_some_and(is_passed)
            || after.settled != before.settled
                && periods.after(settled.until) < first + since_written.min(spare)
    })
}

/// The end of an alarm that nothing judges any more, because its service or its rule is gone. What people heard of it
/// gets a closing word; the rest is forgotten. None if it had ended before.
pub fn end(record: &AlarmRecord, at: Timestamp) -> Option<AlarmRecord> {
    let Remembered { state, since, told, blind, .. } = record.memory;
    // What a newer run has seen is not ended by what an older one did not know of.
    if record.memory.is_newer_than(at) || record.memory.is_plainly_ok() {
        return None;
    }
    let AlarmKey { rule, subject } = &record.key;
    let in_alarm = told == AlarmState::Alarm;
    let blind_told = blind.filter(|blind| blind.told);
    let gone = Notice {
        id: format!("{rule}#{subject}#{}#gone", at.as_second()),
        kind: NoticeKind::Gone,
        rule: rule.clone(),
        severity: Severity::Info,
        subject: subject.clone(),
        from: state,
        to: AlarmState::InsufficientData,
        at,
        since: if in_alarm { Some(since) } else { blind.map(|blind| blind.since) },
        label: "nothing".to_owned(),
        unit: Unit::Count,
        comparison: Comparison::GreaterThanThreshold,
        threshold: 0.0,
        values: Vec::new(),
        period: Period::MINUTE,
        message: None,
        late: None,
        why: None,
        pod: None,
        values_end: None,
        sampled_at: Vec::new(),
        source: None,
    };
    let mut record = record.clone();
    record.untold.extend((in_alarm || blind_told.is_some()).then_some(gone));
    record.memory = Remembered::plainly_ok(at.max(record.memory.judged_until));
    Some(record)
}

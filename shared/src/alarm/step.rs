//! The decision about one alarm in one run: pure, and the only place where states change and notices are made.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use super::{AlarmKey, AlarmRecord, MetricSource, Mute, Notice, NoticeKind, Remembered};
use crate::evaluate::AlarmState;
use crate::metric::{Period, Unit};
use crate::rule::{AlarmRule, Comparison, Measure, Severity, Subject};
use crate::series::{MetricSeries, Reading};
use crate::window::Window;

/// How far back periods are judged that no run is known to have judged. Shorter than a day, for which the table keeps an
/// alarm that is OK again: what was told is never judged anew because it was forgotten.
const JUDGED_BACK: SignedDuration = SignedDuration::from_hours(12);

/// What a rule sees of a subject in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight<'a> {
    /// The values, or why there are none.
    pub reading: Cow<'a, Reading>,
    /// What else is known that a reader should hear when the alarm begins.
    pub why: Option<String>,
    /// Why nothing is to be told in this run; the rule's own maintenance windows need not be given.
    pub mute: Option<Mute>,
}

impl<'a> Sight<'a> {
    /// A reading about which nothing else is known.
    pub fn of(reading: &'a Reading) -> Self {
        Self { reading: Cow::Borrowed(reading), why: None, mute: None }
    }
}

/// Judges every period of the window that was not judged before, oldest first. Returns what to remember now, with what is
/// to be told; none if nothing changed.
///
/// `window` is the run's, in minutes, and `now` its time. An answer that could not be had is neither OK nor ALARM: the
/// state stays, and when that lasts longer than the rule looks back, it is told.
pub fn step(
    rule: &AlarmRule,
    subject: &Subject,
    sight: &Sight<'_>,
    window: &Window,
    now: Timestamp,
    before: Option<&AlarmRecord>,
) -> Option<AlarmRecord> {
    let window = judged_window(rule, window);
    match (before, &*sight.reading) {
        (None, Reading::Complete(series)) if rule.condition.surely_ok(series, &window) => return None,
        // A newer window was looked at before.
        (Some(AlarmRecord { memory, .. }), _)
            if window.end < memory.judged_until
                || memory.blind_since.is_some_and(|since| window.end < since) =>
        {
            return None;
        }
        _ => {}
    }
    let remembered =
        before.map_or_else(|| Remembered::plainly_ok(window.start), |record| record.memory.clone());
    let (memory, known, newest) = (remembered.clone(), before.is_some(), window.end);
    let mut course = Course { rule, subject, sight, now, newest, memory, known, notices: Vec::new() };
    with_values(&sight.reading, &window, |values| course.run(values, &window));
    let Course { memory, notices, .. } = course;
    // How far was judged is no change: what was judged again is as it was.
    let changed = memory != Remembered { judged_until: memory.judged_until, ..remembered };
    changed.then(|| AlarmRecord {
        key: AlarmKey { rule: rule.name.clone(), subject: subject.clone() },
        memory,
        untold: before.into_iter().flat_map(|record| record.untold.iter().cloned()).chain(notices).collect(),
        version: before.map_or(0, |record| record.version),
    })
}

/// The periods that a rule is judged on. What ECS says is known of the newest period only, and earlier runs judged the
/// earlier ones.
fn judged_window(rule: &AlarmRule, window: &Window) -> Window {
    let range = rule.condition.evaluation_range();
    let window = if rule.period == window.period { *window } else { window.in_periods(rule.period) };
    match rule.measure {
        Measure::NothingRunning => window.newest(range),
        _ if window.end.duration_since(window.start) <= JUDGED_BACK => window,
        _ => {
            let back = usize::try_from(JUDGED_BACK.as_secs() / rule.period.seconds()).unwrap_or(0).max(1);
            window.newest(range + back)
        }
    }
}

/// Longest window whose values need no memory of their own.
const INLINE: usize = 64;

/// Hands on one value per period, oldest first.
fn with_values(reading: &Reading, window: &Window, then: impl FnOnce(&[Option<f64>])) {
    let (mut inline, mut heap) = ([None; INLINE], Vec::new());
    let values = if let Some(values) = inline.get_mut(..window.len()) {
        values
    } else {
        heap.resize(window.len(), None);
        &mut heap[..]
    };
    for (period, value) in reading.series().into_iter().flat_map(|series| series.by_period(window)) {
        values[period] = Some(value);
    }
    then(values);
}

/// Numbers of the periods of which nothing is known.
fn unread_periods(reading: &Reading, window: &Window) -> Vec<usize> {
    let unread = reading.series().map(MetricSeries::unread).unwrap_or_default();
    if unread.is_empty() {
        return Vec::new();
    }
    let periods = window.period_starts().enumerate();
    periods.filter(|(_, start)| unread.binary_search(start).is_ok()).map(|(period, _)| period).collect()
}

/// An alarm on its way through the periods of a run.
struct Course<'a> {
    rule: &'a AlarmRule,
    subject: &'a Subject,
    sight: &'a Sight<'a>,
    now: Timestamp,
    /// End of the newest period.
    newest: Timestamp,
    memory: Remembered,
    /// Whether the memory is more than an assumption.
    known: bool,
    notices: Vec<Notice>,
}

impl Course<'_> {
    fn run(&mut self, values: &[Option<f64>], window: &Window) {
        let range = self.rule.condition.evaluation_range();
        if !matches!(&*self.sight.reading, Reading::Unread(_)) {
            self.judge_all(values, range, window);
        }
        let newest_range = &values[values.len().saturating_sub(range)..];
        self.look_back(newest_range, window);
        self.remind(newest_range, window.end);
    }

    /// All periods that were not judged before, in order.
    fn judge_all(&mut self, values: &[Option<f64>], range: usize, window: &Window) {
        let complete = matches!(&*self.sight.reading, Reading::Complete(_));
        let seconds = window.period.seconds();
        let judged = self.memory.judged_until.as_second() - window.start.as_second();
        let judged = usize::try_from(judged.div_euclid(seconds)).unwrap_or(0);
        let unread = unread_periods(&self.sight.reading, window);
        // A period near the start of the window would be judged on less than the rule asks for.
        let whole = range.min(values.len()).saturating_sub(1);
        let mut is_sure = true;
        for newest in judged.max(whole)..values.len() {
            let oldest = (newest + 1).saturating_sub(range);
            let evaluated = &values[oldest..=newest];
            // A gap in a partial answer may be a point that we did not get. What comes after it waits for the next run, so
            // that every period is judged, and in order.
            if !complete && unread.is_empty() && evaluated.iter().any(Option::is_none) {
                return;
            }
            // What could not be sampled will never be known: the state stays unless it is sure without.
            let in_range = unread.iter().filter(|period| (oldest..=newest).contains(period));
            let in_range: Vec<usize> = in_range.map(|period| period - oldest).collect();
            let verdict = self.rule.condition.sure_state(evaluated, &in_range, self.memory.state);
            is_sure = verdict.is_some();
            let Some(verdict) = verdict else { continue };
            let waits = (self.memory.state, self.memory.told) == (AlarmState::Alarm, AlarmState::Ok);
            if verdict != self.memory.state || waits || !complete {
                let after = i64::try_from(newest + 1).unwrap_or(i64::MAX).saturating_mul(seconds);
                self.judge(evaluated, verdict, window.start + SignedDuration::from_secs(after));
            }
        }
        if complete && is_sure {
            self.memory.judged_until = self.memory.judged_until.max(window.end);
        }
    }

    /// One period that changes something, or may.
    fn judge(&mut self, evaluated: &[Option<f64>], verdict: AlarmState, end: Timestamp) {
        let (from, since) = (self.memory.state, self.memory.since);
        // What nobody heard of need not be kept from flapping.
        let told = (from, self.memory.told) == (AlarmState::Alarm, AlarmState::Alarm);
        let held = told && end.duration_since(since) < self.rule.hold;
        let to = if held { from } else { verdict };
        self.memory.judged_until = end;
        if to != from {
            if self.memory.told == AlarmState::Alarm {
                let ended = self.notice(NoticeKind::Ended, (from, to), (end, Some(since)), evaluated);
                self.notices.push(ended);
                (self.memory.told, self.memory.told_at) = (AlarmState::Ok, Some(self.now));
            }
            (self.memory.state, self.memory.since, self.memory.muted) = (to, end, None);
        }
        self.tell(evaluated, from, self.known.then_some(since), end);
        self.known |= to != from;
    }

    /// Tells an alarm that nobody has heard of, unless something keeps it silent at `end`.
    fn tell(
        &mut self,
        evaluated: &[Option<f64>],
        from: AlarmState,
        since: Option<Timestamp>,
        end: Timestamp,
    ) {
        if (self.memory.state, self.memory.told) != (AlarmState::Alarm, AlarmState::Ok) {
            return;
        }
        if let Some(mute) = self.mute(end) {
            self.memory.muted = Some(mute);
            return;
        }
        // Which period a deployment or another alarm ended in is not known: what they kept silent is told if it goes on
        // at the end of the run. When a maintenance window ends is known.
        let ends_with_run = self.memory.muted.as_ref().is_some_and(|mute| *mute != Mute::Maintenance);
        if ends_with_run && end < self.newest {
            return;
        }
        let late = self.memory.muted.take();
        let (from, since) = if late.is_some() { (AlarmState::Ok, None) } else { (from, since) };
        let began = (self.memory.since, since);
        let notice = self.notice(NoticeKind::Began, (from, AlarmState::Alarm), began, evaluated);
        let values_end = (end != notice.at).then_some(end);
        self.notices.push(Notice { late, why: self.sight.why.clone(), values_end, ..notice });
        (self.memory.told, self.memory.told_at) = (AlarmState::Alarm, Some(self.now));
    }

    /// After all periods: an alarm whose silence ended without a new period, and whether it could be judged at all.
    fn look_back(&mut self, newest: &[Option<f64>], window: &Window) {
        if self.memory.judged_until >= window.end {
            self.tell(newest, AlarmState::Ok, None, window.end);
            let Some(since) = self.memory.blind_since.take() else { return };
            if std::mem::take(&mut self.memory.blind_told) {
                let state = self.memory.state;
                let seen =
                    self.notice(NoticeKind::SeenAgain, (state, state), (window.end, Some(since)), newest);
                self.notices.push(seen);
            }
            return;
        }
        let since = *self.memory.blind_since.get_or_insert(window.end);
        let range = i64::try_from(self.rule.condition.evaluation_range()).unwrap_or(i64::MAX);
        let patience = SignedDuration::from_secs(range.saturating_mul(self.rule.period.seconds()));
        let lasts = window.end.duration_since(since) > patience;
        if lasts && !self.memory.blind_told && self.mute(window.end).is_none() {
            let state = self.memory.state;
            let blind = self.notice(NoticeKind::Blind, (state, state), (window.end, Some(since)), newest);
            let why = self.sight.reading.fault().map(ToString::to_string);
            self.notices.push(Notice { why, ..blind });
            self.memory.blind_told = true;
        }
    }

    /// Tells again an alarm that goes on.
    fn remind(&mut self, newest: &[Option<f64>], end: Timestamp) {
        let Remembered { state, told, told_at: Some(told_at), since, .. } = self.memory else { return };
        let due = self.rule.remind_every.is_some_and(|every| self.now.duration_since(told_at) >= every);
        let told = (state, told) == (AlarmState::Alarm, AlarmState::Alarm) && told_at < self.now;
        if told && due && self.mute(end).is_none() {
            let mut reminder = self.notice(NoticeKind::Reminder, (state, state), (end, Some(since)), newest);
            // Named after what it repeats: two runs at once make the same one.
            reminder.id = format!("{}#{}#{}#reminder", self.rule.name, self.subject, told_at.as_second());
            self.notices.push(Notice { why: self.sight.why.clone(), ..reminder });
            self.memory.told_at = Some(self.now);
        }
    }

    /// What keeps the alarm silent at the end of a period.
    fn mute(&self, end: Timestamp) -> Option<Mute> {
        let planned = self.rule.maintenance.iter().any(|window| window.covers(end));
        if planned { Some(Mute::Maintenance) } else { self.sight.mute.clone() }
    }

    fn notice(
        &self,
        kind: NoticeKind,
        (from, to): (AlarmState, AlarmState),
        (at, since): (Timestamp, Option<Timestamp>),
        evaluated: &[Option<f64>],
    ) -> Notice {
        let Self { rule, subject, .. } = self;
        let (instant, what) = match kind {
            NoticeKind::Blind => (since.unwrap_or(at), "blind"),
            NoticeKind::SeenAgain => (since.unwrap_or(at), "seen-again"),
            _ => (at, to.as_str()),
        };
        let n = rule.condition.evaluation_periods as usize;
        let metrics = rule.measure.of(subject);
        let source =
            (!metrics.is_empty()).then(|| MetricSource { metrics, statistic: rule.statistic.clone() });
        Notice {
            id: format!("{}#{subject}#{}#{what}", rule.name, instant.as_second()),
            kind,
            rule: rule.name.clone(),
            severity: rule.severity,
            subject: (*subject).clone(),
            from,
            to,
            at,
            since,
            label: rule.measure.label().to_owned(),
            unit: rule.unit(),
            comparison: rule.condition.comparison,
            threshold: rule.condition.threshold,
            values: evaluated[evaluated.len().saturating_sub(n)..].to_vec(),
            period: rule.period,
            message: rule.message.clone(),
            late: None,
            why: None,
            values_end: None,
            source,
        }
    }
}

/// The end of an alarm that nothing judges any more, because its service or its rule is gone. What people heard of it
/// gets a closing word; the rest is forgotten. None if it had ended before.
pub fn end(record: &AlarmRecord, at: Timestamp) -> Option<AlarmRecord> {
    let Remembered { state, since, told, blind_since, blind_told, .. } = record.memory;
    // What a newer run has seen is not ended by what an older one did not know of.
    let newer = at < record.memory.judged_until || blind_since.is_some_and(|since| at < since);
    if newer || record.memory.is_plainly_ok() {
        return None;
    }
    let AlarmKey { rule, subject } = &record.key;
    let in_alarm = told == AlarmState::Alarm;
    let gone = Notice {
        id: format!("{rule}#{subject}#{}#gone", at.as_second()),
        kind: NoticeKind::Gone,
        rule: rule.clone(),
        severity: Severity::Info,
        subject: subject.clone(),
        from: state,
        to: AlarmState::InsufficientData,
        at,
        since: if in_alarm { Some(since) } else { blind_since },
        label: "nothing".to_owned(),
        unit: Unit::Count,
        comparison: Comparison::GreaterThanThreshold,
        threshold: 0.0,
        values: Vec::new(),
        period: Period::MINUTE,
        message: None,
        late: None,
        why: None,
        values_end: None,
        source: None,
    };
    let mut record = record.clone();
    record.untold.extend((in_alarm || blind_told).then_some(gone));
    record.memory = Remembered::plainly_ok(at.max(record.memory.judged_until));
    Some(record)
}

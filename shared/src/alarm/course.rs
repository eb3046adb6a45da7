//! An alarm on its way through the periods of a run.

use std::ops::Range;

use jiff::Timestamp;

use super::grid::Periods;
use super::step::Sight;
use super::{Blindness, MetricSource, Mute, Notice, NoticeKind, Remembered, Settled, Unseen};
use crate::evaluate::AlarmState;
use crate::rule::{AlarmRule, MissingData, Subject};
use crate::series::Reading;

/// An alarm on its way.
pub(super) struct Course<'a> {
    rule: &'a AlarmRule,
    subject: &'a Subject,
    sight: &'a Sight<'a>,
    now: Timestamp,
    periods: &'a Periods,
    memory: Remembered,
    /// Whether the memory is more than an assumption.
    is_known: bool,
    /// What tells notices apart that a late point brings about from earlier ones of the same instant.
    again: Option<u64>,
    /// What the alarm last was that is no want of data, and since when.
    phase: (AlarmState, Timestamp),
    /// How often it began or ended since what was settled, and how many of these earlier runs have dealt with.
    changes: usize,
    done: usize,
    /// Whether something was kept silent in this run.
    muted: bool,
    /// Whether the newest period was judged, or waits for points that may come.
    newest_judged: bool,
    newest_waits: bool,
    notices: Vec<Notice>,
}

/// What a period brings.
enum Verdict {
    /// The state after it.
    Is(AlarmState),
    /// It depends on what is not known, perhaps not yet.
    Unsure,
    /// A gap in a partial answer may be a point that we did not get: this period and all later ones wait for the next run,
    /// so that every period is judged, and in order.
    Waits,
}

impl<'a> Course<'a> {
    pub(super) fn new(
        rule: &'a AlarmRule,
        subject: &'a Subject,
        sight: &'a Sight<'a>,
        now: Timestamp,
        periods: &'a Periods,
        memory: Remembered,
        version: Option<u64>,
    ) -> Self {
        let again = version.filter(|_| memory.settled.is_some());
        let phase = (memory.told, memory.since);
        Self {
            rule,
            subject,
            sight,
            now,
            periods,
            memory,
            is_known: version.is_some(),
            again,
            phase,
            changes: 0,
            done: 0,
            muted: false,
            newest_judged: false,
            newest_waits: false,
            notices: Vec::new(),
        }
    }

    /// What to remember after all periods, and what to tell.
    pub(super) fn run(mut self) -> (Remembered, Vec<Notice>) {
        if !matches!(&*self.sight.reading, Reading::Unread(_)) {
            self.judge_all();
        }
        self.look_back();
        self.remind();
        (self.memory, self.notices)
    }

    fn range_of(&self, period: usize) -> Range<usize> {
        self.periods.range(period, self.rule.condition.evaluation_range())
    }

    fn newest(&self) -> usize {
        self.periods.len() - 1
    }

    fn newest_end(&self) -> Timestamp {
        self.periods.end(self.newest())
    }

    /// Where judging begins: what was settled while the window reaches back to it, else the newest period judged.
    fn begin(&mut self) -> Settled {
        let Remembered { state, since, judged_until, settled, .. } = self.memory;
        let first = self.periods.first_whole(self.rule.condition.evaluation_range());
        let settled = settled.filter(|settled| self.periods.after(settled.until) >= first);
        let phase = (if state == AlarmState::InsufficientData { self.memory.told } else { state }, since);
        let begin = settled.unwrap_or(Settled { until: judged_until, state, since, phase, changes: 0 });
        (self.memory.state, self.memory.since, self.done) = (begin.state, begin.since, begin.changes);
        self.phase = begin.phase;
        begin
    }

    /// All periods whose verdict is not final, in order.
    fn judge_all(&mut self) {
        let before = (self.memory.state, self.memory.since);
        let begin = self.begin();
        let range = self.rule.condition.evaluation_range();
        let whole = self.periods.first_whole(range);
        let first = self.periods.after(begin.until).max(whole);
        // What lies before the first whole range is never judged again.
        let until = begin.until.max(self.periods.end(whole) - self.rule.period.length());
        let (mut settled, mut is_final) = (Settled { changes: 0, until, ..begin }, true);
        let mut judged_until = begin.until;
        self.newest_judged = first >= self.periods.len();
        for period in first..self.periods.len() {
            let end = self.periods.end(period);
            let verdict = self.verdict(period);
            let has_open = self.has_open(period);
            is_final &= !has_open;
            match verdict {
                // What earlier runs have judged with more data than this one has stays as they found it.
                Verdict::Waits if self.changes < self.done => {
                    (self.memory.state, self.memory.since) = before;
                    return;
                }
                Verdict::Waits => break,
                Verdict::Unsure => {
                    self.newest_waits = has_open && period == self.newest();
                    self.newest_judged = self.newest_waits;
                    if has_open {
                        judged_until = end;
                    }
                }
                Verdict::Is(state) => {
                    self.judge(period, state);
                    judged_until = end;
                    self.newest_judged = period == self.newest();
                    if is_final {
                        let Remembered { state, since, .. } = self.memory;
                        settled =
                            Settled { until: end, state, since, phase: self.phase, changes: self.changes };
                    }
                }
            }
        }
        self.reconcile(before);
        self.settle(settled, judged_until);
    }

    /// A late point may undo a change that earlier runs have dealt with.
    fn reconcile(&mut self, before: (AlarmState, Timestamp)) {
        if self.changes < self.done {
            self.done = self.changes;
            let after = (self.memory.state, self.memory.since);
            // Two changes that turned out to be none need no word.
            if after.0 == before.0 {
                return;
            }
            (self.memory.state, self.memory.since) = before;
            self.phase =
                if before.0 == AlarmState::InsufficientData { (self.memory.told, before.1) } else { before };
            self.judge(self.newest(), after.0);
            // What is remembered is how it would have been judged with all points in time.
            (self.memory.state, self.memory.since) = after;
            self.changes = self.done;
        }
    }

    fn settle(&mut self, settled: Settled, judged_until: Timestamp) {
        self.memory.judged_until = self.memory.judged_until.max(judged_until);
        // What was kept silent has its own way of being told later; without any value there is nothing to revise.
        let is_settled = settled.until >= self.memory.judged_until || self.muted || self.periods.is_silent();
        let changes = self.changes.saturating_sub(settled.changes);
        self.memory.settled = (!is_settled).then_some(Settled { changes, ..settled });
        // An alarm whose data went missing was told with that; there will be no other word about its end.
        let blind_told = self.memory.blind.is_some_and(|blind| blind.told);
        let is_missing = self.memory.state == AlarmState::InsufficientData;
        let is_over = is_missing && self.periods.is_silent_since_aged_out();
        if is_over && blind_told && self.memory.told == AlarmState::Alarm {
            (self.memory.told, self.memory.told_at) = (AlarmState::Ok, Some(self.now));
        }
    }

    /// Whether a point that may still come could change the verdict on this period.
    fn has_open(&self, period: usize) -> bool {
        let range = self.range_of(period);
        let n = self.rule.condition.evaluation_periods as usize;
        let decides = self.periods.values(self.periods.range(period, n));
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
        let is_complete = matches!(&*self.sight.reading, Reading::Complete(_));
        if !is_complete && unknown.is_empty() {
            return Verdict::Waits;
        }
        let is_empty = values.iter().all(Option::is_none) && unknown.is_empty();
        // The two explicit treatments say what a gap means, at once, as in CloudWatch. With the others a point that may
        // still come is waited for, unless it makes no difference.
        let waits = matches!(condition.treat_missing_data, MissingData::Missing | MissingData::Ignore);
        if waits && !is_empty {
            unknown.extend(self.periods.open(&range));
        }
        condition.sure_state(values, &unknown, current).map_or(Verdict::Unsure, Verdict::Is)
    }

    /// One period that may change something.
    fn judge(&mut self, period: usize, verdict: AlarmState) {
        let end = self.periods.end(period);
        let (from, since) = (self.memory.state, self.memory.since);
        // What nobody heard of need not be kept from flapping.
        let heard = self.memory.told == AlarmState::Alarm || self.changes < self.done;
        let held = from == AlarmState::Alarm && heard && end.duration_since(since) < self.rule.hold;
        let to = if held { from } else { verdict };
        if to != from {
            self.change(period, to);
        }
        if self.changes >= self.done {
            self.tell(period, from, self.is_known.then_some(since));
        }
        self.is_known |= to != from;
    }

    fn change(&mut self, period: usize, to: AlarmState) {
        let end = self.periods.end(period);
        let from = (self.memory.state, self.memory.since);
        if to == AlarmState::InsufficientData {
            (self.memory.state, self.memory.since, self.memory.muted) = (to, end, None);
            // Samples that are missing never come, so this is the end of the alarm.
            if !self.periods.can_be_late() && self.memory.told == AlarmState::Alarm {
                self.push(NoticeKind::NoData, from.0, (end, Some(from.1)), period);
                (self.memory.told, self.memory.told_at) = (AlarmState::Ok, Some(self.now));
                self.phase = (AlarmState::Ok, end);
            }
            return;
        }
        if to == self.phase.0 {
            // It is what it was before data was missing.
            (self.memory.state, self.memory.since) = self.phase;
            return;
        }
        self.changes += 1;
        let is_new = self.changes > self.done;
        if is_new && to == AlarmState::Ok && self.memory.told == AlarmState::Alarm {
            let since = (from.0 == AlarmState::Alarm).then_some(from.1);
            self.push(NoticeKind::Ended, from.0, (end, since), period);
            (self.memory.told, self.memory.told_at) = (AlarmState::Ok, Some(self.now));
        }
        (self.memory.state, self.memory.since) = (to, end);
        self.phase = (to, end);
        if is_new {
            self.memory.muted = None;
        }
    }

    /// Tells an alarm that nobody has heard of, unless something keeps it silent at the end of the period.
    fn tell(&mut self, period: usize, from: AlarmState, since: Option<Timestamp>) {
        if (self.memory.state, self.memory.told) != (AlarmState::Alarm, AlarmState::Ok) {
            return;
        }
        let end = self.periods.end(period);
        if let Some(mute) = self.mute(end) {
            (self.memory.muted, self.muted) = (Some(mute), true);
            return;
        }
        // Which period a deployment or another alarm ended in is not known: what they kept silent is told if it goes on
        // at the end of the run. When a maintenance window ends is known.
        let ends_with_run = self.memory.muted.as_ref().is_some_and(|mute| *mute != Mute::Maintenance);
        if ends_with_run && period < self.newest() {
            self.muted = true;
            return;
        }
        let late = self.memory.muted.take();
        let (from, since) = if late.is_some() { (AlarmState::Ok, None) } else { (from, since) };
        let notice = self.notice(
            NoticeKind::Began,
            (from, AlarmState::Alarm),
            (self.memory.since, since),
            self.range_of(period),
        );
        let values_end = (end != notice.at).then_some(end);
        self.notices.push(Notice { late, why: self.sight.why.clone(), values_end, ..notice });
        (self.memory.told, self.memory.told_at) = (AlarmState::Alarm, Some(self.now));
    }

    /// Why the newest period says nothing of the alarm; none if it does.
    fn unseen(&self) -> Option<Unseen> {
        if !self.newest_judged {
            return Some(Unseen::CouldNotAsk);
        }
        let range = self.range_of(self.newest());
        let is_empty = self.periods.values(range).iter().all(Option::is_none);
        let runs = self.sight.running.is_some_and(|tasks| tasks > 0);
        let matters = self.memory.told == AlarmState::Alarm || runs;
        let says_so = self.rule.condition.treat_missing_data == MissingData::Breaching;
        let goes_on = self.memory.blind.is_some_and(|blind| blind.because == Unseen::NoData && blind.told);
        let is_missing = is_empty && !says_so && (goes_on || (self.periods.can_be_late() && matters));
        // Some points of the range are no end of it before they suffice for a verdict.
        let is_missing = is_missing || goes_on && self.newest_waits;
        is_missing.then_some(Unseen::NoData)
    }

    /// After all periods: an alarm whose silence ended without a new period, and whether it could be judged at all.
    fn look_back(&mut self) {
        let newest = self.newest();
        match self.unseen() {
            None => {
                self.tell(newest, AlarmState::Ok, None);
                if let Some(blind) = self.memory.blind.take() {
                    self.sees_again(blind);
                }
            }
            Some(because) => self.is_blind(because),
        }
    }

    fn sees_again(&mut self, blind: Blindness) {
        // Points that came late were judged all the same: only what is lost needs a word.
        let is_lost = blind.because == Unseen::CouldNotAsk || self.periods.lost_since(blind.since);
        if blind.told && is_lost {
            let (state, newest) = (self.memory.state, self.newest());
            self.push(NoticeKind::SeenAgain, state, (self.newest_end(), Some(blind.since)), newest);
        }
    }

    fn is_blind(&mut self, because: Unseen) {
        let end = self.newest_end();
        let known = self.memory.blind.filter(|blind| blind.because == because || blind.told);
        let mut blind = known.unwrap_or(Blindness { since: end, because, told: false });
        let range = self.rule.condition.evaluation_range();
        // Where there is no data, the whole range has none already: the next run that finds the same is enough.
        let patience = if because == Unseen::NoData { 0 } else { range };
        let lasts = self.periods.count_since(blind.since) > patience;
        if lasts && !blind.told && self.mute(end).is_none() {
            let (kind, since, why) = match because {
                Unseen::CouldNotAsk => {
                    let why = self.sight.reading.fault().map(ToString::to_string);
                    (NoticeKind::Blind, blind.since, why)
                }
                Unseen::NoData => {
                    let since = self.periods.newest_value_end().unwrap_or_else(|| self.periods.end(0));
                    (NoticeKind::NoData, since, self.sight.running.map(running))
                }
            };
            let (state, newest) = (self.memory.state, self.newest());
            let notice = self.notice(kind, (state, state), (end, Some(since)), self.range_of(newest));
            self.notices.push(Notice { why, ..notice });
            blind.told = true;
        }
        self.memory.blind = Some(blind);
    }

    /// Tells again an alarm that goes on.
    fn remind(&mut self) {
        let Remembered { state, told, told_at: Some(told_at), since, .. } = self.memory else { return };
        let end = self.newest_end();
        let due = self.rule.remind_every.is_some_and(|every| self.now.duration_since(told_at) >= every);
        let told = (state, told) == (AlarmState::Alarm, AlarmState::Alarm) && told_at < self.now;
        if told && due && self.mute(end).is_none() {
            let range = self.range_of(self.newest());
            let mut reminder = self.notice(NoticeKind::Reminder, (state, state), (end, Some(since)), range);
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

    fn push(
        &mut self,
        kind: NoticeKind,
        from: AlarmState,
        at: (Timestamp, Option<Timestamp>),
        period: usize,
    ) {
        let notice = self.notice(kind, (from, self.memory.state), at, self.range_of(period));
        self.notices.push(notice);
    }

    fn notice(
        &self,
        kind: NoticeKind,
        (from, to): (AlarmState, AlarmState),
        (at, since): (Timestamp, Option<Timestamp>),
        range: Range<usize>,
    ) -> Notice {
        let Self { rule, subject, .. } = self;
        let (instant, what) = match kind {
            NoticeKind::Blind => (since.unwrap_or(at), "blind"),
            NoticeKind::NoData => (since.unwrap_or(at), "no-data"),
            NoticeKind::SeenAgain => (since.unwrap_or(at), "seen-again"),
            _ => (at, to.as_str()),
        };
        let again = self.again.map(|version| format!("#{version}")).unwrap_or_default();
        let shown = self.shown(range);
        let metrics = rule.measure.of(subject);
        let source =
            (!metrics.is_empty()).then(|| MetricSource { metrics, statistic: rule.statistic.clone() });
        Notice {
            id: format!("{}#{subject}#{}#{what}{again}", rule.name, instant.as_second()),
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
            values: self.periods.values(shown.clone()).to_vec(),
            period: rule.period,
            message: rule.message.clone(),
            late: None,
            why: None,
            values_end: None,
            sampled_at: self.periods.instants(shown),
            source,
        }
    }

    /// The newest N periods of an evaluation range, or all of it if only the older ones have a value.
    fn shown(&self, range: Range<usize>) -> Range<usize> {
        let n = self.rule.condition.evaluation_periods as usize;
        let newest = range.end.saturating_sub(n).max(range.start)..range.end;
        let is_empty = self.periods.values(newest.clone()).iter().all(Option::is_none);
        let has_older = self.periods.values(range.clone()).iter().any(Option::is_some);
        if is_empty && has_older { range } else { newest }
    }
}

fn running(tasks: u32) -> String {
    match tasks {
        0 => "ECS reports no running task".to_owned(),
        1 => "ECS reports 1 running task".to_owned(),
        n => format!("ECS reports {n} running tasks"),
    }
}

//! The notices of an alarm, including that it could not be evaluated.

use std::ops::Range;

use jiff::{SignedDuration, Timestamp};

use super::{Course, Newest, StateChange};
use crate::alarms::evaluate::AlarmState;
use crate::alarms::{
    Blindness, Evaluation, MetricSource, Notice, NoticeBody, NoticeKind, Observation, Remembered, Unseen,
};
use crate::rules::{MissingData, Mute};

/// How long points may be missing after ECS reports the first running task of a service; longer if
/// the window of a run ends longer before its time. ECS publishes a point each minute (Amazon ECS
/// Developer Guide, "Amazon ECS CloudWatch metrics"), and fargaze waits for two by default.
const FIRST_POINTS: SignedDuration = SignedDuration::from_mins(5);

impl Course<'_> {
    /// Notifies of an alarm that has not been notified yet, unless it is muted at the end of the
    /// period.
    pub(super) fn notify(&mut self, period: usize, from: AlarmState, since: Option<Timestamp>) {
        if (self.memory.state, self.memory.notified) != (AlarmState::Alarm, AlarmState::Ok) {
            return;
        }
        let end = self.periods.end(period);
        if let Some(mute) = self.mute(end) {
            (self.memory.muted, self.muted) = (Some(mute), true);
            return;
        }
        // The period in which a deployment or another alarm ended is unknown, so an alarm that they
        // muted is notified if it is still active at the end of the run. The end of a maintenance
        // window is known.
        let ends_with_run = self.memory.muted.as_ref().is_some_and(|mute| *mute != Mute::Maintenance);
        if ends_with_run && period < self.newest() {
            self.muted = true;
            return;
        }
        let late = self.memory.muted.take();
        let (from, since) = if late.is_some() { (AlarmState::Ok, None) } else { (from, since) };
        let change = StateChange { from, to: AlarmState::Alarm, at: self.memory.since, since };
        let Observation { why, pod, deaths, hidden, .. } = self.observation.clone();
        let evaluation = self.evaluation(period);
        self.push(change, NoticeBody::Began { evaluation, late, why, pod, deaths, hidden });
        (self.memory.notified, self.memory.notified_at) = (AlarmState::Alarm, Some(self.now));
        if let Some(blind) = &mut self.memory.blind {
            blind.before_alarm = blind.because == Unseen::NoData && blind.notified;
        }
    }

    /// Why the newest period has no verdict; `None` if it has one.
    fn unseen(&self) -> Option<Unseen> {
        if self.newest == Newest::Unseen {
            return Some(Unseen::CouldNotAsk);
        }
        let range = self.range_of(self.newest());
        let is_empty = self.periods.values(range).iter().all(Option::is_none);
        let runs = self.observation.running.is_some_and(|tasks| tasks > 0);
        let matters = self.memory.notified == AlarmState::Alarm || runs;
        let is_explicit = self.rule.condition.treat_missing_data == MissingData::Breaching;
        let continues =
            self.memory.blind.is_some_and(|blind| blind.because == Unseen::NoData && blind.notified);
        let is_missing = is_empty && !is_explicit && (continues || (self.periods.can_be_late() && matters));
        // A few points in the range do not end the lack of data until they suffice for a verdict.
        let is_missing = is_missing || continues && self.newest == Newest::Waits;
        is_missing.then_some(Unseen::NoData)
    }

    /// After all periods: notifies of an alarm whose mute ended without a new period, and checks
    /// whether it could be evaluated at all.
    pub(super) fn conclude(&mut self) {
        let newest = self.newest();
        match self.unseen() {
            None => {
                self.notify(newest, AlarmState::Ok, None);
                if let Some(blind) = self.memory.blind.filter(|blind| !self.may_be_late_since(*blind)) {
                    self.memory.blind = None;
                    self.sees_again(blind);
                }
            }
            Some(because) => self.is_blind(because),
        }
    }

    /// Whether missing points may still arrive, so that further gaps belong to the same lack of
    /// data.
    fn may_be_late_since(&self, blind: Blindness) -> bool {
        let newest = self.newest();
        let missing = self.periods.after(blind.since).min(newest)..newest + 1;
        blind.notified && blind.because == Unseen::NoData && !self.periods.open(&missing).is_empty()
    }

    fn sees_again(&mut self, blind: Blindness) {
        // Late points were evaluated all the same: only lost ones need a notice.
        let is_lost = blind.because == Unseen::CouldNotAsk || self.periods.lost_since(blind.since);
        if blind.notified && is_lost {
            // The time at which data returned is not stored.
            let since = (blind.because == Unseen::CouldNotAsk).then_some(blind.since);
            let evaluation = self.evaluation(self.newest());
            self.push(self.standing(since), NoticeBody::SeenAgain { evaluation });
        }
    }

    fn is_blind(&mut self, because: Unseen) {
        let end = self.newest_end();
        let known = self.memory.blind.filter(|blind| blind.because == because || blind.notified);
        let mut blind =
            known.unwrap_or(Blindness { since: end, because, notified: false, before_alarm: false });
        let range = self.rule.condition.evaluation_range();
        // With no data, the whole range is already empty: the next run with the same finding is
        // enough.
        let patience = if because == Unseen::NoData { 0 } else { range };
        let lasts = self.periods.count_since(blind.since) > patience;
        // Tasks that have just started have no points yet.
        let young = because == Unseen::NoData
            && self.memory.notified == AlarmState::Ok
            && end.duration_since(blind.since) < FIRST_POINTS.max(self.now.duration_since(end));
        // Data of an alarm went missing again; not in the run that notified people of the alarm.
        let again = blind.before_alarm
            && because == Unseen::NoData
            && self.memory.notified == AlarmState::Alarm
            && self.memory.notified_at != Some(self.now);
        if lasts && !young && (!blind.notified || again) && self.mute(end).is_none() {
            let evaluation = self.evaluation(self.newest());
            let (since, body) = match because {
                Unseen::CouldNotAsk => {
                    let why = self.observation.reading.fault().map(ToString::to_string);
                    (blind.since, NoticeBody::Blind { evaluation, why })
                }
                Unseen::NoData => {
                    let since = self.periods.newest_value_end().unwrap_or_else(|| self.periods.end(0));
                    (since, NoticeBody::NoData { evaluation, why: self.observation.running.map(running) })
                }
            };
            self.push(self.standing(Some(since)), body);
            (blind.notified, blind.before_alarm) = (true, false);
        }
        self.memory.blind = Some(blind);
    }

    /// Reminds of an alarm that is still active.
    pub(super) fn remind(&mut self) {
        let Remembered { state, notified, notified_at: Some(notified_at), since, .. } = self.memory else {
            return;
        };
        let end = self.newest_end();
        let due = self.rule.remind_every.is_some_and(|every| self.now.duration_since(notified_at) >= every);
        let notified = (state, notified) == (AlarmState::Alarm, AlarmState::Alarm) && notified_at < self.now;
        if notified && due && self.mute(end).is_none() {
            let Observation { why, pod, deaths, .. } = self.observation.clone();
            let body = NoticeBody::Reminder { evaluation: self.evaluation(self.newest()), why, pod, deaths };
            let reminder = self.notice(self.standing(Some(since)), body);
            // Named after the notice it repeats, so that two concurrent runs produce the same id.
            let id = format!("{}#{}#{}#reminder", self.rule.name, self.subject, notified_at.as_second());
            self.notices.push(Notice { id, ..reminder });
            self.memory.notified_at = Some(self.now);
        }
    }

    /// What mutes the alarm at the end of a period.
    fn mute(&self, end: Timestamp) -> Option<Mute> {
        let planned = self.rule.maintenance.iter().any(|window| window.covers(end));
        if planned { Some(Mute::Maintenance) } else { self.observation.mute.clone() }
    }

    /// The unchanged state at the end of the newest period.
    fn standing(&self, since: Option<Timestamp>) -> StateChange {
        let state = self.memory.state;
        StateChange { from: state, to: state, at: self.newest_end(), since }
    }

    pub(super) fn push(&mut self, change: StateChange, body: NoticeBody) {
        let notice = self.notice(change, body);
        self.notices.push(notice);
    }

    fn notice(&self, StateChange { from, to, at, since }: StateChange, body: NoticeBody) -> Notice {
        let Self { rule, subject, .. } = self;
        let (instant, what) = match body.kind() {
            NoticeKind::Blind => (since.unwrap_or(at), "blind"),
            NoticeKind::NoData => (since.unwrap_or(at), "no-data"),
            NoticeKind::SeenAgain => (since.unwrap_or(at), "seen-again"),
            NoticeKind::Began | NoticeKind::Ended | NoticeKind::Reminder | NoticeKind::Deleted => {
                (at, to.as_str())
            }
        };
        let again = self.again.map(|version| format!("#{version}")).unwrap_or_default();
        Notice {
            id: format!("{}#{subject}#{}#{what}{again}", rule.name, instant.as_second()),
            rule: rule.name.clone(),
            severity: rule.severity,
            subject: (*subject).clone(),
            from,
            to,
            at,
            since,
            body,
        }
    }

    /// The values behind the verdict on a period.
    pub(super) fn evaluation(&self, period: usize) -> Evaluation {
        let Self { rule, subject, .. } = self;
        let shown = self.shown(self.range_of(period));
        let metrics = match &self.observation.metrics {
            _ if self.periods.is_state() => Vec::new(),
            none if none.is_empty() => rule.measure.of(subject),
            known => known.clone(),
        };
        let source =
            (!metrics.is_empty()).then(|| MetricSource { metrics, statistic: rule.statistic.clone() });
        Evaluation {
            label: rule.measure.label().to_owned(),
            unit: rule.unit(),
            comparison: rule.condition.comparison,
            threshold: rule.condition.threshold,
            values: self.periods.values(shown.clone()).to_vec(),
            until: self.periods.end(period),
            period: rule.period,
            sampled_at: self.periods.instants(shown),
            source,
            message: rule.message.clone(),
        }
    }

    /// The newest N periods of an evaluation range, or all of it if only the older ones have a
    /// value.
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

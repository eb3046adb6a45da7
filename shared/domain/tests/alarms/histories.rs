//! Random histories of points and runs: failed, repeated, late and partial runs, and mutes that
//! begin and end. A simple model evaluates minute by minute with the oracle and predicts the
//! notifications: none is lost, none is sent twice.

use std::collections::BTreeSet;

use fargaze::alarms::evaluate::AlarmState;
use fargaze::alarms::{Notice, NoticeKind, Observation};
use fargaze::model::series::Reading;
use fargaze::rules::{AlarmRule, Mute};
use jiff::SignedDuration;

use crate::chance::{Chance, with_seeds};
use crate::oracle::{Stand, condition, next, values};
use crate::scene::{DELAY, Scene, default_rule, fault, minute, series, window};

/// Minutes before the first run with good points, so that engine and model both begin with OK.
const CALM: usize = 40;
const MINUTES: usize = 240;
/// The maximum number of consecutive failed runs: the lookback of 15 minutes allows no more.
const MOST_FAILURES: usize = 2;

/// Without optimization a thousand histories take ten seconds.
const HISTORIES: u64 = if cfg!(debug_assertions) { 300 } else { 20_000 };

/// Values without a gap; `late.rs` covers gaps.
fn dense(chance: &mut Chance, count: usize) -> Vec<Option<f64>> {
    let mut last = 0.0;
    let filled = values(chance, count).into_iter().map(|value| {
        last = value.unwrap_or(last);
        Some(last)
    });
    filled.collect()
}

/// A notification: its kind and its minute.
type Sent = (NoticeKind, i64);

/// A rule and the values of its metric.
struct History {
    rule: AlarmRule,
    /// Values by minute from `-CALM` on: index `i` is the period that ends at minute `i - CALM +
    /// 1`.
    values: Vec<Option<f64>>,
}

impl History {
    fn new(chance: &mut Chance) -> Self {
        let condition = condition(chance);
        let hold = chance.one_of(&[0, 0, 0, 4, 11]);
        let rule = AlarmRule {
            condition,
            hold: SignedDuration::from_mins(hold),
            remind_every: chance.percent(50).then(|| SignedDuration::from_mins(chance.between(2, 40))),
            ..default_rule("memory-high")
        };
        let fine = (0..10).map(f64::from).find(|&value| !condition.comparison.breaches(value, 5.0)).unwrap();
        let mut points = vec![Some(fine); CALM];
        points.extend(dense(chance, MINUTES));
        Self { rule, values: points }
    }

    fn value(&self, minute: i64) -> Option<f64> {
        let index = usize::try_from(minute - 1 + i64::try_from(CALM).unwrap()).ok()?;
        self.values.get(index).copied().flatten()
    }

    /// The alarm after a minute. `hold` applies only to an alarm that was notified.
    fn stand(&self, minute: i64, notified: bool, before: Stand) -> Stand {
        let newest = usize::try_from(minute - 1 + i64::try_from(CALM).unwrap()).unwrap();
        let hold = if notified { self.rule.hold.as_mins() } else { 0 };
        next(&self.rule.condition, hold, &self.values[..=newest], minute, before)
    }

    fn reading(&self, now: i64) -> Reading {
        let window = window(&self.rule, now, 15);
        Reading::Complete(series(&window, |minute| self.value(minute)))
    }
}

/// The notifications that the model expects. It keeps all past points.
struct Model {
    /// OK so far.
    stand: Stand,
    sent: Vec<Sent>,
    notified: bool,
    notified_at: i64,
    /// Whether the active alarm is muted.
    silenced: bool,
    judged: i64,
    blind: Option<(i64, bool)>,
}

impl Model {
    fn calm() -> Self {
        let stand = Stand { state: AlarmState::Ok, since: -1000 };
        Self {
            stand,
            sent: Vec::new(),
            notified: false,
            notified_at: 0,
            silenced: false,
            judged: 0,
            blind: None,
        }
    }

    /// A run at `now` that receives all points up to two minutes before it.
    fn sees(&mut self, history: &History, now: i64, muted: bool) {
        let end = now - DELAY;
        for minute in self.judged + 1..=end {
            let stand = history.stand(minute, self.notified, self.stand);
            self.stand = stand;
            if stand.state != AlarmState::Alarm && self.notified {
                self.sent.push((NoticeKind::Ended, minute));
                (self.notified, self.notified_at) = (false, now);
            }
            self.silenced &= stand.state == AlarmState::Alarm;
            if stand.state == AlarmState::Alarm && !self.notified {
                if muted {
                    self.silenced = true;
                } else if !self.silenced || minute == end {
                    self.sent.push((NoticeKind::Began, stand.since));
                    (self.notified, self.notified_at, self.silenced) = (true, now, false);
                }
            }
        }
        self.judged = end;
        if let Some((_, true)) = self.blind.take() {
            self.sent.push((NoticeKind::SeenAgain, end));
        }
        self.reminds(history, now, muted);
    }

    /// A run at `now` that could not ask.
    fn fails(&mut self, history: &History, now: i64, muted: bool) {
        let end = now - DELAY;
        let (since, notified) = self.blind.unwrap_or((end, false));
        let range = i64::from(history.rule.condition.evaluation_periods) + 2;
        let notify = !notified && !muted && end - since > range;
        if notify {
            self.sent.push((NoticeKind::Blind, end));
        }
        self.blind = Some((since, notified || notify));
        self.reminds(history, now, muted);
    }

    fn reminds(&mut self, history: &History, now: i64, muted: bool) {
        let Some(every) = history.rule.remind_every else { return };
        if self.notified && !muted && now > self.notified_at && now - self.notified_at >= every.as_mins() {
            self.sent.push((NoticeKind::Reminder, now - DELAY));
            self.notified_at = now;
        }
    }
}

fn sent(notices: &[Notice]) -> Vec<Sent> {
    notices.iter().map(|notice| (notice.kind(), minute(notice.at))).collect()
}

fn check_ids(notified: &[Notice]) -> Result<(), String> {
    let ids: BTreeSet<&str> = notified.iter().map(|notice| notice.id.as_str()).collect();
    if ids.len() == notified.len() { Ok(()) } else { Err(format!("an id came twice: {:?}", sent(notified))) }
}

/// A late execution of an older run must not change the notifications.
fn late(scene: &mut Scene, history: &History, (now, muted): (i64, bool)) -> Result<(), String> {
    let (state, notified) = (scene.record.as_ref().map(|record| record.memory.state), scene.notified.len());
    let reading = history.reading(now);
    let mute = muted.then_some(Mute::Deployment);
    scene.see(now, &Observation { mute, ..Observation::of(&reading) });
    let after = scene.record.as_ref().map(|record| record.memory.state);
    if scene.notified.len() == notified && after == state {
        return Ok(());
    }
    Err(format!(
        "the run of minute {now} came late and changed {state:?} to {after:?}: {:?}",
        sent(&scene.notified[notified..])
    ))
}

#[test]
fn notifications_match_the_model_minute_by_minute() {
    with_seeds(HISTORIES, |mut chance| {
        let history = History::new(&mut chance);
        let mut scene = Scene::new(history.rule.clone());
        let mut model = Model::calm();
        let (mut failures, mut muted, mut earlier) = (0, false, Vec::new());
        for now in (DELAY + 5..i64::try_from(MINUTES).unwrap()).step_by(5) {
            muted = if chance.percent(20) { chance.percent(50) } else { muted };
            let mute = muted.then_some(Mute::Deployment);
            let fails = failures < MOST_FAILURES && chance.percent(25);
            failures = if fails { failures + 1 } else { 0 };
            if fails {
                // Half of them never run.
                if chance.percent(50) {
                    model.fails(&history, now, muted);
                    let unread = Reading::Unread(fault());
                    scene.see(now, &Observation { mute, ..Observation::of(&unread) });
                }
            } else {
                let reading = history.reading(now);
                let observation = Observation { mute, ..Observation::of(&reading) };
                scene.see(now, &observation);
                model.sees(&history, now, muted);
                if chance.percent(20) && scene.see(now, &observation) {
                    return Err(format!("the run of minute {now} changed something when it was repeated"));
                }
                earlier.push((now, muted));
            }
            // Only an older run with the same mute state; otherwise it sends what the newer run
            // left to the next.
            if chance.percent(15) && !earlier.is_empty() {
                let old = chance.one_of(&earlier);
                if old.1 || !muted {
                    late(&mut scene, &history, old)?;
                }
            }
            if sent(&scene.notified) != model.sent {
                let (notified, rule) = (sent(&scene.notified), &history.rule);
                return Err(format!(
                    "at {now} {notified:?}\nbut the model {:?}\n{rule:?}\n{:?}",
                    model.sent, history.values
                ));
            }
        }
        check_ids(&scene.notified)
    });
}

/// Partial answers may delay notifications, but neither lose nor change them.
#[test]
fn partial_answers_lose_nothing() {
    with_seeds(HISTORIES / 2, |mut chance| {
        let mut history = History::new(&mut chance);
        history.rule.remind_every = None;
        let mut scene = Scene::new(history.rule.clone());
        let mut model = Model::calm();
        let mut failures = 0;
        for now in (DELAY + 5..i64::try_from(MINUTES).unwrap()).step_by(5) {
            let partial = failures < MOST_FAILURES && chance.percent(40);
            failures = if partial { failures + 1 } else { 0 };
            if partial {
                let (from, to) = (now - chance.between(0, 30), now - chance.between(0, 30));
                let window = window(&scene.rule, now, 15);
                let seen = |minute: i64| history.value(minute).filter(|_| !(from..to).contains(&minute));
                let reading = Reading::Partial(series(&window, seen), fault());
                scene.see(now, &Observation::of(&reading));
                continue;
            }
            scene.see(now, &Observation::of(&history.reading(now)));
            model.sees(&history, now, false);
            let is_about_data = |kind: NoticeKind| matches!(kind, NoticeKind::Blind | NoticeKind::SeenAgain);
            let notified: Vec<Sent> =
                sent(&scene.notified).into_iter().filter(|(kind, _)| !is_about_data(*kind)).collect();
            if notified != model.sent {
                let rule = &history.rule;
                return Err(format!(
                    "at {now} {notified:?}\nbut the model {:?}\n{rule:?}\n{:?}",
                    model.sent, history.values
                ));
            }
        }
        check_ids(&scene.notified)
    });
}

/// Points that arrive late or are rewritten: the notifications stay consistent.
#[test]
fn whatever_is_rewritten_alarms_begin_and_end_alternately() {
    with_seeds(HISTORIES / 2, |mut chance| {
        let mut history = History::new(&mut chance);
        let mut scene = Scene::new(history.rule.clone());
        for now in (DELAY + 5..i64::try_from(MINUTES).unwrap()).step_by(5) {
            history.values = values(&mut chance, MINUTES + CALM);
            let old = now - 5 * chance.one_of(&[0, 0, 0, 1, 2]);
            scene.see(old, &Observation::of(&history.reading(old)));
        }
        let (mut is_active, mut is_silent) = (false, false);
        for (kind, minute) in sent(&scene.notified) {
            let fits = match kind {
                // An alarm whose data does not return ends without another notification.
                NoticeKind::Began => !is_active || is_silent,
                NoticeKind::Ended => is_active,
                _ => true,
            };
            if !fits {
                return Err(format!("{kind:?} at {minute} in {:?}", sent(&scene.notified)));
            }
            is_active = if matches!(kind, NoticeKind::Began | NoticeKind::Ended) {
                kind == NoticeKind::Began
            } else {
                is_active
            };
            is_silent = kind == NoticeKind::NoData || is_silent && kind != NoticeKind::Began;
        }
        check_ids(&scene.notified)
    });
}

//! Late points, permanent gaps, and services that run without data.

use fargaze::alarms::NoticeKind::{self, Began, Ended, NoData, SeenAgain};
use fargaze::alarms::evaluate::AlarmState;
use fargaze::alarms::{Notice, Observation};
use fargaze::model::series::Reading;
use fargaze::rules::{AlarmRule, Condition, MissingData};
use jiff::SignedDuration;

use crate::chance::{Chance, with_seeds};
use crate::estate::{Estate, state};
use crate::oracle::{Stand, condition, next};
use crate::scene::{DELAY, Scene, default_rule, rules, series, window};

/// How late points may arrive: the default of `LookbackMinutes`.
const LOOKBACK: i64 = 60;
/// Minutes with good points before and after the incident.
const CALM: i64 = 120;
/// Minutes of the incident.
const MINUTES: i64 = 240;

const HISTORIES: u64 = if cfg!(debug_assertions) { 400 } else { 20_000 };

/// One minute: its value, and the minute at which CloudWatch has it.
#[derive(Debug, Clone, Copy)]
struct Point {
    value: Option<f64>,
    arrives: i64,
}

/// Points by minute from `-CALM` on: index `i` is the period that ends at minute `i - CALM + 1`.
struct History {
    rule: AlarmRule,
    points: Vec<Point>,
}

impl History {
    fn new(condition: Condition, late: impl Fn(&mut Chance) -> i64, chance: &mut Chance) -> Self {
        let rule = AlarmRule {
            condition,
            hold: SignedDuration::ZERO,
            remind_every: None,
            ..default_rule("memory-high")
        };
        let fine = (0..10).map(f64::from).find(|&value| !condition.comparison.breaches(value, 5.0)).unwrap();
        let (mut level, mut silent) = (fine, 0);
        let mut happens = |chance: &mut Chance| {
            if chance.percent(25) {
                level = f64::from(i32::try_from(chance.between(0, 9)).unwrap());
            }
            // Shorter than the lookback: a longer silence ends the alarm with its own notification.
            silent = if silent > 0 { silent - 1 } else { chance.between(-60, 12) };
            (silent <= 0).then_some(level)
        };
        let points = (-CALM..MINUTES + CALM).map(|start| {
            let value = if (0..MINUTES).contains(&start) { happens(chance) } else { Some(fine) };
            Point { value, arrives: start + 1 + late(chance) }
        });
        Self { rule, points: points.collect() }
    }

    fn value(&self, minute: i64, now: i64) -> Option<f64> {
        let point = self.points.get(usize::try_from(minute - 1 + CALM).ok()?)?;
        point.value.filter(|_| point.arrives <= now)
    }

    /// The notifications of runs every `every` minutes.
    fn notified(&self, every: i64) -> Vec<Notice> {
        let mut scene = Scene { lookback: LOOKBACK, ..Scene::new(self.rule.clone()) };
        for now in (DELAY..MINUTES + CALM - 5).step_by(usize::try_from(every).unwrap()) {
            let window = window(&self.rule, now, LOOKBACK);
            let reading = Reading::Complete(series(&window, |minute| self.value(minute, now)));
            scene.see(now, &Observation::of(&reading));
            let record = scene.record.clone();
            assert!(
                !scene.see(now, &Observation::of(&reading)),
                "the run of minute {now}, repeated, made {:?} of {record:?}",
                scene.record
            );
        }
        scene.notified
    }

    /// The changes between OK and ALARM when each minute is evaluated once with the points that
    /// `known` gives.
    fn changes(&self, known: impl Fn(i64, i64) -> Option<f64>) -> Vec<NoticeKind> {
        let mut stand = Stand { state: AlarmState::Ok, since: -1000 };
        let (mut notified, mut changes) = (AlarmState::Ok, Vec::new());
        for end in 1..MINUTES + CALM - 5 {
            let values: Vec<_> = (1 - CALM..=end).map(|minute| known(minute, end)).collect();
            stand = next(&self.rule.condition, 0, &values, end, stand);
            if stand.state != notified && stand.state != AlarmState::InsufficientData {
                notified = stand.state;
                changes.push(if notified == AlarmState::Alarm { Began } else { Ended });
            }
        }
        changes
    }
}

fn changes(notices: &[Notice]) -> Vec<NoticeKind> {
    notices.iter().map(Notice::kind).filter(|kind| matches!(kind, Began | Ended)).collect()
}

fn with(condition: Condition, treat_missing_data: MissingData) -> Condition {
    Condition { treat_missing_data, clear_threshold: None, ..condition }
}

/// Issue 12, point 2: the sequence of notified states equals that of an evaluation with complete
/// data, possibly later.
#[test]
fn late_points_give_the_same_notifications_as_timely_ones() {
    with_seeds(HISTORIES, |mut chance| {
        let treat = chance.one_of(&[MissingData::Missing, MissingData::Ignore]);
        let condition = with(condition(&mut chance), treat);
        let often = chance.one_of(&[0, 5, 30, 100]);
        let most = chance.one_of(&[3, 12, 30, LOOKBACK - 2 * DELAY]);
        let late = |chance: &mut Chance| if chance.percent(often) { chance.between(0, most) } else { 0 };
        let history = History::new(condition, late, &mut chance);
        let (notified, all) =
            (history.notified(5), history.changes(|minute, _| history.value(minute, 9_999)));
        if changes(&notified) == all {
            return Ok(());
        }
        let notified: Vec<_> = notified.iter().map(|n| (n.kind(), crate::scene::minute(n.at))).collect();
        Err(format!("{notified:?}\nbut with all data {all:?}\n{condition:?}\n{:?}", history.points))
    });
}

/// The explicit treatments decide at once what a gap means, as in CloudWatch, and the true state is
/// notified when its points have arrived. A run that evaluates several period ends against one edge
/// of data adds nothing to these two notifications.
#[test]
fn a_steady_lag_changes_no_more_than_gaps_and_points_do() {
    with_seeds(HISTORIES, |mut chance| {
        let treat = chance.one_of(&[MissingData::Breaching, MissingData::NotBreaching]);
        let condition = with(condition(&mut chance), treat);
        let lag = chance.between(0, 30);
        let mut history = History::new(condition, |_| lag, &mut chance);
        let mut last = Some(0.0);
        for point in &mut history.points {
            last = point.value.or(last);
            point.value = last;
        }
        let notified = changes(&history.notified(5));
        let instants = history.changes(|minute, end| history.value(minute, end + DELAY));
        let all = history.changes(|minute, _| history.value(minute, 9_999));
        if notified.len() <= instants.len() + all.len() + 1 {
            return Ok(());
        }
        Err(format!(
            "lag {lag}: {notified:?}\nbut at each instant {instants:?}\n{condition:?}\n{:?}",
            history.points
        ))
    });
}

/// A run that evaluates several period ends against one edge of data: with an explicit treatment,
/// too, a steady value whose points lag behind gives one end and one beginning, as it would if each
/// minute were evaluated at its own instant.
#[test]
fn a_steady_value_with_a_lag_flaps_under_no_treatment() {
    for treat_missing_data in [MissingData::Breaching, MissingData::NotBreaching] {
        for value in [50.0, 99.0] {
            for lag in 3..45 {
                let rule = default_rule("memory-high");
                let condition = Condition { treat_missing_data, ..rule.condition };
                let mut scene = Scene { lookback: LOOKBACK, ..Scene::new(AlarmRule { condition, ..rule }) };
                for now in (7..240).step_by(5) {
                    let late = |minute: i64| if (30..150).contains(&minute) { lag } else { 0 };
                    scene.run(now, |minute| (minute + late(minute) <= now).then_some(value));
                }
                let changes = changes(&scene.notified);
                assert!(
                    changes.len() <= 3,
                    "{treat_missing_data:?}, {value}, {lag} minutes late: {changes:?}"
                );
            }
        }
    }
}

/// Issue 12, point 2: memory is always at 99 %, and points arrive late for an hour.
#[test]
fn a_steady_value_whose_points_come_late_is_one_notice_at_most() {
    for treat in [MissingData::Missing, MissingData::Ignore] {
        for lag in [3, 5, 8, 10, 12, 15, 20, 30, 45] {
            let rule = default_rule("memory-high");
            let condition = Condition { treat_missing_data: treat, ..rule.condition };
            let mut scene = Scene { lookback: LOOKBACK, ..Scene::new(AlarmRule { condition, ..rule }) };
            let is_late = |minute: i64| (30..90).contains(&minute);
            for now in (7..180).step_by(5) {
                scene.run(now, |minute| {
                    let arrives = minute + if is_late(minute) { lag } else { 0 };
                    (arrives <= now && minute > -60).then_some(if minute > 0 { 99.0 } else { 50.0 })
                });
            }
            let sent: Vec<_> = scene.notified.iter().map(Notice::kind).collect();
            let expected: &[NoticeKind] = if lag < 10 { &[Began] } else { &[Began, NoData] };
            assert!(sent == [Began] || sent == expected, "{treat:?}, {lag} minutes late: {sent:?}");
        }
    }
}

/// Issue 12, point 4: ECS reports running tasks, and CloudWatch has no data.
#[test]
fn a_service_that_runs_without_data_is_notified_once_after_the_range_and_when_it_has_data_again() {
    let mut estate = Estate::new(rules("{}"));
    estate.values = Box::new(|_, minute| (minute <= 10 || minute > 250).then_some(30.0));
    for now in (0..300).step_by(5) {
        estate.states = if (20..255).contains(&now) { vec![state(2, 2)] } else { Vec::new() };
        estate.run(now);
    }
    let mut sent = estate.sent();
    sent.sort();
    let both = |kind| ["cpu-high", "memory-high"].map(|rule| (kind, rule, "shop/web".to_owned()));
    assert_eq!(sent, [both(NoData), both(SeenAgain)].concat());
    assert!(
        estate.notified[..2].iter().all(|notice| crate::scene::minute(notice.at) <= 30),
        "{:?}",
        estate.notified[0]
    );
    assert_eq!(estate.notified[0].why(), Some("ECS reports 2 running tasks"));
}

#[test]
fn a_service_that_runs_nothing_has_no_data_and_needs_none() {
    let mut estate = Estate::new(rules("{}"));
    estate.values = Box::new(|_, minute| (minute <= 10).then_some(30.0));
    for now in (0..240).step_by(5) {
        estate.states = if now >= 20 { vec![state(0, 0)] } else { Vec::new() };
        estate.run(now);
    }
    assert_eq!(estate.sent(), []);
}

/// A rule on `missing` never says that it counts missing data as a breach.
#[test]
fn an_alarm_always_shows_the_values_that_it_began_with() {
    with_seeds(HISTORIES, |mut chance| {
        let treat = chance.one_of(&[MissingData::Missing, MissingData::Ignore, MissingData::NotBreaching]);
        let condition = with(condition(&mut chance), treat);
        let history = History::new(condition, |_| 0, &mut chance);
        let began = history.notified(5).into_iter().filter(|notice| notice.kind() == Began);
        match began.into_iter().find(|notice| notice.evaluation().unwrap().breaching().next().is_none()) {
            None => Ok(()),
            Some(notice) => Err(format!("{notice:?}")),
        }
    });
}

/// The notice of missing data covers the alarm that was active then. When the data of a later alarm
/// goes missing, people are notified again: it never ends without a word.
#[test]
fn each_alarm_whose_data_goes_missing_is_notified_so() {
    let mut scene = held(0, MissingData::Missing);
    for now in (5..240).step_by(5) {
        scene.run(now, |minute| match minute {
            // A gap that is filled late, so that the missing data is not over.
            25..30 if now < 45 => None,
            10..25 | 30..35 | 46..150 => None,
            4..10 | 40..46 | 150..155 => Some(99.0),
            _ => Some(50.0),
        });
    }
    let kinds: Vec<_> = scene.notified.iter().map(Notice::kind).collect();
    let (no_data, seen_again) = (NoticeKind::NoData, NoticeKind::SeenAgain);
    assert_eq!(kinds, [Began, no_data, Ended, Began, no_data, Began, Ended, seen_again]);
}

/// A rule with a `hold`, and its scene.
fn held(hold: i64, treat: MissingData) -> Scene {
    let rule = default_rule("memory-high");
    let condition = Condition {
        evaluation_periods: 1,
        datapoints_to_alarm: 1,
        treat_missing_data: treat,
        clear_threshold: None,
        ..rule.condition
    };
    let rule = AlarmRule { hold: SignedDuration::from_mins(hold), condition, ..rule };
    Scene { lookback: LOOKBACK, ..Scene::new(rule) }
}

/// Issue 12, point 2: a gap that breached until its point arrived is corrected with one
/// notification, even during the hold.
#[test]
fn an_alarm_that_a_late_point_undoes_within_its_hold_is_ended() {
    let mut scene = held(30, MissingData::Breaching);
    for now in [5, 10, 15, 20, 60, 120] {
        scene.run(now, |minute| (!(7..14).contains(&minute) || now >= 20).then_some(50.0));
    }
    assert_eq!(scene.sent(), [(Began, 9), (Ended, 18)]);
}

/// After missing data, too, an alarm ends with OK.
#[test]
fn an_alarm_ends_with_ok() {
    let mut scene = held(0, MissingData::Missing);
    for now in [10, 30, 60] {
        scene.run(now, |minute| match minute {
            4..8 => Some(99.0),
            8..30 => None,
            _ => Some(50.0),
        });
    }
    let states: Vec<_> = scene.notified.iter().map(|notice| (notice.kind(), notice.to)).collect();
    assert_eq!(states, [(Began, AlarmState::Alarm), (Ended, AlarmState::Ok)]);
}

/// An alarm that begins late, after its no-data notification, and loses its data again: one notice,
/// not one per run.
#[test]
fn an_alarm_that_comes_late_in_a_silence_is_notified_once() {
    let mut scene = held(0, MissingData::Missing);
    let tasks = |scene: &mut Scene, now: i64, values: &dyn Fn(i64) -> Option<f64>| {
        let reading = Reading::Complete(series(&window(&scene.rule, now, LOOKBACK), values));
        scene.see(now, &Observation { running: Some(2), ..Observation::of(&reading) });
    };
    for now in (5..300).step_by(5) {
        tasks(&mut scene, now, &|minute| match minute {
            ..20 => Some(50.0),
            30 if now >= 90 => Some(99.0),
            _ => None,
        });
    }
    let began = scene.sent().iter().filter(|(kind, _)| *kind == Began).count();
    assert_eq!(began, 1, "{:?}", scene.sent());
}

/// Issue 12, point 2.
#[test]
fn lateness_that_comes_and_goes_is_one_notice_of_no_data() {
    let mut scene = Scene { lookback: LOOKBACK, ..Scene::new(default_rule("memory-high")) };
    let lag = |minute: i64| if (31..=45).contains(&minute) || (51..=65).contains(&minute) { 30 } else { 0 };
    for now in (7..120).step_by(5) {
        scene
            .run(now, |minute| (minute + lag(minute) <= now).then_some(if minute > 0 { 99.0 } else { 50.0 }));
    }
    let silent = scene.sent().iter().filter(|(kind, _)| *kind == NoData).count();
    assert_eq!(silent, 1, "{:?}", scene.sent());
}

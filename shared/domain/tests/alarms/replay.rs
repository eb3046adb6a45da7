//! Long stretches, run by run.

use fargaze::alarms::{NoticeKind, Observation};
use fargaze::evidence::inventory::ServiceState;
use fargaze::model::run::{Run, RunKind};
use fargaze::model::status::ServiceStatus;
use fargaze::rules::{AlarmRule, ServiceFigure};
use jiff::SignedDuration;

use crate::scene::{Scene, at, default_rule, window};

fn down() -> ServiceState {
    ServiceState {
        cluster: "shop".parse().unwrap(),
        service: "web".parse().unwrap(),
        status: ServiceStatus::Active,
        desired: 1,
        running: 0,
        pending: 0,
        created_at: Some(at(-100_000)),
        deployment: None,
        events: vec![
            "(service web) was unable to place a task because no capacity was available.".to_owned(),
        ],
        task_definitions: Vec::new(),
        setup: fargaze::evidence::inventory::ServiceSetup::default(),
        trend: fargaze::evidence::inventory::ServiceTrend::default(),
    }
}

#[test]
fn a_service_at_0_of_1_tasks_for_two_weeks_fires_within_two_runs_and_reminds_once_a_day() {
    let remind_every = Some(SignedDuration::from_hours(24));
    let mut scene = Scene::new(AlarmRule { remind_every, ..default_rule("nothing-running") });
    let (state, fortnight) = (down(), 14 * 24 * 60);
    let mut writes = 0;
    for now in (0..fortnight).step_by(5) {
        let window = window(&scene.rule, now, scene.lookback);
        let run = Run {
            window,
            ..Run::new(RunKind::Alarms, at(now), SignedDuration::ZERO, SignedDuration::ZERO, None)
        };
        let reading = state.reading(ServiceFigure::NothingRunning, &scene.rule, &run);
        let observation = Observation { why: state.why(), ..Observation::of(&reading) };
        writes += u32::from(scene.see(now, &observation));
        if now == 5 {
            assert_eq!(scene.notified.len(), 1, "it fires within two runs");
            assert!(scene.notified[0].why().unwrap().contains("unable to place a task"));
        }
    }
    let reminders = scene.notified.iter().filter(|notice| notice.kind() == NoticeKind::Reminder).count();
    assert_eq!(
        (scene.notified.len(), reminders),
        (14, 13),
        "one alarm, and a word on each day after the first"
    );
    assert_eq!(writes, 14, "a run that changes nothing writes nothing");
    let gaps = scene.notified.windows(2).map(|pair| pair[1].at.duration_since(pair[0].at));
    assert!(gaps.into_iter().all(|gap| gap == SignedDuration::from_hours(24)));
}

#[test]
fn thirty_days_with_a_fifth_of_the_runs_failing_leave_no_gap() {
    let mut chance = crate::chance::Chance::new(4);
    // Hot for four minutes of every 45: with 3 of 5 each is an alarm of its own.
    let hot = |minute: i64| Some(if minute.rem_euclid(45) < 4 { 95.0 } else { 50.0 });
    let mut scene = Scene { lookback: 60, ..Scene::new(default_rule("memory-high")) };
    let days = 30 * 24 * 60;
    for now in (0..days).step_by(5) {
        if chance.percent(20) {
            scene.unread(now);
        } else {
            scene.run(now, hot);
        }
    }
    let began: Vec<i64> =
        scene.sent().iter().filter(|(kind, _)| *kind == NoticeKind::Began).map(|n| n.1).collect();
    let ended = scene.sent().iter().filter(|(kind, _)| *kind == NoticeKind::Ended).count();
    assert!(began.len() >= usize::try_from(days / 45).unwrap());
    assert!(began.windows(2).all(|pair| pair[1] - pair[0] == 45), "{began:?}");
    assert!(began.len() - ended <= 1);
}

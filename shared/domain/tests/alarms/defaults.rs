//! The built-in rules: silent on healthy estates, firing on unhealthy ones. Each estate is watched
//! for an hour, each time from a snapshot.

use fargaze::alarms::Notice;
use fargaze::alarms::NoticeKind::{Began, Reminder};
use fargaze::evidence::inventory::ServiceState;
use fargaze::model::deployment::{DeploymentState, RolloutState};

use crate::estate::{Estate, Values, state};
use crate::scene::{at, rules};

fn built_in() -> Estate {
    Estate::new(rules("{}"))
}

fn watch(estate: &mut Estate) {
    (0..60).step_by(5).for_each(|now| _ = estate.run(now));
}

fn must_stay_quiet(mut estate: Estate) {
    watch(&mut estate);
    assert_eq!(estate.sent(), []);
}

/// The only alarm that must begin.
fn must_fire(mut estate: Estate, rule: &str) {
    watch(&mut estate);
    assert_eq!(estate.sent(), [(Began, rule, "shop/web".to_owned())]);
}

/// CPU and memory of `shop/web` at a minute.
fn values(of: impl Fn(i64) -> Option<(f64, f64)> + 'static) -> Values {
    Box::new(move |query, minute| {
        let (cpu, memory) = of(minute)?;
        match query.metric.name.as_ref() {
            "CPUUtilization" => Some(cpu),
            "MemoryUtilization" => Some(memory),
            other => panic!("{other} is not free"),
        }
    })
}

fn deployment(failed_tasks: u32, started: i64) -> DeploymentState {
    DeploymentState {
        rollout_state: Some(RolloutState::InProgress),
        failed_tasks,
        reason: Some("ECS deployment ecs-svc/1 in progress.".to_owned()),
        started_at: Some(at(started)),
        failure: None,
    }
}

#[test]
fn quiet_one_task_desired_and_running() {
    let mut estate = built_in();
    estate.values = values(|minute| Some(if minute % 10 == 0 { (97.0, 60.0) } else { (20.0, 60.0) }));
    must_stay_quiet(estate);
}

#[test]
fn quiet_a_healthy_service_is_not_even_written() {
    let mut estate = built_in();
    assert_eq!((0..60).step_by(5).map(|now| estate.run(now)).sum::<usize>(), 0);
}

#[test]
fn quiet_no_task_desired() {
    let mut estate = built_in();
    (estate.values, estate.states) = (values(|_| None), vec![state(0, 0)]);
    must_stay_quiet(estate);
}

#[test]
fn quiet_scaled_to_zero_in_the_middle() {
    let mut estate = built_in();
    estate.values = values(|minute| (minute < 20).then_some((20.0, 30.0)));
    (0..25).step_by(5).for_each(|now| _ = estate.run(now));
    estate.states = vec![state(0, 0)];
    (25..60).step_by(5).for_each(|now| _ = estate.run(now));
    assert_eq!(estate.sent(), []);
}

/// Tasks that a schedule starts belong to no service: the cluster has no service, or an unrelated
/// one.
#[test]
fn quiet_scheduled_tasks_without_a_service() {
    let mut estate = built_in();
    estate.clusters.insert("batch".to_owned(), Vec::new());
    must_stay_quiet(estate);
}

#[test]
fn quiet_during_a_deployment_that_replaces_the_only_task() {
    let mut estate = built_in();
    estate.values = values(|minute| (!(20..26).contains(&minute)).then_some((20.0, 30.0)));
    for now in (0..60).step_by(5) {
        let deploying = ServiceState { deployment: Some(deployment(0, 19)), pending: 1, ..state(1, 0) };
        estate.states = if (20..30).contains(&now) { vec![deploying] } else { Vec::new() };
        estate.run(now);
    }
    assert_eq!(estate.sent(), []);
}

/// Scaled from 0 to 1 without a deployment: for a minute ECS reports one desired, none running and
/// one pending task.
#[test]
fn quiet_scaled_from_zero_while_the_first_task_starts() {
    let mut estate = built_in();
    estate.values = values(|minute| (minute > 21).then_some((20.0, 30.0)));
    for now in (0..60).step_by(5) {
        let starting = ServiceState { pending: 1, ..state(1, 0) };
        estate.states = match now {
            ..20 => vec![state(0, 0)],
            20 => vec![starting],
            25 => vec![state(1, 1)],
            _ => Vec::new(),
        };
        estate.run(now);
    }
    assert_eq!(estate.sent(), []);
}

/// Issue 12, point 1: workers that a queue scales from 0 to 1 and back several times an hour, and
/// one that is scaled once and starts normally.
#[test]
fn quiet_scaled_from_zero_again_and_again() {
    let mut estate = built_in();
    estate.values = values(|minute| (minute.rem_euclid(20) >= 8).then_some((20.0, 30.0)));
    for (run, now) in (0..240).step_by(5).enumerate() {
        let starting = ServiceState { pending: 1, ..state(1, 0) };
        estate.states = match run % 4 {
            0 => vec![state(0, 0)],
            1 => vec![starting],
            _ => vec![state(1, 1)],
        };
        estate.run(now);
    }
    assert_eq!(estate.sent(), []);
}

#[test]
fn quiet_a_service_created_a_minute_ago() {
    let mut estate = built_in();
    estate.values = values(|minute| (minute > 6).then_some((20.0, 30.0)));
    for now in (0..60).step_by(5) {
        let new =
            ServiceState { created_at: Some(at(-1)), deployment: Some(deployment(0, -1)), ..state(1, 0) };
        estate.states = if now < 10 { vec![new] } else { Vec::new() };
        estate.run(now);
    }
    assert_eq!(estate.sent(), []);
}

/// The built-in rules query `AWS/ECS` only; [`values`] panics on any other namespace.
#[test]
fn quiet_without_container_insights() {
    let mut estate = built_in();
    estate.values = values(|_| Some((40.0, 50.0)));
    must_stay_quiet(estate);
}

#[test]
fn t18_quiet_at_12_percent_of_memory() {
    let mut estate = built_in();
    estate.values = values(|_| Some((3.0, 12.0)));
    must_stay_quiet(estate);
}

#[test]
fn fire_nothing_running() {
    let mut estate = built_in();
    (estate.values, estate.states) = (values(|_| None), vec![state(1, 0)]);
    must_fire(estate, "nothing-running");
}

/// Tasks that keep starting and dying are pending at every check.
#[test]
fn fire_at_the_second_run_while_tasks_are_pending_for_ever() {
    let mut estate = built_in();
    let looping = ServiceState { pending: 1, ..state(1, 0) };
    (estate.values, estate.states) = (values(|_| None), vec![looping]);
    estate.run(0);
    // Repeating the same run is not a second check.
    estate.run(0);
    assert_eq!(estate.sent(), []);
    estate.run(5);
    assert_eq!(estate.sent(), [(Began, "nothing-running", "shop/web".to_owned())]);
    assert_eq!(estate.notified[0].at, at(-2));
    let late = estate.notified[0].late().unwrap().to_string();
    assert_eq!(late, "starting tasks");
}

/// Issue 12, point 1: a task that keeps starting and dying and happens to run, or to have left
/// metrics, at every other check, on any schedule.
#[test]
fn fire_within_an_hour_if_nothing_runs_at_every_other_run() {
    for (every, running) in
        [(1, true), (5, true), (5, false), (10, true), (15, true), (15, false), (30, true)]
    {
        let mut estate = built_in();
        estate.values = values(|_| None);
        for (run, now) in (0..=60).step_by(every).enumerate() {
            let starting = ServiceState { pending: 1, ..state(1, 0) };
            estate.states = match run % 2 {
                0 => vec![starting],
                _ if running => vec![state(1, 1)],
                _ => Vec::new(),
            };
            estate.run(now);
        }
        let began = estate.notified.iter().filter(|notice| notice.kind() == Began).count();
        assert!(began > 0, "every {every} minutes");
    }
}

/// After an hour of running, a start has its grace period again.
#[test]
fn quiet_a_start_long_after_another() {
    let mut estate = built_in();
    estate.values = values(|minute| (minute.rem_euclid(130) > 2).then_some((20.0, 30.0)));
    for now in (0..390).step_by(5) {
        let starting = ServiceState { pending: 1, ..state(1, 0) };
        estate.states = if now % 130 == 0 { vec![starting] } else { vec![state(1, 1)] };
        estate.run(now);
    }
    assert_eq!(estate.sent(), []);
}

/// Issue 12, point 1: a crash loop has no grace period, even if the tasks of an older deployment
/// fail.
#[test]
fn fire_at_once_if_tasks_fail_while_others_start() {
    for failed in [1, 40] {
        let mut estate = built_in();
        let looping = ServiceState { pending: 1, deployment: Some(deployment(failed, -1)), ..state(1, 0) };
        (estate.values, estate.states) = (values(|_| None), vec![looping]);
        estate.run(0);
        assert_eq!(estate.sent(), [(Began, "nothing-running", "shop/web".to_owned())]);
    }
}

#[test]
fn fire_a_deployment_whose_tasks_fail() {
    let mut estate = built_in();
    let stuck = ServiceState { deployment: Some(deployment(12, -5)), ..state(1, 0) };
    (estate.values, estate.states) = (values(|_| None), vec![stuck]);
    estate.run(0);
    estate.run(5);
    assert_eq!(estate.sent(), [(Began, "nothing-running", "shop/web".to_owned())]);
    let why = estate.notified[0].why().unwrap();
    assert!(why.contains("IN_PROGRESS, 12 tasks failed"), "{why}");
}

#[test]
fn fire_a_deployment_that_hangs() {
    let mut estate = built_in();
    let stuck = ServiceState { deployment: Some(deployment(0, 3)), pending: 1, ..state(1, 0) };
    (estate.values, estate.states) = (values(|_| None), vec![stuck]);
    must_fire(estate, "nothing-running");
}

#[test]
fn fire_memory_high() {
    let mut estate = built_in();
    estate.values = values(|minute| Some((20.0, if minute > 10 { 93.0 } else { 60.0 })));
    must_fire(estate, "memory-high");
}

#[test]
fn fire_cpu_high() {
    let mut estate = built_in();
    estate.values = values(|minute| Some((if minute > 10 { 95.0 } else { 60.0 }, 20.0)));
    must_fire(estate, "cpu-high");
}

#[test]
fn a_service_that_stays_down_is_notified_again_once_a_day() {
    let mut estate = built_in();
    (estate.values, estate.states) = (values(|_| None), vec![state(1, 0)]);
    (0..3 * 24 * 60).step_by(5).for_each(|now| _ = estate.run(now));
    let kinds: Vec<_> = estate.notified.iter().map(Notice::kind).collect();
    assert_eq!(kinds, [Began, Reminder, Reminder]);
}

//! Schedules from a minute to an hour: a constant condition begins each built-in rule once and ends
//! it once, and constant health begins none. N counts samples.

use fargaze::alarms::NoticeKind::{self, Began, Ended};
use fargaze::alarms::{Grid, Notice, Observation};
use fargaze::evidence::pods::SampleTimes;
use fargaze::model::run::{Run, RunKind};
use fargaze::model::series::{Datapoint, MetricSeries, Reading};
use fargaze::rules::{AlarmRule, Comparison, SAMPLE_PERIOD};
use jiff::{SignedDuration, Timestamp};

use crate::scene::{Scene, at, rules, series};

const SCHEDULES: [i64; 7] = [1, 2, 5, 10, 15, 30, 60];
const HOURS: i64 = 16;

/// The notifications of a sampled rule with a run every `every` minutes: the condition holds from
/// hour 4 to hour 8.
fn sampled(rule: &AlarmRule, every: i64, value: impl Fn(i64) -> f64) -> Vec<NoticeKind> {
    let mut scene = Scene { lookback: 60, ..Scene::new(rule.clone()) };
    let (mut taken, mut points) = (Vec::<Timestamp>::new(), Vec::new());
    for now in (0..HOURS * 60).step_by(usize::try_from(every).unwrap()) {
        let lookback = SignedDuration::from_mins(90) + SAMPLE_PERIOD.length() * 8;
        let run = Run::new(RunKind::Alarms, at(now), SignedDuration::ZERO, lookback, None);
        let times = SampleTimes::of(&run, &taken, rule.condition.evaluation_range());
        taken = times.ends().to_vec();
        points.push(Datapoint { timestamp: times.newest_start().unwrap(), value: value(now) });
        let reading = Reading::Complete(MetricSeries::new(points.clone()));
        scene.judge(now, &Observation::of(&reading), &Grid::Samples(&taken));
    }
    scene.notified.iter().map(Notice::kind).filter(|kind| *kind != NoticeKind::Reminder).collect()
}

fn is_sampled(rule: &AlarmRule) -> bool {
    rule.measure.sampled().is_some()
}

fn breaching(rule: &AlarmRule) -> f64 {
    match rule.condition.comparison {
        Comparison::GreaterThanThreshold | Comparison::GreaterThanOrEqualToThreshold => {
            rule.condition.threshold + 1.0
        }
        Comparison::LessThanThreshold | Comparison::LessThanOrEqualToThreshold => {
            rule.condition.threshold - 1.0
        }
    }
}

/// Issue 12, point 3.
#[test]
fn a_constant_condition_begins_and_ends_each_sampled_rule_once_on_every_schedule() {
    let built_in = rules("{}");
    for rule in built_in.iter().filter(|rule| is_sampled(rule)) {
        for every in SCHEDULES {
            let bad = |now| if (240..480).contains(&now) { breaching(rule) } else { 0.0 };
            assert_eq!(sampled(rule, every, bad), [Began, Ended], "{} every {every} minutes", rule.name);
            assert_eq!(sampled(rule, every, |_| 0.0), [], "{} every {every} minutes", rule.name);
        }
    }
    assert!(built_in.iter().filter(|rule| is_sampled(rule)).count() >= 10);
}

#[test]
fn a_constant_condition_begins_and_ends_each_rule_on_metrics_once_on_every_schedule() {
    for rule in rules("{}").iter().filter(|rule| rule.measure.is_always_published()) {
        for every in SCHEDULES {
            let sent = |bad: std::ops::Range<i64>| {
                // As in `plan-run`: twice the interval of the schedule, and at least an hour.
                let mut scene = Scene { lookback: (2 * every).max(60), ..Scene::new(rule.clone()) };
                for now in (0..HOURS * 60).step_by(usize::try_from(every).unwrap()) {
                    let window = crate::scene::window(rule, now, scene.lookback);
                    let value = |minute| Some(if bad.contains(&minute) { breaching(rule) } else { 0.0 });
                    let reading = Reading::Complete(series(&window, value));
                    scene.see(now, &Observation::of(&reading));
                }
                scene.notified.iter().map(Notice::kind).collect::<Vec<_>>()
            };
            assert_eq!(sent(240..480), [Began, Ended], "{} every {every} minutes", rule.name);
            assert_eq!(sent(0..0), [], "{} every {every} minutes", rule.name);
        }
    }
}

/// Before the first sample there is no period without data: a rule that treats a gap as a breach
/// waits for as many samples as it needs.
#[test]
fn samples_that_have_only_just_begun_are_no_gap() {
    let rule = rules(
        "rules: [{name: kills, what: oom-killed, scope: workload, threshold: 0, comparison: GreaterThanThreshold, \
         evaluation-periods: 3, datapoints-to-alarm: 2, treat-missing-data: breaching}]",
    );
    // A sample every five minutes; `None` has no data.
    let sent = |samples: &[Option<f64>]| {
        let mut scene = Scene::new(rule[0].clone());
        let mut taken = Vec::new();
        let mut points = Vec::new();
        for (now, value) in (5..).step_by(5).zip(samples) {
            taken.push(at(now));
            points
                .extend(value.map(|value| Datapoint { timestamp: at(now) - SAMPLE_PERIOD.length(), value }));
            let reading = Reading::Complete(MetricSeries::new(points.clone()));
            scene.judge(now, &Observation::of(&reading), &Grid::Samples(&taken));
        }
        scene.sent()
    };
    assert_eq!(sent(&[None]), []);
    assert_eq!(sent(&[Some(1.0)]), []);
    assert_eq!(sent(&[Some(0.0), Some(0.0)]), []);
    assert_eq!(sent(&[None, Some(0.0), Some(0.0), Some(0.0)]), []);
    assert_eq!(sent(&[None, None]), [(Began, 10)], "two of the two that there were");
    assert_eq!(sent(&[Some(0.0), None, None]), [(Began, 15)]);
}

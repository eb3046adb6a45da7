//! Measures rule evaluation: 60,000 series of 15 points, 5 rules each, on one core.
//!
//! ```text
//! cargo run --release -p fargaze --example judge
//! ```
//!
//! `make figures` writes the table to docs/performance.md.
//!
//! The data is typical: of a hundred series, 85 are steady, 8 are noisy but OK, 4 have gaps, 2 have
//! no data, and one is in ALARM. The latter three are remembered.
#![expect(clippy::print_stdout, reason = "its output is the result")]

use std::error::Error;
use std::time::{Duration, Instant};

use fargaze::alarms::{AlarmKey, AlarmRecord, Grid, Observation, step};
use fargaze::config::read_rules;
use fargaze::model::metric::Period;
use fargaze::model::series::{Datapoint, MetricSeries, Reading};
use fargaze::model::subject::Subject;
use fargaze::model::window::Window;
use fargaze::rules::AlarmRule;
use jiff::{SignedDuration, Timestamp};

const SERIES: usize = 60_000;
const POINTS: i64 = 15;
const ROUNDS: usize = 20;
/// Time limit for one round.
const BUDGET: Duration = Duration::from_millis(50);

/// Five rules on memory.
const RULES: &str = "
built-in-rules: none
rules:
  - &rule
    name: 3 of 5
    what: memory-percent
    threshold: 80
    comparison: GreaterThanThreshold
    evaluation-periods: 5
    datapoints-to-alarm: 3
  - { <<: *rule, name: 5 of 5, datapoints-to-alarm: 5, clear-threshold: 70 }
  - { <<: *rule, name: 1 of 1, evaluation-periods: 1, datapoints-to-alarm: 1, threshold: 95, minimum-hold: 10m }
  - { <<: *rule, name: 2 of 3, evaluation-periods: 3, datapoints-to-alarm: 2, treat-missing-data: notBreaching }
  - { <<: *rule, name: 8 of 10, evaluation-periods: 10, datapoints-to-alarm: 8, treat-missing-data: ignore }
";

/// The value of a series in a minute; `None` if it has no point.
fn value(series: usize, minute: i64) -> Option<f64> {
    let wave = f64::from(i32::try_from((minute * 7 + i64::try_from(series % 13).ok()?) % 10).ok()?);
    match series % 100 {
        0 => Some(96.0 + wave / 10.0),
        1 | 2 => None,
        3..=6 => (minute % 4 != 1).then_some(40.0 + wave),
        7..=14 => Some(if minute % 6 == 2 { 90.0 } else { 60.0 }),
        _ => Some(30.0 + wave),
    }
}

fn reading(window: &Window, series: usize) -> Reading {
    let points = window
        .period_starts()
        .zip(0..)
        .filter_map(|(timestamp, minute)| value(series, minute).map(|value| Datapoint { timestamp, value }));
    Reading::Complete(MetricSeries::new(points.collect()))
}

/// CPU time of this thread, which is less than the elapsed time if other programs are running.
/// `None` if the kernel does not provide it.
fn time_on_core() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn ms(duration: Duration) -> String {
    format!("{:.0}", duration.as_secs_f64() * 1000.0)
}

fn main() -> Result<(), Box<dyn Error>> {
    let rules: Vec<AlarmRule> = read_rules(RULES)?;
    let now: Timestamp = "2026-11-22T10:05:00Z".parse()?;
    let length = SignedDuration::from_mins(POINTS);
    let window = Window::ending(now, SignedDuration::from_mins(2), Period::MINUTE, length);
    let mut alarms = Vec::with_capacity(SERIES);
    for series in 0..SERIES {
        let (cluster, service) = (format!("cluster-{}", series / 100), format!("service-{}", series % 100));
        let subject = Subject::Service(cluster.parse()?, service.parse()?);
        let reading = reading(&window, series);
        // The records of an earlier run.
        let observation = Observation::of(&reading);
        let remembered: Vec<Option<Box<AlarmRecord>>> = rules
            .iter()
            .map(|rule| step(rule, &subject, &observation, &Grid::Window(window), now, None).map(Box::new))
            .collect();
        alarms.push((subject, reading, remembered));
    }
    let remembered = alarms.iter().flat_map(|(.., records)| records).flatten().count();
    let one = AlarmKey { rule: rules[0].name.clone(), subject: alarms[0].0.clone() };
    println!("{SERIES} series, {} rules, {remembered} alarms remembered, such as {one}", rules.len());
    println!("\n<!-- figures: judging -->");
    println!("| what changes | changes | CPU ms, median (min-max) |");
    println!("|---|---|---|");
    let mut slowest_median = Duration::ZERO;
    for (what, with_memory) in [("nothing", true), ("all that is not OK is new", false)] {
        let mut rounds: Vec<(Duration, usize)> = (0..ROUNDS)
            .map(|_| {
                let (start, busy, mut changed) = (Instant::now(), time_on_core(), 0);
                for (subject, reading, remembered) in &alarms {
                    let observation = Observation::of(reading);
                    for (rule, record) in rules.iter().zip(remembered) {
                        let record = record.as_deref().filter(|_| with_memory);
                        changed += usize::from(
                            step(rule, subject, &observation, &Grid::Window(window), now, record).is_some(),
                        );
                    }
                }
                let busy = busy.zip(time_on_core()).map(|(before, after)| after.saturating_sub(before));
                (busy.unwrap_or_else(|| start.elapsed()), changed)
            })
            .collect();
        rounds.sort();
        let [fastest, median, slowest] = [0, ROUNDS / 2, ROUNDS - 1].map(|round| rounds[round].0);
        println!("| {what} | {} | {} ({}-{}) |", rounds[0].1, ms(median), ms(fastest), ms(slowest));
        slowest_median = slowest_median.max(median);
    }
    println!("<!-- end -->");
    if slowest_median > BUDGET {
        return Err(format!("{slowest_median:?} is more than {BUDGET:?}").into());
    }
    Ok(())
}

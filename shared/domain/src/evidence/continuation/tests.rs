//! Runs that continue from each other evaluate the same as runs that query everything.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::config::{longest_range, read_rules};
use crate::evidence::coverage::Coverage;
use crate::evidence::inventory::{EcsEntry, Inventory};
use crate::evidence::snapshot::SnapshotWriter;
use crate::model::fault::Fault;
use crate::model::insights::InsightsLevel;
use crate::model::operation::Operation;
use crate::model::run::{Part, Platform, RunKind, Target};
use crate::sources::plan::QueryPlan;

/// A derived value, a metric with another range, and one with longer periods.
const RULES: &str = "
built-in-rules: none
rules:
  - &rule
    name: memory
    what: memory-percent-of-reservation
    threshold: 90
    comparison: GreaterThanThreshold
    evaluation-periods: 3
  - {<<: *rule, name: cpu, what: cpu-percent, evaluation-periods: 5}
  - {<<: *rule, name: slow, what: cpu-percent, period: 300, evaluation-periods: 2}
";
const LOOKBACK: i64 = 30;
const DELAY: SignedDuration = SignedDuration::from_mins(2);
/// Minutes of a history of runs.
const LENGTH: i64 = 150;

fn at(minute: i64) -> Timestamp {
    "2026-11-22T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

fn plan(rules: &[AlarmRule], services: &[&str]) -> Vec<MetricQuery> {
    let entry = EcsEntry {
        insights: InsightsLevel::Enabled,
        services: services.iter().map(|name| name.parse().unwrap()).collect(),
        ..EcsEntry::default()
    };
    let clusters = BTreeMap::from([("shop".parse().unwrap(), entry.into())]);
    let inventory = Inventory {
        read_at: at(0),
        clusters,
        faults: Vec::new(),
        families_listed: false,
        tasks_listed: false,
    };
    QueryPlan::for_alarms(rules, &inventory).queries
}

fn run_at(minute: i64, rules: &[AlarmRule]) -> Run {
    let range = longest_range(rules, Platform::Ecs);
    let length = SignedDuration::from_mins(LOOKBACK) + range;
    Run::new(RunKind::Alarms, at(minute), DELAY, length, None).with_range(range)
}

fn stored(run: &Run, lines: &[(MetricQuery, Reading)]) -> Vec<u8> {
    let target = Target {
        platform: Platform::Ecs,
        account: "123456789012".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        part: Part::WHOLE,
        role: None,
    };
    let mut writer = SnapshotWriter::begin(Vec::new(), run, &target, run.time).unwrap();
    lines.iter().for_each(|(query, reading)| writer.series(query, reading).unwrap());
    writer.end(&Coverage::default()).unwrap()
}

/// How many minutes late each minute of each query arrives, repeating; `None` is never.
type Lateness = Vec<Vec<Option<i64>>>;

/// The outcome of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Good,
    /// No snapshot is stored.
    NotCollected,
    /// A snapshot is stored but not evaluated.
    NotJudged,
    /// Some queries are not answered, or not completely.
    Faulty,
}

/// The value of the period that starts at `start`, if CloudWatch has it at `now`.
fn published(late: &[Option<i64>], query: &MetricQuery, start: i64, now: i64) -> Option<f64> {
    let first = (start - at(-120).as_second()).div_euclid(60);
    let minutes = first..first + query.period.seconds() / 60;
    let has = |minute: i64| {
        let late = usize::try_from(minute).ok().and_then(|minute| late[minute % late.len()]);
        late.is_some_and(|late| at(-120).as_second() + (minute + 1 + late) * 60 <= now)
    };
    // A longer period with some of its minutes already has a value: a later change is not a gap.
    #[expect(clippy::cast_precision_loss, reason = "minutes of some hours")]
    let value = (first % 97) as f64 + 0.125;
    minutes.into_iter().any(has).then_some(value)
}

fn answer(late: &[Option<i64>], query: &MetricQuery, from: Timestamp, run: &Run) -> Vec<Datapoint> {
    let window = Window { start: from, ..run.window.in_periods(query.period) };
    let value = |start: Timestamp| published(late, query, start.as_second(), run.time.as_second());
    let point = |timestamp| value(timestamp).map(|value| Datapoint { timestamp, value });
    window.period_starts().filter_map(point).collect()
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Good), 1 => Just(Fate::NotCollected), 1 => Just(Fate::NotJudged), 1 => Just(Fate::Faulty),
    ]
}

/// Minutes between two runs: occasionally nearly the look-back, so that verdicts reach back beyond
/// it.
fn apart() -> impl Strategy<Value = i64> {
    prop_oneof![12 => 1..9i64, 1 => LOOKBACK - 8..LOOKBACK + 4]
}

fn lateness(queries: usize) -> impl Strategy<Value = Lateness> {
    let minute = prop_oneof![
        20 => Just(Some(0)), 2 => (0i64..6).prop_map(Some), 1 => (0i64..50).prop_map(Some), 1 => Just(None),
    ];
    prop::collection::vec(prop::collection::vec(minute, 60..90), queries)
}

proptest! {
    /// Issue 12, point 15. After every good run each period of the look-back was last evaluated
    /// with all that CloudWatch had by then, and so was each pair of values that are evaluated
    /// together. A line has no gap that CloudWatch does not have, even where it only serves
    /// verdicts on later periods.
    #[test]
    fn after_every_good_run_each_period_was_evaluated_with_all_available_points(
        late in lateness(8),
        fates in prop::collection::vec((fate(), apart()), 10..25),
    ) {
        let rules = read_rules(RULES).unwrap();
        let queries = plan(&rules, &["api", "web"]);
        prop_assert_eq!(queries.len(), late.len());
        let mut newest: Option<(Vec<u8>, bool)> = None;
        // The value when each period of a query was last evaluated.
        let mut seen: Vec<BTreeMap<i64, Option<f64>>> = vec![BTreeMap::new(); queries.len()];
        let mut minute = 0;
        for (fate, apart) in fates {
            minute += apart;
            if minute > LENGTH {
                break;
            }
            let run = run_at(minute, &rules);
            let continuation = match &newest {
                Some((bytes, judged)) => {
                    Continuation::from_snapshot(bytes, *judged, &queries, &rules, &run).unwrap()
                }
                None => Continuation::new(&queries, &rules, &run),
            };
            if fate == Fate::NotCollected {
                continue;
            }
            let starts = continuation.starts();
            let mut lines = Vec::new();
            for (place, query) in queries.iter().enumerate() {
                let points = answer(&late[place], query, starts[place], &run);
                let fault = || Fault::malformed(Operation::CloudwatchGetMetricData, "", "lost");
                let reading = match (fate, place % 4) {
                    (Fate::Faulty, 0) => Reading::Unread(fault()),
                    (Fate::Faulty, 1) => Reading::Partial(MetricSeries::new(points.into_iter().take(2).collect()), fault()),
                    _ => Reading::Complete(MetricSeries::new(points)),
                };
                let joined = continuation.join(place, query, reading);
                if let Reading::Complete(series) = &joined {
                    let covered = Window { start: series.from().unwrap_or(run.window.start), ..run.window };
                    for start in covered.in_periods(query.period).period_starts() {
                        let now = published(&late[place], query, start.as_second(), run.time.as_second());
                        prop_assert!(series.at(start).is_some() || now.is_none(), "{start} of {} at minute {minute}", query.metric);
                    }
                }
                lines.push((query.clone(), joined));
            }
            if fate != Fate::NotJudged {
                judge(&queries, &rules, &run, &lines, &mut seen);
            }
            if fate == Fate::Good {
                let reaches = Reaches::new(&rules, &run);
                for (place, query) in queries.iter().enumerate() {
                    let Reach { lookback, end, period, .. } = reaches.of(query);
                    for start in (lookback..end).step_by(usize::try_from(period.seconds()).unwrap()) {
                        let now = published(&late[place], query, start, run.time.as_second());
                        prop_assert_eq!(seen[place].get(&start), Some(&now), "{:?} of {} at minute {}", start, query.metric, minute);
                    }
                }
            }
            newest = Some((stored(&run, &lines), fate != Fate::NotJudged));
        }
    }
}

/// Evaluates as the engine does: each period whose whole evaluation range was requested, and
/// queries with the same dimensions and period only where all were.
fn judge(
    queries: &[MetricQuery],
    rules: &[AlarmRule],
    run: &Run,
    lines: &[(MetricQuery, Reading)],
    seen: &mut [BTreeMap<i64, Option<f64>>],
) {
    let reaches = Reaches::new(rules, run);
    let from = |place: usize| {
        let reach = reaches.of(&queries[place]);
        let Reading::Complete(series) = &lines[place].1 else { return None };
        let asked = series.from().map(Timestamp::as_second);
        Some(
            asked.unwrap_or_else(|| run.window.in_periods(queries[place].period).start.as_second())
                + reach.range,
        )
    };
    for (place, query) in queries.iter().enumerate() {
        let same = |other: &MetricQuery| {
            other.metric.dimensions == query.metric.dimensions && other.period == query.period
        };
        let partners = (0..queries.len()).filter(|other| same(&queries[*other]));
        let froms: Option<Vec<i64>> = partners.map(from).collect();
        let Some(first) = froms.and_then(|froms| froms.into_iter().max()) else { continue };
        let Reading::Complete(series) = &lines[place].1 else { continue };
        let Reach { end, period, .. } = reaches.of(query);
        for start in (first..end).step_by(usize::try_from(period.seconds()).unwrap()) {
            seen[place].insert(start, series.at(instant(start)));
        }
    }
}

fn complete(points: Vec<Datapoint>) -> Reading {
    Reading::Complete(MetricSeries::new(points))
}

/// Issue 12, point 15. CloudWatch rewrites its newest points; a point that it no longer returns is
/// not lost.
#[test]
fn the_new_value_of_a_requeried_point_counts() {
    let rules = read_rules(RULES).unwrap();
    let queries = plan(&rules, &["web"]);
    let (first, second) = (run_at(0, &rules), run_at(5, &rules));
    let points = |run: &Run, value| -> Vec<Datapoint> {
        run.window.period_starts().map(|timestamp| Datapoint { timestamp, value }).collect()
    };
    let lines: Vec<_> = queries.iter().map(|query| (query.clone(), complete(points(&first, 1.0)))).collect();
    let continuation =
        Continuation::from_snapshot(&stored(&first, &lines), true, &queries, &rules, &second).unwrap();
    let place = queries.iter().position(|query| query.period == Period::MINUTE).unwrap();
    let start = continuation.starts()[place];
    assert_eq!(start, first.window.end - OVERLAP);
    let mut new = points(&second, 2.0);
    new.retain(|point| point.timestamp > start);
    let joined = continuation.join(place, &queries[place], complete(new));
    let series = joined.series().unwrap();
    assert_eq!((series.at(start), series.at(start + SignedDuration::from_mins(1))), (Some(1.0), Some(2.0)));
    let covered = Window { start: series.from().unwrap(), ..second.window };
    assert!(series.is_without_gap(&covered), "{series:?}");
}

/// Issue 12, point 15. A plan with removed, added and moved services finds the lines of those that
/// stayed.
#[test]
fn lines_are_found_by_their_query_whatever_the_earlier_plan() {
    let rules = read_rules(RULES).unwrap();
    let (first, second) = (run_at(0, &rules), run_at(5, &rules));
    let before = plan(&rules, &["api", "lost", "web"]);
    let points: Vec<Datapoint> =
        first.window.period_starts().map(|timestamp| Datapoint { timestamp, value: 1.0 }).collect();
    let lines: Vec<_> = before
        .iter()
        .map(|query| {
            let here =
                points.iter().filter(|point| point.timestamp.as_second() % query.period.seconds() == 0);
            (query.clone(), complete(here.copied().collect()))
        })
        .collect();
    let queries = plan(&rules, &["web", "new", "api"]);
    let continuation =
        Continuation::from_snapshot(&stored(&first, &lines), true, &queries, &rules, &second).unwrap();
    for (query, start) in queries.iter().zip(continuation.starts()) {
        let whole = query.metric.dimensions.get("ServiceName") == Some("new");
        assert_eq!(start < first.window.end - NEAR, whole, "{}", query.metric);
    }
}

//! Continues from the snapshot of an earlier run: what must be queried again, and which points are
//! reused.
//!
//! A query starts shortly before the end of the earlier window. If it has a gap, it starts at the
//! gap, because points may be late. If the earlier snapshot holds too little, it starts at the
//! oldest period that may be needed.
//!
//! Kubernetes reports only the present, so nothing is queried again: its samples are reused
//! ([`History`]).

mod previous;
mod samples;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::evidence::inventory::EarlierChecks;
use crate::evidence::snapshot::BadSnapshot;
use crate::model::load_balancer::BalancerKind;
use crate::model::metric::{Dimensions, MetricQuery, Period, Statistic};
use crate::model::run::Run;
use crate::model::series::{Datapoint, MetricSeries, Reading};
use crate::model::window::Window;
use crate::rules::{AWS_USAGE, AlarmRule, BalancerMetric, Measure, PERCENT_OF_QUOTA, is_sparse};

pub use samples::{ClusterHistory, History};

/// How far before its end the earlier window is queried again, because CloudWatch still changes its
/// newest points.
const OVERLAP: SignedDuration = SignedDuration::from_mins(3);

/// A gap this close to the end of the earlier window is queried again from here, an older one from
/// the oldest period that may be needed. A call has one start, so a separate start for each gap
/// would take a call for each.
const NEAR: SignedDuration = SignedDuration::from_mins(15);

/// From when each query of a plan must be sent again, and the points reused from an earlier
/// snapshot.
#[derive(Debug)]
pub struct Continuation {
    window: Window,
    /// In the order of the plan.
    query_ranges: Vec<QueryRange>,
    /// Values of all queries; NaN marks a gap.
    values: Vec<f64>,
    /// The earlier run, if there is one.
    earlier: Option<Earlier>,
}

/// The earlier run, apart from its points.
#[derive(Debug)]
pub struct Earlier {
    /// Its time.
    pub time: Timestamp,
    /// End of its window.
    pub until: Timestamp,
    /// Its service checks.
    pub checks: EarlierChecks,
}

/// One query; all times are starts of its periods in epoch seconds.
#[derive(Debug, Clone, Copy, Default)]
struct QueryRange {
    /// First period to request from CloudWatch.
    requested: i64,
    /// First period that the new line covers.
    from: i64,
    /// Period of the first reused value.
    first: i64,
    /// Where its values are: index of the first, and one past the last.
    values: (u32, u32),
}

/// The time range that one query may cover; all times are starts of its periods in epoch seconds.
#[derive(Debug, Clone, Copy)]
struct Reach {
    period: Period,
    /// How many seconds before a period the longest evaluation range of the query's rules reaches
    /// back.
    range: i64,
    /// First period that may be evaluated: where the look-back begins.
    lookback: i64,
    /// First period that may be needed.
    oldest: i64,
    /// End of the window.
    end: i64,
    /// Whether a period without a point is normal, so that it is not requested again.
    is_sparse: bool,
}

/// Evaluation ranges of the rules' queries, and where the look-back begins.
#[derive(Debug)]
struct Reaches<'a> {
    window: Window,
    lookback: Timestamp,
    ranges: Vec<RuleQuery<'a>>,
}

/// What a rule queries for each of its subjects.
#[derive(Debug)]
struct RuleQuery<'a> {
    namespace: &'a str,
    name: &'a str,
    statistic: Cow<'a, Statistic>,
    period: Period,
    range: usize,
}

/// What the earlier snapshot holds of a query.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// First period to evaluate.
    evaluate_from: i64,
    /// Oldest period of the look-back without a point; the end of the earlier window if there is no
    /// gap.
    gap: i64,
    /// The same for all reused periods, including those before the look-back.
    older_gap: i64,
    /// First period with a reused value.
    first: i64,
    /// End of the earlier window.
    end: i64,
    values: (u32, u32),
}

impl Continuation {
    /// Continues from nothing: every query starts at the oldest period that may be needed.
    pub fn new(queries: &[MetricQuery], rules: &[AlarmRule], run: &Run) -> Self {
        let reaches = Reaches::new(rules, run);
        let query_ranges = queries.iter().map(|query| reaches.of(query).whole()).collect();
        Self { window: run.window, query_ranges, values: Vec::new(), earlier: None }
    }

    /// Continues from an earlier snapshot; `judged` says whether it has been evaluated. A snapshot
    /// that has not been evaluated is reused as a whole, so that it still will be.
    pub fn from_snapshot(
        snapshot: &[u8],
        judged: bool,
        queries: &[MetricQuery],
        rules: &[AlarmRule],
        run: &Run,
    ) -> Result<Self, BadSnapshot> {
        let reaches = Reaches::new(rules, run);
        let reaches: Vec<Reach> = queries.iter().map(|query| reaches.of(query)).collect();
        let previous::Previous { time, window: earlier, known, values, checks } =
            previous::read(snapshot, judged, queries, &reaches)?;
        let earliest = together(queries, &known, &reaches);
        let continued = |place: usize| {
            let (query, known) = (&queries[place], known[place]?);
            let evaluate_from = earliest
                .get(&(&query.metric.dimensions, query.period))
                .copied()
                .unwrap_or(known.evaluate_from);
            reaches[place].continued(&Known { evaluate_from, ..known })
        };
        let whole = |place: usize| reaches[place].whole();
        let query_ranges =
            (0..queries.len()).map(|place| continued(place).unwrap_or_else(|| whole(place))).collect();
        let window = run.window;
        let earlier = Earlier { time, until: earlier.end.min(window.end), checks };
        Ok(Self { window, query_ranges, values, earlier: Some(earlier) })
    }

    /// Start of the first period to request from CloudWatch, for each query in the order of the
    /// plan.
    pub fn starts(&self) -> Vec<Timestamp> {
        self.query_ranges.iter().map(|range| instant(range.requested)).collect()
    }

    /// The earlier run, if its snapshot was used.
    pub fn earlier(&self) -> Option<&Earlier> {
        self.earlier.as_ref()
    }

    /// The answer to the query at `index` in the plan, joined with the reused points. If both have
    /// a point for a period, the new one counts.
    pub fn join(&self, index: usize, query: &MetricQuery, reading: Reading) -> Reading {
        match reading {
            Reading::Complete(series) => Reading::Complete(self.series(index, query, &series)),
            Reading::Partial(series, fault) => Reading::Partial(self.series(index, query, &series), fault),
            unread @ Reading::Unread(_) => unread,
        }
    }

    fn series(&self, index: usize, query: &MetricQuery, new: &MetricSeries) -> MetricSeries {
        let QueryRange { from, first, values: (begin, end), .. } = self.query_ranges[index];
        let values = &self.values[begin as usize..end as usize];
        let mut points = Vec::with_capacity(values.len() + new.points().len());
        let starts = (0..).map(|place: i64| first + place * query.period.seconds());
        let older = starts.zip(values).filter(|(start, value)| *start >= from && !value.is_nan());
        points.extend(older.map(|(start, value)| Datapoint { timestamp: instant(start), value: *value }));
        // A period that has not ended cannot be used yet.
        let covered = instant(from)..instant(query.period.start_of(self.window.end));
        points.extend(new.points().iter().filter(|point| covered.contains(&point.timestamp)));
        let series = MetricSeries::new(points);
        let is_part = from > query.period.start_of(self.window.start);
        if is_part { series.requested_from(instant(from)) } else { series }
    }
}

/// The queries of a derived value are evaluated together, so each must cover what the other needs.
/// Returns the first period to evaluate where one of several queries with the same dimensions and
/// period looks further back.
fn together<'a>(
    queries: &'a [MetricQuery],
    known: &[Option<Known>],
    reaches: &[Reach],
) -> HashMap<(&'a Dimensions, Period), i64> {
    let mut earliest = HashMap::new();
    for ((query, known), reach) in queries.iter().zip(known).zip(reaches) {
        let evaluate_from = match known {
            Some(known) if known.evaluate_from >= known.end => continue,
            Some(known) => known.evaluate_from,
            None => reach.lookback,
        };
        let entry = earliest.entry((&query.metric.dimensions, query.period)).or_insert(evaluate_from);
        *entry = evaluate_from.min(*entry);
    }
    earliest
}

impl Reach {
    /// The query, starting at the oldest period that may be needed.
    fn whole(&self) -> QueryRange {
        QueryRange { requested: self.oldest, from: self.oldest, ..QueryRange::default() }
    }

    /// The query, continued; `None` if the snapshot holds too little of it.
    fn continued(&self, known: &Known) -> Option<QueryRange> {
        let Known { evaluate_from, gap, older_gap, first, end, values } = *known;
        let from = (evaluate_from - self.range).max(self.oldest);
        if first > from {
            return None;
        }
        // After failed runs the first verdict reaches back beyond the look-back.
        let gap = match from < self.lookback {
            _ if self.is_sparse => end,
            true => older_gap,
            false => gap,
        };
        let back = |by: SignedDuration| {
            (end - by.as_secs()).div_euclid(self.period.seconds()) * self.period.seconds()
        };
        let requested = [back(OVERLAP), back(NEAR)].into_iter().find(|start| *start <= gap);
        let requested = requested.unwrap_or(self.oldest).max(self.oldest);
        Some(QueryRange { requested, from, first, values })
    }
}

impl<'a> Reaches<'a> {
    fn new(rules: &'a [AlarmRule], run: &Run) -> Self {
        let mut ranges: Vec<RuleQuery<'a>> = Vec::new();
        for rule in rules {
            let (period, range) = (rule.period, rule.condition.evaluation_range());
            let custom = match &rule.measure {
                Measure::Custom(custom) => Some((custom.namespace.as_str(), custom.name.as_str())),
                _ => None,
            };
            let metrics = rule.measure.metrics().map(|metric| (metric.namespace, metric.name));
            let statistic = Cow::Borrowed(&rule.statistic);
            let query = |(namespace, name)| RuleQuery {
                namespace,
                name,
                statistic: statistic.clone(),
                period,
                range,
            };
            ranges.extend(metrics.chain(custom).map(&query));
            let quota = rule.measure.quota_figure().map(|_| (AWS_USAGE, PERCENT_OF_QUOTA));
            ranges.extend(quota.map(query));
            let inputs = rule.measure.balancer_figure().into_iter().flat_map(|figure| figure.inputs(rule));
            for BalancerMetric { name, statistic, .. } in inputs {
                let kinds = [BalancerKind::Application, BalancerKind::Network];
                ranges.extend(kinds.map(|kind| RuleQuery {
                    namespace: kind.namespace(),
                    name,
                    statistic: Cow::Owned(statistic.clone()),
                    period,
                    range,
                }));
            }
        }
        Self { window: run.window, lookback: run.window_of(SignedDuration::ZERO).start, ranges }
    }

    fn of(&self, query: &MetricQuery) -> Reach {
        let is_same = |rule: &&RuleQuery<'_>| {
            rule.period == query.period
                && rule.name == query.metric.name
                && rule.namespace == query.metric.namespace
                && *rule.statistic == query.statistic
        };
        let range = self.ranges.iter().filter(is_same).map(|rule| rule.range).max().unwrap_or(0);
        let period = query.period;
        let seconds = |periods: usize| i64::try_from(periods).unwrap_or(0) * period.seconds();
        let lookback = period.start_of(self.lookback);
        let oldest = (lookback - seconds(range)).max(period.start_of(self.window.start));
        let range = seconds(range.saturating_sub(1));
        let (end, is_sparse) = (period.start_of(self.window.end), is_sparse(&query.metric));
        Reach { period, range, lookback, oldest, end, is_sparse }
    }
}

/// The timestamp for epoch seconds. All of them are computed from timestamps, so they are in range.
fn instant(epoch_seconds: i64) -> Timestamp {
    Timestamp::from_second(epoch_seconds).unwrap_or(Timestamp::MAX)
}

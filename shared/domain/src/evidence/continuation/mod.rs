//! Continues from the snapshot of an earlier run: what CloudWatch must be asked again, and which points are taken over.
//!
//! A question is asked from shortly before the end of the earlier window. One with a gap is asked from that gap, because
//! points may be late; one of which the earlier snapshot holds too little is asked for as far back as runs look.
//!
//! Kubernetes tells of one instant only and is asked nothing again: its samples are taken over ([`History`]).

mod previous;
mod samples;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::evidence::inventory::EarlierChecks;
use crate::evidence::snapshot::BadSnapshot;
use crate::model::metric::{Dimensions, MetricQuery, Period, Statistic};
use crate::model::run::Run;
use crate::model::series::{Datapoint, MetricSeries, Reading};
use crate::model::window::Window;
use crate::rules::{AlarmRule, Measure};

pub use samples::{ClusterHistory, History};

/// How far before its end the earlier window is asked again, because CloudWatch still changes its newest points.
const OVERLAP: SignedDuration = SignedDuration::from_mins(3);

/// A gap within so much of the end of the earlier window is asked again from there, an older one from where the look-back
/// begins: a call has one start, so that a start for each gap would be a call for each.
const NEAR: SignedDuration = SignedDuration::from_mins(15);

/// What each question of a plan is asked for, and the points that are taken over from an earlier snapshot.
#[derive(Debug)]
pub struct Continuation {
    window: Window,
    /// In the order of the plan.
    questions: Vec<Question>,
    /// Values of all questions, not a number where there is none.
    values: Vec<f64>,
    /// The earlier run; none without one.
    earlier: Option<Earlier>,
}

/// What is known of the earlier run beside its points.
#[derive(Debug)]
pub struct Earlier {
    /// Its time.
    pub time: Timestamp,
    /// End of its window.
    pub until: Timestamp,
    /// What ECS said of services.
    pub checks: EarlierChecks,
}

/// One question; all times are starts of its periods in epoch seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Question {
    /// First period that CloudWatch is asked for.
    asked: i64,
    /// First period that the new line covers.
    from: i64,
    /// Period of the first value that is taken over.
    first: i64,
    /// Where its values stand: first and behind the last.
    values: (u32, u32),
}

/// The stretch of time that one question may be about; all times are starts of its periods in epoch seconds.
#[derive(Debug, Clone, Copy)]
struct Reach {
    period: Period,
    /// Seconds before a period that the longest evaluation range of the rules that need the question reaches back.
    range: i64,
    /// First period that may be judged: where the look-back begins.
    lookback: i64,
    /// First period that may be needed.
    oldest: i64,
    /// End of the window.
    end: i64,
}

/// Evaluation ranges of what rules ask, and where the look-back begins.
#[derive(Debug)]
struct Reaches<'a> {
    window: Window,
    lookback: Timestamp,
    ranges: Vec<Asked<'a>>,
}

/// What a rule asks of each of its subjects.
#[derive(Debug)]
struct Asked<'a> {
    namespace: &'a str,
    name: &'a str,
    statistic: &'a Statistic,
    period: Period,
    range: usize,
}

/// What is known of a question after the earlier snapshot was read.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// First period that is to be judged.
    judge: i64,
    /// Oldest period of the look-back without a point; the end of the earlier window if there is none.
    gap: i64,
    /// The same of all that is held, older than the look-back or not.
    older_gap: i64,
    /// First period whose value is held.
    first: i64,
    /// End of the earlier window.
    end: i64,
    values: (u32, u32),
}

impl Continuation {
    /// Continues from nothing: every question is asked for as far back as runs look.
    pub fn new(queries: &[MetricQuery], rules: &[AlarmRule], run: &Run) -> Self {
        let reaches = Reaches::new(rules, run);
        let questions = queries.iter().map(|query| reaches.of(query).whole()).collect();
        Self { window: run.window, questions, values: Vec::new(), earlier: None }
    }

    /// Continues from an earlier snapshot, of which `judged` says whether a run has judged it. What nobody has judged is
    /// taken over as a whole, so that it still is.
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
        let question = |place: usize| {
            let (query, known) = (&queries[place], known[place]?);
            let judge =
                earliest.get(&(&query.metric.dimensions, query.period)).copied().unwrap_or(known.judge);
            reaches[place].continued(&Known { judge, ..known })
        };
        let whole = |place: usize| reaches[place].whole();
        let questions =
            (0..queries.len()).map(|place| question(place).unwrap_or_else(|| whole(place))).collect();
        let window = run.window;
        let earlier = Earlier { time, until: earlier.end.min(window.end), checks };
        Ok(Self { window, questions, values, earlier: Some(earlier) })
    }

    /// Start of the first period that CloudWatch is asked for, of each question in the order of the plan.
    pub fn starts(&self) -> Vec<Timestamp> {
        self.questions.iter().map(|question| instant(question.asked)).collect()
    }

    /// The earlier run; none without its snapshot.
    pub fn earlier(&self) -> Option<&Earlier> {
        self.earlier.as_ref()
    }

    /// The answer to the question at that place of the plan, with the points that are taken over. Of two points of one
    /// period the new answer's counts.
    pub fn join(&self, index: usize, query: &MetricQuery, reading: Reading) -> Reading {
        match reading {
            Reading::Complete(series) => Reading::Complete(self.series(index, query, &series)),
            Reading::Partial(series, fault) => Reading::Partial(self.series(index, query, &series), fault),
            unread @ Reading::Unread(_) => unread,
        }
    }

    fn series(&self, index: usize, query: &MetricQuery, new: &MetricSeries) -> MetricSeries {
        let Question { from, first, values: (begin, end), .. } = self.questions[index];
        let values = &self.values[begin as usize..end as usize];
        let mut points = Vec::with_capacity(values.len() + new.points().len());
        let starts = (0..).map(|place: i64| first + place * query.period.seconds());
        let older = starts.zip(values).filter(|(start, value)| *start >= from && !value.is_nan());
        points.extend(older.map(|(start, value)| Datapoint { timestamp: instant(start), value: *value }));
        // A period that is not over yet is of no use.
        let covered = instant(from)..instant(query.period.start_of(self.window.end));
        points.extend(new.points().iter().filter(|point| covered.contains(&point.timestamp)));
        let series = MetricSeries::new(points);
        let is_part = from > query.period.start_of(self.window.start);
        if is_part { series.asked_from(instant(from)) } else { series }
    }
}

/// Questions that a derived value is made of are judged together, so that each covers what the other needs. Gives the
/// first period to judge where one of several questions with the same dimensions and period looks further back.
fn together<'a>(
    queries: &'a [MetricQuery],
    known: &[Option<Known>],
    reaches: &[Reach],
) -> HashMap<(&'a Dimensions, Period), i64> {
    let mut earliest = HashMap::new();
    for ((query, known), reach) in queries.iter().zip(known).zip(reaches) {
        let judge = match known {
            Some(known) if known.judge >= known.end => continue,
            Some(known) => known.judge,
            None => reach.lookback,
        };
        let entry = earliest.entry((&query.metric.dimensions, query.period)).or_insert(judge);
        *entry = judge.min(*entry);
    }
    earliest
}

impl Reach {
    /// The question asked for as far back as runs look.
    fn whole(&self) -> Question {
        Question { asked: self.oldest, from: self.oldest, ..Question::default() }
    }

    /// The question continued; none if too little of it is held.
    fn continued(&self, known: &Known) -> Option<Question> {
        let Known { judge, gap, older_gap, first, end, values } = *known;
        let from = (judge - self.range).max(self.oldest);
        if first > from {
            return None;
        }
        // After lost runs the first verdict reaches back beyond the look-back.
        let gap = if from < self.lookback { older_gap } else { gap };
        let back = |by: SignedDuration| {
            (end - by.as_secs()).div_euclid(self.period.seconds()) * self.period.seconds()
        };
        let asked = [back(OVERLAP), back(NEAR)].into_iter().find(|start| *start <= gap);
        let asked = asked.unwrap_or(self.oldest).max(self.oldest);
        Some(Question { asked, from, first, values })
    }
}

impl<'a> Reaches<'a> {
    fn new(rules: &'a [AlarmRule], run: &Run) -> Self {
        let mut ranges: Vec<Asked<'a>> = Vec::new();
        for rule in rules {
            let (statistic, period, range) =
                (&rule.statistic, rule.period, rule.condition.evaluation_range());
            let custom = match &rule.measure {
                Measure::Custom(custom) => Some((custom.namespace.as_str(), custom.name.as_str())),
                _ => None,
            };
            let metrics = rule.measure.metrics().map(|metric| (metric.namespace, metric.name));
            let asked = |(namespace, name)| Asked { namespace, name, statistic, period, range };
            ranges.extend(metrics.chain(custom).map(asked));
        }
        Self { window: run.window, lookback: run.window_of(SignedDuration::ZERO).start, ranges }
    }

    fn of(&self, query: &MetricQuery) -> Reach {
        let asks = |asked: &&Asked<'_>| {
            asked.period == query.period
                && asked.name == query.metric.name
                && asked.namespace == query.metric.namespace
                && *asked.statistic == query.statistic
        };
        let range = self.ranges.iter().filter(asks).map(|asked| asked.range).max().unwrap_or(0);
        let period = query.period;
        let seconds = |periods: usize| i64::try_from(periods).unwrap_or(0) * period.seconds();
        let lookback = period.start_of(self.lookback);
        let oldest = (lookback - seconds(range)).max(period.start_of(self.window.start));
        let range = seconds(range.saturating_sub(1));
        Reach { period, range, lookback, oldest, end: period.start_of(self.window.end) }
    }
}

/// The instant at a count of seconds since 1970. Every such count here is computed from instants, so it is in range.
fn instant(epoch_seconds: i64) -> Timestamp {
    Timestamp::from_second(epoch_seconds).unwrap_or(Timestamp::MAX)
}

//! Answers of CloudWatch: points in time order, and how complete the answer is.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::fault::Fault;
use crate::model::metric::Period;
use crate::model::window::Window;

/// One value of one period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Datapoint {
    /// Start of the period, in UTC.
    pub timestamp: Timestamp,
    /// Value of the statistic over the period.
    pub value: f64,
}

/// Points of one metric and statistic, oldest first, at most one for each timestamp. A period
/// without a point had no data, which is neither zero nor an error, unless it was not read or lies
/// before the requested range.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricSeries {
    points: Vec<Datapoint>,
    unread: Box<[Timestamp]>,
    from: Option<Timestamp>,
}

impl MetricSeries {
    /// A series from points in any order. If two points have the same timestamp, the later one
    /// counts, because CloudWatch rewrites its newest points.
    pub fn new(mut points: Vec<Datapoint>) -> Self {
        points.sort_by_key(|point| point.timestamp);
        points.dedup_by(|later, kept| {
            let same = later.timestamp == kept.timestamp;
            if same {
                *kept = *later;
            }
            same
        });
        Self { points, unread: Box::default(), from: None }
    }

    /// The same series, marked as requested from this period on only: earlier runs have evaluated
    /// the periods before.
    #[must_use]
    pub fn requested_from(self, from: Timestamp) -> Self {
        Self { from: Some(from), ..self }
    }

    /// Start of the first requested period; `None` if the whole window was requested.
    pub fn from(&self) -> Option<Timestamp> {
        self.from
    }

    /// The same series with the periods that start at these instants marked as unknown, unless they
    /// have a point. Unlike CloudWatch metrics, samples cannot be requested later.
    #[must_use]
    pub fn with_unread(self, starts: impl IntoIterator<Item = Timestamp>) -> Self {
        let unread: BTreeSet<Timestamp> =
            starts.into_iter().filter(|start| self.at(*start).is_none()).collect();
        Self { unread: unread.into_iter().collect(), ..self }
    }

    /// Starts of the unknown periods, oldest first.
    pub fn unread(&self) -> &[Timestamp] {
        &self.unread
    }

    /// The points, oldest first.
    pub fn points(&self) -> &[Datapoint] {
        &self.points
    }

    /// The first point that is not a whole number of periods after the previous point.
    pub fn off_grid(&self, period: Period) -> Option<Timestamp> {
        let is_off_grid = |pair: &&[Datapoint]| {
            let (before, after) = (pair[0].timestamp, pair[1].timestamp);
            (after.as_second() - before.as_second()) % period.seconds() != 0
                || after.subsec_nanosecond() != before.subsec_nanosecond()
        };
        self.points.windows(2).find(is_off_grid).map(|pair| pair[1].timestamp)
    }

    /// Value of the period that starts at this instant, if it has a point.
    pub fn at(&self, timestamp: Timestamp) -> Option<f64> {
        self.points
            .binary_search_by_key(&timestamp, |point| point.timestamp)
            .ok()
            .map(|i| self.points[i].value)
    }

    /// Whether every period of the window has a point.
    pub fn is_without_gap(&self, window: &Window) -> bool {
        self.without_gap(window).is_some()
    }

    /// The requested part of the window.
    pub(crate) fn requested_window(&self, window: &Window) -> Window {
        Window { start: self.from.map_or(window.start, |from| from.max(window.start)), ..*window }
    }

    /// The points of the window, if every period has one. This is a hot loop, so it has no branch
    /// per point.
    pub(crate) fn without_gap(&self, window: &Window) -> Option<&[Datapoint]> {
        let first = self.points.iter().position(|point| point.timestamp >= window.start)?;
        let points = self.points.get(first..first + window.len())?;
        let (mut due, mut on_grid) = (window.start.as_second(), true);
        for Datapoint { timestamp, .. } in points {
            on_grid &= (timestamp.as_second() == due) & (timestamp.subsec_nanosecond() == 0);
            due += window.period.seconds();
        }
        on_grid.then_some(points)
    }

    /// The points on the grid of the window, each with the index of its period. This is a hot loop:
    /// a series without gaps needs no division.
    pub(crate) fn by_period(&self, window: &Window) -> impl Iterator<Item = (usize, f64)> + '_ {
        let (start, step, periods) = (window.start.as_second(), window.period.seconds(), window.len());
        let (mut due, mut period) = (start, 0);
        self.points.iter().filter_map(move |point| {
            let second = point.timestamp.as_second();
            if second != due {
                let after = second - start;
                if after < 0 || after % step != 0 {
                    return None;
                }
                (due, period) = (second, usize::try_from(after / step).ok()?);
            }
            let here = period;
            (due, period) = (due + step, period + 1);
            (here < periods && point.timestamp.subsec_nanosecond() == 0).then_some((here, point.value))
        })
    }

    /// Mean of the points; `None` without points.
    #[expect(clippy::cast_precision_loss, reason = "a series has at most a few thousand points")]
    pub fn mean(&self) -> Option<f64> {
        let count = self.points.len();
        (count > 0).then(|| self.points.iter().map(|point| point.value).sum::<f64>() / count as f64)
    }

    /// Largest value; `None` without points.
    pub fn max(&self) -> Option<f64> {
        self.points.iter().map(|point| point.value).max_by(f64::total_cmp)
    }
}

/// The answer to one [`MetricQuery`](crate::model::metric::MetricQuery). "No data" is a complete
/// answer without points.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// All data that CloudWatch has.
    Complete(MetricSeries),
    /// Part of the data; the fault says why the rest is missing.
    Partial(MetricSeries, Fault),
    /// Could not ask; the fault says why.
    Unread(Fault),
}

impl Reading {
    /// The series; `None` if CloudWatch could not be asked.
    pub fn series(&self) -> Option<&MetricSeries> {
        match self {
            Self::Complete(series) | Self::Partial(series, _) => Some(series),
            Self::Unread(_) => None,
        }
    }

    /// Why the answer is incomplete.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Complete(_) => None,
            Self::Partial(_, fault) | Self::Unread(fault) => Some(fault),
        }
    }

    /// Whether CloudWatch answered in full and had no data.
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Complete(series) if series.points().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(minute: i64, value: f64) -> Datapoint {
        Datapoint { timestamp: Timestamp::from_second(minute * 60).unwrap(), value }
    }

    #[test]
    fn of_two_points_with_one_timestamp_the_later_counts() {
        let series = MetricSeries::new(vec![point(2, 1.0), point(1, 5.0), point(2, 3.0)]);
        assert_eq!(series.points(), [point(1, 5.0), point(2, 3.0)]);
        assert_eq!(series.at(point(2, 0.0).timestamp), Some(3.0));
        assert_eq!(series.at(point(3, 0.0).timestamp), None);
    }

    #[test]
    fn t12_no_points_have_no_mean_and_no_maximum() {
        let series = MetricSeries::default();
        assert_eq!((series.mean(), series.max()), (None, None));
    }

    proptest! {
        #[test]
        fn pages_may_come_in_any_order(mut minutes in prop::collection::vec(0i64..50, 0..40), seed in any::<u64>()) {
            let forward = MetricSeries::new(minutes.iter().map(|&m| point(m, f64::from(u32::try_from(m).unwrap()))).collect());
            let len = minutes.len().max(1);
            minutes.rotate_left(usize::try_from(seed % len as u64).unwrap());
            let rotated = MetricSeries::new(minutes.iter().map(|&m| point(m, f64::from(u32::try_from(m).unwrap()))).collect());
            prop_assert!(forward.points().windows(2).all(|pair| pair[0].timestamp < pair[1].timestamp));
            prop_assert_eq!(forward, rotated);
        }
    }
}

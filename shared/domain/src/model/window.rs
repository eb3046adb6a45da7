//! The time window that a run queries.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::metric::Period;

/// A half-open interval in UTC, both ends on a period boundary: `start` inclusive, `end` exclusive,
/// as CloudWatch interprets them (`GetMetricData`, request parameters).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First instant in the window.
    pub start: Timestamp,
    /// First instant after the window.
    pub end: Timestamp,
    /// Length of one datapoint, in seconds.
    #[serde(rename = "period_seconds")]
    pub period: Period,
}

impl Window {
    /// The last `length` that is complete at `time`: it ends at the last period boundary that is at
    /// least `delay` before `time`, because CloudWatch's newest minutes still change. `length` is
    /// rounded up to whole periods.
    pub fn ending(time: Timestamp, delay: SignedDuration, period: Period, length: SignedDuration) -> Self {
        let seconds = period.seconds();
        let end = (time - delay).as_second().div_euclid(seconds) * seconds;
        let periods = (length.as_secs() + seconds - 1).div_euclid(seconds).max(1);
        Self { start: instant(end - periods * seconds), end: instant(end), period }
    }

    /// The same window in longer or shorter periods: it starts on a boundary at or before the
    /// start, and ends with the last complete period.
    #[must_use]
    pub fn in_periods(&self, period: Period) -> Self {
        Self { start: instant(period.start_of(self.start)), end: instant(period.start_of(self.end)), period }
    }

    /// Its newest `periods` periods, at most the whole window.
    #[must_use]
    pub fn newest(&self, periods: usize) -> Self {
        let skip = self.len().saturating_sub(periods);
        Self { start: self.period_starts().nth(skip).unwrap_or(self.end), ..*self }
    }

    /// The `periods` periods before its end, whatever its length.
    #[must_use]
    pub fn of_newest(&self, periods: usize) -> Self {
        let seconds = i64::try_from(periods).unwrap_or(0).saturating_mul(self.period.seconds());
        Self { start: instant(self.end.as_second().saturating_sub(seconds)), ..*self }
    }

    /// Number of datapoints in a series without gaps.
    pub fn len(&self) -> usize {
        let seconds = (self.end.as_second() - self.start.as_second()).max(0);
        usize::try_from(seconds / self.period.seconds()).unwrap_or(0)
    }

    /// Whether no datapoint fits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Starts of all periods, oldest first. CloudWatch stamps a datapoint with the start of its
    /// period.
    pub fn period_starts(&self) -> impl DoubleEndedIterator<Item = Timestamp> + use<> {
        let (start, seconds) = (self.start.as_second(), self.period.seconds());
        (0..i64::try_from(self.len()).unwrap_or(0)).map(move |i| instant(start + i * seconds))
    }
}

/// The instant at this many seconds since 1970. All values here are computed from instants, so they
/// are in range.
fn instant(epoch_seconds: i64) -> Timestamp {
    Timestamp::from_second(epoch_seconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn window(time: &str, delay: i64, period: i64, length: i64) -> Window {
        Window::ending(
            at(time),
            SignedDuration::from_secs(delay),
            Period::from_seconds(period).unwrap(),
            SignedDuration::from_secs(length),
        )
    }

    #[test]
    fn it_ends_on_a_boundary_at_least_the_delay_ago() {
        for (time, delay, period, length, start, end) in [
            ("2026-11-22T10:05:00Z", 120, 60, 900, "2026-11-22T09:48:00Z", "2026-11-22T10:03:00Z"),
            ("2026-11-22T10:05:59Z", 120, 60, 900, "2026-11-22T09:48:00Z", "2026-11-22T10:03:00Z"),
            ("2026-11-22T10:05:00Z", 120, 300, 900, "2026-11-22T09:45:00Z", "2026-11-22T10:00:00Z"),
            ("2026-11-22T10:05:00Z", 0, 300, 301, "2026-11-22T09:55:00Z", "2026-11-22T10:05:00Z"),
            ("2026-11-22T00:01:00Z", 120, 60, 60, "2026-11-21T23:58:00Z", "2026-11-21T23:59:00Z"),
        ] {
            let window = window(time, delay, period, length);
            assert_eq!((window.start, window.end), (at(start), at(end)), "{time} {delay} {period} {length}");
        }
    }

    proptest! {
        /// With a run every five minutes and a lookback of at least five, every minute is queried.
        #[test]
        fn consecutive_windows_leave_no_gap(minute in 0i64..10_000, delay in 60i64..900, lookback in 5i64..180) {
            let first = at("2026-01-01T00:00:00Z") + SignedDuration::from_mins(minute);
            let next = first + SignedDuration::from_mins(5);
            let minute = Period::MINUTE;
            let of = |time| Window::ending(time, SignedDuration::from_secs(delay), minute, SignedDuration::from_mins(lookback));
            prop_assert!(of(next).start <= of(first).end);
            prop_assert_eq!(of(first).len(), usize::try_from(lookback).unwrap());
            prop_assert_eq!(of(first).period_starts().count(), of(first).len());
        }
    }
}

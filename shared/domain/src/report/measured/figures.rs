//! Figures, reduced from readings as they arrive, and the words for them.

use serde::{Deserialize, Serialize};

use crate::model::metric::{Statistic, Unit};
use crate::model::series::{Datapoint, Reading};
use crate::model::window::Window;

/// Length of the shorter period that figures cover, as in the Container Insights console.
const RECENT_SECONDS: i64 = 3 * 3600;

/// The result of a query. No result is ever reported as another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// A value, which may be zero.
    Known,
    /// Values, but some that should have arrived are missing.
    Partial,
    /// AWS answered that it has no data.
    NoData,
    /// The query failed.
    CouldNotAsk,
    /// Not queried, because it is not published or an earlier query failed.
    #[default]
    NotAsked,
}

impl Answer {
    pub(crate) fn of(reading: &Reading) -> Self {
        match reading {
            Reading::Complete(_) if reading.is_silent() => Self::NoData,
            Reading::Complete(_) => Self::Known,
            Reading::Partial(..) => Self::Partial,
            Reading::Unread(_) => Self::CouldNotAsk,
        }
    }

    /// The combined result of two queries about one figure.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::NotAsked, only) | (only, Self::NotAsked) => only,
            (one, same) if one == same => one,
            (Self::NoData, Self::Known) | (Self::Known, Self::NoData) => Self::Known,
            (Self::NoData, Self::CouldNotAsk) | (Self::CouldNotAsk, Self::NoData) => Self::CouldNotAsk,
            _ => Self::Partial,
        }
    }

    /// Why there is no figure.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Known | Self::Partial | Self::NoData => "no data",
            Self::CouldNotAsk => "could not ask",
            Self::NotAsked => "not queried",
        }
    }
}

/// CPU or memory, in percent of what the tasks of a service reserve or of what Fargate provisioned
/// for the pods of a workload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Utilization {
    /// The result of the query.
    pub answer: Answer,
    /// Mean of the last 3 hours; absent if they have no data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_3h: Option<f64>,
    /// Highest value of the last 3 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_3h: Option<f64>,
    /// Mean of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    /// Highest value of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
}

impl Utilization {
    /// Takes the reading of one statistic.
    pub(crate) fn take(&mut self, statistic: &Statistic, reading: &Reading, window: &Window) {
        self.answer = self.answer.and(Answer::of(reading));
        let points = points(reading);
        let recent = recent(points, window);
        if *statistic == Statistic::Maximum {
            (self.maximum, self.maximum_3h) = (highest(points), highest(recent));
        } else {
            (self.average, self.average_3h) = (mean(points), mean(recent));
        }
    }

    /// Whether there is no figure, whatever the reason.
    pub(crate) fn is_empty(&self) -> bool {
        self.average.or(self.maximum).is_none()
    }

    /// `45.2 %, highest 93.1 % (last 3 hours 60 %, highest 80 %)`, or why there is no figure.
    pub(crate) fn sentence(&self) -> String {
        let Some(average) = self.average.or(self.maximum) else { return self.answer.words().to_owned() };
        let of = |average: Option<f64>, maximum: Option<f64>| {
            let highest = maximum.map(|value| format!(", highest {}", Unit::Percent.show(value)));
            format!("{}{}", percent(average), highest.unwrap_or_default())
        };
        let recent = if self.average_3h.or(self.maximum_3h).is_some() {
            of(self.average_3h, self.maximum_3h)
        } else {
            "no data".to_owned()
        };
        let cut = if self.answer == Answer::Partial { "; data incomplete" } else { "" };
        format!("{} (last 3 hours {recent}{cut})", of(Some(average), self.maximum))
    }
}

/// CPU and memory over time, in equal slots; `null` where there was no data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct History {
    /// Length of a slot, in seconds.
    pub slot_seconds: i64,
    /// Mean CPU of each slot.
    pub cpu: Vec<Option<f64>>,
    /// Highest CPU of each slot; empty for the whole fleet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpu_maximum: Vec<Option<f64>>,
    /// Mean memory of each slot.
    pub memory: Vec<Option<f64>>,
    /// Highest memory of each slot; empty for the whole fleet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory_maximum: Vec<Option<f64>>,
}

/// The points of a reading; empty if the query failed.
pub(crate) fn points(reading: &Reading) -> &[Datapoint] {
    reading.series().map(crate::model::series::MetricSeries::points).unwrap_or_default()
}

/// The points of the last three hours of the window.
fn recent<'a>(points: &'a [Datapoint], window: &Window) -> &'a [Datapoint] {
    let from = window.end.as_second() - RECENT_SECONDS;
    &points[points.partition_point(|point| point.timestamp.as_second() < from)..]
}

/// Mean of the points, to a tenth.
#[expect(clippy::cast_precision_loss, reason = "a series has at most some thousand points")]
pub(crate) fn mean(points: &[Datapoint]) -> Option<f64> {
    let (sum, count) = points
        .iter()
        .filter(|point| point.value.is_finite())
        .fold((0.0, 0_usize), |(sum, count), point| (sum + point.value, count + 1));
    (count > 0).then(|| tenth(sum / count as f64))
}

/// Highest of the points, to a tenth.
pub(crate) fn highest(points: &[Datapoint]) -> Option<f64> {
    points.iter().map(|point| point.value).filter(|value| value.is_finite()).max_by(f64::total_cmp).map(tenth)
}

/// The value of the newest point, if it is from the last three hours: an older one says nothing
/// about the present.
pub(crate) fn newest(points: &[Datapoint], window: &Window) -> Option<u32> {
    recent(points, window).last().map(|point| point.value).and_then(whole)
}

pub(crate) fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A count as an integer: CloudWatch averages it over the minutes of a period.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
pub(crate) fn whole(value: f64) -> Option<u32> {
    (0.0..=f64::from(u32::MAX)).contains(&value).then(|| value.round() as u32)
}

/// A percentage, or a dash where there is none.
pub(crate) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| Unit::Percent.show(value))
}

/// Bytes per second in a readable unit, in powers of 1,000 as is usual for networks.
pub(crate) fn rate(bytes: Option<f64>) -> String {
    let Some(bytes) = bytes else { return "-".to_owned() };
    let units = ["B/s", "kB/s", "MB/s", "GB/s"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 9.95);
    format!("{value:.digits$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::model::fault::Fault;
    use crate::model::metric::Period;
    use crate::model::operation::Operation;
    use crate::model::series::MetricSeries;

    fn window() -> Window {
        let end: Timestamp = "2026-11-22T05:00:00Z".parse().unwrap();
        Window::ending(end, SignedDuration::ZERO, Period::FIVE_MINUTES, SignedDuration::from_hours(24))
    }

    fn series(value: impl Fn(usize) -> Option<f64>) -> MetricSeries {
        let points = window().period_starts().enumerate();
        let points = points.filter_map(|(i, timestamp)| value(i).map(|value| Datapoint { timestamp, value }));
        MetricSeries::new(points.collect())
    }

    #[test]
    fn the_last_three_hours_are_the_newest_36_of_288_periods() {
        let reading = Reading::Complete(series(|i| Some(if i >= 252 { 90.0 } else { 20.0 })));
        let mut cpu = Utilization::default();
        cpu.take(&Statistic::Average, &reading, &window());
        cpu.take(&Statistic::Maximum, &reading, &window());
        assert_eq!((cpu.average_3h, cpu.maximum_3h), (Some(90.0), Some(90.0)));
        assert_eq!((cpu.average, cpu.maximum), (Some(28.8), Some(90.0)));
        assert_eq!(cpu.answer, Answer::Known);
    }

    #[test]
    fn old_data_is_not_recent_data_and_silence_is_not_zero() {
        let mut cpu = Utilization::default();
        cpu.take(&Statistic::Average, &Reading::Complete(series(|i| (i < 100).then_some(5.0))), &window());
        assert_eq!((cpu.average_3h, cpu.average, cpu.answer), (None, Some(5.0), Answer::Known));
        let mut silent = Utilization::default();
        silent.take(&Statistic::Average, &Reading::Complete(MetricSeries::default()), &window());
        assert_eq!((silent.answer, silent.average), (Answer::NoData, None));
    }

    #[test]
    fn a_fault_shows_whichever_of_two_readings_has_it() {
        let fault = Fault::malformed(Operation::CloudwatchGetMetricData, "", "cut");
        let whole = Reading::Complete(series(|_| Some(1.0)));
        let cut = Reading::Partial(series(|_| Some(1.0)), fault.clone());
        let unread = Reading::Unread(fault);
        let both = |a: &Reading, b: &Reading| {
            let mut cpu = Utilization::default();
            cpu.take(&Statistic::Average, a, &window());
            cpu.take(&Statistic::Maximum, b, &window());
            cpu.answer
        };
        assert_eq!(both(&whole, &unread), Answer::Partial);
        assert_eq!(both(&cut, &whole), Answer::Partial);
        assert_eq!(both(&unread, &unread), Answer::CouldNotAsk);
    }

    #[test]
    fn rates_have_a_readable_unit() {
        for (bytes, words) in [
            (0.0, "0 B/s"),
            (999.0, "999 B/s"),
            (999.6, "1.0 kB/s"),
            (12_345.0, "12 kB/s"),
            (9_960_000.0, "10 MB/s"),
            (4.2e12, "4200 GB/s"),
        ] {
            assert_eq!(rate(Some(bytes)), words);
        }
        assert_eq!(rate(None), "-");
    }
}

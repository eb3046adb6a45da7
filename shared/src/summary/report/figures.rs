//! The figures of one service, reduced from answers as they come.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::text::Text;
use crate::deployment::DeploymentState;
use crate::inventory::ServiceState;
use crate::metric::Statistic;
use crate::series::{Datapoint, Reading};
use crate::status::ServiceStatus;
use crate::window::Window;

/// Length of the shorter stretch that figures are given for, as the console of Container Insights does.
const RECENT_SECONDS: i64 = 3 * 3600;

/// How a question ended. None of these turns into another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// A value, which may be zero.
    Known,
    /// Values, but some are missing that should have come.
    Partial,
    /// AWS has nothing.
    NoData,
    /// It could not be asked.
    CouldNotAsk,
    /// Nobody asked, because it is not published or an earlier question failed.
    #[default]
    NotAsked,
}

impl Answer {
    fn of(reading: &Reading) -> Self {
        match reading {
            Reading::Complete(_) if reading.is_silent() => Self::NoData,
            Reading::Complete(_) => Self::Known,
            Reading::Partial(..) => Self::Partial,
            Reading::Unread(_) => Self::CouldNotAsk,
        }
    }

    /// The answer to two questions about one thing.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::NotAsked, only) | (only, Self::NotAsked) => only,
            (one, same) if one == same => one,
            (Self::NoData, Self::Known) | (Self::Known, Self::NoData) => Self::Known,
            (Self::NoData, Self::CouldNotAsk) | (Self::CouldNotAsk, Self::NoData) => Self::CouldNotAsk,
            _ => Self::Partial,
        }
    }
}

/// A percentage of what the tasks of a service reserve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Utilization {
    /// How the question ended.
    pub answer: Answer,
    /// Mean of the last 3 hours; none if there was no data in them.
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
    /// Takes the answer for one statistic.
    pub(super) fn take(&mut self, statistic: &Statistic, reading: &Reading, window: &Window) {
        self.answer = self.answer.and(Answer::of(reading));
        let points = points(reading);
        let recent = recent(points, window);
        if *statistic == Statistic::Maximum {
            (self.maximum, self.maximum_3h) = (highest(points), highest(recent));
        } else {
            (self.average, self.average_3h) = (mean(points), mean(recent));
        }
    }
}

/// The tasks of a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tasks {
    /// How the question ended.
    pub answer: Answer,
    /// Tasks that run: what ECS says, else the newest count of Container Insights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<u32>,
    /// Tasks that should run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<u32>,
    /// Tasks that are being started; only ECS says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<u32>,
    /// Fewest tasks that ran in the window; only where Container Insights reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest: Option<u32>,
    /// Whether ECS says it, and not Container Insights.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told_by_ecs: bool,
}

impl Tasks {
    /// Takes what ECS says, which is newer than any metric.
    pub(super) fn take_state(&mut self, state: &ServiceState) {
        if state.status == ServiceStatus::Missing {
            self.answer = self.answer.and(Answer::NoData);
            return;
        }
        let (running, desired, pending) = (Some(state.running), Some(state.desired), Some(state.pending));
        *self = Self { answer: Answer::Known, running, desired, pending, told_by_ecs: true, ..*self };
    }

    /// ECS could not be asked; metrics may have told.
    pub(super) fn take_no_state(&mut self) {
        let told = self.running.is_some() && self.desired.is_some();
        self.answer = if told { Answer::Partial } else { Answer::CouldNotAsk };
    }

    /// Takes the counts of running tasks. The last three hours' newest is what runs now.
    pub(super) fn take_running(&mut self, reading: &Reading, window: &Window) {
        let points = points(reading);
        self.lowest = points.iter().map(|point| point.value).min_by(f64::total_cmp).and_then(whole);
        self.running = newest(points, window);
        self.count(reading);
    }

    /// Takes the counts of tasks that should run.
    pub(super) fn take_desired(&mut self, reading: &Reading, window: &Window) {
        self.desired = newest(points(reading), window);
        self.count(reading);
    }

    fn count(&mut self, reading: &Reading) {
        self.answer = self.answer.and(Answer::of(reading));
    }

    /// Running and desired tasks, if both are known.
    pub fn both(&self) -> Option<(u32, u32)> {
        self.running.zip(self.desired)
    }

    /// It should run tasks and runs none.
    pub fn none_runs(&self) -> bool {
        self.both().is_some_and(|(running, desired)| running == 0 && desired > 0)
    }

    /// It runs some tasks, and fewer than it should.
    pub fn is_short(&self) -> bool {
        self.both().is_some_and(|(running, desired)| 0 < running && running < desired)
    }
}

/// The newest deployment of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Deployment {
    /// `COMPLETED`, `IN_PROGRESS` or `FAILED`; none if ECS does not say it of this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Text>,
    /// Tasks that it started and that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_tasks: Option<u32>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub started_at: Option<Timestamp>,
    /// Most deployments at one time in the window; only where Container Insights reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_at_once: Option<u32>,
}

impl Deployment {
    pub(super) fn take_state(&mut self, state: &DeploymentState) {
        self.rollout = state.rollout_state.map(|state| Text::new(state.as_str()));
        self.failed_tasks = (state.failed_tasks > 0).then_some(state.failed_tasks);
        self.started_at = state.started_at;
    }

    pub(super) fn take_count(&mut self, reading: &Reading) {
        self.most_at_once = highest(points(reading)).and_then(whole);
    }

    /// It failed, or its tasks fail.
    pub fn fails(&self) -> bool {
        self.is("FAILED") || (self.is("IN_PROGRESS") && self.failed_tasks.is_some())
    }

    /// Whether ECS says this word of it.
    pub fn is(&self, rollout: &str) -> bool {
        self.rollout.as_ref().is_some_and(|text| text.as_str() == rollout)
    }

    /// Whether nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Network of one task of a service, on average over the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Traffic {
    /// How the question ended.
    pub answer: Answer,
    /// Bytes received each second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<f64>,
    /// Bytes sent each second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<f64>,
}

impl Traffic {
    pub(super) fn take(&mut self, name: &str, reading: &Reading) {
        self.answer = self.answer.and(Answer::of(reading));
        let average = mean(points(reading)).map(f64::round);
        if name == "NetworkRxBytes" {
            self.received = average;
        } else {
            self.sent = average;
        }
    }
}

/// CPU and memory over time, in so many equal slots; `null` where there was no data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct History {
    /// Length of a slot.
    pub slot_seconds: i64,
    /// Mean CPU of each slot.
    pub cpu: Vec<Option<f64>>,
    /// Highest CPU of each slot; empty of the fleet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpu_maximum: Vec<Option<f64>>,
    /// Mean memory of each slot.
    pub memory: Vec<Option<f64>>,
    /// Highest memory of each slot; empty of the fleet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory_maximum: Vec<Option<f64>>,
}

/// The points of an answer; none of one that could not be asked.
pub(super) fn points(reading: &Reading) -> &[Datapoint] {
    reading.series().map(crate::series::MetricSeries::points).unwrap_or_default()
}

/// The points of the last three hours of the window.
fn recent<'a>(points: &'a [Datapoint], window: &Window) -> &'a [Datapoint] {
    let from = window.end.as_second() - RECENT_SECONDS;
    &points[points.partition_point(|point| point.timestamp.as_second() < from)..]
}

/// Mean of the points, to a tenth.
#[expect(clippy::cast_precision_loss, reason = "a series has at most some thousand points")]
pub(super) fn mean(points: &[Datapoint]) -> Option<f64> {
    let (sum, count) = points
        .iter()
        .filter(|point| point.value.is_finite())
        .fold((0.0, 0_usize), |(sum, count), point| (sum + point.value, count + 1));
    (count > 0).then(|| tenth(sum / count as f64))
}

/// Highest of the points, to a tenth.
pub(super) fn highest(points: &[Datapoint]) -> Option<f64> {
    points.iter().map(|point| point.value).filter(|value| value.is_finite()).max_by(f64::total_cmp).map(tenth)
}

/// The value of the newest point, if it is of the last three hours: an older one says nothing of now.
fn newest(points: &[Datapoint], window: &Window) -> Option<u32> {
    recent(points, window).last().map(|point| point.value).and_then(whole)
}

pub(super) fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A count as a whole number: CloudWatch averages it over the minutes of a period.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
fn whole(value: f64) -> Option<u32> {
    (0.0..=f64::from(u32::MAX)).contains(&value).then(|| value.round() as u32)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::fault::Fault;
    use crate::metric::Period;
    use crate::operation::Operation;
    use crate::series::MetricSeries;

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
    fn old_data_is_no_recent_data_and_silence_no_zero() {
        let mut cpu = Utilization::default();
        cpu.take(&Statistic::Average, &Reading::Complete(series(|i| (i < 100).then_some(5.0))), &window());
        assert_eq!((cpu.average_3h, cpu.average, cpu.answer), (None, Some(5.0), Answer::Known));
        let mut silent = Utilization::default();
        silent.take(&Statistic::Average, &Reading::Complete(MetricSeries::default()), &window());
        assert_eq!((silent.answer, silent.average), (Answer::NoData, None));
    }

    #[test]
    fn a_fault_is_seen_whichever_of_two_answers_has_it() {
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
    fn what_ecs_says_of_tasks_wins_over_metrics_and_a_fault_hides_none() {
        let state = |status: &str| ServiceState {
            cluster: "shop".parse().unwrap(),
            service: "web".parse().unwrap(),
            status: status.into(),
            desired: 3,
            running: 0,
            pending: 1,
            created_at: None,
            deployment: None,
            events: Vec::new(),
        };
        let mut tasks = Tasks::default();
        tasks.take_running(&Reading::Complete(series(|i| Some(if i == 7 { 1.0 } else { 3.0 }))), &window());
        tasks.take_desired(&Reading::Complete(series(|_| Some(3.0))), &window());
        assert_eq!((tasks.both(), tasks.lowest, tasks.is_short()), (Some((3, 3)), Some(1), false));
        let mut unasked = tasks;
        unasked.take_no_state();
        assert_eq!((unasked.both(), unasked.answer), (Some((3, 3)), Answer::Partial));
        tasks.take_state(&state("ACTIVE"));
        assert!(tasks.none_runs() && tasks.told_by_ecs && tasks.lowest == Some(1));
        let mut missing = Tasks::default();
        missing.take_state(&state("MISSING"));
        assert_eq!((missing.answer, missing.both()), (Answer::NoData, None));
    }
}

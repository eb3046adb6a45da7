//! A rule, a subject, points by the minute, and runs that evaluate them.

use fargaze::alarms::{AlarmRecord, Grid, Notice, NoticeKind, Observation, step};
use fargaze::config::Config;
use fargaze::model::fault::Fault;
use fargaze::model::metric::Period;
use fargaze::model::operation::Operation;
use fargaze::model::series::{Datapoint, MetricSeries, Reading};
use fargaze::model::subject::Subject;
use fargaze::model::window::Window;
use fargaze::rules::{AlarmRule, Mute};
use jiff::{SignedDuration, Timestamp};

/// Minutes between the end of a window and its run.
pub(crate) const DELAY: i64 = 2;

pub(crate) fn at(minute: i64) -> Timestamp {
    "2026-11-22T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

/// The minute of an instant.
pub(crate) fn minute(instant: Timestamp) -> i64 {
    instant.duration_since(at(0)).as_mins()
}

pub(crate) fn subject() -> Subject {
    Subject::Service("shop".parse().unwrap(), "web".parse().unwrap())
}

/// The rules of a file's `rules` section.
pub(crate) fn rules(yaml: &str) -> Vec<AlarmRule> {
    let own_only = if yaml.contains("rules:") { "\nbuilt-in-rules: none\n" } else { "" };
    let yaml = &format!("{yaml}{own_only}");
    Config::read(yaml, &"123456789012".parse().unwrap(), &"eu-west-1".parse().unwrap()).unwrap().rules
}

pub(crate) fn default_rule(name: &str) -> AlarmRule {
    let rule = rules("{}").into_iter().find(|rule| rule.name == name).unwrap();
    // Most cases test a rule without a hold.
    AlarmRule { hold: SignedDuration::ZERO, ..rule }
}

/// The window that `plan-run` gives a run at `now`.
pub(crate) fn window(rule: &AlarmRule, now: i64, lookback: i64) -> Window {
    let periods = i64::try_from(rule.condition.evaluation_range()).unwrap();
    let length = SignedDuration::from_mins(lookback + lookback / 2)
        + SignedDuration::from_secs(periods * rule.period.seconds());
    Window::ending(at(now), SignedDuration::from_mins(DELAY), Period::MINUTE, length)
}

pub(crate) fn fault() -> Fault {
    Fault::malformed(Operation::CloudwatchGetMetricData, "", "the connection was cut")
}

/// The points of a window; `values` gives that of the period that ends at a minute.
pub(crate) fn series(window: &Window, values: impl Fn(i64) -> Option<f64>) -> MetricSeries {
    let point =
        |timestamp: Timestamp| values(minute(timestamp) + 1).map(|value| Datapoint { timestamp, value });
    MetricSeries::new(window.period_starts().filter_map(point).collect())
}

/// An alarm with its stored record and its notifications.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) rule: AlarmRule,
    /// Minutes that each run evaluates again.
    pub(crate) lookback: i64,
    pub(crate) record: Option<AlarmRecord>,
    pub(crate) notified: Vec<Notice>,
}

impl Scene {
    pub(crate) fn new(rule: AlarmRule) -> Self {
        Self { rule, lookback: 15, record: None, notified: Vec::new() }
    }

    /// One run on a complete answer; pending notifications are sent. Returns whether something was
    /// written.
    pub(crate) fn run(&mut self, now: i64, values: impl Fn(i64) -> Option<f64>) -> bool {
        self.muted(now, None, values)
    }

    pub(crate) fn muted(
        &mut self,
        now: i64,
        mute: Option<Mute>,
        values: impl Fn(i64) -> Option<f64>,
    ) -> bool {
        let reading = Reading::Complete(series(&window(&self.rule, now, self.lookback), values));
        self.see(now, &Observation { mute, ..Observation::of(&reading) })
    }

    pub(crate) fn unread(&mut self, now: i64) -> bool {
        self.see(now, &Observation::of(&Reading::Unread(fault())))
    }

    /// One run on samples, one for each minute; those of some minutes were never taken.
    pub(crate) fn sampled(
        &mut self,
        now: i64,
        values: impl Fn(i64) -> Option<f64>,
        unread: std::ops::RangeInclusive<i64>,
    ) -> bool {
        let window = window(&self.rule, now, self.lookback);
        let is_unread = |minute: i64| unread.contains(&minute);
        let series = series(&window, |minute| values(minute).filter(|_| !is_unread(minute)));
        let starts = window.period_starts().filter(|start| is_unread(minute(*start) + 1));
        let series = series.with_unread(starts);
        let reading = if is_unread(minute(window.end)) {
            Reading::Partial(series, fault())
        } else {
            Reading::Complete(series)
        };
        let instants: Vec<Timestamp> =
            window.period_starts().map(|start| start + SignedDuration::from_mins(1)).collect();
        self.judge(now, &Observation::of(&reading), &Grid::Samples(&instants))
    }

    pub(crate) fn see(&mut self, now: i64, observation: &Observation<'_>) -> bool {
        let window = window(&self.rule, now, self.lookback);
        let of_now = self.rule.measure.is_of_one_instant();
        let grid = if of_now { Grid::Now(window) } else { Grid::Window(window) };
        self.judge(now, observation, &grid)
    }

    pub(crate) fn judge(&mut self, now: i64, observation: &Observation<'_>, grid: &Grid<'_>) -> bool {
        let after = step(&self.rule, &subject(), observation, grid, at(now), self.record.as_ref());
        let Some(mut record) = after else { return false };
        self.notified.append(&mut record.pending);
        record.version += 1;
        self.record = Some(record);
        true
    }

    /// Kinds and minutes of all notifications.
    pub(crate) fn sent(&self) -> Vec<(NoticeKind, i64)> {
        self.notified.iter().map(|notice| (notice.kind(), minute(notice.at))).collect()
    }
}

//! The periods that one alarm is evaluated on in one run.

use jiff::{SignedDuration, Timestamp};

use crate::evidence::snapshot::SnapshotBegin;
use crate::model::metric::Period;
use crate::model::series::{MetricSeries, Reading};
use crate::model::window::Window;
use crate::rules::AlarmRule;

/// How far back periods are evaluated if no earlier run is known to have done so. Shorter than the
/// day for which the table keeps an alarm that is OK again, so that a deleted record never leads to
/// a second evaluation.
const JUDGED_BACK: SignedDuration = SignedDuration::from_hours(12);

/// One in this many periods of the window, not counting the first evaluation range, is so old that
/// CloudWatch is not expected to receive points for it any more. `Config::lookback` makes the
/// window long enough for the rest.
const AGED_OUT: usize = 3;

/// Where the values of an alarm come from in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Points that CloudWatch returned for periods.
    Points,
    /// Samples that a collector took.
    Samples,
    /// The current state of the service in ECS.
    State {
        /// Whether its desired count is zero.
        idle: bool,
    },
}

/// How the periods of a rule are determined.
#[derive(Debug, Clone, Copy)]
pub enum Grid<'a> {
    /// The window of the run, divided into the rule's periods. CloudWatch may receive points late.
    Window(Window),
    /// The same window, of which only the newest period is evaluated: ECS reports the present, and
    /// its points are never late.
    Now(Window),
    /// The times at which a collector took samples, oldest first. Each sample is one period,
    /// however far apart they are, and a sample without a value never gets one.
    Samples(&'a [Timestamp]),
}

/// Periods and their values, oldest first.
#[derive(Debug)]
pub(super) struct Periods {
    ends: Ends,
    values: Vec<Option<f64>>,
    /// Indices of the periods that could not be read and never will be, in order.
    unread: Vec<usize>,
    /// The first period that may still receive a point, if it has none.
    open_from: usize,
    /// Start of the window, or time of the first sample. Older periods are unknown; later periods
    /// that were not requested have a point.
    begins: Timestamp,
    /// Whether the values come from ECS, not from a metric.
    is_state: bool,
}

#[derive(Debug)]
enum Ends {
    Window(Window),
    Samples(Vec<Timestamp>),
}

impl<'a> Grid<'a> {
    /// The periods that the rule is evaluated on in the run of a snapshot.
    pub(super) fn of(rule: &AlarmRule, basis: Basis, begin: &'a SnapshotBegin) -> Self {
        match basis {
            Basis::Points => Self::Window(begin.run.window_of(rule.range())),
            Basis::Samples => Self::Samples(&begin.samples),
            Basis::State { .. } => Self::Now(begin.run.window_of(rule.range())),
        }
    }

    /// End of the newest period, for a rule with this period length; `None` if there is no period.
    pub(super) fn newest_end(&self, period: Period) -> Option<Timestamp> {
        match self {
            Self::Window(window) | Self::Now(window) => Some(window.in_periods(period).end),
            Self::Samples(instants) => instants.last().copied(),
        }
    }
}

impl Periods {
    /// The periods of a rule, without those before the first requested one, which earlier runs have
    /// evaluated.
    pub(super) fn of(rule: &AlarmRule, grid: &Grid<'_>, reading: &Reading) -> Self {
        match grid {
            Grid::Window(window) => {
                let whole = judged_window(rule, window);
                let range = rule.condition.evaluation_range();
                let beyond = whole.len().saturating_sub(range);
                Self::of_window(&whole, range + beyond / AGED_OUT, reading)
            }
            Grid::Now(window) => {
                let newest = newest_window(rule, window);
                Self { is_state: true, ..Self::of_window(&newest, newest.len(), reading) }
            }
            Grid::Samples(instants) => Self::of_samples(rule.period, instants, reading),
        }
    }

    /// The periods of a window; those from `open_from` on may still receive a point.
    fn of_window(whole: &Window, open_from: usize, reading: &Reading) -> Self {
        let series = reading.series();
        let known = series.map_or(*whole, |series| series.requested_window(whole));
        let open_from = open_from.saturating_sub(whole.len() - known.len());
        let mut values = vec![None; known.len()];
        for (period, value) in series.into_iter().flat_map(|series| series.by_period(&known)) {
            values[period] = Some(value);
        }
        let unread = series.map(MetricSeries::unread).unwrap_or_default();
        let unread = if unread.is_empty() {
            Vec::new()
        } else {
            let starts = known.period_starts().enumerate();
            starts
                .filter(|(_, start)| unread.binary_search(start).is_ok())
                .map(|(period, _)| period)
                .collect()
        };
        Self { ends: Ends::Window(known), values, unread, open_from, begins: whole.start, is_state: false }
    }

    fn of_samples(period: Period, instants: &[Timestamp], reading: &Reading) -> Self {
        let start = |end: &Timestamp| *end - SignedDuration::from_secs(period.seconds());
        let series = reading.series();
        let values: Vec<_> =
            instants.iter().map(|end| series.and_then(|series| series.at(start(end)))).collect();
        let unread = series.map(MetricSeries::unread).unwrap_or_default();
        let is_unread = |end: &Timestamp| unread.binary_search(&start(end)).is_ok();
        let unread = instants.iter().enumerate().filter(|(_, end)| is_unread(end));
        let unread = unread.map(|(sample, _)| sample).collect();
        let open_from = values.len();
        let begins = instants.first().copied().unwrap_or(Timestamp::MIN);
        Self { ends: Ends::Samples(instants.to_vec()), values, unread, open_from, begins, is_state: false }
    }

    /// Whether the values come from ECS, not from a metric.
    pub(super) fn is_state(&self) -> bool {
        self.is_state
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// End of a period.
    pub(super) fn end(&self, period: usize) -> Timestamp {
        match &self.ends {
            Ends::Window(window) => {
                let after = i64::try_from(period + 1).unwrap_or(i64::MAX);
                let seconds = after.saturating_mul(window.period.seconds());
                window.start + SignedDuration::from_secs(seconds)
            }
            Ends::Samples(instants) => instants[period],
        }
    }

    /// Times of the samples in the range; empty if the periods are not samples.
    pub(super) fn instants(&self, range: std::ops::Range<usize>) -> Vec<Timestamp> {
        match &self.ends {
            Ends::Window(_) => Vec::new(),
            Ends::Samples(instants) => instants[range].to_vec(),
        }
    }

    /// The first period that ends after `instant`.
    pub(super) fn after(&self, instant: Timestamp) -> usize {
        match &self.ends {
            Ends::Window(window) => {
                let seconds = instant.as_second() - window.start.as_second();
                usize::try_from(seconds.div_euclid(window.period.seconds())).unwrap_or(0)
            }
            Ends::Samples(instants) => instants.partition_point(|end| *end <= instant),
        }
    }

    pub(super) fn values(&self, range: std::ops::Range<usize>) -> &[Option<f64>] {
        &self.values[range]
    }

    /// Whether no period has a value.
    pub(super) fn is_silent(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }

    /// Whether none of the periods that may still receive a point has one.
    pub(super) fn is_silent_since_aged_out(&self) -> bool {
        self.values[self.open_from.min(self.len())..].iter().all(Option::is_none)
    }

    /// End of the newest period with a value.
    pub(super) fn newest_value_end(&self) -> Option<Timestamp> {
        self.values.iter().rposition(Option::is_some).map(|period| self.end(period))
    }

    /// Positions within the range of periods that could not be read.
    pub(super) fn unread(&self, range: &std::ops::Range<usize>) -> Vec<usize> {
        let inside = self.unread.iter().filter(|period| range.contains(period));
        inside.map(|period| period - range.start).collect()
    }

    /// Positions within the range of periods without a point that may still receive one.
    pub(super) fn open(&self, range: &std::ops::Range<usize>) -> Vec<usize> {
        let late = range.clone().filter(|&period| period >= self.open_from && self.values[period].is_none());
        late.map(|period| period - range.start).collect()
    }

    /// The first period with a whole evaluation range.
    pub(super) fn first_whole(&self, range: usize) -> usize {
        range.min(self.len()).saturating_sub(1)
    }

    /// The number of oldest periods for which no more points are expected.
    pub(super) fn aged_out(&self) -> usize {
        self.open_from
    }

    /// Whether any period without a value may still receive one.
    pub(super) fn can_be_late(&self) -> bool {
        self.open_from < self.len()
    }

    /// How many periods have ended after `instant`, which may be older than all of them.
    pub(super) fn count_since(&self, instant: Timestamp) -> usize {
        match &self.ends {
            Ends::Window(window) => {
                let seconds = window.end.as_second() - instant.as_second();
                usize::try_from(seconds.div_euclid(window.period.seconds())).unwrap_or(0)
            }
            Ends::Samples(_) => self.len() - self.after(instant),
        }
    }

    /// Whether a period since `instant` has no value and will not receive one.
    pub(super) fn lost_since(&self, instant: Timestamp) -> bool {
        let first = self.after(instant);
        let aged_out = &self.values[first.min(self.open_from)..self.open_from];
        instant <= self.begins || aged_out.iter().any(Option::is_none)
    }
}

/// Indices of the `length` newest periods up to `newest`.
pub(super) fn newest(newest: usize, length: usize) -> std::ops::Range<usize> {
    (newest + 1).saturating_sub(length)..newest + 1
}

/// The rule's periods in the window of the run.
fn judged_window(rule: &AlarmRule, window: &Window) -> Window {
    let window = if rule.period == window.period { *window } else { window.in_periods(rule.period) };
    if window.end.duration_since(window.start) <= JUDGED_BACK {
        return window;
    }
    let back = usize::try_from(JUDGED_BACK.as_secs() / rule.period.seconds()).unwrap_or(0).max(1);
    window.newest(rule.condition.evaluation_range() + back)
}

/// The periods of the rule's newest verdict.
fn newest_window(rule: &AlarmRule, window: &Window) -> Window {
    window.in_periods(rule.period).of_newest(rule.condition.evaluation_range())
}

/// Whether an alarm without a record stays OK at every period, judging from counts alone.
pub(super) fn surely_ok(rule: &AlarmRule, grid: &Grid<'_>, series: &MetricSeries) -> bool {
    match grid {
        Grid::Window(window) => {
            rule.condition.surely_ok(series, &series.requested_window(&judged_window(rule, window)))
        }
        Grid::Now(window) => {
            rule.condition.surely_ok(series, &series.requested_window(&newest_window(rule, window)))
        }
        Grid::Samples(instants) => {
            let breaches = |value: f64| rule.condition.comparison.breaches(value, rule.condition.threshold);
            let breaching = series.points().iter().filter(|point| breaches(point.value)).count();
            let each_has_one = series.points().len() >= instants.len();
            breaching == 0 && series.unread().is_empty() && (each_has_one || rule.condition.gap_is_fine())
        }
    }
}

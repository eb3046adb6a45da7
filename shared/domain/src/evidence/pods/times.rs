//! When samples were taken. Each alarms run takes one, and rules count samples, however far apart
//! the runs are.

use jiff::{SignedDuration, Timestamp};

use crate::model::run::{Run, RunKind};
use crate::model::window::Window;
use crate::rules::SAMPLE_PERIOD;

/// How many samples are kept in addition to those of the window, because runs may fail before
/// samples are evaluated.
const SPARE: usize = 6;

/// Which samples a snapshot holds. The newest is from its own run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleTimes {
    /// Ends of the periods that samples count for, oldest first.
    ends: Vec<Timestamp>,
    /// Whether samples count for the report period in which they were taken.
    by_period: bool,
}

impl SampleTimes {
    /// The samples of a run. `before` are the samples of the newest earlier snapshot, and `range`
    /// is the largest evaluation range of a rule. An alarms run keeps the samples in its window,
    /// plus as many older ones as a slow schedule needs; a report shows one for each of its
    /// periods.
    pub fn of(run: &Run, before: &[Timestamp], range: usize) -> Self {
        if run.kind == RunKind::Report {
            let window = run.window.in_periods(SAMPLE_PERIOD);
            let ends = window.period_starts().map(|start| start + SAMPLE_PERIOD.length());
            return Self { ends: ends.collect(), by_period: true };
        }
        let now = minute(run.time);
        let earlier: Vec<Timestamp> = before.iter().copied().filter(|sample| *sample < now).collect();
        let needed = earlier.len().saturating_sub(range + SPARE);
        let in_window = earlier.partition_point(|sample| *sample <= run.window.start);
        let mut ends = earlier[needed.min(in_window)..].to_vec();
        ends.push(now);
        Self { ends, by_period: false }
    }

    /// When the samples were taken, oldest first.
    pub fn ends(&self) -> &[Timestamp] {
        &self.ends
    }

    /// Start of the period that the new sample counts for.
    pub fn newest_start(&self) -> Option<Timestamp> {
        self.ends.last().map(|end| *end - SAMPLE_PERIOD.length())
    }

    /// Start of the period of an older sample; `None` if it is no longer kept.
    pub(crate) fn kept(&self, start: Timestamp) -> Option<Timestamp> {
        let start = if self.by_period { floor(start) } else { start };
        let (newest, older) = self.ends.split_last()?;
        let end = start + SAMPLE_PERIOD.length();
        (end != *newest && older.binary_search(&end).is_ok()).then_some(start)
    }

    /// Starts of the periods that samples taken at these times count for.
    pub(crate) fn starts(samples: &[Timestamp]) -> impl Iterator<Item = Timestamp> + '_ {
        samples.iter().map(|end| *end - SAMPLE_PERIOD.length())
    }
}

/// Samples are identified by the minute: two manual runs within a minute are one sample.
fn minute(time: Timestamp) -> Timestamp {
    Window::ending(time, SignedDuration::ZERO, crate::model::metric::Period::MINUTE, SignedDuration::ZERO).end
}

fn floor(start: Timestamp) -> Timestamp {
    Window::ending(start, SignedDuration::ZERO, SAMPLE_PERIOD, SignedDuration::ZERO).end
}

//! Conditions: the evaluation range, and whether a series certainly keeps an alarm OK.

use super::{Comparison, Condition, MissingData};
use crate::model::series::{Datapoint, MetricSeries};
use crate::model::window::Window;

/// Number of periods beyond the N of a rule that are searched for real points. CloudWatch's tables
/// show 5 for N = 3; the exact number is undocumented.
const EXTRA_PERIODS: usize = 2;

impl Condition {
    /// Number of periods that one evaluation uses: CloudWatch's "evaluation range".
    pub fn evaluation_range(&self) -> usize {
        self.evaluation_periods as usize + EXTRA_PERIODS
    }

    /// Whether an alarm that is OK stays OK if no period breaches, however many periods have no
    /// data.
    pub(crate) fn gap_is_fine(&self) -> bool {
        matches!(self.treat_missing_data, MissingData::NotBreaching | MissingData::Ignore)
    }

    /// Whether an alarm that is OK certainly stays OK at every period of the window. Only counts
    /// are used, which is enough for most series. If `false`, the alarm may still be OK.
    pub(crate) fn surely_ok(&self, series: &MetricSeries, window: &Window) -> bool {
        let (range, periods) = (self.evaluation_range(), window.len());
        if periods >= range
            && let Some(points) = series.without_gap(window)
        {
            // The newest N of every range are real, and M of them would have to breach.
            return self.comparison.count(points, self.threshold) < self.datapoints_to_alarm as usize;
        }
        let (mut real, mut breaching, mut due, mut longest_gap) = (0, 0, 0, 0);
        for (period, value) in series.by_period(window) {
            real += 1;
            breaching += usize::from(self.comparison.breaches(value, self.threshold));
            longest_gap = longest_gap.max(period - due);
            due = period + 1;
        }
        longest_gap = longest_gap.max(periods - due);
        breaching == 0
            && match self.treat_missing_data {
                MissingData::NotBreaching | MissingData::Ignore => true,
                // Every range has at least one real point.
                MissingData::Missing => real > 0 && longest_gap < range,
                MissingData::Breaching => false,
            }
    }
}

impl Comparison {
    /// Number of points that breach the threshold. Each comparison has its own loop, which is
    /// faster than a branch per point.
    fn count(self, points: &[Datapoint], threshold: f64) -> usize {
        let values = points.iter().map(|point| point.value);
        match self {
            Self::GreaterThanThreshold => values.filter(|&value| value > threshold).count(),
            Self::GreaterThanOrEqualToThreshold => values.filter(|&value| value >= threshold).count(),
            Self::LessThanThreshold => values.filter(|&value| value < threshold).count(),
            Self::LessThanOrEqualToThreshold => values.filter(|&value| value <= threshold).count(),
        }
    }
}

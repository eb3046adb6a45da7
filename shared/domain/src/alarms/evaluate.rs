//! The verdict: the alarm state that CloudWatch documents for the same points.

use serde::{Deserialize, Serialize};

use crate::rules::{Condition, MissingData};

/// State of an alarm, as in CloudWatch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlarmState {
    /// Not breaching.
    #[default]
    Ok,
    /// Breaching.
    Alarm,
    /// There is not enough data for a verdict.
    InsufficientData,
}

impl AlarmState {
    /// CloudWatch's own spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

impl Condition {
    /// The state after one period. `range` holds one value per period of the evaluation range,
    /// oldest first, `None` where there is no point. It is shorter if sampling has only just
    /// started, because the time before the first sample is not missing data. `current` is the
    /// state before the period.
    ///
    /// Reproduces all rows of "How alarm state is evaluated when data is missing" (CloudWatch User
    /// Guide, "Configuring how CloudWatch alarms treat missing data"), in both tables.
    pub fn verdict(&self, range: &[Option<f64>], current: AlarmState) -> AlarmState {
        let (n, m) = (self.evaluation_periods as usize, self.datapoints_to_alarm as usize);
        let alarm_if = |alarm| if alarm { AlarmState::Alarm } else { AlarmState::Ok };
        let (mut real, mut breaching, mut age) = (0, 0, 0);
        for (newer, value) in range.iter().rev().enumerate() {
            let Some(value) = *value else { continue };
            real += 1;
            breaching += usize::from(self.comparison.breaches(value, self.threshold));
            age = newer + 1;
            // Enough real points: the newest N decide, whatever gaps are between them.
            if real == n {
                return alarm_if(breaching >= m);
            }
        }
        // Fewer: all real points, plus as many fillers as needed.
        let fillers = n.min(range.len()) - real;
        match self.treat_missing_data {
            MissingData::Breaching => return alarm_if(breaching + fillers >= m),
            MissingData::NotBreaching => return alarm_if(breaching >= m),
            MissingData::Missing if real == 0 => return AlarmState::InsufficientData,
            MissingData::Ignore if real == 0 => return current,
            MissingData::Missing | MissingData::Ignore => {}
        }
        if breaching >= m {
            return AlarmState::Alarm;
        }
        if breaching < real {
            return AlarmState::Ok;
        }
        // Every real point breaches, but there are fewer than M: the guard against premature
        // alarms. It no longer applies when the oldest breaching point is at least M periods old,
        // because every later period breaches or is missing.
        if self.treat_missing_data == MissingData::Missing && age >= m { AlarmState::Alarm } else { current }
    }

    /// The state after one period, with the rule's clear threshold: in ALARM, an OK counts only if
    /// the same range is not ALARM when evaluated with the clear threshold.
    pub fn next_state(&self, range: &[Option<f64>], current: AlarmState) -> AlarmState {
        let verdict = self.verdict(range, current);
        match self.clear_threshold {
            Some(threshold) if (current, verdict) == (AlarmState::Alarm, AlarmState::Ok) => {
                Self { threshold, ..*self }.verdict(range, current)
            }
            _ => verdict,
        }
    }

    /// The state after one period if the periods at the positions `unread` of its range are
    /// unknown. `None` if the state depends on them: on whether they had a value on either side of
    /// the threshold, or none.
    pub fn sure_state(
        &self,
        range: &[Option<f64>],
        unread: &[usize],
        current: AlarmState,
    ) -> Option<AlarmState> {
        let state = self.next_state(range, current);
        let is_same_with = |value| {
            let mut range = range.to_vec();
            for &period in unread {
                range[period] = Some(value);
            }
            self.next_state(&range, current) == state
        };
        // Any mix lies between all of them breaching and none.
        let is_sure = unread.is_empty() || is_same_with(f64::INFINITY) && is_same_with(f64::NEG_INFINITY);
        is_sure.then_some(state)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::metric::Period;
    use crate::model::series::{Datapoint, MetricSeries};
    use crate::model::window::Window;
    use crate::rules::Comparison;
    use jiff::{SignedDuration, Timestamp};

    const COMPARISONS: [Comparison; 4] = [
        Comparison::GreaterThanThreshold,
        Comparison::GreaterThanOrEqualToThreshold,
        Comparison::LessThanThreshold,
        Comparison::LessThanOrEqualToThreshold,
    ];

    #[test]
    fn the_threshold_itself_breaches_only_where_equal_counts() {
        for (comparison, state) in COMPARISONS.into_iter().zip([
            AlarmState::Ok,
            AlarmState::Alarm,
            AlarmState::Ok,
            AlarmState::Alarm,
        ]) {
            let condition = Condition {
                comparison,
                threshold: 0.5,
                clear_threshold: None,
                evaluation_periods: 3,
                datapoints_to_alarm: 3,
                treat_missing_data: MissingData::Missing,
            };
            assert_eq!(condition.verdict(&[Some(0.5); 5], AlarmState::Ok), state, "{comparison:?}");
        }
    }

    proptest! {
        /// What the short cut calls OK is OK at every period.
        #[test]
        fn surely_ok_is_ok(
            values in prop::collection::vec(prop::option::weighted(0.8, 0u8..10), 1..20),
            (n, m) in (1u32..8).prop_flat_map(|n| (Just(n), 1..=n)),
            comparison in prop::sample::select(COMPARISONS.to_vec()),
            treatment in prop::sample::select(vec![
                MissingData::Missing, MissingData::Ignore, MissingData::Breaching, MissingData::NotBreaching,
            ]),
        ) {
            let condition = Condition {
                comparison,
                threshold: 5.0,
                clear_threshold: None,
                evaluation_periods: n,
                datapoints_to_alarm: m,
                treat_missing_data: treatment,
            };
            let length = SignedDuration::from_mins(i64::try_from(values.len()).unwrap());
            let window = Window::ending(Timestamp::UNIX_EPOCH + length, SignedDuration::ZERO, Period::MINUTE, length);
            let values: Vec<Option<f64>> = values.into_iter().map(|value| value.map(f64::from)).collect();
            let points = window.period_starts().zip(&values);
            let points = points.filter_map(|(timestamp, value)| value.map(|value| Datapoint { timestamp, value }));
            if condition.surely_ok(&MetricSeries::new(points.collect()), &window) {
                let range = condition.evaluation_range().min(values.len());
                for newest in range..=values.len() {
                    let state = condition.verdict(&values[newest - range..newest], AlarmState::Ok);
                    prop_assert_eq!(state, AlarmState::Ok);
                }
            }
        }
    }
}

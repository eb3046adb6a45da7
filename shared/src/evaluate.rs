//! The verdict: given the same points, the state that CloudWatch documents.

use serde::{Deserialize, Serialize};

use crate::rule::{Condition, MissingData};

/// State of an alarm, in CloudWatch's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlarmState {
    /// Not breaching.
    #[default]
    Ok,
    /// Breaching.
    Alarm,
    /// There is not enough data to tell.
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

/// Periods beyond the N of a rule that are looked at for real points. CloudWatch's tables show 5 for N = 3; the exact
/// number is undocumented.
const EXTRA_PERIODS: usize = 2;

impl Condition {
    /// How many periods one verdict looks at: CloudWatch's "evaluation range".
    pub fn evaluation_range(&self) -> usize {
        self.evaluation_periods as usize + EXTRA_PERIODS
    }

    /// The state after one period. `range` holds one value per period of the evaluation range, oldest first, `None`
    /// where there is no point; `current` is the state before.
    ///
    /// Reproduces all rows of "How alarm state is evaluated when data is missing" (CloudWatch User Guide, "Configuring
    /// how CloudWatch alarms treat missing data"), in both tables.
    pub fn verdict(&self, range: &[Option<f64>], current: AlarmState) -> AlarmState {
        let (n, m) = (self.evaluation_periods as usize, self.datapoints_to_alarm as usize);
        let breaches = |value: f64| self.comparison.breaches(value, self.threshold);
        let real: Vec<bool> = range.iter().flatten().map(|&value| breaches(value)).collect();
        let alarm_if = |alarm| if alarm { AlarmState::Alarm } else { AlarmState::Ok };
        let count = |points: &[bool]| points.iter().filter(|&&breaching| breaching).count();

        // Enough real points: the newest N decide, whatever is missing between them.
        if real.len() >= n {
            return alarm_if(count(&real[real.len() - n..]) >= m);
        }
        // Fewer: all real points, and as few fillers as are needed.
        let (breaching, fillers) = (count(&real), n - real.len());
        match self.treat_missing_data {
            MissingData::Breaching => return alarm_if(breaching + fillers >= m),
            MissingData::NotBreaching => return alarm_if(breaching >= m),
            MissingData::Missing if real.is_empty() => return AlarmState::InsufficientData,
            MissingData::Ignore if real.is_empty() => return current,
            MissingData::Missing | MissingData::Ignore => {}
        }
        if breaching >= m {
            return AlarmState::Alarm;
        }
        if breaching < real.len() {
            return AlarmState::Ok;
        }
        // Every real point breaches, but there are fewer than M: the guard against premature alarms. It gives way when
        // the oldest breaching point is at least M periods old, since all that came after it breaches or is missing.
        let age = range.iter().position(Option::is_some).map_or(0, |oldest| range.len() - oldest);
        if self.treat_missing_data == MissingData::Missing && age >= m { AlarmState::Alarm } else { current }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Comparison;

    fn points(text: &str) -> Vec<Option<f64>> {
        let value = |word| match word {
            "0" => Some(0.0),
            "X" => Some(1.0),
            _ => None,
        };
        text.split(' ').map(value).collect()
    }

    fn condition(m: u32, treat_missing_data: MissingData) -> Condition {
        Condition {
            comparison: Comparison::GreaterThanThreshold,
            threshold: 0.5,
            evaluation_periods: 3,
            datapoints_to_alarm: m,
            treat_missing_data,
        }
    }

    /// The ten rows of AWS's two tables, columns missing, ignore, breaching, notBreaching; `keep` is the current state.
    #[test]
    fn every_row_of_cloudwatchs_tables() {
        for (m, range, expected) in [
            (3, "0 - X - X", ["OK", "OK", "OK", "OK"]),
            (3, "0 - - - -", ["OK", "OK", "OK", "OK"]),
            (3, "- - - - -", ["INSUFFICIENT_DATA", "keep", "ALARM", "OK"]),
            (3, "0 X X - X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
            (3, "- - X - -", ["ALARM", "keep", "ALARM", "OK"]),
            (2, "0 - X - X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
            (2, "0 0 X 0 X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
            (2, "0 - X - -", ["OK", "OK", "ALARM", "OK"]),
            (2, "- - - - 0", ["OK", "OK", "ALARM", "OK"]),
            (2, "- - - X -", ["ALARM", "keep", "ALARM", "OK"]),
        ] {
            let treatments = [
                MissingData::Missing,
                MissingData::Ignore,
                MissingData::Breaching,
                MissingData::NotBreaching,
            ];
            for (treatment, expected) in treatments.into_iter().zip(expected) {
                for current in [AlarmState::Ok, AlarmState::Alarm, AlarmState::InsufficientData] {
                    let state = condition(m, treatment).verdict(&points(range), current);
                    let expected = if expected == "keep" { current.as_str() } else { expected };
                    assert_eq!(state.as_str(), expected, "{m} of 3, {range}, {treatment:?}, now {current:?}");
                }
            }
        }
    }

    #[test]
    fn one_late_breach_does_not_alarm_prematurely() {
        for range in ["- - - - X", "- - - X -"] {
            let state =
                condition(3, MissingData::Missing).verdict(&points(range), AlarmState::InsufficientData);
            assert_eq!(state, AlarmState::InsufficientData, "{range}");
        }
    }

    #[test]
    fn t12_missing_is_not_zero() {
        let mut low = condition(3, MissingData::Missing);
        low.comparison = Comparison::LessThanThreshold;
        assert_eq!(low.verdict(&points("0 0 0 0 0"), AlarmState::Ok), AlarmState::Alarm);
        assert_eq!(low.verdict(&points("- - - - -"), AlarmState::Ok), AlarmState::InsufficientData);
    }

    #[test]
    fn the_threshold_itself_breaches_only_where_equal_counts() {
        let value = [Some(0.5); 5];
        for (comparison, state) in [
            (Comparison::GreaterThanThreshold, AlarmState::Ok),
            (Comparison::GreaterThanOrEqualToThreshold, AlarmState::Alarm),
            (Comparison::LessThanThreshold, AlarmState::Ok),
            (Comparison::LessThanOrEqualToThreshold, AlarmState::Alarm),
        ] {
            let condition = Condition { comparison, ..condition(3, MissingData::Missing) };
            assert_eq!(condition.verdict(&value, AlarmState::Ok), state, "{comparison:?}");
        }
    }
}

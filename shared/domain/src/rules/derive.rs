//! Values derived locally instead of with CloudWatch metric math: the inputs stay visible, and the
//! cost stays predictable.

use crate::model::fault::Fault;
use crate::model::operation::Operation;
use crate::model::series::{Datapoint, MetricSeries, Reading};

/// A value computed from two metrics of the same dimensions, period and statistic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formula {
    /// `100 * first / second`: usage as a percentage of the reservation.
    PercentOf,
    /// `first - second`: desired minus running.
    Minus,
}

impl Formula {
    /// The value of one period; `None` if it is undefined. With a reservation of 0 there is no
    /// percentage: neither 0 nor infinity.
    fn apply(self, first: f64, second: f64) -> Option<f64> {
        let value = match self {
            Self::PercentOf => 100.0 * first / second,
            Self::Minus => first - second,
        };
        value.is_finite().then_some(value)
    }

    /// The derived answer. A period counts only if both inputs have a point. The answer is unread
    /// if one input is unread, and partial if one is partial.
    pub fn derive(self, first: &Reading, second: &Reading) -> Reading {
        let (Some(a), Some(b)) = (first.series(), second.series()) else {
            return Reading::Unread(worse(first, second));
        };
        let both = a.points().iter().filter_map(|point| {
            let value = self.apply(point.value, b.at(point.timestamp)?)?;
            Some(Datapoint { timestamp: point.timestamp, value })
        });
        let series = MetricSeries::new(both.collect());
        // Where one of the two was not requested, the value is unknown.
        let series = a.from().max(b.from()).into_iter().fold(series, MetricSeries::requested_from);
        match first.fault().or(second.fault()) {
            Some(fault) => Reading::Partial(series, fault.clone()),
            None => Reading::Complete(series),
        }
    }
}

/// The fault of the unread input.
fn worse(first: &Reading, second: &Reading) -> Fault {
    let unread = [first, second].into_iter().find_map(|reading| match reading {
        Reading::Unread(fault) => Some(fault.clone()),
        Reading::Complete(_) | Reading::Partial(..) => None,
    });
    unread
        .unwrap_or_else(|| Fault::bug(Operation::FargazeJudge, "", "an input has neither points nor a fault"))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn series(values: &[Option<f64>]) -> MetricSeries {
        let at = |i: usize| Timestamp::from_second(60 * i64::try_from(i).unwrap()).unwrap();
        let points = values
            .iter()
            .enumerate()
            .filter_map(|(i, v)| v.map(|value| Datapoint { timestamp: at(i), value }));
        MetricSeries::new(points.collect())
    }

    fn values(reading: &Reading) -> Vec<f64> {
        reading.series().unwrap().points().iter().map(|point| point.value).collect()
    }

    fn complete(values: &[Option<f64>]) -> Reading {
        Reading::Complete(series(values))
    }

    #[test]
    fn t1_percent_of_reservation_is_computed_from_two_amounts() {
        let percent =
            Formula::PercentOf.derive(&complete(&[Some(410.0), Some(476.0)]), &complete(&[Some(512.0); 2]));
        assert_eq!(values(&percent), [80.078_125, 92.968_75]);
    }

    #[test]
    fn t12_a_period_with_one_input_missing_has_no_value() {
        let used = complete(&[Some(1.0), None, Some(3.0)]);
        let reserved = complete(&[Some(10.0), Some(10.0), None]);
        assert_eq!(values(&Formula::PercentOf.derive(&used, &reserved)), [10.0]);
        assert_eq!(values(&Formula::Minus.derive(&reserved, &used)), [9.0]);
    }

    #[test]
    fn a_reservation_of_zero_has_no_percentage() {
        let percent =
            Formula::PercentOf.derive(&complete(&[Some(5.0), Some(0.0)]), &complete(&[Some(0.0); 2]));
        assert_eq!(percent, Reading::Complete(MetricSeries::default()));
    }

    #[test]
    fn the_answer_is_as_incomplete_as_its_worse_input() {
        let fault = Fault::malformed(Operation::CloudwatchGetMetricData, "", "cut");
        let whole = complete(&[Some(1.0)]);
        let partial = Reading::Partial(series(&[Some(1.0)]), fault.clone());
        let unread = Reading::Unread(fault.clone());
        assert!(
            matches!(Formula::Minus.derive(&whole, &partial), Reading::Partial(s, f) if s.points().len() == 1 && f == fault)
        );
        for (a, b) in [(&whole, &unread), (&unread, &whole), (&partial, &unread)] {
            assert_eq!(Formula::Minus.derive(a, b), Reading::Unread(fault.clone()));
        }
    }
}

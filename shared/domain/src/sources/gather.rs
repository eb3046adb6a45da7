//! Reassembles the pages of `GetMetricData` without losing anything.
//!
//! Each query ends as a [`Reading`]. Other collectors lose whole batches when a later page fails,
//! drop the second page of a series, or never read the status of a result.

use jiff::Timestamp;

use crate::model::fault::{Fault, FaultKind};
use crate::model::metric::Period;
use crate::model::operation::Operation;
use crate::model::series::{Datapoint, MetricSeries, Reading};

const OPERATION: Operation = Operation::CloudwatchGetMetricData;

/// Status of one result on one page (`CloudWatch` API, `StatusCode`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultStatus {
    /// All points were delivered.
    Complete,
    /// More points follow on a later page, or should have.
    PartialData,
    /// `CloudWatch` failed to read this metric.
    InternalError,
    /// The metric belongs to another account and may not be read.
    Forbidden,
    /// A status that the API documentation does not mention.
    Other(String),
}

/// One result on one page.
#[derive(Debug, Clone, PartialEq)]
pub struct PageResult {
    /// Id of the query, from [`query_id`].
    pub id: String,
    /// Starts of the periods, in epoch seconds.
    pub timestamps: Vec<i64>,
    /// One value for each timestamp.
    pub values: Vec<f64>,
    /// Status of the result.
    pub status: ResultStatus,
    /// Messages about this result.
    pub messages: Vec<String>,
}

/// The id of the query with this index in its batch. Ids begin with a lowercase letter
/// (`CloudWatch` API, `MetricDataQuery`).
pub fn query_id(index: usize) -> String {
    format!("m{index}")
}

/// The answers to one batch of queries, collected page by page.
#[derive(Debug)]
pub struct Gather {
    slots: Vec<Slot>,
    strays: Vec<Fault>,
}

#[derive(Debug, Clone)]
struct Slot {
    period: Period,
    points: Vec<Datapoint>,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    /// Not on any page so far.
    Unseen,
    Complete,
    /// Points arrived, and more were announced.
    MoreToCome,
    Failed(Fault),
}

impl Gather {
    /// For a batch of queries with these periods.
    pub fn new(periods: impl IntoIterator<Item = Period>) -> Self {
        let slot = |period| Slot { period, points: Vec::new(), state: State::Unseen };
        Self { slots: periods.into_iter().map(slot).collect(), strays: Vec::new() }
    }

    /// Adds one result of a page. A result for an id that was not requested is kept as a fault.
    pub fn add(&mut self, result: PageResult) {
        let index = result.id.strip_prefix('m').and_then(|digits| digits.parse::<usize>().ok());
        if let Some(slot) = index.and_then(|index| self.slots.get_mut(index)) {
            slot.add(result);
        } else {
            let message = format!("CloudWatch answered id `{}`, which was not requested", result.id);
            self.strays.push(Fault::malformed(OPERATION, "", message));
        }
    }

    /// The answers in the order of the queries, and faults for results that match none. `fault` is
    /// the fault that ended the paging early, if any.
    pub fn finish(self, fault: Option<&Fault>) -> (Vec<Reading>, Vec<Fault>) {
        let readings = self.slots.into_iter().map(|slot| slot.finish(fault)).collect();
        (readings, self.strays)
    }
}

impl Slot {
    fn add(&mut self, result: PageResult) {
        let PageResult { id: _, timestamps, values, status, messages } = result;
        if timestamps.len() != values.len() {
            let message = format!("{} timestamps with {} values", timestamps.len(), values.len());
            self.state = State::Failed(Fault::malformed(OPERATION, "", message));
            return;
        }
        if matches!(self.state, State::Failed(_)) {
            return;
        }
        for (second, value) in timestamps.into_iter().zip(values) {
            match Timestamp::from_second(second) {
                Ok(timestamp) => self.points.push(Datapoint { timestamp, value }),
                Err(error) => {
                    self.state = State::Failed(Fault::malformed(OPERATION, "", error.to_string()));
                    return;
                }
            }
        }
        let failed = |kind, code: &str| {
            let (operation, code) = (OPERATION, code.to_owned());
            State::Failed(Fault {
                operation,
                subject: String::new(),
                kind,
                code,
                message: messages.join(" "),
            })
        };
        self.state = match status {
            ResultStatus::Complete => State::Complete,
            ResultStatus::PartialData => State::MoreToCome,
            ResultStatus::InternalError => failed(FaultKind::Transient, "InternalError"),
            ResultStatus::Forbidden => failed(FaultKind::Denied, "Forbidden"),
            ResultStatus::Other(code) => failed(FaultKind::Malformed, &code),
        };
    }

    fn finish(self, fault: Option<&Fault>) -> Reading {
        let because = |message| fault.cloned().unwrap_or_else(|| Fault::malformed(OPERATION, "", message));
        let series = MetricSeries::new(self.points);
        if let Some(misaligned) = series.off_grid(self.period) {
            let message =
                format!("a point at {misaligned}, which is not the start of a period like the others");
            return Reading::Unread(Fault::malformed(OPERATION, "", message));
        }
        match self.state {
            State::Complete => Reading::Complete(series),
            State::MoreToCome => Reading::Partial(series, because("PartialData, but no further page")),
            State::Unseen => Reading::Unread(because("the answer does not mention this metric")),
            // Points of a contradictory answer cannot be trusted; points before a failure can.
            State::Failed(fault) if fault.kind == FaultKind::Malformed || series.points().is_empty() => {
                Reading::Unread(fault)
            }
            State::Failed(fault) => Reading::Partial(series, fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn result(index: usize, minutes: &[i64], status: ResultStatus) -> PageResult {
        PageResult {
            id: query_id(index),
            timestamps: minutes.iter().map(|minute| minute * 60).collect(),
            values: vec![1.0; minutes.len()],
            status,
            messages: vec!["a message".to_owned()],
        }
    }

    fn gathered(results: Vec<PageResult>, fault: Option<&Fault>) -> (Vec<Reading>, Vec<Fault>) {
        let mut gather = Gather::new([Period::MINUTE; 2]);
        results.into_iter().for_each(|result| gather.add(result));
        gather.finish(fault)
    }

    fn count(reading: &Reading) -> usize {
        reading.series().map_or(0, |series| series.points().len())
    }

    #[test]
    fn points_of_one_query_on_two_pages_are_one_series() {
        let pages = vec![
            result(0, &[3, 2], ResultStatus::PartialData),
            result(1, &[3], ResultStatus::Complete),
            result(0, &[1], ResultStatus::Complete),
        ];
        let (readings, strays) = gathered(pages, None);
        assert!(matches!(&readings[0], Reading::Complete(series) if series.points().len() == 3));
        assert!(strays.is_empty());
    }

    #[test]
    fn an_error_on_the_second_page_keeps_the_first() {
        let fault = Fault::malformed(OPERATION, "", "cut");
        let pages = vec![result(0, &[3, 2], ResultStatus::PartialData)];
        let (readings, _) = gathered(pages, Some(&fault));
        assert_eq!((count(&readings[0]), readings[0].fault()), (2, Some(&fault)));
        assert_eq!(readings[1], Reading::Unread(fault));
    }

    #[test]
    fn partial_data_without_a_further_page_is_partial() {
        let (readings, _) = gathered(vec![result(0, &[3], ResultStatus::PartialData)], None);
        assert!(matches!(&readings[0], Reading::Partial(series, _) if series.points().len() == 1));
    }

    #[test]
    fn an_unknown_query_id_is_a_fault() {
        for id in ["m2", "x1", "m", ""] {
            let stray = PageResult { id: id.to_owned(), ..result(0, &[1], ResultStatus::Complete) };
            let (_, strays) = gathered(vec![stray], None);
            assert!(strays[0].message.contains(&format!("`{id}`")), "{strays:?}");
        }
    }

    #[test]
    fn values_and_timestamps_of_different_length_are_unread() {
        let mut misaligned = result(0, &[3, 2], ResultStatus::Complete);
        misaligned.values.pop();
        let pages = vec![
            result(0, &[4], ResultStatus::PartialData),
            misaligned,
            result(0, &[1], ResultStatus::Complete),
        ];
        let (readings, _) = gathered(pages, None);
        assert!(
            matches!(&readings[0], Reading::Unread(fault) if fault.message == "2 timestamps with 1 values")
        );
    }

    #[test]
    fn a_point_between_two_periods_is_unread_and_not_lost() {
        let mut misaligned = result(0, &[3, 2], ResultStatus::Complete);
        misaligned.timestamps[1] += 7;
        let (readings, _) = gathered(vec![misaligned], None);
        let fault = readings[0].fault().unwrap();
        assert!(fault.message.starts_with("a point at 1970-01-01T00:03:00Z, which"), "{fault}");
    }

    #[test]
    fn internal_error_and_forbidden_are_not_no_data() {
        let pages =
            vec![result(0, &[], ResultStatus::InternalError), result(1, &[], ResultStatus::Forbidden)];
        let (readings, _) = gathered(pages, None);
        let kinds: Vec<_> = readings.iter().map(|reading| reading.fault().unwrap().kind).collect();
        assert_eq!(kinds, [FaultKind::Transient, FaultKind::Denied]);
        assert!(readings.iter().all(|reading| matches!(reading, Reading::Unread(_))));
    }

    #[test]
    fn t12_an_empty_complete_result_is_no_data() {
        let (readings, _) = gathered(vec![result(0, &[], ResultStatus::Complete)], None);
        assert!(readings[0].is_silent());
    }

    proptest! {
        /// However the points of a series are spread over pages, each arrives exactly once.
        #[test]
        fn no_point_is_lost_between_pages(cuts in prop::collection::vec(1usize..6, 1..8)) {
            let mut gather = Gather::new([Period::MINUTE]);
            let mut next = 1000;
            for (i, &cut) in cuts.iter().enumerate() {
                let minutes: Vec<i64> = (0..cut).map(|_| { next -= 1; next }).collect();
                let last = i + 1 == cuts.len();
                gather.add(result(0, &minutes, if last { ResultStatus::Complete } else { ResultStatus::PartialData }));
            }
            let (readings, _) = gather.finish(None);
            prop_assert!(matches!(readings[0], Reading::Complete(_)));
            prop_assert_eq!(count(&readings[0]), cuts.iter().sum::<usize>());
        }
    }
}

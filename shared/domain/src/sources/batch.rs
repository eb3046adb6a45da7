//! Groups CloudWatch queries into calls: a call has one start time and at most 500 queries.

use std::collections::HashMap;

use jiff::Timestamp;

/// Queries in one `GetMetricData` call, which takes 500 (CloudWatch API, `MetricDataQueries`): each of
/// the two quotas needs two.
pub const QUERIES_PER_CALL: usize = 498;

/// The most answers that may be buffered to keep the order of the queries: about a megabyte.
const MOST_AHEAD: usize = 2 * QUERIES_PER_CALL;

/// The queries of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// `StartTime` of the call.
    pub start: Timestamp,
    /// Indices of the queries, in order.
    pub queries: Vec<usize>,
}

/// Consecutive queries. Those with the most common start are sent in order and their answers passed
/// on as they arrive; the others are sent first and their answers buffered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segment {
    /// Calls whose answers are buffered.
    pub ahead: Vec<Batch>,
    /// Calls whose answers arrive in order.
    pub in_order: Vec<Batch>,
}

/// The calls for queries with these start times. Few distinct starts need few calls.
pub fn segments(starts: &[Timestamp]) -> Vec<Segment> {
    let Some(common) = most_common(starts) else { return Vec::new() };
    let (mut segments, mut segment, mut ahead) = (Vec::new(), Segment::default(), 0);
    for (query, &start) in starts.iter().enumerate() {
        if start == common {
            push(&mut segment.in_order, start, query);
        } else {
            if ahead == MOST_AHEAD {
                segments.push(std::mem::take(&mut segment));
                ahead = 0;
            }
            push(&mut segment.ahead, start, query);
            ahead += 1;
        }
    }
    segments.push(segment);
    segments
}

fn most_common(starts: &[Timestamp]) -> Option<Timestamp> {
    let mut counts = HashMap::<Timestamp, usize>::new();
    starts.iter().for_each(|start| *counts.entry(*start).or_default() += 1);
    counts.into_iter().max_by_key(|(start, count)| (*count, *start)).map(|(start, _)| start)
}

/// Adds a query to the newest call with this start, or to a new call if that one is full.
fn push(batches: &mut Vec<Batch>, start: Timestamp, query: usize) {
    let room = |batch: &&mut Batch| batch.start == start && batch.queries.len() < QUERIES_PER_CALL;
    if let Some(batch) = batches.iter_mut().rev().find(room) {
        batch.queries.push(query);
    } else {
        let mut queries = Vec::with_capacity(QUERIES_PER_CALL);
        queries.push(query);
        batches.push(Batch { start, queries });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(minute: usize) -> Timestamp {
        Timestamp::from_second(i64::try_from(minute).unwrap() * 60).unwrap()
    }

    fn calls(segments: &[Segment]) -> usize {
        segments.iter().map(|segment| segment.ahead.len() + segment.in_order.len()).sum()
    }

    proptest! {
        /// Issue 12, point 15.
        #[test]
        fn every_query_is_sent_once_from_its_start_and_few_answers_are_buffered(
            late in prop::collection::vec(prop::sample::select(vec![0, 0, 0, 0, 1, 2]), 0..6000),
        ) {
            let starts: Vec<Timestamp> = late.iter().map(|late| at(*late)).collect();
            let segments = segments(&starts);
            let mut all = Vec::new();
            for segment in &segments {
                let count = |batches: &[Batch]| batches.iter().map(|batch| batch.queries.len()).sum::<usize>();
                prop_assert!(count(&segment.ahead) <= MOST_AHEAD);
                let mut here = Vec::new();
                for batch in segment.ahead.iter().chain(&segment.in_order) {
                    prop_assert!((1..=QUERIES_PER_CALL).contains(&batch.queries.len()));
                    prop_assert!(batch.queries.iter().all(|query| starts[*query] == batch.start));
                    here.extend_from_slice(&batch.queries);
                }
                prop_assert!(segment.in_order.iter().flat_map(|batch| &batch.queries).is_sorted());
                here.sort_unstable();
                all.extend(here);
            }
            prop_assert_eq!(all, (0..starts.len()).collect::<Vec<_>>());
            prop_assert!(calls(&segments) <= starts.len().div_ceil(QUERIES_PER_CALL) + 4 * segments.len());
        }
    }

    /// Issue 12, point 15.
    #[test]
    fn queries_with_one_start_take_no_more_calls_than_their_number_needs() {
        for (count, expected) in [(0, 0), (1, 1), (498, 1), (499, 2), (6000, 13)] {
            assert_eq!(calls(&segments(&vec![at(0); count])), expected, "{count}");
        }
    }
}

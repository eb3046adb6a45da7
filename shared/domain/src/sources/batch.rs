//! Puts questions to CloudWatch together into calls: a call has one start of time and at most 500 questions.

use std::collections::HashMap;

use jiff::Timestamp;

/// Questions in one `GetMetricData` (CloudWatch API, `MetricDataQueries`).
pub const QUERIES_PER_CALL: usize = 500;

/// Answers that are held at most until it is their turn in the order of the questions: about a megabyte.
const MOST_AHEAD: usize = 2 * QUERIES_PER_CALL;

/// Questions of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// `StartTime` of the call.
    pub start: Timestamp,
    /// Places of the questions, in order.
    pub questions: Vec<usize>,
}

/// Consecutive questions. Those with the most common start are asked in order, and their answers handed on as they come;
/// the others are asked ahead, and their answers wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segment {
    /// Calls whose answers wait for their turn.
    pub ahead: Vec<Batch>,
    /// Calls whose answers come in order.
    pub in_order: Vec<Batch>,
}

/// The calls for questions that each have a start. Few starts make few calls.
pub fn segments(starts: &[Timestamp]) -> Vec<Segment> {
    let Some(common) = most_common(starts) else { return Vec::new() };
    let (mut segments, mut segment, mut ahead) = (Vec::new(), Segment::default(), 0);
    for (question, &start) in starts.iter().enumerate() {
        if start == common {
            push(&mut segment.in_order, start, question);
        } else {
            if ahead == MOST_AHEAD {
                segments.push(std::mem::take(&mut segment));
                ahead = 0;
            }
            push(&mut segment.ahead, start, question);
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

/// Adds a question to the newest call with that start, or to a new one if that is full.
fn push(batches: &mut Vec<Batch>, start: Timestamp, question: usize) {
    let room = |batch: &&mut Batch| batch.start == start && batch.questions.len() < QUERIES_PER_CALL;
    if let Some(batch) = batches.iter_mut().rev().find(room) {
        batch.questions.push(question);
    } else {
        let mut questions = Vec::with_capacity(QUERIES_PER_CALL);
        questions.push(question);
        batches.push(Batch { start, questions });
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
        fn every_question_is_asked_once_from_its_start_and_few_answers_wait(
            late in prop::collection::vec(prop::sample::select(vec![0, 0, 0, 0, 1, 2]), 0..6000),
        ) {
            let starts: Vec<Timestamp> = late.iter().map(|late| at(*late)).collect();
            let segments = segments(&starts);
            let mut asked = Vec::new();
            for segment in &segments {
                let count = |batches: &[Batch]| batches.iter().map(|batch| batch.questions.len()).sum::<usize>();
                prop_assert!(count(&segment.ahead) <= MOST_AHEAD);
                let mut here = Vec::new();
                for batch in segment.ahead.iter().chain(&segment.in_order) {
                    prop_assert!((1..=QUERIES_PER_CALL).contains(&batch.questions.len()));
                    prop_assert!(batch.questions.iter().all(|question| starts[*question] == batch.start));
                    here.extend_from_slice(&batch.questions);
                }
                prop_assert!(segment.in_order.iter().flat_map(|batch| &batch.questions).is_sorted());
                here.sort_unstable();
                asked.extend(here);
            }
            prop_assert_eq!(asked, (0..starts.len()).collect::<Vec<_>>());
            prop_assert!(calls(&segments) <= starts.len().div_ceil(QUERIES_PER_CALL) + 4 * segments.len());
        }
    }

    /// Issue 12, point 15.
    #[test]
    fn questions_with_one_start_take_no_more_calls_than_their_number_needs() {
        for (count, expected) in [(0, 0), (1, 1), (500, 1), (501, 2), (6000, 12)] {
            assert_eq!(calls(&segments(&vec![at(0); count])), expected, "{count}");
        }
    }
}

//! Every row of the two tables in "Configuring how CloudWatch alarms treat missing data"
//! (CloudWatch User Guide), and the statements of its prose, each by name. `0` is good, `X`
//! breaching, `-` missing; the newest is on the right.

use fargaze::alarms::evaluate::AlarmState::{self, Alarm, InsufficientData, Ok};
use fargaze::rules::{Comparison, Condition, MissingData};

const STATES: [AlarmState; 3] = [Ok, Alarm, InsufficientData];

fn condition(m: u32, treat_missing_data: MissingData) -> Condition {
    Condition {
        comparison: Comparison::GreaterThanThreshold,
        threshold: 0.5,
        clear_threshold: None,
        evaluation_periods: 3,
        datapoints_to_alarm: m,
        treat_missing_data,
    }
}

fn points(text: &str) -> Vec<Option<f64>> {
    let value = |word| match word {
        "0" => Some(0.0),
        "X" => Some(1.0),
        _ => None,
    };
    text.split(' ').map(value).collect()
}

/// `expected` has the columns missing, ignore, breaching, notBreaching; `None` where the state is
/// kept.
fn row(m: u32, range: &str, expected: [Option<AlarmState>; 4]) {
    let treatments =
        [MissingData::Missing, MissingData::Ignore, MissingData::Breaching, MissingData::NotBreaching];
    for (treatment, expected) in treatments.into_iter().zip(expected) {
        for current in STATES {
            let state = condition(m, treatment).next_state(&points(range), current);
            assert_eq!(
                state,
                expected.unwrap_or(current),
                "{m} of 3, {range}, {treatment:?}, now {current:?}"
            );
        }
    }
}

const ALL_OK: [Option<AlarmState>; 4] = [Some(Ok); 4];
const ALL_ALARM: [Option<AlarmState>; 4] = [Some(Alarm); 4];
const ONLY_BREACHING: [Option<AlarmState>; 4] = [Some(Ok), Some(Ok), Some(Alarm), Some(Ok)];
const GUARDED: [Option<AlarmState>; 4] = [Some(Alarm), None, Some(Alarm), Some(Ok)];

#[test]
fn row_3_of_3_ok_gap_breach_gap_breach() {
    row(3, "0 - X - X", ALL_OK);
}

/// The table says OK in all columns. Its "breaching" has two fillers for three breaching points: 2
/// of 3 are not enough.
#[test]
fn row_3_of_3_ok_then_four_gaps() {
    row(3, "0 - - - -", ALL_OK);
}

#[test]
fn row_3_of_3_five_gaps() {
    row(3, "- - - - -", [Some(InsufficientData), None, Some(Alarm), Some(Ok)]);
}

#[test]
fn row_3_of_3_ok_breach_breach_gap_breach() {
    row(3, "0 X X - X", ALL_ALARM);
}

#[test]
fn row_3_of_3_two_gaps_breach_two_gaps() {
    row(3, "- - X - -", GUARDED);
}

#[test]
fn row_2_of_3_ok_gap_breach_gap_breach() {
    row(2, "0 - X - X", ALL_ALARM);
}

#[test]
fn row_2_of_3_ok_ok_breach_ok_breach() {
    row(2, "0 0 X 0 X", ALL_ALARM);
}

#[test]
fn row_2_of_3_ok_gap_breach_gap_gap() {
    row(2, "0 - X - -", ONLY_BREACHING);
}

#[test]
fn row_2_of_3_four_gaps_then_ok() {
    row(2, "- - - - 0", ONLY_BREACHING);
}

#[test]
fn row_2_of_3_three_gaps_breach_gap() {
    row(2, "- - - X -", GUARDED);
}

/// "CloudWatch avoids premature alarm state": a breaching point younger than M periods does not
/// alarm yet, an older one does. Read literally the rule contradicts the row `0 - X - -`; it holds
/// where all real points breach.
#[test]
fn t19_the_guard_against_premature_alarms_holds_where_all_real_points_breach() {
    for (range, alarms) in
        [("- - - - X", false), ("- - - X -", false), ("- - X - -", true), ("X - - - -", true)]
    {
        for current in STATES {
            let state = condition(3, MissingData::Missing).next_state(&points(range), current);
            assert_eq!(state, if alarms { Alarm } else { current }, "{range}, now {current:?}");
        }
    }
    let state = condition(2, MissingData::Missing).next_state(&points("0 - X - -"), Alarm);
    assert_eq!(state, Ok, "a fine point in the range ends it");
}

#[test]
fn t12_missing_is_not_zero() {
    let low = Condition { comparison: Comparison::LessThanThreshold, ..condition(3, MissingData::Missing) };
    assert_eq!(low.next_state(&points("0 0 0 0 0"), Ok), Alarm);
    assert_eq!(low.next_state(&points("- - - - -"), Ok), InsufficientData);
}

/// AWS's page of recommended alarms prints `<= 80` for memory and means `> 80`.
#[test]
fn t18_high_memory_is_evaluated_by_greater_than() {
    let memory = |comparison| Condition { comparison, threshold: 80.0, ..condition(3, MissingData::Missing) };
    let (idle, full) = ([Some(12.0); 5], [Some(93.0); 5]);
    let right = memory(Comparison::GreaterThanThreshold);
    assert_eq!((right.next_state(&idle, Ok), right.next_state(&full, Ok)), (Ok, Alarm));
    let printed = memory(Comparison::LessThanOrEqualToThreshold);
    assert_eq!((printed.next_state(&idle, Ok), printed.next_state(&full, Ok)), (Alarm, Ok));
}

#[test]
fn an_alarm_stays_active_until_the_clear_threshold_is_crossed() {
    let condition = Condition { clear_threshold: Some(0.2), ..condition(3, MissingData::Missing) };
    let between = [Some(0.3); 5];
    assert_eq!(condition.next_state(&between, Alarm), Alarm);
    assert_eq!(condition.next_state(&between, Ok), Ok, "it begins at the threshold only");
    assert_eq!(condition.next_state(&[Some(0.1); 5], Alarm), Ok);
    assert_eq!(condition.next_state(&[None; 5], Alarm), InsufficientData);
}

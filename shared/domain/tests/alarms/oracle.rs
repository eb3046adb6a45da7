//! An oracle of CloudWatch's verdict: slow and obvious, written from AWS's prose and tables, not
//! from the evaluator. The 100,000 random series take a few seconds without optimization.

use fargaze::alarms::evaluate::AlarmState::{self, Alarm, InsufficientData, Ok};
use fargaze::rules::{Comparison, Condition, MissingData};

use crate::chance::{Chance, with_seeds};

/// A period in the notation of the documentation: `0`, `X` or `-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Period {
    Fine,
    Breaching,
    Missing,
}

fn period(value: Option<f64>, comparison: Comparison, threshold: f64) -> Period {
    let Some(value) = value else { return Period::Missing };
    let breaches = match comparison {
        Comparison::GreaterThanThreshold => value > threshold,
        Comparison::GreaterThanOrEqualToThreshold => value >= threshold,
        Comparison::LessThanThreshold => value < threshold,
        Comparison::LessThanOrEqualToThreshold => value <= threshold,
    };
    if breaches { Period::Breaching } else { Period::Fine }
}

/// The state after the newest period of a range, oldest first.
fn state(range: &[Period], n: usize, m: usize, treat: MissingData, current: AlarmState) -> AlarmState {
    let verdict = |periods: &[Period]| {
        let breaching = periods.iter().filter(|&&period| period == Period::Breaching).count();
        if breaching >= m { Alarm } else { Ok }
    };
    let real: Vec<Period> = range.iter().copied().filter(|&period| period != Period::Missing).collect();
    // "If no data points in the evaluation range are missing" and "if some are missing, but the
    // number of real points is N or more": the most recent N, and the treatment does not matter.
    if real.len() >= n {
        return verdict(&real[real.len() - n..]);
    }
    // "Fewer than N: all of them, and as few fillers as are needed."
    let filled = |filler: Period| {
        let mut periods = real.clone();
        // A period before the first sample is no period without data.
        while periods.len() < n.min(range.len()) {
            periods.push(filler);
        }
        verdict(&periods)
    };
    match treat {
        MissingData::Breaching => return filled(Period::Breaching),
        MissingData::NotBreaching => return filled(Period::Fine),
        MissingData::Missing | MissingData::Ignore => {}
    }
    // The table's row without any point.
    if real.is_empty() {
        return if treat == MissingData::Missing { InsufficientData } else { current };
    }
    if verdict(&real) == Alarm {
        return Alarm;
    }
    // Some real point is good: the rows `0 - - - -` and `0 - X - -` (2 of 3) are OK.
    if real.contains(&Period::Fine) {
        return Ok;
    }
    // Only breaching points, too few of them: ALARM if the oldest is at least M periods old and
    // everything after it breaches or is missing, but not before. With "ignore" the state stays.
    let mut age = 0;
    for (place, period) in range.iter().rev().enumerate() {
        if *period == Period::Breaching {
            age = place + 1;
        }
    }
    if treat == MissingData::Missing && age >= m { Alarm } else { current }
}

/// The state of an alarm between two periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) state: AlarmState,
    /// The minute at whose end the state began.
    pub(crate) since: i64,
}

/// The alarm after the period that ends at minute `end`; `values` are all periods so far. `hold` is
/// in periods.
pub(crate) fn next(rule: &Condition, hold: i64, values: &[Option<f64>], end: i64, now: Stand) -> Stand {
    let (n, m) = (rule.evaluation_periods as usize, rule.datapoints_to_alarm as usize);
    // The documentation shows a range of five for N = 3.
    let newest = &values[values.len().saturating_sub(n + 2)..];
    let judged_by = |threshold: f64| {
        let periods: Vec<Period> =
            newest.iter().map(|&value| period(value, rule.comparison, threshold)).collect();
        state(&periods, n, m, rule.treat_missing_data, now.state)
    };
    let mut after = judged_by(rule.threshold);
    if now.state == Alarm
        && after == Ok
        && rule.clear_threshold.is_some_and(|clear| judged_by(clear) == Alarm)
    {
        after = Alarm;
    }
    if now.state == Alarm && after != Alarm && end - now.since < hold {
        after = Alarm;
    }
    if after == now.state { now } else { Stand { state: after, since: end } }
}

/// A typical condition, and sometimes an unusual one.
pub(crate) fn condition(chance: &mut Chance) -> Condition {
    let n = u32::try_from(chance.between(1, 7)).unwrap();
    let comparison = chance.one_of(&[
        Comparison::GreaterThanThreshold,
        Comparison::GreaterThanOrEqualToThreshold,
        Comparison::LessThanThreshold,
        Comparison::LessThanOrEqualToThreshold,
    ]);
    let above =
        matches!(comparison, Comparison::GreaterThanThreshold | Comparison::GreaterThanOrEqualToThreshold);
    Condition {
        comparison,
        threshold: 5.0,
        clear_threshold: chance.percent(30).then_some(if above { 3.0 } else { 7.0 }),
        evaluation_periods: n,
        datapoints_to_alarm: u32::try_from(chance.between(1, i64::from(n))).unwrap(),
        treat_missing_data: chance.one_of(&[
            MissingData::Missing,
            MissingData::Ignore,
            MissingData::Breaching,
            MissingData::NotBreaching,
        ]),
    }
}

/// Values around the threshold with stretches of silence: purely random points hardly ever keep an
/// alarm active.
pub(crate) fn values(chance: &mut Chance, count: usize) -> Vec<Option<f64>> {
    let (mut level, mut silent) = (chance.between(0, 9), false);
    let mut value = || {
        if chance.percent(25) {
            level = chance.between(0, 9);
        }
        if chance.percent(15) {
            silent = !silent;
        }
        let here = if chance.percent(10) { !silent } else { silent };
        (!here).then(|| f64::from(i32::try_from(level).unwrap()))
    };
    (0..count).map(|_| value()).collect()
}

#[test]
fn the_evaluator_agrees_with_the_oracle_on_100_000_random_series() {
    with_seeds(100_000, |mut chance| {
        let rule = condition(&mut chance);
        let values = values(&mut chance, 20);
        for start in [Ok, Alarm, InsufficientData] {
            let (mut slow, mut fast) = (Stand { state: start, since: 0 }, start);
            for end in 1..=values.len() {
                slow = next(&rule, 0, &values[..end], i64::try_from(end).unwrap(), slow);
                fast = rule.next_state(&values[end.saturating_sub(rule.evaluation_range())..end], fast);
                if fast != slow.state {
                    let seen = &values[..end];
                    return Err(format!(
                        "{rule:?} from {start:?} on {seen:?}: {fast:?}, but the oracle says {slow:?}"
                    ));
                }
            }
        }
        Result::Ok(())
    });
}

#[test]
fn a_certain_state_holds_whatever_was_not_read() {
    let sure = std::cell::Cell::new((0, 0));
    with_seeds(20_000, |mut chance| {
        let rule = condition(&mut chance);
        let range = values(&mut chance, rule.evaluation_range());
        let mut unread: Vec<usize> = (0..range.len()).collect();
        unread.retain(|_| chance.percent(30));
        let mut seen = range.clone();
        unread.iter().for_each(|&period| seen[period] = None);
        for current in [Ok, Alarm, InsufficientData] {
            let Some(state) = rule.sure_state(&seen, &unread, current) else {
                sure.update(|(sure, unsure)| (sure, unsure + 1));
                continue;
            };
            sure.update(|(sure, unsure)| (sure + usize::from(!unread.is_empty()), unsure));
            for _ in 0..20 {
                let mut possible = range.clone();
                for &period in &unread {
                    possible[period] =
                        chance.one_of(&[None, Some(0.0), Some(4.0), Some(5.0), Some(6.0), Some(9.0)]);
                }
                if rule.next_state(&possible, current) != state {
                    return Err(format!(
                        "{rule:?} from {current:?}: {seen:?} without {unread:?} may be {possible:?}"
                    ));
                }
            }
        }
        Result::Ok(())
    });
    let (sure, unsure) = sure.get();
    assert!(sure > 10_000 && unsure > 10_000, "{sure} sure, {unsure} not");
}

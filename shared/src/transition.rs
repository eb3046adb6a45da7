//! From verdicts to changes worth telling: what an alarm was, what it is, and since when.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::evaluate::AlarmState;
use crate::metric::{Period, Unit};
use crate::rule::{AlarmRule, Comparison, Measure, Severity, Subject};
use crate::series::{MetricSeries, Reading};
use crate::window::Window;

/// An alarm that went from one state into another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// Stable id: the same change has the same id however often it is found.
    pub id: String,
    /// Name of the rule.
    pub rule: String,
    /// Severity of the rule.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// State before.
    pub from: AlarmState,
    /// State after.
    pub to: AlarmState,
    /// End of the period that decided it.
    pub at: Timestamp,
    /// End of the period that had led to the state before; none if it is not remembered.
    pub since: Option<Timestamp>,
    /// What was judged: its name and unit.
    pub label: String,
    /// Unit of the values.
    pub unit: Unit,
    /// How values were compared with the threshold.
    pub comparison: Comparison,
    /// The threshold.
    pub threshold: f64,
    /// Values of the newest N periods, oldest first; `None` where there was no data.
    pub values: Vec<Option<f64>>,
    /// Length of a period.
    #[serde(rename = "period_seconds")]
    pub period: Period,
    /// What to do about it.
    pub message: Option<String>,
}

impl Transition {
    /// Whether a person should hear of it: an alarm that begins, and an alarm that ends.
    pub fn is_news(&self) -> bool {
        self.from == AlarmState::Alarm || self.to == AlarmState::Alarm
    }

    /// Values that breached.
    pub fn breaching(&self) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().flatten().copied().filter(|&value| self.comparison.breaches(value, self.threshold))
    }

    /// Of all values the worst for the reader.
    pub fn worst(&self) -> Option<f64> {
        self.values.iter().flatten().copied().reduce(|a, b| self.comparison.worse(a, b))
    }
}

/// What is remembered of an alarm between runs. An alarm that is plainly OK is not remembered at all, so a quiet run
/// writes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    /// State after the newest period judged.
    pub state: AlarmState,
    /// End of the period that led to it.
    pub since: Timestamp,
    /// End of the newest period that was judged when this was written. Later periods are judged in order, so that a
    /// failed run leaves no gap; earlier ones are never judged again, so that an old window cannot turn back the state.
    pub judged_until: Timestamp,
}

/// Which alarm: a rule on a subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmKey {
    /// Name of the rule.
    pub rule: String,
    /// What it judges.
    pub subject: Subject,
}

impl fmt::Display for AlarmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.rule, self.subject)
    }
}

/// An alarm as the table holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmRecord {
    /// Which alarm.
    pub key: AlarmKey,
    /// Its state.
    pub memory: Remembered,
    /// Changes that nobody has been told yet. A change is written here before it is told and taken out after.
    pub untold: Vec<Transition>,
    /// Number of writes so far, so that two runs at once cannot overwrite each other; 0 if it was never written.
    pub version: u64,
}

/// A target that cannot be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenTarget {
    /// The target, as it is written in summaries.
    pub name: String,
    /// Time of the first run that could not see it.
    pub since: Timestamp,
    /// Whether people have been told.
    pub told: bool,
}

/// Judges every period of the window that was not judged before, oldest first.
///
/// Returns the changes and, if there are any, what to remember now. An answer that could not be had is neither OK nor
/// ALARM: nothing is judged, and the remembered state stays.
pub fn judge(
    rule: &AlarmRule,
    subject: &Subject,
    reading: &Reading,
    window: &Window,
    remembered: Option<&Remembered>,
) -> (Vec<Transition>, Option<Remembered>) {
    let Some(series) = reading.series() else {
        return (Vec::new(), None);
    };
    let range = rule.condition.evaluation_range();
    let window = rule_window(rule, window);
    let starts: Vec<Timestamp> = window.period_starts().collect();
    let values: Vec<Option<f64>> = starts.iter().map(|&start| series.at(start)).collect();
    let complete = matches!(reading, Reading::Complete(_));
    let (mut state, mut since) =
        remembered.map_or((AlarmState::Ok, None), |memory| (memory.state, Some(memory.since)));
    let mut transitions = Vec::new();

    for newest in 0..values.len() {
        let end = starts[newest] + jiff::SignedDuration::from_secs(window.period.seconds());
        let evaluated = &values[(newest + 1).saturating_sub(range)..=newest];
        let judged_before = remembered.is_some_and(|memory| end <= memory.judged_until);
        // A period near the start of the window would be judged on less than the rule asks for; and a gap in a partial
        // answer may be a point that we did not get.
        let unsound = (evaluated.len() < range && newest + 1 < values.len())
            || (!complete && evaluated.iter().any(Option::is_none));
        if judged_before || unsound {
            continue;
        }
        let verdict = rule.condition.verdict(evaluated, state);
        if verdict != state {
            let n = rule.condition.evaluation_periods as usize;
            let shown = evaluated[evaluated.len().saturating_sub(n)..].to_vec();
            transitions.push(transition(rule, subject, (state, verdict), (since, end), shown));
            (state, since) = (verdict, Some(end));
        }
    }
    let remember = since.filter(|_| !transitions.is_empty());
    (transitions, remember.map(|since| Remembered { state, since, judged_until: window.end }))
}

fn transition(
    rule: &AlarmRule,
    subject: &Subject,
    (from, to): (AlarmState, AlarmState),
    (since, at): (Option<Timestamp>, Timestamp),
    values: Vec<Option<f64>>,
) -> Transition {
    Transition {
        id: format!("{}#{subject}#{}#{}", rule.name, at.as_second(), to.as_str()),
        rule: rule.name.clone(),
        severity: rule.severity,
        subject: subject.clone(),
        from,
        to,
        at,
        since,
        label: rule.measure.label().to_owned(),
        unit: rule.measure.unit(),
        comparison: rule.condition.comparison,
        threshold: rule.condition.threshold,
        values,
        period: rule.period,
        message: rule.message.clone(),
    }
}

/// The end of an alarm that nothing judges any more, because its service or its rule is gone: it has no data from now on.
/// None if it had ended before.
pub fn end(record: &AlarmRecord, at: Timestamp) -> Option<AlarmRecord> {
    let Remembered { state, since, .. } = record.memory;
    let to = AlarmState::InsufficientData;
    let AlarmKey { rule, subject } = &record.key;
    let change = Transition {
        id: format!("{rule}#{subject}#{}#gone", at.as_second()),
        rule: rule.clone(),
        severity: Severity::Info,
        subject: subject.clone(),
        from: state,
        to,
        at,
        since: Some(since),
        label: "nothing".to_owned(),
        unit: Unit::Count,
        comparison: Comparison::GreaterThanThreshold,
        threshold: 0.0,
        values: Vec::new(),
        period: Period::MINUTE,
        message: None,
    };
    let mut record = record.clone();
    record.memory = Remembered { state: to, since: at, judged_until: at };
    (state == AlarmState::Alarm).then(|| {
        record.untold.push(change);
        record
    })
}

/// The window in the rule's own periods. What is known of one instant only has no past to be judged: there the window is
/// as short as one verdict.
fn rule_window(rule: &AlarmRule, window: &Window) -> Window {
    let window = window.in_periods(rule.period);
    if rule.measure == Measure::NothingRunning {
        window.newest(rule.condition.evaluation_range())
    } else {
        window
    }
}

/// A series with one point, for what is known of one instant only: it counts as the newest period of the window.
pub fn newest_only(rule: &AlarmRule, window: &Window, value: f64) -> MetricSeries {
    let newest = window.in_periods(rule.period).period_starts().next_back();
    MetricSeries::new(
        newest.map(|timestamp| crate::series::Datapoint { timestamp, value }).into_iter().collect(),
    )
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::config::Config;
    use crate::fault::Fault;
    use crate::series::Datapoint;

    fn rule() -> AlarmRule {
        let (account, region) = ("123456789012".parse().unwrap(), "eu-west-1".parse().unwrap());
        let rules = Config::built_in(&account, &region).unwrap().rules;
        rules.into_iter().find(|rule| rule.name == "memory-high").unwrap()
    }

    fn subject() -> Subject {
        Subject { cluster: "shop".parse().unwrap(), service: Some("web".parse().unwrap()) }
    }

    fn at(minute: i64) -> Timestamp {
        "2026-11-22T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
    }

    /// The window of a run whose newest period ends at `minute`.
    fn window(minute: i64) -> Window {
        Window::ending(at(minute), SignedDuration::ZERO, Period::MINUTE, SignedDuration::from_mins(15))
    }

    /// Points of the minutes that breach (90) or not (50).
    fn reading(window: &Window, breaching: impl Fn(i64) -> Option<bool>) -> Reading {
        let point = |timestamp: Timestamp| {
            let minute = timestamp.duration_since(at(0)).as_mins();
            let value = if breaching(minute)? { 90.0 } else { 50.0 };
            Some(Datapoint { timestamp, value })
        };
        Reading::Complete(MetricSeries::new(window.period_starts().filter_map(point).collect()))
    }

    fn states(transitions: &[Transition]) -> Vec<(&'static str, i64)> {
        transitions.iter().map(|t| (t.to.as_str(), t.at.duration_since(at(0)).as_mins())).collect()
    }

    #[test]
    fn three_of_five_minutes_over_the_threshold_fire_once() {
        let hot = |minute| Some(minute >= 7);
        let first = window(10);
        let (transitions, memory) = judge(&rule(), &subject(), &reading(&first, hot), &first, None);
        assert_eq!(states(&transitions), [("ALARM", 10)]);
        assert_eq!(transitions[0].breaching().count(), 3);
        let next = window(15);
        let (again, unchanged) = judge(&rule(), &subject(), &reading(&next, hot), &next, memory.as_ref());
        assert!(again.is_empty() && unchanged.is_none());
    }

    #[test]
    fn a_failed_run_followed_by_a_good_one_leaves_no_gap() {
        // Hot from minute 6 to 9 only; the run at minute 10 failed, the one at minute 15 finds both changes.
        let late = window(15);
        let hot = |minute| Some((6..10).contains(&minute));
        let (transitions, memory) = judge(&rule(), &subject(), &reading(&late, hot), &late, None);
        assert_eq!(states(&transitions), [("ALARM", 9), ("OK", 13)]);
        assert_eq!(transitions[1].since, Some(at(9)));
        assert_eq!(memory.unwrap().judged_until, late.end);
    }

    #[test]
    fn what_was_judged_is_never_judged_again() {
        let hot = |minute| Some((6..10).contains(&minute));
        let good = window(15);
        let (_, memory) = judge(&rule(), &subject(), &reading(&good, hot), &good, None);
        for minute in [12, 15, 20] {
            let again = window(minute);
            let (transitions, _) = judge(&rule(), &subject(), &reading(&again, hot), &again, memory.as_ref());
            assert!(transitions.is_empty(), "{minute}: {:?}", states(&transitions));
        }
    }

    #[test]
    fn what_is_known_of_one_instant_is_judged_at_that_instant_only() {
        let rules = crate::config::read_rules(crate::config::DEFAULT_YAML).unwrap();
        let rule = rules.iter().find(|rule| rule.measure == Measure::NothingRunning).unwrap();
        let now = window(10);
        let fine = Reading::Complete(newest_only(rule, &now, 0.0));
        assert_eq!(judge(rule, &subject(), &fine, &now, None), (Vec::new(), None));
        let down = Reading::Complete(newest_only(rule, &now, 2.0));
        assert_eq!(states(&judge(rule, &subject(), &down, &now, None).0), [("ALARM", 10)]);
    }

    #[test]
    fn could_not_ask_is_neither_ok_nor_alarm() {
        let alarm = Remembered { state: AlarmState::Alarm, since: at(3), judged_until: at(5) };
        let unread = Reading::Unread(Fault::malformed("cloudwatch:GetMetricData", "", "cut"));
        assert_eq!(judge(&rule(), &subject(), &unread, &window(10), Some(&alarm)), (Vec::new(), None));
    }

    #[test]
    fn a_gap_in_a_partial_answer_is_not_taken_for_missing_data() {
        let now = window(10);
        let Reading::Complete(series) = reading(&now, |minute| (minute < 5).then_some(false)) else {
            panic!()
        };
        let fault = Fault::malformed("cloudwatch:GetMetricData", "", "second page failed");
        let alarm = Remembered { state: AlarmState::Alarm, since: at(-20), judged_until: at(5) };
        let partial = Reading::Partial(series.clone(), fault);
        assert_eq!(judge(&rule(), &subject(), &partial, &now, Some(&alarm)), (Vec::new(), None));
        let (transitions, _) = judge(&rule(), &subject(), &Reading::Complete(series), &now, Some(&alarm));
        assert!(!transitions.is_empty());
    }

    #[test]
    fn t12_a_service_that_falls_silent_is_insufficient_data_and_no_news_unless_it_was_in_alarm() {
        let now = window(10);
        let silent = Reading::Complete(MetricSeries::default());
        let (transitions, _) = judge(&rule(), &subject(), &silent, &now, None);
        assert_eq!(transitions.iter().filter(|t| t.is_news()).count(), 0);
        assert_eq!(transitions[0].to, AlarmState::InsufficientData);
        let alarm = Remembered { state: AlarmState::Alarm, since: at(-3), judged_until: at(-1) };
        let (transitions, _) = judge(&rule(), &subject(), &silent, &now, Some(&alarm));
        assert!(transitions[0].is_news());
    }
}

//! The state after one period, written from CloudWatch's prose and tables ("Configuring how
//! CloudWatch alarms treat missing data") and nothing else: slow and obvious.

use crate::chance::Chance;
use crate::rule::Treat;

/// State of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Ok,
    Alarm,
    Blank,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::Blank => "INSUFFICIENT_DATA",
        }
    }
}

/// M of N periods on the wrong side of a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Condition {
    pub(crate) n: usize,
    pub(crate) m: usize,
    pub(crate) treat: Treat,
    /// Whether values over the threshold breach; otherwise those at or under it.
    pub(crate) over: bool,
    pub(crate) threshold: f64,
    pub(crate) clear: Option<f64>,
}

impl Condition {
    pub(crate) fn any(chance: &mut Chance) -> Self {
        let n = chance.count(1, 5);
        let over = chance.percent(75);
        let clear = if over { 60.0 } else { 40.0 };
        Self {
            n,
            m: chance.count(1, n),
            treat: chance.one_of(&[
                Treat::Missing,
                Treat::Missing,
                Treat::Ignore,
                Treat::Breaching,
                Treat::NotBreaching,
            ]),
            over,
            threshold: if over { 80.0 } else { 20.0 },
            clear: chance.percent(40).then_some(clear),
        }
    }

    pub(crate) fn nothing_running(chance: &mut Chance) -> Self {
        let treat = chance.one_of(&[Treat::Missing, Treat::Ignore, Treat::NotBreaching]);
        Self { n: 1, m: 1, treat, over: true, threshold: 0.0, clear: None }
    }

    pub(crate) fn breaches(&self, value: f64, threshold: f64) -> bool {
        if self.over { value > threshold } else { value <= threshold }
    }

    /// The state after the newest period of an evaluation range, oldest first.
    fn judged_by(&self, threshold: f64, range: &[Option<f64>], current: State) -> State {
        let Self { n, m, treat, .. } = *self;
        let real: Vec<bool> = range.iter().flatten().map(|&value| self.breaches(value, threshold)).collect();
        let enough = |breaching: usize| if breaching >= m { State::Alarm } else { State::Ok };
        let count = |periods: &[bool]| periods.iter().filter(|&&breaching| breaching).count();
        if real.len() >= n {
            return enough(count(&real[real.len() - n..]));
        }
        // Before the first sample nothing can be missing.
        let (breaching, fillers) = (count(&real), n.min(range.len()) - real.len());
        match treat {
            Treat::Breaching => return enough(breaching + fillers),
            Treat::NotBreaching => return enough(breaching),
            Treat::Missing if real.is_empty() => return State::Blank,
            Treat::Ignore if real.is_empty() => return current,
            Treat::Missing | Treat::Ignore => {}
        }
        if breaching >= m {
            return State::Alarm;
        }
        if breaching < real.len() {
            return State::Ok;
        }
        // All real points breach, but there are too few. "Missing" ignores this once the oldest is
        // M periods old.
        let oldest = range.iter().position(Option::is_some).unwrap();
        let age = range.len() - oldest;
        if treat == Treat::Missing && age >= m { State::Alarm } else { current }
    }

    /// The same with the clear threshold.
    pub(crate) fn next(&self, range: &[Option<f64>], current: State) -> State {
        let next = self.judged_by(self.threshold, range, current);
        let Some(clear) = self.clear else { return next };
        let ends = (current, next) == (State::Alarm, State::Ok);
        if ends && self.judged_by(clear, range, current) == State::Alarm { State::Alarm } else { next }
    }
}

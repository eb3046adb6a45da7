//! Which periods of an alarm were evaluated: there must be no gap between one run and the next.

use crate::clock::Minute;
use crate::model::{self, Observation};
use crate::rule::Rule;

/// The evaluated periods of an alarm, by their ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Coverage {
    /// From the end of the first to the end of the last.
    pub(crate) judged: Option<(Minute, Minute)>,
    /// Ends of periods that no run evaluated: the first and the last of each gap.
    pub(crate) gaps: Vec<(Minute, Minute)>,
    /// The longest time between the newest periods of two runs that evaluated one.
    pub(crate) hop: Minute,
}

impl Coverage {
    /// A run that evaluated its input.
    pub(crate) fn add(&mut self, rule: &Rule, observation: &Observation) {
        let periods = model::judged(rule, observation, Minute::MIN);
        let Some(((_, first), (_, last))) = periods.first().zip(periods.last()) else { return };
        let (first, last) = (*first, *last);
        match &mut self.judged {
            None => self.judged = Some((first, last)),
            Some((_, until)) if last > *until => {
                if rule.what.is_sampled() {
                    let is_lost = |end: &&Minute| (*until + 1..first).contains(*end);
                    self.gaps.extend(observation.ends.iter().filter(is_lost).map(|end| (*end, *end)));
                } else if first > *until + rule.period {
                    self.gaps.push((*until + rule.period, first - rule.period));
                }
                self.hop = self.hop.max(last - *until);
                *until = last;
            }
            Some(_) => {}
        }
    }
}

//! Compares the rules without data or matches, over all targets of a run, with the stored problems.
//!
//! A rule that has data anywhere is spelt correctly, so rules are checked across all accounts,
//! Regions and parts. Missing data in only one of several Regions is not a fault of the rule.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{MissingMetric, RuleFound, RuleObservation};
use crate::model::cluster::Region;
use crate::model::insights::InsightsLevel;
use crate::model::run::{Part, Target};

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum RuleProblem {
    /// No subject has data anywhere.
    NoData {
        /// The query for one subject, as an example.
        missing: MissingMetric,
        /// Accounts and Regions in which it was queried.
        places: Vec<RulePlace>,
    },
    /// Nothing matches its selection.
    AppliesToNothing {
        /// The level of Container Insights that the selected clusters lack; `None` if no cluster is
        /// selected.
        needs: Option<InsightsLevel>,
    },
}

/// An account and Region in which a rule is evaluated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RulePlace {
    /// The name in summaries.
    pub name: String,
    /// The Region, for commands.
    pub region: Region,
}

impl RulePlace {
    /// The place of a target, whatever its part.
    pub fn of(target: &Target) -> Self {
        let name = Target { part: Part::WHOLE, ..target.clone() }.to_string();
        Self { name, region: target.region.clone() }
    }
}

/// A rule with a problem, as stored in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRecord {
    /// Name of the rule.
    pub rule: String,
    /// What the rule queried and selected at that time.
    pub definition: String,
    /// Time of the first run that found the problem.
    pub since: Timestamp,
    /// After how many seconds it is notified; `None` if it is only reported.
    pub notify_after_seconds: Option<i64>,
    /// Whether people were notified.
    pub notified: bool,
    /// What is wrong.
    pub problem: RuleProblem,
}

impl RuleRecord {
    /// Whether it has lasted long enough to notify.
    fn is_overdue(&self, now: Timestamp) -> bool {
        let after = |seconds| now.duration_since(self.since).as_secs() >= seconds;
        self.notify_after_seconds.is_some_and(after)
    }

    /// Whether the report lists it: normally at once, missing data that may be normal after
    /// [`GRACE`](super::GRACE).
    pub fn is_reported(&self, now: Timestamp) -> bool {
        self.notify_after_seconds.is_some() || now.duration_since(self.since) >= super::GRACE
    }
}

/// How the problem of a rule changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleChange {
    /// Remember it, and send no notification yet.
    Noticed(RuleRecord),
    /// It has lasted: notify, and remember that.
    Due(RuleRecord),
    /// The rule has data, matches something, or was deleted: forget the problem.
    Over(String),
}

/// Compares the observations of a run's targets with the stored problems. `is_whole` says whether
/// every target answered.
pub fn rule_changes(
    now: Timestamp,
    observations: &[(RulePlace, &[RuleObservation])],
    is_whole: bool,
    known: &[RuleRecord],
) -> Vec<RuleChange> {
    let mut by_rule = BTreeMap::<&str, Vec<(&RulePlace, &RuleObservation)>>::new();
    for (place, rules) in observations {
        for observation in *rules {
            by_rule.entry(&observation.rule).or_default().push((place, observation));
        }
    }
    let deleted = known.iter().filter(|record| is_whole && !by_rule.contains_key(record.rule.as_str()));
    let deleted = deleted.map(|record| RuleChange::Over(record.rule.clone()));
    let changed = by_rule.iter().filter_map(|(rule, seen)| {
        let before = known.iter().find(|record| record.rule == *rule);
        change(now, seen, is_whole, before)
    });
    changed.chain(deleted).collect()
}

fn change(
    now: Timestamp,
    seen: &[(&RulePlace, &RuleObservation)],
    is_whole: bool,
    before: Option<&RuleRecord>,
) -> Option<RuleChange> {
    let (_, first) = seen.first()?;
    if seen.iter().any(|(_, observation)| observation.found == RuleFound::HasData) {
        return before.map(|before| RuleChange::Over(before.rule.clone()));
    }
    let (problem, notify_after_seconds) = problem(seen, is_whole)?;
    let before = before.filter(|before| before.definition == first.definition);
    let since = before.map_or(now, |before| before.since);
    let is_same = |before: &RuleRecord| {
        std::mem::discriminant(&before.problem) == std::mem::discriminant(&problem)
            && before.notify_after_seconds == notify_after_seconds
    };
    let was_notified = before.is_some_and(|before| before.notified);
    let is_known = before.is_some_and(is_same);
    let (rule, definition) = (first.rule.clone(), first.definition.clone());
    let record =
        RuleRecord { rule, definition, since, notify_after_seconds, notified: was_notified, problem };
    // The data may be where the query failed.
    let is_sure = is_whole && seen.iter().all(|(_, observation)| observation.found != RuleFound::NotKnown);
    if is_sure && !was_notified && record.is_overdue(now) {
        return Some(RuleChange::Due(RuleRecord { notified: true, ..record }));
    }
    (!is_known).then_some(RuleChange::Noticed(record))
}

/// What is wrong with the rule in all targets together, and after how many seconds that is
/// notified.
fn problem(seen: &[(&RulePlace, &RuleObservation)], is_whole: bool) -> Option<(RuleProblem, Option<i64>)> {
    let silent = seen.iter().filter_map(|(place, observation)| match &observation.found {
        RuleFound::NoData(missing) => Some((*place, missing, observation.notify_after_seconds)),
        _ => None,
    });
    let silent: Vec<_> = silent.collect();
    if let Some((_, missing, _)) = silent.first() {
        let mut places: Vec<RulePlace> = silent.iter().map(|(place, ..)| (*place).clone()).collect();
        places.sort_unstable();
        places.dedup();
        let subjects = silent.iter().map(|(_, missing, _)| missing.subjects).sum();
        let missing = MissingMetric { subjects, ..(*missing).clone() };
        let notify_after = silent.iter().filter_map(|(.., seconds)| *seconds).max();
        return Some((RuleProblem::NoData { missing, places }, notify_after));
    }
    // In a target that could not be read, the rule may match something.
    if !is_whole || seen.iter().any(|(_, observation)| observation.found == RuleFound::NotKnown) {
        return None;
    }
    let nothing = seen.iter().filter_map(|(_, observation)| match &observation.found {
        RuleFound::AppliesToNothing { needs } => Some((*needs, observation.notify_after_seconds)),
        _ => None,
    });
    // A level that is too low says more than an empty selection elsewhere.
    let (needs, seconds) = nothing.max()?;
    Some((RuleProblem::AppliesToNothing { needs }, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Issue 12, point 8.
    #[test]
    fn no_data_is_not_notified_while_a_target_could_not_be_read() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let missing = MissingMetric {
            metrics: Vec::new(),
            statistic: crate::model::metric::Statistic::Average,
            subjects: 1,
        };
        let observation = RuleObservation {
            rule: "jobs".into(),
            definition: "d".into(),
            notify_after_seconds: Some(86_400),
            found: RuleFound::NoData(missing.clone()),
        };
        let place =
            RulePlace { name: "eu-west-1 (123456789012)".into(), region: "eu-west-1".parse().unwrap() };
        let known = RuleRecord {
            rule: "jobs".into(),
            definition: "d".into(),
            since: now - jiff::SignedDuration::from_hours(30),
            notify_after_seconds: Some(86_400),
            notified: false,
            problem: RuleProblem::NoData { missing, places: vec![place.clone()] },
        };
        let of = |is_whole| {
            rule_changes(
                now,
                &[(place.clone(), std::slice::from_ref(&observation))],
                is_whole,
                std::slice::from_ref(&known),
            )
        };
        assert_eq!(of(false), []);
        assert!(matches!(of(true)[..], [RuleChange::Due(_)]));
    }
}

//! The notifications of alarms on EKS that must have been sent by the end, whatever happened to the
//! runs.

use std::collections::{BTreeMap, BTreeSet};

use super::figures::Figure;
use crate::check::Checker;
use crate::clock::Minute;
use crate::model::{Kind, Observation};
use crate::rule::Rule;
use crate::verdict::State;

/// All evaluated samples, alarm by alarm.
#[derive(Debug, Default)]
pub(crate) struct Histories {
    samples: BTreeMap<String, BTreeMap<Minute, Figure>>,
    /// Samples that were taken late: later ones do not continue from them.
    pub(crate) late: BTreeSet<Minute>,
    /// Alarms that were evaluated with samples that other runs do not have or have with other
    /// values.
    doubtful: BTreeSet<String>,
}

impl Histories {
    /// The input that a run evaluated.
    pub(crate) fn add(&mut self, key: &str, observation: &Observation) {
        if self.late.contains(&observation.end) {
            self.doubtful.insert(key.to_owned());
        }
        let samples = self.samples.entry(key.to_owned()).or_default();
        for ((end, value), unknown) in
            observation.ends.iter().zip(&observation.values).zip(&observation.unknown)
        {
            let figure = match (value, unknown) {
                (Some(value), _) => Figure::Value(*value),
                (None, true) => Figure::NotAsked,
                (None, false) => Figure::NoData,
            };
            match samples.get(end) {
                // Where no sample has a value, older ones are not distinguished.
                Some(Figure::NoData) if figure == Figure::NotAsked => {}
                known => {
                    if known.is_some_and(|known| *known != figure) {
                        self.doubtful.insert(key.to_owned());
                    }
                    samples.insert(*end, figure);
                }
            }
        }
    }
}

/// The first alarm whose notifications differ from those that its samples give, if nothing mutes it
/// and all samples were evaluated.
pub(crate) fn wrong(checker: &Checker, rules: &[Vec<Rule>]) -> Option<String> {
    let Histories { samples, doubtful, .. } = &checker.histories;
    let mut sure = samples.iter().filter(|(key, _)| !doubtful.contains(*key));
    sure.find_map(|(key, samples)| {
        let (name, subject) = key.split_once('#')?;
        let rule = rules[0].iter().find(|rule| rule.name == name)?;
        let kept = rules.iter().all(|rules| rules.contains(rule));
        let plain = rule.maintenance.is_none() && rule.unless.is_empty();
        let whole = checker.coverage.get(key).is_some_and(|coverage| coverage.gaps.is_empty());
        let is_there = checker.eks.names().any(|(there, is, since)| there == subject && is && since == 1);
        if !kept || !plain || !whole || !is_there {
            return None;
        }
        let must = judge(rule, samples);
        let sent: Vec<(Kind, Minute)> = checker
            .news_of(key)
            .iter()
            .map(|notice| (notice.news.kind, notice.news.at))
            .filter(|(kind, _)| matches!(kind, Kind::Began | Kind::Ended | Kind::NoData))
            .collect();
        (sent != must).then(|| format!("{key}: notified {sent:?}\nexpected {must:?}\n{rule:?}\n{samples:?}"))
    })
}

/// When the alarm begins and ends.
fn judge(rule: &Rule, samples: &BTreeMap<Minute, Figure>) -> Vec<(Kind, Minute)> {
    let figures: Vec<Figure> = samples.values().copied().collect();
    let (mut state, mut known, mut notified) = (State::Ok, (State::Ok, Minute::MIN / 2), Vec::new());
    for (newest, end) in samples.keys().enumerate() {
        let range = &figures[(newest + 1).saturating_sub(rule.condition.n + 2)..=newest];
        let with = |unknown: Option<f64>| {
            let value = |figure: &Figure| match figure {
                Figure::Value(value) => Some(*value),
                Figure::NoData => None,
                Figure::NotAsked => unknown,
            };
            rule.condition.next(&range.iter().map(value).collect::<Vec<_>>(), state)
        };
        let next = with(None);
        // The verdict must be the same for any value of the samples that could not be asked.
        let is_sure = [f64::MAX, f64::MIN].into_iter().all(|value| with(Some(value)) == next);
        let is_held = state == State::Alarm && end - known.1 < rule.hold;
        if is_held || !is_sure || next == state {
            continue;
        }
        state = next;
        match (known.0, next) {
            (State::Alarm, State::Blank) => {
                notified.push((Kind::NoData, *end));
                known = (State::Ok, *end);
            }
            (_, State::Blank) => {}
            (before, next) if before != next => {
                notified.push((if next == State::Alarm { Kind::Began } else { Kind::Ended }, *end));
                known = (next, *end);
            }
            _ => {}
        }
    }
    notified
}

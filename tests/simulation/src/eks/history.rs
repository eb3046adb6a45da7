//! What people must have heard of alarms on EKS by the end, whatever befell the runs.

use std::collections::{BTreeMap, BTreeSet};

use super::figures::Figure;
use crate::check::Checker;
use crate::clock::Minute;
use crate::model::{Kind, Observation};
use crate::rule::Rule;
use crate::verdict::State;

/// All samples that were judged, alarm by alarm.
#[derive(Debug, Default)]
pub(crate) struct Histories {
    samples: BTreeMap<String, BTreeMap<Minute, Figure>>,
    /// Samples that were taken after their time: later ones do not go on from them.
    pub(crate) late: BTreeSet<Minute>,
    /// Alarms that were judged by samples of which others know nothing, or which others know otherwise.
    doubtful: BTreeSet<String>,
}

impl Histories {
    /// What a run judged.
    pub(crate) fn add(&mut self, key: &str, sight: &Observation) {
        if self.late.contains(&sight.end) {
            self.doubtful.insert(key.to_owned());
        }
        let samples = self.samples.entry(key.to_owned()).or_default();
        for ((end, value), unknown) in sight.ends.iter().zip(&sight.values).zip(&sight.unknown) {
            let figure = match (value, unknown) {
                (Some(value), _) => Figure::Value(*value),
                (None, true) => Figure::NotAsked,
                (None, false) => Figure::NoData,
            };
            match samples.get(end) {
                // Where nothing has a value, nothing is said of what is older.
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

/// The first alarm of which people heard something else than what its samples say, sample by sample, if nothing keeps it silent
/// and all of them were judged.
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
        let heard: Vec<(Kind, Minute)> = checker
            .news_of(key)
            .iter()
            .map(|notice| (notice.news.kind, notice.news.at))
            .filter(|(kind, _)| matches!(kind, Kind::Began | Kind::Ended | Kind::NoData))
            .collect();
        (heard != must).then(|| {
            format!("{key}: people heard {heard:?}\nand should have heard {must:?}\n{rule:?}\n{samples:?}")
        })
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
        // Whatever it was that nobody could ask, the verdict must be the same.
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

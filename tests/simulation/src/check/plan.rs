//! What an evaluator must evaluate, according to its input.

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use crate::model::{self, Alarm, Observation, Silence};
use crate::rule::{Rule, What};
use crate::verdict::State;

impl Checker {
    /// The alarms that an evaluator must evaluate, and what mutes them.
    pub(super) fn plan(&mut self, id: usize) -> Result<(), String> {
        let view = &self.views[&id];
        let (None, Some(snapshot)) = (&view.plan, &view.snapshot) else { return Ok(()) };
        let rules = self.rules.get(&view.version).ok_or("a version of the rules that never was")?;
        let mut alarming: BTreeSet<&str> = BTreeSet::new();
        alarming.extend(
            view.before.iter().filter(|(_, alarm)| alarm.state == State::Alarm).map(|(key, _)| key.as_str()),
        );
        let mut alarming: BTreeSet<String> = alarming.into_iter().map(ToOwned::to_owned).collect();
        let mut plan = BTreeMap::new();
        let mut order: Vec<&Rule> = rules.iter().collect();
        order.sort_by_key(|rule| depth(rule, rules));
        for rule in order {
            for (cluster, service, name) in snapshot.subjects(rule) {
                let key = format!("{}#{name}", rule.name);
                // A run that is repeated after a change of the rules finds its snapshot, which may
                // lack data for a new rule.
                let mut observation = match snapshot.observation(rule, &cluster, &service, &name) {
                    Err(why) if snapshot.version == view.version => return Err(why),
                    observation => observation.unwrap_or_else(|_| snapshot.blank(rule)),
                };
                let fires = |other: &str| {
                    [&name, &cluster].iter().any(|place| alarming.contains(&format!("{other}#{place}")))
                };
                let loops = |alarm: &Alarm| !alarm.excuses_a_start(observation.end);
                if observation.silence == Some(Silence::Start) && view.before.get(&key).is_some_and(loops) {
                    observation.silence = None;
                }
                if rule.unless.iter().any(|other| fires(other)) {
                    observation.silence = Some(Silence::Unless);
                }
                if let Some(alarm) = model::changed(rule, view.before.get(&key), &observation) {
                    if alarm.state == State::Alarm {
                        alarming.insert(key.clone());
                    } else {
                        alarming.remove(&key);
                    }
                }
                plan.insert(key, (rule.clone(), observation));
            }
        }
        if let Some(view) = self.views.get_mut(&id) {
            view.plan = Some(plan);
        }
        Ok(())
    }

    pub(super) fn cover(&mut self, key: &str, rule: &Rule, observation: &Observation) {
        if rule.what.is_sampled() {
            self.histories.add(key, observation);
        }
        if rule.what != What::NothingRunning {
            self.coverage.entry(key.to_owned()).or_default().add(rule, observation);
        }
    }
}

/// The length of the chain of rules that a rule waits for.
fn depth(rule: &Rule, rules: &[Rule]) -> usize {
    let others = rules.iter().filter(|other| rule.unless.contains(&other.name));
    others.map(|other| depth(other, rules) + 1).max().unwrap_or(0)
}

//! What the judge of a history knows of the world, and fargaze does not.

use std::collections::BTreeSet;

use fargaze::cluster::ClusterName;
use fargaze::insights::{Action, Change, ChangeState, Decision, InsightsLevel, Sighting};
use jiff::Timestamp;
use serde_json::Value;

use super::{OURS, World};

/// What events that came say, read without fargaze's own reader.
#[derive(Debug, Clone, Default)]
pub(super) struct Deliveries {
    /// Calls of `CreateCluster`.
    creations: BTreeSet<(ClusterName, Timestamp)>,
    /// Calls of `DeleteCluster`.
    deletions: BTreeSet<(ClusterName, Timestamp)>,
    /// Calls that set a level, of others: when, who, and what.
    settings: BTreeSet<(ClusterName, Timestamp, String, InsightsLevel)>,
}

impl Deliveries {
    pub(super) fn add(&mut self, body: &str) {
        let event: Value = serde_json::from_str(body).unwrap();
        let detail = &event["detail"];
        let is_foreign =
            event["account"] != World::account().as_str() || detail["eventSource"] != "ecs.amazonaws.com";
        let by = detail["userIdentity"]["arn"].as_str().unwrap_or_default();
        if is_foreign || !detail["errorCode"].is_null() || by == OURS {
            return;
        }
        let request = &detail["requestParameters"];
        let name = request["clusterName"].as_str().unwrap().parse().unwrap();
        let time = detail["eventTime"].as_str().unwrap().parse().unwrap();
        match detail["eventName"].as_str().unwrap() {
            "CreateCluster" => drop(self.creations.insert((name, time))),
            "DeleteCluster" => drop(self.deletions.insert((name, time))),
            "UpdateCluster" | "UpdateClusterSettings" => {
                let level = request["settings"][0]["value"].as_str().unwrap().parse().unwrap();
                self.settings.insert((name, time, by.to_owned(), level));
            }
            _ => {}
        }
    }
}

impl World {
    /// How often people brought the cluster from what is wished now to what is not, since the deletion of an earlier
    /// one as far as that was heard of.
    pub(crate) fn undone(&self, name: &ClusterName) -> usize {
        let (wish, deleted) = (self.wished(name).wish, self.life(name).deleted);
        let counts = |&&(time, from, to): &&(Timestamp, Option<InsightsLevel>, InsightsLevel)| {
            from.is_none_or(|from| wish.is_met_by(from))
                && !wish.is_met_by(to)
                && deleted.is_none_or(|deleted| time >= deleted)
        };
        self.moves.get(name).map_or(0, |moves| moves.iter().filter(counts).count())
    }

    /// Calls that were made and are not in the ledger as done or restored.
    pub(crate) fn missing(&self) -> Vec<(ClusterName, InsightsLevel, InsightsLevel)> {
        let written = |change: &&Change| matches!(change.state, ChangeState::Done | ChangeState::Restored);
        let written = self.ledger.iter().flat_map(|(subject, entry)| {
            entry
                .changes
                .iter()
                .filter(written)
                .map(move |change| (subject.to_string(), change.from, change.to))
        });
        let mut written: Vec<_> = written.collect();
        let mut missing = self.made.clone();
        missing.retain(|(name, from, to)| {
            let place = written.iter().position(|entry| *entry == (name.to_string(), *from, *to));
            place.map(|place| written.swap_remove(place)).is_none()
        });
        missing
    }

    /// After the first sweep, none is taken for an older one that no sweep saw when it was made.
    pub(super) fn judge_sweep(&self, name: &ClusterName, decision: &Decision) {
        let cluster = &self.clusters[name];
        if decision.action == Action::Report && self.known.is_some() && self.is_known_to_be_another(name) {
            assert!(self.seen_active.contains(&cluster.serial), "{name} is new: {}", decision.reason);
        }
    }

    /// Whether it was heard that the cluster before this one of its name is gone, if there was one.
    pub(crate) fn is_known_to_be_another(&self, name: &ClusterName) -> bool {
        let earlier = |(time, from, _): &(Timestamp, Option<InsightsLevel>, InsightsLevel)| {
            from.is_none() && *time < self.clusters[name].born
        };
        let newest = self.moves[name].iter().rev().find(|made| earlier(made));
        newest.is_none_or(|(time, ..)| {
            let is_since = |(of, at): &(ClusterName, Timestamp)| of == name && at > time;
            let was_missed = self.life(name).deleted.is_some_and(|deleted| deleted > *time);
            was_missed || self.delivered.deletions.iter().any(is_since)
        })
    }

    /// Whether the event of the call came that really made the present cluster.
    pub(crate) fn heard_of_birth(&self, name: &ClusterName) -> bool {
        self.delivered.creations.contains(&(name.clone(), self.clusters[name].born))
    }

    /// What fargaze set once, or a sweep knew, is never new again. A sweep may have known an earlier cluster of that
    /// name.
    pub(super) fn judge_novelty(&self, name: &ClusterName, reason: &str) {
        let Some(cluster) = self.clusters.get(name).filter(|_| reason.starts_with("it is new")) else {
            return;
        };
        assert!(!self.rows.contains_key(&cluster.serial), "{name} is called new, and fargaze set it before");
        // What the first sweep does not see in time is new to the next, whatever was heard of it.
        let calls = self.delivered.creations.iter().filter(|(of, at)| of == name && *at >= cluster.born);
        let created = calls.map(|(_, at)| *at).min().filter(|_| self.known.is_none());
        let mut settings = self.delivered.settings.iter();
        let was_shown = created.is_some_and(|created| {
            settings.any(|(of, at, ..)| of == name && *at >= cluster.born && *at < created)
        });
        let is_another = self.life(name).deleted.is_some();
        assert!(!was_shown || is_another, "{name} is called new, and an event showed it before");
        let Sighting::Since(seen) = self.sighting(name) else { return };
        // The call that made it, or another one before any sweep, which nobody can tell from it.
        let is_birth = |(of, at): &(ClusterName, Timestamp)| of == name && *at <= seen;
        let was_known = seen >= cluster.born && !self.delivered.creations.iter().any(is_birth);
        assert!(!was_known || is_another, "{name} is called new, and a sweep knew it before");
    }

    /// Of a fight all are named whose events came.
    pub(crate) fn judge_fight(&self, name: &ClusterName, by: &[String]) {
        let wish = self.wished(name).wish;
        let entry = self.entry(name, self.clusters[name].level);
        let ended = |change: &&Change| matches!(change.state, ChangeState::Done | ChangeState::Restored);
        let row = entry.changes.iter().rev().filter(ended);
        let row =
            row.take_while(|change| change.state == ChangeState::Done && change.wish == wish.to_string());
        let Some(oldest) = row.last() else { panic!("{name} was never set") };
        for (of, time, who, level) in &self.delivered.settings {
            let is_revert = of == name && *time >= oldest.made && !wish.is_met_by(*level);
            assert!(!is_revert || by.contains(who), "{who} reverted {name} and is not named: {by:?}");
        }
    }
}

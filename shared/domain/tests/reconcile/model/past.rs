//! What became of a subject, which only the judge of a history reads.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::evidence::eks::LogType;
use fargaze::reconcile::{Aspect, Change, ChangeState, Desired, Value};
use jiff::Timestamp;

use super::eks::Data;

/// What became of a subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// The event of its creation was delivered.
    pub(super) is_announced: bool,
    /// A sweep saw it when it was made.
    pub(super) was_seen_made: bool,
    /// A sweep saw it and left nothing of it open.
    pub(super) is_closed: bool,
    /// What others changed. Of ECS clusters also of earlier ones of the name.
    moves: Vec<Move>,
    /// What events that were delivered say of who set something or took it away, and by which call; of ECS clusters as
    /// `moves`.
    pub(super) reverts: Vec<Reverted>,
    /// What others chose last, of levels.
    pub(super) chosen: BTreeMap<Aspect, Value>,
    /// The level that fargaze set last, and what others had chosen before.
    left: BTreeMap<Aspect, (Value, Option<Value>)>,
    pub(super) rows: BTreeMap<Aspect, Row>,
    /// How often EKS failed at what it had accepted.
    pub(super) failures: BTreeMap<Aspect, usize>,
    /// Aspects that fargaze ever wanted to change.
    pub(super) wanted: BTreeSet<Aspect>,
    /// Minute at which EKS last accepted something for an aspect.
    pub(super) accepted: BTreeMap<Aspect, i64>,
    /// Aspects of which a call was not answered, or of which nobody can tell how it ended.
    pub(super) unanswered: BTreeSet<Aspect>,
    /// What EKS and Kubernetes were ever asked for.
    pub(super) asked: AskedFor,
    /// That of it which they answered, so that fargaze knows it for its own.
    pub(super) answered: AskedFor,
    /// Aspects that a rollback marked, and for which policy; of ECS clusters as `moves`.
    pub(super) rolled_back: BTreeSet<(Aspect, String)>,
    /// Aspects that a rollback asked to undo; of ECS clusters as `moves`.
    pub(super) undone: BTreeSet<Aspect>,
}

/// A change by others; from nothing if it is the creation of an ECS cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Move {
    time: Timestamp,
    aspect: Aspect,
    from: Option<Value>,
    to: Value,
}

/// What an event says that others did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reverted {
    pub(super) aspect: Aspect,
    pub(super) time: Timestamp,
    /// Who, and by which call.
    pub(super) by: String,
    /// What it was set to, where the event says it.
    pub(super) to: Option<Value>,
}

/// Each with the minute of the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AskedFor {
    pub(super) logs: BTreeMap<LogType, i64>,
    pub(super) addons: BTreeMap<&'static str, i64>,
    pub(super) maps: BTreeMap<Data, i64>,
}

/// Changes in a row that came about, and that EKS failed at, each for one policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) made: (String, usize),
    pub(super) failed: (String, usize),
}

/// Whether an aspect complies, where it is to be made so.
pub(super) fn is_met(desired: &Desired, value: &Value) -> bool {
    match (desired, value) {
        (Desired::AtLeast(least), Value::Level(level)) => level >= least,
        (Desired::Exactly(exact), Value::Level(level)) => level == exact,
        (Desired::Logs(types), Value::Logs(on)) => types.is_subset(on),
        (Desired::Report, Value::Logs(on)) => !on.is_empty(),
        (Desired::ConfigMap(wanted), Value::ConfigMap(data)) => data == wanted,
        (_, value) => *value != Value::Absent,
    }
}

impl Past {
    /// That of an ECS cluster after this one of the same name: nobody says which one something was about.
    pub(super) fn of_the_next(self) -> Self {
        let Self { moves, reverts, rolled_back, undone, .. } = self;
        Self { moves, reverts, rolled_back, undone, ..Self::default() }
    }

    /// An ECS cluster is created.
    pub(super) fn note_creation(&mut self, time: Timestamp, to: Value) {
        let aspect = Aspect::ContainerInsights;
        self.chosen.insert(aspect, to.clone());
        self.moves.push(Move { time, aspect, from: None, to });
    }

    /// When the last cluster of the name before this one was created, if there was one.
    pub(super) fn creation_before(&self, born: Timestamp) -> Option<Timestamp> {
        let creations = self.moves.iter().filter(|made| made.from.is_none() && made.time < born);
        creations.map(|made| made.time).max()
    }

    pub(super) fn note_change_of_others(
        &mut self,
        aspect: Aspect,
        time: Timestamp,
        before: Value,
        after: Value,
    ) {
        // What EKS failed at and somebody takes away was undone, as far as anybody can tell.
        if after == Value::Absent {
            self.rows.entry(aspect).or_default().failed.1 = 0;
        }
        // Who sets what is set already, changes nothing that anybody could see.
        if before != after {
            // Who sets what fargaze had set leaves no trace of what was there in between.
            let left = self.left.get(&aspect).filter(|(left, _)| *left == after);
            let chosen = left.map_or(Some(after.clone()), |(_, before)| before.clone());
            self.chosen.extend(chosen.map(|chosen| (aspect, chosen)));
            self.moves.push(Move { time, aspect, from: Some(before), to: after });
        }
    }

    /// fargaze leaves a level so, by a change or by a rollback.
    pub(super) fn note_left(&mut self, aspect: Aspect, now: Value) {
        let chosen = self.chosen.get(&aspect).cloned();
        if chosen.as_ref() == Some(&now) {
            self.left.remove(&aspect);
        } else {
            self.left.insert(aspect, (now, chosen));
        }
    }

    /// Of a conflict all are named whose events came since the first change of the row, and nobody else.
    pub(super) fn judge_names(&self, by: &[String], aspect: Aspect, desired: &Desired, changes: &[Change]) {
        let policy = desired.to_string();
        let ended = |change: &&Change| matches!(change.state, ChangeState::Done | ChangeState::RolledBack);
        let row = changes.iter().rev().filter(ended);
        let row = row.take_while(|change| change.state == ChangeState::Done && change.policy == policy);
        let Some(oldest) = row.last() else { panic!("{aspect} was never changed") };
        let since = Timestamp::from_second(oldest.made.as_second()).unwrap();
        let is_since = |revert: &&Reverted| {
            let is_against = revert.to.as_ref().is_none_or(|to| !is_met(desired, to));
            revert.aspect == aspect && revert.time >= since && is_against
        };
        let named: BTreeSet<&String> =
            self.reverts.iter().filter(is_since).map(|revert| &revert.by).collect();
        for who in &named {
            assert!(by.contains(who), "{who} reverted {aspect} and is not named: {by:?}");
        }
        let is_unnamed = |who: &String| who.starts_with("somebody who") && named.is_empty();
        assert!(!by.is_empty() && by.iter().all(|who| named.contains(who) || is_unnamed(who)), "{by:?}");
    }

    /// Whether EKS failed at an aspect twice.
    pub(super) fn has_failed_twice(&self, aspect: Aspect) -> bool {
        self.failures.get(&aspect).is_some_and(|failures| *failures >= 2)
    }

    /// How often others took away what is desired now, since then.
    pub(super) fn reverted_by_others(&self, aspect: Aspect, desired: &Desired, since: Timestamp) -> usize {
        let reverts = |made: &&Move| {
            let was_met = made.from.as_ref().is_none_or(|from| is_met(desired, from));
            made.aspect == aspect && made.time >= since && was_met && !is_met(desired, &made.to)
        };
        self.moves.iter().filter(reverts).count()
    }

    /// Whether fargaze set it and knows that it did.
    pub(super) fn was_set(&self, aspect: Aspect) -> bool {
        self.rows.get(&aspect).is_some_and(|row| row.made.1 > 0)
    }
}

impl AskedFor {
    pub(super) fn add(&mut self, change: &Change, minute: i64) {
        match (&change.from, &change.to) {
            (Value::Logs(from), Value::Logs(to)) => {
                self.logs.extend((to - from).into_iter().map(|log| (log, minute)));
            }
            (_, Value::ConfigMap(data)) => drop(self.maps.insert(data.clone(), minute)),
            _ => self.addons.extend(change.aspect.addon().map(|name| (name, minute))),
        }
    }
}

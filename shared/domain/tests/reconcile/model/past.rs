//! The history of a subject, which only the judge of a history reads.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::evidence::eks::LogType;
use fargaze::reconcile::{Aspect, Change, ChangeState, Desired, Value};
use jiff::Timestamp;

use super::eks::Data;

/// The history of a subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// The event of its creation was delivered.
    pub(super) is_announced: bool,
    /// A sweep saw it while it was being created.
    pub(super) was_seen_made: bool,
    /// A sweep saw it and left nothing open.
    pub(super) is_closed: bool,
    /// Changes by others. For ECS clusters also of earlier ones of the name.
    moves: Vec<Move>,
    /// What delivered events say about who set or removed something, and by which call; for ECS
    /// clusters like `moves`.
    pub(super) reverts: Vec<Reverted>,
    /// The last choice of others, for levels.
    pub(super) chosen: BTreeMap<Aspect, Value>,
    /// The level that fargaze set last, and the previous choice of others.
    left: BTreeMap<Aspect, (Value, Option<Value>)>,
    pub(super) rows: BTreeMap<Aspect, Row>,
    /// How often EKS failed at what it had accepted.
    pub(super) failures: BTreeMap<Aspect, usize>,
    /// Aspects that fargaze ever tried to change.
    pub(super) wanted: BTreeSet<Aspect>,
    /// Minute at which EKS last accepted something for an aspect.
    pub(super) accepted: BTreeMap<Aspect, i64>,
    /// Aspects with an unanswered call, or with a result that cannot be determined.
    pub(super) unanswered: BTreeSet<Aspect>,
    /// Everything that EKS and Kubernetes were ever asked for.
    pub(super) asked: AskedFor,
    /// The part that they answered, so that fargaze knows it as its own.
    pub(super) answered: AskedFor,
    /// Aspects that a rollback marked, and for which policy; for ECS clusters like `moves`.
    pub(super) rolled_back: BTreeSet<(Aspect, String)>,
    /// Aspects that a rollback tried to undo; for ECS clusters like `moves`.
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

/// A change by others according to an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reverted {
    pub(super) aspect: Aspect,
    pub(super) time: Timestamp,
    /// Who, and by which call.
    pub(super) by: String,
    /// The new value, if the event has it.
    pub(super) to: Option<Value>,
}

/// Each with the minute of its last occurrence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AskedFor {
    pub(super) logs: BTreeMap<LogType, i64>,
    pub(super) addons: BTreeMap<&'static str, i64>,
    pub(super) maps: BTreeMap<Data, i64>,
}

/// Consecutive changes that took effect, and that EKS failed at, each for one policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) made: (String, usize),
    pub(super) failed: (String, usize),
}

/// Whether an aspect complies, where it must.
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
    /// The history of the next ECS cluster of the same name: it is not recorded which of the two
    /// something was about.
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

    /// When the previous cluster of the name was created, if there was one.
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
        // What EKS failed to create and someone deletes counts as undone.
        if after == Value::Absent {
            self.rows.entry(aspect).or_default().failed.1 = 0;
        }
        // Setting the existing value changes nothing visible.
        if before != after {
            // Setting what fargaze had set leaves no trace of the values in between.
            let left = self.left.get(&aspect).filter(|(left, _)| *left == after);
            let chosen = left.map_or(Some(after.clone()), |(_, before)| before.clone());
            self.chosen.extend(chosen.map(|chosen| (aspect, chosen)));
            self.moves.push(Move { time, aspect, from: Some(before), to: after });
        }
    }

    /// fargaze leaves a level in place, by a change or by a rollback.
    pub(super) fn note_left(&mut self, aspect: Aspect, now: Value) {
        let chosen = self.chosen.get(&aspect).cloned();
        if chosen.as_ref() == Some(&now) {
            self.left.remove(&aspect);
        } else {
            self.left.insert(aspect, (now, chosen));
        }
    }

    /// A conflict names all whose events arrived since the first change of the row, and no others.
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
        let is_unnamed = |who: &String| who.starts_with("an unknown caller") && named.is_empty();
        assert!(!by.is_empty() && by.iter().all(|who| named.contains(who) || is_unnamed(who)), "{by:?}");
    }

    /// Whether EKS failed at an aspect twice.
    pub(super) fn has_failed_twice(&self, aspect: Aspect) -> bool {
        self.failures.get(&aspect).is_some_and(|failures| *failures >= 2)
    }

    /// How often others removed the currently desired value, since then.
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

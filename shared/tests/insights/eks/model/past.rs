//! What became of a cluster, which only the judge of a history reads.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::eks::LogType;
use fargaze::insights::ChangeState;
use fargaze::insights::eks::{EksAspect, EksChange, EksState, EksWishes};
use jiff::Timestamp;

use super::Data;
use super::judge::is_met;

/// What became of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// The event of its creation was delivered.
    pub(super) is_announced: bool,
    /// A sweep saw it when it was made.
    pub(super) was_seen_made: bool,
    /// A sweep saw it and left nothing of it open.
    pub(super) is_closed: bool,
    /// Parts that others changed, from what to what.
    pub(super) by_others: Vec<(EksAspect, EksState, EksState)>,
    /// What events that were delivered say of who took something away, and by which call.
    pub(super) reverts: Vec<(EksAspect, Timestamp, String)>,
    pub(super) rows: BTreeMap<EksAspect, Row>,
    /// How often EKS failed at what it had accepted.
    pub(super) failures: BTreeMap<EksAspect, usize>,
    /// Parts that fargaze ever wanted to change.
    pub(super) wanted: BTreeSet<EksAspect>,
    /// Minute at which EKS last accepted something for a part.
    pub(super) accepted: BTreeMap<EksAspect, i64>,
    /// Parts of which a call was not answered, or of which nobody can tell how it ended.
    pub(super) unanswered: BTreeSet<EksAspect>,
    /// What EKS and Kubernetes were ever asked for.
    pub(super) asked: Asked,
    /// That of it which they answered, so that fargaze knows it for its own.
    pub(super) answered: Asked,
    /// Parts that a restore marked, and for which policy.
    pub(super) restored: BTreeSet<(EksAspect, String)>,
    /// Parts that a restore asked EKS to undo.
    pub(super) undone: BTreeSet<EksAspect>,
}

/// Each with the minute of the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
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

impl Past {
    pub(super) fn note_change_of_others(&mut self, aspect: EksAspect, before: EksState, after: EksState) {
        // What EKS failed at and somebody takes away was undone, as far as anybody can tell.
        if after == EksState::Absent {
            self.rows.entry(aspect).or_default().failed.1 = 0;
        }
        if before != after {
            self.by_others.push((aspect, before, after));
        }
    }

    /// Of a conflict all are named whose events came since the first change of the row, and nobody else.
    pub(super) fn judge_names(&self, by: &[String], aspect: EksAspect, policy: &str, changes: &[EksChange]) {
        let ended = |change: &&EksChange| matches!(change.state, ChangeState::Done | ChangeState::Restored);
        let row = changes.iter().rev().filter(ended);
        let row = row.take_while(|change| change.state == ChangeState::Done && change.wish == policy);
        let Some(oldest) = row.last() else { panic!("{aspect} was never changed") };
        let since = self.reverts.iter().filter(|(of, time, _)| *of == aspect && *time >= oldest.time);
        for (_, _, who) in since.clone() {
            assert!(by.contains(who), "{who} undid {aspect} and is not named: {by:?}");
        }
        let is_named = |who: &String| since.clone().any(|(_, _, named)| named == who);
        let is_unnamed = |who: &String| who.starts_with("somebody who") && since.clone().next().is_none();
        assert!(!by.is_empty() && by.iter().all(|who| is_named(who) || is_unnamed(who)), "{by:?}");
    }

    /// Whether EKS failed at a part twice.
    pub(super) fn has_failed_twice(&self, aspect: EksAspect) -> bool {
        self.failures.get(&aspect).is_some_and(|failures| *failures >= 2)
    }

    /// How often others took away what is configured now.
    pub(super) fn undone_by_others(&self, aspect: EksAspect, policies: &EksWishes) -> usize {
        let undoes = |of: &&(EksAspect, EksState, EksState)| {
            let (of, before, after) = of;
            *of == aspect && is_met(aspect, before, policies) && !is_met(aspect, after, policies)
        };
        self.by_others.iter().filter(undoes).count()
    }
}

impl Asked {
    pub(super) fn add(&mut self, change: &EksChange, minute: i64) {
        match (&change.from, &change.to) {
            (EksState::Logs(from), EksState::Logs(to)) => {
                self.logs.extend((to - from).into_iter().map(|log| (log, minute)));
            }
            (_, EksState::ConfigMap(data)) => drop(self.maps.insert(data.clone(), minute)),
            _ => self.addons.extend(change.subject.aspect.addon().map(|name| (name, minute))),
        }
    }
}

//! The change log: what fargaze changed, how far each change has come, and who reverted it.

mod change;
mod revert;
#[cfg(test)]
mod tests;
mod undo;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Aspect, Observed};
use crate::model::subject::Subject;

pub use change::{Change, ChangeState};
pub use revert::Revert;
pub(super) use revert::{reverted_by, unnamed};
pub use undo::{InProgress, Undo};

/// How long a planned change may be under way in another invocation, which waits for its turn in the quota of a service
/// and may try several times. After that its function is dead.
pub const UNDER_WAY: SignedDuration = SignedDuration::from_secs(60);

/// Who checks a subject: what it began itself is not under way elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checker<'a> {
    /// Id of the event or run.
    pub cause: &'a str,
    /// The time of day.
    pub now: Timestamp,
}

/// What the change log of an account and Region has about each subject.
pub type ChangeLog = BTreeMap<Subject, SubjectLog>;

/// What the change log has about one subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectLog {
    /// By aspect.
    pub aspects: BTreeMap<Aspect, AspectLog>,
}

/// What the change log has about one aspect of one subject, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AspectLog {
    /// Changes of fargaze.
    pub changes: Vec<Change>,
    /// Who reverted them, as far as events reported it. An event may be missing here: nothing is counted by these.
    pub reverts: Vec<Revert>,
    /// The highest number of a change, also of those that were forgotten.
    pub numbered: u32,
}

impl SubjectLog {
    /// The log of one aspect, if there ever was a change of it.
    pub fn aspect(&self, aspect: Aspect) -> Option<&AspectLog> {
        self.aspects.get(&aspect)
    }

    /// The changes of one aspect; none if there never was one.
    pub fn changes(&self, aspect: Aspect) -> &[Change] {
        self.aspects.get(&aspect).map_or(&[], |log| &log.changes)
    }

    /// All changes, aspect by aspect.
    pub fn all_changes(&self) -> impl Iterator<Item = &Change> {
        self.aspects.values().flat_map(|log| &log.changes)
    }

    /// Whether fargaze never changed it.
    pub fn is_empty(&self) -> bool {
        self.all_changes().next().is_none()
    }

    /// Adds a change, or writes over the one of its number.
    pub fn put(&mut self, change: Change) {
        self.aspects.entry(change.aspect).or_default().put(change);
    }

    /// Adds a revert; one that is there already is the same event, delivered again.
    pub fn put_revert(&mut self, revert: Revert) {
        let reverts = &mut self.aspects.entry(revert.aspect).or_default().reverts;
        if !reverts.contains(&revert) {
            reverts.push(revert);
            reverts.sort_by_key(|revert| revert.time);
        }
    }

    /// Forgets what is older than the creation of the subject: it was about another one of the same name.
    pub fn forget_before(&mut self, created: Timestamp) {
        for log in self.aspects.values_mut() {
            log.changes.retain(|change| change.made >= created);
            log.reverts.retain(|revert| revert.time >= created);
        }
    }

    /// Changes that a service works on for us, with how to follow them.
    pub fn in_progress(&self) -> impl Iterator<Item = (&Change, InProgress<'_>)> {
        self.all_changes().filter_map(|change| Some((change, change.in_progress()?)))
    }

    /// Ids of the updates that are followed: what EKS is to be asked about.
    pub fn followed(&self) -> Vec<&str> {
        self.in_progress().filter_map(|(_, work)| work.update_id).collect()
    }

    /// Whether a service works on something, and a message follows all of it already: that of the event or run which
    /// brought it. What the cause that checks now brought itself is not followed yet.
    pub fn is_followed_but_for(&self, cause: &str) -> bool {
        let mut open = self.in_progress().map(|(change, _)| change).peekable();
        open.peek().is_some() && open.all(|change| !change.is_caused_by(cause))
    }

    /// The newest change that this event or run made or perhaps made.
    pub fn made_by(&self, cause: &str) -> Option<&Change> {
        let counts = |change: &&Change| {
            change.is_caused_by(cause) && matches!(change.state, ChangeState::Planned | ChangeState::Done)
        };
        self.all_changes().filter(counts).max_by_key(|change| change.made)
    }

    /// Ends what was begun, as far as the subject tells how it ended: done if it now is so, abandoned if the service failed
    /// or never got the call. What is not known, in progress, or under way in another invocation stays planned. Gives
    /// those that changed, to be written.
    pub fn settle(&mut self, observed: &Observed, checker: Checker<'_>) -> Vec<Change> {
        if !observed.shows_ends() {
            return Vec::new();
        }
        let mut settled = Vec::new();
        for log in self.aspects.values_mut() {
            let (mut open, mut covered) = (true, false);
            for change in log.changes.iter_mut().rev() {
                let has_ended = match change.state {
                    ChangeState::Planned => change.settle(observed, &mut open, checker),
                    ChangeState::RolledBack => change.settle_undo(observed, covered),
                    ChangeState::Done => change.settle_not_undone(observed, covered),
                    ChangeState::Abandoned => false,
                };
                covered |= change.covers(observed);
                if has_ended {
                    settled.push(change.clone());
                }
            }
        }
        settled
    }
}

impl AspectLog {
    /// The cause to write for a change that the event or run `id` brings: `id` itself, and `id+2`, `id+3` if it brought one
    /// already, as an event does that is delivered again after its change was reverted. A change that was planned and not
    /// made gives its place to the next attempt. One that EKS failed at keeps it, too: the same token would only bring
    /// back the failure.
    pub fn cause_for(&self, id: &str) -> String {
        let taken = |cause: &str| {
            self.changes.iter().filter(|change| change.cause == cause).any(|change| {
                matches!(change.state, ChangeState::Done | ChangeState::RolledBack)
                    || change.failure.is_some()
            })
        };
        let numbered = (2_u32..).map(|n| format!("{id}+{n}"));
        std::iter::once(id.to_owned()).chain(numbered).find(|cause| !taken(cause)).unwrap_or_default()
    }

    /// The number of a change of this cause: its own if it was planned before, and else the next one, which another
    /// invocation may take at the same time: so it is written on the condition that nobody did.
    pub fn number_for(&self, cause: &str) -> u32 {
        let attempt = self.changes.iter().find(|change| change.cause == cause);
        attempt.map_or(self.numbered + 1, |attempt| attempt.number)
    }

    /// When a change is made that is begun now, on a subject of that creation: after all that were begun before, so that
    /// the newest stands last whatever the clocks say.
    pub fn made_at(&self, now: Timestamp, created: Option<Timestamp>) -> Timestamp {
        let begun = created.map_or(now, |created| created.max(now));
        let after = |newest: &Change| newest.made + SignedDuration::from_millis(1);
        self.changes.iter().map(after).max().map_or(begun, |after| begun.max(after))
    }

    /// The change that another invocation makes right now, if there is one.
    pub fn under_way(&self, checker: Checker<'_>) -> Option<&Change> {
        let planned = self.changes.iter().filter(|change| change.state == ChangeState::Planned);
        planned.into_iter().find(|change| change.is_under_way(checker))
    }

    /// Marks the changes that were made at or after `since` as rolled back by the rollback of that id, and gives them. With
    /// `undo`, it is still to be done or EKS works on it: [`SubjectLog::settle`] tells later whether it was.
    pub fn mark_rolled_back(
        &mut self,
        since: Option<Timestamp>,
        rollback: &str,
        undo: Option<&Undo>,
    ) -> Vec<Change> {
        let made = self.changes.iter_mut().filter(|change| change.is_done_since(since));
        made.map(|change| {
            change.state = ChangeState::RolledBack;
            change.undo = undo.cloned();
            change.rolled_back_by = Some(rollback.to_owned());
            change.clone()
        })
        .collect()
    }

    /// The newest change that was not abandoned.
    pub(super) fn newest(&self) -> Option<&Change> {
        self.changes.iter().rev().find(|change| change.state != ChangeState::Abandoned)
    }

    /// Adds a change, or writes over the one of its number; keeps them in the order in which they were made.
    fn put(&mut self, change: Change) {
        self.numbered = self.numbered.max(change.number);
        self.changes.retain(|other| other.number != change.number);
        self.changes.push(change);
        self.changes.sort_by_key(|change| (change.made, change.number));
    }
}

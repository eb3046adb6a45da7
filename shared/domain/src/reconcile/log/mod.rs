//! The change log: what fargaze changed, the state of each change, and who reverted it.

mod change;
mod revert;
#[cfg(test)]
mod tests;
mod undo;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Aspect, Observed};
use crate::model::subject::Subject;

pub use change::{Change, ChangeState, Intent};
pub use revert::Revert;
pub(super) use revert::{reverted_by, unnamed};
pub use undo::{InProgress, Undo};

/// How long a planned change may be under way in another invocation, which waits for the rate
/// limiter and may retry several times. After that its function has ended.
pub const UNDER_WAY: SignedDuration = SignedDuration::from_secs(60);

/// The event or run that checks a subject: changes that it began itself are not under way
/// elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checker<'a> {
    /// Id of the event or run.
    pub cause: &'a str,
    /// The current time.
    pub now: Timestamp,
}

/// The change log of an account and Region, by subject.
pub type ChangeLog = BTreeMap<Subject, SubjectLog>;

/// The change log of one subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectLog {
    /// By aspect.
    pub aspects: BTreeMap<Aspect, AspectLog>,
}

/// The change log of one aspect of one subject, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AspectLog {
    /// fargaze's changes.
    pub changes: Vec<Change>,
    /// Who reverted them, as far as events reported it. Events may be missing, so nothing is
    /// counted from this list.
    pub reverts: Vec<Revert>,
    /// The highest number of a change, including forgotten ones.
    pub numbered: u32,
}

impl SubjectLog {
    /// The log of one aspect, if it was ever changed.
    pub fn aspect(&self, aspect: Aspect) -> Option<&AspectLog> {
        self.aspects.get(&aspect)
    }

    /// The changes of one aspect; empty if it was never changed.
    pub fn changes(&self, aspect: Aspect) -> &[Change] {
        self.aspects.get(&aspect).map_or(&[], |log| &log.changes)
    }

    /// All changes, aspect by aspect.
    pub fn all_changes(&self) -> impl Iterator<Item = &Change> {
        self.aspects.values().flat_map(|log| &log.changes)
    }

    /// Whether fargaze never changed the subject.
    pub fn is_empty(&self) -> bool {
        self.all_changes().next().is_none()
    }

    /// Adds a change, or replaces the one with its number.
    pub fn put(&mut self, change: Change) {
        self.aspects.entry(change.aspect).or_default().put(change);
    }

    /// The change as the log must contain it before it is made. It takes the number of an earlier
    /// attempt by the same event or run. `created_at` is the creation of the subject.
    pub fn plan(&mut self, intent: Intent, checker: Checker<'_>, created_at: Option<Timestamp>) -> Change {
        let Intent { subject, aspect, from, to, policy, reason } = intent;
        let log = self.aspects.entry(aspect).or_default();
        let cause = log.cause_for(checker.cause);
        let number = log.number_for(&cause);
        // The attempt is overwritten, and does not count as an earlier change.
        log.changes.retain(|attempt| attempt.number != number);
        Change {
            subject,
            aspect,
            number,
            made: log.made_at(checker.now, created_at),
            cause,
            from,
            to,
            policy,
            reason,
            request_id: None,
            state: ChangeState::Planned,
            accepted: false,
            update_id: None,
            failure: None,
            undo: None,
            rolled_back_by: None,
        }
    }

    /// Adds a revert; a duplicate is the same event, delivered again.
    pub fn put_revert(&mut self, revert: Revert) {
        let reverts = &mut self.aspects.entry(revert.aspect).or_default().reverts;
        if !reverts.contains(&revert) {
            reverts.push(revert);
            reverts.sort_by_key(|revert| revert.time);
        }
    }

    /// Forgets entries older than the creation of the subject: they belong to an earlier one with
    /// the same name.
    pub fn forget_before(&mut self, created: Timestamp) {
        for log in self.aspects.values_mut() {
            log.changes.retain(|change| change.made >= created);
            log.reverts.retain(|revert| revert.time >= created);
        }
    }

    /// fargaze's changes that a service is working on, with how to follow them.
    pub fn in_progress(&self) -> impl Iterator<Item = (&Change, InProgress<'_>)> {
        self.all_changes().filter_map(|change| Some((change, change.in_progress()?)))
    }

    /// The aspects with a change, or the undoing of one, whose end is not known: they must be read
    /// whatever the policies say.
    pub fn begun(&self) -> BTreeSet<Aspect> {
        let begun = |change: &&Change| change.state == ChangeState::Planned || change.undo.is_some();
        self.all_changes().filter(begun).map(|change| change.aspect).collect()
    }

    /// Ids of the updates to query from EKS.
    pub fn followed(&self) -> Vec<&str> {
        self.in_progress().filter_map(|(_, work)| work.update_id).collect()
    }

    /// Whether a service is working on changes, and messages of the events or runs that caused them
    /// already follow all of these. Changes caused by `cause` itself are not followed yet.
    pub fn is_followed_but_for(&self, cause: &str) -> bool {
        let mut open = self.in_progress().map(|(change, _)| change).peekable();
        open.peek().is_some() && open.all(|change| !change.is_caused_by(cause))
    }

    /// The newest change that this event or run made or may have made.
    pub fn made_by(&self, cause: &str) -> Option<&Change> {
        let counts = |change: &&Change| {
            change.is_caused_by(cause) && matches!(change.state, ChangeState::Planned | ChangeState::Done)
        };
        self.all_changes().filter(counts).max_by_key(|change| change.made)
    }

    /// Settles changes that were begun, as far as the subject shows how they ended: done if it now
    /// has the value, abandoned if the service failed or never received the call. Changes whose end
    /// is unknown, in progress, or under way in another invocation stay planned. Returns the
    /// settled changes, to be written.
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
    /// The cause to record for a change by the event or run `id`: `id` itself, or `id+2`, `id+3`
    /// and so on if it already caused one, as when an event is delivered again after its change was
    /// reverted. A retry takes the cause of a change that was planned but not made. A change at
    /// which EKS failed keeps its cause: the same token would only return the same failure.
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

    /// The number of a change with this cause: its own if it was planned before, otherwise the next
    /// one. Another invocation may take that at the same time, so the write is conditional.
    pub fn number_for(&self, cause: &str) -> u32 {
        let attempt = self.changes.iter().find(|change| change.cause == cause);
        attempt.map_or(self.numbered + 1, |attempt| attempt.number)
    }

    /// The time to record for a change that begins now, on a subject created at `created`: after
    /// all earlier changes, so that the newest is last even if clocks differ.
    pub fn made_at(&self, now: Timestamp, created: Option<Timestamp>) -> Timestamp {
        let begun = created.map_or(now, |created| created.max(now));
        let after = |newest: &Change| newest.made + SignedDuration::from_millis(1);
        self.changes.iter().map(after).max().map_or(begun, |after| begun.max(after))
    }

    /// The change that another invocation is making now, if any.
    pub fn under_way(&self, checker: Checker<'_>) -> Option<&Change> {
        let planned = self.changes.iter().filter(|change| change.state == ChangeState::Planned);
        planned.into_iter().find(|change| change.is_under_way(checker))
    }

    /// Marks the changes made at or after `since` as rolled back by the rollback with this id, and
    /// returns them. With `undo`, the undo is still pending or in progress at EKS:
    /// [`SubjectLog::settle`] determines later whether it was done.
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

    /// Adds a change, or replaces the one with its number. Keeps changes in the order in which they
    /// were made.
    fn put(&mut self, change: Change) {
        self.numbered = self.numbered.max(change.number);
        self.changes.retain(|other| other.number != change.number);
        self.changes.push(change);
        self.changes.sort_by_key(|change| (change.made, change.number));
    }
}

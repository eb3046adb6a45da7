//! The decision: what to do about each aspect of a subject, and why.

mod gate;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

use super::case::AspectCase;
use super::{Action, Case, Change, ChangeState, ObservedSubject, Origin, Queried, Step, Undo, aspects};
use crate::model::insights::{OPT_OUT_TAG, ObservedCluster, opts_out};

pub use gate::conflict_over;

/// How long EKS may take for a cluster or an update. The documentation says "several minutes",
/// formerly up to 15 (Amazon EKS User Guide, "Create an Amazon EKS cluster").
pub const OVERDUE: SignedDuration = SignedDuration::from_hours(1);

/// Whether a cluster or change that began at that time has taken too long.
pub fn is_overdue(began: Option<Timestamp>, now: Timestamp) -> bool {
    began.is_some_and(|began| now.duration_since(began) > OVERDUE)
}

/// Decides for events, the queue, sweeps and dry runs alike: one step per aspect of the subject, or
/// a single step for the cluster as a whole. It lowers a level only for an `exactly` policy,
/// removes nothing, and is idempotent: once its steps are done, it asks for no further changes.
pub fn decide(case: &Case<'_>) -> Vec<Step> {
    if let Some(step) = case.of_the_whole() {
        return vec![step];
    }
    let cases = case.policy.aspects().map(|aspect| case.of(aspect));
    let past = |case: &AspectCase<'_>| case.in_progress().or_else(|| case.not_undone());
    cases.map(|case| past(&case).unwrap_or_else(|| aspects::judge(&case))).collect()
}

impl Case<'_> {
    fn of_the_whole(&self) -> Option<Step> {
        if self.observed.tags().is_some_and(opts_out) {
            let (tag, value) = OPT_OUT_TAG;
            return Some(Step::whole(Action::Leave, format!("tagged {tag}={value}")));
        }
        match &self.observed.subject {
            ObservedSubject::Account | ObservedSubject::LogGroup(_) => None,
            ObservedSubject::Ecs(cluster) => self.of_ecs_cluster(cluster),
            ObservedSubject::Eks(eks) => self.of_eks_cluster(&eks.cluster.status, eks.cluster.created_at),
        }
    }

    fn of_ecs_cluster(&self, cluster: &ObservedCluster) -> Option<Step> {
        if cluster.status == "ACTIVE" {
            return None;
        }
        let was_there = self.origin == Origin::Existing && cluster.is_occupied();
        let is_unfinished = cluster.is_unfinished() && !was_there;
        let action = if is_unfinished { Action::NotYet } else { Action::Leave };
        Some(Step::whole(action, format!("its status is {}", cluster.status)))
    }

    fn of_eks_cluster(&self, status: &str, created_at: Option<Timestamp>) -> Option<Step> {
        let (action, reason) = match status {
            "ACTIVE" => return None,
            "CREATING" | "PENDING" if is_overdue(created_at, self.now) => {
                (Action::Overdue, format!("it is still {status} after an hour"))
            }
            "CREATING" | "PENDING" => (Action::NotYet, format!("it is still {status}")),
            "UPDATING" => match self.log.in_progress().last() {
                Some((change, work)) if is_overdue(Some(work.since), self.now) => (
                    Action::Overdue,
                    format!("EKS has been working on {} for more than an hour", change.aspect),
                ),
                Some((change, _)) => (Action::Waiting, format!("EKS is working on {}", change.aspect)),
                None => (Action::Waiting, "another update is in progress".to_owned()),
            },
            "FAILED" => {
                (Action::Report, "its status is FAILED; see its health issues in the EKS console".to_owned())
            }
            _ => (Action::Leave, format!("its status is {status}")),
        };
        Some(Step::whole(action, reason))
    }
}

impl AspectCase<'_> {
    /// The step while the service is still working on one of fargaze's changes.
    fn in_progress(&self) -> Option<Step> {
        let work = self.changes.iter().rev().find_map(Change::in_progress)?;
        let update = work.update_id.and_then(|id| self.whole.observed.update(id));
        if let Some(Queried::Unread(fault)) = update {
            return Some(self.unknown(fault));
        }
        if let Err(fault) = &self.now {
            return Some(self.unknown(fault));
        }
        let service = self.aspect.kind().service();
        Some(if is_overdue(Some(work.since), self.whole.now) {
            self.step(Action::Overdue, format!("{service} has been working on it for more than an hour"))
        } else {
            self.step(Action::Waiting, format!("{service} is working on it"))
        })
    }

    /// The step if a rollback requested the undo but EKS did not do it. The rollback has ended, so
    /// only this step reports it.
    fn not_undone(&self) -> Option<Step> {
        let newest = self.changes.iter().rev().find(|change| change.state != ChangeState::Abandoned)?;
        match &newest.undo {
            Some(Undo::Failed(why)) if newest.policy == self.policy.desired.to_string() => {
                let reason = format!("a rollback failed to undo it ({why}); roll back again");
                Some(self.step(Action::Report, reason))
            }
            _ => None,
        }
    }
}

/// The newest consecutive changes that match and were made for this policy, newest first. A success
/// that does not match, a change for another policy, or a rollback ends the sequence; changes that
/// never reached the service do not count.
fn in_a_row<'a>(
    changes: &'a [Change],
    policy: &'a str,
    matches: impl Fn(&Change) -> bool + Copy + 'a,
) -> impl Iterator<Item = &'a Change> {
    let counts = move |change: &&Change| {
        matches!(change.state, ChangeState::Done | ChangeState::RolledBack) || matches(change)
    };
    let ended = changes.iter().rev().filter(counts);
    ended.take_while(move |change| change.policy == policy && matches(change))
}

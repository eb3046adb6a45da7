//! The one decision: what to do about each aspect of a subject, and why.

mod gate;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

use super::case::AspectCase;
use super::{Action, Asked, Case, Change, ChangeState, ObservedSubject, Origin, Step, Undo, aspects};
use crate::model::insights::{OPT_OUT_TAG, ObservedCluster, opts_out};

pub use gate::conflict_over;

/// How long EKS may take for a cluster or an update. It says "several minutes"; before it said up to 15 (Amazon EKS User
/// Guide, "Create an Amazon EKS cluster").
pub const OVERDUE: SignedDuration = SignedDuration::from_hours(1);

/// Whether a cluster or change that began then has taken too long.
pub fn is_overdue(began: Option<Timestamp>, now: Timestamp) -> bool {
    began.is_some_and(|began| now.duration_since(began) > OVERDUE)
}

/// The one decision of events, the queue, sweeps and dry runs: a step for each aspect of the subject, or one for the
/// cluster as a whole. It lowers a level only for a policy that says exactly which, removes nothing, and once what it says
/// is done, it says nothing more.
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
            ObservedSubject::Account => None,
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
                Some((change, work)) if is_overdue(Some(work.since), self.now) => {
                    (Action::Overdue, format!("EKS has worked on {} for more than an hour", change.aspect))
                }
                Some((change, _)) => (Action::Waiting, format!("EKS works on {}", change.aspect)),
                None => (Action::Waiting, "somebody updates it".to_owned()),
            },
            "FAILED" => (
                Action::Report,
                "its status is FAILED; see its health issues in the console of EKS".to_owned(),
            ),
            _ => (Action::Leave, format!("its status is {status}")),
        };
        Some(Step::whole(action, reason))
    }
}

impl AspectCase<'_> {
    /// A change of ours that its service still works on.
    fn in_progress(&self) -> Option<Step> {
        let work = self.changes.iter().rev().find_map(Change::in_progress)?;
        let update = work.update_id.and_then(|id| self.whole.observed.update(id));
        if let Some(Asked::Unread(fault)) = update {
            return Some(self.unknown(fault));
        }
        if let Err(fault) = &self.now {
            return Some(self.unknown(fault));
        }
        let service = self.aspect.kind().service();
        Some(if is_overdue(Some(work.since), self.whole.now) {
            self.step(Action::Overdue, format!("{service} has worked on it for more than an hour"))
        } else {
            self.step(Action::Waiting, format!("{service} works on it"))
        })
    }

    /// A rollback wanted it undone, and it was not. Nobody else would report it: the rollback has ended.
    fn not_undone(&self) -> Option<Step> {
        let newest = self.changes.iter().rev().find(|change| change.state != ChangeState::Abandoned)?;
        match &newest.undo {
            Some(Undo::Failed(why)) if newest.policy == self.policy.desired.to_string() => {
                let reason =
                    format!("a rollback asked to undo it, and it was not undone ({why}); roll back again");
                Some(self.step(Action::Report, reason))
            }
            _ => None,
        }
    }
}

/// The newest changes in a row that are so and were made for this policy, the newest first. The row begins again with a
/// success that is not so, with a change for another policy, and with a rollback; what never reached the service does not
/// count.
fn in_a_row<'a>(
    changes: &'a [Change],
    policy: &'a str,
    is_so: impl Fn(&Change) -> bool + Copy + 'a,
) -> impl Iterator<Item = &'a Change> {
    let counts = move |change: &&Change| {
        matches!(change.state, ChangeState::Done | ChangeState::RolledBack) || is_so(change)
    };
    let ended = changes.iter().rev().filter(counts);
    ended.take_while(move |change| change.policy == policy && is_so(change))
}

//! Undoing what we did to an EKS cluster, and nothing else.

use jiff::Timestamp;

use super::super::ChangeState;
use super::{EksAspect, EksChange, EksLedger, EksState, ObservedEks};
use crate::fault::Fault;

/// What a restore does with one aspect of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EksRestoreStep {
    /// Bring it to this state and mark the changes as restored. If it is so already, only the mark is missing. `Absent`
    /// means to delete the add-on or the `ConfigMap`; the namespace stays. Logs that are on and not named are turned off.
    PutBack {
        /// What it is to be.
        to: EksState,
    },
    /// Leave it, and say why: somebody changed it since, or EKS is not done with it.
    Skip(String),
    /// It could not be seen what is there.
    Unknown(Fault),
    /// We changed nothing there.
    Nothing,
}

/// What a restore does with an aspect, given the ledger after [`EksLedger::settle`]. With `since`, only changes made at or
/// after it are undone.
///
/// An add-on is deleted only if it is still of the version and configuration that we made, a `ConfigMap` only if it is
/// still what we wrote. Logs are turned off that we turned on; those that others turned on stay on.
pub fn eks_restore_step(
    aspect: EksAspect,
    observed: &ObservedEks,
    ledger: &EksLedger,
    since: Option<Timestamp>,
) -> EksRestoreStep {
    let changes = ledger.of(aspect);
    let in_progress = changes.iter().rev().find(|change| change.state == ChangeState::Planned);
    let made: Vec<&EksChange> = changes.iter().rev().filter(|change| change.is_done_since(since)).collect();
    if let Some(change) = in_progress.filter(|change| since.is_none_or(|since| change.time >= since)) {
        return EksRestoreStep::Skip(format!(
            "the change to {} is not finished; restore again later",
            change.to
        ));
    }
    let Some(newest) = made.first() else { return EksRestoreStep::Nothing };
    if observed.cluster.status != "ACTIVE" {
        return EksRestoreStep::Skip(format!("its status is {}", observed.cluster.status));
    }
    let now = match observed.state(aspect) {
        Ok(now) => now,
        Err(fault) => return EksRestoreStep::Unknown(fault.clone()),
    };
    if let EksState::Logs(on) = &now {
        let ours = |log| {
            made.iter().any(|change| match (&change.from, &change.to) {
                (EksState::Logs(from), EksState::Logs(to)) => to.contains(log) && !from.contains(log),
                _ => false,
            })
        };
        return EksRestoreStep::PutBack {
            to: EksState::Logs(on.iter().filter(|log| !ours(log)).copied().collect()),
        };
    }
    // As long as a change found what the one before it had made, go back to that.
    let to = made[1..].iter().try_fold(&newest.from, |found, before| {
        if before.to == *found { Ok(&before.from) } else { Err(found) }
    });
    let (Ok(to) | Err(to)) = to;
    if now == *to || now == newest.to {
        return EksRestoreStep::PutBack { to: to.clone() };
    }
    EksRestoreStep::Skip(format!("fargaze made it {}, and now it is {now}", newest.to))
}

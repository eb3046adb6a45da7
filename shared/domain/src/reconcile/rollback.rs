//! Undoing what fargaze did, and nothing else.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Aspect, Change, ChangeState, Observed, Remedy, SubjectLog, Undo, Value};
use crate::evidence::eks::LogType;
use crate::model::fault::Fault;

/// What a rollback does with one aspect of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollbackStep {
    /// Set it to this and mark the changes as rolled back. If it is so already, only the mark is missing. `Absent`
    /// means to delete the add-on or the `ConfigMap`; the namespace stays. Logs that are on and not named are turned off.
    RollBack {
        /// What it is to be.
        to: Value,
    },
    /// This same rollback did it before it was called again: only to be reported.
    Done {
        /// What it is.
        to: Value,
    },
    /// EKS already works on it, because this same rollback asked for it before it was called again.
    Follow {
        /// What it is to be.
        to: Value,
    },
    /// Leave it, and say why: somebody changed it since, or EKS is not done with it.
    Skip(String),
    /// Leave it, because nobody knows whether it is of ours.
    InDoubt {
        /// What is there, and why that is so.
        why: String,
        /// What undoes it.
        undo: Remedy,
    },
    /// It could not be seen what is there.
    Unknown(Fault),
    /// We changed nothing there.
    Nothing,
}

/// What a rollback does with an aspect, given the change log after [`SubjectLog::settle`]. With `since`, only changes made at or
/// after it are undone.
///
/// A level goes back to the one that our changes found: a level that its owner chose between two changes of ours comes
/// back, and not the one before that. An add-on is deleted only if it is still of the version and configuration that we made, a `ConfigMap` only if it is
/// still what we wrote. Logs are turned off that we turned on; those that others turned on stay on. What is there after a
/// call of ours that was never answered is left, with what undoes it: it may as well be of somebody else.
pub fn rollback_step(
    aspect: Aspect,
    observed: &Observed,
    log: &SubjectLog,
    since: Option<Timestamp>,
) -> RollbackStep {
    let changes = log.changes(aspect);
    let in_progress = changes.iter().rev().find(|change| change.state == ChangeState::Planned);
    let made: Vec<&Change> = changes.iter().rev().filter(|change| change.is_done_since(since)).collect();
    if let Some(change) = in_progress.filter(|change| since.is_none_or(|since| change.made >= since)) {
        return RollbackStep::Skip(format!(
            "the change to {} is not finished; roll back again later",
            change.to
        ));
    }
    if changes.iter().any(|change| change.state == ChangeState::RolledBack && change.in_progress().is_some())
    {
        return RollbackStep::Skip("EKS still works on what an earlier rollback asked for".to_owned());
    }
    let Some(newest) = made.first() else { return RollbackStep::Nothing };
    // Also while the cluster is busy its logs are known.
    let logs = match observed.value(aspect) {
        Ok(Value::Logs(on)) => Some(Value::Logs(&on - &turned_on(&made))),
        _ => None,
    };
    let to = logs.clone().unwrap_or_else(|| before(&made, newest));
    if newest.rolled_back_by.is_some() && newest.undo.is_none() {
        return RollbackStep::Done { to };
    }
    let status = observed.status();
    // A rollback that was killed, and is repeated, finds the cluster at work on what it asked for itself.
    let asked = matches!(newest.undo, Some(Undo::InProgress { .. }));
    if status == "UPDATING" && asked && logs.is_some() {
        return RollbackStep::Follow { to };
    }
    if status != "ACTIVE" {
        return RollbackStep::Skip(format!("its status is {status}"));
    }
    let now = match observed.value(aspect) {
        Ok(now) => now,
        Err(fault) => return RollbackStep::Unknown(fault.clone()),
    };
    if let Some(step) = in_doubt(&made, &now) {
        return step;
    }
    if logs.is_some() || now == to || now == newest.to {
        return RollbackStep::RollBack { to };
    }
    // In words, two of these would look alike.
    if let (Value::ConfigMap(ours), Value::ConfigMap(now)) = (&newest.to, &now) {
        let keys: BTreeSet<_> = ours.keys().chain(now.keys()).collect();
        let keys: Vec<_> = keys.into_iter().filter(|key| ours.get(*key) != now.get(*key)).cloned().collect();
        return RollbackStep::Skip(format!("since fargaze wrote it, somebody changed {}", keys.join(", ")));
    }
    RollbackStep::Skip(format!("fargaze set it to {}, and now it is {now}", newest.to))
}

/// What was there before the newest change: as long as a change found what the one before it had made, before that one.
fn before(made: &[&Change], newest: &Change) -> Value {
    let found = made[1..].iter().try_fold(&newest.from, |found, before| {
        if before.to == *found { Ok(&before.from) } else { Err(found) }
    });
    let (Ok(found) | Err(found)) = found;
    found.clone()
}

/// The step if nobody knows whether what is there is of ours.
fn in_doubt(made: &[&Change], now: &Value) -> Option<RollbackStep> {
    let (there, undo) = match now {
        Value::Logs(on) => {
            let (sure, unsure): (Vec<&Change>, Vec<_>) = made.iter().partition(|change| change.accepted);
            let types = &(on & &turned_on(&unsure)) - &turned_on(&sure);
            let names: Vec<_> = types.iter().map(|log| log.as_str()).collect();
            let are = match names.len() {
                0 => return None,
                1 => "is",
                _ => "are",
            };
            (format!("{} {are} on", names.join(", ")), Remedy::LogsOff(types))
        }
        Value::Addon { .. } => {
            let newest = made.first().filter(|change| !change.accepted && change.to == *now)?;
            let name = newest.aspect.addon()?;
            (format!("{name} is installed"), Remedy::DeleteAddon(name.to_owned()))
        }
        // A level was read back, and nobody else writes the same data by chance.
        Value::ConfigMap(_) | Value::Absent | Value::Level(_) => return None,
    };
    let why = format!("{there}, but the answer to fargaze's call was lost, so it may be of somebody else");
    Some(RollbackStep::InDoubt { why, undo })
}

fn turned_on(changes: &[&Change]) -> BTreeSet<LogType> {
    changes.iter().flat_map(|change| change.turned_on()).collect()
}

#[cfg(test)]
mod tests;

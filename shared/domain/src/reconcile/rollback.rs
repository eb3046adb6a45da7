//! Rollback: undoes fargaze's own changes and nothing else.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Aspect, Change, ChangeState, Observed, Remedy, SubjectLog, Undo, Value};
use crate::evidence::eks::LogType;
use crate::model::fault::Fault;

/// What a rollback does with one aspect of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollbackStep {
    /// Set it to this value and mark the changes as rolled back. If it already has the value, only
    /// the mark is missing. `Absent` means deleting the add-on or `ConfigMap`; the namespace stays.
    /// Logs that are on but not listed are turned off.
    RollBack {
        /// The value to set.
        to: Value,
    },
    /// This rollback already did it before it was called again: only report it.
    Done {
        /// The value that was set.
        to: Value,
    },
    /// EKS is already working on it, because this rollback requested it before it was called again.
    Follow {
        /// The value to set.
        to: Value,
    },
    /// Leave it, with the reason: it was changed since, or EKS has not finished.
    Skip(String),
    /// Leave it, because it is unknown whether fargaze made it.
    InDoubt {
        /// The current value, and why its origin is unknown.
        why: String,
        /// The command that undoes it.
        undo: Remedy,
    },
    /// The current state could not be read.
    Unknown(Fault),
    /// fargaze changed nothing.
    Nothing,
}

/// What a rollback does with an aspect, given the change log after [`SubjectLog::settle`]. With
/// `since`, only changes made at or after it are undone.
///
/// A level returns to the one that fargaze's changes found: if the owner chose a level between two
/// of fargaze's changes, that level is restored, not the one before it. An add-on is deleted only
/// if it still has the version and configuration that fargaze installed, a `ConfigMap` only if it
/// still has the data that fargaze wrote. Logs that fargaze turned on are turned off; those that
/// others turned on stay on. If the response to a call was lost, the result is left, with the
/// command that undoes it: someone else may have made it.
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
        return RollbackStep::Skip("EKS is still processing an earlier rollback".to_owned());
    }
    let Some(newest) = made.first() else { return RollbackStep::Nothing };
    // The logs are known even while the cluster is busy.
    let logs = match observed.value(aspect) {
        Ok(Value::Logs(on)) => Some(Value::Logs(&on - &turned_on(&made))),
        _ => None,
    };
    let to = logs.clone().unwrap_or_else(|| before(&made, newest));
    if newest.rolled_back_by.is_some() && newest.undo.is_none() {
        return RollbackStep::Done { to };
    }
    let status = observed.status();
    // A repeated rollback that was killed before finds the cluster busy with its own request.
    let requested = matches!(newest.undo, Some(Undo::InProgress { .. }));
    if status == "UPDATING" && requested && logs.is_some() {
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
    // As text, two ConfigMaps would look alike.
    if let (Value::ConfigMap(ours), Value::ConfigMap(now)) = (&newest.to, &now) {
        let keys: BTreeSet<_> = ours.keys().chain(now.keys()).collect();
        let keys: Vec<_> = keys.into_iter().filter(|key| ours.get(*key) != now.get(*key)).cloned().collect();
        return RollbackStep::Skip(format!("{} changed since fargaze wrote it", keys.join(", ")));
    }
    RollbackStep::Skip(format!("fargaze set it to {}, but it is now {now}", newest.to))
}

/// The value before the newest change. Continues to earlier changes while each change found the
/// value that the one before it had set.
fn before(made: &[&Change], newest: &Change) -> Value {
    let found = made[1..].iter().try_fold(&newest.from, |found, before| {
        if before.to == *found { Ok(&before.from) } else { Err(found) }
    });
    let (Ok(found) | Err(found)) = found;
    found.clone()
}

/// The step if it is unknown whether fargaze made the current value.
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
        // Levels and days were read back, and nobody writes the same ConfigMap data by chance.
        Value::ConfigMap(_) | Value::Absent | Value::Level(_) | Value::Retention(_) => return None,
    };
    let why =
        format!("{there}, but the response to fargaze's call was lost, so it may not be fargaze's change");
    Some(RollbackStep::InDoubt { why, undo })
}

fn turned_on(changes: &[&Change]) -> BTreeSet<LogType> {
    changes.iter().flat_map(|change| change.turned_on()).collect()
}

#[cfg(test)]
mod tests;

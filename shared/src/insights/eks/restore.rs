//! Undoing what we did to an EKS cluster, and nothing else.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::super::ChangeState;
use super::{EksAspect, EksChange, EksLedger, EksRemedy, EksState, EksUndo, ObservedEks};
use crate::eks::LogType;
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
    /// This same restore put it back before it was called again: only to be told.
    Told {
        /// What it is.
        to: EksState,
    },
    /// EKS already works on it, because this same restore asked for it before it was called again.
    Follow {
        /// What it is to be.
        to: EksState,
    },
    /// Leave it, and say why: somebody changed it since, or EKS is not done with it.
    Skip(String),
    /// Leave it, because nobody knows whether it is of ours.
    InDoubt {
        /// What is there, and why that is so.
        why: String,
        /// What undoes it.
        undo: EksRemedy,
    },
    /// It could not be seen what is there.
    Unknown(Fault),
    /// We changed nothing there.
    Nothing,
}

/// What a restore does with an aspect, given the ledger after [`EksLedger::settle`]. With `since`, only changes made at or
/// after it are undone.
///
/// An add-on is deleted only if it is still of the version and configuration that we made, a `ConfigMap` only if it is
/// still what we wrote. Logs are turned off that we turned on; those that others turned on stay on. What is there after a
/// call of ours that was never answered is left, with what undoes it: it may as well be of somebody else.
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
    if changes.iter().any(|change| change.state == ChangeState::Restored && change.in_progress().is_some()) {
        return EksRestoreStep::Skip("EKS still works on what an earlier restore asked for".to_owned());
    }
    let Some(newest) = made.first() else { return EksRestoreStep::Nothing };
    let logs = (aspect == EksAspect::ControlPlaneLogs)
        .then(|| EksState::Logs(&observed.cluster.logs - &turned_on(&made)));
    let to = logs.clone().unwrap_or_else(|| before(&made, newest));
    if newest.restored_by.is_some() && newest.undo.is_none() {
        return EksRestoreStep::Told { to };
    }
    let status = observed.cluster.status.as_str();
    // A restore that was killed, and is repeated, finds the cluster at work on what it asked for itself.
    let asked = matches!(newest.undo, Some(EksUndo::InProgress { .. }));
    if status == "UPDATING" && asked && logs.is_some() {
        return EksRestoreStep::Follow { to };
    }
    if status != "ACTIVE" {
        return EksRestoreStep::Skip(format!("its status is {status}"));
    }
    let now = match observed.state(aspect) {
        Ok(now) => now,
        Err(fault) => return EksRestoreStep::Unknown(fault.clone()),
    };
    if let Some(step) = in_doubt(&made, &now) {
        return step;
    }
    if logs.is_some() || now == to || now == newest.to {
        return EksRestoreStep::PutBack { to };
    }
    // In words, two of these would look alike.
    if let (EksState::ConfigMap(ours), EksState::ConfigMap(now)) = (&newest.to, &now) {
        let keys: BTreeSet<_> = ours.keys().chain(now.keys()).collect();
        let keys: Vec<_> = keys.into_iter().filter(|key| ours.get(*key) != now.get(*key)).cloned().collect();
        return EksRestoreStep::Skip(format!("since fargaze wrote it, somebody changed {}", keys.join(", ")));
    }
    EksRestoreStep::Skip(format!("fargaze made it {}, and now it is {now}", newest.to))
}

/// What was there before the newest change: as long as a change found what the one before it had made, before that one.
fn before(made: &[&EksChange], newest: &EksChange) -> EksState {
    let found = made[1..].iter().try_fold(&newest.from, |found, before| {
        if before.to == *found { Ok(&before.from) } else { Err(found) }
    });
    let (Ok(found) | Err(found)) = found;
    found.clone()
}

/// The step if nobody knows whether what is there is of ours.
fn in_doubt(made: &[&EksChange], now: &EksState) -> Option<EksRestoreStep> {
    let (there, undo) = match now {
        EksState::Logs(on) => {
            let (sure, unsure): (Vec<&EksChange>, Vec<_>) = made.iter().partition(|change| change.accepted);
            let types = &(on & &turned_on(&unsure)) - &turned_on(&sure);
            let names: Vec<_> = types.iter().map(|log| log.as_str()).collect();
            let are = match names.len() {
                0 => return None,
                1 => "is",
                _ => "are",
            };
            (format!("{} {are} on", names.join(", ")), EksRemedy::LogsOff(types))
        }
        EksState::Addon { .. } => {
            let newest = made.first().filter(|change| !change.accepted && change.to == *now)?;
            let name = newest.subject.aspect.addon()?;
            (format!("{name} is installed"), EksRemedy::DeleteAddon(name.to_owned()))
        }
        // Nobody else writes the same data by chance.
        EksState::ConfigMap(_) | EksState::Absent => return None,
    };
    let why = format!("{there}, but the answer to fargaze's call was lost, so it may be of somebody else");
    Some(EksRestoreStep::InDoubt { why, undo })
}

fn turned_on(changes: &[&EksChange]) -> BTreeSet<LogType> {
    changes.iter().flat_map(|change| change.turned_on()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{addon, change, cluster, data, ledger, logs, observed};
    use super::super::{Asked, AwsLogging, LoggingNamespace};
    use super::*;
    use crate::eks::{LogType, METRICS_SERVER};
    use crate::insights::samples::at;
    use ChangeState::{Done, Planned, Restored};
    use LogType::{Api, Audit, Scheduler};

    fn back(to: EksState) -> EksRestoreStep {
        EksRestoreStep::PutBack { to }
    }

    #[test]
    fn only_logs_that_we_turned_on_are_turned_off() {
        let aspect = EksAspect::ControlPlaneLogs;
        let raised = |minute, from: &[_], to: &[_]| {
            change(minute, aspect, (EksState::Logs(logs(from)), EksState::Logs(logs(to))), Done)
        };
        let ledger = ledger([
            raised(1, &[Scheduler], &[Api, Scheduler]),
            raised(2, &[Scheduler], &[Audit, Scheduler]),
        ]);
        let mut now = observed("*");
        now.cluster.logs = logs(&[Api, Audit, Scheduler]);
        let step = |now: &ObservedEks, since| eks_restore_step(aspect, now, &ledger, since);
        assert_eq!(step(&now, None), back(EksState::Logs(logs(&[Scheduler]))));
        assert_eq!(step(&now, Some(at(2))), back(EksState::Logs(logs(&[Api, Scheduler]))));
        assert_eq!(step(&now, Some(at(3))), EksRestoreStep::Nothing);
        now.cluster.logs = logs(&[]);
        assert_eq!(step(&now, None), back(EksState::Logs(logs(&[]))), "only the mark is missing");
        let busy = ObservedEks::bare(cluster("UPDATING"));
        assert_eq!(step(&busy, None), EksRestoreStep::Skip("its status is UPDATING".to_owned()));
    }

    #[test]
    fn what_this_restore_asked_for_is_followed_and_what_an_earlier_one_did_is_waited_for() {
        let aspect = EksAspect::ControlPlaneLogs;
        let states = (EksState::Logs(logs(&[])), EksState::Logs(logs(&[Api])));
        let undo = Some(EksUndo::InProgress { since: at(20), update_id: None });
        let asked = |state| EksChange { undo: undo.clone(), ..change(1, aspect, states.clone(), state) };
        let mut busy = ObservedEks::bare(cluster("UPDATING"));
        busy.cluster.logs = logs(&[Api, Scheduler]);
        // The ledger gives to a restore what it marked itself as done.
        let step = |state| eks_restore_step(aspect, &busy, &ledger([asked(state)]), None);
        assert_eq!(step(Done), EksRestoreStep::Follow { to: EksState::Logs(logs(&[Scheduler])) });
        assert!(matches!(step(Restored), EksRestoreStep::Skip(_)));
    }

    #[test]
    fn what_this_restore_did_before_it_was_called_again_is_only_told() {
        let made = EksState::of_addon(&addon(METRICS_SERVER, "ACTIVE"));
        let with = |undo: Option<EksUndo>| {
            let made = change(1, EksAspect::MetricsServer, (EksState::Absent, made.clone()), Done);
            ledger([EksChange { undo, restored_by: Some("restore-1".to_owned()), ..made }])
        };
        let asked = Some(EksUndo::InProgress { since: at(20), update_id: None });
        let step =
            |now: &ObservedEks, undo| eks_restore_step(EksAspect::MetricsServer, now, &with(undo), None);
        // EKS works on the logs meanwhile, so add-ons are not asked about.
        let busy = ObservedEks::bare(cluster("UPDATING"));
        assert_eq!(step(&busy, None), EksRestoreStep::Told { to: EksState::Absent });
        assert_eq!(step(&busy, asked.clone()), EksRestoreStep::Skip("its status is UPDATING".to_owned()));
        let deleting = Asked::Known(vec![addon(METRICS_SERVER, "DELETING")]);
        for addons in [Asked::Known(vec![]), deleting, Asked::Known(vec![addon(METRICS_SERVER, "ACTIVE")])] {
            let now = ObservedEks { addons, ..observed("*") };
            assert_eq!(step(&now, asked.clone()), back(EksState::Absent));
        }
    }

    #[test]
    fn an_addon_is_deleted_if_it_is_still_the_one_that_we_made() {
        let made = EksState::of_addon(&addon(METRICS_SERVER, "ACTIVE"));
        let with =
            |state| ledger([change(1, EksAspect::MetricsServer, (EksState::Absent, made.clone()), state)]);
        let step = |addons: Vec<crate::eks::Addon>, state| {
            let now = ObservedEks { addons: Asked::Known(addons), ..observed("*") };
            eks_restore_step(EksAspect::MetricsServer, &now, &with(state), None)
        };
        let same = addon(METRICS_SERVER, "ACTIVE");
        let mut newer = same.clone();
        newer.version = Some("v0.9.0-eksbuild.1".to_owned());
        let mut configured = same.clone();
        configured.configuration = Some("{}".to_owned());
        assert_eq!(step(vec![same.clone()], Done), back(EksState::Absent));
        assert_eq!(step(vec![], Done), back(EksState::Absent));
        assert_eq!(step(vec![same.clone()], Restored), EksRestoreStep::Nothing);
        for skipped in [step(vec![newer], Done), step(vec![configured], Done), step(vec![same], Planned)] {
            assert!(matches!(skipped, EksRestoreStep::Skip(_)), "{skipped:?}");
        }
    }

    #[test]
    fn what_may_be_of_somebody_else_is_left_with_the_command_that_undoes_it() {
        let unanswered =
            |minute, aspect, states| EksChange { accepted: false, ..change(minute, aspect, states, Done) };
        let aspect = EksAspect::ControlPlaneLogs;
        let states = |from: &[_], to: &[_]| (EksState::Logs(logs(from)), EksState::Logs(logs(to)));
        let ledger_of_logs = ledger([
            change(1, aspect, states(&[], &[Api]), Done),
            unanswered(2, aspect, states(&[], &[Api, Audit])),
        ]);
        let mut now = observed("*");
        let mut step = |on: &[_]| {
            now.cluster.logs = logs(on);
            eks_restore_step(aspect, &now, &ledger_of_logs, None)
        };
        let in_doubt = |what: &str, undo| EksRestoreStep::InDoubt {
            why: format!("{what}, but the answer to fargaze's call was lost, so it may be of somebody else"),
            undo,
        };
        let off = EksRemedy::LogsOff(logs(&[Audit]));
        assert_eq!(step(&[Api, Audit]), in_doubt("audit is on", off));
        assert_eq!(
            step(&[Api, Scheduler]),
            back(EksState::Logs(logs(&[Scheduler]))),
            "nothing of it is there"
        );

        let made = EksState::of_addon(&addon(METRICS_SERVER, "ACTIVE"));
        let ledger = ledger([unanswered(1, EksAspect::MetricsServer, (EksState::Absent, made))]);
        let mut step = |addons| {
            now.addons = Asked::Known(addons);
            eks_restore_step(EksAspect::MetricsServer, &now, &ledger, None)
        };
        let deletion = EksRemedy::DeleteAddon(METRICS_SERVER.to_owned());
        let installed = in_doubt("metrics-server is installed", deletion);
        assert_eq!(step(vec![addon(METRICS_SERVER, "ACTIVE")]), installed);
        assert_eq!(step(vec![]), back(EksState::Absent));
    }

    #[test]
    fn a_config_map_is_deleted_if_it_is_still_what_we_wrote() {
        let map = |output: &str| EksState::ConfigMap(data(output));
        let aspect = EksAspect::AwsLogging;
        let first = change(1, aspect, (EksState::Absent, map("a")), Done);
        let second = change(2, aspect, (map("a"), map("b")), Done);
        let ledger = ledger([first, second]);
        let step = |output: &str, since| {
            let logging = AwsLogging::Known {
                namespace: LoggingNamespace::Enabled,
                config_map: Some(data(output)),
                problems: Vec::new(),
            };
            eks_restore_step(aspect, &ObservedEks { logging, ..observed("*") }, &ledger, since)
        };
        assert_eq!(step("b", None), back(EksState::Absent));
        assert_eq!(step("b", Some(at(2))), back(map("a")));
        let why = "since fargaze wrote it, somebody changed output.conf".to_owned();
        assert_eq!(step("theirs", None), EksRestoreStep::Skip(why));
    }
}

//! What a restore asked of EKS, until EKS is done with it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Asked, ChangeState, EksChange, EksState, FaultKind, ObservedEks, UpdateStatus};

/// How far EKS has come with undoing a change. The ledger keeps it as JSON, so its form must stay what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EksUndo {
    /// A restore asks EKS for it, or has asked.
    #[serde(rename_all = "kebab-case")]
    InProgress {
        /// Time of the restore.
        since: Timestamp,
        /// EKS's id of the update, once it has accepted it.
        update_id: Option<String>,
    },
    /// EKS did not do it, and why: the change is still there.
    Failed(String),
}

/// What EKS works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InProgress<'a> {
    /// Since when.
    pub since: Timestamp,
    /// EKS's id of the update to follow, if it gave one.
    pub update_id: Option<&'a str>,
}

impl EksChange {
    /// Ends what a restore asked for, if it has ended. What EKS did not do leaves the change done, as it is, so that another
    /// restore can undo it. `covered` says that a newer change of ours lies over it: see [`Self::covers`].
    pub(super) fn settle_undo(&mut self, observed: &ObservedEks, covered: bool) -> bool {
        let Some(InProgress { update_id, .. }) = self.in_progress() else { return false };
        let Ok(now) = observed.state(self.subject.aspect) else { return false };
        let update = update_id.and_then(|id| observed.updates.get(id));
        let failure = match (update_id, update) {
            (_, Some(Asked::Known(UpdateStatus::Successful))) => None,
            (_, Some(Asked::Known(UpdateStatus::Failed(why)))) => Some(why.clone()),
            (_, Some(Asked::Known(UpdateStatus::InProgress))) | (Some(_), None) => return false,
            (_, Some(Asked::Unread(fault))) if fault.kind != FaultKind::NotFound => return false,
            // EKS knows of no update, or its answer was lost: what is there tells it.
            (_, Some(Asked::Unread(_))) | (None, None) => (covered || self.is_there(&now))
                .then(|| "it is still there, and nothing tells why".to_owned()),
        };
        if failure.is_some() {
            (self.state, self.restored_by) = (ChangeState::Done, None);
        }
        self.undo = failure.map(EksUndo::Failed);
        true
    }

    /// What EKS did not do for a restore may have come about otherwise since.
    pub(super) fn settle_not_undone(&mut self, observed: &ObservedEks, covered: bool) -> bool {
        let state = observed.state(self.subject.aspect);
        let is_undone = !covered
            && matches!((&self.undo, state), (Some(EksUndo::Failed(_)), Ok(now)) if !self.is_there(&now));
        if is_undone {
            (self.state, self.undo) = (ChangeState::Restored, None);
        }
        is_undone
    }

    /// Whether what is there is of this change, so that older ones are below it and not undone. Types of logs lie side by side.
    pub(super) fn covers(&self, observed: &ObservedEks) -> bool {
        let made = matches!(self.state, ChangeState::Done | ChangeState::Planned);
        let now = observed.state(self.subject.aspect);
        made && now.is_ok_and(|now| !matches!(now, EksState::Logs(_)) && self.is_there(&now))
    }

    /// Whether anything of what the change brought is there.
    fn is_there(&self, now: &EksState) -> bool {
        match now {
            EksState::Logs(on) => !self.turned_on().is_disjoint(on),
            _ => now.fulfils(&self.to),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::super::samples::{change, cluster, data, ledger, logs, observed};
    use super::super::super::{AwsLogging, LoggingNamespace};
    use super::super::{EksAspect, EksLedger};
    use super::*;
    use crate::eks::LogType::{Api, Audit, Scheduler};
    use crate::fault::Fault;
    use crate::insights::samples::at;

    const ASPECT: EksAspect = EksAspect::ControlPlaneLogs;

    /// A change that turned `api` on, as a restore marks it.
    fn undone(update_id: Option<&str>) -> EksLedger {
        let states = (EksState::Logs(logs(&[Scheduler])), EksState::Logs(logs(&[Api, Scheduler])));
        let mut ledger = ledger([change(1, ASPECT, states, ChangeState::Done)]);
        let undo = EksUndo::InProgress { since: at(20), update_id: update_id.map(str::to_owned) };
        ledger.aspects.get_mut(&ASPECT).unwrap().mark_restored(None, "restore-1", Some(&undo));
        ledger
    }

    /// State and undo after a look at a cluster with these logs, on which the update `u` stands so.
    fn settled(
        mut ledger: EksLedger,
        on: &[crate::eks::LogType],
        update: Option<Asked<UpdateStatus>>,
    ) -> (ChangeState, Option<EksUndo>) {
        let mut now = observed("*");
        now.cluster.logs = logs(on);
        now.updates = update.map(|update| ("u".to_owned(), update)).into_iter().collect();
        ledger.settle(&now);
        let change = &ledger.of(ASPECT)[0];
        (change.state, change.undo.clone())
    }

    fn unread(kind: FaultKind) -> Asked<UpdateStatus> {
        let text = String::new;
        let operation = crate::operation::Operation::EksDescribeUpdate;
        let (subject, code, message) = (text(), text(), text());
        Asked::Unread(Fault { operation, subject, kind, code, message })
    }

    #[test]
    fn it_ends_as_eks_says() {
        let ledger = || undone(Some("u"));
        assert_eq!(ledger().followed(), ["u"]);
        let open = (ChangeState::Restored, ledger().of(ASPECT)[0].undo.clone());
        let known = |status| Some(Asked::Known(status));
        assert_eq!(settled(ledger(), &[Api], known(UpdateStatus::InProgress)), open);
        assert_eq!(settled(ledger(), &[], None), open, "nobody asked");
        assert_eq!(settled(ledger(), &[], Some(unread(FaultKind::Throttled))), open);
        assert_eq!(settled(ledger(), &[], known(UpdateStatus::Successful)), (ChangeState::Restored, None));
        let failed = UpdateStatus::Failed("no free addresses".to_owned());
        let failed = settled(ledger(), &[Api], known(failed));
        assert_eq!(failed, (ChangeState::Done, Some(EksUndo::Failed("no free addresses".to_owned()))));
        let mut busy = ledger();
        assert_eq!(busy.settle(&ObservedEks::bare(cluster("UPDATING"))), []);
    }

    #[test]
    fn what_eks_does_not_tell_of_is_judged_by_what_is_there() {
        for (ledger, update) in [(undone(None), None), (undone(Some("u")), Some(unread(FaultKind::NotFound)))]
        {
            let off = settled(ledger.clone(), &[Audit, Scheduler], update.clone());
            assert_eq!(off, (ChangeState::Restored, None));
            let (state, undo) = settled(ledger, &[Api, Scheduler], update);
            assert!(state == ChangeState::Done && matches!(undo, Some(EksUndo::Failed(_))), "{undo:?}");
        }
    }

    #[test]
    fn what_eks_did_not_do_and_somebody_did_is_undone() {
        let states = (EksState::Logs(logs(&[])), EksState::Logs(logs(&[Api])));
        let failed = Some(EksUndo::Failed("why".to_owned()));
        let not_undone = EksChange { undo: failed.clone(), ..change(1, ASPECT, states, ChangeState::Done) };
        let not_undone = || ledger([not_undone.clone()]);
        assert_eq!(settled(not_undone(), &[Api], None), (ChangeState::Done, failed));
        assert_eq!(settled(not_undone(), &[Audit], None), (ChangeState::Restored, None));
    }

    #[test]
    fn what_lies_below_a_newer_change_is_not_undone_because_it_is_not_seen() {
        let aspect = EksAspect::AwsLogging;
        let map = |output: &str| EksState::ConfigMap(data(output));
        let first = change(1, aspect, (EksState::Absent, map("a")), ChangeState::Done);
        let second = change(2, aspect, (map("a"), map("b")), ChangeState::Done);
        let states = |ledger: &EksLedger| ledger.of(aspect).iter().map(|one| one.state).collect::<Vec<_>>();
        let seen = |config_map| {
            let logging =
                AwsLogging::Known { namespace: LoggingNamespace::Enabled, config_map, problems: Vec::new() };
            ObservedEks { logging, ..observed("*") }
        };
        for (there, state) in [(Some(data("b")), ChangeState::Done), (None, ChangeState::Restored)] {
            let mut ledger = ledger([first.clone(), second.clone()]);
            let undo = EksUndo::InProgress { since: at(20), update_id: None };
            ledger.aspects.get_mut(&aspect).unwrap().mark_restored(None, "restore-1", Some(&undo));
            for _ in 0..2 {
                ledger.settle(&seen(there.clone()));
                assert_eq!(states(&ledger), [state, state]);
            }
        }
    }

    #[test]
    fn it_is_read_back_as_it_was_written() {
        for undo in [
            EksUndo::InProgress { since: at(20), update_id: None },
            EksUndo::InProgress { since: at(20), update_id: Some("u".to_owned()) },
            EksUndo::Failed("why".to_owned()),
        ] {
            let change = EksChange { undo: Some(undo), ..undone(None).of(ASPECT)[0].clone() };
            let attributes: BTreeMap<_, _> = change.to_attributes();
            let read = EksChange::from_attributes(&|name| attributes.get(name).cloned());
            assert_eq!(read.unwrap(), change);
        }
    }
}

//! What a rollback asked for, until it is known to be done.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::{Asked, Observed, UpdateStatus, Value};
use super::{Change, ChangeState};
use crate::model::fault::FaultKind;

/// How far undoing a change has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undo {
    /// A rollback asks for it, or has asked.
    #[serde(rename_all = "kebab-case")]
    InProgress {
        /// When it was asked for.
        since: Timestamp,
        /// EKS's id of the update, once it has accepted it.
        update_id: Option<String>,
    },
    /// It was not done, and why: the change is still there.
    Failed(String),
}

/// What a service works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InProgress<'a> {
    /// Since when.
    pub since: Timestamp,
    /// EKS's id of the update to follow, if it gave one.
    pub update_id: Option<&'a str>,
}

impl Change {
    /// Ends what a rollback asked for, if it has ended. What was not done leaves the change done, as it is, so that another
    /// rollback can undo it. `covered` says that a newer change of ours lies over it: see [`Self::covers`].
    pub(super) fn settle_undo(&mut self, observed: &Observed, covered: bool) -> bool {
        let Some(InProgress { update_id, .. }) = self.in_progress() else { return false };
        let Ok(now) = observed.value(self.aspect) else { return false };
        let update = update_id.and_then(|id| observed.update(id));
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
            (self.state, self.rolled_back_by) = (ChangeState::Done, None);
        }
        self.undo = failure.map(Undo::Failed);
        true
    }

    /// What was not done for a rollback may have come about otherwise since.
    pub(super) fn settle_not_undone(&mut self, observed: &Observed, covered: bool) -> bool {
        let state = observed.value(self.aspect);
        let is_undone = !covered
            && matches!((&self.undo, state), (Some(Undo::Failed(_)), Ok(now)) if !self.is_there(&now));
        if is_undone {
            (self.state, self.undo) = (ChangeState::RolledBack, None);
        }
        is_undone
    }

    /// Whether what is there is of this change, so that older ones are below it and not undone. What is additive lies side by side.
    pub(super) fn covers(&self, observed: &Observed) -> bool {
        let made = matches!(self.state, ChangeState::Done | ChangeState::Planned);
        let now = observed.value(self.aspect);
        made && now.is_ok_and(|now| !now.is_additive() && self.is_there(&now))
    }

    /// Whether anything of what the change brought is there.
    fn is_there(&self, now: &Value) -> bool {
        match now {
            Value::Logs(on) => !self.turned_on().is_disjoint(on),
            _ => now.fulfils(&self.to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{
        at, bare, change, data, fault, later, leveled, log_of, of_eks, with_level, with_logs, with_map,
    };
    use super::super::super::{Aspect, SubjectLog};
    use super::*;
    use crate::evidence::eks::LogType::{self, Api, Audit, Scheduler};
    use crate::model::insights::InsightsLevel::{Disabled, Enabled, Enhanced};
    use crate::model::operation::Operation;

    const ASPECT: Aspect = Aspect::ControlPlaneLogs;

    /// Marks all changes as being undone by a rollback.
    fn marked(mut log: SubjectLog, update_id: Option<&str>) -> SubjectLog {
        let undo = Undo::InProgress { since: at(20), update_id: update_id.map(str::to_owned) };
        for of_aspect in log.aspects.values_mut() {
            of_aspect.mark_rolled_back(None, "rollback-1", Some(&undo));
        }
        log
    }

    fn turned_api_on() -> Change {
        let (from, to) = ([Scheduler].into(), [Api, Scheduler].into());
        change(1, ASPECT, Value::Logs(from), Value::Logs(to), ChangeState::Done)
    }

    /// A change that turned `api` on, as a rollback marks it.
    fn undone(update_id: Option<&str>) -> SubjectLog {
        marked(log_of([turned_api_on()]), update_id)
    }

    /// State and undo after a check of a cluster with these logs, on which the update `u` stands so.
    fn settled(
        mut log: SubjectLog,
        on: &[LogType],
        update: Option<Asked<UpdateStatus>>,
    ) -> (ChangeState, Option<Undo>) {
        let mut now = with_logs(on);
        now.updates = update.map(|update| ("u".to_owned(), update)).into_iter().collect();
        log.settle(&of_eks(&now), later());
        let change = &log.changes(ASPECT)[0];
        (change.state, change.undo.clone())
    }

    fn unread(kind: FaultKind) -> Asked<UpdateStatus> {
        Asked::Unread(fault(Operation::EksDescribeUpdate, kind))
    }

    #[test]
    fn it_ends_as_eks_says() {
        let log = || undone(Some("u"));
        assert_eq!(log().followed(), ["u"]);
        let open = (ChangeState::RolledBack, log().changes(ASPECT)[0].undo.clone());
        let known = |status| Some(Asked::Known(status));
        assert_eq!(settled(log(), &[Api], known(UpdateStatus::InProgress)), open);
        assert_eq!(settled(log(), &[], None), open, "nobody asked");
        assert_eq!(settled(log(), &[], Some(unread(FaultKind::Throttled))), open);
        assert_eq!(settled(log(), &[], known(UpdateStatus::Successful)), (ChangeState::RolledBack, None));
        let failed = UpdateStatus::Failed("no free addresses".to_owned());
        let failed = settled(log(), &[Api], known(failed));
        assert_eq!(failed, (ChangeState::Done, Some(Undo::Failed("no free addresses".to_owned()))));
        assert_eq!(log().settle(&of_eks(&bare("UPDATING")), later()), []);
    }

    #[test]
    fn what_eks_does_not_tell_of_is_judged_by_what_is_there() {
        for (log, update) in [(undone(None), None), (undone(Some("u")), Some(unread(FaultKind::NotFound)))] {
            let off = settled(log.clone(), &[Audit, Scheduler], update.clone());
            assert_eq!(off, (ChangeState::RolledBack, None));
            let (state, undo) = settled(log, &[Api, Scheduler], update);
            assert!(state == ChangeState::Done && matches!(undo, Some(Undo::Failed(_))), "{undo:?}");
        }
    }

    /// A rollback that is killed between its mark and the call, or after the call.
    #[test]
    fn a_level_is_undone_if_it_is_not_there_any_more() {
        let raised = |minute, from, to| leveled(minute, from, to, ChangeState::Done);
        let twice = [raised(1, Disabled, Enabled), raised(2, Enabled, Enhanced)];
        for (level, state) in [(Enhanced, ChangeState::Done), (Disabled, ChangeState::RolledBack)] {
            let mut log = marked(log_of(twice.clone()), None);
            assert_eq!(log.settle(&with_level(level), later()).len(), 2);
            for change in log.all_changes() {
                let is_reported = matches!(change.undo, Some(Undo::Failed(_)));
                assert_eq!((change.state, is_reported), (state, state == ChangeState::Done));
                assert!(change.rolled_back_by.is_none() || state == ChangeState::RolledBack);
            }
        }
    }

    #[test]
    fn what_was_not_undone_and_somebody_did_is_undone() {
        let failed = Some(Undo::Failed("why".to_owned()));
        let not_undone = || log_of([Change { undo: failed.clone(), ..turned_api_on() }]);
        assert_eq!(settled(not_undone(), &[Api], None), (ChangeState::Done, failed.clone()));
        assert_eq!(settled(not_undone(), &[Audit], None), (ChangeState::RolledBack, None));
    }

    #[test]
    fn what_lies_below_a_newer_change_is_not_undone_because_it_is_not_seen() {
        let aspect = Aspect::AwsLogging;
        let map = |output: &str| Value::ConfigMap(data(output));
        let first = change(1, aspect, Value::Absent, map("a"), ChangeState::Done);
        let second = change(2, aspect, map("a"), map("b"), ChangeState::Done);
        let states = |log: &SubjectLog| log.changes(aspect).iter().map(|one| one.state).collect::<Vec<_>>();
        for (there, state) in [(Some(data("b")), ChangeState::Done), (None, ChangeState::RolledBack)] {
            let mut log = marked(log_of([first.clone(), second.clone()]), None);
            for _ in 0..2 {
                log.settle(&of_eks(&with_map(there.clone())), later());
                assert_eq!(states(&log), [state, state]);
            }
        }
    }

    #[test]
    fn it_is_read_back_as_it_was_written() {
        for undo in [
            Undo::InProgress { since: at(20), update_id: None },
            Undo::InProgress { since: at(20), update_id: Some("u".to_owned()) },
            Undo::Failed("why".to_owned()),
        ] {
            let change = Change { undo: Some(undo), ..turned_api_on() };
            let json = serde_json::json!(change);
            assert_eq!(serde_json::from_value::<Change>(json).unwrap(), change);
        }
    }
}

//! The undo that a rollback requested, until it is known to be done.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::{Observed, Queried, UpdateStatus, Value};
use super::{Change, ChangeState};
use crate::model::fault::FaultKind;

/// The state of undoing a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undo {
    /// A rollback is requesting it, or has requested it.
    #[serde(rename_all = "kebab-case")]
    InProgress {
        /// When it was requested.
        since: Timestamp,
        /// EKS's update id, once EKS has accepted the request.
        update_id: Option<String>,
    },
    /// It was not done, with the reason: the change is still in effect.
    Failed(String),
}

/// Work that a service is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InProgress<'a> {
    /// When it began.
    pub since: Timestamp,
    /// EKS's id of the update to follow, if it returned one.
    pub update_id: Option<&'a str>,
}

impl Change {
    /// Settles an undo that a rollback requested, if it has ended. If it failed, the change stays
    /// done, so that another rollback can undo it. `covered`: a newer change of fargaze's hides it,
    /// see [`Self::covers`].
    pub(super) fn settle_undo(&mut self, observed: &Observed, covered: bool) -> bool {
        let Some(InProgress { update_id, .. }) = self.in_progress() else { return false };
        let Ok(now) = observed.value(self.aspect) else { return false };
        let update = update_id.and_then(|id| observed.update(id));
        let failure = match (update_id, update) {
            (_, Some(Queried::Known(UpdateStatus::Successful))) => None,
            (_, Some(Queried::Known(UpdateStatus::Failed(why)))) => Some(why.clone()),
            (_, Some(Queried::Known(UpdateStatus::InProgress))) | (Some(_), None) => return false,
            (_, Some(Queried::Unread(fault))) if fault.kind != FaultKind::NotFound => return false,
            // EKS does not know the update, or its response was lost: the current value decides.
            (_, Some(Queried::Unread(_))) | (None, None) => (covered || self.is_in_effect(&now))
                .then(|| "it is still there, for no reported reason".to_owned()),
        };
        if failure.is_some() {
            (self.state, self.rolled_back_by) = (ChangeState::Done, None);
        }
        self.undo = failure.map(Undo::Failed);
        true
    }

    /// Settles an undo that failed for a rollback but happened in some other way since.
    pub(super) fn settle_not_undone(&mut self, observed: &Observed, covered: bool) -> bool {
        let state = observed.value(self.aspect);
        let is_undone = !covered
            && matches!((&self.undo, state), (Some(Undo::Failed(_)), Ok(now)) if !self.is_in_effect(&now));
        if is_undone {
            (self.state, self.undo) = (ChangeState::RolledBack, None);
        }
        is_undone
    }

    /// Whether the current value comes from this change, so that it hides older ones, which are not
    /// undone. Additive values do not hide each other.
    pub(super) fn covers(&self, observed: &Observed) -> bool {
        let made = matches!(self.state, ChangeState::Done | ChangeState::Planned);
        let now = observed.value(self.aspect);
        made && now.is_ok_and(|now| !now.is_additive() && self.is_in_effect(&now))
    }

    /// Whether any part of the change is still in effect.
    fn is_in_effect(&self, now: &Value) -> bool {
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

    /// A change that turned `api` on, marked by a rollback.
    fn undone(update_id: Option<&str>) -> SubjectLog {
        marked(log_of([turned_api_on()]), update_id)
    }

    /// State and undo after a check of a cluster with these logs, where the update `u` has this
    /// status.
    fn settled(
        mut log: SubjectLog,
        on: &[LogType],
        update: Option<Queried<UpdateStatus>>,
    ) -> (ChangeState, Option<Undo>) {
        let mut now = with_logs(on);
        now.updates = update.map(|update| ("u".to_owned(), update)).into_iter().collect();
        log.settle(&of_eks(&now), later());
        let change = &log.changes(ASPECT)[0];
        (change.state, change.undo.clone())
    }

    fn unread(kind: FaultKind) -> Queried<UpdateStatus> {
        Queried::Unread(fault(Operation::EksDescribeUpdate, kind))
    }

    #[test]
    fn an_undo_ends_as_eks_reports() {
        let log = || undone(Some("u"));
        assert_eq!(log().followed(), ["u"]);
        let open = (ChangeState::RolledBack, log().changes(ASPECT)[0].undo.clone());
        let known = |status| Some(Queried::Known(status));
        assert_eq!(settled(log(), &[Api], known(UpdateStatus::InProgress)), open);
        assert_eq!(settled(log(), &[], None), open, "not queried");
        assert_eq!(settled(log(), &[], Some(unread(FaultKind::Throttled))), open);
        assert_eq!(settled(log(), &[], known(UpdateStatus::Successful)), (ChangeState::RolledBack, None));
        let failed = UpdateStatus::Failed("no free addresses".to_owned());
        let failed = settled(log(), &[Api], known(failed));
        assert_eq!(failed, (ChangeState::Done, Some(Undo::Failed("no free addresses".to_owned()))));
        assert_eq!(log().settle(&of_eks(&bare("UPDATING")), later()), []);
    }

    #[test]
    fn an_update_unknown_to_eks_is_settled_by_the_current_value() {
        for (log, update) in [(undone(None), None), (undone(Some("u")), Some(unread(FaultKind::NotFound)))] {
            let off = settled(log.clone(), &[Audit, Scheduler], update.clone());
            assert_eq!(off, (ChangeState::RolledBack, None));
            let (state, undo) = settled(log, &[Api, Scheduler], update);
            assert!(state == ChangeState::Done && matches!(undo, Some(Undo::Failed(_))), "{undo:?}");
        }
    }

    /// The rollback was killed between its mark and the call, or after the call.
    #[test]
    fn a_level_is_undone_once_it_is_no_longer_set() {
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
    fn a_failed_undo_that_someone_else_did_is_done() {
        let failed = Some(Undo::Failed("why".to_owned()));
        let not_undone = || log_of([Change { undo: failed.clone(), ..turned_api_on() }]);
        assert_eq!(settled(not_undone(), &[Api], None), (ChangeState::Done, failed.clone()));
        assert_eq!(settled(not_undone(), &[Audit], None), (ChangeState::RolledBack, None));
    }

    #[test]
    fn a_change_hidden_by_a_newer_one_is_not_undone() {
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
    fn changes_with_an_undo_round_trip() {
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

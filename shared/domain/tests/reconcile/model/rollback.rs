//! What a rollback does, and what happens when it is killed and called again.

use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::run::Platform;
use fargaze::reconcile::{
    Aspect, Change, ChangeState, Observed, RollbackStep, SubjectLog, Undo, Value, Waiting, rollback_step,
};
use jiff::Timestamp;

use super::calls::{after_call, before_call, done};
use super::eks::{Accepted, LogsCall};
use super::observe::Asking;
use super::receive::Following;
use super::{Begun, Disruption, Hit, Id, Owner, Setting, Stop, World};
use crate::common::OURS;

/// A rollback of one subject.
#[derive(Clone, Copy)]
struct Run<'a> {
    of: &'a Id,
    id: &'a str,
    since: Option<Timestamp>,
    time: Timestamp,
}

impl World {
    /// A rollback. One that was killed before continues first: it is called again, and others may
    /// have checked in between.
    pub(crate) fn rollback(&mut self, platform: Platform, since: Option<Timestamp>, hit: Hit) {
        let new = || Begun { id: format!("rollback-{}", self.minute), since };
        let Begun { id, since } = self.begun.remove(&platform).unwrap_or_else(new);
        self.hit = hit;
        let of_target = self.ids().into_iter().filter(|of| of.platform == platform);
        for of in of_target.collect::<Vec<_>>() {
            let run = Run { of: &of, id: &id, since, time: self.now() };
            if !self.log_of(&of, None).is_empty() && self.roll_back_subject(run).is_err() {
                self.begun.insert(platform, Begun { id, since });
                break;
            }
        }
        self.hit = Hit::NONE;
    }

    /// The state machine calls a killed rollback again.
    pub(crate) fn rollback_again(&mut self, platform: Platform) {
        if self.begun.contains_key(&platform) {
            self.rollback(platform, None, Hit::NONE);
        }
    }

    /// Killed rollbacks leave their remaining work undone.
    pub(crate) fn give_up_rollbacks(&mut self) {
        self.begun.clear();
    }

    fn roll_back_subject(&mut self, run: Run<'_>) -> Result<(), Stop> {
        if self.resources[run.of].is_hidden && run.of.is_ecs_cluster() {
            return Ok(());
        }
        let mut log = self.log_of(run.of, Some(run.id));
        if let Some(created) = self.created_at(run.of) {
            log.forget_before(created);
        }
        let logging = !log.changes(Aspect::AwsLogging).is_empty();
        let observed = self.observe(run.of, &log, Asking { logging, rolls_back: true });
        self.settle(run.of, &mut log, &observed, run.id);
        for aspect in run.of.aspects() {
            let step = rollback_step(aspect, &observed, &log, run.since);
            self.judge_rollback(run.of, aspect, &step, run.since);
            match step {
                RollbackStep::Nothing
                | RollbackStep::Skip(_)
                | RollbackStep::InDoubt { .. }
                | RollbackStep::Unknown(_) => {}
                _ if self.config.limits.dry_run => {}
                RollbackStep::RollBack { to } => self.undo_aspect(run, aspect, &to, &observed, &mut log)?,
                RollbackStep::Done { .. } => self.mark(run, aspect, &mut log, None),
                RollbackStep::Follow { .. } => {
                    let made = |change: &&Change| change.is_done_since(run.since);
                    let newest = log.changes(aspect).iter().rev().find(made);
                    let undo = newest.and_then(|change| change.undo.clone());
                    self.mark(run, aspect, &mut log, undo.as_ref());
                }
            }
        }
        if !self.config.limits.dry_run && log.in_progress().next().is_some() {
            let (cause, since, waiting) = (run.id, run.time, Waiting::AtWork);
            self.follow(run.of, &log, &Following { cause, since, waiting, rolls_back: true });
        }
        Ok(())
    }

    fn undo_aspect(
        &mut self,
        run: Run<'_>,
        aspect: Aspect,
        to: &Value,
        observed: &Observed,
        log: &mut SubjectLog,
    ) -> Result<(), Stop> {
        let Ok(from) = observed.value(aspect) else { panic!("{aspect} is not known and rolled back") };
        if from == *to {
            self.mark(run, aspect, log, None);
            return Ok(());
        }
        let newest = log.changes(aspect).last().cloned();
        let token = newest.map(|newest| Change { cause: format!("{}#rollback", run.id), ..newest }.token());
        let unmarked = log.clone();
        let asked = |update_id| Undo::InProgress { since: run.time, update_id };
        self.mark(run, aspect, log, Some(&asked(None)));
        match self.call_undo(run, aspect, &from, to, token.as_deref())? {
            Ok(Accepted { update_id, is_done, .. }) => {
                *log = unmarked;
                let undo = (!is_done).then(|| asked(update_id));
                self.mark(run, aspect, log, undo.as_ref());
            }
            Err(fault) if fault.kind == FaultKind::Conflict && self.is_back(run.of, to) => {
                *log = unmarked;
                self.mark(run, aspect, log, None);
            }
            Err(fault) => {
                if fault.kind.is_refusal() {
                    *log = unmarked;
                    self.unmark(run, aspect, log);
                }
            }
        }
        Ok(())
    }

    fn is_back(&self, id: &Id, to: &Value) -> bool {
        let now = self.resources[id].value(Aspect::ControlPlaneLogs);
        matches!((to, now), (Value::Logs(on), Value::Logs(now)) if now.is_subset(on))
    }

    fn mark(&mut self, run: Run<'_>, aspect: Aspect, log: &mut SubjectLog, undo: Option<&Undo>) {
        let of_aspect = log.aspects.entry(aspect).or_default();
        let marked = of_aspect.mark_rolled_back(run.since, run.id, undo);
        marked.iter().for_each(|change| self.write(run.of.platform, change));
        self.judge_marks(run.of, aspect, &marked);
    }

    fn unmark(&mut self, run: Run<'_>, aspect: Aspect, log: &mut SubjectLog) {
        let changes = &mut log.aspects.entry(aspect).or_default().changes;
        for change in changes.iter_mut().filter(|change| change.is_done_since(run.since)) {
            if matches!(change.undo, Some(Undo::InProgress { .. })) {
                change.state = ChangeState::RolledBack;
            }
            self.write(run.of.platform, change);
        }
    }

    /// Requests the previous value.
    fn call_undo(
        &mut self,
        run: Run<'_>,
        aspect: Aspect,
        from: &Value,
        to: &Value,
        token: Option<&str>,
    ) -> Result<Result<Accepted, Fault>, Stop> {
        let id = run.of;
        let disruption = self.next_disruption();
        if to.level().is_some() && disruption != Disruption::None {
            // Whose level it is then cannot be determined.
            self.past(id).unanswered.insert(aspect);
        }
        self.disturb(id, disruption, |world| world.undo_by_others(id, aspect, to))?;
        if let Some(fault) = before_call(disruption) {
            return Ok(Err(fault));
        }
        self.judge_undo(id, aspect, to, run.since);
        if let Value::Level(level) = *to {
            let setting = Setting { level, owner: Owner::Others };
            return after_call(self.set_level(id, setting, disruption), disruption);
        }
        let minute = self.minute;
        let Some(there) = self.resources.get_mut(id).and_then(|there| there.eks_mut()) else {
            panic!("{id} is no EKS cluster")
        };
        let answer = match (to, aspect.addon(), from) {
            (Value::Logs(on), _, Value::Logs(now)) => {
                let logs = LogsCall { on, off: &(now - on) };
                let answer = there.update_logs(&logs, token, Owner::Fargaze, minute);
                self.emit_logs(id, &logs, OURS, answer.clone());
                answer
            }
            (Value::Absent, Some(addon), _) => {
                let answer = there.delete_addon(addon, minute);
                self.emit_addon("DeleteAddon", id, addon, OURS, answer.clone());
                answer.map(|()| done())
            }
            (Value::ConfigMap(data), _, now) => {
                let namespace = there.namespace.clone();
                there.write(&namespace, now, data, Owner::Fargaze).map(|()| done())
            }
            (Value::Absent, _, Value::ConfigMap(data)) => there.delete_map(data).map(|()| done()),
            (to, ..) => panic!("there is no way back to {to} of {aspect}"),
        };
        after_call(answer, disruption)
    }

    /// Someone else undoes it just before; logs at once, as if EKS had needed no time.
    fn undo_by_others(&mut self, id: &Id, aspect: Aspect, to: &Value) {
        let minute = self.minute;
        match (to, aspect.addon()) {
            (Value::Level(to), _) => self.change_level(id, *to, "alice", "UpdateClusterSettings"),
            (Value::Logs(on), _) => {
                let Some(there) = self.resources.get_mut(id) else { return };
                there.by_others(aspect, minute, |there| {
                    there.with_eks(|eks| eks.logs.retain(|log, _| on.contains(log)));
                });
            }
            (_, Some(addon)) => self.uninstall(id, addon, "alice"),
            _ => self.set_map(id, None),
        }
    }
}

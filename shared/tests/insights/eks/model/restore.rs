//! What a restore does, and what becomes of it when it is killed and called again.

use fargaze::cluster::ClusterName;
use fargaze::fault::Fault;
use fargaze::insights::ChangeState;
use fargaze::insights::eks::{
    EksAspect, EksChange, EksLedger, EksRestoreStep, EksState, EksUndo, eks_restore_step, says_it_is_so,
};
use jiff::Timestamp;

use super::cloud::Accepted;
use super::observe::Seen;
use super::setup::{after_call, before_call};
use super::{Owner, Stop, Trouble, World, followed};
use crate::common::OURS;

/// A restore that is run.
struct Run<'a> {
    id: &'a str,
    since: Option<Timestamp>,
    time: Timestamp,
}

impl World {
    /// A restore. One that was killed before goes on first: it is called again, when others may have looked in between.
    pub(crate) fn restore(&mut self, since: Option<Timestamp>, trouble: (usize, Trouble)) {
        let (id, since) = self.begun.take().unwrap_or_else(|| (format!("restore-{}", self.minute), since));
        let run = Run { id: &id, since, time: self.now() };
        self.trouble = trouble;
        for name in self.changed() {
            if self.clusters.contains_key(&name) && self.restore_cluster(&name, &run).is_err() {
                self.begun = Some((id, since));
                break;
            }
        }
        self.trouble = (0, Trouble::None);
    }

    /// The state machine calls a restore again that was killed.
    pub(crate) fn restore_again(&mut self) {
        if self.begun.is_some() {
            self.restore(None, (0, Trouble::None));
        }
    }

    /// Whatever a killed restore had left to do is left so.
    pub(crate) fn give_up_restore(&mut self) {
        self.begun = None;
    }

    fn restore_cluster(&mut self, name: &ClusterName, run: &Run<'_>) -> Result<(), Stop> {
        let mut log = self.log_of(name, Some(run.id));
        log.forget_before(self.clusters[name].born);
        let seen = self.observe(name, &log, !log.of(EksAspect::AwsLogging).is_empty(), true);
        self.settle(&mut log, &seen);
        for aspect in EksAspect::ALL {
            let step = eks_restore_step(aspect, &seen.observed, &log, run.since);
            self.judge.note(match &step {
                EksRestoreStep::PutBack { .. } => "restored",
                EksRestoreStep::Told { .. } => "restored before",
                EksRestoreStep::Follow { .. } => "restore goes on",
                EksRestoreStep::Skip(_) | EksRestoreStep::InDoubt { .. } => "restore leaves it",
                EksRestoreStep::Unknown(_) => "restore does not know it",
                EksRestoreStep::Nothing => "nothing to restore",
            });
            match step {
                EksRestoreStep::Nothing
                | EksRestoreStep::Skip(_)
                | EksRestoreStep::InDoubt { .. }
                | EksRestoreStep::Unknown(_) => {}
                _ if self.config.dry_run => {}
                EksRestoreStep::PutBack { to } => self.undo_aspect(aspect, &to, (&seen, run), &mut log)?,
                EksRestoreStep::Told { .. } => self.mark(name, aspect, run, &mut log, None),
                EksRestoreStep::Follow { .. } => {
                    let made = |change: &&EksChange| change.is_done_since(run.since);
                    let undo = log.of(aspect).iter().rev().find(made).and_then(|change| change.undo.clone());
                    self.mark(name, aspect, run, &mut log, undo.as_ref());
                }
            }
        }
        if !self.config.dry_run && !followed(&log).is_empty() {
            self.follow(name, followed(&log), (run.id, run.time), true);
        }
        Ok(())
    }

    fn undo_aspect(
        &mut self,
        aspect: EksAspect,
        to: &EksState,
        (seen, run): (&Seen, &Run<'_>),
        log: &mut EksLedger,
    ) -> Result<(), Stop> {
        let name = &seen.observed.cluster.name;
        if seen.observed.state(aspect).as_ref() == Ok(to) {
            self.mark(name, aspect, run, log, None);
            return Ok(());
        }
        let newest = log.of(aspect).last().cloned();
        let token = newest.map(|newest| EksChange { cause: format!("{}#restore", run.id), ..newest }.token());
        let unmarked = log.clone();
        let asked = |update_id| EksUndo::InProgress { since: run.time, update_id };
        self.mark(name, aspect, run, log, Some(&asked(None)));
        match self.call_undo(aspect, to, (seen, run), token.as_deref())? {
            Ok(Accepted { update_id, .. }) => {
                *log = unmarked;
                let undo = matches!(to, EksState::Logs(_)).then(|| asked(update_id));
                self.mark(name, aspect, run, log, undo.as_ref());
            }
            Err(fault) if says_it_is_so(&fault) && self.is_back(name, to) => {
                *log = unmarked;
                self.mark(name, aspect, run, log, None);
            }
            Err(fault) => {
                if fault.kind.is_refusal() {
                    *log = unmarked;
                    self.unmark(aspect, run, log);
                }
            }
        }
        Ok(())
    }

    fn is_back(&self, name: &ClusterName, to: &EksState) -> bool {
        matches!(to, EksState::Logs(on) if self.clusters[name].log_types().is_subset(on))
    }

    fn mark(
        &mut self,
        name: &ClusterName,
        aspect: EksAspect,
        run: &Run<'_>,
        log: &mut EksLedger,
        undo: Option<&EksUndo>,
    ) {
        let marked = log.aspects.entry(aspect).or_default().mark_restored(run.since, run.id, undo);
        marked.iter().for_each(|change| self.write(change));
        self.judge_marks(name, aspect, &marked);
    }

    fn unmark(&mut self, aspect: EksAspect, run: &Run<'_>, log: &mut EksLedger) {
        let changes = &mut log.aspects.entry(aspect).or_default().changes;
        for change in changes.iter_mut().filter(|change| change.is_done_since(run.since)) {
            if matches!(change.undo, Some(EksUndo::InProgress { .. })) {
                change.state = ChangeState::Restored;
            }
            self.write(change);
        }
    }

    /// Asks for what was there before.
    fn call_undo(
        &mut self,
        aspect: EksAspect,
        to: &EksState,
        (seen, run): (&Seen, &Run<'_>),
        token: Option<&str>,
    ) -> Result<Result<Accepted, Fault>, Stop> {
        let name = &seen.observed.cluster.name;
        let trouble = self.next_trouble();
        self.disturb(name, trouble, |world| world.undo_by_others(name, aspect, to))?;
        if let Some(fault) = before_call(trouble) {
            return Ok(Err(fault));
        }
        self.judge_undo(name, aspect, to, run.since);
        let minute = self.minute;
        let Some(there) = self.clusters.get_mut(name) else { unreachable!("no time passes in a restore") };
        let answer = match (to, aspect.addon(), seen.observed.state(aspect)) {
            (EksState::Logs(on), ..) => {
                let off = &seen.observed.cluster.logs - on;
                let answer = there.update_logs((on, &off), token, Owner::Fargaze, minute);
                self.emit_logs(name, (on, &off), OURS, answer.clone());
                answer
            }
            (EksState::Absent, Some(addon), _) => {
                let answer = there.delete_addon(addon, minute);
                self.emit_addon("DeleteAddon", name, addon, OURS, answer.clone());
                answer.map(|()| Accepted::default())
            }
            (EksState::ConfigMap(data), _, Ok(now)) => {
                let namespace = there.namespace.clone();
                there.write(&namespace, &now, data, Owner::Fargaze).map(|()| Accepted::default())
            }
            (EksState::Absent, _, Ok(EksState::ConfigMap(data))) => {
                there.delete_map(&data).map(|()| Accepted::default())
            }
            (to, ..) => panic!("there is no way back to {to} of {aspect}"),
        };
        after_call(answer, trouble)
    }

    /// Somebody else undoes it just before; logs at once, as if EKS had needed no time.
    fn undo_by_others(&mut self, name: &ClusterName, aspect: EksAspect, to: &EksState) {
        match (to, aspect.addon()) {
            (EksState::Logs(on), _) => {
                let Some(there) = self.clusters.get_mut(name) else { return };
                there.by_others(aspect, |there| there.logs.retain(|log, _| on.contains(log)));
            }
            (_, Some(addon)) => self.uninstall(name, addon, "alice"),
            _ => self.set_map(name, None),
        }
    }
}

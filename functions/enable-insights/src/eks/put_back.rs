//! How a restore puts one aspect of a cluster back.

use std::collections::BTreeSet;

use fargaze::cluster::ClusterName;
use fargaze::eks::LogType;
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::eks::{
    AwsLogging, EksAspect, EksChange, EksLedger, EksResult, EksState, EksUndo, is_in_flight,
};

use super::logging;
use super::logging::CONFLICT;
use super::observe::Seen;
use super::restore::EksRestore;
use crate::reconcile::is_refusal;

/// There are no preconditions on what is in a namespace, so nobody can know that nothing of others goes with it.
const NAMESPACE_STAYS: &str =
    "; its namespace aws-observability stays, because all that is in it would be deleted with it";

/// For where the group of the access entry has no right to delete.
const BY_HAND: &str = "; or do it yourself: kubectl delete configmap -n aws-observability aws-logging";

/// The mail of the restore cannot tell how it ends.
const AT_WORK: &str = "; EKS works on it, and a later sweep tells it if EKS fails";

impl EksRestore<'_> {
    /// Puts an aspect back, and marks in the ledger what it undid.
    pub(super) async fn put_back(
        &self,
        aspect: EksAspect,
        to: &EksState,
        seen: &Seen,
        ledger: &mut EksLedger,
    ) -> Result<(EksResult, String), Fault> {
        let mut reason = before(to);
        if is_deletion(aspect, to) {
            reason += NAMESPACE_STAYS;
        }
        if self.setup.config.dry_run {
            return Ok((EksResult::WouldSet, reason));
        }
        // What an earlier attempt of this restore put back lacks only the mark.
        if seen.observed.state(aspect).as_ref() != Ok(to) {
            if let EksState::Logs(on) = to {
                return self.turn_off(on, seen, ledger).await;
            }
            if let Err(fault) = self.undo(aspect, to, seen).await {
                return Ok(not_done(fault, reason, is_deletion(aspect, to)));
            }
        }
        self.mark(aspect, ledger, None).await?;
        Ok((EksResult::Restored, reason))
    }

    /// Leaves to EKS what this restore asked for before it was called again.
    pub(super) async fn go_on(
        &self,
        aspect: EksAspect,
        to: &EksState,
        ledger: &mut EksLedger,
    ) -> Result<(EksResult, String), Fault> {
        if self.setup.config.dry_run {
            return Ok((EksResult::WouldSet, before(to)));
        }
        // The newest that is done, not an attempt behind it that was given up.
        let made = |change: &&EksChange| change.is_done_since(self.task.run.since);
        let undo = ledger.of(aspect).iter().rev().find(made).and_then(|change| change.undo.clone());
        self.mark(aspect, ledger, undo.as_ref()).await?;
        Ok((EksResult::Restored, before(to) + AT_WORK))
    }

    /// Turns all logs off but these. The ledger has it before EKS is asked, as it has any change: a restore that is killed and
    /// repeated finds a cluster that is UPDATING, and must know why. The queue follows what EKS makes of it.
    async fn turn_off(
        &self,
        on: &BTreeSet<LogType>,
        seen: &Seen,
        ledger: &mut EksLedger,
    ) -> Result<(EksResult, String), Fault> {
        let aspect = EksAspect::ControlPlaneLogs;
        let cluster = &seen.observed.cluster;
        let (unmarked, token) = (ledger.clone(), self.token(aspect, ledger));
        let undo = |update_id| EksUndo::InProgress { since: self.clock, update_id };
        self.mark(aspect, ledger, Some(&undo(None))).await?;
        let off = cluster.logs.difference(on).copied().collect();
        match self.setup.eks.update_logs(&cluster.name, on, &off, token).await {
            Ok(accepted) => {
                *ledger = unmarked;
                self.mark(aspect, ledger, Some(&undo(accepted.update_id))).await?;
                Ok((EksResult::Restored, before(&EksState::Logs(on.clone())) + AT_WORK))
            }
            Err(fault) => {
                // Of any other failure the queue finds out what came of it.
                if is_in_flight(&fault) || is_refusal(&fault) {
                    *ledger = unmarked;
                    self.unmark(aspect, ledger).await?;
                }
                Ok(not_done(fault, before(&EksState::Logs(on.clone())), false))
            }
        }
    }

    async fn mark(
        &self,
        aspect: EksAspect,
        ledger: &mut EksLedger,
        undo: Option<&EksUndo>,
    ) -> Result<(), Fault> {
        let marked = ledger.aspects.entry(aspect).or_default().mark_restored(self.task.run.since, undo);
        for change in marked {
            self.setup.memory.put_eks_restored(self.setup.target, &change, &self.task.run.id).await?;
        }
        Ok(())
    }

    /// Takes the mark back: what is done is not undone.
    async fn unmark(&self, aspect: EksAspect, ledger: &mut EksLedger) -> Result<(), Fault> {
        let of_aspect = &mut ledger.aspects.entry(aspect).or_default().changes;
        for change in of_aspect.iter_mut().filter(|change| change.is_done_since(self.task.run.since)) {
            change.undo = None;
            self.setup.memory.put_eks_change(self.setup.target, change).await?;
        }
        Ok(())
    }

    /// The same for each attempt of this restore, so that a repeated call is not refused as another change in flight.
    fn token(&self, aspect: EksAspect, ledger: &EksLedger) -> Option<String> {
        let newest = ledger.of(aspect).last()?.clone();
        Some(EksChange { cause: format!("{}#restore", self.task.run.id), ..newest }.token())
    }

    /// Brings back what is not a log.
    async fn undo(&self, aspect: EksAspect, to: &EksState, seen: &Seen) -> Result<(), Fault> {
        let name = &seen.observed.cluster.name;
        if let (EksState::Absent, Some(addon)) = (to, aspect.addon()) {
            return self.setup.eks.delete_addon(name, addon).await;
        }
        let now = seen.observed.state(aspect).map_err(Clone::clone)?;
        match (to, &seen.api, &seen.observed.logging) {
            (EksState::ConfigMap(data), Some(api), AwsLogging::Known { namespace, .. }) => {
                logging::write(api, namespace, &now, data).await?;
            }
            (EksState::Absent, Some(api), _) => match &now {
                EksState::ConfigMap(data) => logging::delete(api, data).await?,
                _ => return Err(impossible(name, aspect, to)),
            },
            _ => return Err(impossible(name, aspect, to)),
        }
        Ok(())
    }
}

fn before(to: &EksState) -> String {
    format!("it was {to} before fargaze")
}

fn is_deletion(aspect: EksAspect, to: &EksState) -> bool {
    (aspect, to) == (EksAspect::AwsLogging, &EksState::Absent)
}

/// What came of a call that failed.
fn not_done(mut fault: Fault, reason: String, is_deletion: bool) -> (EksResult, String) {
    if is_in_flight(&fault) {
        return (EksResult::InProgress, "EKS works on the cluster; restore again later".to_owned());
    }
    if fault.operation.starts_with("kubernetes:") && fault.code == CONFLICT {
        return (EksResult::Skipped, format!("{}; restore again", fault.message));
    }
    if is_deletion && fault.kind == FaultKind::Denied {
        fault.message += BY_HAND;
    }
    (EksResult::Failed(fault), reason)
}

fn impossible(cluster: &ClusterName, aspect: EksAspect, to: &EksState) -> Fault {
    let what = format!("there is no way back to {to}");
    Fault::malformed("fargaze:Restore", format!("{cluster}/{aspect}"), what)
}

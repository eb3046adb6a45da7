//! How a restore puts one aspect of a cluster back.

use fargaze::cluster::ClusterName;
use fargaze::eks::EksCluster;
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::ChangeState;
use fargaze::insights::eks::{
    AwsLogging, EksAspect, EksChange, EksLedger, EksResult, EksState, EksUndo, is_in_flight, says_it_is_so,
};
use fargaze::operation::Operation;

use super::logging;
use super::observe::Seen;
use super::restore::EksRestore;

/// There are no preconditions on what is in a namespace, so nobody can know that nothing of others goes with it.
const NAMESPACE_STAYS: &str =
    "; its namespace aws-observability stays, because all that is in it would be deleted with it";

/// The mail of the restore cannot tell how it ends.
const AT_WORK: &str = "; EKS works on it, and a later sweep tells it if EKS fails";

impl EksRestore<'_> {
    /// Puts an aspect back, and marks in the ledger what it undid. The ledger has it before anything is asked, as it has any
    /// change: a restore that is killed and repeated finds what it began, and whoever looks in between sets nothing again.
    pub(super) async fn put_back(
        &self,
        aspect: EksAspect,
        to: &EksState,
        seen: &Seen,
        ledger: &mut EksLedger,
    ) -> Result<(EksResult, String), Fault> {
        let reason = told(aspect, to);
        if self.setup.config.dry_run {
            return Ok((EksResult::WouldSet, reason));
        }
        // What an earlier attempt of this restore put back lacks only the mark.
        if seen.observed.state(aspect).as_ref() == Ok(to) {
            self.mark(aspect, ledger, None).await?;
            return Ok((EksResult::Restored, reason));
        }
        let (unmarked, token) = (ledger.clone(), self.token(aspect, ledger));
        self.mark(aspect, ledger, Some(&self.asked(None))).await?;
        match self.undo(aspect, to, seen, token).await {
            Ok(undo) => {
                *ledger = unmarked;
                self.mark(aspect, ledger, undo.as_ref()).await?;
                let at_work = if undo.is_some() { AT_WORK } else { "" };
                Ok((EksResult::Restored, reason + at_work))
            }
            Err(fault)
                if says_it_is_so(&fault) && self.is_back(&seen.observed.cluster.name, aspect, to).await? =>
            {
                *ledger = unmarked;
                self.mark(aspect, ledger, None).await?;
                Ok((EksResult::Restored, reason))
            }
            Err(fault) => {
                // Of any other failure the queue or the next sweep finds out what came of it.
                if is_in_flight(&fault) || fault.kind.is_refusal() || is_conflict(&fault) {
                    *ledger = unmarked;
                    self.unmark(aspect, ledger).await?;
                }
                Ok(not_done(fault, reason))
            }
        }
    }

    /// Whether the logs are off that were to be turned off, asked once more. Of what is in Kubernetes the conflict
    /// says enough.
    async fn is_back(&self, cluster: &ClusterName, aspect: EksAspect, to: &EksState) -> Result<bool, Fault> {
        match (aspect, to) {
            (EksAspect::ControlPlaneLogs, EksState::Logs(on)) => {
                let cluster = self.setup.eks.describe_cluster(cluster).await?;
                Ok(cluster.is_some_and(|cluster| cluster.logs.is_subset(on)))
            }
            _ => Ok(false),
        }
    }

    /// Leaves to EKS what this restore asked for before it was called again.
    pub(super) async fn go_on(
        &self,
        aspect: EksAspect,
        to: &EksState,
        ledger: &mut EksLedger,
    ) -> Result<(EksResult, String), Fault> {
        if self.setup.config.dry_run {
            return Ok((EksResult::WouldSet, told(aspect, to)));
        }
        // The newest that is done, not an attempt behind it that was given up.
        let made = |change: &&EksChange| change.is_done_since(self.task.run.since);
        let undo = ledger.of(aspect).iter().rev().find(made).and_then(|change| change.undo.clone());
        self.mark(aspect, ledger, undo.as_ref()).await?;
        Ok((EksResult::Restored, told(aspect, to) + AT_WORK))
    }

    fn asked(&self, update_id: Option<String>) -> EksUndo {
        EksUndo::InProgress { since: self.clock, update_id }
    }

    pub(super) async fn mark(
        &self,
        aspect: EksAspect,
        ledger: &mut EksLedger,
        undo: Option<&EksUndo>,
    ) -> Result<(), Fault> {
        let run = &self.task.run;
        let ledger = ledger.aspects.entry(aspect).or_default();
        for change in ledger.mark_restored(run.since, &run.id, undo) {
            self.setup.memory.put_eks_change(self.setup.target, &change).await?;
        }
        Ok(())
    }

    /// Takes the mark back: what is done is not undone. What an earlier attempt of this restore asked for is still asked for.
    async fn unmark(&self, aspect: EksAspect, ledger: &mut EksLedger) -> Result<(), Fault> {
        let of_aspect = &mut ledger.aspects.entry(aspect).or_default().changes;
        for change in of_aspect.iter_mut().filter(|change| change.is_done_since(self.task.run.since)) {
            if matches!(change.undo, Some(EksUndo::InProgress { .. })) {
                change.state = ChangeState::Restored;
            }
            self.setup.memory.put_eks_change(self.setup.target, change).await?;
        }
        Ok(())
    }

    /// The same for each attempt of this restore, so that a repeated call is not refused as another change in flight.
    fn token(&self, aspect: EksAspect, ledger: &EksLedger) -> Option<String> {
        let newest = ledger.of(aspect).last()?.clone();
        Some(EksChange { cause: format!("{}#restore", self.task.run.id), ..newest }.token())
    }

    /// Asks for what was there before; gives what EKS still works on after that.
    async fn undo(
        &self,
        aspect: EksAspect,
        to: &EksState,
        seen: &Seen,
        token: Option<String>,
    ) -> Result<Option<EksUndo>, Fault> {
        let EksCluster { name, logs, .. } = &seen.observed.cluster;
        if let EksState::Logs(on) = to {
            let off = logs.difference(on).copied().collect();
            let accepted = self.setup.eks.update_logs(name, on, &off, token).await?;
            return Ok(Some(self.asked(accepted.update_id)));
        }
        if let (EksState::Absent, Some(addon)) = (to, aspect.addon()) {
            self.setup.eks.delete_addon(name, addon).await?;
            return Ok(None);
        }
        let now = seen.observed.state(aspect).map_err(Clone::clone)?;
        match (to, &now, &seen.api, &seen.observed.logging) {
            (EksState::ConfigMap(data), _, Some(api), AwsLogging::Known { namespace, .. }) => {
                logging::write(api, namespace, &now, data).await?;
            }
            (EksState::Absent, EksState::ConfigMap(data), Some(api), _) => logging::delete(api, data).await?,
            _ => return Err(impossible(name, aspect, to)),
        }
        Ok(None)
    }
}

/// What the mail says of it.
pub(super) fn told(aspect: EksAspect, to: &EksState) -> String {
    let stays = if is_deletion(aspect, to) { NAMESPACE_STAYS } else { "" };
    format!("it was {to} before fargaze{stays}")
}

/// Whether somebody else wrote the `ConfigMap` at the same time.
fn is_conflict(fault: &Fault) -> bool {
    fault.kind == FaultKind::Conflict && matches!(fault.operation, Operation::Kubernetes { .. })
}

fn is_deletion(aspect: EksAspect, to: &EksState) -> bool {
    (aspect, to) == (EksAspect::AwsLogging, &EksState::Absent)
}

/// What came of a call that failed.
fn not_done(fault: Fault, reason: String) -> (EksResult, String) {
    if is_in_flight(&fault) {
        return (EksResult::InProgress, "EKS works on the cluster; restore again later".to_owned());
    }
    if is_conflict(&fault) {
        return (EksResult::Skipped, format!("{}; restore again", fault.message));
    }
    (EksResult::Failed(fault), reason)
}

fn impossible(cluster: &ClusterName, aspect: EksAspect, to: &EksState) -> Fault {
    let what = format!("there is no way back to {to}");
    Fault::bug(Operation::FargazeRollback, format!("{cluster}/{aspect}"), what)
}

//! The restore of EKS clusters: what fargaze set up is undone, as the ledger says, and nothing else.

use std::collections::BTreeSet;

use fargaze::aws::Store;
use fargaze::cluster::ClusterName;
use fargaze::eks::EksCluster;
use fargaze::failure::Failure;
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::eks::{
    AwsLogging, EksAspect, EksChange, EksFinding, EksLedger, EksRestoreStep, EksResult, EksState,
    eks_restore_step, is_in_flight,
};
use fargaze::outcome::{TargetDone, TargetTask};

use super::logging::CONFLICT;
use super::observe::Seen;
use super::{Setup, logging};
use crate::progress::Progress;

/// There are no preconditions on what is in a namespace, so nobody can know that nothing of others goes with it.
const NAMESPACE_STAYS: &str =
    "; its namespace aws-observability stays, because all that is in it would be deleted with it";

/// For where the group of the access entry has no right to delete.
const BY_HAND: &str = "; or do it yourself: kubectl delete configmap -n aws-observability aws-logging";

/// What a restore works with.
pub(crate) struct EksRestore<'a> {
    pub(crate) task: &'a TargetTask,
    pub(crate) store: &'a Store,
    pub(crate) setup: Setup<'a>,
}

impl EksRestore<'_> {
    /// Puts back what no earlier turn put back, and stops before the deadline.
    pub(crate) async fn run(&self) -> Result<TargetDone, Failure> {
        let Setup { eks, memory, target, config, deadline, .. } = self.setup;
        let mut progress = Progress::read(self.store, self.task, config.dry_run).await?;
        let mut ledgers = memory.eks_ledgers(target, Some(&self.task.run.id)).await?;
        let names = ledgers.keys().filter(|name| target.part.holds(name) && progress.is_ahead(name));
        let ahead: Vec<ClusterName> = names.cloned().collect();
        // The ledger still has those that are deleted: of the ones behind, only what was found counts.
        progress.begin(progress.eks_clusters() + ahead.len(), Vec::new());
        for name in ahead {
            if progress.must_stop(deadline) {
                return progress.pause(self.store, self.task).await;
            }
            match eks.describe_cluster(&name).await {
                Ok(Some(cluster)) => {
                    let ledger = ledgers.entry(name.clone()).or_default();
                    let findings = self.cluster(cluster, ledger).await?;
                    progress.add_eks(name, findings);
                }
                Ok(None) => progress.gone(name),
                Err(fault) => progress.unseen(name, fault),
            }
        }
        Ok(progress.finish(self.store, self.task).await?.target_done)
    }

    async fn cluster(&self, cluster: EksCluster, ledger: &mut EksLedger) -> Result<Vec<EksFinding>, Fault> {
        let name = cluster.name.clone();
        if let Some(created) = cluster.created_at {
            ledger.forget_before(created);
        }
        let seen = self.setup.observe(cluster, ledger, !ledger.of(EksAspect::AwsLogging).is_empty()).await;
        self.setup.settle(ledger, &seen).await?;
        let mut findings = Vec::new();
        for aspect in EksAspect::ALL {
            let finding = |result, change, reason| found(&name, Some(aspect), result, change, reason);
            findings.extend(match eks_restore_step(aspect, &seen.observed, ledger, self.task.run.since) {
                EksRestoreStep::Nothing => None,
                EksRestoreStep::Skip(why) => Some(finding(EksResult::Skipped, None, why)),
                EksRestoreStep::Unknown(fault) => Some(finding(
                    EksResult::Unknown(fault),
                    None,
                    "it could not be asked what is there".to_owned(),
                )),
                EksRestoreStep::PutBack { to } => {
                    let now = newest(ledger, aspect);
                    let change = now.map(|now| format!("{now} -> {to}"));
                    let (result, reason) = self.put_back(aspect, &to, &seen, ledger).await?;
                    Some(finding(result, change, reason))
                }
            });
        }
        if findings.is_empty() {
            findings.push(found(
                &name,
                None,
                EksResult::Left,
                None,
                "there is nothing to restore".to_owned(),
            ));
        }
        Ok(findings)
    }

    async fn put_back(
        &self,
        aspect: EksAspect,
        to: &EksState,
        seen: &Seen,
        ledger: &mut EksLedger,
    ) -> Result<(EksResult, String), Fault> {
        let mut reason = format!("it was {to} before fargaze");
        if is_deletion(aspect, to) {
            reason += NAMESPACE_STAYS;
        }
        if self.setup.config.dry_run {
            return Ok((EksResult::WouldSet, reason));
        }
        // What an earlier attempt of this restore put back lacks only the mark.
        if seen.observed.state(aspect).as_ref() != Ok(to) {
            match self.undo(aspect, to, seen, self.token(aspect, ledger)).await {
                Ok(()) => {}
                Err(fault) if is_in_flight(&fault) => {
                    let reason = "EKS works on the cluster; restore again later".to_owned();
                    return Ok((EksResult::InProgress, reason));
                }
                Err(fault) if fault.operation.starts_with("kubernetes:") && fault.code == CONFLICT => {
                    return Ok((EksResult::Skipped, format!("{}; restore again", fault.message)));
                }
                Err(mut fault) => {
                    if is_deletion(aspect, to) && fault.kind == FaultKind::Denied {
                        fault.message += BY_HAND;
                    }
                    return Ok((EksResult::Failed(fault), reason));
                }
            }
        }
        let marked = ledger.aspects.entry(aspect).or_default().mark_restored(self.task.run.since);
        for change in marked {
            self.setup.memory.put_eks_restored(self.setup.target, &change, &self.task.run.id).await?;
        }
        Ok((EksResult::Restored, reason))
    }

    /// The same for each attempt of this restore, so that a repeated call is not refused as another change in flight.
    fn token(&self, aspect: EksAspect, ledger: &EksLedger) -> Option<String> {
        let newest = ledger.of(aspect).last()?.clone();
        Some(EksChange { cause: format!("{}#restore", self.task.run.id), ..newest }.token())
    }

    async fn undo(
        &self,
        aspect: EksAspect,
        to: &EksState,
        seen: &Seen,
        token: Option<String>,
    ) -> Result<(), Fault> {
        let cluster = &seen.observed.cluster;
        match (to, aspect.addon()) {
            (EksState::Absent, Some(addon)) => self.setup.eks.delete_addon(&cluster.name, addon).await,
            (EksState::Logs(to), _) => {
                let off: BTreeSet<_> = cluster.logs.difference(to).copied().collect();
                self.setup.eks.update_logs(&cluster.name, to, &off, token).await.map(|_| ())
            }
            (EksState::Absent, None) => match (&seen.api, seen.observed.state(aspect).map_err(Clone::clone)?)
            {
                (Some(api), EksState::ConfigMap(data)) => {
                    logging::delete(api, &data).await.map_err(Fault::from)
                }
                _ => Err(impossible(&cluster.name, aspect, to)),
            },
            (EksState::ConfigMap(data), _) => match (&seen.api, &seen.observed.logging) {
                (Some(api), AwsLogging::Known { namespace, .. }) => {
                    let before = seen.observed.state(aspect).map_err(Clone::clone)?;
                    logging::write(api, namespace, &before, data).await.map_err(Fault::from)
                }
                _ => Err(impossible(&cluster.name, aspect, to)),
            },
            _ => Err(impossible(&cluster.name, aspect, to)),
        }
    }
}

fn is_deletion(aspect: EksAspect, to: &EksState) -> bool {
    (aspect, to) == (EksAspect::AwsLogging, &EksState::Absent)
}

/// What fargaze made of an aspect last.
fn newest(ledger: &EksLedger, aspect: EksAspect) -> Option<EksState> {
    ledger.of(aspect).last().map(|change| change.to.clone())
}

fn impossible(cluster: &ClusterName, aspect: EksAspect, to: &EksState) -> Fault {
    Fault::malformed(
        "fargaze:Restore",
        format!("{cluster}/{aspect}"),
        format!("there is no way back to {to}"),
    )
}

fn found(
    cluster: &ClusterName,
    aspect: Option<EksAspect>,
    result: EksResult,
    change: Option<String>,
    reason: String,
) -> EksFinding {
    let cluster = cluster.clone();
    EksFinding { cluster, aspect, result, change, reason, cost: None, unannounced: false, news: false }
}

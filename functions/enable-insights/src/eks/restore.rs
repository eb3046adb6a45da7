//! The restore of EKS clusters: what fargaze set up is undone, as the ledger says, and nothing else.

use fargaze::aws::{EksLedgers, Store};
use fargaze::cluster::ClusterName;
use fargaze::eks::EksCluster;
use fargaze::failure::Failure;
use fargaze::fault::Fault;
use fargaze::insights::eks::{
    EksAspect, EksFinding, EksLedger, EksRestoreStep, EksResult, EksState, eks_restore_step,
};
use fargaze::states::{TargetDone, TargetTask};
use jiff::Timestamp;

use super::Setup;
use super::put_back::told;
use crate::progress::Progress;

/// What a restore works with.
pub(crate) struct EksRestore<'a> {
    pub(crate) task: &'a TargetTask,
    pub(crate) store: &'a Store,
    pub(crate) setup: Setup<'a>,
    /// The time of day, since when clusters are followed.
    pub(crate) clock: Timestamp,
}

impl EksRestore<'_> {
    /// Puts back what no earlier turn put back, and stops before the deadline.
    pub(crate) async fn run(&self) -> Result<TargetDone, Failure> {
        let Setup { eks, memory, target, config, deadline, .. } = self.setup;
        let mut progress = Progress::read(self.store, self.task, config.dry_run).await?;
        let EksLedgers { mut ledgers, unreadable } =
            memory.eks_ledgers(target, Some(&self.task.run.id)).await?;
        unreadable.into_values().for_each(|fault| progress.fault(fault));
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
                    if !config.dry_run && !super::followed(ledger).is_empty() {
                        let sent = self.setup.follow(&name, ledger, (self.clock, self.clock)).await;
                        sent.map_or_else(|fault| progress.fault(fault), |_| ());
                    }
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
                EksRestoreStep::InDoubt { why, undo } => {
                    Some(EksFinding { remedy: Some(undo), ..finding(EksResult::Skipped, None, why) })
                }
                EksRestoreStep::Unknown(fault) => Some(finding(
                    EksResult::Unknown(fault),
                    None,
                    "it could not be asked what is there".to_owned(),
                )),
                EksRestoreStep::PutBack { to } => {
                    let change = newest(ledger, aspect).map(|now| format!("{now} -> {to}"));
                    let (result, reason) = self.put_back(aspect, &to, &seen, ledger).await?;
                    Some(finding(result, change, reason))
                }
                EksRestoreStep::Told { to } => {
                    let change = newest(ledger, aspect).map(|now| format!("{now} -> {to}"));
                    self.mark(aspect, ledger, None).await?;
                    Some(finding(EksResult::Restored, change, told(aspect, &to)))
                }
                EksRestoreStep::Follow { to } => {
                    let change = newest(ledger, aspect).map(|now| format!("{now} -> {to}"));
                    let (result, reason) = self.go_on(aspect, &to, ledger).await?;
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
}

/// What fargaze made of an aspect last.
fn newest(ledger: &EksLedger, aspect: EksAspect) -> Option<EksState> {
    ledger.of(aspect).last().map(|change| change.to.clone())
}

fn found(
    cluster: &ClusterName,
    aspect: Option<EksAspect>,
    result: EksResult,
    change: Option<String>,
    reason: String,
) -> EksFinding {
    let cluster = cluster.clone();
    EksFinding {
        cluster,
        aspect,
        result,
        change,
        reason,
        cost: None,
        remedy: None,
        unannounced: false,
        news: false,
    }
}

//! The restore: settings go back to what they were, as the ledger says.

use std::collections::BTreeMap;

use fargaze::aws::{Clock, Described, Ecs, Lives, Memory, ReadLedger, Store};
use fargaze::cluster::ClusterName;
use fargaze::failure::Failure;
use fargaze::fault::Fault;
use fargaze::insights::{
    AccountDefaultFinding, ClusterLedger, InsightsConfig, InsightsFinding, InsightsLevel, InsightsResult,
    Ledger, LedgerSubject, ObservedCluster, RestoreStep, restore_step,
};
use fargaze::operation::Operation;
use fargaze::states::{TargetDone, TargetTask};
use tokio::time::Instant;

use crate::progress::Progress;
use crate::reconcile::{Cause, Ended, Reconciler, forget_earlier_clusters};

/// What a restore works with.
pub(crate) struct Restore<'a> {
    pub(crate) task: &'a TargetTask,
    pub(crate) ecs: &'a Ecs,
    pub(crate) memory: &'a Memory,
    pub(crate) store: &'a Store,
    pub(crate) config: &'a InsightsConfig,
    pub(crate) clock: &'a Clock,
}

impl Restore<'_> {
    /// Puts back what no earlier turn put back, and stops before the deadline.
    pub(crate) async fn run(&self, deadline: Instant) -> Result<TargetDone, Failure> {
        let mut progress = Progress::read(self.store, self.task, self.config.dry_run).await?;
        let TargetTask { run, target, .. } = self.task;
        let (ledger, lives) =
            tokio::try_join!(self.memory.ledger_before(target, &run.id), self.memory.lives(target))?;
        let (ReadLedger { mut ledger, unreadable }, Lives { lives, unreadable: more }) = (ledger, lives);
        ledger.retain(|subject, _| !more.contains_key(&subject.to_string()));
        unreadable.into_values().chain(more.into_values()).for_each(|fault| progress.fault(fault));
        forget_earlier_clusters(&mut ledger, &lives);
        if progress.is_first_turn() {
            progress.outcome.account_default = self.account_default(&mut ledger).await?;
        }
        let names = ledger.keys().filter_map(LedgerSubject::cluster).cloned();
        let ahead: Vec<ClusterName> =
            names.filter(|name| target.part.holds(name) && progress.is_ahead(name)).collect();
        let Described { found, faults } = self.ecs.describe_clusters(&ahead).await;
        let mut found: BTreeMap<ClusterName, ObservedCluster> =
            found.into_iter().map(|cluster| (cluster.name.clone(), cluster)).collect();
        // The ledger still has those that are deleted: of the ones behind, only what was found counts.
        progress.begin(progress.outcome.insights.len() + ahead.len(), faults);
        for name in ahead {
            // One that could not be described stays as it is, and coverage tells of it.
            let Some(cluster) = found.remove(&name) else { continue };
            if progress.must_stop(deadline) {
                return progress.pause(self.store, self.task).await;
            }
            let of_cluster = ledger.entry(LedgerSubject::Cluster(name)).or_default();
            progress.add(self.cluster(&cluster, of_cluster).await?);
        }
        Ok(progress.finish(self.store, self.task).await?.target_done)
    }

    async fn cluster(
        &self,
        cluster: &ObservedCluster,
        ledger: &mut ClusterLedger,
    ) -> Result<InsightsFinding, Fault> {
        let name = cluster.name.clone();
        let Ended { level, result, reason } = if cluster.status == "ACTIVE" {
            self.put_back(&LedgerSubject::Cluster(name.clone()), cluster.level, ledger).await?
        } else {
            let reason = format!("its status is {}", cluster.status);
            Ended { level: cluster.level, result: InsightsResult::Left, reason }
        };
        Ok(InsightsFinding {
            cluster: name,
            level,
            result,
            reason,
            cost: None,
            unannounced: false,
            silent: false,
            news: false,
        })
    }

    /// Only if fargaze ever changed it.
    async fn account_default(&self, ledger: &mut Ledger) -> Result<Option<AccountDefaultFinding>, Failure> {
        let subject = LedgerSubject::AccountDefault;
        let Some(of_default) = ledger.get_mut(&subject) else { return Ok(None) };
        Ok(Some(match self.ecs.account_default().await {
            Ok(level) => {
                let Ended { level, result, reason } = self.put_back(&subject, level, of_default).await?;
                AccountDefaultFinding { level: Some(level), result, reason, news: false }
            }
            Err(fault) => AccountDefaultFinding {
                level: None,
                result: InsightsResult::Failed(fault),
                reason: "it could not be read".to_owned(),
                news: false,
            },
        }))
    }

    async fn put_back(
        &self,
        subject: &LedgerSubject,
        level: InsightsLevel,
        ledger: &mut ClusterLedger,
    ) -> Result<Ended, Fault> {
        let TargetTask { run, target, .. } = self.task;
        let cause = Cause { id: &run.id, time: run.time };
        let Self { ecs, memory, config, clock, .. } = *self;
        let reconciler = Reconciler { ecs, memory, target, config, cause, clock };
        reconciler.settle(ledger, level).await?;
        let ended = |level, result, reason| Ok(Ended { level, result, reason });
        let to = match restore_step(level, ledger, run.since) {
            RestoreStep::PutBack { to } => to,
            RestoreStep::Skip(why) => return ended(level, InsightsResult::Skipped, why),
            RestoreStep::Nothing => {
                return ended(level, InsightsResult::Left, "there is nothing to restore".to_owned());
            }
        };
        let reason = format!("it was {to} before fargaze");
        let marked = ledger.mark_restored(run.since);
        // An earlier attempt may have put it back already: told is from where.
        let before = if level == to { marked.last().map_or(level, |change| change.to) } else { level };
        if self.config.dry_run {
            return ended(before, InsightsResult::WouldSet(to), reason);
        }
        if level != to {
            if let Err(fault) = reconciler.set(subject, to).await {
                return ended(level, InsightsResult::Failed(fault), reason);
            }
            let now = reconciler.read_back(subject).await?;
            if now != to {
                let message = format!("ECS accepted `{to}`, but reads back `{now}`");
                let fault =
                    Fault::malformed(Operation::EcsUpdateClusterSettings, subject.to_string(), message);
                return ended(level, InsightsResult::Failed(fault), reason);
            }
        }
        for change in marked {
            self.memory.put_restored(target, &change, &run.id).await?;
        }
        ended(before, InsightsResult::Restored(to), reason)
    }
}

//! The sweep: every cluster of a target, so that a lost event is repaired and nothing stays unseen.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::aws::{Clock, CloudWatch, Described, Ecs, Listed, Lives, Memory, ReadLedger, Store};
use fargaze::catalogue::CONTAINER_INSIGHTS;
use fargaze::cluster::ClusterName;
use fargaze::failure::Failure;
use fargaze::fault::Fault;
use fargaze::insights::{
    AccountDefaultFinding, CostEstimate, InsightsConfig, InsightsFinding, InsightsLevel, InsightsResult,
    Ledger, LedgerSubject, Life, ObservedCluster, estimate,
};
use fargaze::outcome::Reconciled;
use fargaze::states::{TargetDone, TargetTask};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::known::{Known, Last};
use crate::progress::Progress;
use crate::reconcile::{Cause, Ended, Reconciler, forget_earlier_clusters, made_by};

/// How long after a creation or change metrics may be missing: they begin within minutes, and a listing may be some more behind.
const METRICS_BEGIN: SignedDuration = SignedDuration::from_mins(60);

/// What a sweep works with.
pub(crate) struct Sweep<'a> {
    pub(crate) task: &'a TargetTask,
    pub(crate) ecs: &'a Ecs,
    pub(crate) cloudwatch: &'a CloudWatch,
    pub(crate) memory: &'a Memory,
    pub(crate) store: &'a Store,
    pub(crate) config: &'a InsightsConfig,
    /// Whether events of this target are expected to arrive: the stack listens in its own account and Region only.
    pub(crate) hears: bool,
    pub(crate) clock: &'a Clock,
}

/// What was known before the first cluster is looked at.
struct Before {
    ledger: Ledger,
    lives: BTreeMap<ClusterName, Life>,
    /// Clusters of which something in the table cannot be read, and what.
    unreadable: BTreeMap<String, Fault>,
    last: Last,
    /// Clusters whose metrics arrive; none if that could not be asked.
    reporting: Option<BTreeSet<String>>,
    /// Clusters that this run may change in all.
    allowed: usize,
}

impl Sweep<'_> {
    /// Looks at all clusters that no earlier turn looked at, changes what is to be changed, and stops before the deadline.
    pub(crate) async fn run(&self, deadline: Instant) -> Result<TargetDone, Failure> {
        let mut progress = Progress::read(self.store, self.task, self.config.dry_run).await?;
        let target = &self.task.target;
        let Listed { found, faults: strange } = self.ecs.list_clusters().await?;
        let listed: BTreeSet<ClusterName> =
            found.into_iter().filter(|name| target.part.holds(name)).collect();
        let ahead: Vec<ClusterName> = listed.iter().filter(|name| progress.is_ahead(name)).cloned().collect();
        let Described { mut found, faults } = self.ecs.describe_clusters(&ahead).await;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        let mut before = self.before(listed.len(), &found, &mut progress).await?;
        // What is in no part is told by the first, and what no turn gets to by all: it is one question.
        let is_first_part = target.part.index == 0;
        let strange: Vec<Fault> = strange.into_iter().filter(|_| is_first_part).collect();
        if progress.is_first_turn() {
            if is_first_part {
                progress.outcome.account_default = Some(self.account_default(&mut before).await?);
            }
            self.note_deletions(&listed, &mut before).await?;
        }
        progress.begin(listed.len() + strange.len(), faults);
        strange.into_iter().for_each(|fault| progress.fault(fault));
        let earlier = progress.outcome.insights.iter().filter(|finding| counts(finding)).count();
        // Also those of an earlier attempt of this turn, which could not tell of them.
        let made = ahead.iter().filter(|name| before.was_made_by(&self.task.run.id, name)).count();
        let mut changes = earlier + made;
        for cluster in &found {
            if progress.must_stop(deadline) {
                return progress.pause(self.store, self.task).await;
            }
            if let Some(fault) = before.unreadable.remove(cluster.name.as_str()) {
                progress.unseen(cluster.name.clone(), fault);
                continue;
            }
            let may_change = changes < before.allowed;
            let was_made = before.was_made_by(&self.task.run.id, &cluster.name);
            let finding = self.cluster(cluster, &mut before, may_change).await?;
            changes += usize::from(counts(&finding) && !was_made);
            progress.add(finding);
        }
        if is_first_part {
            let others =
                before.unreadable.into_iter().filter(|(subject, _)| subject.parse::<ClusterName>().is_err());
            others.for_each(|(_, fault)| progress.fault(fault));
        }
        let done = progress.finish(self.store, self.task).await?;
        let known = Known::after(&before.last, &listed, self.task, &done.outcome);
        if !self.config.dry_run {
            known.write(before.last, self.store, self.task).await?;
        }
        Ok(done.target_done)
    }

    /// Writes down that clusters are gone of which something is known and which are not listed any more, so that
    /// others of their names are new and have no past.
    async fn note_deletions(&self, listed: &BTreeSet<ClusterName>, before: &mut Before) -> Result<(), Fault> {
        let TargetTask { run, target, .. } = self.task;
        let of_ledger = before.ledger.keys().filter_map(LedgerSubject::cluster);
        let names: BTreeSet<ClusterName> = of_ledger.chain(before.lives.keys()).cloned().collect();
        let missing = names.into_iter().filter(|name| target.part.holds(name) && !listed.contains(name));
        for name in missing {
            let life = before.lives.entry(name.clone()).or_default();
            let ledger = before.ledger.get(&LedgerSubject::Cluster(name.clone()));
            if let Some(gone) = life.missed_by(run.time, ledger) {
                *life = self.memory.note_life(target, &name, |life| life.add_deletion(gone)).await?;
            }
        }
        Ok(())
    }

    async fn before(
        &self,
        clusters: usize,
        found: &[ObservedCluster],
        progress: &mut Progress,
    ) -> Result<Before, Failure> {
        let target = &self.task.target;
        let (ledger, lives, last) = tokio::try_join!(
            self.memory.ledger(target),
            self.memory.lives(target),
            Known::before(self.store, self.task)
        )?;
        let (ReadLedger { mut ledger, mut unreadable }, Lives { lives, unreadable: more }) = (ledger, lives);
        unreadable.extend(more);
        last.lost().into_iter().for_each(|fault| progress.fault(fault));
        forget_earlier_clusters(&mut ledger, &lives);
        let is_measured =
            |cluster: &ObservedCluster| cluster.level > InsightsLevel::Disabled && cluster.running_tasks > 0;
        let reporting = if found.iter().any(is_measured) { self.reporting(progress).await } else { None };
        let allowed = self.config.limits.allows(clusters);
        Ok(Before { ledger, lives, unreadable, last, reporting, allowed })
    }

    /// `TaskCount` exists once a cluster, so one page of the listing tells of 500 clusters.
    async fn reporting(&self, progress: &mut Progress) -> Option<BTreeSet<String>> {
        match self.cloudwatch.list_active_metrics(CONTAINER_INSIGHTS, "TaskCount").await {
            Ok(metrics) => {
                let names = metrics.iter().filter_map(|metric| metric.dimensions.get("ClusterName"));
                Some(names.map(ToOwned::to_owned).collect())
            }
            Err(fault) => {
                progress.fault(fault);
                None
            }
        }
    }

    async fn cluster(
        &self,
        cluster: &ObservedCluster,
        before: &mut Before,
        may_change: bool,
    ) -> Result<InsightsFinding, Fault> {
        let name = &cluster.name;
        let life = before.lives.get(name).copied().unwrap_or_default();
        let created = life.created.map(|created| created.first);
        let sighting = before.last.sighting(name);
        let is_unseen = life.seen(sighting) == Some(false);
        let ledger = before.ledger.entry(LedgerSubject::Cluster(name.clone())).or_default();
        let known = (&life, sighting);
        let Ended { level, result, reason } =
            self.reconciler().cluster(cluster, known, ledger, may_change).await?;
        let is_recent = |time: Timestamp| self.task.run.time.duration_since(time) < METRICS_BEGIN;
        // Of a new cluster of which no event came nobody knows how new it is.
        let is_young = created.map_or(is_unseen, is_recent);
        let changed_lately = ledger.changes.last().is_some_and(|change| is_recent(change.made));
        let silent = result == InsightsResult::Right
            && cluster.level > InsightsLevel::Disabled
            && cluster.running_tasks > 0
            && !(is_young || changed_lately)
            && before.reporting.as_ref().is_some_and(|reporting| !reporting.contains(name.as_str()));
        let mut finding = InsightsFinding {
            cluster: name.clone(),
            level,
            cost: self.cost(cluster, level, &result).await,
            result,
            reason,
            unannounced: self.hears && created.is_none() && is_unseen,
            silent,
            news: false,
        };
        finding.mark_news(before.last.known().and_then(|known| known.finding(name)));
        Ok(finding)
    }

    /// What the change costs that was made, waits or is only told. An estimate that cannot be made is left out: nothing is
    /// decided by it.
    async fn cost(
        &self,
        cluster: &ObservedCluster,
        level: InsightsLevel,
        result: &InsightsResult,
    ) -> Option<CostEstimate> {
        let target = &self.task.target;
        let to = match result {
            InsightsResult::Set(to) | InsightsResult::WouldSet(to) | InsightsResult::Waiting(to) => *to,
            InsightsResult::Reported => {
                self.config.wished(&target.account, &target.region, &cluster.name).wish.wanted()?
            }
            _ => return None,
        };
        match self.ecs.cluster_size(cluster).await {
            Ok(size) => Some(estimate(level, to, &size)),
            Err(fault) => {
                tracing::warn!(%fault, "no estimate of what Container Insights of {} costs", cluster.name);
                None
            }
        }
    }

    async fn account_default(&self, before: &mut Before) -> Result<AccountDefaultFinding, Fault> {
        let ledger = before.ledger.entry(LedgerSubject::AccountDefault).or_default();
        let mut finding = match self.ecs.account_default().await {
            Ok(level) => {
                let Ended { level, result, reason } =
                    self.reconciler().account_default(level, ledger).await?;
                AccountDefaultFinding { level: Some(level), result, reason, news: false }
            }
            Err(fault) => AccountDefaultFinding {
                level: None,
                reason: "it could not be read".to_owned(),
                result: InsightsResult::Failed(fault),
                news: false,
            },
        };
        finding.mark_news(before.last.known().and_then(Known::account_default));
        Ok(finding)
    }

    fn reconciler(&self) -> Reconciler<'_> {
        let TargetTask { run, target, .. } = self.task;
        let cause = Cause { id: &run.id, time: run.time };
        Reconciler {
            ecs: self.ecs,
            memory: self.memory,
            target,
            config: self.config,
            cause,
            clock: self.clock,
        }
    }
}

impl Before {
    fn was_made_by(&self, run: &str, cluster: &ClusterName) -> bool {
        let ledger = self.ledger.get(&LedgerSubject::Cluster(cluster.clone()));
        ledger.is_some_and(|ledger| made_by(ledger, run).is_some())
    }
}

/// Whether what was found counts as one of the changes that a run may make, be they made, perhaps made or only told. A
/// refusal does not: clusters that are always refused would keep all others waiting for ever.
fn counts(finding: &InsightsFinding) -> bool {
    match &finding.result {
        InsightsResult::Set(_) | InsightsResult::WouldSet(_) => true,
        InsightsResult::Failed(fault) => !fault.kind.is_refusal(),
        _ => false,
    }
}

/// What a sweep or restore found, and where its outcome is.
pub(crate) struct Done {
    pub(crate) outcome: Reconciled,
    pub(crate) target_done: TargetDone,
}

//! The sweep of EKS clusters: every cluster of a target, so that a lost event is repaired and nothing stays unseen.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::aws::{EksLedgers, Listed, Lives, Store};
use fargaze::cluster::ClusterName;
use fargaze::eks::EksCluster;
use fargaze::failure::Failure;
use fargaze::fault::Fault;
use fargaze::insights::eks::{EksChange, EksFinding, EksLedger, EksResult};
use fargaze::insights::{Acquaintance, ChangeState, Life};
use fargaze::states::{TargetDone, TargetTask};
use jiff::Timestamp;

use super::Setup;
use super::reconcile::Looked;
use crate::known::{Known, Last};
use crate::progress::Progress;

/// What a sweep works with.
pub(crate) struct EksSweep<'a> {
    pub(crate) task: &'a TargetTask,
    pub(crate) store: &'a Store,
    pub(crate) setup: Setup<'a>,
    /// Whether events of this target are expected to arrive: the stack listens in its own account and Region only.
    pub(crate) hears: bool,
    /// The time of day, since when clusters are followed.
    pub(crate) clock: Timestamp,
}

/// What was known before the first cluster is looked at.
struct Before {
    ledgers: BTreeMap<ClusterName, EksLedger>,
    lives: BTreeMap<ClusterName, Life>,
    /// Clusters of which something in the table cannot be read, and what.
    unreadable: BTreeMap<String, Fault>,
    last: Last,
    /// Clusters that this run may change in all.
    allowed: usize,
}

impl EksSweep<'_> {
    /// Looks at all clusters that no earlier turn looked at, sets them up as wished, and stops before the deadline.
    pub(crate) async fn run(&self) -> Result<TargetDone, Failure> {
        let Setup { eks, target, config, deadline, .. } = self.setup;
        let mut progress = Progress::read(self.store, self.task, config.dry_run).await?;
        let Listed { found, faults: strange } = eks.list_clusters().await?;
        let listed: BTreeSet<ClusterName> =
            found.into_iter().filter(|name| target.part.holds(name)).collect();
        let mut before = self.before(listed.len()).await?;
        before.last.lost().into_iter().for_each(|fault| progress.fault(fault));
        let ahead: Vec<ClusterName> = listed.iter().filter(|name| progress.is_ahead(name)).cloned().collect();
        // Also those of an earlier attempt of this turn, which could not tell of them.
        let made = ahead.iter().filter(|name| before.was_made_by(&self.task.run.id, name)).count();
        let mut changes = changed(&progress.outcome.eks) + made;
        let is_first_part = target.part.index == 0;
        let strange: Vec<Fault> = strange.into_iter().filter(|_| is_first_part).collect();
        progress.begin(listed.len() + strange.len(), Vec::new());
        strange.into_iter().for_each(|fault| progress.fault(fault));
        for name in ahead {
            if progress.must_stop(deadline) {
                return progress.pause(self.store, self.task).await;
            }
            if let Some(fault) = before.unreadable.remove(name.as_str()) {
                progress.unseen(name, fault);
                continue;
            }
            let cluster = match eks.describe_cluster(&name).await {
                Ok(Some(cluster)) => cluster,
                Ok(None) => {
                    progress.gone(name);
                    continue;
                }
                Err(fault) => {
                    progress.unseen(name, fault);
                    continue;
                }
            };
            let was_made = before.was_made_by(&self.task.run.id, &name);
            let may_change = was_made || changes < before.allowed;
            let findings = self.cluster(cluster, &mut before, may_change, &mut progress).await?;
            changes += usize::from(changed(&findings) > 0 && !was_made);
            progress.add_eks(name, findings);
        }
        if is_first_part {
            let others =
                before.unreadable.into_iter().filter(|(subject, _)| subject.parse::<ClusterName>().is_err());
            others.for_each(|(_, fault)| progress.fault(fault));
        }
        let done = progress.finish(self.store, self.task).await?;
        if !config.dry_run {
            let known = Known::after(&before.last, &listed, self.task, &done.outcome);
            known.write(before.last, self.store, self.task).await?;
        }
        Ok(done.target_done)
    }

    async fn before(&self, clusters: usize) -> Result<Before, Fault> {
        let Setup { memory, target, config, .. } = self.setup;
        let (ledgers, lives, last) = tokio::try_join!(
            memory.eks_ledgers(target, None),
            memory.lives(target),
            Known::before(self.store, self.task)
        )?;
        let (EksLedgers { ledgers, mut unreadable }, Lives { lives, unreadable: more }) = (ledgers, lives);
        unreadable.extend(more);
        Ok(Before { ledgers, lives, unreadable, last, allowed: config.limits.allows(clusters) })
    }

    async fn cluster(
        &self,
        cluster: EksCluster,
        before: &mut Before,
        may_change: bool,
        progress: &mut Progress,
    ) -> Result<Vec<EksFinding>, Fault> {
        let name = cluster.name.clone();
        let life = before.lives.get(&name).copied().unwrap_or_default();
        let seen = super::seen(before.last.sighting(&name), cluster.created_at);
        let is_reported = cluster.created_at.map_or(life.created.is_some(), |at| life.reports_creation(at));
        let ledger = before.ledgers.entry(name.clone()).or_default();
        let acquaintance = Acquaintance::of(life.created.is_some(), seen);
        let looked = self.setup.cluster(cluster, acquaintance, ledger, may_change).await?;
        let Looked { mut findings, follow } = looked;
        // One that may not be changed now must not be changed by the queue either.
        if follow && may_change && !self.setup.config.dry_run {
            let sent = self.setup.follow(&name, ledger, (self.clock, self.clock)).await;
            sent.map_or_else(|fault| progress.fault(fault), |_| ());
        }
        self.retell(&mut findings, ledger);
        if let Some(first) = findings.first_mut() {
            first.unannounced = self.hears && !is_reported && seen == Some(false);
        }
        for finding in &mut findings {
            let last = before.last.known().and_then(|known| known.eks_finding(&name, finding.aspect));
            finding.mark_news(last);
        }
        Ok(findings)
    }

    /// An earlier attempt of this run, which could not tell of it, may have made what now is right or in progress.
    fn retell(&self, findings: &mut [EksFinding], ledger: &EksLedger) {
        for finding in findings {
            if !matches!(finding.result, EksResult::Right | EksResult::InProgress) {
                continue;
            }
            let aspects =
                ledger.aspects.iter().filter(|(aspect, _)| finding.aspect.is_none_or(|of| of == **aspect));
            let changes = aspects.flat_map(|(_, of)| &of.changes);
            let mut made = changes.filter(|change| is_made_by(change, &self.task.run.id));
            if let Some(change) = made.next() {
                finding.aspect = Some(change.subject.aspect);
                finding.result = EksResult::Set;
                finding.change = Some(format!("{} -> {}", change.from, change.to.asked_for()));
                finding.reason.clone_from(&change.reason);
            }
        }
    }
}

impl Before {
    fn was_made_by(&self, run: &str, cluster: &ClusterName) -> bool {
        let ledger = self.ledgers.get(cluster);
        let mut changes =
            ledger.into_iter().flat_map(|ledger| ledger.aspects.values()).flat_map(|of| &of.changes);
        changes.any(|change| is_made_by(change, run))
    }
}

/// Whether this run made the change, or perhaps did.
fn is_made_by(change: &EksChange, run: &str) -> bool {
    change.cause.split('+').next() == Some(run)
        && matches!(change.state, ChangeState::Planned | ChangeState::Done)
}

/// Clusters of which something was changed, perhaps changed, or only told, or that the queue may change when EKS is done with
/// them. A refusal does not count: clusters that always refuse would keep all others waiting for ever.
fn changed(findings: &[EksFinding]) -> usize {
    let counts = |result: &EksResult| match result {
        EksResult::Failed(fault) => !fault.kind.is_refusal(),
        EksResult::InProgress | EksResult::NotYet => true,
        result => result.is_change(),
    };
    let changed = findings.iter().filter(|finding| counts(&finding.result));
    changed.map(|finding| &finding.cluster).collect::<BTreeSet<_>>().len()
}

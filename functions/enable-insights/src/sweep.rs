//! The sweep: checks every cluster of a target, so that lost events are repaired and no cluster is
//! missed.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{TargetDone, TargetTask};
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::Fault;
use fargaze::model::run::Platform;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{
    Aspect, ChangeLog, ChangeState, Finding, FindingResult, Life, SubjectLog, SweepRecord, Transition,
    Waiting,
};
use fargaze_aws::{Listed, Lives, ReadLog, Store, cluster_of_key};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::border::{Border, DescribedAhead, Lookup, Seen};
use crate::last_sweep::{Last, LastSweep};
use crate::progress::{Pass, Progress};
use crate::reconcile::{Checked, Past, Reconciler};

/// How long after a creation or change metrics may be missing: they begin within minutes, and the
/// metrics listing may lag some more.
const METRICS_BEGIN: SignedDuration = SignedDuration::from_mins(60);

/// Everything needed for a sweep.
pub(crate) struct Sweep<'a, B> {
    pub(crate) task: &'a TargetTask,
    pub(crate) store: &'a Store,
    pub(crate) reconciler: Reconciler<'a, B>,
    /// Whether events of this target are expected: the stack receives events from its own account
    /// and Region only.
    pub(crate) receives_events: bool,
    pub(crate) deadline: Instant,
}

/// What is known before the first cluster is checked.
pub(crate) struct Remembered {
    pub(crate) log: ChangeLog,
    lives: BTreeMap<ClusterName, Life>,
    /// Subjects with unreadable items in the table, and why.
    pub(crate) unreadable: BTreeMap<String, Fault>,
    pub(crate) last: Last,
}

impl<B: Border> Sweep<'_, B> {
    /// Checks all clusters that no earlier pass checked, makes the required changes, and stops
    /// before the deadline.
    pub(crate) async fn run(mut self) -> Result<TargetDone, Failure> {
        let limits = self.reconciler.policies.limits;
        let mut progress = Progress::read(self.store, self.task, limits.dry_run).await?;
        let target = &self.task.target;
        let Listed { found, faults: unreadable_names } = self.reconciler.border.list().await?;
        let listed: BTreeSet<ClusterName> =
            found.into_iter().filter(|name| target.part.holds(name)).collect();
        let ahead: Vec<ClusterName> = listed.iter().filter(|name| progress.is_ahead(name)).cloned().collect();
        let DescribedAhead { undescribed, faults } = self.reconciler.border.describe_ahead(&ahead).await;
        let mut before = self.before().await?;
        before.last.lost().into_iter().chain(faults).for_each(|fault| progress.fault(fault));
        // Names that belong to no part are reported by the first part, and in every pass, which
        // counts once.
        let is_first_part = target.part.index == 0;
        let unreadable_names: Vec<Fault> = unreadable_names.into_iter().filter(|_| is_first_part).collect();
        if progress.is_first_pass() && target.platform == Platform::Ecs {
            if is_first_part {
                progress.add_account(self.account(&mut before).await?);
            }
            self.note_deletions(&listed, &mut before).await?;
        }
        progress.begin(listed.len() + unreadable_names.len(), undescribed);
        unreadable_names.into_iter().for_each(|fault| progress.fault(fault));
        if self.log_groups(&mut before, &mut progress).await? == Pass::Stopped {
            return progress.pause(self.store, self.task).await;
        }
        let allowed = limits.allows(listed.len());
        // Includes changes by an earlier attempt of this pass, which could not report them.
        let was_made = |before: &Remembered, name: &ClusterName| {
            before.log.get(&Subject::Cluster(name.clone())).is_some_and(|log| self.made(log).is_some())
        };
        let mut changes =
            changed(&progress.outcome.findings) + ahead.iter().filter(|name| was_made(&before, name)).count();
        for name in ahead {
            if progress.must_stop(self.deadline) {
                return progress.pause(self.store, self.task).await;
            }
            if let Some(fault) = before.unreadable.remove(name.as_str()) {
                progress.unseen(name, fault);
                continue;
            }
            let mut seen = match self.reconciler.border.find(&Subject::Cluster(name.clone())).await {
                Ok(Lookup::Found(seen)) => seen,
                Ok(Lookup::NotDescribed) => continue,
                Ok(Lookup::Missing) => {
                    progress.deleted(name);
                    continue;
                }
                Err(fault) => {
                    progress.unseen(name, fault);
                    continue;
                }
            };
            let was_made = was_made(&before, &name);
            let may_change = was_made || changes < allowed;
            let findings = self.cluster(&name, &mut seen, &mut before, may_change, &mut progress).await?;
            // What ECS failed to create does not appear by waiting, and must not keep others
            // waiting.
            let is_failed = seen.observed.status() == "FAILED";
            changes += usize::from(changed(&findings) > 0 && !was_made && !is_failed);
            progress.add(name, findings);
        }
        if is_first_part {
            let others = before.unreadable.into_iter().filter(|(key, _)| cluster_of_key(key).is_none());
            others.for_each(|(_, fault)| progress.fault(fault));
        }
        let done = progress.finish(self.store, self.task).await?;
        if !limits.dry_run {
            let checks_log_groups = self.reconciler.policies.set_log_retention(target);
            let last = LastSweep::after(&before.last, &listed, self.task, &done.outcome);
            let last = last.checking_log_groups(&before.last, checks_log_groups, self.task.run.time);
            last.write(before.last, self.store, self.task).await?;
        }
        Ok(done.target_done)
    }

    async fn before(&self) -> Result<Remembered, Fault> {
        let Reconciler { memory, target, .. } = self.reconciler;
        let (log, lives, last) = tokio::try_join!(
            memory.change_log(target, None),
            memory.lives(target),
            LastSweep::before(self.store, self.task)
        )?;
        let (ReadLog { mut log, mut unreadable }, Lives { lives, unreadable: more }) = (log, lives);
        unreadable.extend(more);
        forget_earlier_clusters(&mut log, &lives);
        Ok(Remembered { log, lives, unreadable, last })
    }

    /// Records deletions of known clusters that are no longer listed, so that new clusters of the
    /// same names have no past. For EKS clusters, the creation time is known.
    async fn note_deletions(
        &self,
        listed: &BTreeSet<ClusterName>,
        before: &mut Remembered,
    ) -> Result<(), Fault> {
        let Reconciler { memory, target, .. } = self.reconciler;
        let of_log = before.log.keys().filter_map(Subject::cluster);
        let names: BTreeSet<ClusterName> = of_log.chain(before.lives.keys()).cloned().collect();
        let missing = names.into_iter().filter(|name| target.part.holds(name) && !listed.contains(name));
        for name in missing {
            let life = before.lives.entry(name.clone()).or_default();
            let log = before.log.get(&Subject::Cluster(name.clone()));
            if let Some(deleted) = life.missed_by(self.task.run.time, log) {
                *life = memory.note_life(target, &name, |life| life.add_deletion(deleted)).await?;
            }
        }
        Ok(())
    }

    /// Checks the account as a whole. No limit applies to it.
    async fn account(&self, before: &mut Remembered) -> Result<Vec<Finding>, Fault> {
        let subject = Subject::Account;
        let Lookup::Found(mut seen) = self.reconciler.border.find(&subject).await? else {
            return Ok(Vec::new());
        };
        let log = before.log.entry(subject.clone()).or_default();
        let past = Past { life: Life::default(), sweep_record: SweepRecord::NoSweep, announced: None };
        let mut checked = self.reconciler.check(&subject, &mut seen, past, log, true).await?;
        self.finish(&mut checked.findings, &seen, log, &before.last).await;
        Ok(checked.findings)
    }

    async fn cluster(
        &self,
        name: &ClusterName,
        seen: &mut Seen,
        before: &mut Remembered,
        may_change: bool,
        progress: &mut Progress,
    ) -> Result<Vec<Finding>, Fault> {
        let subject = Subject::Cluster(name.clone());
        let past = Past {
            life: before.lives.get(name).copied().unwrap_or_default(),
            sweep_record: before.last.sweep_record(name),
            announced: None,
        };
        let created_at = seen.observed.created_at();
        let is_unseen = past.life.seen(past.sweep_record, created_at) == Some(false);
        let log = before.log.entry(subject.clone()).or_default();
        let Checked { mut findings, follow } =
            self.reconciler.check(&subject, seen, past.clone(), log, may_change).await?;
        // If it may not be changed now, the queue must not change it either.
        if follow && may_change && !self.reconciler.policies.limits.dry_run {
            let now = self.reconciler.clock.now();
            let sent = self.reconciler.follow_up(name, log, now, Waiting::AtWork).await;
            sent.map_or_else(|fault| progress.fault(fault), |_| ());
        }
        // A cluster that was created without an event is reported once, whatever its aspects.
        if let Some(first) = findings.first_mut() {
            first.unannounced = self.receives_events && is_unseen && !past.life.reports_creation(created_at);
        }
        let insights = findings.iter_mut().find(|finding| finding.aspect == Some(Aspect::ContainerInsights));
        if let Some(insights) = insights {
            let is_young = past.life.created.map_or(is_unseen, |created| self.is_recent(created.first));
            let changed_lately =
                log.changes(Aspect::ContainerInsights).iter().any(|change| self.is_recent(change.made));
            insights.silent = insights.result == FindingResult::Compliant
                && !(is_young || changed_lately)
                && self.reconciler.border.is_silent(seen);
        }
        self.finish(&mut findings, seen, log, &before.last).await;
        Ok(findings)
    }

    /// Reports what an earlier attempt of this run changed but could not report, and marks what is
    /// new.
    pub(crate) async fn finish(&self, findings: &mut [Finding], seen: &Seen, log: &SubjectLog, last: &Last) {
        for finding in findings {
            if matches!(finding.result, FindingResult::Compliant | FindingResult::InProgress) {
                let of = |change: &&fargaze::reconcile::Change| {
                    finding.aspect.is_none_or(|aspect| aspect == change.aspect)
                };
                let made = log.all_changes().filter(|change| self.is_made(change)).find(of);
                if let Some(change) = made {
                    finding.aspect = Some(change.aspect);
                    finding.result = FindingResult::Set;
                    finding.now = None;
                    finding.change = Some(Transition::new(&change.from, change.to.requested()));
                    finding.cost = self.reconciler.border.estimate(seen, &change.from, &change.to).await;
                    finding.reason.clone_from(&change.reason);
                }
            }
            finding.mark_news(last.finding(finding));
        }
    }

    fn is_recent(&self, time: Timestamp) -> bool {
        self.task.run.time.duration_since(time) < METRICS_BEGIN
    }

    pub(crate) fn made<'l>(&self, log: &'l SubjectLog) -> Option<&'l fargaze::reconcile::Change> {
        log.made_by(&self.task.run.id)
    }

    /// Whether this run made the change, or may have.
    fn is_made(&self, change: &fargaze::reconcile::Change) -> bool {
        change.is_caused_by(&self.task.run.id)
            && matches!(change.state, ChangeState::Planned | ChangeState::Done)
    }
}

/// Drops changes of clusters that were deleted since.
pub(crate) fn forget_earlier_clusters(log: &mut ChangeLog, lives: &BTreeMap<ClusterName, Life>) {
    for (cluster, life) in lives {
        let of_cluster = log.get_mut(&Subject::Cluster(cluster.clone()));
        if let (Some(deleted), Some(of_cluster)) = (life.deleted, of_cluster) {
            of_cluster.forget_before(deleted);
        }
    }
}

/// Number of clusters with a finding that counts towards the limit of changes.
fn changed(findings: &[Finding]) -> usize {
    let changed = findings.iter().filter(|finding| finding.result.counts_as_change());
    changed.filter_map(Finding::cluster).collect::<BTreeSet<_>>().len()
}

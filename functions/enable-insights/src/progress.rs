//! How far a sweep or rollback has come: findings of this turn and of those before.

use std::collections::BTreeSet;
use std::time::Duration;

use fargaze::evidence::coverage::{Coverage, counted};
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{ObjectRef, SweepCursor, TargetDone, TargetTask};
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::outcome::{Outcome, OutcomeKind, Reconciled};
use fargaze::reconcile::Finding;
use fargaze_aws::{Store, gone};
use tokio::time::Instant;

/// A turn begins no further cluster when less than this is left: one change may wait for its turn in ECS's quota and be
/// tried several times.
const MARGIN: Duration = Duration::from_secs(25);

/// Findings of a sweep or rollback so far, in the order of the clusters' names.
pub(crate) struct Progress {
    pub(crate) outcome: Reconciled,
    coverage: Coverage,
    /// The last cluster of the turns before.
    after: Option<ClusterName>,
    /// The last cluster of this turn.
    last: Option<ClusterName>,
    /// Clusters dealt with in this turn.
    done: usize,
    faults: Vec<Fault>,
}

/// What a sweep or rollback found, and where its outcome is.
pub(crate) struct Done {
    pub(crate) outcome: Reconciled,
    pub(crate) target_done: TargetDone,
}

impl Progress {
    /// Goes on where the cursor says, or begins.
    pub(crate) async fn read(store: &Store, task: &TargetTask, dry_run: bool) -> Result<Self, Failure> {
        let Some(SweepCursor { after, findings }) = &task.cursor else {
            let outcome = Reconciled { dry_run, ..Reconciled::default() };
            return Ok(Self::after(None, outcome, Coverage::default()));
        };
        let found: Outcome = store.get_json(&findings.key).await?.ok_or_else(|| gone(&findings.key))?;
        let OutcomeKind::Reconciled(outcome) = found.kind else {
            let message = "it is not the outcome of a sweep or rollback";
            return Err(Fault::malformed(Operation::S3GetObject, &findings.key, message).into());
        };
        Ok(Self::after(Some(after.clone()), outcome, found.coverage))
    }

    fn after(after: Option<ClusterName>, outcome: Reconciled, coverage: Coverage) -> Self {
        Self { outcome, coverage, after, last: None, done: 0, faults: Vec::new() }
    }

    pub(crate) fn is_first_pass(&self) -> bool {
        self.after.is_none()
    }

    /// Whether no turn before has dealt with this cluster.
    pub(crate) fn is_ahead(&self, cluster: &ClusterName) -> bool {
        self.after.as_ref().is_none_or(|after| cluster > after)
    }

    /// So many clusters are to be checked in all turns, and these could not be described.
    pub(crate) fn begin(&mut self, clusters: usize, undescribed: Vec<Fault>) {
        // A cluster that is missing was deleted after it was listed or set.
        let (deleted, faults): (Vec<_>, Vec<_>) =
            undescribed.into_iter().partition(|fault| fault.kind == FaultKind::NotFound);
        self.coverage.clusters = clusters.saturating_sub(deleted.len());
        self.faults.extend(faults);
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// What was found about the account as a whole.
    pub(crate) fn add_account(&mut self, findings: Vec<Finding>) {
        self.outcome.findings.extend(findings);
    }

    /// What was found about a cluster.
    pub(crate) fn add(&mut self, cluster: ClusterName, findings: Vec<Finding>) {
        self.passed(cluster);
        self.outcome.findings.extend(findings);
    }

    /// A cluster was deleted after it was listed or set.
    pub(crate) fn gone(&mut self, cluster: ClusterName) {
        self.coverage.clusters = self.coverage.clusters.saturating_sub(1);
        self.passed(cluster);
    }

    /// A cluster could not be described: it stays as it is, and coverage says so.
    pub(crate) fn unseen(&mut self, cluster: ClusterName, fault: Fault) {
        self.faults.push(fault);
        self.passed(cluster);
    }

    /// Clusters about which something was found.
    pub(crate) fn clusters(&self) -> usize {
        self.outcome.findings.iter().filter_map(Finding::cluster).collect::<BTreeSet<_>>().len()
    }

    fn passed(&mut self, cluster: ClusterName) {
        self.done += 1;
        self.last = Some(cluster);
    }

    /// Whether the turn must end here. Each turn deals with at least one cluster, so that the last turn comes.
    pub(crate) fn must_stop(&self, deadline: Instant) -> bool {
        self.done > 0 && deadline.saturating_duration_since(Instant::now()) < MARGIN
    }

    /// Ends this turn: another goes on after its last cluster.
    pub(crate) async fn pause(mut self, store: &Store, task: &TargetTask) -> Result<TargetDone, Failure> {
        self.count();
        let after =
            self.last.clone().or_else(|| self.after.clone()).ok_or_else(|| {
                Failure::Invalid("a sweep cannot pause before its first cluster".to_owned())
            })?;
        // A key of its own for each turn: a turn that is tried again reads what it read before.
        let key = format!("{}{after}", task.target.outcome_of_passes(&task.run));
        self.put(store, task, &key).await?;
        Ok(TargetDone::Paused { cursor: SweepCursor { after, findings: ObjectRef { key } } })
    }

    /// Ends the sweep or rollback.
    pub(crate) async fn finish(mut self, store: &Store, task: &TargetTask) -> Result<Done, Failure> {
        self.count();
        let key = task.target.outcome_key(&task.run);
        let outcome = self.put(store, task, &key).await?;
        Ok(Done { outcome, target_done: TargetDone::Done { outcome: ObjectRef { key } } })
    }

    /// Writes what was found so far, and returns it.
    async fn put(self, store: &Store, task: &TargetTask, key: &str) -> Result<Reconciled, Fault> {
        let kind = OutcomeKind::Reconciled(self.outcome.clone());
        let outcome = Outcome { target: task.target.clone(), coverage: self.coverage, kind };
        store.put_json(key, &outcome).await?;
        Ok(self.outcome)
    }

    /// A sweep asks no metrics: its coverage is about clusters alone. Changes that failed are among the findings. What each
    /// turn asks again, and in vain, is one question.
    fn count(&mut self) {
        let seen = self.clusters();
        let Coverage { faults, clusters_seen, .. } = &mut self.coverage;
        for now in counted(self.faults.drain(..)) {
            match faults.iter_mut().find(|before| before.fault == now.fault) {
                Some(before) => before.count = before.count.max(now.count),
                None => faults.push(now),
            }
        }
        faults.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.fault.cmp(&b.fault)));
        *clusters_seen = seen;
    }
}

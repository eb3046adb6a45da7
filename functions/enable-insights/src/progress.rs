//! The progress of a sweep or rollback: findings of this pass and of earlier ones.

use std::collections::BTreeSet;
use std::time::Duration;

use fargaze::evidence::coverage::{Coverage, counted};
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{ObjectRef, SweepCursor, TargetDone, TargetTask};
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::subject::Subject;
use fargaze::outcome::{Outcome, OutcomeKind, Reconciled};
use fargaze::reconcile::Finding;
use fargaze_aws::{Store, missing_object};
use tokio::time::Instant;

/// A pass starts no further cluster when less than this is left: one change may wait for ECS's
/// quota and be retried several times.
const MARGIN: Duration = Duration::from_secs(25);

/// How a part of a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// All subjects were processed.
    Ended,
    /// The pass must end before all subjects were processed.
    Stopped,
}

/// Findings of a sweep or rollback so far, in the order of the names.
pub(crate) struct Progress {
    pub(crate) outcome: Reconciled,
    coverage: Coverage,
    /// The last subject of the earlier passes: log groups come first, then clusters.
    after: Option<Subject>,
    /// The last subject of this pass.
    last: Option<Subject>,
    /// Number of subjects processed in this pass.
    done: usize,
    faults: Vec<Fault>,
}

/// What a sweep or rollback found, and where its outcome is.
pub(crate) struct Done {
    pub(crate) outcome: Reconciled,
    pub(crate) target_done: TargetDone,
}

impl Progress {
    /// Continues at the cursor, or begins.
    pub(crate) async fn read(store: &Store, task: &TargetTask, dry_run: bool) -> Result<Self, Failure> {
        let Some(SweepCursor { after, findings }) = &task.cursor else {
            let outcome = Reconciled { dry_run, ..Reconciled::default() };
            return Ok(Self::after(None, outcome, Coverage::default()));
        };
        let found: Outcome =
            store.get_json(&findings.key).await?.ok_or_else(|| missing_object(&findings.key))?;
        let OutcomeKind::Reconciled(outcome) = found.kind else {
            let message = "it is not the outcome of a sweep or rollback";
            return Err(Fault::malformed(Operation::S3GetObject, &findings.key, message).into());
        };
        Ok(Self::after(Some(after.clone()), outcome, found.coverage))
    }

    fn after(after: Option<Subject>, outcome: Reconciled, coverage: Coverage) -> Self {
        Self { outcome, coverage, after, last: None, done: 0, faults: Vec::new() }
    }

    pub(crate) fn is_first_pass(&self) -> bool {
        self.after.is_none()
    }

    /// Whether no earlier pass has processed this cluster.
    pub(crate) fn is_ahead(&self, cluster: &ClusterName) -> bool {
        self.after.as_ref().and_then(Subject::cluster).is_none_or(|after| cluster > after)
    }

    /// Whether no earlier pass has processed this log group.
    pub(crate) fn is_ahead_of_log_group(&self, name: &str) -> bool {
        !matches!(&self.after, Some(Subject::LogGroup(after)) if name <= after.as_str())
    }

    /// Whether an earlier pass has come to the clusters, and so has processed all log groups.
    pub(crate) fn has_begun_clusters(&self) -> bool {
        matches!(self.after, Some(Subject::Cluster(_)))
    }

    /// Number of log groups that were changed so far.
    pub(crate) fn changed_log_groups(&self) -> usize {
        let is_changed = |finding: &&Finding| {
            matches!(finding.subject, Subject::LogGroup(_)) && finding.result.counts_as_change()
        };
        self.outcome.findings.iter().filter(is_changed).count()
    }

    /// Starts with the number of clusters to check in all passes, and the faults of those that
    /// could not be described.
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

    /// Adds findings about the account as a whole.
    pub(crate) fn add_account(&mut self, findings: Vec<Finding>) {
        self.outcome.findings.extend(findings);
    }

    /// Adds findings about a log group.
    pub(crate) fn add_log_group(&mut self, group: Subject, findings: Vec<Finding>) {
        self.done += 1;
        self.last = Some(group);
        self.outcome.findings.extend(findings);
    }

    /// Adds findings about a cluster.
    pub(crate) fn add(&mut self, cluster: ClusterName, findings: Vec<Finding>) {
        self.passed(cluster);
        self.outcome.findings.extend(findings);
    }

    /// Records that a cluster was deleted after it was listed or set.
    pub(crate) fn deleted(&mut self, cluster: ClusterName) {
        self.coverage.clusters = self.coverage.clusters.saturating_sub(1);
        self.passed(cluster);
    }

    /// Records that a cluster could not be described: it stays unchanged, and coverage reports it.
    pub(crate) fn unseen(&mut self, cluster: ClusterName, fault: Fault) {
        self.faults.push(fault);
        self.passed(cluster);
    }

    /// Number of clusters with findings.
    pub(crate) fn clusters(&self) -> usize {
        self.outcome.findings.iter().filter_map(Finding::cluster).collect::<BTreeSet<_>>().len()
    }

    fn passed(&mut self, cluster: ClusterName) {
        self.done += 1;
        self.last = Some(Subject::Cluster(cluster));
    }

    /// Whether the pass must end here. Each pass processes at least one subject, so the passes end.
    pub(crate) fn must_stop(&self, deadline: Instant) -> bool {
        self.done > 0 && deadline.saturating_duration_since(Instant::now()) < MARGIN
    }

    /// Ends this pass: the next one continues after its last subject.
    pub(crate) async fn pause(mut self, store: &Store, task: &TargetTask) -> Result<TargetDone, Failure> {
        self.count();
        let after =
            self.last.clone().or_else(|| self.after.clone()).ok_or_else(|| {
                Failure::Invalid("a sweep cannot pause before its first subject".to_owned())
            })?;
        // Each pass has its own key, so that a retried pass reads the same findings as before.
        let key = format!("{}{after}", task.target.outcome_of_passes(&task.run));
        self.put(store, task, &key).await?;
        Ok(TargetDone::Paused { cursor: SweepCursor { after, findings: ObjectRef { key } } })
    }

    /// Ends the sweep or rollback.
    pub(crate) async fn finish(mut self, store: &Store, task: &TargetTask) -> Result<Done, Failure> {
        self.count();
        let key = task.target.outcome_key(&task.run);
        let outcome = self.put(store, task, &key).await?;
        Ok(Done { outcome, target_done: TargetDone::Done { outcome: ObjectRef { key }, began: 0 } })
    }

    /// Writes the findings so far, and returns them.
    async fn put(self, store: &Store, task: &TargetTask, key: &str) -> Result<Reconciled, Fault> {
        let kind = OutcomeKind::Reconciled(self.outcome.clone());
        let outcome = Outcome { target: task.target.clone(), coverage: self.coverage, kind };
        store.put_json(key, &outcome).await?;
        Ok(self.outcome)
    }

    /// A sweep reads no metrics: its coverage is about clusters alone. Failed changes are among the
    /// findings. A query that fails again in every pass counts once.
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

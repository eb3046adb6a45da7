//! The log groups of an account and Region: checked by the first part of its ECS target.

use fargaze::logs::LogGroup;
use fargaze::model::fault::Fault;
use fargaze::model::run::Platform;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{Aspect, ChangeLog, Desired, Finding, Life, Observed, SweepRecord};

use crate::border::{Border, Lookup, Seen};
use crate::progress::{Pass, Progress};
use crate::reconcile::{Checked, Past};
use crate::rollback::Rollback;
use crate::sweep::{Remembered, Sweep};

impl<B: Border> Sweep<'_, B> {
    /// Checks the log groups that a policy covers and no earlier pass has checked.
    pub(crate) async fn log_groups(
        &self,
        before: &mut Remembered,
        progress: &mut Progress,
    ) -> Result<Pass, Fault> {
        let target = &self.task.target;
        let policies = self.reconciler.policies;
        let is_theirs = target.platform == Platform::Ecs && target.part.index == 0;
        if !is_theirs || progress.has_begun_clusters() || !policies.set_log_retention(target) {
            return Ok(Pass::Ended);
        }
        let groups = match self.reconciler.border.log_groups(self.deadline).await {
            Ok(groups) => groups,
            Err(fault) => {
                progress.fault(fault);
                return Ok(Pass::Ended);
            }
        };
        let mut covered = groups;
        covered.retain(|group| {
            let policy = policies.of(target, &Subject::LogGroup(group.name.clone()), false);
            policy.of(Aspect::LogRetention).desired != Desired::Leave
        });
        let allowed = policies.limits.allows(covered.len());
        covered.retain(|group| progress.is_ahead_of_log_group(&group.name));
        let mut changes = progress.changed_log_groups();
        for group in covered {
            if progress.must_stop(self.deadline) {
                return Ok(Pass::Stopped);
            }
            let subject = Subject::LogGroup(group.name.clone());
            if let Some(fault) = before.unreadable.remove(&subject.to_string()) {
                progress.fault(fault);
                continue;
            }
            // Includes a change by an earlier attempt of this pass, which could not report it.
            let was_made = before.log.get(&subject).is_some_and(|log| self.made(log).is_some());
            let may_change = was_made || changes < allowed;
            let findings = self.log_group(group, before, may_change).await?;
            changes += usize::from(findings.iter().any(|finding| finding.result.counts_as_change()));
            progress.add_log_group(subject, findings);
        }
        Ok(Pass::Ended)
    }

    async fn log_group(
        &self,
        group: LogGroup,
        before: &mut Remembered,
        may_change: bool,
    ) -> Result<Vec<Finding>, Fault> {
        let subject = Subject::LogGroup(group.name.clone());
        let now = self.reconciler.clock.now();
        let past = Past {
            life: Life::default(),
            sweep_record: SweepRecord::of_log_group(group.created_at, before.last.log_groups_since(), now),
            announced: before.last.announced(&subject, Aspect::LogRetention),
        };
        let mut seen = Seen::new(Observed::of_log_group(group));
        let log = before.log.entry(subject.clone()).or_default();
        let Checked { mut findings, .. } =
            self.reconciler.check(&subject, &mut seen, past, log, may_change).await?;
        self.finish(&mut findings, &seen, log, &before.last).await;
        Ok(findings)
    }
}

impl<B: Border> Rollback<'_, B> {
    /// Rolls back the log groups that no earlier pass has rolled back.
    pub(crate) async fn log_groups(
        &self,
        log: &mut ChangeLog,
        progress: &mut Progress,
    ) -> Result<Pass, Fault> {
        if self.task.target.part.index != 0 || progress.has_begun_clusters() {
            return Ok(Pass::Ended);
        }
        for (subject, of_group) in log.iter_mut() {
            let Subject::LogGroup(name) = subject else { continue };
            if !progress.is_ahead_of_log_group(name) {
                continue;
            }
            if progress.must_stop(self.deadline) {
                return Ok(Pass::Stopped);
            }
            match self.reconciler.border.find(subject).await {
                Ok(Lookup::Found(mut seen)) => {
                    let findings = self.subject(subject, &mut seen, of_group).await?;
                    progress.add_log_group(subject.clone(), findings);
                }
                Ok(Lookup::Missing | Lookup::NotDescribed) => {}
                Err(fault) => progress.fault(fault),
            }
        }
        Ok(Pass::Ended)
    }
}

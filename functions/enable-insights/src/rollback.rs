//! The rollback: undoes what fargaze changed according to the change log, and nothing else.

use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{TargetDone, TargetTask};
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{
    Aspect, Change, ChangeState, Expiring, Finding, FindingResult, RollbackStep, SubjectKind, SubjectLog,
    Transition, Undo, Value, Waiting, rollback_step,
};
use fargaze_aws::{Lives, ReadLog, Store};
use tokio::time::Instant;

use crate::border::{Applied, Border, Call, Lookup, Seen, Work};
use crate::progress::{Pass, Progress};
use crate::reconcile::Reconciler;
use crate::sweep::forget_earlier_clusters;

/// Deletions have no preconditions on a namespace's contents, so a deletion could always remove
/// objects of others.
const NAMESPACE_STAYS: &str =
    "; its namespace aws-observability stays, because deleting it would delete everything in it";

/// What no rollback undoes.
const EVENTS_ARE_GONE: &str = "; events that have expired meanwhile stay deleted";

/// The rollback's mail is sent before EKS has finished.
const IN_PROGRESS: &str = "; EKS is processing it, and a later sweep reports it if EKS fails";

/// Everything needed for a rollback.
pub(crate) struct Rollback<'a, B> {
    pub(crate) task: &'a TargetTask,
    pub(crate) store: &'a Store,
    pub(crate) reconciler: Reconciler<'a, B>,
    pub(crate) deadline: Instant,
}

impl<B: Border> Rollback<'_, B> {
    /// Rolls back what no earlier pass rolled back, and stops before the deadline.
    pub(crate) async fn run(mut self) -> Result<TargetDone, Failure> {
        let dry_run = self.is_dry_run();
        let mut progress = Progress::read(self.store, self.task, dry_run).await?;
        let TargetTask { run, target, .. } = self.task;
        let memory = self.reconciler.memory;
        let (log, lives) = tokio::try_join!(memory.change_log(target, Some(&run.id)), memory.lives(target))?;
        let (ReadLog { mut log, unreadable }, Lives { lives, unreadable: more }) = (log, lives);
        log.retain(|subject, _| !more.contains_key(&subject.to_string()));
        unreadable.into_values().chain(more.into_values()).for_each(|fault| progress.fault(fault));
        forget_earlier_clusters(&mut log, &lives);
        if progress.is_first_pass()
            && target.part.index == 0
            && let Some(of_account) = log.get_mut(&Subject::Account)
            && let Lookup::Found(mut seen) = self.reconciler.border.find(&Subject::Account).await?
        {
            progress.add_account(self.subject(&Subject::Account, &mut seen, of_account).await?);
        }
        let names = log.keys().filter_map(Subject::cluster).cloned();
        let ahead: Vec<ClusterName> =
            names.filter(|name| target.part.holds(name) && progress.is_ahead(name)).collect();
        let undescribed = self.reconciler.border.describe_ahead(&ahead).await.undescribed;
        // The change log still has deleted clusters: of those already processed, only the ones with
        // findings count.
        progress.begin(progress.clusters() + ahead.len(), undescribed);
        if self.log_groups(&mut log, &mut progress).await? == Pass::Stopped {
            return progress.pause(self.store, self.task).await;
        }
        for name in ahead {
            if progress.must_stop(self.deadline) {
                return progress.pause(self.store, self.task).await;
            }
            let subject = Subject::Cluster(name.clone());
            match self.reconciler.border.find(&subject).await {
                Ok(Lookup::Found(mut seen)) => {
                    let of_cluster = log.entry(subject.clone()).or_default();
                    let findings = self.subject(&subject, &mut seen, of_cluster).await?;
                    if !dry_run && of_cluster.in_progress().next().is_some() {
                        let now = self.reconciler.clock.now();
                        let sent = self.reconciler.follow_up(&name, of_cluster, now, Waiting::AtWork).await;
                        sent.map_or_else(|fault| progress.fault(fault), |_| ());
                    }
                    progress.add(name, findings);
                }
                // It stays unchanged, and coverage reports it.
                Ok(Lookup::NotDescribed) => {}
                Ok(Lookup::Missing) => progress.deleted(name),
                Err(fault) => progress.unseen(name, fault),
            }
        }
        Ok(progress.finish(self.store, self.task).await?.target_done)
    }

    fn is_dry_run(&self) -> bool {
        self.reconciler.policies.limits.dry_run
    }

    pub(crate) async fn subject(
        &self,
        subject: &Subject,
        seen: &mut Seen,
        log: &mut SubjectLog,
    ) -> Result<Vec<Finding>, Fault> {
        if let Some(created) = seen.observed.created_at() {
            log.forget_before(created);
        }
        let changed = log.all_changes().map(|change| change.aspect).collect();
        self.reconciler.border.ask(seen, log, &changed).await;
        self.reconciler.settle(log, &seen.observed).await?;
        let kind = SubjectKind::of(self.task.target.platform, subject);
        let mut findings = Vec::new();
        for aspect in kind.into_iter().flat_map(Aspect::of) {
            let finding = |result, reason| Finding {
                now: seen.observed.value(aspect).ok().map(|now| now.to_string()),
                ..Finding::new(subject.clone(), Some(aspect), result, reason)
            };
            let newest = log.changes(aspect).last().map(|change| change.to.clone());
            let transition = |to: &Value| newest.map(|from| Transition::new(&from, to));
            findings.extend(match rollback_step(aspect, &seen.observed, log, self.task.run.since) {
                RollbackStep::Nothing => None,
                RollbackStep::Skip(why) => Some(finding(FindingResult::Skipped, why)),
                RollbackStep::InDoubt { why, undo } => {
                    Some(Finding { remedy: Some(undo), ..finding(FindingResult::Skipped, why) })
                }
                RollbackStep::Unknown(fault) => Some(finding(
                    FindingResult::Unknown(fault),
                    "the current state could not be read".to_owned(),
                )),
                RollbackStep::RollBack { to } if self.deletes(&to, seen).is_some() => {
                    let expiring = self.deletes(&to, seen);
                    let why = format!(
                        "it had {to} before fargaze, and setting that again would delete events for good; if that is what you \
                         want, set it yourself"
                    );
                    Some(Finding { expiring, ..finding(FindingResult::Skipped, why) })
                }
                RollbackStep::RollBack { to } => {
                    let change = transition(&to);
                    let (result, reason) = self.roll_back(subject, aspect, &to, seen, log).await?;
                    Some(Finding { change, now: None, ..finding(result, reason) })
                }
                RollbackStep::Done { to } => {
                    let change = transition(&to);
                    self.mark(aspect, log, None).await?;
                    let reason = reason(aspect, &to);
                    Some(Finding { change, now: None, ..finding(FindingResult::RolledBack, reason) })
                }
                RollbackStep::Follow { to } => {
                    let change = transition(&to);
                    let (result, reason) = self.follow(aspect, &to, log).await?;
                    Some(Finding { change, now: None, ..finding(result, reason) })
                }
            });
        }
        if findings.is_empty() {
            let why = "there is nothing to roll back";
            findings.push(Finding::new(subject.clone(), None, FindingResult::Left, why));
        }
        Ok(findings)
    }

    /// What setting this value would delete of a log group: no rollback deletes events.
    fn deletes(&self, to: &Value, seen: &Seen) -> Option<Expiring> {
        let (Value::Retention(Some(days)), Some(group)) = (to, seen.observed.log_group()) else {
            return None;
        };
        Expiring::of(group, *days, self.reconciler.clock.now())
    }

    /// Rolls an aspect back, and marks the undone changes in the change log. As with any change,
    /// the log has the mark before the call: a rollback that is killed and repeated finds what it
    /// began, and a check in between sets nothing again.
    async fn roll_back(
        &self,
        subject: &Subject,
        aspect: Aspect,
        to: &Value,
        seen: &Seen,
        log: &mut SubjectLog,
    ) -> Result<(FindingResult, String), Fault> {
        let reason = reason(aspect, to);
        if self.is_dry_run() {
            return Ok((FindingResult::WouldSet, reason));
        }
        let from = seen.observed.value(aspect).map_err(Clone::clone)?;
        // If an earlier attempt of this rollback undid it, only the mark is missing.
        if from == *to {
            self.mark(aspect, log, None).await?;
            return Ok((FindingResult::RolledBack, reason));
        }
        let (unmarked, token) = (log.clone(), self.token(aspect, log));
        self.mark(aspect, log, Some(&self.requested(None))).await?;
        let call = Call { subject, aspect, from: &from, to, token: &token };
        let undo = match self.reconciler.border.apply(&call, seen).await {
            Ok(Applied { work: Work::Done, .. }) => None,
            Ok(Applied { work: Work::InProgress { update_id, .. }, .. }) => Some(self.requested(update_id)),
            Ok(Applied { work: Work::Unread(fault), .. }) => return Ok(not_done(fault, reason)),
            Err(fault) if fault.kind == FaultKind::Conflict && self.is_off(subject, aspect, to).await? => {
                None
            }
            Err(fault) => {
                // After any other failure, the queue or the next sweep finds out the result.
                if fault.kind.is_refusal() {
                    *log = unmarked;
                    self.unmark(aspect, log).await?;
                }
                return Ok(not_done(fault, reason));
            }
        };
        *log = unmarked;
        self.mark(aspect, log, undo.as_ref()).await?;
        let in_progress = if undo.is_some() { IN_PROGRESS } else { "" };
        Ok((FindingResult::RolledBack, reason + in_progress))
    }

    /// Whether the logs to be turned off are off, read once more. For Kubernetes objects, the
    /// conflict says enough.
    async fn is_off(&self, subject: &Subject, aspect: Aspect, to: &Value) -> Result<bool, Fault> {
        let Value::Logs(on) = to else { return Ok(false) };
        let Lookup::Found(seen) = self.reconciler.border.find(subject).await? else { return Ok(false) };
        let now = seen.observed.value(aspect).map_err(Clone::clone)?;
        Ok(matches!(now, Value::Logs(now) if now.is_subset(on)))
    }

    /// Follows an update that this rollback requested in an earlier attempt.
    async fn follow(
        &self,
        aspect: Aspect,
        to: &Value,
        log: &mut SubjectLog,
    ) -> Result<(FindingResult, String), Fault> {
        if self.is_dry_run() {
            return Ok((FindingResult::WouldSet, reason(aspect, to)));
        }
        // The newest that is done, not an attempt behind it that was given up.
        let made = |change: &&Change| change.is_done_since(self.task.run.since);
        let undo = log.changes(aspect).iter().rev().find(made).and_then(|change| change.undo.clone());
        self.mark(aspect, log, undo.as_ref()).await?;
        Ok((FindingResult::RolledBack, reason(aspect, to) + IN_PROGRESS))
    }

    fn requested(&self, update_id: Option<String>) -> Undo {
        Undo::InProgress { since: self.reconciler.clock.now(), update_id }
    }

    async fn mark(&self, aspect: Aspect, log: &mut SubjectLog, undo: Option<&Undo>) -> Result<(), Fault> {
        let Reconciler { memory, target, .. } = self.reconciler;
        let run = &self.task.run;
        let of_aspect = log.aspects.entry(aspect).or_default();
        for change in of_aspect.mark_rolled_back(run.since, &run.id, undo) {
            memory.put_change(target, &change).await?;
        }
        Ok(())
    }

    /// Removes the mark, because the change was not undone. What an earlier attempt of this
    /// rollback requested stays requested.
    async fn unmark(&self, aspect: Aspect, log: &mut SubjectLog) -> Result<(), Fault> {
        let Reconciler { memory, target, .. } = self.reconciler;
        let of_aspect = &mut log.aspects.entry(aspect).or_default().changes;
        for change in of_aspect.iter_mut().filter(|change| change.is_done_since(self.task.run.since)) {
            if matches!(change.undo, Some(Undo::InProgress { .. })) {
                change.state = ChangeState::RolledBack;
            }
            memory.put_change(target, change).await?;
        }
        Ok(())
    }

    /// The same for each attempt of this rollback, so that a repeated call is not refused as
    /// another change in progress.
    fn token(&self, aspect: Aspect, log: &SubjectLog) -> String {
        let newest = log.changes(aspect).last().cloned();
        let cause = format!("{}#rollback", self.task.run.id);
        newest.map(|newest| Change { cause, ..newest }.token()).unwrap_or_default()
    }
}

/// The reason in the mail.
fn reason(aspect: Aspect, to: &Value) -> String {
    match (aspect, to) {
        (Aspect::AwsLogging, Value::Absent) => format!("it was {to} before fargaze{NAMESPACE_STAYS}"),
        (Aspect::LogRetention, _) => format!("it had {to} before fargaze{EVENTS_ARE_GONE}"),
        _ => format!("it was {to} before fargaze"),
    }
}

/// The result of a failed call.
fn not_done(fault: Fault, reason: String) -> (FindingResult, String) {
    let is_of_kubernetes = matches!(fault.operation, Operation::Kubernetes { .. });
    match fault.kind {
        FaultKind::InProgress => (
            FindingResult::InProgress,
            "EKS is processing another update of the cluster; roll back again later".to_owned(),
        ),
        FaultKind::Conflict if is_of_kubernetes => {
            (FindingResult::Skipped, format!("{}; roll back again", fault.message))
        }
        _ => (FindingResult::Failed(fault), reason),
    }
}

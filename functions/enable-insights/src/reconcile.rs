//! Reconciles one subject: policy and observed state -> steps -> changed, read back, written into
//! the change log.

use std::collections::BTreeSet;

use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::Target;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{
    Action, Announced, Case, Change, ChangeState, Checker, Finding, FindingResult, FollowUp, FollowedUpdate,
    Intent, Life, Observed, Policies, Step, SubjectLog, SubjectPolicy, SweepRecord, Value, Waiting, decide,
};
use fargaze_aws::{Clock, Memory, Queue, Written};
use jiff::Timestamp;

use crate::border::{Applied, Border, Call, Lookup, Seen, Work};

/// Why a subject is left although this run may change it. The next check sees the result of the
/// other change.
const UNDER_WAY: &str = "another event or run is changing it right now";

/// Everything needed to reconcile the subjects of one target.
#[derive(Debug)]
pub(crate) struct Reconciler<'a, B> {
    pub(crate) border: B,
    pub(crate) memory: &'a Memory,
    pub(crate) queue: &'a Queue,
    pub(crate) clock: &'a Clock,
    pub(crate) target: &'a Target,
    pub(crate) policies: &'a Policies,
    /// Id of the event or of the run.
    pub(crate) cause: &'a str,
    /// Whether it serves a rollback, or follows up on one: then nothing is set.
    pub(crate) rolls_back: bool,
    /// Whether costs are estimated, which takes calls.
    pub(crate) estimates: bool,
}

/// What was reported about a subject, and what sweeps recorded.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(crate) life: Life,
    pub(crate) sweep_record: SweepRecord,
    /// The change that a sweep announced and did not make yet.
    pub(crate) announced: Option<Announced>,
}

/// The result of checking a subject.
#[derive(Debug)]
pub(crate) struct Checked {
    /// One per aspect, or one about the whole.
    pub(crate) findings: Vec<Finding>,
    /// Whether to check it again soon.
    pub(crate) follow: bool,
}

impl<B: Border> Reconciler<'_, B> {
    /// Applies a subject's policies. `may_change` is whether this run may change another cluster.
    pub(crate) async fn check(
        &self,
        subject: &Subject,
        seen: &mut Seen,
        past: Past,
        log: &mut SubjectLog,
        may_change: bool,
    ) -> Result<Checked, Fault> {
        let created_at = seen.observed.created_at();
        if let Some(created) = created_at {
            log.forget_before(created);
        }
        let by_batch = past.life.created.is_some_and(|created| created.by_batch);
        let policy = self.policies.of(self.target, subject, by_batch);
        self.border.ask(seen, log, &(&policy.asked() | &log.begun())).await;
        self.settle(log, &seen.observed).await?;
        let origin = past.life.origin(past.sweep_record, log, created_at);
        let case = Case {
            policy: &policy,
            observed: &seen.observed,
            origin,
            log,
            announced: past.announced.as_ref(),
            now: self.clock.now(),
        };
        let steps = decide(&case);
        let mut findings = Vec::with_capacity(steps.len());
        for step in steps {
            findings.push(self.carry_out(subject, step, &policy, seen, log, may_change).await?);
        }
        let is_busy = |finding: &Finding| match finding.result {
            FindingResult::InProgress => true,
            // What ECS failed to create does not appear by waiting.
            FindingResult::NotYet => seen.observed.status() != "FAILED",
            _ => false,
        };
        let follow = !self.rolls_back && findings.iter().any(is_busy) || log.in_progress().next().is_some();
        Ok(Checked { findings, follow })
    }

    /// Closes changes that were begun earlier, as far as the subject's state shows how they ended.
    pub(crate) async fn settle(&self, log: &mut SubjectLog, observed: &Observed) -> Result<(), Fault> {
        for change in log.settle(observed, self.checker()) {
            self.memory.put_change(self.target, &change).await?;
        }
        Ok(())
    }

    /// Sends a cluster back to the queue, to be checked again in a minute or two. Returns false if
    /// it has been followed for long enough: from then on, the sweep checks it.
    pub(crate) async fn follow_up(
        &self,
        cluster: &ClusterName,
        log: &SubjectLog,
        since: Timestamp,
        waiting: Waiting,
    ) -> Result<bool, Fault> {
        let Target { platform, account, region, .. } = self.target.clone();
        let updates = log.in_progress().map(|(change, work)| FollowedUpdate {
            aspect: change.aspect,
            id: work.update_id.map(str::to_owned),
        });
        let (updates, rollback) = (updates.collect(), self.rolls_back);
        let cause = self.cause.to_owned();
        let mut follow = FollowUp::new(platform, account, region, cluster.clone(), since, cause);
        (follow.updates, follow.rollback) = (updates, rollback);
        let Some(delay) = follow.delay_seconds(waiting, self.clock.now()) else { return Ok(false) };
        self.queue.send_later(&follow, delay, cluster.as_str()).await?;
        Ok(true)
    }

    async fn carry_out(
        &self,
        subject: &Subject,
        mut step: Step,
        policy: &SubjectPolicy,
        seen: &Seen,
        log: &mut SubjectLog,
        may_change: bool,
    ) -> Result<Finding, Fault> {
        let mut result = FindingResult::Waiting;
        let mut transition = None;
        if let (Some(aspect), Action::Set { from, to }) = (step.aspect, &step.action) {
            transition = Some((from.clone(), to.clone()));
            let under_way = log.aspect(aspect).and_then(|log| log.under_way(self.checker()));
            if may_change {
                result = if under_way.is_some() {
                    FindingResult::UnderWay
                } else if self.policies.limits.dry_run {
                    FindingResult::WouldSet
                } else {
                    let intent = Intent {
                        subject: subject.clone(),
                        aspect,
                        from: from.clone(),
                        to: to.clone(),
                        policy: policy.of(aspect).desired.to_string(),
                        reason: step.reason.clone(),
                    };
                    let change = log.plan(intent, self.checker(), seen.observed.created_at());
                    self.make(change, seen, log).await?
                };
            }
            match result {
                FindingResult::Compliant => {
                    step.action = Action::Comply;
                    step.reason =
                        format!("someone else made the same change at the same time; {}", step.reason);
                }
                FindingResult::UnderWay => UNDER_WAY.clone_into(&mut step.reason),
                FindingResult::Left => {
                    step.action = Action::Leave;
                    "it was deleted in the meantime".clone_into(&mut step.reason);
                }
                _ => {}
            }
        }
        if let (Action::Report, Some(aspect), Some(now)) = (&step.action, step.aspect, &step.now) {
            transition = policy.of(aspect).desired.wanted(now).map(|to| (now.clone(), to));
        }
        let mut finding = Finding::of_step(subject.clone(), step, result);
        if finding.result == FindingResult::Announced && self.policies.limits.dry_run {
            finding.result = FindingResult::WouldSet;
        }
        if let (true, Some((from, to))) = (self.estimates && has_cost(&finding.result), transition) {
            finding.cost = self.border.estimate(seen, &from, &to).await.or(finding.cost);
        }
        Ok(finding)
    }

    /// Makes a change, unless another invocation makes it at the same time. The change log has it
    /// before it is made, and again when it is done or the service is processing it.
    async fn make(
        &self,
        mut change: Change,
        seen: &Seen,
        log: &mut SubjectLog,
    ) -> Result<FindingResult, Fault> {
        if self.memory.plan_change(self.target, &change).await? == Written::Conflict {
            return Ok(FindingResult::UnderWay);
        }
        let token = change.token();
        let Change { subject, aspect, from, to, .. } = &change;
        let call = Call { subject, aspect: *aspect, from, to, token: &token };
        let result = match self.border.apply(&call, seen).await {
            Ok(Applied { request_id, work }) => {
                change.request_id = request_id;
                match work {
                    Work::Done => change.state = ChangeState::Done,
                    Work::InProgress { update_id, version: chosen } => {
                        (change.accepted, change.update_id) = (true, update_id);
                        // A version that others set later is not EKS's choice.
                        if let Value::Addon { version, .. } = &mut change.to {
                            *version = chosen;
                        }
                    }
                    Work::Unread(fault) if fault.kind == FaultKind::NotFound => {
                        return Ok(FindingResult::Left);
                    }
                    Work::Unread(fault) => return Ok(FindingResult::Failed(fault)),
                }
                FindingResult::Set
            }
            // After any other failure, the next check finds out the result.
            Err(fault) if !fault.kind.is_refusal() => return Ok(FindingResult::Failed(fault)),
            Err(fault) => {
                let planned = change.clone();
                change.state = ChangeState::Abandoned;
                if self.memory.abandon_change(self.target, &planned, &change).await? == Written::Yes {
                    log.put(change.clone());
                }
                return Ok(match fault.kind {
                    // If it is in place, someone else did it, not this call.
                    FaultKind::Conflict => match self.is_in_place(&change, log).await {
                        Ok(true) => FindingResult::Compliant,
                        Ok(false) => FindingResult::Failed(fault),
                        Err(fault) => FindingResult::Unknown(fault),
                    },
                    FaultKind::InProgress => FindingResult::InProgress,
                    // Not a missing add-on or log, but a missing cluster or log group.
                    FaultKind::NotFound if is_about_the_subject(&fault.operation) => FindingResult::Left,
                    _ => FindingResult::Failed(fault),
                });
            }
        };
        self.memory.put_change(self.target, &change).await?;
        log.put(change);
        Ok(result)
    }

    /// Whether the result of a change is in place, read once more.
    async fn is_in_place(&self, change: &Change, log: &SubjectLog) -> Result<bool, Fault> {
        let Lookup::Found(mut seen) = self.border.find(&change.subject).await? else { return Ok(false) };
        self.border.ask(&mut seen, log, &BTreeSet::from([change.aspect])).await;
        let now = seen.observed.value(change.aspect).map_err(Clone::clone)?;
        // An installed add-on counts, whatever its version.
        let is_addon = matches!((&now, &change.to), (Value::Addon { .. }, Value::Addon { .. }));
        Ok(is_addon || now.fulfils(&change.to))
    }

    fn checker(&self) -> Checker<'_> {
        Checker { cause: self.cause, now: self.clock.now() }
    }
}

/// Whether a call that did not find something did not find the subject itself.
fn is_about_the_subject(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::EcsUpdateClusterSettings
            | Operation::LogsPutRetentionPolicy
            | Operation::LogsDeleteRetentionPolicy
    )
}

/// Whether the cost matters for this result.
fn has_cost(result: &FindingResult) -> bool {
    matches!(
        result,
        FindingResult::Set | FindingResult::WouldSet | FindingResult::Waiting | FindingResult::Reported
    )
}

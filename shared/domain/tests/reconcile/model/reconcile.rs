//! What event path, queue and sweep do with a subject: settle, decide, write, call, write.

use fargaze::model::fault::FaultKind;
use fargaze::reconcile::{
    Action, Aspect, Case, Change, ChangeState, Checker, Desired, Finding, FindingResult, Intent, Observed,
    Step, SubjectLog, SubjectPolicy, SweepRecord, Value, decide,
};

use super::eks::Accepted;
use super::observe::Asking;
use super::{Disruption, Id, Stop, World, key};

/// A check of a subject.
#[derive(Debug, Clone, Copy)]
pub(super) struct Check<'a> {
    pub(super) id: &'a Id,
    /// Id of the event or run that triggers it.
    pub(super) cause: &'a str,
    /// It follows a request of a rollback.
    pub(super) rolls_back: bool,
    pub(super) may_change: bool,
}

/// Its result.
pub(super) struct Checked {
    pub(super) findings: Vec<Finding>,
    pub(super) log: SubjectLog,
    pub(super) follow: bool,
}

/// What is known about a subject while its steps are carried out.
struct Now<'a> {
    policy: &'a SubjectPolicy,
    observed: &'a Observed,
}

impl World {
    /// Applies its policies to an existing subject.
    pub(super) fn check(&mut self, check: &Check<'_>) -> Result<Checked, Stop> {
        let Check { id, cause, rolls_back, .. } = *check;
        let mut log = self.log_of(id, None);
        let created_at = self.created_at(id);
        if let Some(created) = created_at {
            log.forget_before(created);
        }
        if log.all_changes().count() < self.changes_of(id) {
            self.judge.note("of an earlier cluster");
        }
        let policy = self.policy(id);
        let observed = self.observe(id, &log, Asking { logging: asks_logging(&policy), rolls_back });
        self.settle(id, &mut log, &observed, cause);
        let origin = self.life(id).origin(self.sweep_record(id), &log, created_at);
        let case = Case {
            policy: &policy,
            observed: &observed,
            origin,
            log: &log,
            announced: None,
            now: self.now(),
        };
        let steps = decide(&case);
        self.judge_steps(id, &steps, &log);
        let mut findings = Vec::with_capacity(steps.len());
        for step in steps {
            let now = Now { policy: &policy, observed: &observed };
            let finding = self.carry_out(step, check, &now, &mut log)?;
            self.judge.note_result(&finding.result);
            findings.push(finding);
        }
        let is_busy =
            |finding: &Finding| matches!(finding.result, FindingResult::InProgress | FindingResult::NotYet);
        let follow = !rolls_back && findings.iter().any(is_busy) || log.in_progress().next().is_some();
        Ok(Checked { findings, log, follow })
    }

    fn changes_of(&self, id: &Id) -> usize {
        let items = self.table.range((id.clone(), Aspect::ALL[0], 0)..);
        items.take_while(|((of, ..), _)| of == id).count()
    }

    /// When a cluster was created, if known.
    pub(super) fn created_at(&self, id: &Id) -> Option<jiff::Timestamp> {
        self.resources.get(id).filter(|resource| resource.eks().is_some()).map(|resource| resource.born)
    }

    /// What sweeps saw of a subject.
    pub(super) fn sweep_record(&self, id: &Id) -> SweepRecord {
        match (self.known.get(&id.platform), id.subject.cluster()) {
            (Some(known), Some(name)) => {
                known.clusters.get(name).map_or(SweepRecord::Unseen, |at| SweepRecord::Since(*at))
            }
            _ => SweepRecord::NoSweep,
        }
    }

    fn carry_out(
        &mut self,
        mut step: Step,
        check: &Check<'_>,
        now: &Now<'_>,
        log: &mut SubjectLog,
    ) -> Result<Finding, Stop> {
        let mut result = FindingResult::Waiting;
        if let (Some(aspect), Action::Set { from, to }) = (step.aspect, &step.action)
            && check.may_change
        {
            let checker = Checker { cause: check.cause, now: self.now() };
            result = if log.aspect(aspect).is_some_and(|log| log.under_way(checker).is_some()) {
                FindingResult::UnderWay
            } else if self.config.limits.dry_run {
                FindingResult::WouldSet
            } else {
                let intent = Intent {
                    subject: check.id.subject.clone(),
                    aspect,
                    from: from.clone(),
                    to: to.clone(),
                    policy: now.policy.of(aspect).desired.to_string(),
                    reason: step.reason.clone(),
                };
                let change = log.plan(intent, checker, now.observed.created_at());
                self.make(check.id, change, now.observed, log)?
            };
            if result == FindingResult::Compliant {
                step.action = Action::Comply;
            }
        }
        Ok(Finding::of_step(check.id.subject.clone(), step, result))
    }

    /// Makes a change. The table has it before the call, and again when it is complete or the
    /// service has accepted it.
    fn make(
        &mut self,
        id: &Id,
        mut change: Change,
        observed: &Observed,
        log: &mut SubjectLog,
    ) -> Result<FindingResult, Stop> {
        let disruption = self.next_disruption();
        self.judge_call(id, &change, disruption);
        let before = self.table.get(&key(id.platform, &change));
        let is_free = before.is_none_or(|before| before.cause == change.cause);
        assert!(is_free, "two changes have one number: {before:?} and {change:?}");
        if let Some(before) = before.filter(|before| before.to == change.to) {
            assert_eq!(before.token(), change.token(), "a second attempt is another request");
        }
        self.write(id.platform, &change);
        let answer = self.call(id, &change, observed, disruption)?;
        self.judge_answer(id, &change, &answer);
        let result = match answer {
            Ok(Accepted { is_done: true, .. }) => {
                change.state = ChangeState::Done;
                FindingResult::Set
            }
            Ok(Accepted { update_id, version, .. }) => {
                (change.accepted, change.update_id) = (true, update_id);
                // Known from here on: later changes by others are not EKS's choice.
                if let Value::Addon { version: made, .. } = &mut change.to {
                    *made = version;
                }
                FindingResult::Set
            }
            // The next check shows the result.
            Err(fault) if !fault.kind.is_refusal() => FindingResult::Failed(fault),
            Err(fault) => {
                change.state = ChangeState::Abandoned;
                match fault.kind {
                    FaultKind::Conflict => match self.is_applied(id, &change, log) {
                        Ok(true) => FindingResult::Compliant,
                        Ok(false) => FindingResult::Failed(fault),
                        Err(fault) => FindingResult::Unknown(fault),
                    },
                    FaultKind::InProgress => FindingResult::InProgress,
                    _ => FindingResult::Failed(fault),
                }
            }
        };
        self.judge_result(id, &change, disruption, &result);
        let is_open = change.state == ChangeState::Planned && !change.accepted;
        if !is_open {
            self.write(id.platform, &change);
            log.put(change);
        }
        Ok(result)
    }

    /// Whether the intended result of a change exists, read once more.
    fn is_applied(
        &self,
        id: &Id,
        change: &Change,
        log: &SubjectLog,
    ) -> Result<bool, fargaze::model::fault::Fault> {
        let asking = Asking { logging: change.aspect == Aspect::AwsLogging, rolls_back: false };
        let observed = self.observe(id, log, asking);
        let now = observed.value(change.aspect).map_err(Clone::clone)?;
        let is_addon = matches!((&now, &change.to), (Value::Addon { .. }, Value::Addon { .. }));
        Ok(is_addon || now.fulfils(&change.to))
    }

    pub(super) fn next_disruption(&mut self) -> Disruption {
        let disruption = if self.hit.after == 0 { self.hit.disruption } else { Disruption::None };
        if self.hit.after == 0 {
            self.hit.disruption = Disruption::None;
        }
        self.hit.after = self.hit.after.saturating_sub(1);
        disruption
    }
}

/// Whether the logging of Fargate pods matters.
fn asks_logging(policy: &SubjectPolicy) -> bool {
    let policy = policy.of(Aspect::AwsLogging);
    match policy.desired {
        Desired::ConfigMap(_) => true,
        Desired::Report => !policy.is_built_in(),
        _ => false,
    }
}

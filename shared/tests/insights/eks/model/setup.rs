//! What event path, queue and sweep do with a cluster: settle, decide, write, call, write.

use std::collections::BTreeSet;

use fargaze::cluster::ClusterName;
use fargaze::eks::LogType;
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::eks::{
    AwsLogging, AwsLoggingWish, EksAction, EksAspect, EksChange, EksFinding, EksHistory, EksLedger,
    EksResult, EksState, EksStep, EksSubject, EksWished, decide_eks, is_in_flight, says_it_is_so,
};
use fargaze::insights::{Acquaintance, ChangeState};
use jiff::Timestamp;

use super::cloud::{Accepted, fault};
use super::observe::Seen;
use super::{Owner, Stop, Trouble, World, followed};
use crate::common::OURS;

/// A look at a cluster.
pub(super) struct Look<'a> {
    /// The event or run that brings it, and its time.
    pub(super) cause: (&'a str, Timestamp),
    /// It follows what a restore asked for.
    pub(super) restores: bool,
    pub(super) may_change: bool,
}

/// What came of it.
pub(super) struct Looked {
    pub(super) findings: Vec<EksFinding>,
    pub(super) log: EksLedger,
    pub(super) follow: bool,
}

impl World {
    /// Looks at the cluster of a message, and sends it back to the queue if EKS is not done with it.
    pub(super) fn look_for_message(
        &mut self,
        name: &ClusterName,
        cause: (&str, Timestamp),
        restores: bool,
        is_foreign: bool,
    ) -> Result<(), Stop> {
        let look = Look { cause, restores, may_change: !restores };
        let Some(Looked { findings, log, follow }) = self.look(name, &look)? else { return Ok(()) };
        let is_to_repeat = |finding: &EksFinding| match &finding.result {
            EksResult::Failed(_) => true,
            EksResult::Unknown(fault) if finding.aspect != Some(EksAspect::AwsLogging) => {
                matches!(fault.kind, FaultKind::Throttled | FaultKind::Transient)
            }
            _ => false,
        };
        if findings.iter().any(is_to_repeat) {
            return Err(Stop::Again);
        }
        if follow && !(is_foreign && log.is_followed_but_for(cause.0)) {
            self.follow(name, followed(&log), cause, restores);
        }
        Ok(())
    }

    /// Brings a cluster to what is configured for it; nothing if it is gone.
    pub(super) fn look(&mut self, name: &ClusterName, look: &Look<'_>) -> Result<Option<Looked>, Stop> {
        let Some(born) = self.clusters.get(name).map(|cluster| cluster.born) else { return Ok(None) };
        let mut log = self.log_of(name, None);
        let all = log.clone();
        log.forget_before(born);
        if log != all {
            self.judge.note("of an earlier cluster");
        }
        let configured = self.configured(name);
        let asks = match configured.wishes.aws_logging {
            AwsLoggingWish::Write(_) => true,
            AwsLoggingWish::Report => !configured.is_built_in(EksAspect::AwsLogging),
            AwsLoggingWish::Leave => false,
        };
        let seen = self.observe(name, &log, asks, look.restores);
        self.settle(&mut log, &seen);
        let acquaintance = Acquaintance::of(self.is_heard(name), self.is_seen(name));
        let history = EksHistory { acquaintance, ledger: &log };
        let steps = decide_eks(&configured, &seen.observed, &history, self.now());
        self.judge_steps(name, &steps, &log);
        let mut findings = Vec::with_capacity(steps.len());
        for step in steps {
            let finding = self.step(step, look, (&configured, &seen), &mut log)?;
            self.judge.note_result(&finding.result);
            findings.push(finding);
        }
        let busy = |finding: &EksFinding| matches!(finding.result, EksResult::InProgress | EksResult::NotYet);
        let is_busy = !look.restores && findings.iter().any(busy);
        let follow = is_busy || !followed(&log).is_empty();
        Ok(Some(Looked { findings, log, follow }))
    }

    fn step(
        &mut self,
        mut step: EksStep,
        look: &Look<'_>,
        now: (&EksWished, &Seen),
        log: &mut EksLedger,
    ) -> Result<EksFinding, Stop> {
        let (configured, seen) = now;
        let name = seen.observed.cluster.name.clone();
        let mut result = EksResult::Waiting;
        if let (Some(aspect), EksAction::Set { from, to }) = (step.aspect, &step.action) {
            if look.may_change && self.config.dry_run {
                result = EksResult::WouldSet;
            } else if look.may_change {
                let of_aspect = log.aspects.entry(aspect).or_default();
                let cause = of_aspect.cause_for(look.cause.0);
                let change = EksChange {
                    subject: EksSubject { cluster: name.clone(), aspect },
                    time: of_aspect.time_for(&cause, self.now(), Some(self.clusters[&name].born)),
                    cause,
                    from: from.clone(),
                    to: to.clone(),
                    wish: configured.wishes.text(aspect),
                    reason: step.reason.clone(),
                    request_id: None,
                    state: ChangeState::Planned,
                    accepted: false,
                    update_id: None,
                    failure: None,
                    undo: None,
                    restored_by: None,
                };
                result = self.make(change, seen, log)?;
                if result == EksResult::Right {
                    step.action = EksAction::Right;
                }
            }
        }
        Ok(EksFinding::of_step(name, step, result))
    }

    /// Makes a change. The table has it before it is made, and again when EKS has accepted it or it is done.
    fn make(&mut self, mut change: EksChange, seen: &Seen, log: &mut EksLedger) -> Result<EksResult, Stop> {
        let trouble = self.next_trouble();
        self.judge_call(&change, trouble);
        self.write(&change);
        let answer = self.call(&change, seen, trouble)?;
        self.judge_answer(&change, &answer);
        let result = match answer {
            Ok(Accepted { update_id, version }) => {
                change.update_id = update_id;
                // Known from here: what others make of it later is not EKS's choice.
                if let EksState::Addon { version: made, .. } = &mut change.to {
                    *made = version;
                }
                match change.subject.aspect {
                    EksAspect::AwsLogging => change.state = ChangeState::Done,
                    _ => change.accepted = true,
                }
                EksResult::Set
            }
            Err(fault) if says_it_is_so(&fault) => {
                change.state = ChangeState::Abandoned;
                let logging = change.subject.aspect == EksAspect::AwsLogging;
                let now = self.observe(&change.subject.cluster, log, logging, false).observed;
                match now.is_so(change.subject.aspect, &change.to) {
                    Ok(true) => EksResult::Right,
                    Ok(false) => EksResult::Failed(fault),
                    Err(fault) => EksResult::Unknown(fault.clone()),
                }
            }
            Err(fault) if is_in_flight(&fault) => {
                change.state = ChangeState::Abandoned;
                EksResult::InProgress
            }
            Err(fault) if fault.kind.is_refusal() => {
                change.state = ChangeState::Abandoned;
                EksResult::Failed(fault)
            }
            // The next look tells what came of it.
            Err(fault) => return Ok(EksResult::Failed(fault)),
        };
        self.judge_result(&change, trouble, &result);
        self.write(&change);
        log.put(change);
        Ok(result)
    }

    pub(super) fn next_trouble(&mut self) -> Trouble {
        match self.trouble {
            (0, trouble) => {
                self.trouble = (0, Trouble::None);
                trouble
            }
            (after, trouble) => {
                self.trouble = (after - 1, trouble);
                Trouble::None
            }
        }
    }

    /// The call of a change, with what happens to it.
    fn call(
        &mut self,
        change: &EksChange,
        seen: &Seen,
        trouble: Trouble,
    ) -> Result<Result<Accepted, Fault>, Stop> {
        let EksSubject { cluster: name, aspect } = &change.subject;
        self.disturb(name, trouble, |world| world.overtake(change))?;
        if let Some(fault) = before_call(trouble) {
            return Ok(Err(fault));
        }
        let owner = if is_lost(trouble) { Owner::Unanswered } else { Owner::Fargaze };
        let (minute, token) = (self.minute, change.token());
        let Some(there) = self.clusters.get_mut(name) else { unreachable!("no time passes in a look") };
        let answer = match (&change.to, aspect.addon(), &seen.observed.logging) {
            (EksState::Logs(on), ..) => {
                let none = BTreeSet::new();
                let answer = there.update_logs((on, &none), Some(&token), owner, minute);
                self.emit_logs(name, (on, &none), OURS, answer.clone());
                answer
            }
            (_, Some(addon), _) => {
                let answer = there.create_addon(addon, Some(&token), owner, minute);
                self.emit_addon("CreateAddon", name, addon, OURS, answer.clone().map(drop));
                answer
            }
            (EksState::ConfigMap(data), _, AwsLogging::Known { namespace, .. }) => {
                there.write(namespace, &change.from, data, owner).map(|()| Accepted::default())
            }
            (to, ..) => panic!("{aspect} cannot be made {to}"),
        };
        after_call(answer, trouble)
    }

    /// What happens just before a call of fargaze.
    pub(super) fn disturb(
        &mut self,
        name: &ClusterName,
        trouble: Trouble,
        overtake: impl FnOnce(&mut Self),
    ) -> Result<(), Stop> {
        match trouble {
            Trouble::BeforeCall => return Err(Stop::Killed),
            Trouble::Busy => {
                let mut types = self.clusters[name].log_types();
                if !types.remove(&LogType::Authenticator) {
                    types.insert(LogType::Authenticator);
                }
                self.set_logs(name, &types, "alice");
            }
            Trouble::Overtaken => overtake(self),
            _ => {}
        }
        Ok(())
    }

    /// Somebody else makes it so; logs at once, as if EKS had needed no time.
    fn overtake(&mut self, change: &EksChange) {
        let EksSubject { cluster: name, aspect } = &change.subject;
        match (&change.to, aspect.addon()) {
            (EksState::Logs(to), _) => {
                let Some(there) = self.clusters.get_mut(name) else { return };
                there.by_others(*aspect, |there| {
                    for log in to {
                        there.logs.entry(*log).or_insert(Owner::Others);
                    }
                });
            }
            (EksState::ConfigMap(data), _) => self.set_map(name, Some(data.clone())),
            (_, Some(addon)) => self.install(name, addon, "alice"),
            _ => {}
        }
    }
}

/// Whether the answer does not come.
pub(super) fn is_lost(trouble: Trouble) -> bool {
    matches!(trouble, Trouble::AfterCall | Trouble::Lost)
}

/// Why a call does not reach EKS or is not let in.
pub(super) fn before_call(trouble: Trouble) -> Option<Fault> {
    match trouble {
        Trouble::Unsent => Some(fault("eks:Call", FaultKind::Throttled, "ThrottlingException", "")),
        Trouble::Denied => Some(fault("eks:Call", FaultKind::Denied, "AccessDeniedException", "")),
        _ => None,
    }
}

/// What of an answer comes.
pub(super) fn after_call<T>(answer: Result<T, Fault>, trouble: Trouble) -> Result<Result<T, Fault>, Stop> {
    match trouble {
        Trouble::AfterCall => Err(Stop::Killed),
        Trouble::Lost => Ok(answer.and_then(|_| Err(fault("eks:Call", FaultKind::Transient, "timeout", "")))),
        _ => Ok(answer),
    }
}

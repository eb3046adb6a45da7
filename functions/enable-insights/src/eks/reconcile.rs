//! One cluster: what is wished and what is there -> steps -> asked of EKS and Kubernetes, written into the ledger.

use std::collections::BTreeSet;

use fargaze::aws::Accepted;
use fargaze::cluster::ClusterName;
use fargaze::eks::EksCluster;
use fargaze::fault::Fault;
use fargaze::insights::eks::{
    AwsLogging, AwsLoggingWish, EksAction, EksAspect, EksChange, EksFinding, EksHistory, EksLedger,
    EksResult, EksState, EksStep, EksSubject, EksWished, decide_eks, is_in_flight, says_it_is_so,
};
use fargaze::insights::{Acquaintance, ChangeState};
use fargaze::operation::Operation;

use super::observe::Seen;
use super::{Setup, logging};

/// What came of a cluster.
#[derive(Debug)]
pub(crate) struct Looked {
    /// Aspect by aspect, or one about the whole.
    pub(crate) findings: Vec<EksFinding>,
    /// Whether it is to be looked at again soon.
    pub(crate) follow: bool,
}

/// What is the same for all steps of a cluster.
struct Now<'a> {
    cluster: &'a ClusterName,
    seen: &'a Seen,
    wished: &'a EksWished,
    may_change: bool,
}

impl Setup<'_> {
    /// Brings a cluster to what is wished of it. `may_change` says whether this run may change one more.
    pub(crate) async fn cluster(
        &self,
        cluster: EksCluster,
        acquaintance: Acquaintance,
        ledger: &mut EksLedger,
        may_change: bool,
    ) -> Result<Looked, Fault> {
        if let Some(created) = cluster.created_at {
            ledger.forget_before(created);
        }
        let name = cluster.name.clone();
        let wished = self.config.wished(&self.target.account, &self.target.region, &name);
        let seen = self.observe(cluster, ledger, asks_logging(&wished)).await;
        self.settle(ledger, &seen).await?;
        let steps = decide_eks(&wished, &seen.observed, &EksHistory { acquaintance, ledger }, self.now);
        let now = Now { cluster: &name, seen: &seen, wished: &wished, may_change };
        let mut findings = Vec::with_capacity(steps.len());
        for step in steps {
            findings.push(self.step(step, &now, ledger).await?);
        }
        let busy = |finding: &EksFinding| matches!(finding.result, EksResult::InProgress | EksResult::NotYet);
        let is_busy = !self.restores && findings.iter().any(busy);
        let follow = is_busy || !super::followed(ledger).is_empty();
        Ok(Looked { findings, follow })
    }

    /// Ends what was begun earlier, as far as the cluster tells how it ended.
    pub(super) async fn settle(&self, ledger: &mut EksLedger, seen: &Seen) -> Result<(), Fault> {
        if !seen.is_asked {
            return Ok(());
        }
        for change in ledger.settle(&seen.observed) {
            self.memory.put_eks_change(self.target, &change).await?;
        }
        Ok(())
    }

    async fn step(
        &self,
        mut step: EksStep,
        now: &Now<'_>,
        ledger: &mut EksLedger,
    ) -> Result<EksFinding, Fault> {
        let mut result = EksResult::Waiting;
        if let (Some(aspect), EksAction::Set { from, to }) = (step.aspect, &step.action) {
            let problems = problems(to);
            if !problems.is_empty() {
                step.reason =
                    format!("{}; Fargate would not accept it: {}", step.reason, problems.join("; "));
                result = EksResult::Blocked;
            } else if now.may_change && self.config.dry_run {
                result = EksResult::WouldSet;
            } else if now.may_change {
                let change = self.planned(aspect, (from, to), &step.reason, now, ledger);
                result = self.make(change, now.seen, ledger).await?;
                if result == EksResult::Right {
                    step.action = EksAction::Right;
                    step.reason = format!("somebody else made it so at the same time; {}", step.reason);
                }
            }
        }
        Ok(EksFinding::of_step(now.cluster.clone(), step, result))
    }

    fn planned(
        &self,
        aspect: EksAspect,
        (from, to): (&EksState, &EksState),
        reason: &str,
        now: &Now<'_>,
        ledger: &mut EksLedger,
    ) -> EksChange {
        let created = now.seen.observed.cluster.created_at;
        let of_aspect = ledger.aspects.entry(aspect).or_default();
        let cause = of_aspect.cause_for(self.cause.id);
        EksChange {
            subject: EksSubject { cluster: now.cluster.clone(), aspect },
            time: of_aspect.time_for(&cause, self.now, created),
            cause,
            from: from.clone(),
            to: to.clone(),
            wish: now.wished.wishes.text(aspect),
            reason: reason.to_owned(),
            request_id: None,
            state: ChangeState::Planned,
            accepted: false,
            update_id: None,
            failure: None,
            undo: None,
            restored_by: None,
        }
    }

    /// Makes a change. The ledger has it before it is made, and again when EKS has accepted it or it is done.
    async fn make(
        &self,
        mut change: EksChange,
        seen: &Seen,
        ledger: &mut EksLedger,
    ) -> Result<EksResult, Fault> {
        self.memory.put_eks_change(self.target, &change).await?;
        let result = match self.call(&change, seen).await {
            Ok(Accepted { request_id, update_id, addon_version }) => {
                (change.request_id, change.update_id) = (request_id, update_id);
                // What others make of it from here on is not EKS's choice.
                if let EksState::Addon { version, .. } = &mut change.to {
                    *version = addon_version;
                }
                // EKS works on it from here; the Kubernetes API has done it, and it was read back.
                match change.subject.aspect {
                    EksAspect::AwsLogging => change.state = ChangeState::Done,
                    _ => change.accepted = true,
                }
                EksResult::Set
            }
            Err(fault) if says_it_is_so(&fault) => {
                // Whoever made it so, it was not this call.
                change.state = ChangeState::Abandoned;
                match self.is_so(&change, ledger).await {
                    Ok(true) => EksResult::Right,
                    Ok(false) => EksResult::Failed(fault),
                    Err(fault) => EksResult::Unknown(fault),
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
            // Of any other failure the next look at the cluster tells what came of it.
            Err(fault) => return Ok(EksResult::Failed(fault)),
        };
        self.memory.put_eks_change(self.target, &change).await?;
        ledger.put(change);
        Ok(result)
    }

    /// Whether what a change was to make is there, asked once more.
    async fn is_so(&self, change: &EksChange, ledger: &EksLedger) -> Result<bool, Fault> {
        let EksSubject { cluster, aspect } = &change.subject;
        let Some(cluster) = self.eks.describe_cluster(cluster).await? else { return Ok(false) };
        let seen = self.observe(cluster, ledger, *aspect == EksAspect::AwsLogging).await;
        seen.observed.is_so(*aspect, &change.to).map_err(Clone::clone)
    }

    async fn call(&self, change: &EksChange, seen: &Seen) -> Result<Accepted, Fault> {
        let cluster = &change.subject.cluster;
        match (&change.to, change.subject.aspect.addon()) {
            (_, Some(addon)) => self.eks.create_addon(cluster, addon, change.token()).await,
            (EksState::Logs(on), _) => {
                self.eks.update_logs(cluster, on, &BTreeSet::new(), Some(change.token())).await
            }
            (EksState::ConfigMap(data), _) => {
                let written = match (&seen.api, &seen.observed.logging) {
                    (Some(api), AwsLogging::Known { namespace, .. }) => {
                        logging::write(api, namespace, &change.from, data).await
                    }
                    _ => return Err(impossible(change)),
                };
                written.map(|()| Accepted::default()).map_err(Fault::from)
            }
            (EksState::Absent | EksState::Addon { .. }, None) => Err(impossible(change)),
        }
    }
}

/// The decision sets nothing of which it does not know what is there, and removes nothing.
fn impossible(change: &EksChange) -> Fault {
    let what = format!("there is no way to make it {}", change.to);
    Fault::bug(Operation::FargazeReconcile, change.subject.to_string(), what)
}

/// Whether the logging of Fargate pods is of interest: the user's file says something of it. What is only built in, beside
/// other wishes for the cluster as well, does not ask a cluster to let us into its Kubernetes API.
fn asks_logging(wished: &EksWished) -> bool {
    match wished.wishes.aws_logging {
        AwsLoggingWish::Write(_) => true,
        AwsLoggingWish::Report => !wished.is_built_in(EksAspect::AwsLogging),
        AwsLoggingWish::Leave => false,
    }
}

fn problems(to: &EksState) -> Vec<String> {
    match to {
        EksState::ConfigMap(data) => logging::problems(data),
        _ => Vec::new(),
    }
}

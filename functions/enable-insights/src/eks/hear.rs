//! An event about one EKS cluster, or a message of our own to look at it again.

use fargaze::aws::{Eks, config_for};
use fargaze::cluster::{AccountId, ClusterName, Region};
use fargaze::config::{CONFIG_KEY, Config as UserConfig};
use fargaze::event::{EksChanged, EksEvent};
use fargaze::failure::Failure;
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::Acquaintance;
use fargaze::insights::eks::{EksAspect, EksFinding, EksFollow, EksResult, EksRevert, EksSubject};
use fargaze::run::Platform;
use jiff::Timestamp;
use tokio::time::Instant;

use super::Setup;
use super::reconcile::Looked;
use crate::Handler;
use crate::known::Known;
use crate::reconcile::Cause;

/// What a message says: which cluster to look at, since when and why. What is decided is decided on the cluster as it is now,
/// so that a repeated, late or overtaken message does no harm.
#[derive(Debug)]
struct Look {
    account: AccountId,
    region: Region,
    cluster: ClusterName,
    since: Timestamp,
    cause: String,
    /// It follows what a restore asked for.
    restores: bool,
    /// It is about a change by somebody else, of a cluster that may be followed already.
    is_foreign: bool,
    /// What somebody else took away.
    revert: Option<EksRevert>,
}

impl From<EksEvent> for Look {
    fn from(event: EksEvent) -> Self {
        let EksEvent { change, account, region, cluster, time: since, id: cause, by, role: _ } = event;
        let is_foreign = change != EksChanged::Created;
        let revert = match change {
            EksChanged::Changed { call, undoes: Some(aspect) } => Some(EksRevert {
                subject: EksSubject { cluster: cluster.clone(), aspect },
                time: since,
                event_id: cause.clone(),
                by,
                call: call.to_owned(),
            }),
            EksChanged::Created | EksChanged::Changed { undoes: None, .. } => None,
        };
        Self { account, region, cluster, since, cause, restores: false, is_foreign, revert }
    }
}

impl From<EksFollow> for Look {
    fn from(follow: EksFollow) -> Self {
        let EksFollow { account, region, cluster, since, cause, restore: restores, .. } = follow;
        Self { account, region, cluster, since, cause, restores, is_foreign: false, revert: None }
    }
}

/// Whether the user's file names the account and Region, and for ECS only.
fn is_unwanted(account: &AccountId, region: &Region, user: &UserConfig) -> bool {
    let named = |platform| {
        user.targets.iter().any(|target| {
            target.platform == platform && target.account == *account && target.region == *region
        })
    };
    named(Platform::Ecs) && !named(Platform::Eks)
}

impl Handler {
    /// Deals with an event: a cluster that is created is noted as such, and looked at as any other that was changed.
    /// An event of a call of fargaze itself says nothing that it does not know, and what it follows would be followed
    /// twice.
    pub(crate) async fn hear_eks(&self, event: EksEvent, deadline: Instant) -> Result<String, Failure> {
        let (account, region) = (&self.config.account, &self.config.region);
        let user = self.store.user_file(account, region).await?.config;
        let EksEvent { change, account, region, cluster, time, id, by, role } = &event;
        if !is_unwanted(account, region, &user) {
            let target = self.target_of(Platform::Eks, account, region, &user)?;
            if self.is_ours(role.as_deref(), &target) {
                return Ok(format!("ignored: event {id} tells of a call of fargaze itself"));
            }
            if *change == EksChanged::Created {
                self.memory.note_life(&target, cluster, |life| life.add_creation(*time, false)).await?;
            }
        }
        let told = match change {
            EksChanged::Created => String::new(),
            EksChanged::Changed { call, .. } => format!("after {call} by {by}: "),
        };
        Ok(told + &self.look_at_eks(event.into(), &user, deadline).await?)
    }

    /// Deals with a message of ours.
    pub(crate) async fn follow_eks(&self, follow: EksFollow, deadline: Instant) -> Result<String, Failure> {
        let (account, region) = (&self.config.account, &self.config.region);
        let user = self.store.user_file(account, region).await?.config;
        self.look_at_eks(follow.into(), &user, deadline).await
    }

    /// Looks at a cluster, sets it up as far as it goes by now, and tells in a sentence what came of it.
    async fn look_at_eks(&self, look: Look, user: &UserConfig, deadline: Instant) -> Result<String, Failure> {
        if is_unwanted(&look.account, &look.region, user) {
            return Ok(format!(
                "ignored: {CONFIG_KEY} leaves EKS out of the platforms of account {} in {}",
                look.account, look.region
            ));
        }
        let target = self.target_of(Platform::Eks, &look.account, &look.region, user)?;
        let name = &look.cluster;
        let sdk = config_for(&self.home, &target).await?;
        let eks = Eks::new(&sdk);
        let Some(cluster) = eks.describe_cluster(name).await? else {
            return Ok(format!("{name} was deleted in the meantime"));
        };
        let mut ledger = self.memory.eks_ledger_of(&target, name).await?;
        if let Some(created) = cluster.created_at {
            ledger.forget_before(created);
        }
        if let Some(revert) = look.revert.filter(|revert| !ledger.of(revert.subject.aspect).is_empty()) {
            self.memory.put_eks_revert(&target, &revert).await?;
            ledger.put_revert(revert);
        }
        let life = self.memory.life_of(&target, name).await?;
        let sighting = Known::read(&self.store, &target).await?.sighting(name);
        let acquaintance =
            Acquaintance::of(life.created.is_some(), super::seen(sighting, cluster.created_at));
        let now = self.clock.now();
        let setup = Setup {
            eks: &eks,
            sdk: &sdk,
            memory: &self.memory,
            queue: &self.queue(),
            target: &target,
            config: &user.eks,
            cause: Cause { id: &look.cause, time: look.since },
            restores: look.restores,
            now,
            deadline,
        };
        let Looked { findings, follow } =
            setup.cluster(cluster, acquaintance, &mut ledger, !look.restores).await?;
        let told = findings.iter().map(sentence).collect::<Vec<_>>().join("; ");
        if let Some(fault) = findings.iter().find_map(failure) {
            tracing::warn!("{name}: {told}");
            // The queue delivers this message again, which looks at all of it again.
            return Err(fault.clone().into());
        }
        // What fargaze changed itself is followed by a message of its own already.
        let is_followed = look.is_foreign && !super::followed(&ledger).is_empty();
        Ok(match follow {
            true if is_followed => format!("{name}: {told}; followed already"),
            true if setup.follow(name, &ledger, (look.since, now)).await? => {
                format!("{name}: {told}; to be looked at again")
            }
            true => format!("{name}: {told}; followed for an hour, the next sweep looks at it again"),
            false => format!("{name}: {told}"),
        })
    }
}

/// Why the message is to be delivered again: a change that failed, or a question to EKS that another try may answer. A
/// Kubernetes API that cannot be reached stays so; the sweep tells it.
fn failure(finding: &EksFinding) -> Option<&Fault> {
    match &finding.result {
        EksResult::Failed(fault) => Some(fault),
        EksResult::Unknown(fault) if finding.aspect != Some(EksAspect::AwsLogging) => {
            Some(fault).filter(|fault| matches!(fault.kind, FaultKind::Throttled | FaultKind::Transient))
        }
        _ => None,
    }
}

/// What came of an aspect, for the log.
fn sentence(finding: &EksFinding) -> String {
    let EksFinding { aspect, result, change, reason, cost, .. } = finding;
    let aspect = aspect.map_or(String::new(), |aspect| format!("{aspect} "));
    let change = change.as_ref().map_or(String::new(), |change| format!(" ({change})"));
    let cost = cost.map_or(String::new(), |cost| format!(", {cost}"));
    let word = match result {
        EksResult::Right => "right",
        EksResult::Set => "set",
        EksResult::WouldSet => "dry run, would be set",
        EksResult::Reported => "only told",
        EksResult::Blocked => "blocked",
        EksResult::Waiting => "has to wait",
        EksResult::InProgress => "in progress",
        EksResult::NotYet => "not yet there",
        EksResult::Overdue => "overdue",
        EksResult::Left | EksResult::Skipped => "left",
        EksResult::Fight(by) => {
            return format!("{aspect}left to those who undid it: {reason}; undone by {}", by.join(", "));
        }
        EksResult::Restored => "restored",
        EksResult::Unknown(fault) => return format!("{aspect}not known: {fault}"),
        EksResult::Failed(fault) => return format!("{aspect}failed{change}: {fault}"),
    };
    format!("{aspect}{word}{change}: {reason}{cost}")
}

//! Handles events about a cluster or an account, and the function's own messages to check a cluster
//! again.

use std::collections::BTreeSet;

use fargaze::config::{CONFIG_KEY, Config as UserConfig};
use fargaze::events::{ChangeEvent, Received, What};
use fargaze::invocation::failure::Failure;
use fargaze::model::cluster::{AccountId, ClusterName, Region};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::{Part, Platform, Target};
use fargaze::model::subject::Subject;
use fargaze::reconcile::{
    Aspect, Finding, FindingResult, FollowUp, Life, Observed, Revert, SubjectLog, SweepRecord, Waiting,
};
use fargaze_aws::{Ecs, Eks, Logs, config_for};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::Handler;
use crate::border::{Border, Lookup};
use crate::ecs_border::EcsBorder;
use crate::eks_border::EksBorder;
use crate::last_sweep::LastSweep;
use crate::reconcile::{Checked, Past, Reconciler};

/// What to check, since when and why. Decisions use the subject's current state, so a repeated,
/// late or outdated message does no harm.
struct Check {
    target: Target,
    subject: Subject,
    since: Timestamp,
    cause: String,
    life: Life,
    /// What someone else set or removed, as an event reports it.
    revert: Option<Revert>,
    /// Whether its creation was reported, so that it may exist although ECS does not return it yet.
    may_be_unknown: bool,
    /// Whether it is about a change by someone else, to a cluster that may already be followed.
    is_foreign: bool,
    /// Whether it follows up on a rollback.
    rolls_back: bool,
}

impl Handler {
    /// Processes one message, and returns the result as a sentence.
    pub(crate) async fn receive(&self, body: &str, deadline: Instant) -> Result<String, Failure> {
        match fargaze::events::read(body)? {
            Received::Event(event) => Box::pin(self.receive_event(event, deadline)).await,
            Received::FollowUp(follow) => Box::pin(self.receive_follow_up(follow, deadline)).await,
            Received::Ignored(why) => Ok(format!("ignored: {why}")),
        }
    }

    /// Events of fargaze's own calls are ignored: they contain nothing new, and their updates would
    /// be followed twice.
    async fn receive_event(&self, event: ChangeEvent, deadline: Instant) -> Result<String, Failure> {
        let user = self.user_config().await?;
        let ChangeEvent { what, call, platform, account, region, subject, time, id, by, role } = event;
        if is_excluded(platform, &account, &region, &user) {
            return Ok(exclusion(platform, &account, &region));
        }
        let target = self.target_of(platform, &account, &region, &user)?;
        if self.is_own_role(role.as_deref(), &target) {
            return Ok(format!("ignored: event {id} was caused by fargaze itself"));
        }
        let life = match subject.cluster() {
            Some(cluster) => self.note_event(&target, cluster, &what, time).await?,
            None => Life::default(),
        };
        let mut since = time;
        if what == What::Deleted {
            // Events arrive in any order: a cluster created after this deletion counts as new only
            // from its creation.
            let Some(created) = life.created else { return Ok(format!("noted that {subject} was deleted")) };
            since = created.last;
        }
        let revert = match &what {
            What::Changed { aspect: Some(aspect), to } => Some(Revert {
                subject: subject.clone(),
                aspect: *aspect,
                time,
                event_id: id.clone(),
                by: by.clone(),
                call: call.to_owned(),
                to: to.clone(),
            }),
            _ => None,
        };
        let is_foreign = matches!(what, What::Changed { .. });
        let after = if is_foreign { format!("after {call} by {by}: ") } else { String::new() };
        let may_be_unknown = platform == Platform::Ecs && !is_foreign;
        let check = Check {
            target,
            subject,
            since,
            cause: id,
            life,
            revert,
            may_be_unknown,
            is_foreign,
            rolls_back: false,
        };
        Ok(after + &self.check(check, &user, deadline).await?)
    }

    async fn receive_follow_up(&self, follow: FollowUp, deadline: Instant) -> Result<String, Failure> {
        let user = self.user_config().await?;
        let FollowUp { platform, account, region, cluster, since, cause, rollback, .. } = follow;
        if is_excluded(platform, &account, &region, &user) {
            return Ok(exclusion(platform, &account, &region));
        }
        let target = self.target_of(platform, &account, &region, &user)?;
        let life = self.memory.life_of(&target, &cluster).await?;
        let check = Check {
            target,
            subject: Subject::Cluster(cluster),
            since,
            cause,
            life,
            revert: None,
            may_be_unknown: platform == Platform::Ecs,
            is_foreign: false,
            rolls_back: rollback,
        };
        self.check(check, &user, deadline).await
    }

    async fn user_config(&self) -> Result<UserConfig, Failure> {
        Ok(self.store.user_file(&self.config.account, &self.config.region).await?.config)
    }

    /// Records what an event reports about a cluster's creation and deletion, and returns all that
    /// is known. For EKS clusters only the creation is recorded, because EKS itself returns the
    /// rest.
    async fn note_event(
        &self,
        target: &Target,
        cluster: &ClusterName,
        what: &What,
        time: Timestamp,
    ) -> Result<Life, Fault> {
        let memory = &self.memory;
        match what {
            What::Created { occupied: false, by_batch } => {
                memory.note_life(target, cluster, |life| life.add_creation(time, *by_batch)).await
            }
            What::Deleted => memory.note_life(target, cluster, |life| life.add_deletion(time)).await,
            What::Created { .. } | What::Changed { .. } if target.platform == Platform::Ecs => {
                memory.note_life(target, cluster, |life| life.add_sweep(time)).await
            }
            What::Created { .. } | What::Changed { .. } => memory.life_of(target, cluster).await,
        }
    }

    async fn check(&self, check: Check, user: &UserConfig, deadline: Instant) -> Result<String, Failure> {
        let sdk = config_for(&self.home, &check.target).await?;
        match check.target.platform {
            Platform::Ecs => {
                let border = EcsBorder::new(Ecs::new(&sdk), Logs::new(&sdk, 0), None);
                self.check_at(border, &check, user).await
            }
            Platform::Eks => {
                let (region, rolls_back) = (check.target.region.clone(), check.rolls_back);
                let border = EksBorder { eks: Eks::new(&sdk), sdk, region, rolls_back, deadline };
                self.check_at(border, &check, user).await
            }
        }
    }

    /// Checks a subject, applies its policies as far as currently possible, and returns the result
    /// as a sentence.
    async fn check_at<B: Border>(
        &self,
        border: B,
        check: &Check,
        user: &UserConfig,
    ) -> Result<String, Failure> {
        let Check { target, subject, since, cause, life, .. } = check;
        let queue = &self.queue();
        let memory = &self.memory;
        let rolls_back = check.rolls_back;
        let common = self.reconciler(border, queue, target, &user.policies, cause);
        let reconciler = Reconciler { rolls_back, ..common };
        let mut seen = match reconciler.border.find(subject).await? {
            Lookup::Found(seen) if !is_missing(&seen.observed) => seen,
            _ => return self.missing(&reconciler, check).await,
        };
        let mut log = memory.change_log_of(target, subject).await?;
        if let Some(deleted) = life.deleted {
            log.forget_before(deleted);
        }
        let revert = check.revert.clone().filter(|revert| !log.changes(revert.aspect).is_empty());
        if let Some(revert) = revert {
            memory.put_revert(target, &revert).await?;
            log.put_revert(revert);
        }
        let sweep_record = match subject.cluster() {
            Some(cluster) => LastSweep::read(&self.store, target).await?.sweep_record(cluster),
            None => SweepRecord::NoSweep,
        };
        let past = Past { life: *life, sweep_record, announced: None };
        let Checked { findings, follow } =
            reconciler.check(subject, &mut seen, past, &mut log, !rolls_back).await?;
        let follow = follow || is_provisioning(&seen.observed);
        let found = findings.iter().map(sentence).collect::<Vec<_>>().join("; ");
        if let Some(fault) = findings.iter().find_map(failure) {
            tracing::warn!("{subject}: {found}");
            // The queue delivers this message again, which repeats the whole check.
            return Err(fault.into());
        }
        let is_followed = check.is_foreign && log.is_followed_but_for(cause);
        let then = match subject.cluster().filter(|_| follow) {
            None => "",
            Some(_) if is_followed => "; followed already",
            Some(cluster) if reconciler.follow_up(cluster, &log, *since, Waiting::AtWork).await? => {
                "; to be checked again"
            }
            Some(_) => "; followed for an hour, the next sweep checks it again",
        };
        Ok(format!("{subject}: {found}{then}"))
    }

    /// Handles a subject that does not exist: it was deleted, or ECS does not return it yet.
    async fn missing<B: Border>(
        &self,
        reconciler: &Reconciler<'_, B>,
        check: &Check,
    ) -> Result<String, Failure> {
        let Check { subject, since, life, .. } = check;
        let was_deleted = life.deleted.is_some_and(|deleted| deleted > *since);
        if let Some(cluster) = subject.cluster().filter(|_| check.may_be_unknown && !was_deleted)
            && reconciler.follow_up(cluster, &SubjectLog::default(), *since, Waiting::Missing).await?
        {
            return Ok(format!("{subject} is not known to ECS yet; to be checked again"));
        }
        Ok(format!("{subject} was deleted in the meantime"))
    }

    /// The whole target that a subject belongs to: from the user's file, or the home account.
    fn target_of(
        &self,
        platform: Platform,
        account: &AccountId,
        region: &Region,
        user: &UserConfig,
    ) -> Result<Target, Failure> {
        let named = user.targets.iter().find(|target| {
            target.platform == platform && target.account == *account && target.region == *region
        });
        match named {
            Some(target) => Ok(Target { part: Part::WHOLE, ..target.clone() }.for_changes()),
            None if *account == self.config.account => Ok(Target {
                platform,
                account: account.clone(),
                region: region.clone(),
                part: Part::WHOLE,
                role: None,
            }),
            None => Err(Failure::Invalid(format!(
                "the event is about account {account} in {region}, which is neither the home account {} nor a target of \
                 {CONFIG_KEY}",
                self.config.account
            ))),
        }
    }

    /// Whether a session of this role belongs to this function, at home or in the target.
    fn is_own_role(&self, role: Option<&str>, target: &Target) -> bool {
        let roles: BTreeSet<&str> = std::iter::once(self.config.role_arn.as_str())
            .chain(target.role.as_ref().map(|role| role.arn.as_str()))
            .collect();
        role.is_some_and(|role| roles.contains(role))
    }
}

/// Whether the user's file names the account and Region, but only for the other platform.
fn is_excluded(platform: Platform, account: &AccountId, region: &Region, user: &UserConfig) -> bool {
    let mut here = user
        .targets
        .iter()
        .filter(|target| target.account == *account && target.region == *region)
        .peekable();
    here.peek().is_some() && here.all(|target| target.platform != platform)
}

fn exclusion(platform: Platform, account: &AccountId, region: &Region) -> String {
    let platform = platform.as_str().to_uppercase();
    format!("ignored: {CONFIG_KEY} leaves {platform} out of the platforms of account {account} in {region}")
}

/// If a name is reused, ECS may still return the deleted cluster.
fn is_missing(observed: &Observed) -> bool {
    observed.ecs().is_some_and(|cluster| cluster.status == "INACTIVE")
}

/// ECS is creating resources for the cluster's capacity providers: the cluster is followed,
/// whatever it runs.
fn is_provisioning(observed: &Observed) -> bool {
    observed.ecs().is_some_and(|cluster| cluster.status == "PROVISIONING")
}

/// Why the message must be delivered again: a change that failed or that another invocation is
/// making right now, or a failed AWS call that may succeed later. An unreachable Kubernetes API
/// stays unreachable; the sweep reports it.
fn failure(finding: &Finding) -> Option<Fault> {
    match &finding.result {
        FindingResult::Failed(fault) => Some(fault.clone()),
        FindingResult::Unknown(fault) if finding.aspect != Some(Aspect::AwsLogging) => {
            let is_of_account = finding.subject == Subject::Account;
            Some(fault.clone()).filter(|fault| is_of_account || fault.kind.passes())
        }
        FindingResult::UnderWay => Some(Fault {
            operation: Operation::FargazeReconcile,
            subject: finding.subject.to_string(),
            kind: FaultKind::InProgress,
            code: "under way".to_owned(),
            message: finding.reason.clone(),
        }),
        _ => None,
    }
}

/// The result of an aspect, for the log.
fn sentence(finding: &Finding) -> String {
    let Finding { aspect, result, now, change, reason, .. } = finding;
    let aspect = aspect.map_or(String::new(), |aspect| format!("{aspect} "));
    let change = match (change, now) {
        (Some(change), _) => format!(" ({change})"),
        (None, Some(now)) => format!(" ({now})"),
        (None, None) => String::new(),
    };
    let word = match result {
        FindingResult::Compliant => "complies",
        FindingResult::Set => "set",
        FindingResult::WouldSet => "dry run, would be set",
        FindingResult::Announced => "announced",
        FindingResult::Reported => "out of policy, only reported",
        FindingResult::Blocked => "blocked",
        FindingResult::Waiting => "has to wait",
        FindingResult::InProgress => "in progress",
        FindingResult::NotYet => "not yet created",
        FindingResult::Overdue => "overdue",
        FindingResult::Left | FindingResult::Skipped => "left",
        FindingResult::UnderWay => "under way",
        FindingResult::RolledBack => "rolled back",
        FindingResult::Conflict(by) => {
            return format!("{aspect}left{change}: {reason}; reverted by {}", by.join(", "));
        }
        FindingResult::Unknown(fault) => return format!("{aspect}not known: {fault}"),
        FindingResult::Failed(fault) => return format!("{aspect}failed{change}: {fault}"),
    };
    format!("{aspect}{word}{change}: {reason}")
}

//! An event about one cluster, a message of our own to look at it again, or an event about the account's default.

use std::collections::BTreeSet;

use fargaze::aws::{Ecs, config_for};
use fargaze::cluster::{AccountId, ClusterName, Region};
use fargaze::config::{CONFIG_KEY, Config as UserConfig};
use fargaze::event::{AccountDefaultEvent, ClusterChange, ClusterEvent, Heard};
use fargaze::failure::Failure;
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::{EcsFollow, EcsWait, InsightsLevel, InsightsResult, LedgerSubject, Life, PutBack};
use fargaze::operation::Operation;
use fargaze::run::{Part, Platform, Target};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::Handler;
use crate::known::Known;
use crate::reconcile::{Cause, Ended, Reconciler};

/// Which ECS cluster to look at, since when and why. What is decided is decided on the cluster as it is now, so that
/// a repeated, late or overtaken message does no harm.
struct Look {
    target: Target,
    cluster: ClusterName,
    since: Timestamp,
    cause: String,
    /// What somebody set, of which an event told.
    put_back: Option<PutBack>,
    /// Its creation was reported, so it may be there and not be known to ECS yet.
    may_be_unknown: bool,
}

impl Handler {
    /// Deals with one message and tells in a sentence what came of it.
    pub(crate) async fn hear(&self, body: &str, deadline: Instant) -> Result<String, Failure> {
        match fargaze::event::read(body)? {
            Heard::Cluster(event) => self.hear_ecs(event).await,
            Heard::AccountDefault(event) => self.hear_account_default(event).await,
            Heard::EcsFollow(follow) => self.follow_ecs(follow).await,
            Heard::Eks(event) => Box::pin(self.hear_eks(event, deadline)).await,
            Heard::Follow(follow) => Box::pin(self.follow_eks(follow, deadline)).await,
            Heard::Ignored(why) => Ok(format!("ignored: {why}")),
        }
    }

    async fn hear_ecs(&self, event: ClusterEvent) -> Result<String, Failure> {
        let (account, region) = (&self.config.account, &self.config.region);
        let user = self.store.user_file(account, region).await?.config;
        let ClusterEvent { change, cluster, time, id, by, role } = event;
        let target = self.target_of(Platform::Ecs, &cluster.account, &cluster.region, &user)?;
        if self.is_ours(role.as_deref(), &target) {
            return Ok(format!("ignored: event {id} tells of a call of fargaze itself"));
        }
        let name = cluster.name;
        let mut put_back = None;
        let life = match change {
            ClusterChange::SettingsUpdated(None) => {
                return Ok(format!("ignored: event {id} is not about Container Insights"));
            }
            ClusterChange::SettingsUpdated(Some(level)) => {
                put_back = Some(PutBack { time, event_id: id.clone(), by, level });
                self.memory.note_life(&target, &name, |life| life.add_sighting(time)).await?
            }
            ClusterChange::Created { occupied: true, .. } => {
                self.memory.note_life(&target, &name, |life| life.add_sighting(time)).await?
            }
            ClusterChange::Created { occupied: false, by_batch } => {
                self.memory.note_life(&target, &name, |life| life.add_creation(time, by_batch)).await?
            }
            ClusterChange::Deleted => {
                self.memory.note_life(&target, &name, |life| life.add_deletion(time)).await?
            }
        };
        let mut since = time;
        if change == ClusterChange::Deleted {
            // Events come in any order: one that was created since is new only from here on.
            let Some(created) = life.created else { return Ok(format!("noted that {name} was deleted")) };
            since = created.last;
        }
        let may_be_unknown = matches!(change, ClusterChange::Created { .. } | ClusterChange::Deleted);
        let look = Look { target, cluster: name, since, cause: id, put_back, may_be_unknown };
        self.look_at_ecs(look, life, &user).await
    }

    async fn follow_ecs(&self, follow: EcsFollow) -> Result<String, Failure> {
        let (account, region) = (&self.config.account, &self.config.region);
        let user = self.store.user_file(account, region).await?.config;
        let target = self.target_of(Platform::Ecs, &follow.account, &follow.region, &user)?;
        let EcsFollow { cluster, since, cause, .. } = follow;
        let life = self.memory.life_of(&target, &cluster).await?;
        let look = Look { target, cluster, since, cause, put_back: None, may_be_unknown: true };
        self.look_at_ecs(look, life, &user).await
    }

    async fn look_at_ecs(&self, look: Look, life: Life, user: &UserConfig) -> Result<String, Failure> {
        let Look { target, cluster: name, since, cause, put_back, may_be_unknown } = &look;
        let ecs = Ecs::new(&config_for(&self.home, target).await?);
        let cause = Cause { id: cause, time: *since };
        let (memory, config, clock) = (&self.memory, &user.insights, &self.clock);
        let reconciler = Reconciler { ecs: &ecs, memory, target, config, cause, clock };
        let was_deleted = life.deleted.is_some_and(|deleted| deleted > *since);
        let observed = reconciler.observe(name).await?;
        // Of a name that is used again ECS may still give the deleted cluster.
        let Some(cluster) = observed.filter(|cluster| cluster.status != "INACTIVE") else {
            let gone = || format!("{name} was deleted in the meantime");
            if *may_be_unknown && !was_deleted {
                return Ok(self.follow_later(&look, EcsWait::Missing).await?.unwrap_or_else(gone));
            }
            return Ok(gone());
        };
        let subject = LedgerSubject::Cluster(name.clone());
        let mut ledger = self.memory.ledger_of(target, &subject).await?;
        if let Some(deleted) = life.deleted {
            ledger.forget_before(deleted);
        }
        if let Some(put_back) = put_back.clone().filter(|_| !ledger.changes.is_empty()) {
            self.memory.put_put_back(target, &subject, &put_back).await?;
            ledger.put_back.push(put_back);
        }
        if cluster.status == "PROVISIONING"
            && let Some(told) = self.follow_later(&look, EcsWait::Provisioning).await?
        {
            return Ok(told);
        }
        let sighting = Known::read(&self.store, target).await?.sighting(name);
        let ended = reconciler.cluster(&cluster, (&life, sighting), &mut ledger, true).await?;
        sentence(name.as_str(), ended)
    }

    /// Sends a cluster back to the queue, to be looked at again in a minute or two, and tells so; none if it has been
    /// followed for long enough.
    async fn follow_later(&self, look: &Look, wait: EcsWait) -> Result<Option<String>, Failure> {
        let Target { account, region, .. } = &look.target;
        let whose = (account.clone(), region.clone(), look.cluster.clone());
        let follow = EcsFollow::new(whose, look.since, look.cause.clone());
        let Some(delay) = follow.delay_seconds(wait, self.clock.now()) else { return Ok(None) };
        self.queue().send_later(&follow, delay, look.cluster.as_str()).await?;
        let is = match wait {
            EcsWait::Provisioning => "PROVISIONING",
            EcsWait::Missing => "not known to ECS yet",
        };
        Ok(Some(format!("{} is {is}; to be looked at again", look.cluster)))
    }

    async fn hear_account_default(&self, event: AccountDefaultEvent) -> Result<String, Failure> {
        let (account, region) = (&self.config.account, &self.config.region);
        let user = self.store.user_file(account, region).await?.config;
        let AccountDefaultEvent { account, region, level, time, id, by, role } = event;
        let target = self.target_of(Platform::Ecs, &account, &region, &user)?;
        if self.is_ours(role.as_deref(), &target) {
            return Ok(format!("ignored: event {id} tells of a call of fargaze itself"));
        }
        let subject = LedgerSubject::AccountDefault;
        let mut ledger = self.memory.ledger_of(&target, &subject).await?;
        if !ledger.changes.is_empty() {
            let put_back = PutBack { time, event_id: id.clone(), by, level };
            self.memory.put_put_back(&target, &subject, &put_back).await?;
            ledger.put_back.push(put_back);
        }
        let ecs = Ecs::new(&config_for(&self.home, &target).await?);
        let cause = Cause { id: &id, time };
        let (memory, config, clock) = (&self.memory, &user.insights, &self.clock);
        let reconciler = Reconciler { ecs: &ecs, memory, target: &target, config, cause, clock };
        let now = ecs.account_default().await?;
        let ended = reconciler.account_default(now, &mut ledger).await?;
        sentence("the account default", ended)
    }

    /// The whole target that a cluster belongs to: one of the user's file, or the home account.
    pub(crate) fn target_of(
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

    /// Whether a session of this role is this function, at home or in the target.
    pub(crate) fn is_ours(&self, role: Option<&str>, target: &Target) -> bool {
        let roles: BTreeSet<&str> = std::iter::once(self.config.role_arn.as_str())
            .chain(target.role.as_ref().map(|role| role.arn.as_str()))
            .collect();
        role.is_some_and(|role| roles.contains(role))
    }
}

/// What came of it, for the log. A change that failed is a failure, so that the queue delivers the message again.
fn sentence(name: &str, Ended { level, result, reason }: Ended) -> Result<String, Failure> {
    let is = |level: InsightsLevel| format!("left {name} at {level}: {reason}");
    Ok(match result {
        InsightsResult::Set(to) => format!("set Container Insights of {name} from {level} to {to}: {reason}"),
        InsightsResult::WouldSet(to) => {
            format!("dry run: would set Container Insights of {name} from {level} to {to}: {reason}")
        }
        InsightsResult::Right => format!("{name} is right: {reason}"),
        InsightsResult::Fight(by) => format!("{}; it was {}", is(level), by.join(", ")),
        InsightsResult::Failed(fault) => return Err(fault.into()),
        // The queue delivers the message again, and then it is seen what the other made of it.
        InsightsResult::UnderWay => {
            return Err(Failure::Fault(Fault {
                operation: Operation::FargazeReconcile,
                subject: name.to_owned(),
                kind: FaultKind::InProgress,
                code: "under way".to_owned(),
                message: reason,
            }));
        }
        InsightsResult::Reported
        | InsightsResult::Waiting(_)
        | InsightsResult::Left
        | InsightsResult::NotYet
        | InsightsResult::Restored(_)
        | InsightsResult::Skipped => is(level),
    })
}

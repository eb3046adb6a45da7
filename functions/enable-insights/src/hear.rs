//! An event about one cluster.

use std::collections::BTreeSet;

use fargaze::aws::{Ecs, config_for};
use fargaze::cluster::{AccountId, Region};
use fargaze::config::{CONFIG_KEY, Config as UserConfig};
use fargaze::event::{ClusterChange, ClusterEvent, Heard};
use fargaze::failure::Failure;
use fargaze::insights::{Acquaintance, InsightsLevel, InsightsResult, LedgerSubject, PutBack};
use fargaze::run::{Part, Platform, Target};
use tokio::time::Instant;

use crate::Handler;
use crate::known::Known;
use crate::reconcile::{Cause, Ended, Reconciler};

impl Handler {
    /// Deals with one event and tells in a sentence what came of it. The event only says where to look: what is decided
    /// is decided on the cluster as it is now, so that a repeated, late or overtaken event does no harm.
    pub(crate) async fn hear(&self, body: &str, deadline: Instant) -> Result<String, Failure> {
        match fargaze::event::read(body)? {
            Heard::Cluster(event) => self.hear_ecs(event).await,
            Heard::Eks(event) => Box::pin(self.look_at_eks(event.into(), deadline)).await,
            Heard::Follow(follow) => Box::pin(self.look_at_eks(follow.into(), deadline)).await,
            Heard::Ignored(why) => Ok(format!("ignored: {why}")),
        }
    }

    async fn hear_ecs(&self, event: ClusterEvent) -> Result<String, Failure> {
        let (account, region) = (&self.config.account, &self.config.region);
        let user = self.store.user_file(account, region).await?.config;
        let target = self.target_of(Platform::Ecs, &event.cluster.account, &event.cluster.region, &user)?;
        let asked_for = match &event.change {
            ClusterChange::SettingsUpdated(_) if self.is_ours(&event, &target) => {
                return Ok(format!("ignored: event {} tells of a call of fargaze itself", event.id));
            }
            ClusterChange::SettingsUpdated(None) => {
                return Ok(format!("ignored: event {} is not about Container Insights", event.id));
            }
            ClusterChange::SettingsUpdated(level) => *level,
            ClusterChange::Created => {
                self.memory.put_heard(&target, &event.cluster.name, event.time).await?;
                None
            }
        };
        let ecs = Ecs::new(&config_for(&self.home, &target).await?);
        let reconciler = Reconciler {
            ecs: &ecs,
            memory: &self.memory,
            target: &target,
            config: &user.insights,
            cause: Cause { id: &event.id, time: event.time },
        };
        let name = &event.cluster.name;
        let Some(cluster) = reconciler.observe(name).await? else {
            return Ok(format!("{name} was deleted in the meantime"));
        };
        let subject = LedgerSubject::Cluster(name.clone());
        let mut ledger = self.memory.ledger_of(&target, &subject).await?;
        let heard = self.memory.heard_of(&target, name).await?;
        if let Some(created) = heard {
            ledger.forget_before(created);
        }
        if let Some(level) = asked_for.filter(|_| !ledger.changes.is_empty()) {
            let put_back = put_back(&event, level);
            self.memory.put_put_back(&target, &subject, &put_back).await?;
            ledger.put_back.push(put_back);
        }
        let known = Known::read(&self.store, &target).await?;
        let acquaintance = Acquaintance::of(heard.is_some(), known.map(|known| known.has(name)));
        let reconciler = reconciler.since_creation(heard);
        let ended = reconciler.cluster(&cluster, acquaintance, &mut ledger, true).await?;
        sentence(name.as_str(), ended)
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
            Some(target) => Ok(Target { part: Part::WHOLE, ..target.clone() }),
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

    /// Whether the event tells of a call that this function made.
    fn is_ours(&self, event: &ClusterEvent, target: &Target) -> bool {
        let roles: BTreeSet<&str> = std::iter::once(self.config.role_arn.as_str())
            .chain(target.role.as_ref().map(|role| role.arn.as_str()))
            .collect();
        event.role.as_deref().is_some_and(|role| roles.contains(role))
    }
}

fn put_back(event: &ClusterEvent, level: InsightsLevel) -> PutBack {
    PutBack { time: event.time, event_id: event.id.clone(), by: event.by.clone(), level }
}

/// What came of the cluster, for the log. A change that failed is a failure, so that the queue delivers the event again.
fn sentence(name: &str, Ended { level, result, reason }: Ended) -> Result<String, Failure> {
    Ok(match result {
        InsightsResult::Set(to) => format!("set Container Insights of {name} from {level} to {to}: {reason}"),
        InsightsResult::WouldSet(to) => {
            format!("dry run: would set Container Insights of {name} from {level} to {to}: {reason}")
        }
        InsightsResult::Right => format!("{name} is right: {reason}"),
        InsightsResult::Fight(by) => format!("left {name} at {level}: {reason}; it was {}", by.join(", ")),
        InsightsResult::Failed(fault) => return Err(fault.into()),
        InsightsResult::Reported
        | InsightsResult::Waiting(_)
        | InsightsResult::Left
        | InsightsResult::Restored(_)
        | InsightsResult::Skipped => format!("left {name} at {level}: {reason}"),
    })
}

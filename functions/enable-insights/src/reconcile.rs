//! One cluster: what is wished and what is there -> decision -> changed, read back, written into the ledger.

use std::collections::BTreeMap;

use fargaze::aws::{Clock, Described, Ecs, Memory, Written};
use fargaze::cluster::ClusterName;
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::{
    Action, Change, ChangeState, ClusterLedger, Decision, History, InsightsConfig, InsightsLevel,
    InsightsResult, Ledger, LedgerSubject, Life, Looker, ObservedCluster, Sighting, decide,
    decide_account_default,
};
use fargaze::operation::Operation;
use fargaze::run::Target;
use jiff::Timestamp;

/// Why settings are changed: an event or a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cause<'a> {
    /// Id of the event or of the run.
    pub(crate) id: &'a str,
    /// Time of the event or of the run.
    pub(crate) time: Timestamp,
}

/// Why something is left although this run may change it. What the other makes of it is seen by whoever looks next.
const UNDER_WAY: &str = "another event or run is changing it right now";

/// What came of one subject, and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ended {
    /// The level before.
    pub(crate) level: InsightsLevel,
    pub(crate) result: InsightsResult,
    pub(crate) reason: String,
}

/// What settings are brought to the wished level with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reconciler<'a> {
    pub(crate) ecs: &'a Ecs,
    pub(crate) memory: &'a Memory,
    pub(crate) target: &'a Target,
    pub(crate) config: &'a InsightsConfig,
    pub(crate) cause: Cause<'a>,
    pub(crate) clock: &'a Clock,
}

impl Reconciler<'_> {
    /// Brings a cluster to what is wished of it, given what was reported and seen of it. `may_change` says whether
    /// this run may change one more.
    pub(crate) async fn cluster(
        &self,
        cluster: &ObservedCluster,
        (life, sighting): (&Life, Sighting),
        ledger: &mut ClusterLedger,
        may_change: bool,
    ) -> Result<Ended, Fault> {
        self.settle(ledger, cluster.level).await?;
        let by_batch = life.created.is_some_and(|created| created.by_batch);
        let Target { account, region, .. } = self.target;
        let wished = self.config.wished_of(account, region, &cluster.name, by_batch);
        let acquaintance = life.acquaintance(sighting, ledger);
        let decision = decide(&wished, cluster, &History { acquaintance, ledger });
        let (subject, wish) = (LedgerSubject::Cluster(cluster.name.clone()), wished.wish.to_string());
        self.carry_out(decision, subject, (cluster.level, &wish), ledger, may_change).await
    }

    /// Brings the account's default to what is wished of it.
    pub(crate) async fn account_default(
        &self,
        level: InsightsLevel,
        ledger: &mut ClusterLedger,
    ) -> Result<Ended, Fault> {
        self.settle(ledger, level).await?;
        let wish = self.config.account_default;
        let decision = decide_account_default(wish, level, ledger);
        let before = (level, wish.to_string());
        self.carry_out(decision, LedgerSubject::AccountDefault, (before.0, &before.1), ledger, true).await
    }

    /// Ends what an earlier attempt began and did not write down.
    pub(crate) async fn settle(&self, ledger: &mut ClusterLedger, level: InsightsLevel) -> Result<(), Fault> {
        for change in ledger.settle(level, self.looker()) {
            self.memory.put_change(self.target, &change).await?;
        }
        Ok(())
    }

    async fn carry_out(
        &self,
        Decision { action, reason }: Decision,
        subject: LedgerSubject,
        (level, wish): (InsightsLevel, &str),
        ledger: &mut ClusterLedger,
        may_change: bool,
    ) -> Result<Ended, Fault> {
        let ended = |result, reason| Ok(Ended { level, result, reason });
        let to = match action {
            Action::Set(to) => to,
            // An earlier attempt of the same run made the change, and could not tell of it.
            Action::Right => {
                return match made_by(ledger, self.cause.id).filter(|change| change.to == level) {
                    Some(made) => Ok(Ended {
                        level: made.from,
                        result: InsightsResult::Set(made.to),
                        reason: made.reason.clone(),
                    }),
                    None => ended(InsightsResult::Right, reason),
                };
            }
            Action::Report => return ended(InsightsResult::Reported, reason),
            Action::Leave => return ended(InsightsResult::Left, reason),
            Action::NotYet => return ended(InsightsResult::NotYet, reason),
            Action::Fight { by } => return ended(InsightsResult::Fight(by), reason),
        };
        if !may_change {
            return ended(InsightsResult::Waiting(to), reason);
        }
        if ledger.under_way(self.looker()).is_some() {
            return ended(InsightsResult::UnderWay, UNDER_WAY.to_owned());
        }
        if self.config.dry_run {
            return ended(InsightsResult::WouldSet(to), reason);
        }
        let cause = ledger.cause_for(self.cause.id);
        let change = Change {
            subject,
            number: ledger.number_for(&cause),
            time: self.cause.time,
            made: self.clock.now(),
            cause,
            from: level,
            to,
            wish: wish.to_owned(),
            reason: reason.clone(),
            request_id: None,
            state: ChangeState::Planned,
        };
        match self.make(change).await {
            Ok(Some(change)) => {
                ledger.put(change);
                ended(InsightsResult::Set(to), reason)
            }
            Ok(None) => ended(InsightsResult::UnderWay, UNDER_WAY.to_owned()),
            Err(fault) if fault.kind == FaultKind::NotFound => {
                ended(InsightsResult::Left, "it was deleted in the meantime".to_owned())
            }
            Err(fault) => ended(InsightsResult::Failed(fault), reason),
        }
    }

    fn looker(&self) -> Looker<'_> {
        Looker { cause: self.cause.id, now: self.clock.now() }
    }

    /// Makes a change; none if another invocation does so at the same time. The ledger has it before it is made and
    /// again when it is done.
    async fn make(&self, mut change: Change) -> Result<Option<Change>, Fault> {
        if self.memory.plan_change(self.target, &change).await? == Written::Conflict {
            return Ok(None);
        }
        change.request_id = match self.set(&change.subject, change.to).await {
            Ok(request_id) => request_id,
            Err(fault) => {
                // Of any other failure the next look at the cluster tells what came of it.
                if fault.kind.is_refusal() {
                    change.state = ChangeState::Abandoned;
                    self.memory.put_change(self.target, &change).await?;
                }
                return Err(fault);
            }
        };
        let level = self.read_back(&change.subject).await?;
        if level != change.to {
            return Err(Fault {
                operation: Operation::EcsUpdateClusterSettings,
                subject: change.subject.to_string(),
                kind: FaultKind::Transient,
                code: "not applied".to_owned(),
                message: format!("ECS accepted `{}`, but reads back `{level}`", change.to),
            });
        }
        change.state = ChangeState::Done;
        self.memory.put_change(self.target, &change).await?;
        Ok(Some(change))
    }

    /// Sets a subject to a level; gives ECS's id of the request.
    pub(crate) async fn set(
        &self,
        subject: &LedgerSubject,
        to: InsightsLevel,
    ) -> Result<Option<String>, Fault> {
        match subject {
            LedgerSubject::Cluster(name) => self.ecs.update_insights(name, to).await,
            LedgerSubject::AccountDefault => self.ecs.put_account_default(to).await,
        }
    }

    /// What a subject is set to now.
    pub(crate) async fn read_back(&self, subject: &LedgerSubject) -> Result<InsightsLevel, Fault> {
        match subject {
            LedgerSubject::Cluster(name) => {
                self.observe(name).await?.map(|cluster| cluster.level).ok_or_else(|| deleted(name))
            }
            LedgerSubject::AccountDefault => self.ecs.account_default().await,
        }
    }

    /// A cluster as it is now; none if there is no such cluster.
    pub(crate) async fn observe(&self, name: &ClusterName) -> Result<Option<ObservedCluster>, Fault> {
        let Described { found, faults } = self.ecs.describe_clusters(std::slice::from_ref(name)).await;
        match (found.into_iter().next(), faults.into_iter().next()) {
            (Some(cluster), _) => Ok(Some(cluster)),
            (None, Some(fault)) if fault.kind != FaultKind::NotFound => Err(fault),
            (None, _) => Ok(None),
        }
    }
}

/// Leaves out changes of clusters that were deleted since.
pub(crate) fn forget_earlier_clusters(ledger: &mut Ledger, lives: &BTreeMap<ClusterName, Life>) {
    for (cluster, life) in lives {
        if let (Some(deleted), Some(of_cluster)) =
            (life.deleted, ledger.get_mut(&LedgerSubject::Cluster(cluster.clone())))
        {
            of_cluster.forget_before(deleted);
        }
    }
}

/// The newest change that this event or run made.
pub(crate) fn made_by<'a>(ledger: &'a ClusterLedger, cause: &str) -> Option<&'a Change> {
    let ours = |change: &&Change| change.cause.split('+').next() == Some(cause);
    ledger.changes.iter().rev().filter(ours).find(|change| change.state == ChangeState::Done)
}

fn deleted(name: &ClusterName) -> Fault {
    Fault {
        operation: Operation::EcsDescribeClusters,
        subject: name.to_string(),
        kind: FaultKind::NotFound,
        code: "MISSING".to_owned(),
        message: "it was deleted in the meantime".to_owned(),
    }
}

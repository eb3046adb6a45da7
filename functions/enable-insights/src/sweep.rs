//! The sweep: every cluster of a target, so that a lost event is repaired and nothing stays unseen.

use std::collections::BTreeSet;

use fargaze::aws::{Ecs, Memory, Store};
use fargaze::cluster::ClusterName;
use fargaze::failure::Failure;
use fargaze::fault::Fault;
use fargaze::insights::{
    Decision, InsightsLevel, MAX_CHANGES_PER_SWEEP, ObservedCluster, Occasion as Acquaintance, Wish, decide,
};
use fargaze::outcome::{Coverage, InsightsFinding, InsightsResult, Outcome, TargetTask, counted};

use crate::change::{Occasion, raise};

/// What a sweep works with.
pub(crate) struct Sweep<'a> {
    pub(crate) ecs: &'a Ecs,
    pub(crate) memory: &'a Memory,
    pub(crate) store: &'a Store,
    pub(crate) wish: &'a Wish,
}

impl Sweep<'_> {
    /// Looks at all clusters, changes what is to be changed, and tells about each.
    ///
    /// A cluster that the last sweep did not see is new: the event of its creation was lost or never sent. At the first
    /// sweep of a target all clusters count as existing.
    pub(crate) async fn run(&self, task: &TargetTask) -> Result<Outcome, Failure> {
        let known_key = task.target.known_clusters_key();
        let known: Option<BTreeSet<ClusterName>> = self.store.get_json(&known_key).await?;
        let listed = self.ecs.list_clusters().await?;
        let names: Vec<ClusterName> =
            listed.into_iter().map(|arn| arn.name).filter(|name| task.target.part.holds(name)).collect();
        let described = self.ecs.describe_clusters(&names).await;
        let mut findings = Vec::new();
        let mut changes = 0;
        for cluster in &described.found {
            let is_new = known.as_ref().is_some_and(|known| !known.contains(&cluster.name));
            let acquaintance = if is_new { Acquaintance::New } else { Acquaintance::Existing };
            let result = match decide(self.wish, cluster, acquaintance) {
                Decision::Raise(_) if changes == MAX_CHANGES_PER_SWEEP => InsightsResult::Waiting,
                Decision::Raise(to) => {
                    changes += 1;
                    self.raise(task, cluster, to).await
                }
                Decision::Right => InsightsResult::Right,
                Decision::Report(why) => InsightsResult::Reported(why.to_owned()),
                Decision::Leave(why) => InsightsResult::Left(why.to_owned()),
            };
            findings.push(InsightsFinding { cluster: cluster.name.clone(), level: cluster.level, result });
        }
        let coverage = coverage(names.len(), described.faults, &findings);
        self.remember(&known_key, known, names, &findings).await?;
        Ok(Outcome {
            target: task.target.clone(),
            coverage,
            transitions: Vec::new(),
            insights: findings,
            snapshot: None,
        })
    }

    async fn raise(&self, task: &TargetTask, cluster: &ObservedCluster, to: InsightsLevel) -> InsightsResult {
        let TargetTask { run, target } = task;
        let occasion =
            Occasion { account: &target.account, region: &target.region, time: run.time, cause: &run.id };
        match raise(self.ecs, self.memory, &occasion, cluster, to).await {
            Ok(level) => InsightsResult::Raised(level),
            Err(fault) => InsightsResult::Failed(fault),
        }
    }

    /// Remembers the clusters that are there. A new one that waits or failed stays unknown, so that the next sweep still
    /// finds it new; one that is gone is forgotten, so that it is new when it comes back.
    async fn remember(
        &self,
        key: &str,
        known: Option<BTreeSet<ClusterName>>,
        listed: Vec<ClusterName>,
        findings: &[InsightsFinding],
    ) -> Result<(), Failure> {
        let open = |name: &ClusterName| {
            let finding =
                findings.iter().find(|finding| finding.cluster == *name).map(|finding| &finding.result);
            matches!(finding, None | Some(InsightsResult::Waiting | InsightsResult::Failed(_)))
        };
        let is_known = |name: &ClusterName| known.as_ref().is_none_or(|known| known.contains(name));
        let now: BTreeSet<ClusterName> =
            listed.into_iter().filter(|name| is_known(name) || !open(name)).collect();
        if known.as_ref() != Some(&now) {
            self.store.put_json(key, &now).await?;
        }
        Ok(())
    }
}

/// A sweep asks no metrics: its coverage is about clusters alone.
fn coverage(listed: usize, faults: Vec<Fault>, findings: &[InsightsFinding]) -> Coverage {
    let failed = findings.iter().filter_map(|finding| match &finding.result {
        InsightsResult::Failed(fault) => Some(fault.clone()),
        _ => None,
    });
    let faults = counted(faults.into_iter().chain(failed));
    Coverage { clusters: listed, clusters_seen: findings.len(), faults, ..Coverage::default() }
}

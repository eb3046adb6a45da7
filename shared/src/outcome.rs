//! How one target of a run ended: what was looked at, what could not be asked, and what changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::alarm::{Notice, RuleSight};
use crate::cluster::ClusterName;
use crate::fault::Fault;
use crate::insights::InsightsLevel;
use crate::inventory::{ClusterEntry, Inventory};
use crate::metric::MetricQuery;
use crate::reconcile::{Asked, Finding};
use crate::run::Target;
use crate::series::Reading;

/// What one target brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The target.
    pub target: Target,
    /// How much of it was seen.
    pub coverage: Coverage,
    /// What the kind of run was for.
    #[serde(flatten)]
    pub kind: OutcomeKind,
}

/// What a target brought, by the kind of its run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OutcomeKind {
    /// Of an alarms run.
    Alarms {
        /// Notices that are pending, from this run or an earlier one.
        notices: Vec<Notice>,
        /// What was seen of each rule.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rules: Vec<RuleSight>,
        /// Key of the snapshot.
        snapshot: String,
        /// Who owns the clusters that there are notices about: the tag `owner` of those that have it.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        owners: BTreeMap<ClusterName, String>,
    },
    /// Of a report.
    Report {
        /// Key of the snapshot.
        snapshot: String,
        /// The account's default of Container Insights; of the first part of an ECS target only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account_default: Option<Asked<InsightsLevel>>,
    },
    /// Of a sweep or a restore.
    Reconciled(Reconciled),
}

/// What a sweep or a restore found and did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reconciled {
    /// About each aspect of each subject; of the account in one part of the target only.
    pub findings: Vec<Finding>,
    /// Whether nothing was changed because the user's file says `dry-run`.
    #[serde(default)]
    pub dry_run: bool,
}

impl Outcome {
    /// Pending notices; none but of an alarms run.
    pub fn notices(&self) -> &[Notice] {
        match &self.kind {
            OutcomeKind::Alarms { notices, .. } => notices,
            OutcomeKind::Report { .. } | OutcomeKind::Reconciled(_) => &[],
        }
    }

    /// What was seen of each rule; nothing but in an alarms run.
    pub fn rules(&self) -> &[RuleSight] {
        match &self.kind {
            OutcomeKind::Alarms { rules, .. } => rules,
            OutcomeKind::Report { .. } | OutcomeKind::Reconciled(_) => &[],
        }
    }

    /// Owners of the clusters that there are notices about.
    pub fn owners(&self) -> impl Iterator<Item = &String> {
        let owners = match &self.kind {
            OutcomeKind::Alarms { owners, .. } => Some(owners),
            OutcomeKind::Report { .. } | OutcomeKind::Reconciled(_) => None,
        };
        owners.into_iter().flat_map(BTreeMap::values)
    }

    /// Key of the snapshot; a sweep or restore takes none.
    pub fn snapshot(&self) -> Option<&str> {
        match &self.kind {
            OutcomeKind::Alarms { snapshot, .. } | OutcomeKind::Report { snapshot, .. } => Some(snapshot),
            OutcomeKind::Reconciled(_) => None,
        }
    }

    /// The account's default of Container Insights, if a report asked for it.
    pub fn account_default(&self) -> Option<&Asked<InsightsLevel>> {
        match &self.kind {
            OutcomeKind::Report { account_default, .. } => account_default.as_ref(),
            OutcomeKind::Alarms { .. } | OutcomeKind::Reconciled(_) => None,
        }
    }

    /// What a sweep or restore found and did, if it was one.
    pub fn reconciled(&self) -> Option<&Reconciled> {
        match &self.kind {
            OutcomeKind::Reconciled(reconciled) => Some(reconciled),
            OutcomeKind::Alarms { .. } | OutcomeKind::Report { .. } => None,
        }
    }
}

/// How much was seen. Every question ends as a value, as no data, or as could not ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Clusters that ECS lists.
    pub clusters: usize,
    /// Clusters of which everything that was asked was answered.
    pub clusters_seen: usize,
    /// Services in those clusters; of EKS workloads.
    pub services: usize,
    /// Metrics asked for: what `GetMetricData` bills.
    pub metrics: usize,
    /// Metrics with at least one point.
    pub with_data: usize,
    /// Metrics without any point: a complete answer.
    pub without_data: usize,
    /// Metrics answered in part.
    pub partial: usize,
    /// Metrics that could not be asked.
    pub unread: usize,
    /// What went wrong, each once, with how often.
    pub faults: Vec<CountedFault>,
}

/// A fault with the number of questions that it spoilt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedFault {
    /// The fault.
    pub fault: Fault,
    /// How many questions it spoilt.
    pub count: usize,
}

impl Coverage {
    /// What was seen of the clusters in the inventory by `readings`; see [`CoverageTally`].
    pub fn of(
        inventory: &Inventory,
        readings: &BTreeMap<MetricQuery, Reading>,
        faults: impl IntoIterator<Item = Fault>,
    ) -> Self {
        let mut tally = CoverageTally::default();
        readings.iter().for_each(|(query, reading)| tally.add(query, reading));
        tally.finish(inventory, faults)
    }

    /// Whether nothing was missed.
    pub fn is_complete(&self) -> bool {
        self.faults.is_empty() && self.clusters_seen == self.clusters
    }
}

/// Counts answers as they come, for a [`Coverage`].
#[derive(Debug, Clone, Default)]
pub struct CoverageTally {
    coverage: Coverage,
    faults: BTreeMap<Fault, usize>,
    /// Clusters of which some metric was not answered in full.
    unseen: BTreeSet<String>,
}

impl CoverageTally {
    /// Counts one answer.
    pub fn add(&mut self, query: &MetricQuery, reading: &Reading) {
        let coverage = &mut self.coverage;
        coverage.metrics += 1;
        match reading {
            Reading::Complete(_) if reading.is_silent() => coverage.without_data += 1,
            Reading::Complete(_) => coverage.with_data += 1,
            Reading::Partial(..) => coverage.partial += 1,
            Reading::Unread(_) => coverage.unread += 1,
        }
        if let Some(fault) = reading.fault() {
            *self.faults.entry(fault.clone()).or_default() += 1;
            self.unseen.extend(query.metric.dimensions.get("ClusterName").map(ToOwned::to_owned));
        }
    }

    /// The coverage of the clusters in the inventory. `faults` are those of no single metric; a cluster is seen if its
    /// services are listed, all its metrics were answered in full, and no fault names it.
    pub fn finish(self, inventory: &Inventory, faults: impl IntoIterator<Item = Fault>) -> Coverage {
        let Self { mut coverage, faults: mut counts, mut unseen } = self;
        for fault in inventory.faults.iter().cloned().chain(faults) {
            unseen.insert(fault.subject.clone());
            *counts.entry(fault).or_default() += 1;
        }
        let seen =
            |name: &ClusterName, entry: &ClusterEntry| !entry.unlisted && !unseen.contains(name.as_str());
        coverage.clusters = inventory.clusters.len();
        coverage.clusters_seen = inventory.clusters.iter().filter(|(name, entry)| seen(name, entry)).count();
        coverage.services = inventory.service_count() + inventory.workload_count();
        coverage.faults = most_frequent_first(counts);
        coverage
    }
}

/// Equal faults together, the most frequent first.
pub fn counted(faults: impl IntoIterator<Item = Fault>) -> Vec<CountedFault> {
    let mut counts = BTreeMap::<Fault, usize>::new();
    for fault in faults {
        *counts.entry(fault).or_default() += 1;
    }
    most_frequent_first(counts)
}

fn most_frequent_first(counts: BTreeMap<Fault, usize>) -> Vec<CountedFault> {
    let mut counted: Vec<CountedFault> =
        counts.into_iter().map(|(fault, count)| CountedFault { fault, count }).collect();
    counted.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.fault.cmp(&b.fault)));
    counted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Operation;

    #[test]
    fn equal_faults_stand_once_the_most_frequent_first() {
        let (one, other) = (
            Fault::malformed(Operation::EcsListClusters, "", ""),
            Fault::malformed(Operation::EcsListServices, "", ""),
        );
        let counted = counted([one.clone(), other.clone(), other.clone()]);
        assert_eq!(
            counted.iter().map(|c| (c.fault.operation.to_string(), c.count)).collect::<Vec<_>>(),
            [("ecs:ListServices".to_owned(), 2), ("ecs:ListClusters".to_owned(), 1)]
        );
    }
}

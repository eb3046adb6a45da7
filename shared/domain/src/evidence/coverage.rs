//! How much of a target was observed, and what failed: each query ends as a value, as no data, or
//! as could not ask.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::evidence::inventory::{ClusterEntry, Inventory};
use crate::model::cluster::ClusterName;
use crate::model::fault::Fault;
use crate::model::metric::MetricQuery;
use crate::model::series::Reading;

/// How much was observed. Every query ends as a value, as no data, or as could not ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Clusters in the inventory.
    pub clusters: usize,
    /// Clusters for which every query was answered.
    pub clusters_seen: usize,
    /// Services in those clusters; on EKS, workloads.
    pub services: usize,
    /// Metrics requested: what `GetMetricData` bills.
    pub metrics: usize,
    /// Metrics with at least one point.
    pub with_data: usize,
    /// Metrics that were answered completely and have no points.
    pub without_data: usize,
    /// Metrics that were answered only in part.
    pub partial: usize,
    /// Metrics that could not be queried.
    pub unread: usize,
    /// The faults, each once, with its count.
    pub faults: Vec<CountedFault>,
}

/// A fault and the number of queries it affected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedFault {
    /// The fault.
    pub fault: Fault,
    /// Number of queries it affected.
    pub count: usize,
}

impl Coverage {
    /// The coverage of the clusters in the inventory by `readings`; see [`CoverageTally`].
    pub fn of(
        inventory: &Inventory,
        readings: &BTreeMap<MetricQuery, Reading>,
        faults: impl IntoIterator<Item = Fault>,
    ) -> Self {
        let mut tally = CoverageTally::default();
        readings.iter().for_each(|(query, reading)| tally.add(query, reading));
        tally.finish(inventory, faults)
    }

    /// Whether every query was answered.
    pub fn is_complete(&self) -> bool {
        self.faults.is_empty() && self.clusters_seen == self.clusters
    }
}

/// Counts answers as they arrive, for a [`Coverage`].
#[derive(Debug, Clone, Default)]
pub struct CoverageTally {
    coverage: Coverage,
    faults: BTreeMap<Fault, usize>,
    /// Clusters with a metric that was not answered completely.
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

    /// Counts a cluster as not seen, of which a metric that does not name it was not answered
    /// completely.
    pub fn unseen(&mut self, cluster: &str) {
        self.unseen.insert(cluster.to_owned());
    }

    /// The coverage of the clusters in the inventory. `faults` are those that belong to no single
    /// metric. A cluster counts as seen if its services are listed, all its metrics were answered
    /// completely, and no fault names it.
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

/// Groups equal faults, most frequent first.
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
    use crate::model::operation::Operation;

    #[test]
    fn equal_faults_are_grouped_most_frequent_first() {
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

//! What was checked, and what could not be queried, as data and in words.

use serde::{Deserialize, Serialize};

use crate::evidence::coverage::Coverage;
use crate::model::cluster::{AccountId, Region};
use crate::model::operation::Operation;
use crate::model::run::Platform;
use crate::report::measured::member::is_ecs;
use crate::text::Text;
use crate::text::words::{count, notes};

/// What was checked, and what could not be queried.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportCoverage {
    /// Targets of the run.
    pub targets: usize,
    /// Targets that could be read.
    pub targets_seen: usize,
    /// Clusters that ECS and EKS list in the targets.
    pub clusters: usize,
    /// Clusters for which all queries were answered.
    pub clusters_seen: usize,
    /// Metrics requested.
    pub metrics: usize,
    /// Metrics with data.
    pub with_data: usize,
    /// Metrics without data, by a complete answer.
    pub without_data: usize,
    /// Metrics with a partial answer.
    pub partial: usize,
    /// Metrics that could not be queried.
    pub unread: usize,
    /// What went wrong, the most frequent first.
    pub problems: Vec<Problem>,
}

impl ReportCoverage {
    /// Whether all queries were answered.
    pub(crate) fn is_whole(&self) -> bool {
        self.problems.is_empty() && self.clusters_seen == self.clusters
    }

    /// Targets that could not be read at all.
    pub(crate) fn lost(&self) -> usize {
        self.targets.saturating_sub(self.targets_seen)
    }

    /// How many clusters were read incompletely, and how many targets not at all.
    pub(crate) fn unseen(&self) -> String {
        let (unseen, lost) = (self.clusters.saturating_sub(self.clusters_seen), self.lost());
        let unseen = if unseen > 0 { format!("{unseen} not fully read") } else { String::new() };
        let lost = if lost > 0 {
            format!("{lost} of {} could not be read", count(self.targets, "target"))
        } else {
            String::new()
        };
        notes([unseen, lost])
    }

    /// The results of the metric queries.
    pub(crate) fn answers(&self) -> Coverage {
        let Self { metrics, with_data, without_data, partial, unread, .. } = *self;
        Coverage { metrics, with_data, without_data, partial, unread, ..Coverage::default() }
    }
}

/// How much of a target a problem hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// The whole target.
    Target,
    /// Clusters: they could not be listed or described, so some may be missing.
    Clusters,
    /// One answer about something that is otherwise visible.
    Answer,
}

impl Extent {
    /// What a failure of this operation hides.
    pub(crate) fn of(operation: &Operation) -> Self {
        let hides_clusters = operation.lists_clusters()
            || matches!(operation, Operation::EksDescribeCluster | Operation::FargazeReadSnapshot);
        if hides_clusters { Self::Clusters } else { Self::Answer }
    }
}

/// A query that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Problem {
    /// Whether ECS or EKS was queried; absent for ECS.
    #[serde(default, skip_serializing_if = "is_ecs")]
    pub platform: Platform,
    /// Account that was queried.
    pub account: AccountId,
    /// Region that was queried.
    pub region: Region,
    /// How much of the target it hides.
    pub extent: Extent,
    /// The operation, its subject, and the error.
    pub why: Text,
    /// What to do about it.
    pub advice: Text,
    /// Number of queries that failed this way.
    pub count: usize,
}

impl Problem {
    /// What could not be queried, and what to do about it.
    pub(crate) fn sentence(&self) -> String {
        let times = if self.count > 1 { format!(" ({} times)", self.count) } else { String::new() };
        let (region, account) = (&self.region, &self.account);
        let platform = match self.platform {
            Platform::Ecs => "",
            Platform::Eks => "EKS in ",
        };
        format!("Could not query {platform}{region} ({account}): {}{times}; {}.", self.why, self.advice)
    }
}

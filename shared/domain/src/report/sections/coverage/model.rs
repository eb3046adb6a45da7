//! What was looked at, and what could not be asked, as data and in words.

use serde::{Deserialize, Serialize};

use crate::evidence::coverage::Coverage;
use crate::model::cluster::{AccountId, Region};
use crate::model::operation::Operation;
use crate::model::run::Platform;
use crate::report::measured::member::is_ecs;
use crate::text::Text;
use crate::text::words::{count, notes};

/// What was looked at, and what could not be asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportCoverage {
    /// Targets of the run.
    pub targets: usize,
    /// Targets that brought something.
    pub targets_seen: usize,
    /// Clusters that ECS and EKS list there.
    pub clusters: usize,
    /// Clusters of which everything that was asked was answered.
    pub clusters_seen: usize,
    /// Metrics asked for.
    pub metrics: usize,
    /// Metrics with data.
    pub with_data: usize,
    /// Metrics without: a complete answer.
    pub without_data: usize,
    /// Metrics answered in part.
    pub partial: usize,
    /// Metrics that could not be asked.
    pub unread: usize,
    /// What went wrong, the most frequent first.
    pub problems: Vec<Problem>,
}

impl ReportCoverage {
    /// Whether everything that was asked was answered.
    pub(crate) fn is_whole(&self) -> bool {
        self.problems.is_empty() && self.clusters_seen == self.clusters
    }

    /// Targets of which nothing could be seen.
    pub(crate) fn lost(&self) -> usize {
        self.targets.saturating_sub(self.targets_seen)
    }

    /// Of which clusters and targets something or all is missing.
    pub(crate) fn unseen(&self) -> String {
        let (unseen, lost) = (self.clusters.saturating_sub(self.clusters_seen), self.lost());
        let unseen = if unseen > 0 { format!("{unseen} not seen in full") } else { String::new() };
        let lost = if lost > 0 {
            format!("nothing seen of {lost} of {}", count(self.targets, "target"))
        } else {
            String::new()
        };
        notes([unseen, lost])
    }

    /// How the questions for metrics ended.
    pub(crate) fn answers(&self) -> Coverage {
        let Self { metrics, with_data, without_data, partial, unread, .. } = *self;
        Coverage { metrics, with_data, without_data, partial, unread, ..Coverage::default() }
    }
}

/// How much of a target something hides that went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// Nothing of the target could be seen.
    Target,
    /// Clusters could not be listed or described, so that some may be missing.
    Clusters,
    /// An answer about what else is seen.
    Answer,
}

impl Extent {
    /// What is hidden where this operation fails.
    pub(crate) fn of(operation: &Operation) -> Self {
        let hides_clusters = operation.lists_clusters()
            || matches!(operation, Operation::EksDescribeCluster | Operation::FargazeReadSnapshot);
        if hides_clusters { Self::Clusters } else { Self::Answer }
    }
}

/// What could not be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Problem {
    /// Whether it was asked about ECS or EKS; left out of ECS.
    #[serde(default, skip_serializing_if = "is_ecs")]
    pub platform: Platform,
    /// Account that was asked about.
    pub account: AccountId,
    /// Region that was asked about.
    pub region: Region,
    /// How much of the target it hides.
    pub extent: Extent,
    /// What was asked, of what, and what came back.
    pub why: Text,
    /// What to do about it.
    pub advice: Text,
    /// Questions that it spoilt.
    pub count: usize,
}

impl Problem {
    /// What could not be asked, and what to do about it.
    pub(crate) fn sentence(&self) -> String {
        let times = if self.count > 1 { format!(" ({} times)", self.count) } else { String::new() };
        let (region, account) = (&self.region, &self.account);
        let platform = match self.platform {
            Platform::Ecs => "",
            Platform::Eks => "EKS ",
        };
        format!("Could not ask {platform}in {region} ({account}): {}{times}; {}.", self.why, self.advice)
    }
}

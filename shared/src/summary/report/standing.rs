//! What the report says beside the services: how Container Insights stands, what was looked at, and what it cost.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::model::is_ecs;
use super::text::Text;
use crate::cluster::{AccountId, ClusterName, Region};
use crate::insights::InsightsLevel;
use crate::operation::Operation;
use crate::run::Platform;
use crate::usage::Usage;

/// How Container Insights stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Posture {
    /// Clusters at the level `disabled`.
    pub disabled: usize,
    /// Clusters at the level `enabled`.
    pub enabled: usize,
    /// Clusters at the level `enhanced`.
    pub enhanced: usize,
    /// Clusters whose owners opted out.
    pub opted_out: usize,
    /// Clusters where it is on, and no metrics come.
    pub silent: usize,
    /// Clusters where it is on, and it could not be asked whether metrics come.
    #[serde(default)]
    pub reporting_not_known: usize,
    /// Clusters where somebody puts the setting back.
    pub fights: usize,
    /// The account's default in each Region that told it.
    pub account_defaults: Vec<AccountDefault>,
    /// What fargaze changed in the window and after it, the newest first.
    pub changes: Vec<PostureChange>,
}

/// An account's default in one Region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AccountDefault {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// The level; none if it could not be read.
    pub level: Option<InsightsLevel>,
}

/// What fargaze changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PostureChange {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// The cluster; none if it is the account's default.
    pub cluster: Option<ClusterName>,
    /// When.
    #[cfg_attr(test, schemars(with = "String"))]
    pub time: Timestamp,
    /// Level before.
    pub from: InsightsLevel,
    /// Level after.
    pub to: InsightsLevel,
    /// How far it came: `planned`, `done` or `restored`.
    pub state: Text,
    /// Why.
    pub reason: Text,
}

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
    pub(super) fn of(operation: &Operation) -> Self {
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

/// What fargaze itself used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cost {
    /// Metrics that this report asked for.
    pub report_metrics: u64,
    /// US dollars for them.
    pub report_dollars: f64,
    /// All runs since the last report; none if it is not known.
    pub usage: Option<Usage>,
    /// US dollars for what all runs asked.
    pub usage_dollars: Option<f64>,
    /// The same pace for thirty days.
    pub dollars_a_month: Option<f64>,
}

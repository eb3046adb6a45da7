//! The state of Container Insights, as data.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::model::insights::InsightsLevel;
use crate::text::Text;

/// The state of Container Insights.
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
    /// Clusters where it is on, but no metrics arrive.
    pub silent: usize,
    /// Clusters where it is on, but it is unknown whether metrics arrive, because the query failed.
    #[serde(default)]
    pub reporting_not_known: usize,
    /// Clusters where others revert the setting.
    pub conflicts: usize,
    /// The account default of each Region that was checked.
    pub account_defaults: Vec<AccountDefault>,
    /// Changes that fargaze made since the start of the window, the newest first.
    pub changes: Vec<PostureChange>,
}

/// The account default of one Region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AccountDefault {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// The level; null if it could not be read.
    pub level: Option<InsightsLevel>,
}

/// A change that fargaze made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PostureChange {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// The cluster; null for the account default.
    pub cluster: Option<ClusterName>,
    /// When it was made.
    #[cfg_attr(test, schemars(with = "String"))]
    pub time: Timestamp,
    /// Level before.
    pub from: InsightsLevel,
    /// Level after.
    pub to: InsightsLevel,
    /// The state of the change, such as `planned`, `done` or `rolled-back`.
    pub state: Text,
    /// Why it was made.
    pub reason: Text,
}

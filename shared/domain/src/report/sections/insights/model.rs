//! How Container Insights stands, as data.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::model::insights::InsightsLevel;
use crate::text::Text;

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

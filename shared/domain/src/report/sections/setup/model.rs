//! Quotas as data.

use serde::{Deserialize, Serialize};

use crate::model::cluster::{AccountId, Region};

/// The use of a quota of an account on Fargate in a Region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct QuotaReport {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// `Standard/OnDemand` or `Standard/Spot`: vCPUs of tasks and pods.
    pub class: String,
    /// Percent of the quota that is used now; absent if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// Highest percent over the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest: Option<f64>,
}

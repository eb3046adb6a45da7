//! An ECS cluster as data.

use serde::{Deserialize, Serialize};

use super::service::ServiceReport;
use crate::evidence::inventory::Reporting;
use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::model::insights::InsightsLevel;
use crate::text::Text;

/// One ECS cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ClusterReport {
    /// Its account.
    pub account: AccountId,
    /// Its Region.
    pub region: Region,
    /// Its name.
    pub cluster: ClusterName,
    /// Its level of Container Insights.
    pub insights: InsightsLevel,
    /// Whether metrics of Container Insights arrive.
    pub reports_insights: Reporting,
    /// Whether its owner opted out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opted_out: bool,
    /// Container Insights is on, but no metrics arrive, although the cluster has services and the
    /// setting is not new.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// Who reverts the setting each time; empty if there is no conflict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reverted_by: Vec<Text>,
    /// Whether its services could not be listed, so that the list is from an earlier run or empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub services_unread: bool,
    /// Its services, by name.
    pub services: Vec<ServiceReport>,
}

impl ClusterReport {
    /// Whether Container Insights is on and it is unknown whether metrics arrive.
    pub(crate) fn may_be_silent(&self) -> bool {
        let is_on = self.insights > InsightsLevel::Disabled;
        is_on && self.reports_insights == Reporting::NotKnown && !self.services.is_empty()
    }
}

//! The setting Container Insights of ECS clusters, and what ECS says of a cluster that has it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::cluster::{BadName, ClusterName};

/// Value of a cluster's setting `containerInsights`, from less to more (ECS API, `ClusterSetting`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum InsightsLevel {
    /// Off.
    #[default]
    Disabled,
    /// Metrics per cluster, service and task family.
    Enabled,
    /// Also per task and container ("enhanced observability", since December 2024).
    Enhanced,
}

impl InsightsLevel {
    /// All levels, from less to more.
    pub const ALL: [Self; 3] = [Self::Disabled, Self::Enabled, Self::Enhanced];

    /// ECS's own spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Enhanced => "enhanced",
        }
    }
}

impl FromStr for InsightsLevel {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or_else(|| BadName {
            text: text.to_owned(),
            what: "level of Container Insights",
            expected: "disabled, enabled or enhanced",
        })
    }
}

impl fmt::Display for InsightsLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Tag by which the owner of a cluster opts out: `fargaze` = `hands-off`. It is stronger than any policy.
pub const OPT_OUT_TAG: (&str, &str) = ("fargaze", "hands-off");

/// Whether the tags of a cluster hold [`OPT_OUT_TAG`].
pub fn opts_out(tags: &BTreeMap<String, String>) -> bool {
    let (tag, value) = OPT_OUT_TAG;
    tags.get(tag).is_some_and(|found| found == value)
}

/// What ECS says about a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedCluster {
    /// Name of the cluster.
    pub name: ClusterName,
    /// Status such as `ACTIVE`.
    pub status: String,
    /// Its setting; only known if ECS was asked with `include = SETTINGS`.
    pub level: InsightsLevel,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// `runningTasksCount`: without tasks there are no metrics, however right the setting is.
    pub running_tasks: u32,
    /// `activeServicesCount`.
    pub active_services: u32,
}

impl ObservedCluster {
    /// Whether it is being made, or ECS failed to make it: nothing is to be set yet (ECS API, `Cluster`, `status`).
    pub fn is_unfinished(&self) -> bool {
        matches!(self.status.as_str(), "PROVISIONING" | "FAILED")
    }

    /// Whether it runs services or tasks. One that is being made has none; an existing one is PROVISIONING, too,
    /// while it gets capacity providers.
    pub fn is_occupied(&self) -> bool {
        self.running_tasks > 0 || self.active_services > 0
    }
}

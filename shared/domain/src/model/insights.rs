//! The Container Insights setting of ECS clusters, and the cluster as ECS describes it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::cluster::{BadName, ClusterName};

/// Value of a cluster's setting `containerInsights`, in ascending order (ECS API,
/// `ClusterSetting`).
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
    /// All levels, in ascending order.
    pub const ALL: [Self; 3] = [Self::Disabled, Self::Enabled, Self::Enhanced];

    /// ECS's spelling.
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

/// Why no metrics of a cluster may arrive although it has Container Insights turned on (ECS API,
/// `UpdateClusterSettings`).
pub const WHY_SILENT: &str = "Likely cause: a cluster of the same name with Container Insights off was deleted less than 7 days before \
     this one was created; ECS then does not actually turn it on (ECS API, UpdateClusterSettings). Use another \
     name, or recreate the cluster after 7 days.";

/// Tag with which the owner of a cluster opts out: `fargaze` = `hands-off`. It overrides every
/// policy.
pub const OPT_OUT_TAG: (&str, &str) = ("fargaze", "hands-off");

/// Whether the tags of a cluster include [`OPT_OUT_TAG`].
pub fn opts_out(tags: &BTreeMap<String, String>) -> bool {
    let (tag, value) = OPT_OUT_TAG;
    tags.get(tag).is_some_and(|found| found == value)
}

/// A cluster as ECS describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedCluster {
    /// Name of the cluster.
    pub name: ClusterName,
    /// Status such as `ACTIVE`.
    pub status: String,
    /// Its Container Insights level; only known if it was requested with `include = SETTINGS`.
    pub level: InsightsLevel,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// `runningTasksCount`: without tasks there are no metrics, whatever the setting.
    pub running_tasks: u32,
    /// `activeServicesCount`.
    pub active_services: u32,
}

impl ObservedCluster {
    /// Whether it is being created, or its creation failed: nothing can be set yet (ECS API,
    /// `Cluster`, `status`).
    pub fn is_unfinished(&self) -> bool {
        matches!(self.status.as_str(), "PROVISIONING" | "FAILED")
    }

    /// Whether it runs services or tasks. A cluster that is being created has none; an existing
    /// cluster is also PROVISIONING while capacity providers are being added.
    pub fn is_occupied(&self) -> bool {
        self.running_tasks > 0 || self.active_services > 0
    }
}

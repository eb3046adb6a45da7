//! What is known of incidents, and since when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::fault::Fault;

/// Where incidents are known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Events that were kept.
    Events,
    /// `DescribeTasks`, which knows stopped tasks for about an hour.
    StoppedTasks,
}

/// What is known of the incidents of a target, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Where from.
    pub origin: Origin,
    /// From when on every incident is known.
    pub from: Timestamp,
    /// Why they could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

//! What setting up an aspect costs, as far as that can be said beforehand.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an aspect costs. How much is logged or observed cannot be counted beforehand, so these are words and no sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CostNote {
    /// Nothing.
    Free,
    /// Nothing itself, but what it runs is billed where it runs on Fargate (AWS Fargate pricing).
    FreeButPods,
    /// Vended logs by the GB, among them the audit log, which is the most (Amazon EKS User Guide, "control plane logs").
    LogsWithAudit,
    /// Vended logs by the GB, without the audit log.
    Logs,
    /// Logs of pods by the GB, and memory of the router in every pod (Amazon EKS User Guide, "Fargate logging").
    PodLogs,
    /// By the observation; the price was not verified (CloudWatch User Guide, "Container Insights").
    PerObservation,
}

impl CostNote {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free of charge",
            Self::FreeButPods => {
                "the add-on is free of charge; its pods on Fargate are billed as any pods there"
            }
            Self::LogsWithAudit => "CloudWatch Logs ingestion by the GB, of which audit is the most",
            Self::Logs => "CloudWatch Logs ingestion by the GB",
            Self::PodLogs => {
                "CloudWatch Logs ingestion by the GB if it writes there, and up to 50 MB of memory in every Fargate pod"
            }
            Self::PerObservation => {
                "by the observation, at a price that is not known here; see the page of CloudWatch's prices"
            }
        }
    }
}

impl fmt::Display for CostNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

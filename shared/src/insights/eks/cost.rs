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
    /// Metrics by the observation, logs by the GB, Application Signals by the request; prices were not verified (CloudWatch User
    /// Guide, "Install the CloudWatch agent with the Amazon CloudWatch Observability EKS add-on").
    PerObservation,
}

impl CostNote {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free of charge",
            Self::FreeButPods => {
                "the add-on is free of charge; its pods on Fargate, usually two, are about $9 a month each (us-east-1)"
            }
            Self::LogsWithAudit => "CloudWatch Logs ingestion by the GB, of which audit is the most",
            Self::Logs => "CloudWatch Logs ingestion by the GB",
            Self::PodLogs => {
                "CloudWatch Logs ingestion by the GB if it writes there, and up to 50 MB of memory in every Fargate pod"
            }
            Self::PerObservation => {
                "metrics by the observation, container logs by the GB, Application Signals by the request, at prices that are not \
                 known here; see the page of CloudWatch's prices"
            }
        }
    }
}

impl fmt::Display for CostNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::fargate::expected_size;
    use crate::kubernetes::quantity::Quantity;
    use crate::kubernetes::resources::Resources;

    /// AWS Fargate's list prices an hour of a vCPU and a GB, for Linux on x86 in us-east-1, as of November 2026 (AWS Fargate
    /// pricing).
    const HOUR: (f64, f64) = (0.04048, 0.004_445);
    /// Hours of a month of 30 days.
    const MONTH: f64 = 720.0;

    /// The requests are those of the manifests of kubernetes-sigs/metrics-server.
    #[test]
    fn a_pod_of_metrics_server_costs_what_is_said() {
        let (cpu, memory) = (Some(Quantity::millis(100)), Some(Quantity::bytes(200 << 20)));
        let size = expected_size(&Resources { cpu, memory, ..Resources::default() }).unwrap();
        assert_eq!(size.to_string(), "0.25vCPU 0.5GB");
        let (vcpu, gigabytes) = (size.cpu.as_f64(), size.memory.as_f64() / f64::from(1 << 30));
        let dollars = (vcpu * HOUR.0 + gigabytes * HOUR.1) * MONTH;
        assert_eq!(format!("{dollars:.2}"), "8.89");
        assert!(CostNote::FreeButPods.as_str().contains(&format!("about ${dollars:.0} a month each")));
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/insights.md");
        assert!(std::fs::read_to_string(page).unwrap().contains(&format!("${dollars:.2} a month")));
    }
}

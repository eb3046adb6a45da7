//! What cAdvisor counted, and the warning about the permission that reading it requires.

use serde::{Deserialize, Serialize};

use crate::evidence::pods::{CadvisorState, PodRates};
use crate::report::measured::figures::{percent, rate, tenth};
use crate::text::Text;
use crate::text::words::count;

/// States that cAdvisor is read in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CadvisorReport {
    /// Nodes to be read.
    pub nodes: usize,
    /// Nodes that could not be read.
    #[serde(default)]
    pub unread: usize,
}

/// Rates of a pod between the two newest samples; absent where unknown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PodCounted {
    /// Average thousandths of a core between the two samples; `kubectl top` shows the last seconds
    /// only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_millicores: Option<f64>,
    /// Percent of the CPU periods in which the limit throttled a container, for the container
    /// throttled most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_percent: Option<f64>,
    /// That container; absent if only the pod as a whole is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_container: Option<Text>,
    /// Bytes received per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_received: Option<f64>,
    /// Bytes sent per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_sent: Option<f64>,
    /// Bytes read from disks per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_read: Option<f64>,
    /// Bytes written to disks per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_written: Option<f64>,
}

impl From<&CadvisorState> for CadvisorReport {
    fn from(&CadvisorState { nodes, unread }: &CadvisorState) -> Self {
        Self { nodes, unread }
    }
}

impl From<&PodRates> for PodCounted {
    fn from(rates: &PodRates) -> Self {
        let container = rates.throttled.as_ref().map(|throttled| throttled.container.as_str());
        Self {
            cpu_millicores: rates.cpu_nanocores.map(|nanocores| (nanocores / 1e6).round()),
            throttled_percent: rates.throttled_percent().map(tenth),
            throttled_container: container.filter(|name| !name.is_empty()).map(Text::new),
            network_received: rates.network_received.map(f64::round),
            network_sent: rates.network_sent.map(f64::round),
            disk_read: rates.disk_read.map(f64::round),
            disk_written: rates.disk_written.map(f64::round),
        }
    }
}

impl CadvisorReport {
    /// What it implies, how to turn it off, and what could not be read.
    pub(crate) fn sentence(&self) -> String {
        let warning = "cAdvisor is read through nodes/proxy, a permission that lets its holder run commands in any pod of the cluster. To turn it \
                       off, set cadvisor: none in fargaze.yaml, and delete the ClusterRole fargaze-cadvisor and its binding.";
        match self.unread {
            0 => warning.to_owned(),
            unread => format!("{warning} {unread} of {} could not be read.", count(self.nodes, "node")),
        }
    }
}

impl PodCounted {
    /// `120m`, or a dash.
    pub(crate) fn mean_cpu(&self) -> String {
        self.cpu_millicores.map_or_else(|| "-".to_owned(), |millicores| format!("{millicores}m"))
    }

    /// `62.5 % (app)`, or a dash.
    pub(crate) fn throttled(&self) -> String {
        let container = self.throttled_container.as_ref().filter(|_| self.throttled_percent.is_some());
        let container = container.map(|name| format!(" ({name})")).unwrap_or_default();
        format!("{}{container}", percent(self.throttled_percent))
    }

    /// Received, sent, read, written.
    pub(crate) fn rates(&self) -> [String; 4] {
        [self.network_received, self.network_sent, self.disk_read, self.disk_written].map(rate)
    }
}

//! Usage of pods and nodes, from the Metrics API: a mean over a window of some seconds, newest
//! value only.

use jiff::{SignedDuration, Timestamp};

use super::api::{ContainerMetrics, NodeMetrics, PodMetrics, UsageList};
use super::place::{field, moment};
use super::quantity::{Quantity, RawQuantity};

/// Usage of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodUsage {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// End of the window.
    pub timestamp: Timestamp,
    /// Length of the window over which the CPU time was measured.
    pub window: SignedDuration,
    /// Cores, all containers together.
    pub cpu: Quantity,
    /// Bytes of the working set, all containers together.
    pub memory: Quantity,
    /// The measured containers.
    pub containers: Vec<ContainerUsage>,
}

/// Usage of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerUsage {
    /// Its name.
    pub name: String,
    /// Cores.
    pub cpu: Quantity,
    /// Bytes of the working set.
    pub memory: Quantity,
}

/// Usage of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeUsage {
    /// Its name.
    pub name: String,
    /// End of the window.
    pub timestamp: Timestamp,
    /// Length of the window over which the CPU time was measured.
    pub window: SignedDuration,
    /// Cores.
    pub cpu: Quantity,
    /// Bytes of the working set.
    pub memory: Quantity,
}

/// A value that cannot be read. The sum of the other values would be too small, so the whole pod is
/// discarded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("usage of {subject} cannot be read: {}", faults.join("; "))]
pub struct BadUsage {
    /// Namespace and name of the pod, or name of the node.
    pub subject: String,
    /// A sentence for each bad field, starting with its path.
    pub faults: Vec<String>,
}

impl PodUsage {
    /// Reads an entry of the list of pods. `None` means no data, which is not zero: the entry has
    /// no container, or a container has no CPU or no memory, so the sum of the others would be too
    /// small.
    pub fn read(metrics: PodMetrics) -> Result<Option<Self>, BadUsage> {
        if metrics.containers.is_empty() {
            return Ok(None);
        }
        let mut faults = Vec::new();
        let time = time(metrics.timestamp.as_deref(), &metrics.window, &mut faults);
        let read = |container: ContainerMetrics| {
            let place = format!("containers[{}].usage", container.name);
            let (cpu, memory) = amounts(&container.usage, &place, &mut faults)?;
            Some(ContainerUsage { name: container.name, cpu, memory })
        };
        // Reads all containers before checking for missing values, so that every bad field is
        // named.
        let containers: Vec<Option<ContainerUsage>> = metrics.containers.into_iter().map(read).collect();
        let containers: Option<Vec<ContainerUsage>> = containers.into_iter().collect();
        let (namespace, name) = (metrics.metadata.namespace, metrics.metadata.name);
        let Some((timestamp, window)) = time.filter(|_| faults.is_empty()) else {
            return Err(BadUsage { subject: format!("{namespace}/{name}"), faults });
        };
        Ok(containers.map(|containers| Self {
            timestamp,
            window,
            cpu: containers.iter().map(|container| container.cpu).sum(),
            memory: containers.iter().map(|container| container.memory).sum(),
            namespace,
            name,
            containers,
        }))
    }
}

impl NodeUsage {
    /// Reads an entry of the list of nodes. `None` means no data, which is not zero: the entry has
    /// no CPU or no memory.
    pub fn read(metrics: NodeMetrics) -> Result<Option<Self>, BadUsage> {
        let mut faults = Vec::new();
        let time = time(metrics.timestamp.as_deref(), &metrics.window, &mut faults);
        let amounts = amounts(&metrics.usage, "usage", &mut faults);
        let name = metrics.metadata.name;
        let Some((timestamp, window)) = time.filter(|_| faults.is_empty()) else {
            return Err(BadUsage { subject: name, faults });
        };
        Ok(amounts.map(|(cpu, memory)| Self { name, timestamp, window, cpu, memory }))
    }
}

/// End and length of the window; it is a fault if one of them is missing or invalid.
fn time(
    timestamp: Option<&str>,
    window: &str,
    faults: &mut Vec<String>,
) -> Option<(Timestamp, SignedDuration)> {
    let timestamp = moment(Some(timestamp.unwrap_or_default()), "timestamp", faults);
    let length = window.parse::<SignedDuration>();
    let length = length.map_err(|_| format!("{window:?} is not a Go duration such as 1m0s or 14.713s"));
    let window = field(Some(length), "window", faults);
    timestamp.zip(window)
}

/// Cores and bytes; `None` if one of them is absent or null. An invalid quantity is a fault.
fn amounts(usage: &UsageList, place: &str, faults: &mut Vec<String>) -> Option<(Quantity, Quantity)> {
    let mut amount = |name: &str| {
        let read = usage.get(name)?.as_ref().map(RawQuantity::parse);
        field(read, &format!("{place}.{name}"), faults)
    };
    let (cpu, memory) = (amount("cpu"), amount("memory"));
    cpu.zip(memory)
}

//! What pods and nodes used, from the Metrics API: a mean over a window of some seconds, newest only.

use jiff::{SignedDuration, Timestamp};

use super::api::{ContainerMetrics, NodeMetrics, PodMetrics, UsageList};
use super::place::{field, moment};
use super::quantity::{Quantity, RawQuantity};

/// What a pod used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodUsage {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// End of the window.
    pub timestamp: Timestamp,
    /// Length of the window, in which the CPU time was counted.
    pub window: SignedDuration,
    /// Cores, all containers together.
    pub cpu: Quantity,
    /// Bytes of the working set, all containers together.
    pub memory: Quantity,
    /// The containers that were read.
    pub containers: Vec<ContainerUsage>,
}

/// What a container used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerUsage {
    /// Its name.
    pub name: String,
    /// Cores.
    pub cpu: Quantity,
    /// Bytes of the working set.
    pub memory: Quantity,
}

/// What a node used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeUsage {
    /// Its name.
    pub name: String,
    /// End of the window.
    pub timestamp: Timestamp,
    /// Length of the window, in which the CPU time was counted.
    pub window: SignedDuration,
    /// Cores.
    pub cpu: Quantity,
    /// Bytes of the working set.
    pub memory: Quantity,
}

/// A figure that cannot be read. A sum without one of its parts would be too small, so nothing of the pod is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("usage of {subject} cannot be read: {}", faults.join("; "))]
pub struct BadUsage {
    /// Namespace and name of the pod, or name of the node.
    pub subject: String,
    /// A sentence for each bad field, beginning with its place.
    pub faults: Vec<String>,
}

impl PodUsage {
    /// Reads an entry of the list of pods. There is no data, which is not zero, if the entry has no container, or if
    /// one of its containers has no CPU or no memory: the sum of the others would be too small.
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
        // All are read before one that is missing counts: each bad field is to be named.
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
    /// Reads an entry of the list of nodes. There is no data, which is not zero, if it has no CPU or no memory.
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

/// End and length of the window; a fault if one of them is missing or bad.
fn time(
    timestamp: Option<&str>,
    window: &str,
    faults: &mut Vec<String>,
) -> Option<(Timestamp, SignedDuration)> {
    let timestamp = moment(Some(timestamp.unwrap_or_default()), "timestamp", faults);
    let length = window.parse::<SignedDuration>();
    let length =
        length.map_err(|_| format!("{window:?} is not a duration as Go prints it, such as 1m0s or 14.713s"));
    let window = field(Some(length), "window", faults);
    timestamp.zip(window)
}

/// Cores and bytes; none if one of them is absent or null. What is no quantity is a fault.
fn amounts(usage: &UsageList, place: &str, faults: &mut Vec<String>) -> Option<(Quantity, Quantity)> {
    let mut amount = |name: &str| {
        let read = usage.get(name)?.as_ref().map(RawQuantity::parse);
        field(read, &format!("{place}.{name}"), faults)
    };
    let (cpu, memory) = (amount("cpu"), amount("memory"));
    cpu.zip(memory)
}

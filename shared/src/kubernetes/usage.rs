//! What pods and nodes used, from the Metrics API: a mean over a window of some seconds, newest only.

use jiff::{SignedDuration, Timestamp};

use super::api::{ContainerMetrics, NodeMetrics, PodMetrics, RawQuantity, ResourceList};
use super::duration::go_duration;
use super::place::{field, moment};
use super::quantity::Quantity;

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

/// A figure that cannot be read. A sum without one of its parts would be too small, so that nothing is left of the pod.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("usage of {subject} cannot be read: {}", faults.join("; "))]
pub struct BadUsage {
    /// Namespace and name of the pod, or name of the node.
    pub subject: String,
    /// A sentence for each bad field, beginning with its place.
    pub faults: Vec<String>,
}

impl PodUsage {
    /// Reads an entry of the list of pods.
    pub fn read(metrics: PodMetrics) -> Result<Self, BadUsage> {
        let mut faults = Vec::new();
        let time = time(metrics.timestamp.as_deref(), &metrics.window, &mut faults);
        let read = |container: ContainerMetrics| {
            let place = format!("containers[{}].usage", container.name);
            let (cpu, memory) = amounts(&container.usage, &place, &mut faults);
            ContainerUsage { name: container.name, cpu, memory }
        };
        let containers: Vec<ContainerUsage> = metrics.containers.into_iter().map(read).collect();
        let (namespace, name) = (metrics.metadata.namespace, metrics.metadata.name);
        match time {
            Some((timestamp, window)) if faults.is_empty() => Ok(Self {
                timestamp,
                window,
                cpu: containers.iter().map(|container| container.cpu).sum(),
                memory: containers.iter().map(|container| container.memory).sum(),
                namespace,
                name,
                containers,
            }),
            _ => Err(BadUsage { subject: format!("{namespace}/{name}"), faults }),
        }
    }
}

impl NodeUsage {
    /// Reads an entry of the list of nodes.
    pub fn read(metrics: NodeMetrics) -> Result<Self, BadUsage> {
        let mut faults = Vec::new();
        let time = time(metrics.timestamp.as_deref(), &metrics.window, &mut faults);
        let (cpu, memory) = amounts(&metrics.usage, "usage", &mut faults);
        let name = metrics.metadata.name;
        match time {
            Some((timestamp, window)) if faults.is_empty() => {
                Ok(Self { name, timestamp, window, cpu, memory })
            }
            _ => Err(BadUsage { subject: name, faults }),
        }
    }
}

/// End and length of the window; a fault if one of them is missing or bad.
fn time(
    timestamp: Option<&str>,
    window: &str,
    faults: &mut Vec<String>,
) -> Option<(Timestamp, SignedDuration)> {
    let timestamp = moment(Some(timestamp.unwrap_or_default()), "timestamp", faults);
    let window = field(Some(go_duration(window)), "window", faults);
    timestamp.zip(window)
}

/// Cores and bytes; what is not there is nothing, what is no quantity is a fault.
fn amounts(usage: &ResourceList, place: &str, faults: &mut Vec<String>) -> (Quantity, Quantity) {
    let mut amount = |name: &str| {
        let read = usage.get(name).map(RawQuantity::parse);
        field(read, &format!("{place}.{name}"), faults).unwrap_or_default()
    };
    (amount("cpu"), amount("memory"))
}

//! Amounts of resources, and the total requests and limits of a pod.

use std::collections::BTreeMap;

use super::api::{Container, PodSpec, Requirements, ResourceList};
use super::quantity::Quantity;

/// Amounts of resources by name. An unspecified amount is absent, which is not the same as zero:
/// without a limit there is no bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    /// Cores.
    pub cpu: Option<Quantity>,
    /// Bytes.
    pub memory: Option<Quantity>,
    /// Bytes of ephemeral storage.
    pub ephemeral_storage: Option<Quantity>,
    /// All others, such as `hugepages-2Mi` and `pods`.
    pub other: BTreeMap<String, Quantity>,
}

impl Resources {
    /// Reads a list of the API. An amount that is not a quantity is skipped, and a sentence that
    /// starts with `place` is added to `unreadable`.
    pub fn read(list: &ResourceList, place: &str, unreadable: &mut Vec<String>) -> Self {
        let mut resources = Self::default();
        for (name, raw) in list {
            match raw.parse() {
                Ok(amount) => resources.set(name, amount),
                Err(error) => unreadable.push(format!("{place}.{name}: {error}")),
            }
        }
        resources
    }

    /// The amount of a resource by its API name.
    pub fn get(&self, name: &str) -> Option<Quantity> {
        match name {
            "cpu" => self.cpu,
            "memory" => self.memory,
            "ephemeral-storage" => self.ephemeral_storage,
            other => self.other.get(other).copied(),
        }
    }

    /// All amounts with their API names: `cpu`, `memory`, `ephemeral-storage`, then the others by
    /// name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Quantity)> {
        let named =
            [("cpu", self.cpu), ("memory", self.memory), ("ephemeral-storage", self.ephemeral_storage)];
        let named = named.into_iter().filter_map(|(name, amount)| Some((name, amount?)));
        named.chain(self.other.iter().map(|(name, amount)| (name.as_str(), *amount)))
    }

    /// Whether no amount is specified.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Adds the amounts of each resource.
    pub fn add(&mut self, more: &Self) {
        for (name, amount) in more.iter() {
            self.set(name, self.get(name).unwrap_or_default() + amount);
        }
    }

    /// Takes the larger amount of each resource.
    fn raise_to(&mut self, others: &Self) {
        for (name, amount) in others.iter() {
            if self.get(name).is_none_or(|own| own < amount) {
                self.set(name, amount);
            }
        }
    }

    fn set(&mut self, name: &str, amount: Quantity) {
        match name {
            "cpu" => self.cpu = Some(amount),
            "memory" => self.memory = Some(amount),
            "ephemeral-storage" => self.ephemeral_storage = Some(amount),
            other => {
                self.other.insert(other.to_owned(), amount);
            }
        }
    }
}

/// Requests and limits of a pod as the scheduler computes them and `kubectl describe node` shows
/// them (Kubernetes documentation, "Init containers: resource sharing" and "Sidecar containers:
/// resource sharing").
pub(super) fn of_pod(spec: &PodSpec, unreadable: &mut Vec<String>) -> (Resources, Resources) {
    let overhead = Resources::read(&spec.overhead, "spec.overhead", unreadable);
    let mut requests = roll_up(spec, "requests", |needs| &needs.requests, unreadable);
    requests.add(&overhead);
    let mut limits = roll_up(spec, "limits", |needs| &needs.limits, unreadable);
    for (name, amount) in overhead.iter() {
        // If the containers have no limit, the overhead alone must not become the limit.
        if let Some(limit) = limits.get(name).filter(|limit| !limit.is_zero()) {
            limits.set(name, limit + amount);
        }
    }
    (requests, limits)
}

fn roll_up(
    spec: &PodSpec,
    what: &str,
    side: fn(&Requirements) -> &ResourceList,
    unreadable: &mut Vec<String>,
) -> Resources {
    let mut read = |list: &str, container: &Container| {
        let place = format!("spec.{list}[{}].resources.{what}", container.name);
        Resources::read(side(&container.resources), &place, unreadable)
    };
    let mut together = Resources::default();
    spec.containers.iter().for_each(|container| together.add(&read("containers", container)));
    // Init containers run one after the other, each alongside the sidecars started before it.
    let mut sidecars = Resources::default();
    let mut largest = Resources::default();
    for container in &spec.init_containers {
        let own = read("initContainers", container);
        if container.restart_policy.as_deref() == Some("Always") {
            together.add(&own);
            sidecars.add(&own);
            largest.raise_to(&sidecars);
        } else {
            let mut with_sidecars = own;
            with_sidecars.add(&sidecars);
            largest.raise_to(&with_sidecars);
        }
    }
    together.raise_to(&largest);
    let whole = Resources::read(side(&spec.resources), &format!("spec.resources.{what}"), unreadable);
    for (name, amount) in whole.iter().filter(|(name, _)| is_pod_level(name)) {
        together.set(name, amount);
    }
    together
}

/// Resources that can be set for a pod as a whole (Kubernetes documentation, "Pod-level resource
/// specification").
fn is_pod_level(resource: &str) -> bool {
    matches!(resource, "cpu" | "memory") || resource.starts_with("hugepages-")
}

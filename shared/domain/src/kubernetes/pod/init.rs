//! The running init container that a pod waits for.

use jiff::Timestamp;

use super::super::api::{ContainerStatus, PodSpec, PodStatus};
use super::super::place::moment;

/// A running init container that the other containers wait for (Kubernetes documentation, "Init
/// Containers" and "Sidecar Containers").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initializing {
    /// Its name.
    pub container: String,
    /// Start time.
    pub since: Option<Timestamp>,
    /// Whether it is a sidecar, which keeps running: the other containers wait until its startup
    /// probe passes.
    pub sidecar: bool,
}

/// The running init container of a pending pod; they run one after the other. `None` if the next
/// one is not running.
pub(super) fn of(spec: &PodSpec, status: &PodStatus, unreadable: &mut Vec<String>) -> Option<Initializing> {
    let is_sidecar = |name: &str| {
        let mut all = spec.init_containers.iter();
        all.any(|one| one.name == name && one.restart_policy.as_deref() == Some("Always"))
    };
    let is_awaited = |one: &&ContainerStatus| {
        one.state.running.is_some() && !(is_sidecar(&one.name) && one.started != Some(false))
    };
    let one = status.init_container_statuses.iter().find(is_awaited)?;
    let place = format!("status.initContainerStatuses[{}].state.running.startedAt", one.name);
    let since = one.state.running.as_ref().and_then(|running| running.started_at.as_deref());
    Some(Initializing {
        container: one.name.clone(),
        since: moment(since, &place, unreadable),
        sidecar: is_sidecar(&one.name),
    })
}

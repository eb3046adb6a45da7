//! Which init container a pod waits for while it does its work.

use jiff::Timestamp;

use super::super::api::{ContainerStatus, PodSpec, PodStatus};
use super::super::place::moment;

/// An init container that runs, and that the others wait for (Kubernetes documentation, "Init Containers" and "Sidecar
/// Containers").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initializing {
    /// Its name.
    pub container: String,
    /// Since when it runs.
    pub since: Option<Timestamp>,
    /// Whether it is a sidecar, which goes on running: the others wait until its startup probe passes.
    pub sidecar: bool,
}

/// The one that runs, of a pod that is pending: they run one after the other. None if the one whose turn it is does not
/// run.
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

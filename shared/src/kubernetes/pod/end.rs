//! When a pod ended. Kubernetes has no field for it: containers say it, and conditions where these do not.

use jiff::Timestamp;

use super::super::api::{ContainerStatus, PodStatus};

/// Conditions that change when a pod ends, or before (Kubernetes documentation, "Pod lifecycle: Pod conditions" and
/// "Disruptions: Pod disruption conditions"). The kubelet sets `Ready` to false as it sees the pod end; it was false
/// before if the pod was not ready, so the newest of them counts.
const CONDITIONS: [&str; 5] =
    ["Ready", "ContainersReady", "DisruptionTarget", "PodReadyToStartContainers", "Initialized"];

/// When a pod ended that has: exactly, if each container says when, else the newest that is known, which is not after
/// it. None if nothing says when, as of a pod that was refused before the kubelet knew its containers.
pub(super) fn of(status: &PodStatus) -> Option<Timestamp> {
    let ends: Vec<Option<Timestamp>> = status.container_statuses.iter().map(end).collect();
    let of_containers = ends.iter().flatten().max().copied();
    if !ends.is_empty() && ends.iter().all(Option::is_some) {
        return of_containers;
    }
    let conditions = status.conditions.iter().filter(|one| CONDITIONS.contains(&one.r#type.as_str()));
    let known = conditions.filter_map(|one| moment(one.last_transition_time.as_deref()));
    known.chain(status.init_container_statuses.iter().filter_map(end)).chain(of_containers).max()
}

fn end(container: &ContainerStatus) -> Option<Timestamp> {
    moment(container.state.terminated.as_ref()?.finished_at.as_deref())
}

/// A moment that is known: the kubelet writes 1970 for one that it does not know. One that cannot be read is reported
/// with its container.
fn moment(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok().filter(|at: &Timestamp| *at > Timestamp::UNIX_EPOCH)
}

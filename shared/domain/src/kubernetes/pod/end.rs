//! When a pod ended. Kubernetes has no field for it, so it is derived from containers, or from
//! conditions.

use jiff::{SignedDuration, Timestamp};

use super::super::api::{Condition, ContainerStatus, PodStatus};

/// Conditions that change when a pod ends, or earlier (Kubernetes documentation, "Pod lifecycle:
/// Pod conditions" and "Disruptions: Pod disruption conditions"). The kubelet sets `Ready` to false
/// when it sees the pod end; it was already false if the pod was not ready, so the newest condition
/// counts.
const CONDITIONS: [&str; 5] =
    [DISRUPTION, "Ready", "ContainersReady", "PodReadyToStartContainers", "Initialized"];
const DISRUPTION: &str = "DisruptionTarget";

/// Condition changes within this time after the start belong to the start of the pod.
const BEGINNING: SignedDuration = SignedDuration::from_mins(1);

/// When a pod that has ended did so: the exact time, if every container reports one, otherwise the
/// newest known time that is not after the end. `None` if there is no such time: for a pod that was
/// rejected before the kubelet knew its containers, and for one that was never ready and whose
/// containers are still waiting. `made` is the creation time.
pub(super) fn of(status: &PodStatus, made: Option<Timestamp>) -> Option<Timestamp> {
    let ends: Vec<Option<Timestamp>> = status.container_statuses.iter().map(end).collect();
    let of_containers = ends.iter().flatten().max().copied();
    if !ends.is_empty() && ends.iter().all(Option::is_some) {
        return of_containers;
    }
    // While one container is waiting, the others may have ended long ago, and so may a completed
    // init container.
    let have_ended = status.container_statuses.iter().all(|one| one.state.terminated.is_some());
    let failed = status.init_container_statuses.iter().filter(|one| one.has_failed());
    let begun = moment(status.start_time.as_deref()).or(made);
    let known = status.conditions.iter().filter_map(|one| moved(one, begun));
    known.chain(failed.filter_map(end)).chain(of_containers.filter(|_| have_ended)).max()
}

/// When the end of the pod changed a condition; `None` if the condition dates from the start of the
/// pod.
fn moved(condition: &Condition, begun: Option<Timestamp>) -> Option<Timestamp> {
    let at = moment(condition.last_transition_time.as_deref())?;
    let is_of_end = match condition.r#type.as_str() {
        DISRUPTION => true,
        other => {
            let is_later = begun.is_none_or(|begun| at.duration_since(begun) > BEGINNING);
            CONDITIONS.contains(&other) && condition.status != "True" && is_later
        }
    };
    is_of_end.then_some(at)
}

impl ContainerStatus {
    fn has_failed(&self) -> bool {
        self.state.terminated.as_ref().is_some_and(|end| end.exit_code != 0)
    }
}

fn end(container: &ContainerStatus) -> Option<Timestamp> {
    moment(container.state.terminated.as_ref()?.finished_at.as_deref())
}

/// A known timestamp: the kubelet writes 1970 for an unknown time. A timestamp that cannot be read
/// is reported with its container.
fn moment(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok().filter(|at: &Timestamp| *at > Timestamp::UNIX_EPOCH)
}

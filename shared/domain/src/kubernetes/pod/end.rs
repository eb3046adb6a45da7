//! When a pod ended. Kubernetes has no field for it: containers say it, and conditions where these do not.

use jiff::{SignedDuration, Timestamp};

use super::super::api::{Condition, ContainerStatus, PodStatus};

/// Conditions that change when a pod ends, or before (Kubernetes documentation, "Pod lifecycle: Pod conditions" and
/// "Disruptions: Pod disruption conditions"). The kubelet sets `Ready` to false as it sees the pod end; it was false
/// before if the pod was not ready, so the newest of them counts.
const CONDITIONS: [&str; 5] =
    [DISRUPTION, "Ready", "ContainersReady", "PodReadyToStartContainers", "Initialized"];
const DISRUPTION: &str = "DisruptionTarget";

/// How long after a pod began its conditions are still those of its beginning.
const BEGINNING: SignedDuration = SignedDuration::from_mins(1);

/// When a pod ended that has: exactly, if each container says when, else the newest that is known, which is not after
/// it. None if nothing says when, as of a pod that was refused before the kubelet knew its containers, and of one that
/// never was ready and whose containers still wait. `made` is when it was made.
pub(super) fn of(status: &PodStatus, made: Option<Timestamp>) -> Option<Timestamp> {
    let ends: Vec<Option<Timestamp>> = status.container_statuses.iter().map(end).collect();
    let of_containers = ends.iter().flatten().max().copied();
    if !ends.is_empty() && ends.iter().all(Option::is_some) {
        return of_containers;
    }
    // While one waits, the others may have ended long ago, and so may an init container that did its work.
    let have_ended = status.container_statuses.iter().all(|one| one.state.terminated.is_some());
    let failed = status.init_container_statuses.iter().filter(|one| one.has_failed());
    let begun = moment(status.start_time.as_deref()).or(made);
    let known = status.conditions.iter().filter_map(|one| moved(one, begun));
    known.chain(failed.filter_map(end)).chain(of_containers.filter(|_| have_ended)).max()
}

/// When a condition became what it is of a pod that has ended; none if it is so since the pod began.
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

/// A moment that is known: the kubelet writes 1970 for one that it does not know. One that cannot be read is reported
/// with its container.
fn moment(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok().filter(|at: &Timestamp| *at > Timestamp::UNIX_EPOCH)
}

//! The class of what stops a pod.

use super::{PodState, PodWarning, Termination, WaitingContainer};
use crate::deaths::{Class, PodSaid, class_of_pod};
use crate::kubernetes::waiting::WaitingCause;
use crate::rules::KubernetesMeasure;

/// The class of what a measure counts a pod for; `None` if nothing that Kubernetes says has one.
pub(super) fn class(measure: KubernetesMeasure, pod: &PodState) -> Option<Class> {
    use KubernetesMeasure as M;
    let class = match measure {
        M::OomKilled => Some(Class::Oom),
        M::CrashLoopingPods | M::PodRestarts => ended(pod),
        M::UnstartablePods => not_started(pod),
        M::PodPending => unscheduled(pod).or_else(|| not_started(pod)),
        M::AvailableBelowDesired => not_started(pod)
            .or_else(|| unscheduled(pod))
            .or_else(|| failed(pod))
            .or_else(|| ended(pod).filter(|class| *class == Class::Oom || is_crash_looping(pod)))
            .or_else(|| pod.warnings.iter().find_map(|one| one.class))
            .or_else(|| ended(pod)),
        _ => None,
    };
    class.filter(|class| *class != Class::Unknown)
}

/// The warning that adds most to what a measure counts a pod for.
pub(super) fn warning(measure: KubernetesMeasure, pod: &PodState) -> Option<&PodWarning> {
    use KubernetesMeasure as M;
    let mut warnings = pod.warnings.iter();
    match measure {
        M::CrashLoopingPods | M::PodRestarts => {
            let container = &last_bad_end(pod)?.container;
            warnings.find(|one| one.is_about_a_killing_probe_of(container))
        }
        M::UnstartablePods | M::PodPending => warnings.find(|one| !one.is_about_a_probe()),
        M::AvailableBelowDesired => warnings.next(),
        _ => None,
    }
}

/// The newest end that was not a success. An application that ends well because the kubelet tells
/// it to did not end on its own.
pub(super) fn last_bad_end(pod: &PodState) -> Option<&Termination> {
    let bad = pod.terminated.iter().filter(|end| end.reason != "Completed" || pod.killed_for(end).is_some());
    bad.max_by_key(|end| end.finished_at)
}

fn is_crash_looping(pod: &PodState) -> bool {
    pod.waiting.iter().any(|one| one.cause() == WaitingCause::CrashLoop)
}

/// The kubelet kills a container whose probe fails: its exit code is then that of the signal, or
/// whatever the application makes of it.
fn ended(pod: &PodState) -> Option<Class> {
    let end = last_bad_end(pod)?;
    let class = class_of_pod(PodSaid::Ended { reason: &end.reason, exit_code: end.exit_code })?;
    let may_be_killed = matches!(class, Class::Signal | Class::ExitApp | Class::ExitOk);
    Some(if may_be_killed && pod.killed_for(end).is_some() { Class::HealthCtr } else { class })
}

/// The events say more than the state of a container: `ImagePullBackOff` has no cause.
fn not_started(pod: &PodState) -> Option<Class> {
    let is_of_start = |one: &&PodWarning| {
        !one.is_about_a_probe() && !one.is_about_scheduling() && one.reason != "NodeNotReady"
    };
    let mut warned = pod.warnings.iter().filter(is_of_start);
    let waits = || pod.waiting.iter().find_map(WaitingContainer::class);
    warned.find_map(|one| one.class).or_else(waits)
}

/// The condition is of now; an event may be of a try before. That provisioning took too long says
/// less than an event that says why.
fn unscheduled(pod: &PodState) -> Option<Class> {
    let said = || class_of_pod(PodSaid::Unscheduled(pod.pending.as_ref()?.message.as_deref()?));
    let mut warned = pod.warnings.iter().filter(|one| one.is_about_scheduling());
    let said = said();
    let is_weak = |class: &Class| *class == Class::Runtime;
    said.filter(|class| !is_weak(class)).or_else(|| warned.find_map(|one| one.class)).or(said)
}

fn failed(pod: &PodState) -> Option<Class> {
    let message = pod.message.as_deref().unwrap_or_default();
    class_of_pod(PodSaid::Failed(pod.reason.as_deref()?, message))
}

impl WaitingContainer {
    /// The class of what it waits for, if any; by the stored message for a state that was stored
    /// without it.
    fn class(&self) -> Option<Class> {
        let message = self.message.as_deref().unwrap_or_default();
        self.class.or_else(|| class_of_pod(PodSaid::Waits { reason: &self.reason, message }))
    }
}

//! Why containers wait, and when a container counts as unstartable.

use std::collections::BTreeSet;

use fargaze::evidence::pods::{PodState, WaitingContainer};
use fargaze::kubernetes::waiting::{REASONS, WaitingCause, remedy};
use fargaze::rules::KubernetesMeasure as M;
use jiff::{SignedDuration, Timestamp};

use super::figures::{now, pod, value_of, words};

/// Errors of the kubelet that become reasons of waiting containers, as listed in Kubernetes' source
/// (`pkg/kubelet/images/types.go`, `pkg/kubelet/kuberuntime/kuberuntime_container.go`,
/// `pkg/kubelet/container/sync_result.go`, `cri-api/pkg/errors/errors.go`).
const OF_THE_SOURCE: [&str; 24] = [
    "ImagePullBackOff",
    "ImageInspectError",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "PreCreateHookError",
    "CreateContainerError",
    "PreStartHookError",
    "PostStartHookError",
    "CrashLoopBackOff",
    "RunContainerError",
    "KillContainerError",
    "CreatePodSandboxError",
    "ConfigPodSandboxError",
    "KillPodSandboxError",
    "ResizePodInPlaceError",
    "RemoveContainerError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
    "RROUnsupported",
    "ImageVolumeMountFailed",
    "SecurityProfileInvalid",
    "VerifyNonRootError",
];

fn waits(reason: &str, made: Timestamp) -> PodState {
    let message = Some("because of that.".to_owned());
    let waiting = vec![WaitingContainer {
        container: "app".to_owned(),
        reason: reason.to_owned(),
        message,
        class: None,
    }];
    PodState { waiting, created_at: Some(made), ..pod("web-1") }
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

/// Issue 13, point 11.
#[test]
fn every_reason_of_the_source_is_known() {
    let known: BTreeSet<&str> = REASONS.iter().map(|(reason, _)| *reason).collect();
    assert_eq!(known.len(), REASONS.len(), "each once");
    for reason in OF_THE_SOURCE {
        assert!(known.contains(reason), "{reason}");
    }
}

/// Issue 13, point 11: a known reason counts at once, an unknown one after a minute; starting and
/// crashing containers do not count.
#[test]
fn a_container_that_will_not_start_by_itself_is_counted_and_named() {
    let unstartable = |reason: &str, made| value_of(M::UnstartablePods, &[waits(reason, made)]);
    for (reason, cause) in REASONS {
        let counts = !matches!(cause, WaitingCause::Starting | WaitingCause::CrashLoop);
        for made in [ago(5), ago(3600)] {
            assert_eq!(unstartable(reason, made), f64::from(u8::from(counts)), "{reason}");
        }
        let said = words(M::UnstartablePods, &[waits(reason, ago(5))], now());
        assert_eq!(said.is_some(), counts, "{reason}: {said:?}");
        if let Some(said) = said {
            let begins = format!("web-1: container app waits: {reason} (because of that). ");
            assert!(said.starts_with(&begins) && said.contains(remedy(reason)), "{said}");
        }
    }
    for (seconds, counts) in [(0, 0.0), (60, 0.0), (61, 1.0), (86_400, 1.0)] {
        assert_eq!(unstartable("VolumeOnFire", ago(seconds)), counts, "{seconds} s");
        assert_eq!(unstartable("", ago(seconds)), 0.0, "no reason is no diagnosis");
    }
    // Its minute begins with the end of the previous attempt.
    let mut again = waits("VolumeOnFire", ago(3600));
    for (seconds, counts) in [(30, 0.0), (90, 1.0)] {
        again.terminated = vec![super::figures::ended("Error", seconds)];
        assert_eq!(value_of(M::UnstartablePods, &[again.clone()]), counts, "{seconds} s");
    }
    again.created_at = None;
    again.terminated.clear();
    assert_eq!(value_of(M::UnstartablePods, &[again]), 1.0, "its start is unknown");
}

/// The remedy for a missing permission does not help with a policy that never pulls or a bad
/// signature.
#[test]
fn reasons_of_one_cause_have_remedies_of_their_own() {
    let of_a_right = ["ErrImagePull", "ImagePullBackOff"];
    for (reason, _) in REASONS.iter().filter(|(_, cause)| *cause == WaitingCause::Image) {
        let is_of_a_right = of_a_right.contains(reason);
        assert_eq!(remedy(reason).contains("pod execution role"), is_of_a_right, "{reason}");
        assert_eq!(remedy(reason).contains("imagePullSecrets"), is_of_a_right, "{reason}");
    }
    for (reason, says) in [
        ("ErrImageNeverPull", "imagePullPolicy is Never"),
        ("SignatureValidationFailed", "signature"),
        ("InvalidImageName", "name of its image"),
        ("RegistryUnavailable", "registry is up"),
        ("ImageInspectError", "cannot be read"),
        // The runtime may be unable to start it for other reasons, too.
        ("RunContainerError", "often the program is missing in the image"),
    ] {
        assert!(remedy(reason).contains(says), "{reason}: {}", remedy(reason));
    }
}

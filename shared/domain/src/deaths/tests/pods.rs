//! The classes of pods.

use super::super::{Class, PodSaid, class_of_pod};

/// Reasons and messages of Kubernetes and of Fargate's scheduler.
#[test]
fn pods_have_the_same_classes() {
    let ended = |reason, exit_code| PodSaid::Ended { reason, exit_code };
    let waits = |reason, message| PodSaid::Waits { reason, message };
    for (said, class) in [
        (ended("OOMKilled", 137), Some(Class::Oom)),
        (ended("Error", 1), Some(Class::ExitApp)),
        (ended("Error", 137), Some(Class::Signal)),
        (ended("Error", 139), Some(Class::Signal)),
        (ended("Completed", 0), Some(Class::ExitOk)),
        (ended("ContainerCannotRun", 127), Some(Class::Exec)),
        (ended("StartError", 128), Some(Class::Exec)),
        (ended("DeadlineExceeded", 143), Some(Class::Config)),
        (ended("ContainerStatusUnknown", 137), Some(Class::Host)),
        (waits("ContainerCreating", ""), None),
        (waits("PodInitializing", ""), None),
        (waits("CrashLoopBackOff", "back-off 5m0s restarting failed container"), None),
        (
            waits(
                "ErrImagePull",
                "rpc error: code = NotFound desc = failed to resolve ref shop:1: not found",
            ),
            Some(Class::PullNotfound),
        ),
        (waits("ImagePullBackOff", "Back-off pulling image shop"), Some(Class::PullNotfound)),
        (
            waits("ErrImagePull", "toomanyrequests: You have reached your pull rate limit"),
            Some(Class::PullRate),
        ),
        (waits("ErrImagePull", "failed to authorize: 401 Unauthorized"), Some(Class::PullAuth)),
        (waits("InvalidImageName", ""), Some(Class::PullNotfound)),
        (waits("ErrImageNeverPull", ""), Some(Class::PullNotfound)),
        (waits("CreateContainerConfigError", "secret \"db\" not found"), Some(Class::Secret)),
        (waits("CreateContainerConfigError", "configmap \"app\" not found"), Some(Class::Config)),
        (waits("CreateContainerError", ""), Some(Class::Runtime)),
        (waits("RunContainerError", "exec: serve: executable file not found"), Some(Class::Exec)),
        (waits("PostStartHookError", ""), Some(Class::Config)),
        (waits("PreCreateHookError", ""), Some(Class::Config)),
        (
            PodSaid::Unscheduled(
                "Fargate capacity is unavailable at this time. Please try again later or in a different availability zone.",
            ),
            Some(Class::Capacity),
        ),
        (
            PodSaid::Unscheduled("Pod provisioning timed out (will retry) for pod: shop/web"),
            Some(Class::Runtime),
        ),
        (
            PodSaid::Unscheduled("Pod not supported on Fargate: volumes not supported: data"),
            Some(Class::Config),
        ),
        (
            PodSaid::Unscheduled(
                "Misconfigured Fargate Profile: fargate profile fp blocked for new launches due to: Failed to assume PodExecutionRole; Please make sure the role exists",
            ),
            Some(Class::Iam),
        ),
        (PodSaid::Unscheduled("0/4 nodes are available: 4 node(s) had untolerated taint"), None),
        (
            PodSaid::Failed("Evicted", "The node was low on resource: ephemeral-storage."),
            Some(Class::PullDisk),
        ),
        (PodSaid::Failed("NodeLost", ""), Some(Class::Host)),
    ] {
        assert_eq!(class_of_pod(said), class, "{said:?}");
    }
}

/// Warnings among the events of pods.
#[test]
fn the_events_of_pods_have_the_same_classes() {
    for (said, class) in [
        (
            PodSaid::Warned(
                "FailedScheduling",
                "Fargate capacity is unavailable at this time. Please try again later or in a different availability zone.",
            ),
            Some(Class::Capacity),
        ),
        (
            PodSaid::Warned("FailedScheduling", "0/4 nodes are available: 4 node(s) had untolerated taint"),
            None,
        ),
        (
            PodSaid::Warned(
                "Failed",
                "Failed to pull image \"shop:1\": failed to authorize: 401 Unauthorized",
            ),
            Some(Class::PullAuth),
        ),
        (
            PodSaid::Warned(
                "Failed",
                "Failed to pull image \"shop:1\": failed to do request: Head \"https://r\": dial tcp 10.0.0.9:443: i/o timeout",
            ),
            Some(Class::PullNet),
        ),
        (
            PodSaid::Warned("Failed", "Failed to pull image \"shop:1\": dial tcp: lookup r: no such host"),
            Some(Class::PullNet),
        ),
        (
            PodSaid::Warned("Failed", "Failed to pull image \"shop:1\": context deadline exceeded"),
            Some(Class::PullNet),
        ),
        (
            PodSaid::Warned(
                "Failed",
                "Failed to pull image \"shop:1\": no match for platform in manifest: not found",
            ),
            Some(Class::PullArch),
        ),
        (
            PodSaid::Warned(
                "Failed",
                "Failed to pull image \"shop:1\": failed to resolve reference \"shop:1\": shop:1: not found",
            ),
            Some(Class::PullNotfound),
        ),
        (
            PodSaid::Warned(
                "FailedMount",
                "MountVolume.SetUp failed for volume \"s\" : driver name secrets-store.csi.k8s.io not found in the list of registered CSI drivers",
            ),
            Some(Class::Volume),
        ),
        (PodSaid::Warned("Failed", "Error: ErrImagePull"), None),
        (PodSaid::Warned("Failed", "Error: secret \"db\" not found"), Some(Class::Secret)),
        (
            PodSaid::Warned(
                "FailedMount",
                "MountVolume.SetUp failed for volume \"c\" : configmap \"c\" not found",
            ),
            Some(Class::Config),
        ),
        (
            PodSaid::Warned(
                "FailedMount",
                "MountVolume.SetUp failed for volume \"k\" : secret \"k\" not found",
            ),
            Some(Class::Secret),
        ),
        (
            PodSaid::Warned(
                "FailedMount",
                "Unable to attach or mount volumes: timed out waiting for the condition",
            ),
            Some(Class::Volume),
        ),
        (
            PodSaid::Warned("FailedCreatePodSandBox", "failed to assign an IP address to container"),
            Some(Class::EniIp),
        ),
        (PodSaid::Warned("FailedCreatePodSandBox", "context deadline exceeded"), Some(Class::EniSlow)),
        (PodSaid::Warned("Unhealthy", "Liveness probe failed: statuscode: 503"), Some(Class::HealthCtr)),
        (PodSaid::Warned("FailedPostStartHook", ""), Some(Class::Config)),
        (
            PodSaid::Warned("Evicted", "The node was low on resource: ephemeral-storage."),
            Some(Class::PullDisk),
        ),
        (PodSaid::Warned("NodeNotReady", "Node is not ready"), Some(Class::Host)),
        (PodSaid::Warned("BackOff", "Back-off restarting failed container"), None),
        (PodSaid::Warned("LoggingDisabled", "LOGGING_CONFIGMAP_NOT_FOUND"), None),
        (PodSaid::Failed("DeadlineExceeded", ""), Some(Class::Config)),
        (PodSaid::Failed("Unhealthy", ""), Some(Class::HealthCtr)),
    ] {
        assert_eq!(class_of_pod(said), class, "{said:?}");
    }
}

//! Why containers are waiting: the reasons that the kubelet and the runtime report, and their
//! remedies.
//!
//! The reasons come from Kubernetes' source, releases 1.10 to 1.37: `pkg/kubelet/images/types.go`,
//! `pkg/kubelet/kuberuntime/kuberuntime_container.go` (`startContainer`),
//! `pkg/kubelet/container/sync_result.go`, `pkg/kubelet/kubelet_pods.go`
//! (`convertToAPIContainerStatuses`) and `staging/src/k8s.io/cri-api/pkg/errors/errors.go`, whose
//! errors the kubelet reports by name. Runtimes and later releases may report others.

/// Cause of a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitingCause {
    /// Starting normally: volumes are mounted, the image is pulled, or init containers run.
    Starting,
    /// It ended repeatedly, and the kubelet waits before the next restart.
    CrashLoop,
    /// Its image cannot be pulled or used.
    Image,
    /// A Secret, a `ConfigMap` or a key that it names is missing, or its security context is not
    /// allowed.
    Configuration,
    /// The runtime cannot create it.
    Creation,
    /// A volume cannot be mounted as specified.
    Volume,
    /// Its command cannot be started.
    Command,
    /// One of its hooks failed.
    Hook,
    /// The pod as a whole, including its network, cannot be set up or torn down.
    Sandbox,
    /// A reason that is not listed here.
    Unknown,
}

/// All known reasons.
pub const REASONS: [(&str, WaitingCause); 29] = [
    ("ContainerCreating", WaitingCause::Starting),
    ("PodInitializing", WaitingCause::Starting),
    ("CrashLoopBackOff", WaitingCause::CrashLoop),
    ("ImagePullBackOff", WaitingCause::Image),
    ("ErrImagePull", WaitingCause::Image),
    ("ErrImageNeverPull", WaitingCause::Image),
    ("ImageInspectError", WaitingCause::Image),
    ("InvalidImageName", WaitingCause::Image),
    ("RegistryUnavailable", WaitingCause::Image),
    ("SignatureValidationFailed", WaitingCause::Image),
    ("CreateContainerConfigError", WaitingCause::Configuration),
    ("VerifyNonRootError", WaitingCause::Configuration),
    ("SecurityProfileInvalid", WaitingCause::Configuration),
    ("CreateContainerError", WaitingCause::Creation),
    ("ImageVolumeMountFailed", WaitingCause::Volume),
    ("RROUnsupported", WaitingCause::Volume),
    ("RunContainerError", WaitingCause::Command),
    ("RunInitContainerError", WaitingCause::Command),
    ("PreCreateHookError", WaitingCause::Hook),
    ("PreStartHookError", WaitingCause::Hook),
    ("PostStartHookError", WaitingCause::Hook),
    ("CreatePodSandboxError", WaitingCause::Sandbox),
    ("ConfigPodSandboxError", WaitingCause::Sandbox),
    ("KillPodSandboxError", WaitingCause::Sandbox),
    ("SetupNetworkError", WaitingCause::Sandbox),
    ("TeardownNetworkError", WaitingCause::Sandbox),
    ("KillContainerError", WaitingCause::Creation),
    ("RemoveContainerError", WaitingCause::Creation),
    ("ResizePodInPlaceError", WaitingCause::Creation),
];

/// Reasons whose remedy differs from that of the other reasons with the same cause.
const REMEDIES: [(&str, &str); 5] = [
    (
        "ErrImageNeverPull",
        "Its imagePullPolicy is Never, but its node does not have the image; a new Fargate node has none. Use IfNotPresent or Always.",
    ),
    (
        "SignatureValidationFailed",
        "The signature of its image was rejected: sign the image, use a signed one, or correct the nodes' signature policy.",
    ),
    ("InvalidImageName", "Correct the name of its image: it is not a valid image reference."),
    (
        "ImageInspectError",
        "Its image is on the node but cannot be read: delete the pod, so that its controller recreates it on another node (kubectl delete pod).",
    ),
    ("RegistryUnavailable", "Check that the registry is up, and that the pod's subnets have a route to it."),
];

/// Remedy for a reason, as a sentence.
pub fn remedy(reason: &str) -> &'static str {
    let own = REMEDIES.iter().find(|(of, _)| *of == reason);
    own.map_or_else(|| WaitingCause::of(reason).remedy(), |(_, remedy)| remedy)
}

impl WaitingCause {
    /// The cause of a reason. A container that is waiting without a reason is starting.
    pub fn of(reason: &str) -> Self {
        if reason.is_empty() {
            return Self::Starting;
        }
        REASONS.iter().find(|(known, _)| *known == reason).map_or(Self::Unknown, |(_, cause)| *cause)
    }

    /// Remedy as a sentence, for reasons without their own.
    const fn remedy(self) -> &'static str {
        match self {
            Self::Starting => {
                "Read its events (kubectl describe pod): only they show a volume that cannot be mounted or a network that cannot be set up."
            }
            Self::CrashLoop => "Read the log of the previous run (kubectl logs --previous).",
            Self::Image => {
                "Check the name and tag of its image, the route from its subnets to the registry, and the permission to pull it: on Fargate that of \
                 the pod execution role, for registries other than ECR its imagePullSecrets."
            }
            Self::Configuration => {
                "Create the Secret, ConfigMap or key that it names, or correct the name and the securityContext."
            }
            Self::Creation => {
                "Read its events (kubectl describe pod): they contain the error of the runtime."
            }
            Self::Volume => "Correct the volume or how it is mounted.",
            Self::Command => {
                "Check the command, its arguments and the working directory: often the program is missing in the image, or is not executable."
            }
            Self::Hook => {
                "Correct the lifecycle hook of the container; its events have the error (kubectl describe pod)."
            }
            Self::Sandbox => {
                "Read its events (kubectl describe pod): the subnets of its Fargate profile need free IP addresses, and its security groups must allow traffic to \
                 the cluster."
            }
            Self::Unknown => "Read its events (kubectl describe pod).",
        }
    }
}

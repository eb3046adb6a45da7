//! Why containers wait: what the kubelet and the runtime give as reason, and what helps.
//!
//! The reasons are those of Kubernetes' source, releases 1.10 to 1.37: `pkg/kubelet/images/types.go`,
//! `pkg/kubelet/kuberuntime/kuberuntime_container.go` (`startContainer`), `pkg/kubelet/container/sync_result.go`,
//! `pkg/kubelet/kubelet_pods.go` (`convertToAPIContainerStatuses`) and
//! `staging/src/k8s.io/cri-api/pkg/errors/errors.go`, whose errors the kubelet passes on by their names. Runtimes and
//! later releases may give others.

/// What a reason means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitingCause {
    /// It is on its way: its volumes are mounted, its image is pulled, or init containers run.
    Starting,
    /// It ended again and again, and the kubelet waits before it starts it once more.
    CrashLoop,
    /// Its image cannot be had.
    Image,
    /// A Secret, a `ConfigMap` or a key that it names is missing, or it may not run as it wants to.
    Configuration,
    /// The runtime cannot create it.
    Creation,
    /// A volume cannot be mounted as it is asked for.
    Volume,
    /// Its command cannot be started.
    Command,
    /// One of its hooks failed.
    Hook,
    /// The pod as a whole, with its network, cannot be set up or taken down.
    Sandbox,
    /// A reason that is not in the list.
    Unknown,
}

/// All reasons that are known.
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

/// Reasons against which something else helps than against the others of their cause.
const REMEDIES: [(&str, &str); 5] = [
    (
        "ErrImageNeverPull",
        "Its imagePullPolicy is Never, and its node does not have the image; a new node of Fargate has none. Write IfNotPresent or Always.",
    ),
    (
        "SignatureValidationFailed",
        "The signature of its image was refused: sign it, use one that is signed, or correct the policy by which the nodes check it.",
    ),
    ("InvalidImageName", "Correct the name of its image: it is none that a registry could have."),
    (
        "ImageInspectError",
        "Its image is on the node and cannot be read: let its controller make the pod again, on another node (kubectl delete pod).",
    ),
    (
        "RegistryUnavailable",
        "See whether the registry is up, and whether the pod's subnets have a way to it.",
    ),
];

/// What to do about a reason, in a sentence.
pub fn remedy(reason: &str) -> &'static str {
    let own = REMEDIES.iter().find(|(of, _)| *of == reason);
    own.map_or_else(|| WaitingCause::of(reason).remedy(), |(_, remedy)| remedy)
}

impl WaitingCause {
    /// What a reason means. A container that waits without a reason is on its way.
    pub fn of(reason: &str) -> Self {
        if reason.is_empty() {
            return Self::Starting;
        }
        REASONS.iter().find(|(known, _)| *known == reason).map_or(Self::Unknown, |(_, cause)| *cause)
    }

    /// What to do about it, in a sentence, where the reason alone says no more.
    const fn remedy(self) -> &'static str {
        match self {
            Self::Starting => {
                "Read its events (kubectl describe pod): a volume that cannot be mounted and a network that cannot be set up are named there only."
            }
            Self::CrashLoop => "Read the log of the run before (kubectl logs --previous).",
            Self::Image => {
                "Check the name and tag of its image, the way from its subnets to the registry, and who may pull it: on Fargate the pod execution \
                 role, from other registries than ECR its imagePullSecrets."
            }
            Self::Configuration => {
                "Create the Secret, ConfigMap or key that it names, or correct the name and the securityContext."
            }
            Self::Creation => {
                "Read its events (kubectl describe pod): the runtime says there what it refused."
            }
            Self::Volume => "Correct the volume or how it is mounted.",
            Self::Command => {
                "Check the command, its arguments and the working directory: often the image has no such program, or it may not be run."
            }
            Self::Hook => {
                "Correct the lifecycle hook of the container, or read what it says (kubectl describe pod)."
            }
            Self::Sandbox => {
                "Read its events (kubectl describe pod): the subnets of its Fargate profile need free addresses, and its security groups a way to \
                 the cluster."
            }
            Self::Unknown => "Read its events (kubectl describe pod).",
        }
    }
}

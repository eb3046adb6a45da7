//! The same classes for pods: from how a container ended, what it waits for, and why a pod is not
//! scheduled or failed.
//!
//! Sources: Kubernetes documentation, "Pod Lifecycle"; Amazon EKS User Guide and AWS Knowledge Center
//! on the events of Fargate's scheduler.

use super::causes::{CONTAINER_OR_TASK, found};
use super::{Class, ContainerEnd, Said, TaskStop, cause_of};
use crate::kubernetes::waiting::WaitingCause;

/// What Kubernetes says about a pod or one of its containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodSaid<'a> {
    /// A container ended.
    Ended {
        /// `reason`, such as `OOMKilled`.
        reason: &'a str,
        /// `exitCode`.
        exit_code: i32,
    },
    /// A container waits.
    Waits {
        /// `reason`, such as `ImagePullBackOff`.
        reason: &'a str,
        /// `message`.
        message: &'a str,
    },
    /// A pod is not scheduled: the message of its condition or of its event.
    Unscheduled(&'a str),
    /// A pod failed as a whole: `reason` and `message` of its status.
    Failed(&'a str, &'a str),
    /// A warning among the events of a pod: its reason and message.
    Warned(&'a str, &'a str),
}

/// Parts of the messages of schedulers, in lower case, as in [`super::causes`].
const SCHEDULING: [(&str, Class); 9] = [
    ("fargate capacity is unavailable", Class::Capacity),
    ("pod provisioning timed out", Class::Runtime),
    ("failed to assume podexecutionrole", Class::Iam),
    ("misconfigured fargate profile", Class::Config),
    ("not supported on fargate", Class::Config),
    ("unsupported_on_fargate", Class::Config),
    ("ip address", Class::EniIp),
    ("insufficient", Class::Capacity),
    ("quota", Class::Quota),
];

/// Why a registry was not reached, in lower case, as the runtime's HTTP client puts it.
const NETWORK: [&str; 7] = [
    "dial tcp",
    "i/o timeout",
    "no such host",
    "context deadline exceeded",
    "connection reset by peer",
    "connection refused",
    "tls handshake timeout",
];

/// The class; `None` for what is no trouble or says too little, such as a crash loop, whose cause is
/// how the container ended.
pub fn class_of_pod(said: PodSaid<'_>) -> Option<Class> {
    match said {
        PodSaid::Ended { reason, exit_code } => Some(of_end(reason, exit_code)),
        PodSaid::Waits { reason, message } => of_waiting(reason, message),
        PodSaid::Unscheduled(message) => of_scheduling(message),
        PodSaid::Failed(reason, message) => of_failure(reason, message),
        PodSaid::Warned(reason, message) => of_warning(reason, message),
    }
}

fn of_end(reason: &str, exit_code: i32) -> Class {
    match reason {
        "OOMKilled" => Class::Oom,
        "ContainerCannotRun" | "StartError" => Class::Exec,
        "DeadlineExceeded" => Class::Config,
        "Evicted" => Class::PullDisk,
        "ContainerStatusUnknown" => Class::Host,
        _ => {
            let container = ContainerEnd { exit_code: Some(exit_code), ..ContainerEnd::default() };
            cause_of(Said::Task(&TaskStop { containers: vec![container], ..TaskStop::default() })).class
        }
    }
}

fn of_waiting(reason: &str, message: &str) -> Option<Class> {
    let message = message.to_lowercase();
    let by_text = || found(CONTAINER_OR_TASK, &message).map(|row| row.class);
    Some(match WaitingCause::of(reason) {
        WaitingCause::Starting | WaitingCause::CrashLoop => return None,
        WaitingCause::Image => of_image(&message),
        WaitingCause::Configuration if message.contains("secret") => Class::Secret,
        WaitingCause::Configuration | WaitingCause::Hook => Class::Config,
        WaitingCause::Volume => Class::Volume,
        WaitingCause::Command => Class::Exec,
        WaitingCause::Sandbox if message.contains("ip address") => Class::EniIp,
        WaitingCause::Sandbox => Class::EniSlow,
        WaitingCause::Creation => by_text().unwrap_or(Class::Runtime),
        WaitingCause::Unknown => by_text()?,
    })
}

/// The class of what a runtime says of an image, in lower case.
fn of_image(text: &str) -> Class {
    let by_text = found(CONTAINER_OR_TASK, text).map(|row| row.class).filter(|class| is_of_image(*class));
    let has_no_route = || NETWORK.iter().any(|part| text.contains(part));
    by_text.unwrap_or_else(|| if has_no_route() { Class::PullNet } else { Class::PullNotfound })
}

fn is_of_image(class: Class) -> bool {
    matches!(
        class,
        Class::PullAuth
            | Class::PullNotfound
            | Class::PullRate
            | Class::PullNet
            | Class::PullArch
            | Class::PullDisk
    )
}

fn of_scheduling(message: &str) -> Option<Class> {
    let message = message.to_lowercase();
    SCHEDULING.iter().find(|(part, _)| message.contains(part)).map(|(_, class)| *class)
}

fn of_failure(reason: &str, message: &str) -> Option<Class> {
    Some(match reason {
        "Evicted" if message.contains("ephemeral-storage") => Class::PullDisk,
        "Evicted" => Class::Capacity,
        "DeadlineExceeded" => Class::Config,
        "NodeLost" | "NodeShutdown" | "Terminated" => Class::Host,
        "Unhealthy" => Class::HealthCtr,
        _ => return None,
    })
}

/// Reasons of the kubelet are from `pkg/kubelet/events/event.go`. `Failed` stands for an image that
/// cannot be pulled and for a container that cannot be created; the message tells.
fn of_warning(reason: &str, message: &str) -> Option<Class> {
    let text = message.to_lowercase();
    let by_text = || found(CONTAINER_OR_TASK, &text).map(|row| row.class);
    let is_missing = |what: &str| text.contains(&format!("{what} \"")) && text.contains("\" not found");
    Some(match reason {
        "FailedScheduling" => return of_scheduling(message),
        "Failed" if text.contains("pull image") => of_image(&text),
        "Failed" | "FailedMount" if is_missing("secret") => Class::Secret,
        "Failed" | "FailedMount" if is_missing("configmap") => Class::Config,
        "Failed" => by_text()?,
        "FailedMount" | "FailedAttachVolume" => Class::Volume,
        "FailedCreatePodSandBox" if text.contains("ip address") => Class::EniIp,
        "FailedCreatePodSandBox" => Class::EniSlow,
        "Unhealthy" => Class::HealthCtr,
        "FailedPostStartHook" | "FailedPreStopHook" => Class::Config,
        "Evicted" => return of_failure(reason, message),
        "NodeNotReady" => Class::Host,
        _ => return None,
    })
}

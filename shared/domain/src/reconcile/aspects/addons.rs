//! The add-ons of an EKS cluster: where their pods can run, and what to do about them.

use super::{Action, Aspect, AspectCase, CostNote, Desired, Fault, Observed, Remedy, Step, Value};
use crate::evidence::eks::{Addon, KUBE_SYSTEM, Place};
use crate::reconcile::Queried;

/// No Fargate profile selects the `metrics-server` pods.
const NO_SELECTOR: &str = "its pods would stay Pending: no ACTIVE Fargate profile has a selector for the namespace \
                           kube-system, and there are no EC2 nodes known to EKS";
/// The pods' labels differ from version to version.
const ONLY_WITH_LABELS: &str = "its pods may stay Pending: all Fargate profile selectors for the namespace kube-system \
                                require labels, and there are no EC2 nodes known to EKS";

/// An add-on that is being deleted counts as absent.
pub(super) fn value(aspect: Aspect, observed: &Observed) -> Result<Value, &Fault> {
    let eks = observed.eks().filter(|eks| eks.is_asked);
    let (Some(eks), Some(name)) = (eks, aspect.addon()) else { return observed.asked(aspect) };
    let stays = eks.addon(name)?.filter(|addon| addon.status != "DELETING");
    Ok(stays.map_or(Value::Absent, Value::of_addon))
}

pub(super) fn judge(case: &AspectCase<'_>) -> Step {
    match installed(case) {
        Some(step) => step,
        None if case.aspect == Aspect::MetricsServer => metrics_server(case),
        None => cloudwatch_observability(case),
    }
}

fn metrics_server(case: &AspectCase<'_>) -> Step {
    let place = match place(case) {
        Ok(place) => place,
        Err(fault) => return case.unknown(fault),
    };
    let cost = if place == Place::Nodes { CostNote::Free } else { CostNote::FreeButPods };
    let step = missing(case).costing(cost);
    match place {
        Place::Nodes | Place::Fargate => step,
        Place::Soon(profile) => step.waiting_for(&format!("its Fargate profile {profile} is being created")),
        Place::None { labels, role } => {
            let lacks = if labels { ONLY_WITH_LABELS } else { NO_SELECTOR };
            step.blocked_by(lacks, Some(Remedy::FargateProfile { role }))
        }
    }
}

fn cloudwatch_observability(case: &AspectCase<'_>) -> Step {
    match has_nodes(case) {
        Ok(true) => missing(case).costing(CostNote::PerObservation),
        Ok(false) => {
            let reason =
                "there are no EC2 nodes known to EKS, and Fargate cannot run the DaemonSets of this add-on";
            case.step(Action::Leave, reason)
        }
        Err(fault) => case.unknown(fault),
    }
}

/// The step for an add-on that is installed, or whose presence is unknown; `None` if it is not
/// installed. An installed add-on is never touched, whatever its status.
fn installed(case: &AspectCase<'_>) -> Option<Step> {
    let addon = match case.whole.observed.eks()?.addon(case.aspect.addon()?) {
        Err(fault) => return Some(case.unknown(fault)),
        Ok(addon) => addon?,
    };
    let status = &addon.status;
    Some(match status.as_str() {
        "ACTIVE" => {
            let reason = format!("{} is installed; its policy is {}", Value::of_addon(addon), case.policy);
            case.step(Action::Comply, reason)
        }
        "CREATING" | "UPDATING" | "DELETING" => case.step(Action::Waiting, describe_status(addon)),
        _ => case.step(Action::Report, describe_status(addon)),
    })
}

fn describe_status(Addon { status, issues, .. }: &Addon) -> String {
    let why = if issues.is_empty() { String::new() } else { format!(": {}", issues.join("; ")) };
    format!("its status is {status}{why}")
}

fn missing(case: &AspectCase<'_>) -> Step {
    let AspectCase { aspect, policy, .. } = case;
    if policy.desired == Desired::Installed {
        return case.change(Value::DEFAULT_ADDON);
    }
    let reason = format!("it is not installed; its policy is {policy}; to install it, set {aspect}: install");
    case.step(Action::Report, reason)
}

/// Whether the cluster has EC2 nodes that EKS manages.
fn has_nodes<'a>(case: &AspectCase<'a>) -> Result<bool, &'a Fault> {
    let Some(eks) = case.whole.observed.eks() else { return Ok(false) };
    match &eks.node_groups {
        _ if eks.cluster.auto_mode => Ok(true),
        Queried::Known(groups) => Ok(!groups.is_empty()),
        Queried::Unread(fault) => Err(fault),
    }
}

/// Where the `metrics-server` pods can run.
fn place<'a>(case: &AspectCase<'a>) -> Result<Place, &'a Fault> {
    let nodes = has_nodes(case);
    let profiles = match case.whole.observed.eks().map(|eks| &eks.profiles) {
        Some(Queried::Known(profiles)) => profiles.as_slice(),
        Some(Queried::Unread(fault)) if nodes != Ok(true) => return Err(fault),
        Some(Queried::Unread(_)) | None => &[],
    };
    match (Place::of(KUBE_SYSTEM, nodes == Ok(true), profiles), nodes) {
        // Nodes make no difference if Fargate runs the pods.
        (Place::Fargate, _) => Ok(Place::Fargate),
        (_, Err(fault)) => Err(fault),
        (place, Ok(_)) => Ok(place),
    }
}

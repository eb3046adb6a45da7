//! The add-ons of an EKS cluster: where they can run, and what is done about them.

use super::{Action, Aspect, Case, CostNote, Desired, Remedy, Step, Value};
use crate::eks::{Addon, KUBE_SYSTEM, Place};
use crate::fault::Fault;
use crate::reconcile::Asked;

/// What there is where no Fargate profile takes the pods of `metrics-server`. Which labels these have differs from version
/// to version.
const NO_SELECTOR: &str = "its pods would stay Pending: no ACTIVE Fargate profile has a selector for the namespace \
                           kube-system, and it has no EC2 nodes that EKS knows of";
const ONLY_WITH_LABELS: &str = "its pods may stay Pending: the only selectors of its Fargate profiles for the namespace \
                                kube-system ask for labels, and it has no EC2 nodes that EKS knows of";
/// Fargate profiles are immutable (Amazon EKS API, `CreateFargateProfile`).
const ANOTHER_PROFILE: &str = "create another Fargate profile, for the namespace kube-system and without labels: \
                               a profile cannot be changed";

pub(super) fn metrics_server(case: &Case<'_>) -> Step {
    let aspect = Aspect::MetricsServer;
    if let Some(step) = there(case, aspect) {
        return step;
    }
    let place = match place(case) {
        Ok(place) => place,
        Err(fault) => return Step::unknown(aspect, fault),
    };
    let cost = if place == Place::Nodes { CostNote::Free } else { CostNote::FreeButPods };
    let step = missing(case, aspect).costing(cost);
    match place {
        Place::Nodes | Place::Fargate => step,
        Place::Soon(profile) => step.waiting_for(&format!("its Fargate profile {profile} is being created")),
        Place::None { labels, role } => {
            let lacks = if labels { ONLY_WITH_LABELS } else { NO_SELECTOR };
            step.blocked_by(&format!("{lacks}; {ANOTHER_PROFILE}"), Some(Remedy::FargateProfile { role }))
        }
    }
}

pub(super) fn cloudwatch_observability(case: &Case<'_>) -> Step {
    let aspect = Aspect::CloudwatchObservability;
    if let Some(step) = there(case, aspect) {
        return step;
    }
    match has_nodes(case) {
        Ok(true) => missing(case, aspect).costing(CostNote::PerObservation),
        Ok(false) => {
            let reason =
                "it has no EC2 nodes that EKS knows of, and Fargate cannot run the DaemonSets of this add-on";
            Step::new(aspect, Action::Leave, reason)
        }
        Err(fault) => Step::unknown(aspect, fault),
    }
}

/// What to do about an add-on that is there, or of which nobody knows whether it is. One that is there is never touched,
/// in whatever state it is.
fn there(case: &Case<'_>, aspect: Aspect) -> Option<Step> {
    let addon = match case.observed.eks()?.addon(aspect.addon()?) {
        Err(fault) => return Some(Step::unknown(aspect, fault)),
        Ok(addon) => addon?,
    };
    let status = &addon.status;
    Some(match status.as_str() {
        "ACTIVE" => {
            let reason =
                format!("{} is there; its policy is {}", Value::of_addon(addon), case.policy_of(aspect));
            Step::new(aspect, Action::Comply, reason)
        }
        "CREATING" | "UPDATING" | "DELETING" => Step::new(aspect, Action::Waiting, ailing(addon)),
        _ => Step::new(aspect, Action::Report, ailing(addon)),
    })
}

fn ailing(Addon { status, issues, .. }: &Addon) -> String {
    let why = if issues.is_empty() { String::new() } else { format!(": {}", issues.join("; ")) };
    format!("its status is {status}{why}")
}

fn missing(case: &Case<'_>, aspect: Aspect) -> Step {
    let policy = case.policy_of(aspect);
    if policy.desired == Desired::Installed {
        return case.change(aspect, Value::DEFAULT_ADDON);
    }
    let reason = format!("it is missing; its policy is {policy}; to install it, write {aspect}: install");
    Step::new(aspect, Action::Report, reason)
}

/// Whether there are EC2 nodes that EKS manages.
fn has_nodes<'a>(case: &Case<'a>) -> Result<bool, &'a Fault> {
    let Some(eks) = case.observed.eks() else { return Ok(false) };
    match &eks.node_groups {
        _ if eks.cluster.auto_mode => Ok(true),
        Asked::Known(groups) => Ok(!groups.is_empty()),
        Asked::Unread(fault) => Err(fault),
    }
}

/// Where the pods of `metrics-server` find a place.
fn place<'a>(case: &Case<'a>) -> Result<Place, &'a Fault> {
    let nodes = has_nodes(case);
    let profiles = match case.observed.eks().map(|eks| &eks.profiles) {
        Some(Asked::Known(profiles)) => profiles.as_slice(),
        Some(Asked::Unread(fault)) if nodes != Ok(true) => return Err(fault),
        Some(Asked::Unread(_)) | None => &[],
    };
    match (Place::of(KUBE_SYSTEM, nodes == Ok(true), profiles), nodes) {
        // Nodes make no difference where Fargate takes them.
        (Place::Fargate, _) => Ok(Place::Fargate),
        (_, Err(fault)) => Err(fault),
        (place, Ok(_)) => Ok(place),
    }
}

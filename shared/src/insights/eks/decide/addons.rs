//! The add-ons: where they can run, and what is done about them.

use super::{Case, CostNote, EksAction, EksAspect, EksState, EksStep};
use crate::eks::{Addon, FargateProfile};
use crate::fault::Fault;
use crate::insights::eks::{AddonWish, Asked};

/// Namespace of the pods of `metrics-server` (Amazon EKS User Guide, "metrics-server").
const KUBE_SYSTEM: &str = "kube-system";

/// Where the pods of `metrics-server` find a place.
enum Place<'a> {
    Nodes,
    Fargate,
    /// A Fargate profile of this name, once EKS has created it.
    Soon(&'a str),
    /// None; what is missing.
    None(&'static str),
    Unknown(&'a Fault),
}

impl Case<'_> {
    pub(super) fn metrics_server(&self) -> EksStep {
        let aspect = EksAspect::MetricsServer;
        let wish = self.wished.wishes.metrics_server;
        if let Some(step) = self.left_or_there(aspect, wish) {
            return step;
        }
        let (cost, missing) = match self.place() {
            Place::Nodes => (CostNote::Free, None),
            Place::Fargate => (CostNote::FreeButPods, None),
            Place::Soon(profile) => {
                let step = self.missing(aspect, wish).costing(CostNote::FreeButPods);
                return step.waiting_for(&format!("its Fargate profile {profile} is being created"));
            }
            Place::None(missing) => (CostNote::FreeButPods, Some(missing)),
            Place::Unknown(fault) => return EksStep::unknown(aspect, fault),
        };
        let step = self.missing(aspect, wish).costing(cost);
        match missing {
            Some(missing) => step.blocked_by(missing),
            None => step,
        }
    }

    pub(super) fn cloudwatch_observability(&self) -> EksStep {
        let aspect = EksAspect::CloudwatchObservability;
        let wish = self.wished.wishes.cloudwatch_observability;
        if let Some(step) = self.left_or_there(aspect, wish) {
            return step;
        }
        match self.has_nodes() {
            Ok(true) => self.missing(aspect, wish).costing(CostNote::PerObservation),
            Ok(false) => {
                let reason = "it has no EC2 nodes that EKS knows of, and Fargate cannot run the DaemonSets of this add-on";
                EksStep::new(aspect, EksAction::Leave, reason)
            }
            Err(fault) => EksStep::unknown(aspect, fault),
        }
    }

    /// What to do about an add-on that is not to be spoken of, or is there, or of which nobody knows whether it is.
    fn left_or_there(&self, aspect: EksAspect, wish: AddonWish) -> Option<EksStep> {
        if wish == AddonWish::Leave {
            return Some(self.left(aspect));
        }
        match self.observed.addon(aspect.addon()?) {
            Err(fault) => Some(EksStep::unknown(aspect, fault)),
            Ok(addon) => addon.map(|addon| self.there(aspect, addon)),
        }
    }

    /// An add-on that is there is never touched, in whatever state it is.
    fn there(&self, aspect: EksAspect, addon: &Addon) -> EksStep {
        let status = &addon.status;
        let ailing = if addon.issues.is_empty() {
            format!("its status is {status}")
        } else {
            format!("its status is {status}: {}", addon.issues.join("; "))
        };
        match status.as_str() {
            "ACTIVE" => {
                let placed = self.wished.placed(aspect);
                let is = EksState::of_addon(addon);
                EksStep::new(aspect, EksAction::Right, format!("{is} is there; its wish is {placed}"))
            }
            "CREATING" | "UPDATING" | "DELETING" => EksStep::new(aspect, EksAction::Waiting, ailing),
            _ => EksStep::new(aspect, EksAction::Report, ailing),
        }
    }

    fn missing(&self, aspect: EksAspect, wish: AddonWish) -> EksStep {
        if wish == AddonWish::Install {
            return self.change(aspect, EksState::DEFAULT_ADDON);
        }
        let reason = format!("it is missing; its wish is {}", self.wished.placed(aspect));
        EksStep::new(aspect, EksAction::Report, reason)
    }

    /// Whether there are EC2 nodes that EKS manages.
    fn has_nodes(&self) -> Result<bool, &Fault> {
        match &self.observed.node_groups {
            _ if self.observed.cluster.auto_mode => Ok(true),
            Asked::Known(groups) => Ok(!groups.is_empty()),
            Asked::Unread(fault) => Err(fault),
        }
    }

    fn place(&self) -> Place<'_> {
        let nodes = self.has_nodes();
        if nodes == Ok(true) {
            return Place::Nodes;
        }
        let profiles = match &self.observed.profiles {
            Asked::Known(profiles) => profiles,
            Asked::Unread(fault) => return Place::Unknown(fault),
        };
        let selectors = || {
            let active = profiles.iter().filter(|profile| profile.status == "ACTIVE");
            active.flat_map(|profile| &profile.selectors).filter(|selector| selector.is_about(KUBE_SYSTEM))
        };
        let takes_all = |profile: &&FargateProfile| {
            profile.selectors.iter().any(|one| one.is_about(KUBE_SYSTEM) && one.labels.is_empty())
        };
        let mut creating = profiles.iter().filter(|profile| profile.status == "CREATING");
        // Which labels the add-on's pods have differs from version to version.
        if selectors().any(|selector| selector.labels.is_empty()) {
            return Place::Fargate;
        }
        match nodes {
            Err(fault) => Place::Unknown(fault),
            Ok(_) if let Some(profile) = creating.find(takes_all) => Place::Soon(&profile.name),
            Ok(_) if selectors().next().is_some() => Place::None(
                "its pods may stay Pending: the only selectors of its Fargate profiles for the namespace kube-system ask \
                 for labels, and it has no EC2 nodes that EKS knows of; add a selector for kube-system without labels",
            ),
            Ok(_) => Place::None(
                "its pods would stay Pending: no ACTIVE Fargate profile has a selector for the namespace kube-system, and it has \
                 no EC2 nodes that EKS knows of; add such a selector",
            ),
        }
    }
}

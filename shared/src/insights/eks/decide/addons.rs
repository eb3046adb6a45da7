//! The add-ons: where they can run, and what is done about them.

use super::{Case, CostNote, EksAction, EksAspect, EksState, EksStep};
use crate::eks::{Addon, KUBE_SYSTEM, Place};
use crate::fault::Fault;
use crate::insights::eks::{AddonWish, Asked, EksRemedy};

/// What there is where no Fargate profile takes the pods of `metrics-server`. Which labels these have differs from version
/// to version.
const NO_SELECTOR: &str = "its pods would stay Pending: no ACTIVE Fargate profile has a selector for the namespace \
                           kube-system, and it has no EC2 nodes that EKS knows of";
const ONLY_WITH_LABELS: &str = "its pods may stay Pending: the only selectors of its Fargate profiles for the namespace \
                                kube-system ask for labels, and it has no EC2 nodes that EKS knows of";
/// Fargate profiles are immutable (Amazon EKS API, `CreateFargateProfile`).
const ANOTHER_PROFILE: &str = "create another Fargate profile, for the namespace kube-system and without labels: \
                               a profile cannot be changed";

impl Case<'_> {
    pub(super) fn metrics_server(&self) -> EksStep {
        let aspect = EksAspect::MetricsServer;
        let wish = self.wished.wishes.metrics_server;
        if let Some(step) = self.left_or_there(aspect, wish) {
            return step;
        }
        let place = match self.place() {
            Ok(place) => place,
            Err(fault) => return EksStep::unknown(aspect, fault),
        };
        let cost = if place == Place::Nodes { CostNote::Free } else { CostNote::FreeButPods };
        let step = self.missing(aspect, wish).costing(cost);
        match place {
            Place::Nodes | Place::Fargate => step,
            Place::Soon(profile) => {
                step.waiting_for(&format!("its Fargate profile {profile} is being created"))
            }
            Place::None { labels, role } => {
                let lacks = if labels { ONLY_WITH_LABELS } else { NO_SELECTOR };
                step.blocked_by(&format!("{lacks}; {ANOTHER_PROFILE}"), EksRemedy::FargateProfile { role })
            }
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
        let placed = self.wished.placed(aspect);
        let reason = format!("it is missing; its wish is {placed}; to install it, write {aspect}: install");
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

    /// Where its pods find a place.
    fn place(&self) -> Result<Place, &Fault> {
        let nodes = self.has_nodes();
        let profiles = match &self.observed.profiles {
            Asked::Known(profiles) => profiles.as_slice(),
            Asked::Unread(_) if nodes == Ok(true) => &[],
            Asked::Unread(fault) => return Err(fault),
        };
        match (Place::of(KUBE_SYSTEM, nodes == Ok(true), profiles), nodes) {
            // Nodes make no difference where Fargate takes them.
            (Place::Fargate, _) => Ok(Place::Fargate),
            (_, Err(fault)) => Err(fault),
            (place, Ok(_)) => Ok(place),
        }
    }
}

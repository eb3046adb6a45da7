//! Setting up EKS clusters: what one has, what is wished, and the one decision between them.
//!
//! ```text
//! EksConfig -> EksWished ┐
//!   wish.rs              │
//! ObservedEks ───────────┼─> EksStep -> (EKS, Kubernetes) -> EksChange -> EksLedger -> EksRestoreStep
//! EksLedger ─> EksHistory┘   decide/                         ledger.rs                 restore.rs
//! ```
//!
//! A cluster has four aspects ([`EksAspect`]) that are decided one by one. What takes EKS a while is followed through the
//! queue ([`EksFollow`]). What is decided when is told by a table in `docs/insights.md`, made from [`decide_eks()`].

mod aspect;
mod cadvisor;
mod cost;
mod decide;
mod finding;
mod follow;
mod ledger;
mod remedy;
mod restore;
#[cfg(test)]
mod samples;
mod state;
mod wish;

use std::collections::BTreeMap;

use crate::eks::{Addon, EksCluster, FargateProfile};
use crate::fault::{Fault, FaultKind};

pub use aspect::EksAspect;
pub use cadvisor::Cadvisor;
pub use cost::CostNote;
pub use decide::{EksAction, EksHistory, EksStep, OVERDUE, decide_eks, is_overdue};
pub use finding::{EksFinding, EksResult};
pub use follow::{BadFollow, EksFollow, FollowedUpdate};
pub use ledger::{
    BadEksChange, EksChange, EksLedger, EksRevert, EksSubject, EksSubjectLedger, EksUndo, InProgress,
};
pub use remedy::{EksRemedy, SET_UP_GROUP};
pub use restore::{EksRestoreStep, eks_restore_step};
pub use state::EksState;
pub use wish::{AddonWish, AwsLoggingWish, EksConfig, EksWishRule, EksWished, EksWishes, LogsWish};

/// The answer to a question: what is so, or why nobody knows. Nothing is decided on the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked<T> {
    /// It was answered.
    Known(T),
    /// It could not be asked.
    Unread(Fault),
}

impl<T> Asked<T> {
    /// The answer, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unread(_) => None,
        }
    }

    /// Why there is none.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Known(_) => None,
            Self::Unread(fault) => Some(fault),
        }
    }
}

impl<T> From<Result<T, Fault>> for Asked<T> {
    fn from(answer: Result<T, Fault>) -> Self {
        answer.map_or_else(Self::Unread, Self::Known)
    }
}

/// What is there of the logging of Fargate pods (Amazon EKS User Guide, "Start AWS Fargate logging for your cluster").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwsLogging {
    /// Nobody asked, because nothing is wished of it or nothing runs on Fargate.
    NotAsked,
    /// The Kubernetes API does not let us in, or cannot be reached.
    Unread(Fault),
    /// What the Kubernetes API has.
    Known {
        /// The namespace [`NAMESPACE`].
        namespace: LoggingNamespace,
        /// Data of the `ConfigMap` [`CONFIG_MAP`] in it.
        config_map: Option<BTreeMap<String, String>>,
        /// What is wrong with that data, one sentence each.
        problems: Vec<String>,
    },
}

/// The namespace [`NAMESPACE`], in which Fargate only looks if it has the label [`LABEL`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoggingNamespace {
    /// There is none.
    Missing,
    /// It has the label.
    Enabled,
    /// It has another value of the label, or none.
    NotEnabled(Option<String>),
    /// It is being deleted: nothing can be made in it any more, and all that is in it goes.
    Terminating,
}

impl LoggingNamespace {
    /// By its labels, if there is such a namespace.
    pub fn of_labels(labels: Option<&BTreeMap<String, String>>) -> Self {
        match labels.map(|labels| labels.get(LABEL)) {
            None => Self::Missing,
            Some(Some(value)) if value == "enabled" => Self::Enabled,
            Some(value) => Self::NotEnabled(value.cloned()),
        }
    }
}

/// Namespace in which Fargate looks for its logging configuration.
pub const NAMESPACE: &str = "aws-observability";
/// Label that the namespace must have, with the value `enabled`.
pub const LABEL: &str = "aws-observability";
/// `ConfigMap` with the configuration.
pub const CONFIG_MAP: &str = "aws-logging";

/// Status of an update by `DescribeUpdate` (Amazon EKS API, `Update`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateStatus {
    /// `InProgress`.
    InProgress,
    /// `Successful`.
    Successful,
    /// `Failed` or `Cancelled`, with EKS's errors.
    Failed(String),
}

/// All that was asked about one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedEks {
    /// The cluster itself.
    pub cluster: EksCluster,
    /// Its Fargate profiles.
    pub profiles: Asked<Vec<FargateProfile>>,
    /// Names of its node groups.
    pub node_groups: Asked<Vec<String>>,
    /// Its add-ons; only those that are decided on need be among them.
    pub addons: Asked<Vec<Addon>>,
    /// The logging of its Fargate pods.
    pub logging: AwsLogging,
    /// Updates of ours that the ledger follows ([`EksLedger::followed`]), by id.
    pub updates: BTreeMap<String, Asked<UpdateStatus>>,
}

impl ObservedEks {
    /// A cluster of which no more than `DescribeCluster` was asked: enough for one that is not ACTIVE.
    pub fn bare(cluster: EksCluster) -> Self {
        Self {
            cluster,
            profiles: Asked::Known(Vec::new()),
            node_groups: Asked::Known(Vec::new()),
            addons: Asked::Known(Vec::new()),
            logging: AwsLogging::NotAsked,
            updates: BTreeMap::new(),
        }
    }

    /// The add-on of that name: known to be there, known to be absent, or not known.
    pub(super) fn addon(&self, name: &str) -> Result<Option<&Addon>, &Fault> {
        match &self.addons {
            Asked::Known(addons) => Ok(addons.iter().find(|addon| addon.name == name)),
            Asked::Unread(fault) => Err(fault),
        }
    }

    /// Whether an aspect is as it was to be made: at least these logs are on, the add-on is there, the data is the
    /// same.
    pub fn is_so(&self, aspect: EksAspect, wanted: &EksState) -> Result<bool, &Fault> {
        Ok(match (self.state(aspect)?, wanted) {
            (EksState::Addon { .. }, EksState::Addon { .. }) => true,
            (now, wanted) => now.fulfils(wanted),
        })
    }

    /// What an aspect is now, or why that is not known. An add-on that EKS deletes is as good as absent.
    pub fn state(&self, aspect: EksAspect) -> Result<EksState, &Fault> {
        if let Some(name) = aspect.addon() {
            let stays = self.addon(name)?.filter(|addon| addon.status != "DELETING");
            return Ok(stays.map_or(EksState::Absent, EksState::of_addon));
        }
        match (aspect, &self.logging) {
            (EksAspect::AwsLogging, AwsLogging::Unread(fault)) => Err(fault),
            (EksAspect::AwsLogging, AwsLogging::Known { config_map: Some(data), .. }) => {
                Ok(EksState::ConfigMap(data.clone()))
            }
            (EksAspect::AwsLogging, _) => Ok(EksState::Absent),
            _ => Ok(EksState::Logs(self.cluster.logs.clone())),
        }
    }
}

/// Whether EKS or Kubernetes refused a change because what is asked for is there already, or somebody else made it so
/// at the same time.
pub fn says_it_is_so(fault: &Fault) -> bool {
    fault.kind == FaultKind::Conflict
}

/// Whether EKS refused a change because another is in flight: it is to be asked again later, and nothing is wrong.
pub fn is_in_flight(fault: &Fault) -> bool {
    fault.kind == FaultKind::InProgress
}

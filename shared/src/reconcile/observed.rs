//! What there is of a subject, as far as it could be asked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aspect, Value};
use crate::eks::{Addon, EksCluster, FargateProfile};
use crate::fault::Fault;
use crate::insights::{InsightsLevel, ObservedCluster};

pub use crate::kubernetes::logging::{CONFIG_MAP, NAMESPACE};
/// Label that the namespace [`NAMESPACE`] must have, with the value `enabled`.
pub const LABEL: &str = NAMESPACE;

/// The answer to a question: what is so, or why nobody knows. Nothing is decided on the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
}

impl<T> From<Result<T, Fault>> for Asked<T> {
    fn from(answer: Result<T, Fault>) -> Self {
        answer.map_or_else(Self::Unread, Self::Known)
    }
}

/// What there is of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// An account: its default of Container Insights in the Region.
    Account(Asked<InsightsLevel>),
    /// An ECS cluster.
    Ecs(ObservedCluster),
    /// An EKS cluster.
    Eks(Box<ObservedEks>),
}

impl Observed {
    /// What an aspect is set to, or why that is not known. An add-on that EKS deletes is as good as absent.
    pub fn value(&self, aspect: Aspect) -> Result<Value, &Fault> {
        match self {
            Self::Account(Asked::Known(level)) => Ok(Value::Level(*level)),
            Self::Account(Asked::Unread(fault)) => Err(fault),
            Self::Ecs(cluster) => Ok(Value::Level(cluster.level)),
            Self::Eks(eks) => eks.value(aspect),
        }
    }

    /// Its tags; none of an account.
    pub fn tags(&self) -> Option<&BTreeMap<String, String>> {
        match self {
            Self::Account(_) => None,
            Self::Ecs(cluster) => Some(&cluster.tags),
            Self::Eks(eks) => Some(&eks.cluster.tags),
        }
    }

    /// Its status in AWS's words; an account is always `ACTIVE`.
    pub fn status(&self) -> &str {
        match self {
            Self::Account(_) => "ACTIVE",
            Self::Ecs(cluster) => &cluster.status,
            Self::Eks(eks) => &eks.cluster.status,
        }
    }

    /// When it was created; none if nobody says.
    pub fn created_at(&self) -> Option<Timestamp> {
        match self {
            Self::Account(_) | Self::Ecs(_) => None,
            Self::Eks(eks) => eks.cluster.created_at,
        }
    }

    /// Whether it tells how changes ended. While an EKS cluster is busy nothing can be said, and once it is being deleted
    /// nothing matters.
    pub fn tells_ends(&self) -> bool {
        match self {
            Self::Account(asked) => asked.known().is_some(),
            Self::Ecs(_) => true,
            Self::Eks(eks) => eks.is_asked && eks.cluster.status == "ACTIVE",
        }
    }

    /// How far EKS has come with an update of ours, if it was asked.
    pub fn update(&self, id: &str) -> Option<&Asked<UpdateStatus>> {
        match self {
            Self::Eks(eks) => eks.updates.get(id),
            Self::Account(_) | Self::Ecs(_) => None,
        }
    }

    /// The EKS cluster, if it is one.
    pub fn eks(&self) -> Option<&ObservedEks> {
        match self {
            Self::Eks(eks) => Some(eks),
            Self::Account(_) | Self::Ecs(_) => None,
        }
    }
}

/// What there is of the logging of Fargate pods (Amazon EKS User Guide, "Start AWS Fargate logging for your cluster").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwsLogging {
    /// Nobody asked, because no policy is about it or nothing runs on Fargate.
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

/// All that was asked about one EKS cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedEks {
    /// The cluster itself.
    pub cluster: EksCluster,
    /// Whether it was asked what it has. Of one that was not, no change is known to have ended.
    pub is_asked: bool,
    /// Its Fargate profiles.
    pub profiles: Asked<Vec<FargateProfile>>,
    /// Names of its node groups.
    pub node_groups: Asked<Vec<String>>,
    /// Its add-ons; only those that are decided on need be among them.
    pub addons: Asked<Vec<Addon>>,
    /// The logging of its Fargate pods.
    pub logging: AwsLogging,
    /// Updates of ours that the change log follows ([`super::SubjectLog::followed`]), by id.
    pub updates: BTreeMap<String, Asked<UpdateStatus>>,
}

impl ObservedEks {
    /// A cluster of which no more than `DescribeCluster` was asked: enough for one that is not ACTIVE.
    pub fn bare(cluster: EksCluster) -> Self {
        Self {
            cluster,
            is_asked: false,
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

    fn value(&self, aspect: Aspect) -> Result<Value, &Fault> {
        if let Some(name) = aspect.addon() {
            let stays = self.addon(name)?.filter(|addon| addon.status != "DELETING");
            return Ok(stays.map_or(Value::Absent, Value::of_addon));
        }
        match (aspect, &self.logging) {
            (Aspect::AwsLogging, AwsLogging::Unread(fault)) => Err(fault),
            (Aspect::AwsLogging, AwsLogging::Known { config_map: Some(data), .. }) => {
                Ok(Value::ConfigMap(data.clone()))
            }
            (Aspect::AwsLogging, _) => Ok(Value::Absent),
            _ => Ok(Value::Logs(self.cluster.logs.clone())),
        }
    }
}

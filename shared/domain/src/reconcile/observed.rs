//! What there is of a subject, as far as it could be asked.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aspect, Value};
use crate::evidence::eks::{Addon, EksCluster, FargateProfile};
use crate::model::fault::Fault;
use crate::model::insights::{InsightsLevel, ObservedCluster};
use crate::model::operation::Operation;

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
pub struct Observed {
    /// The subject, as its service describes it.
    pub subject: ObservedSubject,
    /// What was asked about one aspect alone.
    pub asked: BTreeMap<Aspect, Asked<Value>>,
}

/// A subject, as its service describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObservedSubject {
    /// An account, of which everything is asked for one aspect alone.
    Account,
    /// An ECS cluster.
    Ecs(ObservedCluster),
    /// An EKS cluster.
    Eks(Box<ObservedEks>),
}

/// Stands for an answer to a question that nobody asked.
static NOT_ASKED: LazyLock<Fault> = LazyLock::new(|| {
    Fault::bug(
        Operation::FargazeReconcile,
        String::new(),
        "a decision needs what was never asked for".to_owned(),
    )
});

impl Observed {
    /// An account with its default of Container Insights in a Region.
    pub fn account(default: Asked<InsightsLevel>) -> Self {
        let default = match default {
            Asked::Known(level) => Asked::Known(Value::Level(level)),
            Asked::Unread(fault) => Asked::Unread(fault),
        };
        Self { subject: ObservedSubject::Account, asked: BTreeMap::from([(Aspect::AccountDefault, default)]) }
    }

    /// An ECS cluster.
    pub fn of_ecs(cluster: ObservedCluster) -> Self {
        Self { subject: ObservedSubject::Ecs(cluster), asked: BTreeMap::new() }
    }

    /// An EKS cluster.
    pub fn of_eks(cluster: ObservedEks) -> Self {
        Self { subject: ObservedSubject::Eks(Box::new(cluster)), asked: BTreeMap::new() }
    }

    /// What an aspect is set to, or why that is not known.
    pub fn value(&self, aspect: Aspect) -> Result<Value, &Fault> {
        aspect.value(self)
    }

    /// The answer to what was asked about this aspect alone.
    pub(super) fn asked(&self, aspect: Aspect) -> Result<Value, &Fault> {
        match self.asked.get(&aspect) {
            Some(Asked::Known(value)) => Ok(value.clone()),
            Some(Asked::Unread(fault)) => Err(fault),
            None => Err(&NOT_ASKED),
        }
    }

    /// Its tags; none of an account.
    pub fn tags(&self) -> Option<&BTreeMap<String, String>> {
        match &self.subject {
            ObservedSubject::Account => None,
            ObservedSubject::Ecs(cluster) => Some(&cluster.tags),
            ObservedSubject::Eks(eks) => Some(&eks.cluster.tags),
        }
    }

    /// Its status in AWS's words; an account is always `ACTIVE`.
    pub fn status(&self) -> &str {
        match &self.subject {
            ObservedSubject::Account => "ACTIVE",
            ObservedSubject::Ecs(cluster) => &cluster.status,
            ObservedSubject::Eks(eks) => &eks.cluster.status,
        }
    }

    /// When it was created; none if nobody says.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.eks()?.cluster.created_at
    }

    /// Whether it tells how changes ended. While an EKS cluster is busy nothing can be said, and once it is being deleted
    /// nothing matters.
    pub fn shows_ends(&self) -> bool {
        self.eks().is_none_or(|eks| eks.is_asked && eks.cluster.status == "ACTIVE")
    }

    /// How far EKS has come with an update of ours, if it was asked.
    pub fn update(&self, id: &str) -> Option<&Asked<UpdateStatus>> {
        self.eks()?.updates.get(id)
    }

    /// The ECS cluster, if it is one.
    pub fn ecs(&self) -> Option<&ObservedCluster> {
        match &self.subject {
            ObservedSubject::Ecs(cluster) => Some(cluster),
            _ => None,
        }
    }

    /// The EKS cluster, if it is one.
    pub fn eks(&self) -> Option<&ObservedEks> {
        match &self.subject {
            ObservedSubject::Eks(eks) => Some(eks),
            _ => None,
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
}

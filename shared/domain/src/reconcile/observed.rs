//! The observed state of a subject, as far as it could be read.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aspect, Value};
use crate::evidence::eks::{Addon, EksCluster, FargateProfile};
use crate::logs::LogGroup;
use crate::model::fault::{Fault, FaultKind};
use crate::model::insights::{InsightsLevel, ObservedCluster};
use crate::model::operation::Operation;

pub use crate::kubernetes::logging::{CONFIG_MAP, NAMESPACE};
/// Label that the namespace [`NAMESPACE`] must have, with the value `enabled`.
pub const LABEL: &str = NAMESPACE;

/// The answer to a query: a value, or the fault that prevented reading it. No decision is based on
/// a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Queried<T> {
    /// The query was answered.
    Known(T),
    /// The query failed.
    Unread(Fault),
}

impl<T> Queried<T> {
    /// The value, if the query was answered.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unread(_) => None,
        }
    }
}

impl<T> From<Result<T, Fault>> for Queried<T> {
    fn from(answer: Result<T, Fault>) -> Self {
        answer.map_or_else(Self::Unread, Self::Known)
    }
}

/// The observed state of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The subject, as its service describes it.
    pub subject: ObservedSubject,
    /// Answers to queries for single aspects.
    pub asked: BTreeMap<Aspect, Queried<Value>>,
}

/// A subject, as its service describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObservedSubject {
    /// An account. Its state consists of the answers for single aspects.
    Account,
    /// An ECS cluster.
    Ecs(ObservedCluster),
    /// An EKS cluster.
    Eks(Box<ObservedEks>),
    /// A log group.
    LogGroup(LogGroup),
}

/// The fault of a value that was never queried, which is a bug in fargaze.
static NOT_ASKED: LazyLock<Fault> = LazyLock::new(|| {
    Fault::bug(
        Operation::FargazeReconcile,
        String::new(),
        "a decision needs a value that was never queried".to_owned(),
    )
});

/// The fault of what was not queried because the cluster was not ACTIVE.
static NOT_ACTIVE: LazyLock<Fault> = LazyLock::new(|| Fault {
    operation: Operation::EksDescribeCluster,
    subject: String::new(),
    kind: FaultKind::InProgress,
    code: "not active".to_owned(),
    message: "the cluster is not ACTIVE, so it was not queried further".to_owned(),
});

impl Observed {
    /// An account with its Container Insights default in a Region.
    pub fn account(default: Queried<InsightsLevel>) -> Self {
        let default = match default {
            Queried::Known(level) => Queried::Known(Value::Level(level)),
            Queried::Unread(fault) => Queried::Unread(fault),
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

    /// A log group.
    pub fn of_log_group(group: LogGroup) -> Self {
        Self { subject: ObservedSubject::LogGroup(group), asked: BTreeMap::new() }
    }

    /// The value of an aspect, or the fault that prevented reading it.
    pub fn value(&self, aspect: Aspect) -> Result<Value, &Fault> {
        aspect.value(self)
    }

    /// The answer to the query for this aspect alone.
    pub(super) fn asked(&self, aspect: Aspect) -> Result<Value, &Fault> {
        match self.asked.get(&aspect) {
            Some(Queried::Known(value)) => Ok(value.clone()),
            Some(Queried::Unread(fault)) => Err(fault),
            None if self.eks().is_some_and(|eks| !eks.is_asked) => Err(&NOT_ACTIVE),
            None => Err(&NOT_ASKED),
        }
    }

    /// Its tags; `None` for an account or a log group, whose tags are not read.
    pub fn tags(&self) -> Option<&BTreeMap<String, String>> {
        match &self.subject {
            ObservedSubject::Account | ObservedSubject::LogGroup(_) => None,
            ObservedSubject::Ecs(cluster) => Some(&cluster.tags),
            ObservedSubject::Eks(eks) => Some(&eks.cluster.tags),
        }
    }

    /// Its status as AWS reports it; an account or log group is always `ACTIVE`.
    pub fn status(&self) -> &str {
        match &self.subject {
            ObservedSubject::Account | ObservedSubject::LogGroup(_) => "ACTIVE",
            ObservedSubject::Ecs(cluster) => &cluster.status,
            ObservedSubject::Eks(eks) => &eks.cluster.status,
        }
    }

    /// When it was created; `None` where the service does not report it (ECS, accounts).
    pub fn created_at(&self) -> Option<Timestamp> {
        match &self.subject {
            ObservedSubject::Account | ObservedSubject::Ecs(_) => None,
            ObservedSubject::Eks(eks) => eks.cluster.created_at,
            ObservedSubject::LogGroup(group) => group.created_at,
        }
    }

    /// Whether it shows how changes ended. While an EKS cluster is busy that is unknown, and once
    /// it is being deleted it no longer matters.
    pub fn shows_ends(&self) -> bool {
        self.eks().is_none_or(|eks| eks.is_asked && eks.cluster.status == "ACTIVE")
    }

    /// The status of one of fargaze's EKS updates, if it was queried.
    pub fn update(&self, id: &str) -> Option<&Queried<UpdateStatus>> {
        self.eks()?.updates.get(id)
    }

    /// The ECS cluster, if it is one.
    pub fn ecs(&self) -> Option<&ObservedCluster> {
        match &self.subject {
            ObservedSubject::Ecs(cluster) => Some(cluster),
            _ => None,
        }
    }

    /// The log group, if it is one.
    pub fn log_group(&self) -> Option<&LogGroup> {
        match &self.subject {
            ObservedSubject::LogGroup(group) => Some(group),
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

/// The state of Fargate pod logging (Amazon EKS User Guide, "Start AWS Fargate logging for your
/// cluster").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwsLogging {
    /// It was not queried, because no policy needs it or nothing runs on Fargate.
    NotAsked,
    /// The Kubernetes API denied access or could not be reached.
    Unread(Fault),
    /// The objects in the Kubernetes API.
    Known {
        /// The namespace [`NAMESPACE`].
        namespace: LoggingNamespace,
        /// Data of the `ConfigMap` [`CONFIG_MAP`] in it.
        config_map: Option<BTreeMap<String, String>>,
        /// Problems of that data, one sentence each.
        problems: Vec<String>,
    },
}

/// The namespace [`NAMESPACE`]. Fargate ignores it unless it has the label [`LABEL`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoggingNamespace {
    /// It does not exist.
    Missing,
    /// It has the label.
    Enabled,
    /// The label has another value, or is missing.
    NotEnabled(Option<String>),
    /// It is being deleted with everything in it, and nothing can be created in it.
    Terminating,
}

impl LoggingNamespace {
    /// The state of a namespace with these labels; `None` if it does not exist.
    pub fn of_labels(labels: Option<&BTreeMap<String, String>>) -> Self {
        match labels.map(|labels| labels.get(LABEL)) {
            None => Self::Missing,
            Some(Some(value)) if value == "enabled" => Self::Enabled,
            Some(value) => Self::NotEnabled(value.cloned()),
        }
    }
}

/// Status of an update from `DescribeUpdate` (Amazon EKS API, `Update`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateStatus {
    /// `InProgress`.
    InProgress,
    /// `Successful`.
    Successful,
    /// `Failed` or `Cancelled`, with EKS's errors.
    Failed(String),
}

/// The observed state of an EKS cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedEks {
    /// The cluster itself.
    pub cluster: EksCluster,
    /// Whether more than `DescribeCluster` was queried. If not, no change is known to have ended.
    pub is_asked: bool,
    /// Its Fargate profiles.
    pub profiles: Queried<Vec<FargateProfile>>,
    /// Names of its node groups.
    pub node_groups: Queried<Vec<String>>,
    /// Its add-ons; at least those that a decision needs.
    pub addons: Queried<Vec<Addon>>,
    /// Logging of its Fargate pods.
    pub logging: AwsLogging,
    /// fargaze's updates that the change log follows ([`super::SubjectLog::followed`]), by id.
    pub updates: BTreeMap<String, Queried<UpdateStatus>>,
}

impl ObservedEks {
    /// A cluster for which only `DescribeCluster` was called: enough if it is not ACTIVE.
    pub fn bare(cluster: EksCluster) -> Self {
        Self {
            cluster,
            is_asked: false,
            profiles: Queried::Known(Vec::new()),
            node_groups: Queried::Known(Vec::new()),
            addons: Queried::Known(Vec::new()),
            logging: AwsLogging::NotAsked,
            updates: BTreeMap::new(),
        }
    }

    /// The add-on of that name: installed, not installed, or a fault if that is not known.
    pub(super) fn addon(&self, name: &str) -> Result<Option<&Addon>, &Fault> {
        match &self.addons {
            Queried::Known(addons) => Ok(addons.iter().find(|addon| addon.name == name)),
            Queried::Unread(fault) => Err(fault),
        }
    }
}

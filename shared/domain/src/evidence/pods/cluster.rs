//! An EKS cluster as a snapshot holds it: what is set up, what could not be read, and what mends it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::evidence::eks::{Addon, FargateProfile, LogType};
use crate::model::cluster::ClusterName;

/// An EKS cluster at the time of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterState {
    /// Its name.
    pub cluster: ClusterName,
    /// `ACTIVE`, or what else EKS says; none if EKS could not be asked about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Kubernetes version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Types of control-plane logs that are on; none if they are not known, because EKS could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<BTreeSet<LogType>>,
    /// Its Fargate profiles; none if they are not known. Only a report asks for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profiles: Option<Vec<FargateProfile>>,
    /// Its add-ons; none if they are not known. Only a report asks for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addons: Option<Vec<Addon>>,
    /// How many nodes it has; none if they are not known. Only a report asks for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<NodeCount>,
    /// Kinds of workloads that could not be listed: what is known of them is what their pods show.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unlisted: BTreeSet<String>,
    /// Whether the Metrics API answers.
    pub metrics_api: MetricsApi,
    /// Whether cAdvisor was asked on its nodes, and what came of it; none if it is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cadvisor: Option<CadvisorState>,
    /// What keeps it from being read, and what is amiss, each with its cure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl ClusterState {
    /// A cluster of which only the name is known.
    pub fn unknown(cluster: ClusterName) -> Self {
        Self {
            cluster,
            status: None,
            version: None,
            logs: None,
            profiles: None,
            addons: None,
            nodes: None,
            unlisted: BTreeSet::new(),
            metrics_api: MetricsApi::Unknown,
            cadvisor: None,
            findings: Vec::new(),
        }
    }
}

/// The nodes of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCount {
    /// Those of Fargate, one for each pod.
    pub fargate: usize,
    /// The others.
    pub other: usize,
}

/// What came of asking cAdvisor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CadvisorState {
    /// Nodes that were to be asked.
    pub nodes: usize,
    /// Those of them that could not be asked, or whose answer could not be read.
    pub unread: usize,
}

/// The Metrics API of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricsApi {
    /// It answers, in this version.
    Serves(String),
    /// The API group is not there: Metrics Server is not installed.
    Missing,
    /// The API group is there and does not answer, with what came instead.
    Down(String),
    /// Nobody could ask: the right is missing, or the API server itself does not answer.
    Unknown,
}

impl MetricsApi {
    /// 1 while it does not answer, 0 if it does; none if nobody could ask.
    pub fn is_down(&self) -> Option<bool> {
        match self {
            Self::Serves(_) => Some(false),
            Self::Missing | Self::Down(_) => Some(true),
            Self::Unknown => None,
        }
    }
}

/// Something amiss of a cluster, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// What is amiss, in one sentence.
    pub problem: String,
    /// The command or YAML that mends it, ready to be copied; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

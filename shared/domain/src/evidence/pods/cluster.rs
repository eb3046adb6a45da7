//! An EKS cluster in a snapshot: its configuration, what could not be read, and the remedy.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::evidence::eks::{Addon, FargateProfile, LogType};
use crate::model::cluster::ClusterName;

/// An EKS cluster at the time of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterState {
    /// Its name.
    pub cluster: ClusterName,
    /// `ACTIVE`, or another status of EKS; `None` if the cluster could not be described.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Kubernetes version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Enabled control-plane log types; `None` if the cluster could not be described.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<BTreeSet<LogType>>,
    /// Its Fargate profiles; `None` if unknown. Only reports read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profiles: Option<Vec<FargateProfile>>,
    /// Its add-ons; `None` if unknown. Only reports read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addons: Option<Vec<Addon>>,
    /// How many nodes it has; `None` if unknown. Only reports read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<NodeCount>,
    /// Kinds of workloads that could not be listed: they are known only from their pods.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unlisted: BTreeSet<String>,
    /// The state of its Metrics API.
    pub metrics_api: MetricsApi,
    /// How reading cAdvisor on its nodes went; `None` if it is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cadvisor: Option<CadvisorState>,
    /// What prevents reading it and what else is wrong, each with its remedy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<SetupProblem>,
}

impl ClusterState {
    /// A cluster of which nothing but the name is known.
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

/// Number of nodes of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCount {
    /// Fargate nodes, one for each pod.
    pub fargate: usize,
    /// All other nodes.
    pub other: usize,
}

/// The result of reading cAdvisor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CadvisorState {
    /// Nodes to read.
    pub nodes: usize,
    /// Nodes that could not be queried, or whose answer could not be parsed.
    pub unread: usize,
}

/// The Metrics API of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricsApi {
    /// It answers; with the version that does.
    Serves(String),
    /// The API group does not exist: Metrics Server is not installed.
    Missing,
    /// The API group exists but does not answer; with what was returned instead.
    Down(String),
    /// It could not be queried: the permission is missing, or the API server itself does not
    /// answer.
    Unknown,
}

impl MetricsApi {
    /// Whether it does not answer; `None` if it could not be queried.
    pub fn is_down(&self) -> Option<bool> {
        match self {
            Self::Serves(_) => Some(false),
            Self::Missing | Self::Down(_) => Some(true),
            Self::Unknown => None,
        }
    }
}

/// A problem of a cluster, and its remedy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SetupProblem {
    /// The problem, in one sentence.
    pub problem: String,
    /// The command or YAML that fixes it, ready to copy; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

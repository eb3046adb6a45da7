//! EKS clusters as the EKS API describes them: how to reach one, and how it is configured.

mod place;
mod reads;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::cluster::{BadName, ClusterName};
use crate::model::status::ProfileStatus;

pub use place::Place;
pub use reads::{Cadvisor, EksRead, EksReads, PodLogs};

/// Logs of the control plane that EKS can send to CloudWatch Logs (Amazon EKS API, `LogSetup`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum LogType {
    /// Requests to the Kubernetes API server.
    Api,
    /// Who did what in the cluster; by far the largest.
    Audit,
    /// How IAM identities became Kubernetes users.
    Authenticator,
    /// The controllers of the control plane.
    ControllerManager,
    /// Where pods were placed, and why others were not.
    Scheduler,
}

impl LogType {
    /// All types, in the order of EKS's documentation.
    pub const ALL: [Self; 5] =
        [Self::Api, Self::Audit, Self::Authenticator, Self::ControllerManager, Self::Scheduler];

    /// EKS's own spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Audit => "audit",
            Self::Authenticator => "authenticator",
            Self::ControllerManager => "controllerManager",
            Self::Scheduler => "scheduler",
        }
    }
}

impl fmt::Display for LogType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for LogType {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::ALL.into_iter().find(|log| log.as_str() == text).ok_or_else(|| BadName {
            text: text.to_owned(),
            what: "type of control-plane log",
            expected: "api, audit, authenticator, controllerManager or scheduler",
        })
    }
}

/// How IAM identities get access to a cluster (Amazon EKS API, `AccessConfigResponse`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthenticationMode {
    /// Access entries only.
    Api,
    /// Access entries, and the `ConfigMap` `aws-auth`.
    ApiAndConfigMap,
    /// The `ConfigMap` `aws-auth` only, without access entries.
    ConfigMap,
}

/// A cluster as returned by `DescribeCluster`. Fields that only an ACTIVE cluster has are empty
/// before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EksCluster {
    /// Its name.
    pub name: ClusterName,
    /// `CREATING`, `ACTIVE`, `UPDATING`, `DELETING`, `FAILED` or `PENDING`.
    pub status: String,
    /// Kubernetes version such as `1.33`.
    pub version: Option<String>,
    /// URL of the API server.
    pub endpoint: Option<String>,
    /// Certificate authority of the API server: base64 of PEM.
    pub certificate_authority: Option<String>,
    /// Whether the API server has a public endpoint.
    pub public_endpoint: bool,
    /// Address ranges that may reach the public endpoint.
    pub public_access_cidrs: Vec<String>,
    /// Enabled control-plane log types.
    pub logs: BTreeSet<LogType>,
    /// How IAM identities get access; `None` if EKS does not say, as for clusters older than access
    /// entries.
    pub authentication: Option<AuthenticationMode>,
    /// Whether EKS Auto Mode manages nodes: then there are EC2 nodes without a node group.
    pub auto_mode: bool,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl EksCluster {
    /// A cluster of which only name and status are known. Its endpoint is public, the EKS default.
    pub fn named(name: ClusterName, status: &str) -> Self {
        Self {
            name,
            status: status.to_owned(),
            version: None,
            endpoint: None,
            certificate_authority: None,
            public_endpoint: true,
            public_access_cidrs: Vec::new(),
            logs: BTreeSet::new(),
            authentication: None,
            auto_mode: false,
            created_at: None,
            tags: BTreeMap::new(),
        }
    }
}

/// A Fargate profile as returned by `DescribeFargateProfile`: pods that match one of its selectors
/// run on Fargate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FargateProfile {
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: ProfileStatus,
    /// Its selectors.
    pub selectors: Vec<FargateSelector>,
    /// The pod execution role, which Fargate's log router writes with.
    pub pod_execution_role: Option<String>,
}

/// One selector of a Fargate profile; `*` and `?` are wildcards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FargateSelector {
    /// Namespace of the pods.
    pub namespace: String,
    /// Labels that the pods must have.
    pub labels: BTreeMap<String, String>,
}

impl FargateSelector {
    /// Whether the selector matches pods of this namespace, provided that they have its labels
    /// (Amazon EKS User Guide, "Fargate profile components": `*` matches any characters, `?`
    /// matches one).
    pub fn is_about(&self, namespace: &str) -> bool {
        fits(self.namespace.as_bytes(), namespace.as_bytes())
    }
}

fn fits(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, _) => name.is_empty(),
        (Some((b'*', after)), rest) => fits(after, name) || rest.is_some_and(|(_, tail)| fits(pattern, tail)),
        (Some((p, after)), Some((c, tail))) => (*p == b'?' || p == c) && fits(after, tail),
        (Some(_), None) => false,
    }
}

/// An add-on as returned by `DescribeAddon`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addon {
    /// Its name, such as `metrics-server`.
    pub name: String,
    /// `CREATING`, `ACTIVE`, `CREATE_FAILED`, `UPDATING`, `DELETING`, `DELETE_FAILED`, `DEGRADED`
    /// or `UPDATE_FAILED`.
    pub status: String,
    /// Version such as `v0.8.0-eksbuild.1`.
    pub version: Option<String>,
    /// Its configuration values, if any are set.
    pub configuration: Option<String>,
    /// Its health issues, as EKS words them.
    pub issues: Vec<String>,
}

/// Namespace of the pods of `metrics-server` (Amazon EKS User Guide, "metrics-server").
pub const KUBE_SYSTEM: &str = "kube-system";
/// Add-on that serves the Metrics API (Amazon EKS User Guide, "Community add-ons").
pub const METRICS_SERVER: &str = "metrics-server";
/// Add-on for Container Insights with enhanced observability for EKS. Its agents are `DaemonSet`s,
/// which Fargate cannot run (CloudWatch User Guide, "Container Insights with enhanced observability
/// for Amazon EKS").
pub const CLOUDWATCH_OBSERVABILITY: &str = "amazon-cloudwatch-observability";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_may_have_wildcards() {
        for (namespace, about) in [
            ("kube-system", true),
            ("kube-*", true),
            ("*", true),
            ("kube?system", true),
            ("*-sys*m", true),
            ("kube", false),
            ("kube-system?", false),
            ("default", false),
        ] {
            let selector = FargateSelector { namespace: namespace.to_owned(), labels: BTreeMap::new() };
            assert_eq!(selector.is_about("kube-system"), about, "{namespace}");
        }
    }

    #[test]
    fn log_types_parse_what_they_print() {
        for log in LogType::ALL {
            assert_eq!(log.to_string().parse::<LogType>().unwrap(), log);
            assert_eq!(serde_json::to_string(&log).unwrap(), format!("\"{log}\""));
        }
        assert!("all".parse::<LogType>().is_err());
    }
}

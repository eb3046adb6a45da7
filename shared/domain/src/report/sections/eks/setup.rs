//! The configuration of a cluster and its problems, as data.

use serde::{Deserialize, Serialize};

use crate::evidence::eks::{Addon, FargateProfile};
use crate::evidence::pods::{MetricsApi, SetupProblem};
use crate::text::{Block, Text};

/// The Metrics API of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MetricsApiReport {
    /// Whether it answers.
    pub state: MetricsApiState,
    /// Its version if it answers, the error if it is down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text>,
}

/// Whether the Metrics API of a cluster answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MetricsApiState {
    /// It answers.
    Serves,
    /// It is not installed.
    Missing,
    /// It is installed, but does not answer.
    Down,
    /// It could not be queried.
    #[default]
    Unknown,
}

impl From<&MetricsApi> for MetricsApiReport {
    fn from(api: &MetricsApi) -> Self {
        let (state, detail) = match api {
            MetricsApi::Serves(version) => (MetricsApiState::Serves, Some(version)),
            MetricsApi::Missing => (MetricsApiState::Missing, None),
            MetricsApi::Down(why) => (MetricsApiState::Down, Some(why)),
            MetricsApi::Unknown => (MetricsApiState::Unknown, None),
        };
        Self { state, detail: detail.map(|detail| Text::new(detail)) }
    }
}

/// A Fargate profile, which selects pods to run on Fargate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProfileReport {
    /// Its name.
    pub name: Text,
    /// The EKS status, such as `ACTIVE`.
    pub status: Text,
    /// Each selector: its namespace, and the labels that a pod must have.
    pub selectors: Vec<Text>,
}

impl From<&FargateProfile> for ProfileReport {
    fn from(profile: &FargateProfile) -> Self {
        let selectors = profile.selectors.iter().map(|selector| {
            let labels: Vec<String> =
                selector.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let labels =
                if labels.is_empty() { String::new() } else { format!(" with {}", labels.join(", ")) };
            Text::new(&format!("{}{labels}", selector.namespace))
        });
        Self {
            name: Text::new(&profile.name),
            status: Text::new(profile.status.as_str()),
            selectors: selectors.collect(),
        }
    }
}

/// An EKS add-on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AddonReport {
    /// Its name.
    pub name: Text,
    /// The EKS status, such as `ACTIVE`.
    pub status: Text,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Text>,
    /// Its health issues according to EKS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<Text>,
}

impl From<&Addon> for AddonReport {
    fn from(addon: &Addon) -> Self {
        Self {
            name: Text::new(&addon.name),
            status: Text::new(&addon.status),
            version: addon.version.as_deref().map(Text::new),
            issues: addon.issues.iter().map(|issue| Text::new(issue)).collect(),
        }
    }
}

/// A problem of a cluster, with its remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FindingReport {
    /// The problem.
    pub problem: Text,
    /// Commands or YAML that fix it, ready to be copied; empty if there are none.
    #[serde(default, skip_serializing_if = "Block::is_empty")]
    pub remedy: Block,
}

impl From<&SetupProblem> for FindingReport {
    fn from(finding: &SetupProblem) -> Self {
        Self { problem: Text::new(&finding.problem), remedy: Block::new(&finding.remedy) }
    }
}

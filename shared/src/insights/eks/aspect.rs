//! The parts of a cluster that are set up one by one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::cluster::BadName;
use crate::eks::{CLOUDWATCH_OBSERVABILITY, METRICS_SERVER};

/// A part of a cluster that is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EksAspect {
    /// The add-on `metrics-server`, which serves the Metrics API.
    MetricsServer,
    /// The add-on `amazon-cloudwatch-observability`: Container Insights for EC2 nodes.
    CloudwatchObservability,
    /// The `ConfigMap` by which Fargate forwards the logs of pods.
    AwsLogging,
    /// The logs of the control plane.
    ControlPlaneLogs,
}

impl EksAspect {
    /// All of them in the order in which they are set up. The logs of the control plane come last: while they are
    /// turned on, the cluster is UPDATING and takes no other change.
    pub const ALL: [Self; 4] =
        [Self::MetricsServer, Self::CloudwatchObservability, Self::AwsLogging, Self::ControlPlaneLogs];

    /// The key of the user's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MetricsServer => "metrics-server",
            Self::CloudwatchObservability => "cloudwatch-observability",
            Self::AwsLogging => "aws-logging",
            Self::ControlPlaneLogs => "control-plane-logs",
        }
    }

    /// EKS's name of the add-on, if it is one.
    pub fn addon(self) -> Option<&'static str> {
        match self {
            Self::MetricsServer => Some(METRICS_SERVER),
            Self::CloudwatchObservability => Some(CLOUDWATCH_OBSERVABILITY),
            Self::AwsLogging | Self::ControlPlaneLogs => None,
        }
    }
}

impl fmt::Display for EksAspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for EksAspect {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::ALL.into_iter().find(|aspect| aspect.as_str() == text).ok_or_else(|| BadName {
            text: text.to_owned(),
            what: "part of an EKS cluster",
            expected: "metrics-server, cloudwatch-observability, aws-logging or control-plane-logs",
        })
    }
}

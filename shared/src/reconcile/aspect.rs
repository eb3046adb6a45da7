//! The aspects that are reconciled: each a setting of an account or a part of a cluster.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::cluster::BadName;
use crate::eks::{CLOUDWATCH_OBSERVABILITY, METRICS_SERVER};
use crate::run::Platform;
use crate::subject::Subject;

/// What is reconciled of a subject. In the order in which it is done: the logs of the control plane come last, because
/// while they are turned on, the cluster is UPDATING and takes no other change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// The account's default of Container Insights in a Region, which new ECS clusters get.
    AccountDefault,
    /// Container Insights of an ECS cluster.
    ContainerInsights,
    /// The add-on `metrics-server`, which serves the Metrics API.
    MetricsServer,
    /// The add-on `amazon-cloudwatch-observability`: Container Insights for EC2 nodes of EKS.
    CloudwatchObservability,
    /// The `ConfigMap` by which Fargate forwards the logs of pods on EKS.
    AwsLogging,
    /// The logs of the control plane of an EKS cluster.
    ControlPlaneLogs,
}

/// What an aspect is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// An account in a Region.
    Account,
    /// An ECS cluster.
    EcsCluster,
    /// An EKS cluster.
    EksCluster,
}

/// Key of `fargaze.yaml`, what it is of, and the name in messages.
const ROWS: [(Aspect, &str, SubjectKind, &str); 6] = [
    (Aspect::AccountDefault, "account-default", SubjectKind::Account, "account default"),
    (Aspect::ContainerInsights, "container-insights", SubjectKind::EcsCluster, "Container Insights"),
    (Aspect::MetricsServer, "metrics-server", SubjectKind::EksCluster, "metrics-server"),
    (
        Aspect::CloudwatchObservability,
        "cloudwatch-observability",
        SubjectKind::EksCluster,
        "cloudwatch-observability",
    ),
    (Aspect::AwsLogging, "aws-logging", SubjectKind::EksCluster, "aws-logging"),
    (Aspect::ControlPlaneLogs, "control-plane-logs", SubjectKind::EksCluster, "control-plane-logs"),
];

impl Aspect {
    /// All of them, in the order in which they are reconciled.
    pub const ALL: [Self; 6] = [
        Self::AccountDefault,
        Self::ContainerInsights,
        Self::MetricsServer,
        Self::CloudwatchObservability,
        Self::AwsLogging,
        Self::ControlPlaneLogs,
    ];

    /// Those of one kind of subject, in the order in which they are reconciled.
    pub fn of(kind: SubjectKind) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |aspect| aspect.kind() == kind)
    }

    /// The key of the user's file.
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// What it is of.
    pub fn kind(self) -> SubjectKind {
        self.row().2
    }

    /// Its name in messages.
    pub fn title(self) -> &'static str {
        self.row().3
    }

    /// EKS's name of the add-on, if it is one.
    pub fn addon(self) -> Option<&'static str> {
        match self {
            Self::MetricsServer => Some(METRICS_SERVER),
            Self::CloudwatchObservability => Some(CLOUDWATCH_OBSERVABILITY),
            _ => None,
        }
    }

    fn row(self) -> &'static (Self, &'static str, SubjectKind, &'static str) {
        // A test holds that the rows are those of all aspects, in their order.
        &ROWS[self as usize]
    }
}

impl SubjectKind {
    /// What a subject of this platform is; none of what is in a cluster.
    pub fn of(platform: Platform, subject: &Subject) -> Option<Self> {
        match (subject, platform) {
            (Subject::Account, _) => Some(Self::Account),
            (Subject::Cluster(_), Platform::Ecs) => Some(Self::EcsCluster),
            (Subject::Cluster(_), Platform::Eks) => Some(Self::EksCluster),
            _ => None,
        }
    }

    /// The platform of the targets whose sweeps reconcile it.
    pub fn platform(self) -> Platform {
        match self {
            Self::Account | Self::EcsCluster => Platform::Ecs,
            Self::EksCluster => Platform::Eks,
        }
    }
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Aspect {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::ALL.into_iter().find(|aspect| aspect.as_str() == text).ok_or_else(|| BadName {
            text: text.to_owned(),
            what: "aspect",
            expected: "account-default, container-insights, metrics-server, cloudwatch-observability, aws-logging or \
                       control-plane-logs",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_aspect_has_its_row_and_reads_what_it_writes() {
        for (aspect, row) in Aspect::ALL.into_iter().zip(&ROWS) {
            assert_eq!((row.0, aspect.to_string().parse()), (aspect, Ok(aspect)));
            assert_eq!(serde_json::to_string(&aspect).unwrap(), format!("\"{aspect}\""));
        }
        assert!("insights".parse::<Aspect>().is_err());
    }
}

//! A service or workload to look at first, as data.

use serde::{Deserialize, Serialize};

use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::model::run::Platform;
use crate::report::measured::figures::History;
use crate::report::measured::member::{Member, is_ecs};
use crate::report::sections::clusters::service::ServiceReport;
use crate::report::sections::eks::model::WorkloadReport;

/// A service or workload to look at first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Worst {
    /// Whether it runs on ECS or on EKS; left out of a service of ECS.
    #[serde(default, skip_serializing_if = "is_ecs")]
    pub platform: Platform,
    /// Account of the cluster.
    pub account: AccountId,
    /// Region of the cluster.
    pub region: Region,
    /// The cluster.
    pub cluster: ClusterName,
    /// Why it is among them beside its fullness; empty if it is only full.
    pub because: Vec<Because>,
    /// Its figures.
    pub figures: WorstFigures,
    /// CPU and memory over time: in percent of what tasks reserve, or of what is provisioned for pods.
    pub history: History,
}

/// The figures of a service or workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum WorstFigures {
    /// Of a service of ECS.
    Service(Box<ServiceReport>),
    /// Of a workload on EKS.
    Workload(Box<WorkloadReport>),
}

impl WorstFigures {
    /// What services and workloads have in common.
    pub(crate) fn member(&self) -> &dyn Member {
        match self {
            Self::Service(service) => &**service,
            Self::Workload(workload) => &**workload,
        }
    }
}

/// Why a service is to be looked at, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// It should run tasks and runs none.
    NothingRunning,
    /// It should have replicas, and none is available.
    NoneAvailable,
    /// It is in ALARM.
    InAlarm,
    /// Its newest deployment failed, or its tasks fail.
    DeploymentFails,
    /// Its tasks run, and it has no metrics.
    WithoutMetrics,
    /// A container of it crashes again and again.
    CrashLooping,
    /// A container of it cannot start.
    CannotStart,
    /// A container of it was killed for want of memory.
    OutOfMemory,
    /// It runs fewer tasks than it should.
    ShortOfTasks,
    /// Fewer of its replicas are available than there should be.
    ShortOfPods,
    /// A pod of it is pending.
    Pending,
}

impl Because {
    /// In a few words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NothingRunning => "no task runs",
            Self::NoneAvailable => "no replica is available",
            Self::InAlarm => "in ALARM",
            Self::DeploymentFails => "its deployment fails",
            Self::WithoutMetrics => "runs and has no metrics",
            Self::CrashLooping => "crash-looping",
            Self::CannotStart => "cannot start",
            Self::OutOfMemory => "killed out of memory",
            Self::ShortOfTasks => "fewer tasks than desired",
            Self::ShortOfPods => "fewer replicas than desired",
            Self::Pending => "a pod is pending",
        }
    }
}

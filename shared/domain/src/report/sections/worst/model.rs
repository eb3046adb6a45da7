//! A service or workload to check first, as data.

use serde::{Deserialize, Serialize};

use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::model::run::Platform;
use crate::report::measured::figures::History;
use crate::report::measured::member::{Member, is_ecs};
use crate::report::sections::clusters::service::ServiceReport;
use crate::report::sections::eks::model::WorkloadReport;

/// A service or workload to check first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Worst {
    /// Whether it runs on ECS or on EKS; absent for ECS.
    #[serde(default, skip_serializing_if = "is_ecs")]
    pub platform: Platform,
    /// Account of the cluster.
    pub account: AccountId,
    /// Region of the cluster.
    pub region: Region,
    /// The cluster.
    pub cluster: ClusterName,
    /// Why it is listed; empty if only its usage is high.
    pub because: Vec<Because>,
    /// Its figures.
    pub figures: WorstFigures,
    /// CPU and memory over time, in percent of what tasks reserve or of what is provisioned for
    /// pods.
    pub history: History,
}

/// The figures of a service or workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum WorstFigures {
    /// Of an ECS service.
    Service(Box<ServiceReport>),
    /// Of an EKS workload.
    Workload(Box<WorkloadReport>),
}

impl WorstFigures {
    /// The figures as the trait that services and workloads share.
    pub(crate) fn member(&self) -> &dyn Member {
        match self {
            Self::Service(service) => &**service,
            Self::Workload(workload) => &**workload,
        }
    }
}

/// Why to check a service or workload, the most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// It has desired tasks, but none running.
    NothingRunning,
    /// It has desired replicas, but none available.
    NoneAvailable,
    /// An alarm on it is in ALARM.
    InAlarm,
    /// Its newest deployment failed, or tasks of the deployment fail.
    DeploymentFails,
    /// Its tasks run, but it has no metrics.
    WithoutMetrics,
    /// One of its containers is crash-looping.
    CrashLooping,
    /// One of its containers cannot start.
    CannotStart,
    /// One of its containers was OOM-killed.
    OutOfMemory,
    /// It runs fewer tasks than desired.
    ShortOfTasks,
    /// It has fewer replicas available than desired.
    ShortOfPods,
    /// One of its pods is pending.
    Pending,
}

impl Because {
    /// In a few words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NothingRunning => "no tasks running",
            Self::NoneAvailable => "no replica available",
            Self::InAlarm => "in ALARM",
            Self::DeploymentFails => "deployment failing",
            Self::WithoutMetrics => "running without metrics",
            Self::CrashLooping => "crash-looping",
            Self::CannotStart => "cannot start",
            Self::OutOfMemory => "OOM-killed",
            Self::ShortOfTasks => "fewer tasks than desired",
            Self::ShortOfPods => "fewer replicas than desired",
            Self::Pending => "a pod pending",
        }
    }
}

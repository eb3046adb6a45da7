//! One incident: a task that died, a warning, a failed placement, the end of a deployment, or an
//! announced retirement.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Act, ContainerEnd, Said, TaskStop, cause_of};
use super::{Cause, Class};
use crate::model::cluster::{ClusterName, ServiceName};
use crate::model::subject::{Subject, Workload};

/// How long incidents are kept.
pub const KEEP: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A task that ended this soon after its start, by itself, crashed at its start.
const SHORT_LIFE: SignedDuration = SignedDuration::from_mins(5);

/// What an incident is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// A service.
    Service(ClusterName, ServiceName),
    /// The tasks of a family that belong to no service.
    Family(ClusterName, String),
    /// A workload on EKS.
    Workload(ClusterName, Workload),
    /// A task of which only the cluster is known.
    Cluster(ClusterName),
}

impl Of {
    /// Its cluster.
    pub fn cluster(&self) -> &ClusterName {
        match self {
            Self::Service(cluster, _)
            | Self::Family(cluster, _)
            | Self::Workload(cluster, _)
            | Self::Cluster(cluster) => cluster,
        }
    }

    /// As a subject.
    pub fn subject(&self) -> Subject {
        match self.clone() {
            Self::Service(cluster, service) => Subject::Service(cluster, service),
            Self::Family(cluster, family) => Subject::TaskFamily(cluster, family),
            Self::Workload(cluster, workload) => Subject::Workload(cluster, workload),
            Self::Cluster(cluster) => Subject::Cluster(cluster),
        }
    }
}

/// An incident, as an event or the API reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// What it is about.
    pub of: Of,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: IncidentKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum IncidentKind {
    /// A task stopped, for whatever reason.
    Stopped(Died),
    /// Fargate Spot will stop a task in two minutes.
    SpotWarning {
        /// Id of the task.
        task: String,
    },
    /// ECS could not start or place tasks, or keep the service.
    Service {
        /// The name of the event, such as `SERVICE_TASK_PLACEMENT_FAILURE`.
        event: String,
        /// Its reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A deployment began, completed or failed.
    Deployment {
        /// The name of the event, such as `SERVICE_DEPLOYMENT_FAILED`.
        event: String,
        /// Its id, such as `ecs-svc/2233445566`.
        id: String,
        /// Its reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// AWS will stop tasks or pods to patch their hosts.
    Retirement {
        /// Id of the task, or name of the pod; none for all tasks of a service.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        one: Option<String>,
        /// When.
        due: Timestamp,
    },
}

/// A stopped task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Died {
    /// Its id.
    pub task: String,
    /// `version` of the task in the event: it rises with each change.
    pub version: u64,
    /// Family and revision, such as `web:7`.
    pub definition: String,
    /// `stopCode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// `stoppedReason`, cut to 400 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Id of the deployment that started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// When its containers ran; none if they never did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When ECS began to stop it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopping_at: Option<Timestamp>,
    /// When its containers had ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Its containers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<ContainerOfTask>,
}

/// A container of a stopped task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerOfTask {
    /// Its name.
    pub name: String,
    /// `exitCode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// `reason`, cut to 400 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its image, as the task definition names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Digest of the image that ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl Died {
    /// The cause, for a task of a service whose newest deployment is `primary`.
    pub fn cause(&self, of: &Of, primary: Option<&str>) -> Cause {
        cause_of(Said::Task(&self.stop(of, primary)))
    }

    /// The container whose end ended the task.
    pub fn culprit(&self, of: &Of) -> Option<&ContainerOfTask> {
        let stop = self.stop(of, None);
        let name = &stop.culprit()?.name;
        self.containers.iter().find(|container| container.name == *name)
    }

    /// Whether it ended by itself within minutes of its start.
    pub fn is_crash_at_start(&self, class: Class) -> bool {
        let end = self.stopping_at.or(self.ended_at);
        let lived = self.started_at.zip(end).map(|(started, end)| end.duration_since(started));
        class.is_crash() && lived.is_some_and(|lived| lived < SHORT_LIFE)
    }

    fn stop(&self, of: &Of, primary: Option<&str>) -> TaskStop {
        let end = |container: &ContainerOfTask| ContainerEnd {
            name: container.name.clone(),
            exit_code: container.exit_code,
            reason: container.reason.clone(),
        };
        TaskStop {
            code: self.code.clone(),
            reason: self.reason.clone(),
            containers: self.containers.iter().map(end).collect(),
            of_service: matches!(of, Of::Service(..)),
            primary: primary.map(ToOwned::to_owned),
            stopping_at: self.stopping_at,
            ended_at: self.ended_at,
        }
    }
}

impl Incident {
    /// What makes it the same incident, however often and in whatever order it is reported.
    pub(super) fn identity(&self) -> String {
        let cluster = self.of.cluster();
        match &self.kind {
            IncidentKind::Stopped(died) => format!("stopped {cluster}/{}", died.task),
            IncidentKind::SpotWarning { task } => format!("spot {cluster}/{task}"),
            IncidentKind::Service { event, reason } => {
                let reason = reason.as_deref().unwrap_or_default();
                format!("service {} {event} {} {reason}", self.of.subject(), self.at)
            }
            IncidentKind::Deployment { event, id, .. } => {
                format!("deployment {} {event} {id} {}", self.of.subject(), self.at)
            }
            IncidentKind::Retirement { one, due } => {
                format!("retirement {} {} {due}", self.of.subject(), one.as_deref().unwrap_or_default())
            }
        }
    }

    /// Which of two reports of the same incident is newer.
    pub(super) fn version(&self) -> u64 {
        match &self.kind {
            IncidentKind::Stopped(died) => died.version,
            _ => 0,
        }
    }

    /// The cause; `None` for what is no trouble, such as a completed deployment.
    pub fn cause(&self, primary: Option<&str>) -> Option<Cause> {
        match &self.kind {
            IncidentKind::Stopped(died) => Some(died.cause(&self.of, primary)),
            IncidentKind::SpotWarning { .. } => Some(Cause::plain(Class::Spot)),
            IncidentKind::Retirement { .. } => Some(Cause::plain(Class::Maint)),
            IncidentKind::Service { event, reason } => of_service(event, reason.as_deref()),
            IncidentKind::Deployment { event, .. } => {
                let failed = event == "SERVICE_DEPLOYMENT_FAILED";
                failed.then(|| cause_of(Said::Service("deployment failed")))
            }
        }
    }
}

/// The cause of an `ECS Service Action`. Its reason is a code such as `RESOURCE:FARGATE` or a text.
fn of_service(event: &str, reason: Option<&str>) -> Option<Cause> {
    let by_reason = reason.map(|reason| {
        let text = format!("unable to place a task. reason: {reason}");
        cause_of(Said::Service(&text))
    });
    let known = by_reason.filter(|cause| cause.class != Class::Unknown);
    let by_name = match event {
        "SERVICE_TASK_PLACEMENT_FAILURE" => Some(Class::Capacity),
        "SERVICE_TASK_CONFIGURATION_FAILURE" | "SERVICE_DAEMON_PLACEMENT_CONSTRAINT_VIOLATED" => {
            Some(Class::Config)
        }
        "ECS_OPERATION_THROTTLED" | "SERVICE_DISCOVERY_OPERATION_THROTTLED" => Some(Class::Throttled),
        "SERVICE_TASK_START_IMPAIRED" => Some(Class::Unknown),
        "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY" | "VPC_LATTICE_TARGET_UNHEALTHY" => Some(Class::HealthElb),
        _ => None,
    };
    let act = match event {
        "ECS_OPERATION_THROTTLED" | "SERVICE_DISCOVERY_OPERATION_THROTTLED" => Act::IfRepeated,
        _ => Act::Yes,
    };
    known.or_else(|| by_name.map(Cause::plain)).map(|cause| Cause { act, ..cause })
}

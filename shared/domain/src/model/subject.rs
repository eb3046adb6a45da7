//! Subjects of verdicts, notifications and changes: an account, a cluster, or something that runs
//! in a cluster.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::cluster::{ClusterName, ServiceName};

/// Subject of a verdict, a notification or a change, within one account and Region.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub enum Subject {
    /// The account in the Region: all its clusters.
    Account,
    /// An ECS or EKS cluster as a whole.
    Cluster(ClusterName),
    /// An ECS service.
    Service(ClusterName, ServiceName),
    /// A family of ECS task definitions: all its tasks in the cluster, whether they belong to a
    /// service or not.
    TaskFamily(ClusterName, String),
    /// An ECS task, by its id.
    Task(ClusterName, TaskOwner, String),
    /// A container of the tasks of a service or family, by its name: in all of them.
    Container(ClusterName, TaskOwner, String),
    /// An EKS workload.
    Workload(ClusterName, Workload),
    /// A log group, whoever writes to it.
    LogGroup(String),
}

/// What a task belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskOwner {
    /// A service.
    Service(ServiceName),
    /// No service, only its family of task definitions.
    Family(String),
}

/// The family of a revision of a task definition: `web` of
/// `arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7`.
pub fn family_of(task_definition: &str) -> &str {
    let name = task_definition.rsplit('/').next().unwrap_or(task_definition);
    name.split(':').next().unwrap_or(name)
}

/// Kind of subject that a rule is evaluated for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The account in each Region.
    Account,
    /// Each cluster as a whole.
    Cluster,
    /// Each service.
    #[default]
    Service,
    /// Each family of task definitions: all its tasks, whether they belong to a service or not.
    TaskFamily,
    /// Each task, where Container Insights reports them with enhanced observability.
    Task,
    /// Each container of the tasks of a service or family, by its name, where Container Insights
    /// reports them with enhanced observability.
    Container,
    /// Each EKS workload, such as a Deployment: all pods that it owns.
    Workload,
    /// Each log group that a saved query names.
    LogGroup,
}

impl Scope {
    /// Its spelling in the user's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Cluster => "cluster",
            Self::Service => "service",
            Self::TaskFamily => "task-family",
            Self::Task => "task",
            Self::Container => "container",
            Self::Workload => "workload",
            Self::LogGroup => "log-group",
        }
    }
}

/// An owner of pods on EKS: a Deployment, `StatefulSet`, `DaemonSet`, Job or `CronJob`, or a pod
/// without an owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Workload {
    /// Its namespace.
    pub namespace: String,
    /// Its kind, as Kubernetes spells it.
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl Subject {
    /// The cluster itself, or the cluster that it belongs to.
    pub fn cluster(&self) -> Option<&ClusterName> {
        match self {
            Self::Account | Self::LogGroup(_) => None,
            Self::Cluster(cluster)
            | Self::Service(cluster, _)
            | Self::TaskFamily(cluster, _)
            | Self::Task(cluster, ..)
            | Self::Container(cluster, ..)
            | Self::Workload(cluster, _) => Some(cluster),
        }
    }

    /// The service, if it is one.
    pub fn service(&self) -> Option<&ServiceName> {
        match self {
            Self::Service(_, service) => Some(service),
            _ => None,
        }
    }

    /// The service, or that of the task or container.
    pub fn service_or_owner(&self) -> Option<&ServiceName> {
        match self {
            Self::Service(_, service)
            | Self::Task(_, TaskOwner::Service(service), _)
            | Self::Container(_, TaskOwner::Service(service), _) => Some(service),
            _ => None,
        }
    }

    /// The family of task definitions, or that of the task or container without a service.
    pub fn task_family(&self) -> Option<&str> {
        match self {
            Self::TaskFamily(_, family)
            | Self::Task(_, TaskOwner::Family(family), _)
            | Self::Container(_, TaskOwner::Family(family), _) => Some(family),
            _ => None,
        }
    }

    /// The workload, if it is one.
    pub fn workload(&self) -> Option<&Workload> {
        match self {
            Self::Workload(_, workload) => Some(workload),
            _ => None,
        }
    }

    /// The scope of its rules.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Account => Scope::Account,
            Self::Cluster(_) => Scope::Cluster,
            Self::Service(..) => Scope::Service,
            Self::TaskFamily(..) => Scope::TaskFamily,
            Self::Task(..) => Scope::Task,
            Self::Container(..) => Scope::Container,
            Self::Workload(..) => Scope::Workload,
            Self::LogGroup(_) => Scope::LogGroup,
        }
    }
}

/// Orders by cluster first, so that lists keep the subjects of a cluster together.
impl Ord for Subject {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_kind = || match (self, other) {
            (Self::Service(_, one), Self::Service(_, other)) => one.cmp(other),
            (Self::TaskFamily(_, one), Self::TaskFamily(_, other))
            | (Self::LogGroup(one), Self::LogGroup(other)) => one.cmp(other),
            (Self::Workload(_, one), Self::Workload(_, other)) => one.cmp(other),
            (Self::Task(_, owner, one), Self::Task(_, of, other))
            | (Self::Container(_, owner, one), Self::Container(_, of, other)) => {
                (owner, one).cmp(&(of, other))
            }
            _ => self.scope().cmp(&other.scope()),
        };
        self.cluster().cmp(&other.cluster()).then_with(by_kind)
    }
}

impl PartialOrd for Subject {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `shop`, `shop/web`, `shop#nightly`, `shop/web task 3b2a`, `shop#nightly container app`,
/// `payments shop/deployment/web`, `log group /ecs/web`: subjects of different kinds never have the
/// same text.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => f.pad("account"),
            Self::Cluster(cluster) => cluster.fmt(f),
            Self::Service(cluster, service) => write!(f, "{cluster}/{service}"),
            Self::TaskFamily(cluster, family) => write!(f, "{cluster}#{family}"),
            Self::Task(cluster, owner, id) => write!(f, "{cluster}{owner} task {id}"),
            Self::Container(cluster, owner, name) => write!(f, "{cluster}{owner} container {name}"),
            Self::Workload(cluster, workload) => write!(f, "{cluster} {workload}"),
            Self::LogGroup(name) => write!(f, "log group {name}"),
        }
    }
}

/// `/web` for a service, `#nightly` for a family: after the cluster, like these subjects.
impl fmt::Display for TaskOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(service) => write!(f, "/{service}"),
            Self::Family(family) => write!(f, "#{family}"),
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, kind, name } = self;
        write!(f, "{namespace}/{}/{name}", kind.to_lowercase())
    }
}

/// JSON form of a subject: each of its names under its own key.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cluster: Option<ClusterName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service: Option<ServiceName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task_family: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    container: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workload: Option<Workload>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log_group: Option<String>,
}

impl Fields {
    fn owned(cluster: ClusterName, owner: TaskOwner) -> Self {
        let (service, task_family) = match owner {
            TaskOwner::Service(service) => (Some(service), None),
            TaskOwner::Family(family) => (None, Some(family)),
        };
        Self { cluster: Some(cluster), service, task_family, ..Self::default() }
    }
}

impl From<Subject> for Fields {
    fn from(subject: Subject) -> Self {
        let of = |cluster| Self { cluster: Some(cluster), ..Self::default() };
        match subject {
            Subject::Account => Self::default(),
            Subject::Cluster(cluster) => of(cluster),
            Subject::Service(cluster, service) => Self { service: Some(service), ..of(cluster) },
            Subject::TaskFamily(cluster, family) => Self { task_family: Some(family), ..of(cluster) },
            Subject::Task(cluster, owner, id) => Self { task: Some(id), ..Self::owned(cluster, owner) },
            Subject::Container(cluster, owner, name) => {
                Self { container: Some(name), ..Self::owned(cluster, owner) }
            }
            Subject::Workload(cluster, workload) => Self { workload: Some(workload), ..of(cluster) },
            Subject::LogGroup(name) => Self { log_group: Some(name), ..Self::default() },
        }
    }
}

impl TryFrom<Fields> for Subject {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, Self::Error> {
        let Fields { cluster, service, task_family, task, container, workload, log_group } = fields;
        let is_bare = service.is_none()
            && task_family.is_none()
            && workload.is_none()
            && task.is_none()
            && container.is_none();
        let cluster = match (cluster, log_group) {
            (Some(cluster), None) => cluster,
            (None, Some(name)) if is_bare => return Ok(Self::LogGroup(name)),
            (None, None) if is_bare => return Ok(Self::Account),
            (None, None) => return Err("a subject without a cluster"),
            _ => return Err("a subject of two kinds"),
        };
        if task.is_some() || container.is_some() {
            let owner = match (service, task_family, workload) {
                (Some(service), None, None) => TaskOwner::Service(service),
                (None, Some(family), None) => TaskOwner::Family(family),
                _ => return Err("a task or container needs a service or a task family"),
            };
            return match (task, container) {
                (Some(id), None) => Ok(Self::Task(cluster, owner, id)),
                (None, Some(name)) => Ok(Self::Container(cluster, owner, name)),
                _ => Err("a subject of two kinds"),
            };
        }
        match (service, task_family, workload) {
            (None, None, None) => Ok(Self::Cluster(cluster)),
            (Some(service), None, None) => Ok(Self::Service(cluster, service)),
            (None, Some(family), None) => Ok(Self::TaskFamily(cluster, family)),
            (None, None, Some(workload)) => Ok(Self::Workload(cluster, workload)),
            _ => Err("a subject of two kinds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_is_the_name_without_its_revision() {
        assert_eq!(family_of("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7"), "web");
    }

    #[test]
    fn every_kind_round_trips() {
        let cluster: ClusterName = "shop".parse().unwrap();
        let workload =
            Workload { namespace: "web".to_owned(), kind: "Deployment".to_owned(), name: "api".to_owned() };
        for (subject, text, json) in [
            (Subject::Account, "account", "{}"),
            (Subject::Cluster(cluster.clone()), "shop", r#"{"cluster":"shop"}"#),
            (Subject::LogGroup("/ecs/web".to_owned()), "log group /ecs/web", r#"{"log_group":"/ecs/web"}"#),
            (
                Subject::Service(cluster.clone(), "web".parse().unwrap()),
                "shop/web",
                r#"{"cluster":"shop","service":"web"}"#,
            ),
            (
                Subject::Task(cluster.clone(), TaskOwner::Service("web".parse().unwrap()), "3b2a".to_owned()),
                "shop/web task 3b2a",
                r#"{"cluster":"shop","service":"web","task":"3b2a"}"#,
            ),
            (
                Subject::Container(
                    cluster.clone(),
                    TaskOwner::Family("nightly".to_owned()),
                    "app".to_owned(),
                ),
                "shop#nightly container app",
                r#"{"cluster":"shop","task_family":"nightly","container":"app"}"#,
            ),
            (
                Subject::TaskFamily(cluster.clone(), "nightly".to_owned()),
                "shop#nightly",
                r#"{"cluster":"shop","task_family":"nightly"}"#,
            ),
            (
                Subject::Workload(cluster, workload),
                "shop web/deployment/api",
                r#"{"cluster":"shop","workload":{"namespace":"web","kind":"Deployment","name":"api"}}"#,
            ),
        ] {
            assert_eq!(subject.to_string(), text);
            assert_eq!(serde_json::to_string(&subject).unwrap(), json);
            assert_eq!(serde_json::from_str::<Subject>(json).unwrap(), subject);
        }
        for json in [
            r#"{"service":"web"}"#,
            r#"{"cluster":"shop","service":"web","task_family":"x"}"#,
            r#"{"cluster":"shop","log_group":"/x"}"#,
        ] {
            assert!(serde_json::from_str::<Subject>(json).is_err(), "{json}");
        }
    }
}

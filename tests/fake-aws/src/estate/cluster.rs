//! Clusters, services and tasks as tests describe them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// An ECS cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterSpec {
    /// Short name.
    pub name: String,
    /// The `containerInsights` setting.
    pub insights: String,
    /// `ACTIVE`, `PROVISIONING`, `DEPROVISIONING`, `FAILED` or `INACTIVE`.
    pub status: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Services by name.
    pub services: BTreeMap<String, ServiceSpec>,
    /// Tasks outside of services, by task definition family.
    pub tasks: BTreeMap<String, TaskSpec>,
    /// `configuration` in the format of `UpdateCluster`; empty if it was never set.
    pub configuration: Value,
    /// ARN of the default namespace of Service Connect, if there is one.
    pub namespace: Option<String>,
}

/// An ECS service on Fargate.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSpec {
    /// Short name.
    pub name: String,
    /// Desired tasks.
    pub desired: i64,
    /// Running tasks.
    pub running: i64,
    /// Pending tasks.
    pub pending: i64,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// Launch type; absent when a capacity provider strategy is used.
    pub launch_type: Option<String>,
    /// Roll-out state of the primary deployment.
    pub rollout: String,
    /// Its reason, in ECS's words; a sentence about the state by default.
    pub rollout_reason: Option<String>,
    /// Failed tasks of the primary deployment.
    pub failed_tasks: i64,
    /// Start of the primary deployment, in epoch seconds; that of the service by default.
    pub deployed_at: Option<f64>,
    /// Service events, newest first; a steady state by default.
    pub events: Vec<String>,
    /// Epoch seconds.
    pub created_at: f64,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Task definition family; by default the service's name.
    pub family: String,
    /// Containers of each task.
    pub containers: usize,
    /// Tasks that have stopped.
    pub stopped_tasks: Vec<StoppedTaskSpec>,
    /// Members of the `DescribeServices` response that are returned verbatim, in place of those
    /// derived from the other fields: task sets, several deployments, or a whole response of the
    /// real service.
    pub members: Map<String, Value>,
}

/// A task of a service that has stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct StoppedTaskSpec {
    /// Its id.
    pub id: String,
    /// Revision of its task definition.
    pub revision: i64,
    /// The container that ended it.
    pub container: String,
    /// The container's exit code.
    pub exit_code: Option<i64>,
    /// Epoch seconds.
    pub stopped_at: f64,
}

/// Tasks of one family outside of services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSpec {
    /// Task definition family.
    pub family: String,
    /// Running tasks.
    pub running: i64,
    /// Pending tasks.
    pub pending: i64,
    /// Containers of each task.
    pub containers: usize,
}

impl ClusterSpec {
    /// An active cluster without Container Insights.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            insights: "disabled".to_owned(),
            status: "ACTIVE".to_owned(),
            tags: BTreeMap::new(),
            services: BTreeMap::new(),
            tasks: BTreeMap::new(),
            configuration: Value::Null,
            namespace: None,
        }
    }

    /// Sets the `containerInsights` setting: `disabled`, `enabled` or `enhanced`.
    #[must_use]
    pub fn insights(mut self, value: &str) -> Self {
        value.clone_into(&mut self.insights);
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: &str) -> Self {
        status.clone_into(&mut self.status);
        self
    }

    /// Adds or replaces a service.
    #[must_use]
    pub fn service(mut self, service: ServiceSpec) -> Self {
        self.services.insert(service.name.clone(), service);
        self
    }

    /// Adds or replaces the tasks of a family outside of services.
    #[must_use]
    pub fn task(mut self, task: TaskSpec) -> Self {
        self.tasks.insert(task.family.clone(), task);
        self
    }

    /// Running and pending tasks, of services and others.
    pub(crate) fn task_counts(&self) -> (i64, i64) {
        let services = self.services.values().map(|service| (service.running, service.pending));
        let others = self.tasks.values().map(|task| (task.running, task.pending));
        services.chain(others).fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1))
    }
}

impl ServiceSpec {
    /// An active service with one desired and running task.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            desired: 1,
            running: 1,
            pending: 0,
            status: "ACTIVE".to_owned(),
            launch_type: Some("FARGATE".to_owned()),
            rollout: "COMPLETED".to_owned(),
            rollout_reason: None,
            failed_tasks: 0,
            deployed_at: None,
            events: Vec::new(),
            created_at: 1_700_000_000.0,
            tags: BTreeMap::new(),
            family: name.to_owned(),
            containers: 1,
            stopped_tasks: Vec::new(),
            members: Map::new(),
        }
    }

    /// A service whose `DescribeServices` response is exactly this JSON.
    ///
    /// # Panics
    ///
    /// If it is not an object with a `serviceName`.
    pub fn of_answer(answer: &str) -> Self {
        let members: Map<String, Value> = serde_json::from_str(answer).expect("a JSON object");
        let count = |name: &str| members.get(name).and_then(Value::as_i64).unwrap_or_default();
        let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
        assert!(!text("serviceName").is_empty(), "an answer without serviceName");
        let new = Self {
            status: text("status").to_owned(),
            desired: count("desiredCount"),
            running: count("runningCount"),
            pending: count("pendingCount"),
            ..Self::new(text("serviceName"))
        };
        Self { members, ..new }
    }

    /// Sets a member of the `DescribeServices` response, in the format of the API.
    #[must_use]
    pub fn member(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// Sets the task definition family.
    #[must_use]
    pub fn family(mut self, family: &str) -> Self {
        family.clone_into(&mut self.family);
        self
    }

    /// Sets the containers of each task.
    #[must_use]
    pub fn containers(mut self, containers: usize) -> Self {
        self.containers = containers;
        self
    }

    /// Sets the desired tasks.
    #[must_use]
    pub fn desired(mut self, tasks: i64) -> Self {
        self.desired = tasks;
        self
    }

    /// Sets the running tasks.
    #[must_use]
    pub fn running(mut self, tasks: i64) -> Self {
        self.running = tasks;
        self
    }

    /// Sets the pending tasks.
    #[must_use]
    pub fn pending(mut self, tasks: i64) -> Self {
        self.pending = tasks;
        self
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: &str) -> Self {
        status.clone_into(&mut self.status);
        self
    }

    /// Sets or removes the launch type.
    #[must_use]
    pub fn launch_type(mut self, launch_type: Option<&str>) -> Self {
        self.launch_type = launch_type.map(str::to_owned);
        self
    }

    /// Sets the roll-out state of the primary deployment: `COMPLETED`, `IN_PROGRESS` or `FAILED`.
    #[must_use]
    pub fn rollout(mut self, state: &str) -> Self {
        state.clone_into(&mut self.rollout);
        self
    }

    /// Sets the reason for the state of the primary deployment.
    #[must_use]
    pub fn rollout_reason(mut self, reason: &str) -> Self {
        self.rollout_reason = Some(reason.to_owned());
        self
    }

    /// Sets the number of failed tasks of the primary deployment.
    #[must_use]
    pub fn failed_tasks(mut self, tasks: i64) -> Self {
        self.failed_tasks = tasks;
        self
    }

    /// Sets the start of the primary deployment, in epoch seconds.
    #[must_use]
    pub fn deployed_at(mut self, seconds: f64) -> Self {
        self.deployed_at = Some(seconds);
        self
    }

    /// Adds a service event as the newest.
    #[must_use]
    pub fn event(mut self, message: &str) -> Self {
        self.events.insert(0, message.to_owned());
        self
    }

    /// Sets the creation time, in epoch seconds.
    #[must_use]
    pub fn created_at(mut self, seconds: f64) -> Self {
        self.created_at = seconds;
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }
}

impl TaskSpec {
    /// One running task of one container.
    pub fn new(family: &str) -> Self {
        Self { family: family.to_owned(), running: 1, pending: 0, containers: 1 }
    }

    /// Sets the running tasks.
    #[must_use]
    pub fn running(mut self, tasks: i64) -> Self {
        self.running = tasks;
        self
    }

    /// Sets the pending tasks.
    #[must_use]
    pub fn pending(mut self, tasks: i64) -> Self {
        self.pending = tasks;
        self
    }

    /// Sets the containers of each task.
    #[must_use]
    pub fn containers(mut self, containers: usize) -> Self {
        self.containers = containers;
        self
    }
}

//! Amazon ECS: task definitions, tasks that belong to no service, and the default log mode.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::{
    Compatibility, ContainerDefinition, DesiredStatus, FirelensConfiguration, LaunchType, SettingName, Task,
    TaskDefinition,
};
use fargaze::logs::{ContainerLogging, LogDriver, LogMode, Router, TaskLogging};
use fargaze::model::cluster::{ClusterName, ServiceName};
use fargaze::model::compute::TaskSize;
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::ecs::{AT_ONCE, Ecs};
use super::insights::TASKS_PER_CALL;
use super::sdk_error::fault;

impl Ecs {
    /// Describes revisions of task definitions (`DescribeTaskDefinition`, one at a time), as many as
    /// the rate allows before the deadline. The others are missing in the result.
    pub async fn task_definitions(
        &self,
        arns: &[String],
        deadline: Instant,
    ) -> BTreeMap<String, Result<TaskLogging, Fault>> {
        let calls = stream::iter(arns).map(|arn| async move {
            self.task_definition_read.ready().await;
            (Instant::now() < deadline).then_some(())?;
            Some((arn.clone(), self.task_definition(arn).await))
        });
        calls.buffer_unordered(AT_ONCE).filter_map(async |described| described).collect().await
    }

    async fn task_definition(&self, arn: &str) -> Result<TaskLogging, Fault> {
        const OPERATION: Operation = Operation::EcsDescribeTaskDefinition;
        let answer = self.client.describe_task_definition().task_definition(arn).send().await;
        let answer = answer.map_err(|error| fault(OPERATION, arn, &error))?;
        answer
            .task_definition()
            .map(task_logging)
            .ok_or_else(|| Fault::malformed(OPERATION, arn, "the response has no task definition".to_owned()))
    }

    /// The account setting `defaultLogDriverMode`.
    pub async fn default_log_mode(&self) -> Result<LogMode, Fault> {
        self.effective_setting(SettingName::DefaultLogDriverMode).await
    }

    /// ARNs of the task definitions of running tasks on Fargate that no service started, each once
    /// (`ListTasks`, every page; `DescribeTasks` only if the cluster has more than the
    /// `of_services` tasks of its services).
    pub async fn task_definitions_without_service(
        &self,
        cluster: &ClusterName,
        of_services: u64,
    ) -> Result<BTreeSet<String>, Fault> {
        let tasks = self.list_tasks(cluster).await?;
        let mut found = BTreeSet::new();
        if u64::try_from(tasks.len()).unwrap_or(u64::MAX) <= of_services {
            return Ok(found);
        }
        for chunk in tasks.chunks(TASKS_PER_CALL) {
            for task in self.describe_tasks(cluster, chunk).await? {
                let is_of_service = task.group().is_some_and(|group| group.starts_with("service:"));
                if !is_of_service && task.launch_type() == Some(&LaunchType::Fargate) {
                    found.extend(task.task_definition_arn().map(ToOwned::to_owned));
                }
            }
        }
        Ok(found)
    }
}

/// A task that stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedTask {
    /// Its id.
    pub id: String,
    /// ARN of its task definition.
    pub definition: String,
    /// Its containers.
    pub containers: Vec<StoppedContainer>,
}

/// A container of a task that stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedContainer {
    /// Its name.
    pub name: String,
    /// Its exit code; `None` if it never ran.
    pub exit_code: Option<i32>,
}

impl Ecs {
    /// The task of a service that stopped last (`ListTasks`, one page, and `DescribeTasks`). ECS
    /// shows stopped tasks for about an hour.
    pub async fn newest_stopped_task(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Option<StoppedTask>, Fault> {
        self.task_read.ready().await;
        let request = self.client.list_tasks().cluster(cluster.as_str()).service_name(service.as_str());
        let page = request.desired_status(DesiredStatus::Stopped).send().await;
        let subject = format!("{cluster}/{service}");
        let page = page.map_err(|error| fault(Operation::EcsListTasks, subject, &error))?;
        let tasks = page.task_arns();
        if tasks.is_empty() {
            return Ok(None);
        }
        let tasks = self.describe_tasks(cluster, tasks).await?;
        let stopped_at = |task: &&Task| task.stopped_at().map(|at| (at.secs(), at.subsec_nanos()));
        Ok(tasks.iter().max_by_key(stopped_at).and_then(stopped_task))
    }
}

fn stopped_task(task: &Task) -> Option<StoppedTask> {
    let containers = task.containers().iter().map(|container| StoppedContainer {
        name: container.name().unwrap_or_default().to_owned(),
        exit_code: container.exit_code(),
    });
    Some(StoppedTask {
        id: task.task_arn()?.rsplit('/').next()?.to_owned(),
        definition: task.task_definition_arn()?.to_owned(),
        containers: containers.collect(),
    })
}

fn task_logging(definition: &TaskDefinition) -> TaskLogging {
    let required = definition.requires_compatibilities();
    let compatible = if required.is_empty() { definition.compatibilities() } else { required };
    let memory = definition.memory().and_then(TaskSize::amount);
    let containers =
        definition.container_definitions().iter().map(|container| of_container(container, memory));
    let on_fargate = compatible.contains(&Compatibility::Fargate);
    TaskLogging { on_fargate, size: Some(size(definition)), containers: containers.collect() }
}

fn size(definition: &TaskDefinition) -> TaskSize {
    let architecture = definition.runtime_platform().and_then(|platform| platform.cpu_architecture());
    TaskSize {
        cpu_units: definition.cpu().and_then(TaskSize::amount),
        memory_mib: definition.memory().and_then(TaskSize::amount),
        architecture: architecture.map(|one| one.as_str().to_owned()),
    }
}

fn of_container(container: &ContainerDefinition, memory: Option<u32>) -> ContainerLogging {
    let driver = container.log_configuration().map(|logs| {
        let options = logs.options().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone()));
        let secrets = logs.secret_options().iter().map(|secret| secret.name().to_owned());
        LogDriver::new(logs.log_driver().as_str(), options, secrets)
    });
    ContainerLogging {
        name: container.name().unwrap_or_default().to_owned(),
        // ECS's default.
        essential: container.essential().unwrap_or(true),
        memory_mib: container.memory().and_then(|memory| u32::try_from(memory).ok()).or(memory),
        driver,
        router: container.firelens_configuration().map(router),
        waits_for: container.depends_on().iter().map(|on| on.container_name().to_owned()).collect(),
    }
}

fn router(firelens: &FirelensConfiguration) -> Router {
    let option = |key| firelens.options().and_then(|options| options.get(key)).cloned();
    Router { kind: firelens.r#type().as_str().to_owned(), config_file_type: option("config-file-type") }
}

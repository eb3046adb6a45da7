//! Amazon ECS: the stopped tasks of a service, as far as ECS still knows them.

use aws_sdk_ecs::types::{Container, DesiredStatus, Task};
use fargaze::deaths::{ContainerOfTask, Died, Incident, IncidentKind, Of};
use fargaze::model::cluster::{ClusterName, ServiceName};
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use jiff::Timestamp;

use super::ecs::Ecs;
use super::sdk_error::fault;

impl Ecs {
    /// The tasks of a service that stopped within about the last hour, at most 100 of them
    /// (`ListTasks`, one page, and `DescribeTasks`).
    pub async fn stopped_tasks(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Vec<Incident>, Fault> {
        self.task_read.ready().await;
        let request = self.client.list_tasks().cluster(cluster.as_str()).service_name(service.as_str());
        let page = request.desired_status(DesiredStatus::Stopped).send().await;
        let page =
            page.map_err(|error| fault(Operation::EcsListTasks, format!("{cluster}/{service}"), &error))?;
        if page.task_arns().is_empty() {
            return Ok(Vec::new());
        }
        let tasks = self.describe_tasks(cluster, page.task_arns()).await?;
        Ok(tasks.iter().filter_map(|task| incident(cluster, service, task)).collect())
    }
}

fn incident(cluster: &ClusterName, service: &ServiceName, task: &Task) -> Option<Incident> {
    let at = task.stopped_at().and_then(time)?;
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(ToOwned::to_owned);
    let last = |arn: &str| arn.rsplit('/').next().unwrap_or(arn).to_owned();
    let died = Died {
        task: last(task.task_arn()?),
        version: u64::try_from(task.version()).unwrap_or_default(),
        definition: last(task.task_definition_arn()?),
        code: task.stop_code().map(|code| code.as_str().to_owned()),
        reason: text(task.stopped_reason()),
        deployment: text(task.started_by()).filter(|by| by.starts_with("ecs-svc/")),
        started_at: task.started_at().and_then(time),
        stopping_at: task.stopping_at().and_then(time),
        ended_at: task.execution_stopped_at().or(task.stopped_at()).and_then(time),
        containers: task.containers().iter().map(container).collect(),
    };
    let of = Of::Service(cluster.clone(), service.clone());
    Some(Incident { of, at, kind: IncidentKind::Stopped(died) })
}

fn container(container: &Container) -> ContainerOfTask {
    let text = |text: Option<&str>| text.map(ToOwned::to_owned);
    ContainerOfTask {
        name: container.name().unwrap_or_default().to_owned(),
        exit_code: container.exit_code(),
        reason: text(container.reason()),
        image: text(container.image()),
        digest: text(container.image_digest()),
    }
}

fn time(time: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

//! Amazon ECS: services with their counts, deployments and task sets.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::operation::describe_services::DescribeServicesError;
use aws_sdk_ecs::operation::list_services::ListServicesError;
use aws_sdk_ecs::types::{Deployment, Service, ServiceEvent, StabilityStatus, TaskSet};
use aws_smithy_types::DateTime;
use fargaze::evidence::inventory::{ServiceState, ServiceTrend, UndescribedService};
use fargaze::model::cluster::{ClusterName, ServiceName};
use fargaze::model::deployment::{DeploymentFailure, DeploymentState, Revision, RolloutState};
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::ecs::{AT_ONCE, Described, Ecs, Listed, PAGE, count, missing};
use super::ecs_events::{EVENTS, FAILED, FewEvents, ROLLING_BACK};
use super::ecs_setups::setup;
use super::pages::Pages;
use super::sdk_error::fault;

/// Services in one `DescribeServices`.
const SERVICES_PER_CALL: usize = 10;

/// What ECS returned about the requested services.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DescribedServices {
    /// States of the services.
    pub found: Vec<ServiceState>,
    /// Clusters that no longer exist. Their services are in `found`, as missing.
    pub missing_clusters: Vec<ClusterName>,
    /// Services without a description.
    pub undescribed: Vec<UndescribedService>,
    /// Why there is no description, once per call.
    pub faults: Vec<Fault>,
}

impl DescribedServices {
    /// Adds the result for some services. A service that the response does not mention is
    /// undescribed.
    fn add(
        &mut self,
        cluster: &ClusterName,
        asked: &[ServiceName],
        answer: Result<Option<Described<ServiceState>>, Fault>,
    ) {
        let (found, faults) = match answer {
            Ok(Some(Described { found, faults })) => (found, faults),
            Ok(None) => {
                if !self.missing_clusters.contains(cluster) {
                    self.missing_clusters.push(cluster.clone());
                }
                let missing = |name: &ServiceName| ServiceState::missing(cluster.clone(), name.clone());
                (asked.iter().map(missing).collect(), Vec::new())
            }
            Err(fault) => (Vec::new(), vec![fault]),
        };
        let missing: Vec<&ServiceName> =
            asked.iter().filter(|name| !found.iter().any(|state| state.service == **name)).collect();
        let mut faults = faults;
        if faults.is_empty() && !missing.is_empty() {
            let why = format!("the response does not mention {} of the requested services", missing.len());
            faults.push(Fault::malformed(Operation::EcsDescribeServices, cluster.as_str(), why));
        }
        let undescribed = missing.into_iter().zip(faults.iter().cycle());
        self.undescribed.extend(undescribed.map(|(service, fault)| UndescribedService {
            cluster: cluster.clone(),
            service: service.clone(),
            fault: fault.clone(),
            is_alive: false,
        }));
        self.found.extend(found);
        self.faults.extend(faults);
    }
}

impl DescribedServices {
    /// Takes the results for other services.
    pub fn extend(&mut self, others: Self) {
        self.found.extend(others.found);
        self.undescribed.extend(others.undescribed);
        self.faults.extend(others.faults);
        let missing =
            others.missing_clusters.into_iter().filter(|name| !self.missing_clusters.contains(name));
        let missing: Vec<ClusterName> = missing.collect();
        self.missing_clusters.extend(missing);
    }
}

impl Ecs {
    /// Lists the names of all services of a cluster, sorted (`ListServices`, every page); `None` if
    /// no cluster of that name exists.
    pub async fn list_services(&self, cluster: &ClusterName) -> Result<Option<Listed<ServiceName>>, Fault> {
        const OPERATION: Operation = Operation::EcsListServices;
        let (mut services, mut token) = (Listed::default(), None);
        let mut pages = Pages::of(OPERATION, cluster.as_str());
        loop {
            self.service_read.ready().await;
            let request = self.client.list_services().cluster(cluster.as_str()).max_results(PAGE);
            let page = match request.set_next_token(token.take()).send().await {
                Ok(page) => page,
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(ListServicesError::is_cluster_not_found_exception) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(fault(OPERATION, cluster.as_str(), &error)),
            };
            for arn in page.service_arns() {
                services.add(OPERATION, arn, ServiceName::from_service_arn(arn));
            }
            token = pages.next(page.service_arns(), page.next_token())?;
            if token.is_none() {
                services.found.sort();
                return Ok(Some(services));
            }
        }
    }

    /// Lists the services of many clusters, rate-limited; one result per cluster.
    pub async fn list_services_of(
        &self,
        clusters: &[ClusterName],
    ) -> BTreeMap<ClusterName, Result<Option<Listed<ServiceName>>, Fault>> {
        let list = |cluster: ClusterName| async move {
            let services = self.list_services(&cluster).await;
            (cluster, services)
        };
        let calls: Vec<_> = clusters.iter().cloned().map(list).collect();
        stream::iter(calls).buffer_unordered(AT_ONCE).collect().await
    }

    /// Describes services (`DescribeServices`, ten at a time). A service that ECS does not know is
    /// in `found` with status `MISSING`, and so are the services of a cluster that no longer
    /// exists.
    pub async fn describe_services(
        &self,
        services: &BTreeMap<ClusterName, Vec<ServiceName>>,
    ) -> DescribedServices {
        let chunks = services.iter().flat_map(|(cluster, names)| {
            names.chunks(SERVICES_PER_CALL).map(move |chunk| async move {
                (cluster, chunk, self.describe_some_services(cluster, chunk).await)
            })
        });
        let calls: Vec<_> = chunks.collect();
        let mut all = DescribedServices::default();
        let mut answers = stream::iter(calls).buffer_unordered(AT_ONCE);
        while let Some((cluster, asked, answer)) = answers.next().await {
            all.add(cluster, asked, answer);
        }
        all
    }

    async fn describe_some_services(
        &self,
        cluster: &ClusterName,
        services: &[ServiceName],
    ) -> Result<Option<Described<ServiceState>>, Fault> {
        const OPERATION: Operation = Operation::EcsDescribeServices;
        self.service_read.ready().await;
        let names = services.iter().map(ToString::to_string).collect();
        let request = self.client.describe_services().cluster(cluster.as_str()).set_services(Some(names));
        let answer = match request.customize().interceptor(FewEvents).send().await {
            Ok(answer) => answer,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeServicesError::is_cluster_not_found_exception) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(fault(OPERATION, cluster.as_str(), &error)),
        };
        let (mut found, mut faults) = (Vec::new(), Vec::new());
        for service in answer.services() {
            match service_state(cluster, service) {
                Ok(state) => found.push(state),
                Err(why) => faults.push(Fault::malformed(OPERATION, cluster.as_str(), why)),
            }
        }
        for failure in answer.failures() {
            let name = failure.arn().map(|arn| arn.rsplit('/').next().unwrap_or(arn)).unwrap_or_default();
            match (failure.reason(), name.parse()) {
                (Some("MISSING"), Ok(service)) => found.push(ServiceState::missing(cluster.clone(), service)),
                _ => faults.extend(missing(&OPERATION, std::slice::from_ref(failure))),
            }
        }
        Ok(Some(Described { found, faults }))
    }
}

fn service_state(cluster: &ClusterName, service: &Service) -> Result<ServiceState, String> {
    let name = service.service_name().ok_or("a service without a name")?;
    Ok(ServiceState {
        cluster: cluster.clone(),
        service: name.parse().map_err(|error| format!("{error}"))?,
        status: service.status().unwrap_or_default().into(),
        desired: count("desiredCount", service.desired_count())?,
        running: count("runningCount", service.running_count())?,
        pending: count("pendingCount", service.pending_count())?,
        created_at: service.created_at().map(instant).transpose()?,
        deployment: deployment(service)?,
        events: service
            .events()
            .iter()
            .filter_map(|event| event.message())
            .take(EVENTS)
            .map(Into::into)
            .collect(),
        task_definitions: task_definitions(service),
        setup: setup(service),
        trend: ServiceTrend::default(),
    })
}

/// ARNs of the task definitions whose tasks run, or are to run, on Fargate, each once.
fn task_definitions(service: &Service) -> Vec<String> {
    if !setup(service).compute.capacity.is_fargate() {
        return Vec::new();
    }
    let is_in_use = |status: Option<&str>, running: i32| status == Some("PRIMARY") || running > 0;
    let deployments = service.deployments().iter().filter(|one| is_in_use(one.status(), one.running_count()));
    let task_sets = service.task_sets().iter().filter(|one| is_in_use(one.status(), one.running_count()));
    let found = deployments.filter_map(Deployment::task_definition);
    let found: BTreeSet<&str> = found.chain(task_sets.filter_map(TaskSet::task_definition)).collect();
    found.into_iter().map(ToOwned::to_owned).collect()
}

fn instant(time: &DateTime) -> Result<Timestamp, String> {
    Timestamp::from_second(time.secs()).map_err(|error| error.to_string())
}

/// The deployment of a service: from its `deployments` under the controller `ECS`, from its
/// `taskSets` under `CODE_DEPLOY` and `EXTERNAL`. A controller leaves the members it does not use
/// empty, so both are read.
fn deployment(service: &Service) -> Result<Option<DeploymentState>, String> {
    // An INACTIVE deployment has been replaced completely.
    let deployments = service.deployments().iter().filter(|one| one.status() != Some("INACTIVE"));
    let revisions = deployments.map(of_deployment).chain(service.task_sets().iter().map(of_task_set));
    let state = DeploymentState::of(&revisions.collect::<Result<Vec<_>, _>>()?);
    let failure = failure(service)?;
    Ok(state.map(|state| DeploymentState { failure, ..state }))
}

/// The failure or rollback of a deployment, from the newest deployment and the events, unless there
/// was a newer deployment. ECS removes a failed deployment once it has no tasks; only these
/// sentences remain, and there is no other form (Amazon ECS Developer Guide, "Amazon ECS service
/// event messages" and "Deployment circuit breaker").
fn failure(service: &Service) -> Result<Option<DeploymentFailure>, String> {
    let newest = service.deployments().iter().find(|one| one.status() == Some("PRIMARY"));
    let Some(newest) = newest else { return Ok(None) };
    let rollback_reason = newest.rollout_state_reason().filter(|reason| reason.contains(ROLLING_BACK));
    if let Some((reason, time)) = rollback_reason.zip(newest.updated_at().or(newest.created_at())) {
        return Ok(Some(DeploymentFailure { at: instant(time)?, said: reason.to_owned() }));
    }
    let is_failure = |event: &&ServiceEvent| {
        let message = event.message().unwrap_or_default();
        let is_newer = event.created_at().map(DateTime::secs) > newest.created_at().map(DateTime::secs);
        let is_rollback =
            newest.id().is_some_and(|id| message.contains(id)) && message.contains(ROLLING_BACK);
        is_rollback || is_newer && message.contains(FAILED)
    };
    let Some(event) = service.events().iter().find(is_failure) else { return Ok(None) };
    let at = event.created_at().map(instant).transpose()?;
    let said = event.message().unwrap_or_default().to_owned();
    Ok(at.map(|at| DeploymentFailure { at, said }))
}

fn of_deployment(deployment: &Deployment) -> Result<Revision, String> {
    let (running, desired) = (deployment.running_count(), deployment.desired_count());
    Ok(Revision {
        is_primary: deployment.status() == Some("PRIMARY"),
        rollout_state: deployment.rollout_state().and_then(|state| state.as_str().parse().ok()),
        is_settled: running == desired && deployment.pending_count() == 0,
        failed_tasks: count("failedTasks", deployment.failed_tasks())?,
        reason: deployment.rollout_state_reason().map(ToOwned::to_owned),
        started_at: deployment.created_at().map(instant).transpose()?,
    })
}

fn of_task_set(task_set: &TaskSet) -> Result<Revision, String> {
    let (running, desired) = (task_set.running_count(), task_set.computed_desired_count());
    Ok(Revision {
        is_primary: task_set.status() == Some("PRIMARY"),
        rollout_state: match task_set.stability_status() {
            Some(StabilityStatus::Stabilizing) => Some(RolloutState::InProgress),
            Some(StabilityStatus::SteadyState) => Some(RolloutState::Completed),
            _ => None,
        },
        is_settled: running == desired && task_set.pending_count() == 0,
        failed_tasks: 0,
        reason: None,
        started_at: task_set.created_at().map(instant).transpose()?,
    })
}

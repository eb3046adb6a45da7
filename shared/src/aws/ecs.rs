//! Amazon ECS: clusters with their settings, services with their counts.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{
    Cluster, ClusterField, ClusterSetting, ClusterSettingName, Deployment, Failure, Service, Tag,
};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::pace::Pace;
use super::pages::Pages;
use super::sdk_error::fault;
use crate::cluster::{ClusterArn, ClusterName, ServiceName};
use crate::fault::{Fault, FaultKind};
use crate::insights::{InsightsLevel, ObservedCluster};
use crate::inventory::{DeploymentState, ServiceState, UndescribedService};

/// Clusters in one `DescribeClusters`.
const CLUSTERS_PER_CALL: usize = 100;
/// Services in one `DescribeServices`.
const SERVICES_PER_CALL: usize = 10;
/// Results on one page of a listing; the default of `ListServices` is 10.
pub(super) const PAGE: i32 = 100;
/// Newest events of a service that are kept, of the up to 100 that ECS tells.
const EVENTS: usize = 3;
/// Calls in flight at once; the rate is kept by [`Pace`].
const AT_ONCE: usize = 16;

/// ECS in one account and Region. Paced by the published buckets (Amazon ECS API Reference, "Request throttling for the
/// Amazon ECS API").
#[derive(Debug)]
pub struct Ecs {
    pub(super) client: Client,
    cluster_read: Pace,
    service_read: Pace,
    pub(super) cluster_modify: Pace,
    pub(super) task_read: Pace,
    pub(super) account_setting_read: Pace,
    pub(super) account_setting_modify: Pace,
}

/// What could be described, and what could not.
#[derive(Debug, Clone, PartialEq)]
pub struct Described<T> {
    /// What could.
    pub found: Vec<T>,
    /// What could not, and why.
    pub faults: Vec<Fault>,
}

impl<T> Described<T> {
    fn gather(parts: Vec<Result<Self, Fault>>) -> Self {
        let mut all = Self { found: Vec::new(), faults: Vec::new() };
        for part in parts {
            match part {
                Ok(part) => {
                    all.found.extend(part.found);
                    all.faults.extend(part.faults);
                }
                Err(fault) => all.faults.push(fault),
            }
        }
        all
    }
}

/// What is known of services that were asked about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DescribedServices {
    /// Where they stand.
    pub found: Vec<ServiceState>,
    /// Those of which nothing is known.
    pub undescribed: Vec<UndescribedService>,
    /// Why, once for each call.
    pub faults: Vec<Fault>,
}

impl DescribedServices {
    /// Takes in the answer about some services. One that the answer does not mention is not known either.
    fn add(
        &mut self,
        cluster: &ClusterName,
        asked: &[ServiceName],
        answer: Result<Described<ServiceState>, Fault>,
    ) {
        let (found, faults) = match answer {
            Ok(Described { found, faults }) => (found, faults),
            Err(fault) => (Vec::new(), vec![fault]),
        };
        let missing: Vec<&ServiceName> =
            asked.iter().filter(|name| !found.iter().any(|state| state.service == **name)).collect();
        let mut faults = faults;
        if faults.is_empty() && !missing.is_empty() {
            let why = format!("the answer does not mention {} of the services asked for", missing.len());
            faults.push(Fault::malformed("ecs:DescribeServices", cluster.as_str(), why));
        }
        let undescribed = missing.into_iter().zip(faults.iter().cycle());
        self.undescribed.extend(undescribed.map(|(service, fault)| UndescribedService {
            cluster: cluster.clone(),
            service: service.clone(),
            fault: fault.clone(),
        }));
        self.found.extend(found);
        self.faults.extend(faults);
    }
}

impl Ecs {
    /// ECS with the credentials and Region of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
            cluster_read: Pace::new(50, 20),
            service_read: Pace::new(100, 20),
            // At one change a second every share that is left over makes a sweep longer by as much.
            cluster_modify: Pace::sharing(20, 1, 0.97),
            task_read: Pace::new(100, 20),
            account_setting_read: Pace::new(50, 20),
            account_setting_modify: Pace::new(10, 1),
        }
    }

    /// The same for a sweep that goes on: its earlier calls have used up the bucket of changes.
    pub fn going_on(config: &SdkConfig) -> Self {
        let new = Self::new(config);
        Self { cluster_modify: new.cluster_modify.spent(), ..new }
    }

    /// All clusters (`ListClusters`, every page).
    pub async fn list_clusters(&self) -> Result<Vec<ClusterArn>, Fault> {
        const OPERATION: &str = "ecs:ListClusters";
        let (mut clusters, mut token) = (Vec::new(), None);
        let mut pages = Pages::of(OPERATION, "");
        loop {
            self.cluster_read.ready().await;
            let request = self.client.list_clusters().max_results(PAGE).set_next_token(token.take());
            let page = request.send().await.map_err(|error| fault(OPERATION, "", &error))?;
            for arn in page.cluster_arns() {
                clusters
                    .push(arn.parse().map_err(|error| Fault::malformed(OPERATION, arn, format!("{error}")))?);
            }
            token = pages.next(page.cluster_arns(), page.next_token())?;
            if token.is_none() {
                return Ok(clusters);
            }
        }
    }

    /// Clusters with settings and tags (`DescribeClusters`). Without `include` ECS answers with empty settings, which
    /// look like "off".
    pub async fn describe_clusters(&self, clusters: &[ClusterName]) -> Described<ObservedCluster> {
        let calls: Vec<_> =
            clusters.chunks(CLUSTERS_PER_CALL).map(|chunk| self.describe_some_clusters(chunk)).collect();
        Described::gather(stream::iter(calls).buffer_unordered(AT_ONCE).collect().await)
    }

    async fn describe_some_clusters(
        &self,
        clusters: &[ClusterName],
    ) -> Result<Described<ObservedCluster>, Fault> {
        const OPERATION: &str = "ecs:DescribeClusters";
        self.cluster_read.ready().await;
        let answer = self
            .client
            .describe_clusters()
            .set_clusters(Some(clusters.iter().map(ToString::to_string).collect()))
            .include(ClusterField::Settings)
            .include(ClusterField::Tags)
            .include(ClusterField::Statistics)
            .send()
            .await
            .map_err(|error| fault(OPERATION, some(clusters), &error))?;
        let mut faults = missing(OPERATION, answer.failures());
        let mut found = Vec::new();
        for cluster in answer.clusters() {
            match observed(cluster) {
                Ok(cluster) => found.push(cluster),
                Err(why) => {
                    faults.push(Fault::malformed(OPERATION, cluster.cluster_name().unwrap_or("?"), why));
                }
            }
        }
        Ok(Described { found, faults })
    }

    /// Names of all services of a cluster, sorted (`ListServices`, every page).
    pub async fn list_services(&self, cluster: &ClusterName) -> Result<Vec<ServiceName>, Fault> {
        const OPERATION: &str = "ecs:ListServices";
        let (mut services, mut token) = (Vec::new(), None);
        let mut pages = Pages::of(OPERATION, cluster.as_str());
        loop {
            self.service_read.ready().await;
            let request = self.client.list_services().cluster(cluster.as_str()).max_results(PAGE);
            let page = request.set_next_token(token.take()).send().await;
            let page = page.map_err(|error| fault(OPERATION, cluster.as_str(), &error))?;
            for arn in page.service_arns() {
                let name = ServiceName::from_service_arn(arn);
                services.push(
                    name.map_err(|error| Fault::malformed(OPERATION, cluster.as_str(), error.to_string()))?,
                );
            }
            token = pages.next(page.service_arns(), page.next_token())?;
            if token.is_none() {
                services.sort();
                return Ok(services);
            }
        }
    }

    /// Services of many clusters at once, paced; one answer per cluster.
    pub async fn list_services_of(
        &self,
        clusters: &[ClusterName],
    ) -> BTreeMap<ClusterName, Result<Vec<ServiceName>, Fault>> {
        let list = |cluster: ClusterName| async move {
            let services = self.list_services(&cluster).await;
            (cluster, services)
        };
        let calls: Vec<_> = clusters.iter().cloned().map(list).collect();
        stream::iter(calls).buffer_unordered(AT_ONCE).collect().await
    }

    /// Counts of some services (`DescribeServices`, ten at a time). A service that ECS does not know is found, too, with
    /// status `MISSING`.
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
    ) -> Result<Described<ServiceState>, Fault> {
        const OPERATION: &str = "ecs:DescribeServices";
        self.service_read.ready().await;
        let names = services.iter().map(ToString::to_string).collect();
        let request = self.client.describe_services().cluster(cluster.as_str()).set_services(Some(names));
        let answer = request.send().await.map_err(|error| fault(OPERATION, cluster.as_str(), &error))?;
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
                (Some("MISSING"), Ok(service)) => found.push(ServiceState {
                    cluster: cluster.clone(),
                    service,
                    status: "MISSING".to_owned(),
                    desired: 0,
                    running: 0,
                    pending: 0,
                    created_at: None,
                    deployment: None,
                    events: Vec::new(),
                }),
                _ => faults.extend(missing(OPERATION, std::slice::from_ref(failure))),
            }
        }
        Ok(Described { found, faults })
    }
}

/// Some names in words, for a fault about many.
fn some(names: &[ClusterName]) -> String {
    match names {
        [] => String::new(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

fn missing(operation: &str, failures: &[Failure]) -> Vec<Fault> {
    let fault = |failure: &Failure| Fault {
        operation: operation.to_owned(),
        subject: failure.arn().unwrap_or_default().to_owned(),
        kind: FaultKind::NotFound,
        code: failure.reason().unwrap_or("no reason given").to_owned(),
        message: failure.detail().unwrap_or_default().to_owned(),
    };
    failures.iter().map(fault).collect()
}

fn observed(cluster: &Cluster) -> Result<ObservedCluster, String> {
    let name = cluster.cluster_name().ok_or("a cluster without a name")?;
    let setting =
        cluster.settings().iter().find(|s| s.name() == Some(&ClusterSettingName::ContainerInsights));
    let level = match setting.and_then(ClusterSetting::value) {
        Some(value) => value.parse().map_err(|error| format!("{error}"))?,
        None => InsightsLevel::Disabled,
    };
    Ok(ObservedCluster {
        name: name.parse().map_err(|error| format!("{error}"))?,
        status: cluster.status().unwrap_or_default().to_owned(),
        level,
        tags: tags(cluster.tags()),
        running_tasks: count("runningTasksCount", cluster.running_tasks_count())?,
        active_services: count("activeServicesCount", cluster.active_services_count())?,
    })
}

fn count(name: &str, value: i32) -> Result<u32, String> {
    u32::try_from(value).map_err(|_| format!("{name} is {value}"))
}

fn tags(tags: &[Tag]) -> BTreeMap<String, String> {
    let pair =
        |tag: &Tag| (tag.key().unwrap_or_default().to_owned(), tag.value().unwrap_or_default().to_owned());
    tags.iter().map(pair).collect()
}

fn service_state(cluster: &ClusterName, service: &Service) -> Result<ServiceState, String> {
    let name = service.service_name().ok_or("a service without a name")?;
    let created_at = match service.created_at() {
        Some(time) => Some(Timestamp::from_second(time.secs()).map_err(|error| error.to_string())?),
        None => None,
    };
    Ok(ServiceState {
        cluster: cluster.clone(),
        service: name.parse().map_err(|error| format!("{error}"))?,
        status: service.status().unwrap_or_default().to_owned(),
        desired: count("desiredCount", service.desired_count())?,
        running: count("runningCount", service.running_count())?,
        pending: count("pendingCount", service.pending_count())?,
        created_at,
        deployment: service
            .deployments()
            .iter()
            .find(|d| d.status() == Some("PRIMARY"))
            .map(deployment)
            .transpose()?,
        events: service
            .events()
            .iter()
            .filter_map(|event| event.message())
            .take(EVENTS)
            .map(Into::into)
            .collect(),
    })
}

fn deployment(deployment: &Deployment) -> Result<DeploymentState, String> {
    let started_at = deployment.created_at().and_then(|time| Timestamp::from_second(time.secs()).ok());
    Ok(DeploymentState {
        rollout_state: deployment.rollout_state().map(|state| state.as_str().to_owned()),
        failed_tasks: count("failedTasks", deployment.failed_tasks())?,
        reason: deployment.rollout_state_reason().map(ToOwned::to_owned),
        started_at,
    })
}

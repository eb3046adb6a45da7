//! Amazon ECS: clusters with their settings.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{Cluster, ClusterField, ClusterSetting, ClusterSettingName, Failure, Tag};
use fargaze::model::cluster::{BadName, ClusterArn, ClusterName};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::insights::{InsightsLevel, ObservedCluster};
use fargaze::model::operation::Operation;
use futures_util::{StreamExt, stream};

use super::pages::Pages;
use super::rate_limiter::RateLimiter;
use super::sdk_error::fault;

/// Clusters in one `DescribeClusters`.
const CLUSTERS_PER_CALL: usize = 100;
/// Results on one page of a listing; the default of `ListServices` is 10.
pub(super) const PAGE: i32 = 100;
/// Calls in flight at once; [`RateLimiter`] limits the rate.
pub(super) const AT_ONCE: usize = 16;

/// ECS in one account and Region, limited to the published buckets (Amazon ECS API Reference,
/// "Request throttling for the Amazon ECS API").
#[derive(Debug)]
pub struct Ecs {
    pub(super) client: Client,
    cluster_read: RateLimiter,
    pub(super) service_read: RateLimiter,
    pub(super) cluster_modify: RateLimiter,
    pub(super) task_read: RateLimiter,
    pub(super) task_definition_read: RateLimiter,
    pub(super) account_setting_read: RateLimiter,
    pub(super) account_setting_modify: RateLimiter,
}

/// Names from a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// Names that could be read.
    pub found: Vec<T>,
    /// One fault per unreadable name, which affects only the item with that name.
    pub faults: Vec<Fault>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { found: Vec::new(), faults: Vec::new() }
    }
}

impl<T> Listed<T> {
    /// Adds an entry with the result of parsing it.
    pub(super) fn add(&mut self, operation: Operation, entry: &str, read: Result<T, BadName>) {
        match read {
            Ok(name) => self.found.push(name),
            Err(error) => self.faults.push(Fault::unreadable(operation, entry, error.to_string())),
        }
    }
}

/// Items that could be described, and faults for the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Described<T> {
    /// Descriptions.
    pub found: Vec<T>,
    /// Why the others could not be described.
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

impl Ecs {
    /// Creates the client with the credentials and Region of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
            cluster_read: RateLimiter::new(50, 20),
            service_read: RateLimiter::new(100, 20),
            // At one change a second, any unused share makes a sweep longer by as much.
            cluster_modify: RateLimiter::sharing(20, 1, 0.97),
            task_read: RateLimiter::new(100, 20),
            // Few others read task definitions, and each is read once.
            task_definition_read: RateLimiter::sharing(50, 20, 0.97),
            account_setting_read: RateLimiter::new(50, 20),
            account_setting_modify: RateLimiter::new(10, 1),
        }
    }

    /// The client for a later pass of a sweep, whose earlier calls have used up the burst for
    /// changes.
    pub fn continuing(config: &SdkConfig) -> Self {
        let new = Self::new(config);
        Self { cluster_modify: new.cluster_modify.spent(), ..new }
    }

    /// Lists the names of all clusters (`ListClusters`, every page).
    pub async fn list_clusters(&self) -> Result<Listed<ClusterName>, Fault> {
        const OPERATION: Operation = Operation::EcsListClusters;
        let (mut clusters, mut token) = (Listed::default(), None);
        let mut pages = Pages::of(OPERATION, "");
        loop {
            self.cluster_read.ready().await;
            let request = self.client.list_clusters().max_results(PAGE).set_next_token(token.take());
            let page = request.send().await.map_err(|error| fault(OPERATION, "", &error))?;
            for arn in page.cluster_arns() {
                clusters.add(OPERATION, arn, arn.parse().map(|arn: ClusterArn| arn.name));
            }
            token = pages.next(page.cluster_arns(), page.next_token())?;
            if token.is_none() {
                return Ok(clusters);
            }
        }
    }

    /// Describes clusters with settings and tags (`DescribeClusters`). Without `include`, ECS
    /// returns empty settings, which look like "off".
    pub async fn describe_clusters(&self, clusters: &[ClusterName]) -> Described<ObservedCluster> {
        let calls: Vec<_> =
            clusters.chunks(CLUSTERS_PER_CALL).map(|chunk| self.describe_some_clusters(chunk)).collect();
        Described::gather(stream::iter(calls).buffer_unordered(AT_ONCE).collect().await)
    }

    async fn describe_some_clusters(
        &self,
        clusters: &[ClusterName],
    ) -> Result<Described<ObservedCluster>, Fault> {
        const OPERATION: Operation = Operation::EcsDescribeClusters;
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
        let mut faults = missing(&OPERATION, answer.failures());
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
}

/// A short text for several names, for a fault about all of them.
fn some(names: &[ClusterName]) -> String {
    match names {
        [] => String::new(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

pub(super) fn missing(operation: &Operation, failures: &[Failure]) -> Vec<Fault> {
    // Any reason other than MISSING, such as a denial, does not mean that the resource was deleted.
    let kind = |failure: &Failure| match failure.reason() {
        Some("MISSING") => FaultKind::NotFound,
        _ => FaultKind::Invalid,
    };
    let fault = |failure: &Failure| Fault {
        operation: operation.clone(),
        subject: failure.arn().unwrap_or_default().to_owned(),
        kind: kind(failure),
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

pub(super) fn count(name: &str, value: i32) -> Result<u32, String> {
    u32::try_from(value).map_err(|_| format!("{name} is {value}"))
}

fn tags(tags: &[Tag]) -> BTreeMap<String, String> {
    let pair =
        |tag: &Tag| (tag.key().unwrap_or_default().to_owned(), tag.value().unwrap_or_default().to_owned());
    tags.iter().map(pair).collect()
}

//! Amazon EKS: clusters, their Fargate profiles, node groups, add-ons and access entries.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_eks::Client;
use aws_sdk_eks::operation::describe_cluster::DescribeClusterError;
use aws_sdk_eks::types;
use fargaze::evidence::eks::{Addon, AuthenticationMode, EksCluster, FargateProfile, FargateSelector};
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::ecs::Listed;
use super::pages::Pages;
use super::rate_limiter::RateLimiter;
use super::sdk_error::fault;

/// Maximum results per page of a listing (Amazon EKS API Reference, `ListClusters`).
const PAGE: i32 = 100;
/// Calls in flight at once; [`RateLimiter`] limits the rate.
const AT_ONCE: usize = 8;

/// EKS in one account and Region. AWS publishes no rates for EKS, so the limit is conservative: ten
/// calls at once, then five a second.
#[derive(Debug)]
pub struct Eks {
    pub(super) client: Client,
    pub(super) rate_limiter: RateLimiter,
}

/// Fargate profiles, node groups and add-ons of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Equipment {
    /// Its Fargate profiles.
    pub profiles: Vec<FargateProfile>,
    /// Names of its managed node groups.
    pub node_groups: Vec<String>,
    /// Its add-ons.
    pub addons: Vec<Addon>,
}

impl Eks {
    /// Creates the client with the credentials and Region of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config), rate_limiter: RateLimiter::sharing(10, 5, 1.0) }
    }

    /// Lists the names of all clusters (`ListClusters`, every page). Connected clusters, which run
    /// elsewhere, are not included.
    pub async fn list_clusters(&self) -> Result<Listed<ClusterName>, Fault> {
        const OPERATION: Operation = Operation::EksListClusters;
        let (mut clusters, mut token) = (Listed::default(), None);
        let mut pages = Pages::of(OPERATION, "");
        loop {
            self.rate_limiter.ready().await;
            let request = self.client.list_clusters().max_results(PAGE).set_next_token(token.take());
            let page = request.send().await.map_err(|error| fault(OPERATION, "", &error))?;
            for name in page.clusters() {
                clusters.add(OPERATION, name, name.parse());
            }
            token = pages.next(page.clusters(), page.next_token())?;
            if token.is_none() {
                return Ok(clusters);
            }
        }
    }

    /// Describes a cluster (`DescribeCluster`); `None` if it does not exist.
    pub async fn describe_cluster(&self, name: &ClusterName) -> Result<Option<EksCluster>, Fault> {
        const OPERATION: Operation = Operation::EksDescribeCluster;
        self.rate_limiter.ready().await;
        let answer = match self.client.describe_cluster().name(name.as_str()).send().await {
            Ok(answer) => answer,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeClusterError::is_resource_not_found_exception) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(fault(OPERATION, name.as_str(), &error)),
        };
        let nothing = || Fault::malformed(OPERATION, name.as_str(), "the response has no cluster");
        let cluster = read_cluster(name, answer.cluster.ok_or_else(nothing)?);
        cluster.map(Some).map_err(|why| Fault::malformed(OPERATION, name.as_str(), why))
    }

    /// Describes many clusters, rate-limited: each with its description, or why there is none.
    /// Clusters deleted in the meantime are left out.
    pub async fn describe_clusters(
        &self,
        names: &[ClusterName],
    ) -> BTreeMap<ClusterName, Result<EksCluster, Fault>> {
        let describe = |name: ClusterName| async move {
            let cluster = self.describe_cluster(&name).await.transpose()?;
            Some((name, cluster))
        };
        let calls: Vec<_> = names.iter().cloned().map(describe).collect();
        stream::iter(calls).buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await
    }

    /// Lists Fargate profiles, node groups and add-ons of a cluster.
    pub async fn equipment(&self, cluster: &ClusterName) -> Result<Equipment, Fault> {
        Ok(Equipment {
            profiles: self.fargate_profiles(cluster).await?,
            node_groups: self.node_groups(cluster).await?,
            addons: self.addons(cluster).await?,
        })
    }

    /// The Kubernetes groups that a role's access entry puts it into; `None` without an entry
    /// (`DescribeAccessEntry`).
    pub async fn access_entry(
        &self,
        cluster: &ClusterName,
        role: &str,
    ) -> Result<Option<Vec<String>>, Fault> {
        self.rate_limiter.ready().await;
        let request = self.client.describe_access_entry().cluster_name(cluster.as_str()).principal_arn(role);
        match request.send().await {
            Ok(answer) => {
                Ok(Some(answer.access_entry.and_then(|entry| entry.kubernetes_groups).unwrap_or_default()))
            }
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_eks::operation::describe_access_entry::DescribeAccessEntryError::is_resource_not_found_exception,
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(fault(Operation::EksDescribeAccessEntry, format!("{cluster}/{role}"), &error)),
        }
    }

    /// Lists and describes the Fargate profiles of a cluster (`ListFargateProfiles`, every page,
    /// and `DescribeFargateProfile`).
    pub async fn fargate_profiles(&self, cluster: &ClusterName) -> Result<Vec<FargateProfile>, Fault> {
        const OPERATION: Operation = Operation::EksListFargateProfiles;
        let (mut names, mut token) = (Vec::new(), None);
        let mut pages = Pages::of(OPERATION, cluster.as_str());
        loop {
            self.rate_limiter.ready().await;
            let request =
                self.client.list_fargate_profiles().cluster_name(cluster.as_str()).max_results(PAGE);
            let page = request.set_next_token(token.take()).send().await;
            let page = page.map_err(|error| fault(OPERATION, cluster.as_str(), &error))?;
            token = pages.next(page.fargate_profile_names(), page.next_token())?;
            names.extend(page.fargate_profile_names.unwrap_or_default());
            if token.is_none() {
                break;
            }
        }
        let mut profiles = Vec::with_capacity(names.len());
        for name in names {
            self.rate_limiter.ready().await;
            let request = self.client.describe_fargate_profile().cluster_name(cluster.as_str());
            let answer = request.fargate_profile_name(&name).send().await;
            let answer = answer.map_err(|error| {
                fault(Operation::EksDescribeFargateProfile, format!("{cluster}/{name}"), &error)
            })?;
            let nothing = || {
                Fault::malformed(
                    Operation::EksDescribeFargateProfile,
                    cluster.as_str(),
                    format!("the response has no profile {name}"),
                )
            };
            let profile = answer.fargate_profile.ok_or_else(nothing)?;
            profiles.push(read_profile(name, profile));
        }
        Ok(profiles)
    }

    /// Lists the names of the managed node groups of a cluster (`ListNodegroups`, every page).
    pub async fn node_groups(&self, cluster: &ClusterName) -> Result<Vec<String>, Fault> {
        const OPERATION: Operation = Operation::EksListNodegroups;
        let (mut names, mut token) = (Vec::new(), None);
        let mut pages = Pages::of(OPERATION, cluster.as_str());
        loop {
            self.rate_limiter.ready().await;
            let request = self.client.list_nodegroups().cluster_name(cluster.as_str()).max_results(PAGE);
            let page = request.set_next_token(token.take()).send().await;
            let page = page.map_err(|error| fault(OPERATION, cluster.as_str(), &error))?;
            token = pages.next(page.nodegroups(), page.next_token())?;
            names.extend(page.nodegroups.unwrap_or_default());
            if token.is_none() {
                return Ok(names);
            }
        }
    }

    /// Lists and describes the add-ons of a cluster (`ListAddons`, every page, and
    /// `DescribeAddon`).
    pub async fn addons(&self, cluster: &ClusterName) -> Result<Vec<Addon>, Fault> {
        const OPERATION: Operation = Operation::EksListAddons;
        let (mut names, mut token) = (Vec::new(), None);
        let mut pages = Pages::of(OPERATION, cluster.as_str());
        loop {
            self.rate_limiter.ready().await;
            let request = self.client.list_addons().cluster_name(cluster.as_str()).max_results(PAGE);
            let page = request.set_next_token(token.take()).send().await;
            let page = page.map_err(|error| fault(OPERATION, cluster.as_str(), &error))?;
            token = pages.next(page.addons(), page.next_token())?;
            names.extend(page.addons.unwrap_or_default());
            if token.is_none() {
                break;
            }
        }
        let mut addons = Vec::with_capacity(names.len());
        for name in names {
            addons.extend(self.describe_addon(cluster, &name).await?);
        }
        Ok(addons)
    }

    /// Describes an add-on of a cluster (`DescribeAddon`); `None` if the cluster does not have it.
    pub async fn describe_addon(&self, cluster: &ClusterName, name: &str) -> Result<Option<Addon>, Fault> {
        self.rate_limiter.ready().await;
        let request = self.client.describe_addon().cluster_name(cluster.as_str()).addon_name(name);
        match request.send().await {
            // Treated as absent, the add-on would be installed a second time.
            Ok(answer) => answer.addon.map(|addon| Some(read_addon(name, &addon))).ok_or_else(|| {
                Fault::malformed(Operation::EksDescribeAddon, cluster.as_str(), format!("the response has no add-on {name}"))
            }),
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_eks::operation::describe_addon::DescribeAddonError::is_resource_not_found_exception,
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(fault(Operation::EksDescribeAddon, format!("{cluster}/{name}"), &error)),
        }
    }
}

fn read_cluster(name: &ClusterName, cluster: types::Cluster) -> Result<EksCluster, String> {
    let status = cluster.status.ok_or("the cluster has no status")?;
    let logs = cluster.logging.and_then(|logging| logging.cluster_logging).unwrap_or_default();
    let on = logs.into_iter().filter(|setup| setup.enabled == Some(true));
    // Skips log types that EKS adds later: policies cannot name them yet.
    let logs = on.flat_map(|setup| setup.types.unwrap_or_default());
    let logs = logs.filter_map(|log| log.as_str().parse().ok()).collect();
    let network = cluster.resources_vpc_config;
    let authentication = cluster.access_config.and_then(|access| access.authentication_mode);
    Ok(EksCluster {
        name: name.clone(),
        status: status.as_str().to_owned(),
        version: cluster.version,
        endpoint: cluster.endpoint,
        certificate_authority: cluster.certificate_authority.and_then(|authority| authority.data),
        public_endpoint: network.as_ref().is_none_or(|network| network.endpoint_public_access),
        public_access_cidrs: network.and_then(|network| network.public_access_cidrs).unwrap_or_default(),
        logs,
        authentication: authentication.as_ref().and_then(mode),
        auto_mode: cluster.compute_config.and_then(|compute| compute.enabled).unwrap_or_default(),
        created_at: cluster
            .created_at
            .map(|at| Timestamp::from_second(at.secs()))
            .transpose()
            .map_err(|e| e.to_string())?,
        tags: cluster.tags.unwrap_or_default().into_iter().collect(),
    })
}

fn mode(mode: &types::AuthenticationMode) -> Option<AuthenticationMode> {
    match mode.as_str() {
        "API" => Some(AuthenticationMode::Api),
        "API_AND_CONFIG_MAP" => Some(AuthenticationMode::ApiAndConfigMap),
        "CONFIG_MAP" => Some(AuthenticationMode::ConfigMap),
        _ => None,
    }
}

fn read_profile(name: String, profile: types::FargateProfile) -> FargateProfile {
    let selectors = profile.selectors.unwrap_or_default().into_iter().map(|selector| FargateSelector {
        namespace: selector.namespace.unwrap_or_default(),
        labels: selector.labels.unwrap_or_default().into_iter().collect(),
    });
    FargateProfile {
        name,
        status: profile.status.as_ref().map_or("", types::FargateProfileStatus::as_str).into(),
        selectors: selectors.collect(),
        pod_execution_role: profile.pod_execution_role_arn,
    }
}

fn read_addon(name: &str, addon: &types::Addon) -> Addon {
    let issues = addon.health().map(types::AddonHealth::issues).unwrap_or_default().iter();
    let words = |issue: &types::AddonIssue| {
        let code = issue.code().map_or("", types::AddonIssueCode::as_str);
        format!("{code}: {}", issue.message().unwrap_or_default())
    };
    Addon {
        name: name.to_owned(),
        status: addon.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
        version: addon.addon_version().map(ToOwned::to_owned),
        issues: issues.map(words).collect(),
        configuration: addon.configuration_values().map(ToOwned::to_owned),
    }
}

//! Amazon EKS: changes of a cluster, and their progress.

use std::collections::BTreeSet;

use aws_sdk_eks::operation::RequestId;
use aws_sdk_eks::operation::delete_addon::DeleteAddonError;
use aws_sdk_eks::types::{self, LogSetup, Logging, ResolveConflicts};
use fargaze::evidence::eks::LogType;
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use fargaze::reconcile::UpdateStatus;

use super::eks::Eks;
use super::sdk_error::fault;

/// EKS's response to a change that it has accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Request id, as in CloudTrail.
    pub request_id: Option<String>,
    /// Id of the update to follow, if any.
    pub update_id: Option<String>,
    /// Version of a new add-on, chosen by EKS.
    pub addon_version: Option<String>,
}

impl Eks {
    /// Turns control-plane logs on and off (`UpdateClusterConfig` with nothing but logging: EKS
    /// accepts one kind of change per call). Repeating the call with the same token makes no second
    /// update.
    pub async fn update_logs(
        &self,
        cluster: &ClusterName,
        on: &BTreeSet<LogType>,
        off: &BTreeSet<LogType>,
        token: Option<String>,
    ) -> Result<Accepted, Fault> {
        self.rate_limiter.ready().await;
        let setups = [(on, true), (off, false)].into_iter().filter(|(types, _)| !types.is_empty());
        let setups = setups.map(|(types, enabled)| {
            let types = types.iter().map(|log| types::LogType::from(log.as_str())).collect();
            LogSetup::builder().set_types(Some(types)).enabled(enabled).build()
        });
        let logging = Logging::builder().set_cluster_logging(Some(setups.collect())).build();
        let request = self.client.update_cluster_config().name(cluster.as_str()).logging(logging);
        let answer = request.set_client_request_token(token).send().await;
        let answer =
            answer.map_err(|error| fault(Operation::EksUpdateClusterConfig, cluster.as_str(), &error))?;
        let request_id = answer.request_id().map(ToOwned::to_owned);
        let update_id = answer.update.and_then(|update| update.id);
        Ok(Accepted { request_id, update_id, addon_version: None })
    }

    /// Returns the status of an update (`DescribeUpdate`).
    pub async fn describe_update(&self, cluster: &ClusterName, id: &str) -> Result<UpdateStatus, Fault> {
        const OPERATION: Operation = Operation::EksDescribeUpdate;
        let subject = || format!("{cluster}/{id}");
        self.rate_limiter.ready().await;
        let answer = self.client.describe_update().name(cluster.as_str()).update_id(id).send().await;
        let answer = answer.map_err(|error| fault(OPERATION, subject(), &error))?;
        let nothing = || Fault::malformed(OPERATION, subject(), "the response has no status");
        let update = answer.update.ok_or_else(nothing)?;
        let status = update.status.as_ref().ok_or_else(nothing)?.as_str();
        let words = |error: &types::ErrorDetail| {
            let code = error.error_code().map_or("", types::ErrorCode::as_str);
            format!("{code}: {}", error.error_message().unwrap_or_default())
        };
        Ok(match status {
            "InProgress" => UpdateStatus::InProgress,
            "Successful" => UpdateStatus::Successful,
            _ if update.errors().is_empty() => UpdateStatus::Failed(status.to_owned()),
            _ => UpdateStatus::Failed(update.errors().iter().map(words).collect::<Vec<_>>().join("; ")),
        })
    }

    /// Installs an add-on in EKS's default version and configuration (`CreateAddon`). It never
    /// overwrites what the cluster already has. Repeating the call with the same token makes no
    /// second add-on.
    pub async fn create_addon(
        &self,
        cluster: &ClusterName,
        addon: &str,
        token: String,
    ) -> Result<Accepted, Fault> {
        self.rate_limiter.ready().await;
        let request = self.client.create_addon().cluster_name(cluster.as_str()).addon_name(addon);
        let request = request.resolve_conflicts(ResolveConflicts::None).client_request_token(token);
        let answer = request.send().await;
        let answer =
            answer.map_err(|error| fault(Operation::EksCreateAddon, format!("{cluster}/{addon}"), &error))?;
        let request_id = answer.request_id().map(ToOwned::to_owned);
        let addon_version = answer.addon.and_then(|addon| addon.addon_version);
        Ok(Accepted { request_id, update_id: None, addon_version })
    }

    /// Removes an add-on and what it runs in the cluster (`DeleteAddon`). Succeeds if the add-on
    /// does not exist.
    pub async fn delete_addon(&self, cluster: &ClusterName, addon: &str) -> Result<(), Fault> {
        self.rate_limiter.ready().await;
        let request = self.client.delete_addon().cluster_name(cluster.as_str()).addon_name(addon);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DeleteAddonError::is_resource_not_found_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(fault(Operation::EksDeleteAddon, format!("{cluster}/{addon}"), &error)),
        }
    }
}

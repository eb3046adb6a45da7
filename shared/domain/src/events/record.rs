//! The record of CloudTrail, as far as it is read. A member that is null is absent, wherever it stands.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::BadField;
use crate::model::cluster::{AccountId, Region};

/// The envelope that EventBridge puts around a record.
#[derive(Deserialize)]
pub(super) struct Envelope {
    pub(super) id: String,
    pub(super) source: String,
    #[serde(rename = "detail-type")]
    pub(super) detail_type: String,
    pub(super) account: AccountId,
    pub(super) region: Region,
    /// When it came to EventBridge: seconds or minutes after the call.
    pub(super) time: Option<Timestamp>,
    #[serde(default)]
    pub(super) detail: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CloudTrailRecord {
    pub(super) event_time: Option<Timestamp>,
    #[serde(rename = "eventID")]
    pub(super) event_id: Option<String>,
    pub(super) aws_region: Option<Region>,
    pub(super) recipient_account_id: Option<AccountId>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) user_identity: UserIdentity,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) request_parameters: RequestParameters,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) response_elements: ResponseElements,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserIdentity {
    #[serde(rename = "type")]
    kind: Option<String>,
    arn: Option<String>,
    user_name: Option<String>,
    invoked_by: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    session_context: SessionContext,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct SessionContext {
    #[serde(default, deserialize_with = "or_default")]
    session_issuer: SessionIssuer,
}

#[derive(Deserialize, Default)]
struct SessionIssuer {
    arn: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestParameters {
    /// EKS's word for the name of a new cluster, and of an account setting.
    pub(super) name: Option<String>,
    pub(super) cluster_name: Option<String>,
    pub(super) cluster: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) settings: Vec<Option<Setting>>,
    /// Of an account setting.
    pub(super) value: Option<String>,
    /// Whose account setting it is; who asks, if none is named.
    pub(super) principal_arn: Option<String>,
    pub(super) addon_name: Option<String>,
    /// Of the control plane of an EKS cluster.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) logging: Logging,
}

/// EKS's `Logging`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Logging {
    #[serde(default, deserialize_with = "or_default")]
    cluster_logging: Vec<Option<LogSetup>>,
}

#[derive(Deserialize)]
struct LogSetup {
    #[serde(default, deserialize_with = "or_default")]
    types: Vec<Option<String>>,
    enabled: Option<bool>,
}

impl Logging {
    /// Whether it turns off a type of logs.
    pub(super) fn turns_off(&self) -> bool {
        let is_off = |setup: &LogSetup| setup.enabled == Some(false) && !setup.types.is_empty();
        self.cluster_logging.iter().flatten().any(is_off)
    }
}

#[derive(Deserialize)]
pub(super) struct Setting {
    pub(super) name: Option<String>,
    pub(super) value: Option<String>,
}

#[derive(Deserialize, Default)]
pub(super) struct ResponseElements {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) cluster: ResponseCluster,
    addon: Option<ResponsePart>,
    nodegroup: Option<ResponsePart>,
    #[serde(rename = "fargateProfile")]
    fargate_profile: Option<ResponsePart>,
}

/// Something in an EKS cluster.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponsePart {
    cluster_name: Option<String>,
    addon_name: Option<String>,
}

impl ResponseElements {
    /// EKS's name of the add-on that the call was about.
    pub(super) fn addon_name(&self) -> Option<&str> {
        self.addon.as_ref()?.addon_name.as_deref()
    }

    /// Name of the EKS cluster that an add-on, a node group or a Fargate profile is in.
    pub(super) fn cluster_of_part(&self) -> Option<&String> {
        let parts = [&self.addon, &self.nodegroup, &self.fargate_profile];
        parts.into_iter().flatten().find_map(|part| part.cluster_name.as_ref())
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResponseCluster {
    /// EKS's word for the ARN.
    pub(super) arn: Option<String>,
    /// EKS's word for the name.
    pub(super) name: Option<String>,
    pub(super) cluster_arn: Option<String>,
    pub(super) cluster_name: Option<String>,
    running_tasks_count: Option<i64>,
    pending_tasks_count: Option<i64>,
    active_services_count: Option<i64>,
    registered_container_instances_count: Option<i64>,
}

/// What null and absence both mean.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// How AWS Batch is called where it calls other services itself.
const BATCH: &str = "batch.amazonaws.com";

impl UserIdentity {
    /// ARN or name of who did it.
    pub(super) fn by(&self) -> String {
        let Self { arn, user_name, invoked_by, .. } = self;
        let by = arn.as_ref().or(user_name.as_ref()).or(invoked_by.as_ref());
        by.cloned().unwrap_or_else(|| "unknown".to_owned())
    }

    /// ARN of the role whose session did it, if it was one.
    pub(super) fn role(&self) -> Option<&str> {
        self.session_context.session_issuer.arn.as_deref()
    }

    /// Whether AWS Batch did it, for a compute environment of its own.
    pub(super) fn is_batch(&self) -> bool {
        let of_service = |role: &str| role.contains(&format!("/aws-service-role/{BATCH}/"));
        self.invoked_by.as_deref() == Some(BATCH) || self.role().is_some_and(of_service)
    }

    /// Whether it was the account's root user.
    pub(super) fn is_root(&self) -> bool {
        self.kind.as_deref() == Some("Root")
    }
}

impl ResponseCluster {
    /// Whether it counts services, tasks or instances. A cluster that was made just now has none.
    pub(super) fn is_occupied(&self) -> bool {
        let counts = [
            self.running_tasks_count,
            self.pending_tasks_count,
            self.active_services_count,
            self.registered_container_instances_count,
        ];
        counts.into_iter().flatten().any(|count| count > 0)
    }
}

impl CloudTrailRecord {
    /// An error unless Region and account of the record, where it has them, are the envelope's, which EventBridge
    /// vouches for.
    pub(super) fn must_be_of(&self, account: &AccountId, region: &Region) -> Result<(), BadField> {
        match (&self.aws_region, &self.recipient_account_id) {
            (Some(other), _) if other != region => {
                Err(("detail.awsRegion", format!("{other} is not the envelope's {region}")))
            }
            (_, Some(recipient)) if recipient != account => {
                Err(("detail.recipientAccountId", format!("{recipient} is not the envelope's {account}")))
            }
            _ => Ok(()),
        }
    }
}

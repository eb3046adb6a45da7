//! The parts of the CloudTrail record that are read. A null member counts as absent everywhere.

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
    /// When it arrived at EventBridge: seconds or minutes after the call.
    pub(super) time: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) resources: Vec<String>,
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
    /// The name of a new EKS cluster, or of an account setting.
    pub(super) name: Option<String>,
    pub(super) cluster_name: Option<String>,
    pub(super) cluster: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) settings: Vec<Option<Setting>>,
    /// Value of an account setting.
    pub(super) value: Option<String>,
    /// Whose account setting it is; the caller's if none is named.
    pub(super) principal_arn: Option<String>,
    pub(super) addon_name: Option<String>,
    /// Control-plane logging of an EKS cluster.
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
    /// Whether it turns off a log type.
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

/// A resource in an EKS cluster.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponsePart {
    cluster_name: Option<String>,
    addon_name: Option<String>,
}

impl ResponseElements {
    /// EKS's name of the add-on in the response.
    pub(super) fn addon_name(&self) -> Option<&str> {
        self.addon.as_ref()?.addon_name.as_deref()
    }

    /// Name of the EKS cluster to which the add-on, node group or Fargate profile belongs.
    pub(super) fn cluster_of_part(&self) -> Option<&String> {
        let parts = [&self.addon, &self.nodegroup, &self.fargate_profile];
        parts.into_iter().flatten().find_map(|part| part.cluster_name.as_ref())
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResponseCluster {
    /// The ARN of an EKS cluster.
    pub(super) arn: Option<String>,
    /// The name of an EKS cluster.
    pub(super) name: Option<String>,
    pub(super) cluster_arn: Option<String>,
    pub(super) cluster_name: Option<String>,
    running_tasks_count: Option<i64>,
    pending_tasks_count: Option<i64>,
    active_services_count: Option<i64>,
    registered_container_instances_count: Option<i64>,
}

/// Reads null as the default, like an absent member.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// The service name of AWS Batch when it calls other services itself.
const BATCH: &str = "batch.amazonaws.com";

impl UserIdentity {
    /// ARN or name of the caller.
    pub(super) fn by(&self) -> String {
        let Self { arn, user_name, invoked_by, .. } = self;
        let by = arn.as_ref().or(user_name.as_ref()).or(invoked_by.as_ref());
        by.cloned().unwrap_or_else(|| "unknown".to_owned())
    }

    /// ARN of the caller's role, if it was a role session.
    pub(super) fn role(&self) -> Option<&str> {
        self.session_context.session_issuer.arn.as_deref()
    }

    /// Whether AWS Batch made the call, for one of its compute environments.
    pub(super) fn is_batch(&self) -> bool {
        let of_service = |role: &str| role.contains(&format!("/aws-service-role/{BATCH}/"));
        self.invoked_by.as_deref() == Some(BATCH) || self.role().is_some_and(of_service)
    }

    /// Whether the caller was the account's root user.
    pub(super) fn is_root(&self) -> bool {
        self.kind.as_deref() == Some("Root")
    }
}

impl ResponseCluster {
    /// Whether it counts services, tasks or instances. A newly created cluster has none.
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
    /// An error unless Region and account of the record, if present, match those of the envelope,
    /// which EventBridge guarantees.
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

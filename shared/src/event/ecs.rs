//! Calls of ECS: clusters that come and go, their settings, and the account's default.

use jiff::Timestamp;

use super::record::CloudTrailRecord;
use super::{BadField, Effect, Place};
use crate::cluster::{AccountId, ClusterArn, ClusterName, Region};
use crate::insights::InsightsLevel;

/// The setting that fargaze watches (ECS API, `ClusterSetting` and `Setting`).
const SETTING: &str = "containerInsights";

/// An event that says something about one ECS cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterEvent {
    /// What happened.
    pub change: ClusterChange,
    /// The cluster.
    pub cluster: ClusterArn,
    /// When, by CloudTrail's `eventTime`.
    pub time: Timestamp,
    /// CloudTrail's `eventID`: stable over repeated deliveries.
    pub id: String,
    /// ARN or name of who did it; `unknown` if the record does not say.
    pub by: String,
    /// ARN of the role whose session did it, if it was one: the same for all sessions of the role.
    pub role: Option<String>,
}

/// What happened to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterChange {
    /// `CreateCluster` succeeded, which it also does where the cluster is there already.
    Created {
        /// The answer counts services, tasks or instances, so the cluster was there before.
        occupied: bool,
        /// AWS Batch asked for it.
        by_batch: bool,
    },
    /// `DeleteCluster` succeeded.
    Deleted,
    /// `UpdateClusterSettings` or `UpdateCluster` succeeded; the level of Container Insights that was asked for, if
    /// it was among the settings and is one that is known.
    SettingsUpdated(Option<InsightsLevel>),
}

/// The account's default of Container Insights in a Region was set, or taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountDefaultEvent {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// What it was set to; `disabled`, which is ECS's own, if it was taken back (ECS Developer Guide, "Account
    /// settings").
    pub level: InsightsLevel,
    /// When, by CloudTrail's `eventTime`.
    pub time: Timestamp,
    /// CloudTrail's `eventID`.
    pub id: String,
    /// ARN or name of who did it; `unknown` if the record does not say.
    pub by: String,
    /// ARN of the role whose session did it, if it was one.
    pub role: Option<String>,
}

/// The event about a cluster.
pub(super) fn cluster_event(
    record: &CloudTrailRecord,
    effect: Effect,
    place: &Place,
) -> Result<ClusterEvent, BadField> {
    let change = match effect {
        Effect::CreatesCluster => ClusterChange::Created {
            occupied: record.response_elements.cluster.is_occupied(),
            by_batch: record.user_identity.is_batch(),
        },
        Effect::DeletesCluster => ClusterChange::Deleted,
        _ => ClusterChange::SettingsUpdated(level_asked_for(record)?),
    };
    let cluster = cluster_of(record, place)?;
    let Place { time, id, .. } = place;
    let (by, role) = (record.user_identity.by(), record.user_identity.role().map(ToOwned::to_owned));
    Ok(ClusterEvent { change, cluster, time: *time, id: id.clone(), by, role })
}

/// The event about the account's default; the reason if it is about something else.
pub(super) fn account_default_event(
    record: &CloudTrailRecord,
    call: &str,
    place: &Place,
) -> Result<Result<AccountDefaultEvent, String>, BadField> {
    let request = &record.request_parameters;
    let name = request.name.as_deref().unwrap_or("none");
    if name != SETTING {
        return Ok(Err(format!("{call} of the setting {name}")));
    }
    // Without a principal it is about who asks. Only the root user's setting is the account's (ECS API,
    // `PutAccountSetting`).
    let principal = request.principal_arn.as_deref();
    let of_root = principal.map_or(record.user_identity.is_root(), |arn| arn.ends_with(":root"));
    if call != "PutAccountSettingDefault" && !of_root {
        return Ok(Err(format!("{call} of one principal, which leaves the account's default as it is")));
    }
    let field = "detail.requestParameters.value";
    let level = match &request.value {
        Some(value) if call != "DeleteAccountSetting" => {
            value.parse().map_err(|error| (field, format!("{error}")))?
        }
        _ => InsightsLevel::Disabled,
    };
    let Place { account, region, time, id } = place;
    let (by, role) = (record.user_identity.by(), record.user_identity.role().map(ToOwned::to_owned));
    let (account, region, id) = (account.clone(), region.clone(), id.clone());
    Ok(Ok(AccountDefaultEvent { account, region, level, time: *time, id, by, role }))
}

fn level_asked_for(record: &CloudTrailRecord) -> Result<Option<InsightsLevel>, BadField> {
    let mut settings = record.request_parameters.settings.iter().flatten();
    let insights = settings.find(|setting| setting.name.as_deref() == Some(SETTING));
    let level = insights.and_then(|setting| setting.value.as_deref()).map(str::parse).transpose();
    level.map_err(|error| ("detail.requestParameters.settings", format!("{error}")))
}

/// The cluster that the record names: by the answer's ARN, by the answer's name, by the request. A request without a
/// name means the cluster `default` (ECS API, `CreateCluster`).
fn cluster_of(record: &CloudTrailRecord, place: &Place) -> Result<ClusterArn, BadField> {
    let (answered, requested) = (&record.response_elements.cluster, &record.request_parameters);
    let (field, text) = if let Some(arn) = answered.cluster_arn.as_deref() {
        ("detail.responseElements.cluster.clusterArn", arn)
    } else if let Some(name) = answered.cluster_name.as_deref() {
        ("detail.responseElements.cluster.clusterName", name)
    } else if let Some(name) = requested.cluster_name.as_deref().or(requested.cluster.as_deref()) {
        ("detail.requestParameters", name)
    } else {
        ("detail.requestParameters", "default")
    };
    let Place { account, region, .. } = place;
    if !text.starts_with("arn:") {
        let name: ClusterName = text.parse().map_err(|error| (field, format!("{error}")))?;
        let (account, region) = (account.clone(), region.clone());
        return Ok(ClusterArn { partition: region.partition(), region, account, name });
    }
    let arn: ClusterArn = text.parse().map_err(|error| (field, format!("{error}")))?;
    if arn.region == *region && arn.account == *account {
        Ok(arn)
    } else {
        Err((field, format!("{arn} is not in the envelope's {region} ({account})")))
    }
}

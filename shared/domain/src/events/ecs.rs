//! ECS calls: creation and deletion of clusters, their settings, and the account default.

use super::record::CloudTrailRecord;
use super::{BadField, Call, Effect, Place, SubjectResult, What};
use crate::model::cluster::{ClusterArn, ClusterName};
use crate::model::insights::InsightsLevel;
use crate::model::subject::Subject;
use crate::reconcile::{Aspect, Value};

/// The setting that fargaze reconciles (ECS API, `ClusterSetting` and `Setting`).
const SETTING: &str = "containerInsights";

/// What the call did to a cluster or to the account default.
pub(super) fn what(record: &CloudTrailRecord, call: &Call, place: &Place) -> Result<SubjectResult, BadField> {
    let what = match call.effect {
        Effect::CreatesCluster => What::Created {
            occupied: record.response_elements.cluster.is_occupied(),
            by_batch: record.user_identity.is_batch(),
        },
        Effect::DeletesCluster => What::Deleted,
        Effect::ChangesAccountDefault => return account_default(record, call.name),
        Effect::ChangesSettings | Effect::ChangesEks => {
            let Some(level) = requested_level(record)? else {
                // An unreadable cluster is an error in any case.
                cluster_of(record, place)?;
                return Ok(Err("is not about Container Insights".to_owned()));
            };
            sets(Aspect::ContainerInsights, level)
        }
    };
    Ok(Ok((what, Subject::Cluster(cluster_of(record, place)?))))
}

fn sets(aspect: Aspect, level: InsightsLevel) -> What {
    What::Changed { aspect: Some(aspect), to: Some(Value::Level(level)) }
}

/// A call that sets the account default. Deleting the setting means `disabled`, ECS's own default
/// (ECS Developer Guide, "Account settings").
fn account_default(record: &CloudTrailRecord, call: &str) -> Result<SubjectResult, BadField> {
    let request = &record.request_parameters;
    let name = request.name.as_deref().unwrap_or("none");
    if name != SETTING {
        return Ok(Err(format!("is a {call} call for the setting {name}")));
    }
    // Without a principal it applies to the caller. Only the root user's setting is the account
    // default (ECS API, `PutAccountSetting`).
    let principal = request.principal_arn.as_deref();
    let of_root = principal.map_or(record.user_identity.is_root(), |arn| arn.ends_with(":root"));
    if call != "PutAccountSettingDefault" && !of_root {
        return Ok(Err(format!(
            "is a {call} call for one principal, which does not change the account default"
        )));
    }
    let field = "detail.requestParameters.value";
    let level = match &request.value {
        Some(value) if call != "DeleteAccountSetting" => {
            value.parse().map_err(|error| (field, format!("{error}")))?
        }
        _ => InsightsLevel::Disabled,
    };
    Ok(Ok((sets(Aspect::AccountDefault, level), Subject::Account)))
}

fn requested_level(record: &CloudTrailRecord) -> Result<Option<InsightsLevel>, BadField> {
    let mut settings = record.request_parameters.settings.iter().flatten();
    let insights = settings.find(|setting| setting.name.as_deref() == Some(SETTING));
    let level = insights.and_then(|setting| setting.value.as_deref()).map(str::parse).transpose();
    level.map_err(|error| ("detail.requestParameters.settings", format!("{error}")))
}

/// The cluster that the record names: the ARN in the response, else the name in the response, else
/// the request. A request without a name means the cluster `default` (ECS API, `CreateCluster`).
fn cluster_of(record: &CloudTrailRecord, place: &Place) -> Result<ClusterName, BadField> {
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
        return text.parse().map_err(|error| (field, format!("{error}")));
    }
    let arn: ClusterArn = text.parse().map_err(|error| (field, format!("{error}")))?;
    if arn.region == *region && arn.account == *account {
        Ok(arn.name)
    } else {
        Err((field, format!("{arn} is not in the envelope's {region} ({account})")))
    }
}

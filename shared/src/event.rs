//! What CloudTrail tells about clusters, as EventBridge delivers it, and what we tell ourselves.

mod eks;

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

use crate::cluster::{AccountId, BadName, ClusterArn, ClusterName, Region};
use crate::insights::InsightsLevel;
use crate::insights::eks::{BadFollow, EksFollow};

pub use eks::EksEvent;

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
    /// `CreateCluster` succeeded.
    Created,
    /// `UpdateClusterSettings` succeeded; the level of Container Insights that was asked for, if it was among the settings.
    SettingsUpdated(Option<InsightsLevel>),
}

/// What an event turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// An event about an ECS cluster.
    Cluster(ClusterEvent),
    /// An event about an EKS cluster.
    Eks(EksEvent),
    /// Our own message to look at an EKS cluster again.
    Follow(EksFollow),
    /// A well-formed event that is none of our business; why not.
    Ignored(String),
}

/// An event that cannot be read, or that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEvent {
    /// Not JSON, or not the envelope of EventBridge.
    #[error("this is no EventBridge event of CloudTrail: {0}")]
    Unreadable(String),
    /// Our own message, and it is wrong.
    #[error(transparent)]
    Follow(#[from] BadFollow),
    /// A field has a value that it cannot have.
    #[error("the event {id} has a bad {field}: {why}")]
    BadField {
        /// `id` of the envelope.
        id: String,
        /// Path of the field.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    account: AccountId,
    region: Region,
    detail: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CloudTrailRecord {
    event_name: String,
    event_time: Timestamp,
    #[serde(rename = "eventID")]
    event_id: String,
    aws_region: Region,
    recipient_account_id: Option<AccountId>,
    error_code: Option<String>,
    #[serde(default)]
    user_identity: UserIdentity,
    request_parameters: Option<RequestParameters>,
    response_elements: Option<ResponseElements>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct UserIdentity {
    arn: Option<String>,
    user_name: Option<String>,
    invoked_by: Option<String>,
    session_context: Option<SessionContext>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionContext {
    session_issuer: Option<SessionIssuer>,
}

#[derive(Deserialize)]
struct SessionIssuer {
    arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestParameters {
    /// EKS's word for the name of a new cluster.
    name: Option<String>,
    cluster_name: Option<String>,
    cluster: Option<String>,
    #[serde(default)]
    settings: Vec<Setting>,
}

#[derive(Deserialize)]
struct Setting {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct ResponseElements {
    cluster: Option<ResponseCluster>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseCluster {
    /// EKS's word for the ARN.
    arn: Option<String>,
    /// EKS's word for the name.
    name: Option<String>,
    cluster_arn: Option<String>,
    cluster_name: Option<String>,
}

/// Reads a message of the queue: an EventBridge event of CloudTrail (EventBridge User Guide, "AWS service events delivered
/// via CloudTrail"), or one of our own.
///
/// Failed calls and calls to other services are [`Heard::Ignored`]: many services have an API named `CreateCluster`.
/// Region and account of the record and of the cluster must equal the envelope's, which EventBridge vouches for.
pub fn read(body: &str) -> Result<Heard, BadEvent> {
    if let Some(follow) = EksFollow::read(body) {
        return Ok(Heard::Follow(follow?));
    }
    let envelope: Envelope =
        serde_json::from_str(body).map_err(|error| BadEvent::Unreadable(error.to_string()))?;
    let Envelope { id, source, detail_type, account, region, detail } = envelope;
    if detail_type != "AWS API Call via CloudTrail" {
        return Ok(Heard::Ignored(format!("event {id} of {source} is a `{detail_type}`, no API call")));
    }
    let bad =
        |field, why: &dyn fmt::Display| BadEvent::BadField { id: id.clone(), field, why: why.to_string() };
    let word = |key| detail.get(key).and_then(serde_json::Value::as_str).unwrap_or("");
    let (event_source, event_name) = (word("eventSource"), word("eventName"));
    let is_eks = event_source == "eks.amazonaws.com";
    if !is_eks && event_source != "ecs.amazonaws.com" {
        return Ok(Heard::Ignored(format!("event {id} is a call to `{event_source}`, not to ECS or EKS")));
    }
    // Other calls to EKS have parameters of other shapes.
    if is_eks && event_name != "CreateCluster" {
        return Ok(Heard::Ignored(format!("event {id} is a call of {event_name}")));
    }
    let record: CloudTrailRecord = serde_json::from_value(detail).map_err(|error| bad("detail", &error))?;
    if let Some(code) = &record.error_code {
        return Ok(Heard::Ignored(format!(
            "the call {} of event {id} failed with {code}",
            record.event_name
        )));
    }
    if is_eks {
        vouched(&record, &account, &region).map_err(|(field, why)| bad(field, &why))?;
        let event = eks::created(record, account, region);
        return event.map(Heard::Eks).map_err(|(field, why)| bad(field, &why));
    }
    let change = match record.event_name.as_str() {
        "CreateCluster" => ClusterChange::Created,
        "UpdateClusterSettings" => {
            let level = level_asked_for(&record);
            let field = "detail.requestParameters.settings";
            ClusterChange::SettingsUpdated(level.map_err(|error| bad(field, &error))?)
        }
        other => return Ok(Heard::Ignored(format!("event {id} is a call of {other}"))),
    };
    vouched(&record, &account, &region).map_err(|(field, why)| bad(field, &why))?;
    let cluster = cluster_of(&record, &account, &region).map_err(|(field, why)| bad(field, &why))?;
    let by = record.user_identity.by();
    let role = record.user_identity.session_context.and_then(|context| context.session_issuer?.arn);
    let (time, id) = (record.event_time, record.event_id);
    Ok(Heard::Cluster(ClusterEvent { change, cluster, time, id, by, role }))
}

impl UserIdentity {
    /// ARN or name of who did it.
    fn by(&self) -> String {
        let Self { arn, user_name, invoked_by, .. } = self;
        let by = arn.as_ref().or(user_name.as_ref()).or(invoked_by.as_ref());
        by.cloned().unwrap_or_else(|| "unknown".to_owned())
    }
}

/// Why a field is bad.
type BadField = (&'static str, String);

/// Whether Region and account of the record are the envelope's.
fn vouched(record: &CloudTrailRecord, account: &AccountId, region: &Region) -> Result<(), BadField> {
    if record.aws_region != *region {
        return Err(("detail.awsRegion", format!("{} is not the envelope's {region}", record.aws_region)));
    }
    match &record.recipient_account_id {
        Some(recipient) if recipient != account => {
            Err(("detail.recipientAccountId", format!("{recipient} is not the envelope's {account}")))
        }
        _ => Ok(()),
    }
}

fn level_asked_for(record: &CloudTrailRecord) -> Result<Option<InsightsLevel>, BadName> {
    let settings = record.request_parameters.iter().flat_map(|request| &request.settings);
    let mut insights = settings.filter(|setting| setting.name == "containerInsights");
    insights.next().map(|setting| setting.value.parse()).transpose()
}

/// The cluster that the record names: by the answer's ARN, by the answer's name, by the request. A request without a
/// name means the cluster `default` (ECS API, `CreateCluster`).
fn cluster_of(
    record: &CloudTrailRecord,
    account: &AccountId,
    region: &Region,
) -> Result<ClusterArn, BadField> {
    let answered = record.response_elements.as_ref().and_then(|response| response.cluster.as_ref());
    let requested = record.request_parameters.as_ref();
    let (field, text) = if let Some(arn) = answered.and_then(|cluster| cluster.cluster_arn.as_deref()) {
        ("detail.responseElements.cluster.clusterArn", arn)
    } else if let Some(name) = answered.and_then(|cluster| cluster.cluster_name.as_deref()) {
        ("detail.responseElements.cluster.clusterName", name)
    } else if let Some(name) = requested.and_then(|r| r.cluster_name.as_deref().or(r.cluster.as_deref())) {
        ("detail.requestParameters", name)
    } else {
        ("detail.requestParameters", "default")
    };
    if !text.starts_with("arn:") {
        let name: ClusterName = text.parse().map_err(|error| (field, format!("{error}")))?;
        return Ok(ClusterArn {
            partition: region.partition(),
            region: region.clone(),
            account: account.clone(),
            name,
        });
    }
    let arn: ClusterArn = text.parse().map_err(|error| (field, format!("{error}")))?;
    if arn.region == *region && arn.account == *account {
        Ok(arn)
    } else {
        Err((field, format!("{arn} is not in the envelope's {region} ({account})")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn create_cluster() -> Value {
        json!({
            "version": "0", "id": "6c1f", "detail-type": "AWS API Call via CloudTrail", "source": "aws.ecs",
            "account": "123456789012", "time": "2026-05-04T09:12:31Z", "region": "eu-west-1", "resources": [],
            "detail": {
                "eventSource": "ecs.amazonaws.com", "eventName": "CreateCluster", "awsRegion": "eu-west-1",
                "eventTime": "2026-05-04T09:12:20Z", "eventID": "a4d2", "recipientAccountId": "123456789012",
                "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/deploy/ci"},
                "requestParameters": {"clusterName": "shop"},
                "responseElements": {"cluster": {"clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/shop"}},
            },
        })
    }

    fn heard(event: &Value) -> Result<Heard, BadEvent> {
        read(&event.to_string())
    }

    fn cluster(event: &Value) -> String {
        match heard(event) {
            Ok(Heard::Cluster(event)) => event.cluster.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_cluster_is_read_from_the_answer_then_the_request_then_default() {
        let arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/";
        let mut event = create_cluster();
        assert_eq!(cluster(&event), format!("{arn}shop"));
        event["detail"]["responseElements"]["cluster"] = json!({"clusterName": "orders"});
        assert_eq!(cluster(&event), format!("{arn}orders"));
        event["detail"]["responseElements"] = Value::Null;
        assert_eq!(cluster(&event), format!("{arn}shop"));
        event["detail"]["requestParameters"] = Value::Null;
        assert_eq!(cluster(&event), format!("{arn}default"));
    }

    #[test]
    fn t10_a_failed_call_is_ignored() {
        let mut event = create_cluster();
        event["detail"]["errorCode"] = json!("AccessDenied");
        event["detail"]["responseElements"] = Value::Null;
        assert!(matches!(heard(&event), Ok(Heard::Ignored(why)) if why.contains("AccessDenied")));
    }

    #[test]
    fn t11_create_cluster_of_another_service_is_ignored() {
        for source in ["redshift.amazonaws.com", "kafka.amazonaws.com", "dax.amazonaws.com"] {
            let mut event = create_cluster();
            event["detail"]["eventSource"] = json!(source);
            event["detail"]["responseElements"] = json!({"clusterArn": "something else"});
            assert!(matches!(heard(&event), Ok(Heard::Ignored(why)) if why.contains(source)), "{source}");
        }
    }

    #[test]
    fn t15_the_three_spellings_of_a_time_are_one_instant() {
        for time in ["2026-05-04T09:12:20Z", "2026-05-04T09:12:20.000+0000", "2026-05-04T11:12:20+02:00"] {
            let mut event = create_cluster();
            event["detail"]["eventTime"] = json!(time);
            match heard(&event).unwrap() {
                Heard::Cluster(event) => assert_eq!(event.time.as_second(), 1_777_885_940, "{time}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_settings_update_tells_the_level_asked_for() {
        let mut event = create_cluster();
        event["detail"]["eventName"] = json!("UpdateClusterSettings");
        event["detail"]["requestParameters"] =
            json!({"cluster": "shop", "settings": [{"name": "containerInsights", "value": "disabled"}]});
        match heard(&event).unwrap() {
            Heard::Cluster(event) => {
                assert_eq!(event.change, ClusterChange::SettingsUpdated(Some(InsightsLevel::Disabled)));
                assert_eq!(event.by, "arn:aws:sts::123456789012:assumed-role/deploy/ci");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_event_that_contradicts_its_envelope_is_bad() {
        for (path, value, field) in [
            ("/detail/awsRegion", "us-east-1", "detail.awsRegion"),
            ("/detail/recipientAccountId", "999999999999", "detail.recipientAccountId"),
            (
                "/detail/responseElements/cluster/clusterArn",
                "arn:aws:ecs:eu-west-1:999999999999:cluster/shop",
                "clusterArn",
            ),
            ("/detail/responseElements/cluster/clusterArn", "arn:nonsense", "clusterArn"),
            ("/detail/eventTime", "yesterday", "detail"),
        ] {
            let mut event = create_cluster();
            *event.pointer_mut(path).unwrap() = json!(value);
            let error = heard(&event).unwrap_err().to_string();
            assert!(error.contains(field) && error.contains("6c1f"), "{error}");
        }
    }

    #[test]
    fn what_is_no_event_is_unreadable() {
        for body in ["", "{", "[]", "{\"kind\":\"alarms\"}"] {
            assert!(matches!(read(body), Err(BadEvent::Unreadable(_))), "{body}");
        }
    }
}

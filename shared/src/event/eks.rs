//! `CreateCluster` of EKS.

use jiff::Timestamp;

use super::{BadField, CloudTrailRecord};
use crate::cluster::{AccountId, ClusterName, Region};

/// An EKS cluster was created: `CreateCluster` was accepted, and the cluster is CREATING for some minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EksEvent {
    /// Account of the cluster.
    pub account: AccountId,
    /// Region of the cluster.
    pub region: Region,
    /// The cluster.
    pub cluster: ClusterName,
    /// When, by CloudTrail's `eventTime`.
    pub time: Timestamp,
    /// CloudTrail's `eventID`: stable over repeated deliveries.
    pub id: String,
    /// ARN or name of who did it; `unknown` if the record does not say.
    pub by: String,
}

/// The event of a record whose Region and account are the envelope's.
pub(super) fn created(
    record: CloudTrailRecord,
    account: AccountId,
    region: Region,
) -> Result<EksEvent, BadField> {
    let cluster = cluster_of(&record, &account, &region)?;
    let by = record.user_identity.by();
    Ok(EksEvent { account, region, cluster, time: record.event_time, id: record.event_id, by })
}

/// The cluster that the record names: by the answer, then by the request, and by `name` before `clusterName`. AWS's own
/// sample has the second (Amazon EKS User Guide, "Log API calls with CloudTrail"), the API the first.
fn cluster_of(
    record: &CloudTrailRecord,
    account: &AccountId,
    region: &Region,
) -> Result<ClusterName, BadField> {
    let answered = record.response_elements.as_ref().and_then(|response| response.cluster.as_ref());
    if let Some(arn) = answered.and_then(|cluster| cluster.arn.as_deref()) {
        return of_arn(arn, account, region).map_err(|why| ("detail.responseElements.cluster.arn", why));
    }
    let answer = answered.and_then(|cluster| cluster.name.as_ref().or(cluster.cluster_name.as_ref()));
    let requested = record.request_parameters.as_ref();
    let request = requested.and_then(|request| request.name.as_ref().or(request.cluster_name.as_ref()));
    let (field, name) = match (answer, request) {
        (Some(name), _) => ("detail.responseElements.cluster.name", name),
        (None, Some(name)) => ("detail.requestParameters.name", name),
        (None, None) => {
            return Err((
                "detail.responseElements.cluster",
                "it names no cluster, and no request does".to_owned(),
            ));
        }
    };
    name.parse().map_err(|error| (field, format!("{error}")))
}

/// `arn:PARTITION:eks:REGION:ACCOUNT:cluster/NAME`
fn of_arn(arn: &str, account: &AccountId, region: &Region) -> Result<ClusterName, String> {
    let begin = format!("arn:{}:eks:{region}:{account}:cluster/", region.partition().as_str());
    let name = arn.strip_prefix(&begin).ok_or_else(|| format!("{arn} does not begin with {begin}"))?;
    name.parse().map_err(|error| format!("{error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{BadEvent, Heard, read};

    fn event() -> Value {
        let file = include_str!("../../../events/enable-insights.eks-create-cluster.ok.json");
        serde_json::from_str(file).unwrap()
    }

    fn heard(event: &Value) -> Result<Heard, BadEvent> {
        read(&event.to_string())
    }

    fn cluster(event: &Value) -> String {
        match heard(event) {
            Ok(Heard::Eks(event)) => event.cluster.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_cluster_is_read_in_both_spellings() {
        let mut event = event();
        let arn = "arn:aws:eks:eu-west-1:123456789012:cluster/by-arn";
        let request = json!({"name": "asked", "clusterName": "asked-long"});
        event["detail"]["requestParameters"] = request;
        for (answered, name) in [
            (json!({"arn": arn, "name": "short", "clusterName": "long"}), "by-arn"),
            (json!({"name": "short", "clusterName": "long"}), "short"),
            (json!({"clusterName": "long"}), "long"),
            (json!({}), "asked"),
            (Value::Null, "asked"),
        ] {
            event["detail"]["responseElements"]["cluster"] = answered;
            assert_eq!(cluster(&event), name);
        }
        event["detail"]["requestParameters"] = json!({"clusterName": "asked-long"});
        assert_eq!(cluster(&event), "asked-long");
        event["detail"]["responseElements"] = Value::Null;
        assert_eq!(cluster(&event), "asked-long");
        event["detail"]["requestParameters"] = Value::Null;
        assert!(
            matches!(heard(&event), Err(BadEvent::BadField { why, .. }) if why.contains("names no cluster"))
        );
    }

    #[test]
    fn failed_and_other_calls_are_ignored_whatever_their_shape() {
        let mut failed = event();
        failed["detail"]["errorCode"] = json!("AccessDenied");
        failed["detail"]["responseElements"] = Value::Null;
        assert!(matches!(heard(&failed), Ok(Heard::Ignored(why)) if why.contains("AccessDenied")));
        let mut other = event();
        other["detail"]["eventName"] = json!("CreateAddon");
        other["detail"]["requestParameters"] = json!("odd");
        assert!(matches!(heard(&other), Ok(Heard::Ignored(why)) if why.contains("CreateAddon")));
    }

    #[test]
    fn an_event_that_contradicts_its_envelope_is_bad() {
        for (path, value) in [
            ("/detail/awsRegion", "us-east-1"),
            ("/detail/recipientAccountId", "999999999999"),
            ("/detail/responseElements/cluster/arn", "arn:aws:eks:us-east-1:123456789012:cluster/payments"),
            ("/detail/responseElements/cluster/arn", "arn:aws:eks:eu-west-1:999999999999:cluster/payments"),
            ("/detail/responseElements/cluster/arn", "arn:aws:ecs:eu-west-1:123456789012:cluster/payments"),
            ("/detail/responseElements/cluster/arn", "arn:aws:eks:eu-west-1:123456789012:cluster/a/b"),
        ] {
            let mut event = event();
            *event.pointer_mut(path).unwrap() = json!(value);
            let error = heard(&event).unwrap_err().to_string();
            assert!(error.contains(path.rsplit('/').next().unwrap()), "{error}");
        }
    }

    #[test]
    fn every_event_file_about_eks_does_what_its_ending_says() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.starts_with("enable-insights.eks-") {
                continue;
            }
            seen += 1;
            let heard = read(&std::fs::read_to_string(&path).unwrap());
            let good = match name.split('.').nth(2) {
                Some("ok") => matches!(heard, Ok(Heard::Eks(_) | Heard::Follow(_))),
                Some("ignored") => matches!(heard, Ok(Heard::Ignored(_))),
                _ => heard.is_err(),
            };
            assert!(good, "{name}: {heard:?}");
        }
        assert!(seen > 5, "{seen}");
    }
}

//! EKS calls: creation of clusters, and changes to reconciled aspects.

use super::record::CloudTrailRecord;
use super::{BadField, Call, Effect, Place, SubjectResult, What};
use crate::model::cluster::ClusterName;
use crate::model::subject::Subject;
use crate::reconcile::{Aspect, Value};

/// What the call did to a cluster.
pub(super) fn what(record: &CloudTrailRecord, call: &Call, place: &Place) -> Result<SubjectResult, BadField> {
    let what = match call.effect {
        Effect::CreatesCluster => What::Created { occupied: false, by_batch: false },
        _ => undone(record, call.name),
    };
    Ok(Ok((what, Subject::Cluster(cluster_of(record, place)?))))
}

/// What the call removes: an add-on, or types of control-plane logs.
fn undone(record: &CloudTrailRecord, call: &str) -> What {
    let request = &record.request_parameters;
    let (aspect, to) = match call {
        "DeleteAddon" => {
            let addon = request.addon_name.as_deref().or(record.response_elements.addon_name());
            let aspect =
                Aspect::ALL.into_iter().find(|aspect| aspect.addon().is_some() && aspect.addon() == addon);
            (aspect, Some(Value::Absent))
        }
        // The event does not contain which types are on afterwards.
        "UpdateClusterConfig" if request.logging.turns_off() => (Some(Aspect::ControlPlaneLogs), None),
        _ => (None, None),
    };
    What::Changed { to: to.filter(|_| aspect.is_some()), aspect }
}

/// The cluster that the record names: in the response, else in the request. AWS's sample event of a
/// creation has `clusterName` (Amazon EKS User Guide, "Log API calls with CloudTrail"), the API has
/// `name`; responses about resources in a cluster have `clusterName`.
fn cluster_of(record: &CloudTrailRecord, place: &Place) -> Result<ClusterName, BadField> {
    let (answered, requested) = (&record.response_elements.cluster, &record.request_parameters);
    if let Some(arn) = answered.arn.as_deref() {
        return of_arn(arn, place).map_err(|why| ("detail.responseElements.cluster.arn", why));
    }
    let answer = answered.name.as_ref().or(answered.cluster_name.as_ref());
    let answer = answer.or(record.response_elements.cluster_of_part());
    let request = requested.name.as_ref().or(requested.cluster_name.as_ref());
    let (field, name) = match (answer, request) {
        (Some(name), _) => ("detail.responseElements", name),
        (None, Some(name)) => ("detail.requestParameters.name", name),
        (None, None) => {
            let why = "it names no cluster, and neither does the request".to_owned();
            return Err(("detail.responseElements.cluster", why));
        }
    };
    name.parse().map_err(|error| (field, format!("{error}")))
}

/// `arn:PARTITION:eks:REGION:ACCOUNT:cluster/NAME`
fn of_arn(arn: &str, Place { account, region, .. }: &Place) -> Result<ClusterName, String> {
    let begin = format!("arn:{}:eks:{region}:{account}:cluster/", region.partition().as_str());
    let name = arn.strip_prefix(&begin).ok_or_else(|| format!("{arn} does not begin with {begin}"))?;
    name.parse().map_err(|error| format!("{error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{BadEvent, ChangeEvent, Received, What, read};
    use super::Aspect;
    use crate::model::run::Platform;
    use crate::reconcile;

    fn event() -> Value {
        let file = include_str!("../../../../events/enable-insights.eks-create-cluster.ok.json");
        serde_json::from_str(file).unwrap()
    }

    fn received(event: &Value) -> Result<Received, BadEvent> {
        read(&event.to_string())
    }

    /// The event, which must be about EKS.
    fn eks(event: &Value) -> ChangeEvent {
        match received(event) {
            Ok(Received::Event(event)) if event.platform == Platform::Eks => event,
            other => panic!("{other:?} of {event}"),
        }
    }

    fn cluster(event: &Value) -> String {
        eks(event).subject.cluster().unwrap().to_string()
    }

    #[test]
    fn the_cluster_is_read_in_both_spellings() {
        let mut event = event();
        let arn = "arn:aws:eks:eu-west-1:123456789012:cluster/by-arn";
        let request = json!({"name": "requested", "clusterName": "requested-long"});
        event["detail"]["requestParameters"] = request;
        for (answered, name) in [
            (json!({"arn": arn, "name": "short", "clusterName": "long"}), "by-arn"),
            (json!({"name": "short", "clusterName": "long"}), "short"),
            (json!({"clusterName": "long"}), "long"),
            (json!({}), "requested"),
            (Value::Null, "requested"),
        ] {
            event["detail"]["responseElements"]["cluster"] = answered;
            assert_eq!(cluster(&event), name);
        }
        event["detail"]["requestParameters"] = json!({"clusterName": "requested-long"});
        assert_eq!(cluster(&event), "requested-long");
        event["detail"]["responseElements"] = Value::Null;
        assert_eq!(cluster(&event), "requested-long");
        event["detail"]["requestParameters"] = Value::Null;
        assert!(
            matches!(received(&event), Err(BadEvent::BadField { why, .. }) if why.contains("names no cluster"))
        );
    }

    /// Issue 13, point 2.
    #[test]
    fn every_call_that_changes_an_aspect_names_its_cluster() {
        let part = json!({"clusterName": "payments", "status": "CREATING"});
        let update = json!({"update": {"id": "9f2b", "status": "InProgress"}});
        for (call, request, answer) in [
            ("UpdateClusterConfig", json!({"name": "payments", "logging": {"clusterLogging": []}}), update),
            (
                "CreateAddon",
                json!({"name": "payments", "addonName": "metrics-server"}),
                json!({"addon": part}),
            ),
            ("DeleteAddon", json!({"clusterName": "payments", "addonName": "x"}), json!({"addon": part})),
            ("CreateFargateProfile", json!({"fargateProfileName": "fp"}), json!({"fargateProfile": part})),
            ("DeleteFargateProfile", json!({"name": "payments"}), Value::Null),
            (
                "CreateNodegroup",
                json!({"name": "payments", "nodegroupName": "n"}),
                json!({"nodegroup": part}),
            ),
            ("DeleteNodegroup", json!({"name": "payments"}), json!({"nodegroup": null})),
            ("DeleteCluster", json!({"name": "payments"}), json!({"cluster": {"name": "payments"}})),
        ] {
            let mut event = event();
            event["detail"]["eventName"] = json!(call);
            event["detail"]["requestParameters"] = request;
            event["detail"]["responseElements"] = answer;
            let found = eks(&event);
            assert_eq!((found.subject.to_string(), found.call), ("payments".to_owned(), call));
            assert_eq!(found.what, What::Changed { aspect: None, to: None });
        }
    }

    /// Issue 13, point 2: a caller reverts something if the call removes it.
    #[test]
    fn what_a_call_removes_is_known() {
        let logging = |groups: Value| json!({"name": "payments", "logging": {"clusterLogging": groups}});
        let off = json!({"types": ["api"], "enabled": false});
        let on = json!({"types": ["audit"], "enabled": true});
        let delete = |addon: &str| json!({"name": "payments", "addonName": addon});
        let absent = Some(reconcile::Value::Absent);
        for (call, request, answer, aspect) in [
            ("UpdateClusterConfig", logging(json!([on, off])), Value::Null, Some(Aspect::ControlPlaneLogs)),
            ("UpdateClusterConfig", logging(json!([on])), Value::Null, None),
            ("UpdateClusterConfig", logging(json!([{"types": [], "enabled": false}])), Value::Null, None),
            (
                "UpdateClusterConfig",
                logging(json!([null, {"types": null, "enabled": null}])),
                Value::Null,
                None,
            ),
            ("UpdateClusterConfig", json!({"name": "payments", "logging": null}), Value::Null, None),
            ("DeleteAddon", delete("metrics-server"), Value::Null, Some(Aspect::MetricsServer)),
            (
                "DeleteAddon",
                json!({"name": "payments"}),
                json!({"addon": {"addonName": "amazon-cloudwatch-observability", "clusterName": "payments"}}),
                Some(Aspect::CloudwatchObservability),
            ),
            ("DeleteAddon", delete("coredns"), Value::Null, None),
            ("CreateAddon", delete("metrics-server"), Value::Null, None),
        ] {
            let mut event = event();
            event["detail"]["eventName"] = json!(call);
            event["detail"]["requestParameters"] = request.clone();
            event["detail"]["responseElements"] = answer;
            // The event does not contain which log types are on afterwards.
            let to = absent.clone().filter(|_| aspect.is_some_and(|aspect| aspect.addon().is_some()));
            let found = eks(&event);
            assert_eq!((found.what, found.call), (What::Changed { aspect, to }, call), "{request}");
        }
    }

    #[test]
    fn failed_and_other_calls_are_ignored_whatever_their_shape() {
        let mut failed = event();
        failed["detail"]["errorCode"] = json!("AccessDenied");
        failed["detail"]["responseElements"] = Value::Null;
        assert!(matches!(received(&failed), Ok(Received::Ignored(why)) if why.contains("AccessDenied")));
        let mut other = event();
        other["detail"]["eventName"] = json!("UpdateAddon");
        other["detail"]["requestParameters"] = json!("odd");
        assert!(matches!(received(&other), Ok(Received::Ignored(why)) if why.contains("UpdateAddon")));
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
            let error = received(&event).unwrap_err().to_string();
            assert!(error.contains(path.rsplit('/').next().unwrap()), "{error}");
        }
    }

    #[test]
    fn every_eks_event_file_is_handled_as_its_name_says() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.starts_with("enable-insights.eks-") {
                continue;
            }
            seen += 1;
            let found = read(&std::fs::read_to_string(&path).unwrap());
            let is_of_eks = |platform| platform == Platform::Eks;
            let good = match (&found, name.split('.').nth(2)) {
                (Ok(Received::Event(event)), Some("ok")) => is_of_eks(event.platform),
                (Ok(Received::FollowUp(follow)), Some("ok")) => is_of_eks(follow.platform),
                (_, Some("ok")) => false,
                (found, Some("ignored")) => matches!(found, Ok(Received::Ignored(_))),
                (found, _) => found.is_err(),
            };
            assert!(good, "{name}: {found:?}");
        }
        assert!(seen > 5, "{seen}");
    }
}

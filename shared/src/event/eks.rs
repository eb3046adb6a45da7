//! Calls of EKS: clusters that come, and changes of what is set up in them.

use jiff::Timestamp;

use super::record::CloudTrailRecord;
use super::{BadField, Effect, Place};
use crate::cluster::{AccountId, ClusterName, Region};
use crate::insights::eks::EksAspect;

/// An event that says something about one EKS cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EksEvent {
    /// What happened.
    pub change: EksChanged,
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
    /// ARN of the role whose session did it, if it was one.
    pub role: Option<String>,
}

/// What happened to an EKS cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EksChanged {
    /// `CreateCluster` was accepted, and the cluster is CREATING for some minutes.
    Created,
    /// A call was accepted which may have changed what is set up.
    Changed {
        /// Its name.
        call: &'static str,
        /// The part that it takes away, or takes something away from.
        undoes: Option<EksAspect>,
    },
}

/// The event of a record whose Region and account are the envelope's.
pub(super) fn event(
    record: &CloudTrailRecord,
    effect: Effect,
    call: &'static str,
    place: Place,
) -> Result<EksEvent, BadField> {
    let change = match effect {
        Effect::CreatesCluster => EksChanged::Created,
        _ => EksChanged::Changed { call, undoes: undone(record, call) },
    };
    let cluster = cluster_of(record, &place)?;
    let (by, role) = (record.user_identity.by(), record.user_identity.role().map(ToOwned::to_owned));
    let Place { account, region, time, id } = place;
    Ok(EksEvent { change, account, region, cluster, time, id, by, role })
}

/// What the call takes away: an add-on, or types of the control plane's logs.
fn undone(record: &CloudTrailRecord, call: &str) -> Option<EksAspect> {
    let request = &record.request_parameters;
    match call {
        "DeleteAddon" => {
            let addon = request.addon_name.as_deref().or(record.response_elements.addon_name())?;
            EksAspect::ALL.into_iter().find(|aspect| aspect.addon() == Some(addon))
        }
        "UpdateClusterConfig" => request.logging.turns_off().then_some(EksAspect::ControlPlaneLogs),
        _ => None,
    }
}

/// The cluster that the record names: by the answer, then by the request. AWS's own sample of a creation has
/// `clusterName` (Amazon EKS User Guide, "Log API calls with CloudTrail"), the API `name`; of what is in a cluster
/// the answer has `clusterName`.
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
            let why = "it names no cluster, and no request does".to_owned();
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

    use super::super::{BadEvent, Heard, read};
    use super::EksChanged;
    use crate::insights::eks::EksAspect;

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

    /// Issue 13, point 2.
    #[test]
    fn every_call_that_changes_what_is_set_up_names_its_cluster() {
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
            match heard(&event).unwrap() {
                Heard::Eks(event) => {
                    assert_eq!(event.cluster.as_str(), "payments");
                    assert_eq!(event.change, EksChanged::Changed { call, undoes: None });
                }
                other => panic!("{call}: {other:?}"),
            }
        }
    }

    /// Issue 13, point 2: who undid something is known by what the call takes away.
    #[test]
    fn what_a_call_takes_away_is_known() {
        let logging = |groups: Value| json!({"name": "payments", "logging": {"clusterLogging": groups}});
        let off = json!({"types": ["api"], "enabled": false});
        let on = json!({"types": ["audit"], "enabled": true});
        let delete = |addon: &str| json!({"name": "payments", "addonName": addon});
        for (call, request, answer, undoes) in [
            (
                "UpdateClusterConfig",
                logging(json!([on, off])),
                Value::Null,
                Some(EksAspect::ControlPlaneLogs),
            ),
            ("UpdateClusterConfig", logging(json!([on])), Value::Null, None),
            ("UpdateClusterConfig", logging(json!([{"types": [], "enabled": false}])), Value::Null, None),
            (
                "UpdateClusterConfig",
                logging(json!([null, {"types": null, "enabled": null}])),
                Value::Null,
                None,
            ),
            ("UpdateClusterConfig", json!({"name": "payments", "logging": null}), Value::Null, None),
            ("DeleteAddon", delete("metrics-server"), Value::Null, Some(EksAspect::MetricsServer)),
            (
                "DeleteAddon",
                json!({"name": "payments"}),
                json!({"addon": {"addonName": "amazon-cloudwatch-observability", "clusterName": "payments"}}),
                Some(EksAspect::CloudwatchObservability),
            ),
            ("DeleteAddon", delete("coredns"), Value::Null, None),
            ("CreateAddon", delete("metrics-server"), Value::Null, None),
        ] {
            let mut event = event();
            event["detail"]["eventName"] = json!(call);
            event["detail"]["requestParameters"] = request.clone();
            event["detail"]["responseElements"] = answer;
            match heard(&event).unwrap() {
                Heard::Eks(event) => {
                    assert_eq!(event.change, EksChanged::Changed { call, undoes }, "{request}");
                }
                other => panic!("{call}: {other:?}"),
            }
        }
    }

    #[test]
    fn failed_and_other_calls_are_ignored_whatever_their_shape() {
        let mut failed = event();
        failed["detail"]["errorCode"] = json!("AccessDenied");
        failed["detail"]["responseElements"] = Value::Null;
        assert!(matches!(heard(&failed), Ok(Heard::Ignored(why)) if why.contains("AccessDenied")));
        let mut other = event();
        other["detail"]["eventName"] = json!("UpdateAddon");
        other["detail"]["requestParameters"] = json!("odd");
        assert!(matches!(heard(&other), Ok(Heard::Ignored(why)) if why.contains("UpdateAddon")));
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

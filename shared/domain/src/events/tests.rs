//! Events as they arrive: complete, unusual and invalid.

use serde_json::{Value, json};

use super::*;
use crate::model::insights::InsightsLevel;
use crate::reconcile;

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

fn received(event: &Value) -> Result<Received, BadEvent> {
    read(&event.to_string())
}

/// The event, which must be about ECS.
fn ecs(event: &Value) -> ChangeEvent {
    match received(event) {
        Ok(Received::Event(event)) if event.platform == Platform::Ecs => event,
        other => panic!("{other:?} of {event}"),
    }
}

fn cluster(event: &Value) -> String {
    let ChangeEvent { subject, account, region, .. } = ecs(event);
    assert!(subject.cluster().is_some(), "{subject:?}");
    format!("{subject} of {account} in {region}")
}

fn is_ignored(event: &Value, because: &str) -> bool {
    matches!(received(event), Ok(Received::Ignored(why)) if why.contains(because))
}

/// A call that sets Container Insights to this level.
fn sets(aspect: Aspect, level: InsightsLevel) -> What {
    What::Changed { aspect: Some(aspect), to: Some(reconcile::Value::Level(level)) }
}

#[test]
fn the_cluster_is_read_from_the_response_then_the_request_then_default() {
    let here = "of 123456789012 in eu-west-1";
    let mut event = create_cluster();
    assert_eq!(cluster(&event), format!("shop {here}"));
    event["detail"]["responseElements"]["cluster"] = json!({"clusterName": "orders"});
    assert_eq!(cluster(&event), format!("orders {here}"));
    event["detail"]["responseElements"] = Value::Null;
    assert_eq!(cluster(&event), format!("shop {here}"));
    event["detail"]["requestParameters"] = Value::Null;
    assert_eq!(cluster(&event), format!("default {here}"));
}

#[test]
fn t10_a_failed_call_is_ignored() {
    let mut event = create_cluster();
    event["detail"]["errorCode"] = json!("AccessDenied");
    event["detail"]["responseElements"] = Value::Null;
    assert!(is_ignored(&event, "AccessDenied"));
}

#[test]
fn t11_create_cluster_of_another_service_is_ignored() {
    for source in ["redshift.amazonaws.com", "kafka.amazonaws.com", "dax.amazonaws.com"] {
        let mut event = create_cluster();
        event["detail"]["eventSource"] = json!(source);
        event["detail"]["responseElements"] = json!({"clusterArn": "something else"});
        assert!(is_ignored(&event, source), "{source}");
    }
}

#[test]
fn t15_the_three_spellings_of_a_time_are_one_instant() {
    for time in ["2026-05-04T09:12:20Z", "2026-05-04T09:12:20.000+0000", "2026-05-04T11:12:20+02:00"] {
        let mut event = create_cluster();
        event["detail"]["eventTime"] = json!(time);
        assert_eq!(ecs(&event).time.as_second(), 1_777_885_940, "{time}");
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
        let error = received(&event).unwrap_err().to_string();
        assert!(error.contains(field) && error.contains("6c1f"), "{error}");
    }
}

#[test]
fn a_body_that_is_not_an_event_is_unreadable() {
    for body in ["", "{", "[]", "{\"kind\":\"alarms\"}"] {
        assert!(matches!(read(body), Err(BadEvent::Unreadable(_))), "{body}");
    }
}

/// Issue 13, point 2.
#[test]
fn every_call_that_may_change_the_settings_is_read() {
    for (call, request) in [
        (
            "UpdateClusterSettings",
            json!({"cluster": "shop", "settings": [{"name": "containerInsights", "value": "disabled"}]}),
        ),
        (
            "UpdateCluster",
            json!({"cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/shop",
            "settings": [{"name": "other", "value": "x"}, {"name": "containerInsights", "value": "disabled"}]}),
        ),
    ] {
        let mut event = create_cluster();
        event["detail"]["eventName"] = json!(call);
        event["detail"]["requestParameters"] = request;
        let found = ecs(&event);
        assert_eq!(found.what, sets(Aspect::ContainerInsights, InsightsLevel::Disabled), "{call}");
        assert_eq!((found.call, &found.by[..]), (call, "arn:aws:sts::123456789012:assumed-role/deploy/ci"));
    }
}

/// Issue 13, point 2.
#[test]
fn calls_for_the_account_default_are_read_and_those_for_one_principal_are_not() {
    let (root, user) = ("arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:user/alice");
    let (enabled, off) = (InsightsLevel::Enabled, InsightsLevel::Disabled);
    for (call, request, is_root, level) in [
        ("PutAccountSettingDefault", json!({"value": "enabled"}), false, Some(enabled)),
        ("PutAccountSetting", json!({"value": "enabled", "principalArn": root}), false, Some(enabled)),
        ("PutAccountSetting", json!({"value": "enabled"}), true, Some(enabled)),
        ("PutAccountSetting", json!({"value": "enabled"}), false, None),
        ("PutAccountSetting", json!({"value": "enabled", "principalArn": user}), true, None),
        ("DeleteAccountSetting", json!({"principalArn": root}), false, Some(off)),
        ("DeleteAccountSetting", json!({"principalArn": user}), false, None),
    ] {
        let mut event = create_cluster();
        let detail = &mut event["detail"];
        detail["eventName"] = json!(call);
        detail["requestParameters"] = request;
        detail["requestParameters"]["name"] = json!("containerInsights");
        detail["responseElements"] = json!({"setting": {"name": "containerInsights"}});
        if is_root {
            detail["userIdentity"] = json!({"type": "Root", "arn": root});
        }
        match level {
            Some(level) => {
                let found = ecs(&event);
                assert_eq!(found.what, sets(Aspect::AccountDefault, level), "{call}");
                assert_eq!((found.subject, found.call), (Subject::Account, call));
            }
            None => assert!(is_ignored(&event, call), "{call}"),
        }
        event["detail"]["requestParameters"]["name"] = json!("awsvpcTrunking");
        assert!(is_ignored(&event, "awsvpcTrunking"));
    }
}

/// Issue 13, point 1.
#[test]
fn a_response_with_counts_is_of_an_existing_cluster() {
    let counts = [
        "runningTasksCount",
        "pendingTasksCount",
        "activeServicesCount",
        "registeredContainerInstancesCount",
    ];
    let occupied = |event: &Value| match ecs(event).what {
        What::Created { occupied, .. } => occupied,
        other => panic!("{other:?}"),
    };
    for count in counts {
        let mut event = create_cluster();
        for zero in counts {
            event["detail"]["responseElements"]["cluster"][zero] = json!(0);
        }
        assert!(!occupied(&event));
        event["detail"]["responseElements"]["cluster"][count] = json!(1);
        assert!(occupied(&event), "{count}");
    }
    assert!(!occupied(&create_cluster()), "a response without counts");
}

/// Issue 13, point 4.
#[test]
fn a_cluster_of_aws_batch_is_identified_by_the_caller() {
    let role = "arn:aws:iam::123456789012:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch";
    for (identity, is_batch) in [
        (json!({"type": "AWSService", "invokedBy": "batch.amazonaws.com"}), true),
        (json!({"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": role}}}), true),
        (json!({"type": "AssumedRole", "invokedBy": "cloudformation.amazonaws.com"}), false),
        (Value::Null, false),
    ] {
        let mut event = create_cluster();
        event["detail"]["userIdentity"] = identity;
        assert_eq!(ecs(&event).what, What::Created { occupied: false, by_batch: is_batch });
    }
}

/// Issue 13, point 5.
#[test]
fn null_and_missing_members_are_absent() {
    let mut full = create_cluster();
    full["detail"]["eventName"] = json!("UpdateClusterSettings");
    full["detail"]["requestParameters"] =
        json!({"cluster": "shop", "settings": [{"name": "containerInsights", "value": "disabled"}]});
    let settings = "/detail/requestParameters/settings";
    // `None` for events that are not about Container Insights.
    let change = |event: &Value| match received(event) {
        Ok(Received::Event(event)) => Some((event.what, event.time.as_second(), event.id)),
        Ok(Received::Ignored(why)) if why.contains("is not about Container Insights") => None,
        other => panic!("{other:?} of {event}"),
    };
    let off = true;
    let none = false;
    let (called, arrived) = (1_777_885_940, 1_777_885_951);
    for (path, value, is_off, time, id) in [
        ("/detail/userIdentity", Value::Null, off, called, "a4d2"),
        ("/detail/userIdentity/arn", Value::Null, off, called, "a4d2"),
        ("/detail/recipientAccountId", Value::Null, off, called, "a4d2"),
        ("/detail/awsRegion", Value::Null, off, called, "a4d2"),
        ("/detail/eventTime", Value::Null, off, arrived, "a4d2"),
        ("/detail/eventID", Value::Null, off, called, "6c1f"),
        ("/detail/responseElements", Value::Null, off, called, "a4d2"),
        ("/detail/responseElements/cluster", Value::Null, off, called, "a4d2"),
        (settings, Value::Null, none, called, "a4d2"),
        (settings, json!([null]), none, called, "a4d2"),
        (settings, json!([{"name": "containerInsights"}]), none, called, "a4d2"),
        (settings, json!([{"name": "containerInsights", "value": null}]), none, called, "a4d2"),
        (settings, json!([{"name": null, "value": "enabled"}]), none, called, "a4d2"),
        (settings, json!([{"value": "enabled"}]), none, called, "a4d2"),
    ] {
        let mut event = full.clone();
        *event.pointer_mut(path).unwrap() = value;
        let set = || sets(Aspect::ContainerInsights, InsightsLevel::Disabled);
        let expected = is_off.then(|| (set(), time, id.to_owned()));
        assert_eq!(change(&event), expected, "{path}");
        // A missing member is the same.
        let (parent, key) = path.rsplit_once('/').unwrap();
        if event.pointer(path) == Some(&Value::Null) {
            event.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
            assert_eq!(change(&event), expected, "without {path}");
        }
    }
    let mut timeless = full;
    timeless["detail"].as_object_mut().unwrap().remove("eventTime");
    timeless.as_object_mut().unwrap().remove("time");
    assert!(received(&timeless).unwrap_err().to_string().contains("eventTime"));
}

/// Issue 13, point 5.
#[test]
fn an_event_of_every_partition_is_read() {
    for (partition, region) in [
        ("aws", "eu-west-1"),
        ("aws-cn", "cn-north-1"),
        ("aws-eusc", "eusc-de-east-1"),
        ("aws-iso", "us-iso-east-1"),
        ("aws-iso-b", "us-isob-east-1"),
        ("aws-iso-e", "eu-isoe-west-1"),
        ("aws-iso-f", "us-isof-south-1"),
        ("aws-us-gov", "us-gov-west-1"),
    ] {
        let text = create_cluster().to_string().replace("eu-west-1", region);
        let event: Value =
            serde_json::from_str(&text.replace("arn:aws:", &format!("arn:{partition}:"))).unwrap();
        assert_eq!(cluster(&event), format!("shop of 123456789012 in {region}"));
    }
}

//! `SelfSubjectReview` and `SelfSubjectAccessReview`.

use bytes::Bytes;
use http::{Method, Request};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::identity::Identity;
use crate::rights::Attributes;
use crate::target::Target;

/// The response to a self review, which every caller may make.
pub(crate) fn answer(
    target: &Target,
    request: &Request<Bytes>,
    identity: &Identity,
    now: Timestamp,
) -> Option<Answer> {
    if request.method() != Method::POST {
        return None;
    }
    let asked: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    match (target.group.as_str(), target.resource.as_str()) {
        ("authentication.k8s.io", "selfsubjectreviews") => Some(who(identity, now)),
        ("authorization.k8s.io", "selfsubjectaccessreviews") => Some(may(identity, asked)),
        _ => None,
    }
}

fn who(identity: &Identity, now: Timestamp) -> Answer {
    let key = &identity.access_key_id;
    let mut groups = identity.groups.clone();
    groups.push("system:authenticated".to_owned());
    let user = json!({
        "username": identity.username,
        "uid": format!("aws-iam-authenticator:111122223333:{key}"),
        "groups": groups,
        "extra": {"accessKeyId": [key]},
    });
    let review = json!({
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()},
        "status": {"userInfo": user},
    });
    Answer::json(201, &review)
}

fn may(identity: &Identity, mut review: Value) -> Answer {
    let asked = &review["spec"]["resourceAttributes"];
    let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    if !asked.is_object() {
        return Answer::failure(
            422,
            "Invalid",
            "spec.resourceAttributes: Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified",
        );
    }
    let resource = match text("subresource") {
        sub if sub.is_empty() => text("resource"),
        sub => format!("{}/{sub}", text("resource")),
    };
    let attributes = Attributes {
        verb: text("verb"),
        group: text("group"),
        resource,
        namespace: text("namespace"),
        name: text("name"),
    };
    review["status"] = if identity.rights.allow(&attributes) {
        let groups = identity.groups.first().cloned().unwrap_or_default();
        json!({"allowed": true, "reason": format!("RBAC: allowed by ClusterRoleBinding {groups:?}")})
    } else {
        json!({"allowed": false})
    };
    Answer::json(201, &review)
}

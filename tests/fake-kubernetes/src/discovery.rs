//! What the server can be asked: versions, groups and resources. Everybody with a token may ask.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::estate::{Estate, MetricsApi};
use crate::objects::metrics_version;
use crate::recorded::Recorded;
use crate::target::Target;

/// Name, kind, whether in a namespace, short name.
type Known = (&'static str, &'static str, bool, &'static str);

const CORE: &[Known] = &[
    ("configmaps", "ConfigMap", true, "cm"),
    ("events", "Event", true, "ev"),
    ("namespaces", "Namespace", false, "ns"),
    ("nodes", "Node", false, "no"),
    ("pods", "Pod", true, "po"),
];
const APPS: &[Known] = &[
    ("daemonsets", "DaemonSet", true, "ds"),
    ("deployments", "Deployment", true, "deploy"),
    ("replicasets", "ReplicaSet", true, "rs"),
    ("statefulsets", "StatefulSet", true, "sts"),
];
const BATCH: &[Known] = &[("cronjobs", "CronJob", true, "cj"), ("jobs", "Job", true, "")];
const METRICS: &[Known] = &[("nodes", "NodeMetrics", false, ""), ("pods", "PodMetrics", true, "")];
const AUTHENTICATION: &[Known] = &[("selfsubjectreviews", "SelfSubjectReview", false, "")];
const AUTHORIZATION: &[Known] = &[("selfsubjectaccessreviews", "SelfSubjectAccessReview", false, "")];

/// Group, version, resources.
fn groups(estate: &Estate) -> Vec<(&'static str, &'static str, &'static [Known])> {
    let mut groups = vec![
        ("apps", "v1", APPS),
        ("authentication.k8s.io", "v1", AUTHENTICATION),
        ("authorization.k8s.io", "v1", AUTHORIZATION),
        ("batch", "v1", BATCH),
    ];
    groups.extend(metrics_version(estate).map(|version| ("metrics.k8s.io", version, METRICS)));
    groups
}

/// The answer, if the path is one of discovery.
pub(crate) fn answer(path: &str, estate: &Estate) -> Option<Answer> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts[..] {
        ["version"] => Some(Recorded::named("version").answer()),
        ["healthz" | "livez" | "readyz"] => Some(Answer::text(200, "ok")),
        ["api"] => Some(Answer::json(200, &json!({"kind": "APIVersions", "versions": ["v1"]}))),
        ["apis"] => {
            let groups: Vec<Value> =
                groups(estate).iter().map(|&(name, version, _)| group(name, version)).collect();
            Some(Answer::json(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})))
        }
        ["api", "v1"] => Some(resources("v1", CORE)),
        ["apis", asked] => {
            let found = groups(estate).into_iter().find(|&(name, ..)| name == asked);
            Some(found.map_or_else(Answer::no_page, |(name, version, _)| {
                let mut group = group(name, version);
                group["kind"] = "APIGroup".into();
                group["apiVersion"] = "v1".into();
                Answer::json(200, &group)
            }))
        }
        ["apis", asked, of] => {
            if asked == "metrics.k8s.io" && estate.metrics == MetricsApi::Down {
                return Some(down());
            }
            let found = groups(estate).into_iter().find(|&(name, version, _)| name == asked && version == of);
            Some(found.map_or_else(Answer::no_page, |(name, version, known)| {
                resources(&format!("{name}/{version}"), known)
            }))
        }
        _ => None,
    }
}

/// The answer to a path of a group that is not there or down.
pub(crate) fn missing_group(target: &Target, estate: &Estate) -> Option<Answer> {
    if target.group == "metrics.k8s.io" && estate.metrics == MetricsApi::Down {
        return Some(down());
    }
    let there = match target.group.as_str() {
        "" => target.version == "v1",
        asked => groups(estate).iter().any(|&(name, version, _)| name == asked && version == target.version),
    };
    (!there).then(Answer::no_page)
}

fn down() -> Answer {
    Recorded::named("metrics_503").answer()
}

fn group(name: &str, version: &str) -> Value {
    let version = json!({"groupVersion": format!("{name}/{version}"), "version": version});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn resources(version: &str, known: &[Known]) -> Answer {
    let list: Vec<Value> = known
        .iter()
        .map(|&(name, kind, namespaced, short)| {
            let verbs = if kind.contains("Review") { json!(["create"]) } else { json!(["get", "list"]) };
            let mut resource = json!({
                "name": name, "singularName": kind.to_lowercase(), "namespaced": namespaced, "kind": kind, "verbs": verbs,
            });
            if !short.is_empty() {
                resource["shortNames"] = json!([short]);
            }
            resource
        })
        .collect();
    Answer::json(
        200,
        &json!({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": list,
        }),
    )
}

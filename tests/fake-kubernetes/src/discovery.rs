//! Discovery: versions, groups and resources. Every caller with a token may read them.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::estate::{Estate, MetricsApi};
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

const METRICS_GROUP: &str = "metrics.k8s.io";

/// A served group.
struct Group {
    name: &'static str,
    /// The preferred one first.
    versions: Vec<&'static str>,
    resources: &'static [Known],
}

impl Group {
    fn value(&self) -> Value {
        let Self { name, versions, .. } = self;
        let versions: Vec<Value> = versions
            .iter()
            .map(|version| json!({"groupVersion": format!("{name}/{version}"), "version": version}))
            .collect();
        json!({"name": name, "versions": versions, "preferredVersion": versions[0]})
    }
}

fn groups(estate: &Estate) -> Vec<Group> {
    let of = |name, versions, resources| Group { name, versions, resources };
    let mut groups = vec![
        of("apps", vec!["v1"], APPS),
        of("authentication.k8s.io", vec!["v1"], AUTHENTICATION),
        of("authorization.k8s.io", vec!["v1"], AUTHORIZATION),
        of("batch", vec!["v1"], BATCH),
    ];
    let metrics = match estate.metrics {
        MetricsApi::Absent => Vec::new(),
        MetricsApi::Serving(version) => vec![version],
        MetricsApi::Down => vec!["v1beta1"],
        MetricsApi::PreferredDown { preferred, serving } => vec![preferred, serving],
    };
    groups.extend((!metrics.is_empty()).then(|| of(METRICS_GROUP, metrics, METRICS)));
    groups
}

/// Whether the server of this version of a group does not respond.
fn is_down(group: &str, version: &str, estate: &Estate) -> bool {
    let metrics = match estate.metrics {
        MetricsApi::Absent | MetricsApi::Serving(_) => false,
        MetricsApi::Down => true,
        MetricsApi::PreferredDown { preferred, .. } => version == preferred,
    };
    group == METRICS_GROUP && metrics
}

/// The response, if the path belongs to discovery.
pub(crate) fn answer(path: &str, estate: &Estate) -> Option<Answer> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts[..] {
        ["version"] => Some(Recorded::named("version").answer()),
        ["healthz" | "livez" | "readyz"] => Some(Answer::text(200, "ok")),
        ["api"] => Some(Answer::json(200, &json!({"kind": "APIVersions", "versions": ["v1"]}))),
        ["apis"] => {
            let groups: Vec<Value> = groups(estate).iter().map(Group::value).collect();
            Some(Answer::json(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})))
        }
        ["api", "v1"] => Some(resources("v1", CORE)),
        ["apis", asked] => {
            let found = groups(estate).into_iter().find(|group| group.name == asked);
            Some(found.map_or_else(Answer::no_page, |found| {
                let mut group = found.value();
                group["kind"] = "APIGroup".into();
                group["apiVersion"] = "v1".into();
                Answer::json(200, &group)
            }))
        }
        ["apis", asked, of] => {
            if is_down(asked, of, estate) {
                return Some(down());
            }
            let found =
                groups(estate).into_iter().find(|group| group.name == asked && group.versions.contains(&of));
            Some(
                found.map_or_else(Answer::no_page, |group| {
                    resources(&format!("{asked}/{of}"), group.resources)
                }),
            )
        }
        _ => None,
    }
}

/// The response to a path of a group that is missing or down.
pub(crate) fn missing_group(target: &Target, estate: &Estate) -> Option<Answer> {
    if is_down(&target.group, &target.version, estate) {
        return Some(down());
    }
    let there = match target.group.as_str() {
        "" => target.version == "v1",
        asked => groups(estate)
            .iter()
            .any(|group| group.name == asked && group.versions.contains(&target.version.as_str())),
    };
    (!there).then(Answer::no_page)
}

fn down() -> Answer {
    Recorded::named("metrics_503").answer()
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

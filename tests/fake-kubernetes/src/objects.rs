//! The objects of the estate by resource, and single objects.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::cadvisor;
use crate::estate::{Container, Estate, Gap, Key, Kind, Node, Pod, Workload};
use crate::recorded::Recorded;
use crate::target::Target;

/// A served kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Pods,
    Nodes,
    Namespaces,
    ConfigMaps,
    Events,
    Workloads(Kind),
    PodMetrics,
    NodeMetrics,
}

impl Resource {
    pub(crate) fn of(target: &Target) -> Option<Self> {
        let kind = |kind: &Kind| kind.group() == target.group && kind.resource() == target.resource;
        match (target.group.as_str(), target.resource.as_str()) {
            ("", "pods") => Some(Self::Pods),
            ("", "nodes") => Some(Self::Nodes),
            ("", "namespaces") => Some(Self::Namespaces),
            ("", "configmaps") => Some(Self::ConfigMaps),
            ("", "events") => Some(Self::Events),
            ("metrics.k8s.io", "pods") => Some(Self::PodMetrics),
            ("metrics.k8s.io", "nodes") => Some(Self::NodeMetrics),
            _ => Kind::ALL.into_iter().find(kind).map(Self::Workloads),
        }
    }

    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Pods => "Pod",
            Self::Nodes => "Node",
            Self::Namespaces => "Namespace",
            Self::ConfigMaps => "ConfigMap",
            Self::Events => "Event",
            Self::Workloads(kind) => kind.name(),
            Self::PodMetrics => "PodMetrics",
            Self::NodeMetrics => "NodeMetrics",
        }
    }

    /// Whether it is served by metrics-server, which neither pages nor compresses.
    pub(crate) fn is_metrics(self) -> bool {
        matches!(self, Self::PodMetrics | Self::NodeMetrics)
    }

    /// The keys of all objects, in the order of a list.
    pub(crate) fn keys(self, estate: &Estate) -> Vec<Key> {
        let stored = |resource: &str| {
            estate.stored.keys().filter(|(known, _)| *known == resource).map(|(_, key)| key.clone()).collect()
        };
        match self {
            Self::Pods => estate.pods.keys().cloned().collect(),
            Self::Nodes => estate.nodes.keys().cloned().collect(),
            Self::Namespaces => stored("namespaces"),
            Self::ConfigMaps => stored("configmaps"),
            Self::Events => stored("events"),
            Self::Workloads(kind) => estate
                .workloads
                .keys()
                .filter(|(known, _)| *known == kind)
                .map(|(_, key)| key.clone())
                .collect(),
            Self::PodMetrics => {
                measured(estate).map(|pod| (pod.namespace.clone(), pod.name.clone())).collect()
            }
            Self::NodeMetrics => {
                let mut names: Vec<Key> =
                    measured(estate).filter_map(|pod| Some((String::new(), pod.node.clone()?))).collect();
                names.sort_unstable();
                names
            }
        }
    }

    /// One object, without `kind` and `apiVersion`: objects in a list have neither.
    pub(crate) fn value(self, estate: &Estate, key: &Key) -> Option<Value> {
        let stored = |resource: &'static str| estate.stored.get(&(resource, key.clone())).cloned();
        match self {
            Self::Pods => estate.pods.get(key).map(Pod::value),
            Self::Nodes => estate.nodes.get(key).map(Node::value),
            Self::Namespaces => stored("namespaces"),
            Self::ConfigMaps => stored("configmaps"),
            Self::Events => stored("events"),
            Self::Workloads(kind) => estate.workloads.get(&(kind, key.clone())).map(Workload::value),
            Self::PodMetrics => {
                let pod = estate.pods.get(key).filter(|pod| is_measured(pod))?;
                Some(pod_metrics(pod, estate))
            }
            Self::NodeMetrics => {
                let pod = measured(estate).find(|pod| pod.node.as_deref() == Some(&key.1))?;
                Some(node_metrics(pod, &key.1, estate))
            }
        }
    }
}

/// metrics-server omits pods that do not run, that it has not scraped twice, or that have a
/// container without usage.
fn is_measured(pod: &Pod) -> bool {
    let is_listed = pod.gap.is_some() || pod.containers.iter().any(|one| one.usage.is_some());
    pod.scraped && pod.phase == "Running" && is_listed
}

fn measured(estate: &Estate) -> impl Iterator<Item = &Pod> {
    estate.pods.values().filter(|pod| is_measured(pod))
}

fn sampled(metadata: &Value, estate: &Estate) -> Value {
    // Like metrics-server: creationTimestamp is now, and the sample is some seconds old.
    let now = estate.time();
    let text = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut value = json!({"metadata": metadata});
    value["metadata"]["creationTimestamp"] = text(now).into();
    value["timestamp"] = text(now - jiff::SignedDuration::from_secs(12)).into();
    value["window"] = "14.713s".into();
    value
}

fn pod_metrics(pod: &Pod, estate: &Estate) -> Value {
    let metadata = json!({"name": pod.name, "namespace": pod.namespace, "labels": pod.all_labels()});
    let mut value = sampled(&metadata, estate);
    let sidecars = pod.init_containers.iter().filter(|one| one.restart_policy.is_some());
    let usage = pod.containers.iter().chain(sidecars).filter_map(|one| {
        let usage = one.usage?;
        let (cpu, memory) = (format!("{}n", usage.cpu_nanocores), format!("{}Ki", usage.memory_kib));
        // Go writes a zero without a suffix.
        let cpu = if usage.cpu_nanocores == 0 { "0".to_owned() } else { cpu };
        Some(json!({"name": one.name, "usage": {"cpu": cpu, "memory": memory}}))
    });
    value["containers"] = match pod.gap {
        None => usage.collect::<Vec<_>>().into(),
        Some(Gap::NoContainers) => json!([]),
        Some(Gap::NullUsage) => {
            let null = |one: &Container| json!({"name": one.name, "usage": {"cpu": null, "memory": null}});
            pod.containers.iter().map(null).collect::<Vec<_>>().into()
        }
    };
    value
}

/// The pod's usage and the node's own: 20 millicores and 60 MiB.
fn node_metrics(pod: &Pod, node: &str, estate: &Estate) -> Value {
    let used = |of: fn(&crate::estate::Usage) -> u64| -> u64 {
        pod.containers.iter().filter_map(|one| one.usage.as_ref().map(of)).sum()
    };
    let mut value =
        sampled(&json!({"name": node, "labels": {"eks.amazonaws.com/compute-type": "fargate"}}), estate);
    let cpu = used(|usage| usage.cpu_nanocores) + 20_000_000;
    let memory = used(|usage| usage.memory_kib) + 61_440;
    value["usage"] = json!({"cpu": format!("{cpu}n"), "memory": format!("{memory}Ki")});
    value
}

/// One object, or one page of a kubelet.
pub(crate) fn answer(target: &Target, estate: &Estate) -> Answer {
    if target.resource == "nodes" && target.subresource == "proxy" {
        return proxied(target, estate);
    }
    if target.resource == "pods" && target.subresource == "log" {
        return log(target, estate);
    }
    let found = Resource::of(target).filter(|_| target.subresource.is_empty()).and_then(|resource| {
        let key = (target.namespace.clone(), target.name.clone());
        let mut value = resource.value(estate, &key)?;
        value["kind"] = resource.kind().into();
        value["apiVersion"] = api_version(&target.group, &target.version).into();
        Some(Answer::json(200, &value))
    });
    found.unwrap_or_else(|| Answer::not_found(&qualified(target), &target.name))
}

/// `pods`, `deployments.apps`.
pub(crate) fn qualified(target: &Target) -> String {
    let Target { group, resource, .. } = target;
    if group.is_empty() { resource.clone() } else { format!("{resource}.{group}") }
}

/// `v1`, `apps/v1`.
pub(crate) fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// The log of a container, as the API server returns it (`readNamespacedPodLog`).
fn log(target: &Target, estate: &Estate) -> Answer {
    let key = (target.namespace.clone(), target.name.clone());
    let Some(pod) = estate.pods.get(&key) else { return Answer::not_found("pods", &target.name) };
    let names: Vec<&str> = pod.containers.iter().map(|container| container.name.as_str()).collect();
    let container = match (target.parameter("container"), &names[..]) {
        (Some(name), _) => name,
        (None, [one]) => one,
        (None, _) => {
            let message = format!(
                "a container name must be specified for pod {}, choose one of: [{}]",
                target.name,
                names.join(" ")
            );
            return Answer::failure(400, "BadRequest", &message);
        }
    };
    let previous = target.parameter("previous") == Some("true");
    let Some(text) = estate.logs.get(&(key, container.to_owned(), previous)) else {
        let what = if previous { "previous terminated container" } else { "container" };
        let message = format!("{what} {container:?} in pod {:?} not found", target.name);
        return Answer::failure(400, "BadRequest", &message);
    };
    let lines: Vec<&str> = text.lines().collect();
    let tail = target.parameter("tailLines").and_then(|lines| lines.parse().ok()).unwrap_or(usize::MAX);
    let last = lines[lines.len().saturating_sub(tail)..].join("\n");
    let most = target.parameter("limitBytes").and_then(|bytes| bytes.parse().ok()).unwrap_or(usize::MAX);
    Answer::new(200, "text/plain", last.into_bytes().into_iter().take(most).collect::<Vec<u8>>())
}

fn proxied(target: &Target, estate: &Estate) -> Answer {
    let node = estate.nodes.get(&(String::new(), target.name.clone()));
    match (node, target.rest.as_str()) {
        (None, _) => Answer::not_found("nodes", &target.name),
        (Some(node), _) if !node.reachable => {
            let message = format!(
                "error trying to reach service: dial tcp {}:10250: connect: connection refused",
                node.address
            );
            Answer::failure(503, "ServiceUnavailable", &message)
        }
        (Some(node), "/metrics/cadvisor") => cadvisor::page(node, estate),
        (Some(_), _) => Recorded::named("proxy_kubelet_404").answer(),
    }
}

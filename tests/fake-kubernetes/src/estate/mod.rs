//! What is served: the objects of a cluster on Fargate, in the terms of the tests.

mod container;
mod node;
mod pod;
mod seeded;
mod template;
mod workload;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::identity::Identity;
use crate::recorded::{Recorded, recorded};

pub use container::{Container, ContainerState, Counters, Second, Terminated, Usage};
pub use node::Node;
pub use pod::{Gap, Network, Owner, Pod};
pub(crate) use template::uid;
pub use workload::{Kind, Workload};

/// Namespace and name; the namespace of a cluster-scoped object is empty.
pub(crate) type Key = (String, String);

/// The state of the group metrics.k8s.io.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsApi {
    /// Served as `v1beta1` (metrics-server up to Kubernetes 1.36) or `v1`.
    Serving(&'static str),
    /// Not installed: the group is in no list, and its paths return 404 as text.
    Absent,
    /// Installed, but its server does not respond: 503 as text.
    Down,
    /// Two versions, of which the preferred one does not respond: each version has its own server.
    PreferredDown {
        /// The server's preferred version.
        preferred: &'static str,
        /// The version that responds.
        serving: &'static str,
    },
}

/// The cluster.
#[derive(Clone, Debug)]
pub struct Estate {
    /// Its name, for which the token has to be signed.
    pub cluster: String,
    /// Its time; `None` for the system's clock.
    pub now: Option<Timestamp>,
    /// The instant of that time on tokio's clock, with which it continues; `None` if it is fixed.
    pub ticking_since: Option<Instant>,
    /// When cAdvisor read its counters; by default the cluster's time.
    pub cadvisor_at: Option<Timestamp>,
    /// Names and addresses of the server's certificate.
    pub server_names: Vec<String>,
    /// Whether that certificate has expired.
    pub certificate_expired: bool,
    /// Delay before each response.
    pub latency: Duration,
    /// The maximum number of objects on a page, if less than requested.
    pub page: Option<usize>,
    /// The principals with access entries.
    pub identities: Vec<Identity>,
    /// How usage is served.
    pub metrics: MetricsApi,
    /// Responses of the real server, by path, in place of generated ones.
    pub recorded: BTreeMap<String, &'static Recorded>,
    /// Whether a response is made once and kept until the estate changes: for measurements of the
    /// client.
    pub keep_answers: bool,
    pub(crate) pods: BTreeMap<Key, Pod>,
    pub(crate) nodes: BTreeMap<Key, Node>,
    pub(crate) workloads: BTreeMap<(Kind, Key), Workload>,
    /// Namespaces, `ConfigMaps` and events, as written.
    pub(crate) stored: BTreeMap<(&'static str, Key), Value>,
    /// What containers wrote: by pod, container, and whether of the instance before.
    pub(crate) logs: BTreeMap<(Key, String, bool), String>,
}

/// An event about a pod.
#[derive(Clone, Copy, Debug)]
pub struct EventSpec<'a> {
    /// `Normal` or `Warning`.
    pub r#type: &'a str,
    /// In one word.
    pub reason: &'a str,
    /// In a sentence.
    pub message: &'a str,
    /// How often it was reported.
    pub count: u32,
    /// When it was last reported.
    pub last_at: Timestamp,
}

impl Default for Estate {
    fn default() -> Self {
        let mut estate = Self {
            cluster: "shop".to_owned(),
            now: None,
            ticking_since: None,
            cadvisor_at: None,
            server_names: vec!["127.0.0.1".to_owned(), "localhost".to_owned()],
            certificate_expired: false,
            latency: Duration::ZERO,
            page: None,
            identities: vec![Identity::collector()],
            metrics: MetricsApi::Serving("v1beta1"),
            recorded: BTreeMap::new(),
            keep_answers: false,
            pods: BTreeMap::new(),
            nodes: BTreeMap::new(),
            workloads: BTreeMap::new(),
            logs: BTreeMap::new(),
            stored: BTreeMap::new(),
        };
        for name in ["default", "kube-system"] {
            estate.place_namespace(name);
        }
        estate
    }
}

impl Estate {
    /// Sets the log of a container: of the current instance, or of the one before.
    pub fn write_log(&mut self, namespace: &str, pod: &str, container: &str, previous: bool, text: &str) {
        let key = ((namespace.to_owned(), pod.to_owned()), container.to_owned(), previous);
        self.logs.insert(key, text.to_owned());
    }

    /// Recorded responses wherever they exist, and nothing else.
    pub fn recorded() -> Self {
        let recorded = recorded().iter().map(|one| (one.path.to_owned(), one)).collect();
        Self { recorded, ..Self::default() }
    }

    /// Changes it before it is served.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Removes all pods, nodes and workloads.
    pub fn clear(&mut self) {
        (self.pods, self.nodes, self.workloads) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    }

    /// The time of the cluster.
    pub(crate) fn time(&self) -> Timestamp {
        let elapsed = self.ticking_since.map(|since| SignedDuration::try_from(since.elapsed()).unwrap());
        self.now.unwrap_or_else(Timestamp::now) + elapsed.unwrap_or_default()
    }

    /// Adds a pod, its namespace, and the node that it is bound to.
    pub fn place(&mut self, pod: Pod) {
        self.place_namespace(&pod.namespace.clone());
        if let Some(node) = &pod.node {
            let key = (String::new(), node.clone());
            self.nodes.entry(key).or_insert_with(|| Node::of(&pod, node));
        }
        self.pods.insert((pod.namespace.clone(), pod.name.clone()), pod);
    }

    /// Removes a pod together with its node, as Fargate does.
    pub fn remove(&mut self, namespace: &str, name: &str) -> Option<Pod> {
        let pod = self.pods.remove(&(namespace.to_owned(), name.to_owned()))?;
        if let Some(node) = &pod.node {
            self.nodes.remove(&(String::new(), node.clone()));
        }
        Some(pod)
    }

    /// A pod, to read or change.
    pub fn pod(&mut self, namespace: &str, name: &str) -> Option<&mut Pod> {
        self.pods.get_mut(&(namespace.to_owned(), name.to_owned()))
    }

    /// All pods in the order of a list.
    pub fn pods(&self) -> impl Iterator<Item = &Pod> {
        self.pods.values()
    }

    /// All pods, to change.
    pub fn pods_mut(&mut self) -> impl Iterator<Item = &mut Pod> {
        self.pods.values_mut()
    }

    /// A node, to read or change.
    pub fn node(&mut self, name: &str) -> Option<&mut Node> {
        self.nodes.get_mut(&(String::new(), name.to_owned()))
    }

    /// All nodes in the order of a list.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// Adds a workload and its namespace.
    pub fn place_workload(&mut self, workload: Workload) {
        self.place_namespace(&workload.namespace.clone());
        let key = (workload.namespace.clone(), workload.name.clone());
        self.workloads.insert((workload.kind, key), workload);
    }

    /// Adds a namespace.
    pub fn place_namespace(&mut self, name: &str) {
        let metadata = json!({
            "name": name,
            "uid": template::uid(&["namespace", name]),
            "resourceVersion": "12",
            "creationTimestamp": "2026-01-05T08:00:00Z",
            "labels": {"kubernetes.io/metadata.name": name},
        });
        let value = json!({"metadata": metadata, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}});
        self.stored.entry(("namespaces", (String::new(), name.to_owned()))).or_insert(value);
    }

    /// Begins the deletion of a namespace: it stays until its contents are deleted.
    pub fn terminate_namespace(&mut self, name: &str) {
        let namespace = self.stored_mut("namespaces", "", name).unwrap();
        namespace["status"]["phase"] = "Terminating".into();
        namespace["metadata"]["deletionTimestamp"] = "2026-01-05T08:00:00Z".into();
    }

    /// Adds a `ConfigMap` and its namespace.
    pub fn place_config_map(&mut self, namespace: &str, name: &str, data: &[(&str, &str)]) {
        self.place_namespace(namespace);
        let data: serde_json::Map<String, Value> =
            data.iter().map(|&(key, value)| (key.to_owned(), value.into())).collect();
        let metadata = json!({
            "name": name,
            "namespace": namespace,
            "uid": template::uid(&["configmap", namespace, name]),
            "resourceVersion": "229",
            "creationTimestamp": "2026-01-05T08:00:00Z",
        });
        let key = ("configmaps", (namespace.to_owned(), name.to_owned()));
        self.stored.insert(key, json!({"metadata": metadata, "data": data}));
    }

    /// Adds an event about an existing pod, in the form of the kubelet: type, reason, message, how
    /// often, and when last.
    pub fn place_event(&mut self, namespace: &str, pod: &str, event: &EventSpec<'_>) {
        let EventSpec { r#type, reason, message, count, last_at } = *event;
        let uid = template::uid(&["pod", namespace, pod]);
        let at = last_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        // Like the kubelet: the pod's name and a number of its own.
        let number = self.stored.keys().filter(|(known, _)| *known == "events").count();
        let name = format!("{pod}.17c{number:013x}");
        let component = if reason == "FailedScheduling" { "fargate-scheduler" } else { "kubelet" };
        // Like the kubelet: what is about a container names it.
        let is_of_container = ["Unhealthy", "Killing", "Failed", "BackOff"].contains(&reason);
        let known =
            self.pods().find(|known| (known.namespace.as_str(), known.name.as_str()) == (namespace, pod));
        let container = known.filter(|_| is_of_container).and_then(|known| known.containers.first());
        let field_path = container.map(|container| format!("spec.containers{{{}}}", container.name));
        let mut value = json!({
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": template::uid(&["event", namespace, &name]),
                "resourceVersion": "230",
                "creationTimestamp": at,
            },
            "involvedObject": {"kind": "Pod", "namespace": namespace, "name": pod, "uid": uid, "apiVersion": "v1"},
            "reason": reason,
            "message": message,
            "source": {"component": component},
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": count,
            "type": r#type,
            "eventTime": null,
            "reportingComponent": component,
            "reportingInstance": "",
        });
        if let Some(path) = field_path {
            value["involvedObject"]["fieldPath"] = path.into();
        }
        self.stored.insert(("events", (namespace.to_owned(), name)), value);
    }

    /// All events, to change.
    pub fn events_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.stored.iter_mut().filter(|((resource, _), _)| *resource == "events").map(|(_, event)| event)
    }

    /// Adds a warning about an existing pod.
    pub fn warn(&mut self, namespace: &str, pod: &str, reason: &str, message: &str, last_at: Timestamp) {
        let event = EventSpec { r#type: "Warning", reason, message, count: 3, last_at };
        self.place_event(namespace, pod, &event);
    }

    /// A namespace (namespace empty) or a `ConfigMap` as stored.
    pub fn stored(&self, resource: &'static str, namespace: &str, name: &str) -> Option<&Value> {
        self.stored.get(&(resource, (namespace.to_owned(), name.to_owned())))
    }

    /// The same, to change.
    pub fn stored_mut(&mut self, resource: &'static str, namespace: &str, name: &str) -> Option<&mut Value> {
        self.stored.get_mut(&(resource, (namespace.to_owned(), name.to_owned())))
    }
}

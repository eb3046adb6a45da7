//! A pod of Fargate, and its failure states.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::container::{Container, ContainerState, Second, Terminated};
use super::template::{POD, time, uid};

/// The controller of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// `ReplicaSet`, `StatefulSet`, `Job`.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// cAdvisor's counters for a pod's network since it started, without loopback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Bytes received.
    pub received: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received and sent by a second interface, if there is one.
    pub second: Option<Second>,
}

/// What metrics-server lists for a pod in place of its usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// No container.
    NoContainers,
    /// Containers with `null` for CPU and memory.
    NullUsage,
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `metadata.generateName`.
    pub generate_name: Option<String>,
    /// Labels in addition to those of Fargate.
    pub labels: BTreeMap<String, String>,
    /// Its controller.
    pub owner: Option<Owner>,
    /// Name of its node; `None` while it is not scheduled.
    pub node: Option<String>,
    /// Label `eks.amazonaws.com/fargate-profile`.
    pub fargate_profile: Option<String>,
    /// Annotation `CapacityProvisioned`.
    pub capacity_provisioned: Option<String>,
    /// Annotation `Logging`.
    pub logging: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed`.
    pub phase: String,
    /// Reason of the phase, such as `Evicted`.
    pub reason: Option<String>,
    /// Message of the phase.
    pub message: Option<String>,
    /// Creation.
    pub created_at: Timestamp,
    /// `status.startTime`.
    pub started_at: Option<Timestamp>,
    /// `metadata.deletionTimestamp`.
    pub deleted_at: Option<Timestamp>,
    /// When `Ready` became false, if not at its start.
    pub unready_since: Option<Timestamp>,
    /// Whether the kubelet accepted it: a rejected pod has no container statuses, and only the
    /// scheduler's condition.
    pub admitted: bool,
    /// The node that a `DaemonSet` pod is for (node affinity).
    pub for_node: Option<String>,
    /// Reason and message of a false `PodScheduled`.
    pub unscheduled: Option<(String, String)>,
    /// Containers.
    pub containers: Vec<Container>,
    /// Init containers and sidecars.
    pub init_containers: Vec<Container>,
    /// Whether metrics-server has it; it never has its own pod.
    pub scraped: bool,
    /// What is listed for it in place of its usage.
    pub gap: Option<Gap>,
    /// `None` if cAdvisor has no row for it.
    pub network: Option<Network>,
}

impl Pod {
    /// A pod that has been running since this time on its own node.
    pub fn running(namespace: &str, name: &str, containers: Vec<Container>, since: Timestamp) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            generate_name: None,
            labels: BTreeMap::new(),
            owner: None,
            node: Some(node_name(namespace, name)),
            fargate_profile: Some("fp-default".to_owned()),
            capacity_provisioned: Some("0.5vCPU 1GB".to_owned()),
            logging: Some("LoggingEnabled".to_owned()),
            phase: "Running".to_owned(),
            reason: None,
            message: None,
            created_at: since - SignedDuration::from_secs(70),
            started_at: Some(since),
            deleted_at: None,
            unready_since: None,
            admitted: true,
            for_node: None,
            unscheduled: None,
            containers,
            init_containers: Vec::new(),
            scraped: true,
            gap: None,
            network: None,
        }
    }

    /// A pod that Fargate has not accepted yet, and the reason.
    #[must_use]
    pub fn pending(mut self, reason: &str, message: &str) -> Self {
        "Pending".clone_into(&mut self.phase);
        (self.node, self.started_at) = (None, None);
        (self.capacity_provisioned, self.logging) = (None, None);
        self.unscheduled = Some((reason.to_owned(), message.to_owned()));
        self.scraped = false;
        self
    }

    /// A pod whose first container was OOM-killed, waits, and will be restarted.
    #[must_use]
    pub fn crash_looping(self, restarts: u32, finished_at: Timestamp) -> Self {
        let mut pod = self.oom_killed(restarts, finished_at);
        if let Some(first) = pod.containers.first_mut() {
            first.state = ContainerState::Waiting {
                reason: "CrashLoopBackOff".to_owned(),
                message: format!("back-off 5m0s restarting failed container={}", first.name),
            };
            first.usage = None;
        }
        pod
    }

    /// A pod whose first container was OOM-killed and runs again.
    #[must_use]
    pub fn oom_killed(mut self, restarts: u32, finished_at: Timestamp) -> Self {
        if let Some(first) = self.containers.first_mut() {
            first.restart_count = restarts;
            first.last = Some(Terminated {
                reason: "OOMKilled".to_owned(),
                exit_code: 137,
                started_at: finished_at - SignedDuration::from_mins(1),
                finished_at,
            });
            first.state = ContainerState::Running(finished_at + SignedDuration::from_secs(1));
        }
        self
    }

    /// A completed pod.
    #[must_use]
    pub fn completed(mut self, finished_at: Timestamp) -> Self {
        "Succeeded".clone_into(&mut self.phase);
        self.scraped = false;
        let started_at = self.started_at.unwrap_or(self.created_at);
        for container in &mut self.containers {
            let reason = "Completed".to_owned();
            container.state =
                ContainerState::Terminated(Terminated { reason, exit_code: 0, started_at, finished_at });
        }
        self
    }

    /// A pod whose container statuses are lost, as after an eviction: only the conditions have the
    /// time.
    #[must_use]
    pub fn evicted(mut self, at: Timestamp) -> Self {
        self = self.completed(Timestamp::UNIX_EPOCH);
        "Failed".clone_into(&mut self.phase);
        (self.reason, self.unready_since) = (Some("Evicted".to_owned()), Some(at));
        self.message = Some("The node was low on resource: ephemeral-storage.".to_owned());
        for container in &mut self.containers {
            let ContainerState::Terminated(end) = &mut container.state else { continue };
            "ContainerStatusUnknown".clone_into(&mut end.reason);
            end.exit_code = 137;
        }
        self
    }

    /// A pod that its kubelet rejected.
    #[must_use]
    pub fn refused(mut self, reason: &str, message: &str) -> Self {
        "Failed".clone_into(&mut self.phase);
        (self.reason, self.message) = (Some(reason.to_owned()), Some(message.to_owned()));
        (self.admitted, self.scraped, self.capacity_provisioned) = (false, false, None);
        self
    }

    /// A pod that metrics-server has not seen yet.
    #[must_use]
    pub fn not_scraped(mut self) -> Self {
        self.scraped = false;
        self
    }

    /// Adds an init container that has ended.
    #[must_use]
    pub fn with_init(mut self, mut container: Container) -> Self {
        let started_at = self.created_at;
        let reason = "Completed".to_owned();
        let end = Terminated { reason, exit_code: 0, started_at, finished_at: started_at };
        container.state = ContainerState::Terminated(end);
        container.usage = None;
        self.init_containers.push(container);
        self
    }

    /// Adds an init container that keeps running.
    #[must_use]
    pub fn with_sidecar(mut self, mut container: Container) -> Self {
        container.restart_policy = Some("Always".to_owned());
        self.init_containers.push(container);
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn labelled(mut self, name: &str, value: &str) -> Self {
        self.labels.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets its controller.
    #[must_use]
    pub fn owned_by(mut self, kind: &str, name: &str) -> Self {
        self.owner = Some(Owner { kind: kind.to_owned(), name: name.to_owned() });
        self
    }

    /// Sets cAdvisor's counters for its network.
    #[must_use]
    pub fn transferring(mut self, received: u64, sent: u64) -> Self {
        self.network = Some(Network { received, sent, second: None });
        self
    }

    /// Init containers, including sidecars, and the others.
    pub(crate) fn all_containers(&self) -> impl Iterator<Item = &Container> {
        self.init_containers.iter().chain(&self.containers)
    }

    pub(crate) fn all_labels(&self) -> BTreeMap<String, String> {
        let profile = self.fargate_profile.clone();
        let profile = profile.map(|profile| ("eks.amazonaws.com/fargate-profile".to_owned(), profile));
        self.labels.clone().into_iter().chain(profile).collect()
    }

    pub(crate) fn value(&self) -> Value {
        let mut pod = POD.clone();
        pod["metadata"] = self.metadata(&pod["metadata"]["managedFields"]);
        let templates = pod["spec"]["containers"].take();
        let spec = |containers: &[Container]| -> Value {
            containers
                .iter()
                .enumerate()
                .map(|(index, one)| one.spec(&templates[index.min(1)]))
                .collect::<Vec<_>>()
                .into()
        };
        pod["spec"]["containers"] = spec(&self.containers);
        if !self.init_containers.is_empty() {
            pod["spec"]["initContainers"] = spec(&self.init_containers);
        }
        match (&self.node, pod["spec"].as_object_mut()) {
            (Some(node), Some(spec)) => drop(spec.insert("nodeName".to_owned(), node.as_str().into())),
            (None, Some(spec)) => drop(spec.remove("nodeName")),
            (_, None) => {}
        }
        // A pod without a profile is not on Fargate.
        let scheduler =
            if self.fargate_profile.is_some() { "fargate-scheduler" } else { "default-scheduler" };
        pod["spec"]["schedulerName"] = scheduler.into();
        if let Some(node) = &self.for_node {
            let term = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]});
            let required = json!({"nodeSelectorTerms": [term]});
            pod["spec"]["affinity"] =
                json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}});
        }
        pod["status"] = self.status();
        pod
    }

    fn metadata(&self, managed_fields: &Value) -> Value {
        let annotations: BTreeMap<&str, &String> =
            [("CapacityProvisioned", &self.capacity_provisioned), ("Logging", &self.logging)]
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_ref()?)))
                .collect();
        let mut metadata = json!({
            "name": self.name,
            "namespace": self.namespace,
            "uid": uid(&["pod", &self.namespace, &self.name]),
            "resourceVersion": "3593",
            "generation": 1,
            "creationTimestamp": time(self.created_at),
            "labels": self.all_labels(),
            "annotations": annotations,
            "managedFields": managed_fields,
        });
        if let Some(stem) = &self.generate_name {
            metadata["generateName"] = stem.as_str().into();
        }
        if let Some(Owner { kind, name }) = &self.owner {
            let version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
            metadata["ownerReferences"] = json!([{
                "apiVersion": version,
                "kind": kind,
                "name": name,
                "uid": uid(&[kind, &self.namespace, name]),
                "controller": true,
                "blockOwnerDeletion": true,
            }]);
        }
        if let Some(at) = self.deleted_at {
            metadata["deletionTimestamp"] = time(at);
            metadata["deletionGracePeriodSeconds"] = 30.into();
        }
        metadata
    }

    fn status(&self) -> Value {
        let mut status =
            json!({"phase": self.phase, "qosClass": "Burstable", "conditions": self.conditions()});
        if let Some(reason) = &self.reason {
            status["reason"] = reason.as_str().into();
        }
        if let Some(message) = &self.message {
            status["message"] = message.as_str().into();
        }
        if let Some(at) = self.started_at.filter(|_| self.admitted) {
            status["startTime"] = time(at);
            let address = address(&self.namespace, &self.name);
            (status["hostIP"], status["podIP"]) = (address.as_str().into(), address.as_str().into());
            status["podIPs"] = json!([{"ip": address}]);
            let of = |containers: &[Container]| -> Value {
                containers.iter().map(Container::status).collect::<Vec<_>>().into()
            };
            status["containerStatuses"] = of(&self.containers);
            if !self.init_containers.is_empty() {
                status["initContainerStatuses"] = of(&self.init_containers);
            }
        }
        status
    }

    fn conditions(&self) -> Value {
        let condition = |name: &str, met: bool, at: Timestamp| {
            let met = if met { "True" } else { "False" };
            json!({"type": name, "status": met, "lastProbeTime": null, "lastTransitionTime": time(at)})
        };
        if let Some((reason, message)) = &self.unscheduled {
            let mut unscheduled = condition("PodScheduled", false, self.created_at);
            unscheduled["reason"] = reason.as_str().into();
            unscheduled["message"] = message.as_str().into();
            return json!([unscheduled]);
        }
        let at = self.started_at.unwrap_or(self.created_at);
        if !self.admitted {
            return json!([condition("PodScheduled", true, at)]);
        }
        let ready = self.phase == "Running" && self.containers.iter().all(Container::runs);
        let unready = self.unready_since.unwrap_or(at);
        json!([
            condition("PodReadyToStartContainers", ready, at),
            condition("Initialized", true, at),
            condition("Ready", ready, unready),
            condition("ContainersReady", ready, unready),
            condition("PodScheduled", true, at),
        ])
    }
}

/// A VPC address for a pod of this name.
pub(crate) fn address(namespace: &str, name: &str) -> String {
    let uid = uid(&["address", namespace, name]);
    let byte = |at: usize| u8::from_str_radix(&uid[at..at + 2], 16).unwrap_or_default();
    format!("192.{}.{}.{}", 160 + u16::from(byte(0)) % 64, byte(2), byte(4))
}

fn node_name(namespace: &str, name: &str) -> String {
    format!("fargate-ip-{}.ec2.internal", address(namespace, name).replace('.', "-"))
}

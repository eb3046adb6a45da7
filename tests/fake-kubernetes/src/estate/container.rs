//! A container: its resources, state and usage.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::template::time;

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminated {
    /// `OOMKilled`, `Error`, `Completed`.
    pub reason: String,
    /// Exit code.
    pub exit_code: i32,
    /// When it had started.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// The state of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerState {
    /// It has been running since this time.
    Running(Timestamp),
    /// It is not running (yet).
    Waiting {
        /// `CrashLoopBackOff`, `ImagePullBackOff`, `ContainerCreating`.
        reason: String,
        /// The kubelet's message.
        message: String,
    },
    /// It has ended.
    Terminated(Terminated),
}

/// Usage of a container, as measured by metrics-server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Nanocores.
    pub cpu_nanocores: u64,
    /// Working set in KiB.
    pub memory_kib: u64,
}

/// cAdvisor's counters for a container since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// CPU in milliseconds.
    pub cpu_milliseconds: u64,
    /// Scheduler periods (CFS) in which it ran; shown if it has a CPU limit.
    pub cfs_periods: u64,
    /// Those of them in which it was throttled.
    pub cfs_throttled_periods: u64,
    /// Bytes read from disks.
    pub disk_read: u64,
    /// Bytes written to disks.
    pub disk_written: u64,
    /// Bytes read from and written to a second disk, if there is one.
    pub second_disk: Option<Second>,
}

/// An additional disk or interface, which comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Second {
    /// Its number.
    pub number: u32,
    /// Bytes read or received.
    pub inward: u64,
    /// Bytes written or sent.
    pub outward: u64,
}

impl Counters {
    /// Both together.
    pub(crate) fn and(self, other: &Self) -> Self {
        Self {
            cpu_milliseconds: self.cpu_milliseconds + other.cpu_milliseconds,
            cfs_periods: self.cfs_periods + other.cfs_periods,
            cfs_throttled_periods: self.cfs_throttled_periods + other.cfs_throttled_periods,
            disk_read: self.disk_read + other.disk_read,
            disk_written: self.disk_written + other.disk_written,
            second_disk: self.second_disk.or(other.second_disk),
        }
    }
}

/// A container of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Name.
    pub name: String,
    /// Image.
    pub image: String,
    /// Quantities by resource.
    pub requests: Vec<(String, String)>,
    /// Quantities by resource.
    pub limits: Vec<(String, String)>,
    /// `Always` makes an init container a sidecar.
    pub restart_policy: Option<String>,
    /// State.
    pub state: ContainerState,
    /// How it ended before.
    pub last: Option<Terminated>,
    /// Restarts.
    pub restart_count: u32,
    /// `None` if it was not scraped yet.
    pub usage: Option<Usage>,
    /// `None` if cAdvisor has no row for it.
    pub counters: Option<Counters>,
    /// Number of the cgroup in which it runs: a new one at each start.
    pub cgroup: u32,
    /// cAdvisor's counters for a run before the restart, in a cgroup that remains for a while; with
    /// its number.
    pub left_behind: Option<(u32, Counters)>,
}

impl Container {
    /// A running container with equal requests and limits of cpu and memory.
    pub fn running(name: &str, cpu: &str, memory: &str, since: Timestamp) -> Self {
        let both = vec![("cpu".to_owned(), cpu.to_owned()), ("memory".to_owned(), memory.to_owned())];
        Self {
            name: name.to_owned(),
            image: format!("docker.io/library/{name}:latest"),
            requests: both.clone(),
            limits: both,
            restart_policy: None,
            state: ContainerState::Running(since),
            last: None,
            restart_count: 0,
            usage: Some(Usage { cpu_nanocores: 1_234_567, memory_kib: 20_000 }),
            counters: None,
            cgroup: 0,
            left_behind: None,
        }
    }

    /// Sets its usage.
    #[must_use]
    pub fn using(mut self, cpu_nanocores: u64, memory_kib: u64) -> Self {
        self.usage = Some(Usage { cpu_nanocores, memory_kib });
        self
    }

    /// Sets cAdvisor's counters for it.
    #[must_use]
    pub fn counting(mut self, counters: Counters) -> Self {
        self.counters = Some(counters);
        self
    }

    pub(crate) fn limits_cpu(&self) -> bool {
        self.limits.iter().any(|(resource, _)| resource == "cpu")
    }

    pub(crate) fn runs(&self) -> bool {
        matches!(self.state, ContainerState::Running(_))
    }

    /// Its part of the pod's `spec`, written over one from the real server.
    pub(crate) fn spec(&self, template: &Value) -> Value {
        let quantities = |of: &[(String, String)]| -> Value {
            of.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect::<Map<_, _>>().into()
        };
        let mut spec = template.clone();
        spec["name"] = self.name.as_str().into();
        spec["image"] = self.image.as_str().into();
        let mut resources = Map::new();
        for (name, of) in [("limits", &self.limits), ("requests", &self.requests)] {
            if !of.is_empty() {
                resources.insert(name.to_owned(), quantities(of));
            }
        }
        spec["resources"] = resources.into();
        if let Some(policy) = &self.restart_policy {
            spec["restartPolicy"] = policy.as_str().into();
        }
        spec
    }

    /// Its part of the pod's `status`.
    pub(crate) fn status(&self) -> Value {
        let state = match &self.state {
            ContainerState::Running(since) => json!({"running": {"startedAt": time(*since)}}),
            ContainerState::Waiting { reason, message } => {
                json!({"waiting": {"reason": reason, "message": message}})
            }
            ContainerState::Terminated(end) => json!({"terminated": end.value()}),
        };
        let last = self.last.as_ref().map_or_else(|| json!({}), |end| json!({"terminated": end.value()}));
        json!({
            "name": self.name,
            "state": state,
            "lastState": last,
            "ready": self.runs(),
            "restartCount": self.restart_count,
            "image": self.image,
            "imageID": format!("{}@sha256:1988fe441d11068397de86c0c8282a0269ec2f071133143cfaac20e74765ae79", self.image),
            "containerID": "containerd://15cc221274ddc332f650872c3be08f55cedeba2a0d5401d770c4b6e043fe90a6",
            "started": self.runs(),
        })
    }
}

impl Terminated {
    fn value(&self) -> Value {
        json!({
            "exitCode": self.exit_code,
            "reason": self.reason,
            "startedAt": time(self.started_at),
            "finishedAt": time(self.finished_at),
            "containerID": "containerd://68f4bbf68dad5b200a496710a910ea0b76d8d7af7e57cf69e73bf8e1222cb0aa",
        })
    }
}

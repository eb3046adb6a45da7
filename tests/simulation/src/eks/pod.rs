//! A pod of a simulated cluster: its state, and its representation in the API server.

use fake_kubernetes::{self as fake, Container, ContainerState, Gap, Terminated};
use jiff::{SignedDuration, Timestamp};

use super::cadvisor::Counting;
use crate::clock::{Minute, at};

/// What a pod on Fargate may use: half a core and 1 GiB.
pub(super) const NANOCORES: i64 = 500_000_000;
pub(super) const KIB: i64 = 1 << 20;

/// The subject of a pod, whatever created it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Subject {
    pub(crate) namespace: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) name: &'static str,
}

/// A pod at some minute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pod {
    pub(crate) subject: Subject,
    pub(crate) name: String,
    /// Its `generateName`.
    pub(super) stem: String,
    /// Kind and name of its controller.
    pub(super) owner: Option<(&'static str, String)>,
    /// The label with the hash of its template.
    pub(super) hash: Option<(&'static str, String)>,
    pub(super) created: Minute,
    pub(super) how: How,
    pub(super) place: Place,
    /// Since when it is being deleted.
    pub(super) deleting: Option<Minute>,
    pub(super) restarts: u32,
    /// The newest end of its container before a restart, and the reason.
    pub(super) last_end: Option<(Minute, &'static str)>,
    /// Its usage: KiB and nanocores.
    pub(super) memory: i64,
    pub(super) cpu: i64,
    pub(super) measured: Measured,
    /// Whether Fargate forwards its logs.
    pub(super) logs: bool,
    /// When it is removed, after it has ended.
    pub(super) cleared: Minute,
    pub(super) counting: Counting,
}

/// Where a pod runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Fargate,
    /// On an EC2 node.
    Node,
    /// No Fargate profile selects it, so it cannot be placed.
    Nowhere,
    /// A `DaemonSet` pod for a Fargate node, which runs none.
    NodeOfFargate,
}

/// The state of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// It has no node: the scheduler's reason.
    Unplaced(&'static str),
    /// It has its node, and its container waits with this reason.
    Waiting(&'static str),
    Running,
    /// Its container ended repeatedly.
    BackOff,
    Ended {
        well: bool,
        at: Minute,
        said: Said,
    },
}

/// What shows when a pod ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Containers,
    /// Its container statuses are lost: it was evicted.
    Conditions,
    /// The same, and a container is still waiting.
    Waiting,
    /// The kubelet refused it.
    Nothing,
}

/// What metrics-server returns for a running pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measured {
    Usage,
    Nothing,
    Without(Gap),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { namespace, kind, name } = self;
        write!(f, "{namespace}/{}/{name}", kind.to_lowercase())
    }
}

impl Pod {
    /// Whether it should run, or continue to run.
    pub(super) fn is_live(&self) -> bool {
        self.deleting.is_none() && !matches!(self.how, How::Ended { .. })
    }

    /// Whether it is ready.
    pub(super) fn is_ready(&self) -> bool {
        self.how == How::Running && self.deleting.is_none()
    }

    /// A minute passes.
    pub(super) fn pass(&mut self, minute: Minute) {
        if self.is_counted() {
            self.counting.pass(&self.name, minute, self.restarts, self.how == How::Running);
        }
    }

    /// Whether cAdvisor shows it: the kubelet has started it, and it has not ended.
    pub(super) fn is_counted(&self) -> bool {
        matches!(self.how, How::Running | How::BackOff)
    }

    pub(super) fn is_fargate(&self) -> bool {
        matches!(self.place, Place::Fargate | Place::NodeOfFargate)
    }

    /// As the API server shows it.
    pub(super) fn fake(&self) -> fake::Pod {
        let (created, started) = (at(self.created), at(self.created) + SignedDuration::from_secs(40));
        let container = Container::running("app", "400m", "700Mi", started);
        let container = container.using(self.cpu.unsigned_abs(), self.memory.unsigned_abs());
        let mut pod = fake::Pod::running(self.subject.namespace, &self.name, vec![container], started);
        pod.generate_name = Some(format!("{}-", self.stem));
        pod.created_at = created;
        pod.deleted_at = self.deleting.map(at);
        if let Some((kind, name)) = &self.owner {
            pod = pod.owned_by(kind, name);
        }
        if let Some((label, hash)) = &self.hash {
            pod = pod.labelled(label, hash);
        }
        match self.place {
            Place::Fargate if self.logs => {}
            Place::Fargate => pod.logging = Some("LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND".to_owned()),
            Place::Node => {
                (pod.fargate_profile, pod.capacity_provisioned, pod.logging) = (None, None, None);
                pod.node = Some("ip-10-0-0-7.eu-west-1.compute.internal".to_owned());
            }
            Place::Nowhere => pod.fargate_profile = None,
            Place::NodeOfFargate => {
                pod.fargate_profile = None;
                pod.for_node = Some("fargate-ip-10-0-1-2.eu-west-1.compute.internal".to_owned());
            }
        }
        (pod.scraped, pod.gap) = match self.measured {
            Measured::Usage => (true, None),
            Measured::Nothing => (false, None),
            Measured::Without(gap) => (true, Some(gap)),
        };
        let first = &mut pod.containers[0];
        first.restart_count = self.restarts;
        first.last = self.last_end.map(|(minute, reason)| ended(reason, 137, started, at(minute)));
        if self.is_counted() {
            first.counters = (self.how == How::Running).then(fake::Counters::default);
            self.counting.show(first);
            pod.network = Some(self.counting.network());
        }
        let first = &mut pod.containers[0];
        match self.how {
            How::Running => pod,
            How::Unplaced(reason) => pod.pending(reason, "0/3 nodes are available"),
            How::Waiting(reason) => {
                first.state = waiting(reason);
                "Pending".clone_into(&mut pod.phase);
                pod.not_scraped()
            }
            How::BackOff => {
                first.state = waiting("CrashLoopBackOff");
                first.usage = None;
                pod
            }
            How::Ended { well, at: minute, said } => {
                let mut pod = match said {
                    Said::Containers => pod.completed(at(minute)),
                    Said::Conditions => pod.evicted(at(minute)),
                    Said::Waiting => {
                        first.state = waiting("CrashLoopBackOff");
                        pod.unready_since = Some(at(minute));
                        pod.not_scraped()
                    }
                    Said::Nothing => pod.refused("NodeAffinity", "Pod was rejected"),
                };
                if well { "Succeeded" } else { "Failed" }.clone_into(&mut pod.phase);
                pod
            }
        }
    }
}

fn waiting(reason: &str) -> ContainerState {
    ContainerState::Waiting { reason: reason.to_owned(), message: format!("it waits: {reason}") }
}

fn ended(reason: &str, exit_code: i32, started_at: Timestamp, finished_at: Timestamp) -> Terminated {
    Terminated { reason: reason.to_owned(), exit_code, started_at, finished_at }
}

//! The life of a cluster: when it exists, what makes it unreadable, and what the API server
//! returns.

use std::time::Duration;

use fake_aws::EksClusterSpec;
use fake_kubernetes::{Effect, Estate, Fault, Identity, MetricsApi, Rights};
use tokio::time::Instant;

use super::pod::{Pod, Subject};
use super::workload::{LONG_AGO, Workload};
use crate::chance::Chance;
use crate::clock::{Minute, at};

/// The lists that may fail separately: their paths, and the kind of workload that is unknown then.
const LISTS: [(&str, &str); 4] = [
    ("/apis/apps/v1/deployments", "Deployment"),
    ("/apis/apps/v1/statefulsets", "StatefulSet"),
    ("/apis/apps/v1/daemonsets", "DaemonSet"),
    ("/apis/batch/v1/jobs", "CronJob"),
];
const PODS: &str = "/api/v1/pods";
const METRICS: &str = "/apis/metrics.k8s.io/";

/// A cluster under its name, from one minute to another.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    pub(super) name: &'static str,
    /// Name of its API server.
    pub(super) host: String,
    pub(super) from: Minute,
    /// When it is created, when its deletion begins, and when it no longer exists.
    made: Minute,
    goes: Minute,
    pub(super) until: Minute,
    /// Whether its API server answers during the deletion.
    answers_to_the_end: bool,
    /// The maximum number of objects on a page.
    page: Option<usize>,
    pub(super) workloads: Vec<Workload>,
    pub(super) observation: Observation,
    pub(super) metrics: Metrics,
    /// The list that fails, and how.
    pub(super) unlisted: Option<(&'static str, Failing)>,
    /// Minutes at which readability, metrics and lists change.
    changes: [Minute; 3],
    /// Transient faults of some requests of this run.
    passing: Vec<Fault>,
}

/// The phase of a cluster's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Creating,
    Active,
    Deleting { answers: bool },
}

/// Whether a cluster can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Observation {
    Clear,
    /// Nothing listens.
    Refused,
    /// Nothing responds.
    Silent,
    Unauthorized,
    /// The list of pods fails.
    Pods(Failing),
}

/// How requests of a kind fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failing {
    Forbidden,
    Error,
    Garbage,
    Cut,
    Stall,
}

/// The state of the Metrics API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metrics {
    Serves,
    /// A version other than the preferred one works.
    ServesOther,
    Absent,
    Down,
    Fails(Failing),
}

impl Failing {
    fn draw(chance: &mut Chance) -> Self {
        chance.one_of(&[Self::Forbidden, Self::Forbidden, Self::Error, Self::Garbage, Self::Cut, Self::Stall])
    }

    fn effect(self) -> Effect {
        match self {
            Self::Forbidden => Effect::Forbidden,
            Self::Error => {
                let message = "etcdserver: request timed out".to_owned();
                Effect::Status { code: 500, reason: "InternalError".to_owned(), message }
            }
            Self::Garbage => Effect::Raw { code: 200, headers: Vec::new(), body: b"{\"items\": [{".to_vec() },
            Self::Cut => Effect::Cut { after: 20 },
            Self::Stall => Effect::Stall { after: 20 },
        }
    }
}

impl Metrics {
    /// Whether usage is known.
    pub(super) fn serves(self) -> bool {
        matches!(self, Self::Serves | Self::ServesOther)
    }

    /// Whether it is down; `None` if it could not be asked.
    pub(super) fn is_down(self) -> Option<bool> {
        match self {
            Self::Fails(Failing::Forbidden) => None,
            metrics => Some(!metrics.serves()),
        }
    }
}

impl Cluster {
    pub(super) fn new(
        name: &'static str,
        life: usize,
        from: Minute,
        until: Minute,
        every: Minute,
        chance: &mut Chance,
    ) -> Self {
        let made = if from == LONG_AGO { from } else { from + chance.between(0, every * 2) };
        let goes =
            if until == Minute::MAX { until } else { (until - chance.between(0, every * 2)).max(made) };
        let subjects = [
            ("shop", "Deployment", "web"),
            ("shop", "Rollout", "canary"),
            ("kube-system", "DaemonSet", "agent"),
            ("jobs", "CronJob", "nightly"),
            ("shop", "Deployment", "api"),
            ("shop", "Pod", "toolbox"),
        ];
        let mut workloads = Vec::new();
        for (namespace, kind, name) in subjects {
            if chance.percent(45) {
                workloads.push(Workload::new(Subject { namespace, kind, name }, chance));
            }
        }
        Self {
            name,
            host: format!("{name}-{life}.eks.invalid"),
            from,
            made,
            goes,
            until,
            answers_to_the_end: chance.percent(50),
            page: chance.percent(30).then(|| chance.count(1, 2)),
            workloads,
            observation: Observation::Clear,
            metrics: Metrics::Serves,
            unlisted: None,
            changes: [every + 1; 3],
            passing: Vec::new(),
        }
    }

    /// The phase of its life; `None` if it does not exist.
    pub(super) fn stage(&self, minute: Minute) -> Option<Stage> {
        let is_there = (self.from..self.until).contains(&minute);
        is_there.then_some(match minute {
            minute if minute < self.made => Stage::Creating,
            minute if minute >= self.goes => Stage::Deleting { answers: self.answers_to_the_end },
            _ => Stage::Active,
        })
    }

    /// Whether its API server answers.
    pub(super) fn answers(&self, minute: Minute) -> bool {
        matches!(self.stage(minute), Some(Stage::Active | Stage::Deleting { answers: true }))
    }

    /// Whether everything that is evaluated can be read.
    pub(super) fn is_readable(&self, minute: Minute) -> bool {
        self.answers(minute) && self.observation == Observation::Clear
    }

    /// It is already deleted.
    pub(super) fn leave(&mut self, minute: Minute) {
        self.until = minute;
    }

    /// The minute has come.
    pub(super) fn step(&mut self, minute: Minute, every: Minute, disrupted: i64, chance: &mut Chance) {
        for workload in &mut self.workloads {
            workload.step(minute, every, chance);
        }
        for which in 0..self.changes.len() {
            if minute < self.changes[which] {
                continue;
            }
            let is_well = !chance.percent(disrupted);
            self.changes[which] = minute + chance.between(every / 2, every * 6);
            match which {
                0 => self.observation = if is_well { Observation::Clear } else { Observation::draw(chance) },
                1 => self.metrics = if is_well { Metrics::Serves } else { Metrics::draw(chance) },
                _ => {
                    let list = chance.one_of(&LISTS).0;
                    let failing = Failing::draw(chance);
                    self.unlisted = (!is_well).then_some((list, failing));
                }
            }
        }
    }

    /// From now on it can be read.
    pub(super) fn clear_up(&mut self) {
        (self.observation, self.metrics, self.unlisted) = (Observation::Clear, Metrics::Serves, None);
        self.changes = [Minute::MAX; 3];
        self.passing.clear();
    }

    /// Draws faults for some requests of a run: no more than are retried.
    pub(super) fn disturb(&mut self, disrupted: i64, chance: &mut Chance) {
        self.passing.clear();
        let paths = [PODS, METRICS, LISTS[0].0, LISTS[3].0];
        while chance.percent(disrupted) {
            let (path, times) = (chance.one_of(&paths), u32::try_from(chance.between(1, 2)).unwrap());
            let effect = match chance.between(1, 4) {
                1 => Effect::Close,
                2 => Effect::Cut { after: chance.count(0, 40) },
                3 => Effect::TooManyRequests { retry_after: None },
                _ => Effect::Slow { piece: 4096, pause: Duration::from_millis(200) },
            };
            // A second fault of a kind would be one too many.
            if self.passing.iter().all(|fault| fault.path != path) && self.passing.len() < 2 {
                self.passing.push(Fault::times(times, path, effect));
            }
        }
    }

    /// The subjects of its pods: workloads with pods, and with replicas.
    pub(super) fn subjects(&self) -> impl Iterator<Item = Subject> {
        let is_there = |workload: &&Workload| !workload.pods.is_empty() || workload.missing().is_some();
        self.workloads.iter().filter(is_there).map(|workload| workload.subject)
    }

    pub(super) fn pods(&self) -> impl Iterator<Item = &Pod> {
        self.workloads.iter().flat_map(|workload| &workload.pods)
    }

    /// The kind of workload that is unknown.
    pub(super) fn unlisted_kind(&self) -> Option<&'static str> {
        let (path, _) = self.unlisted?;
        LISTS.into_iter().find(|(list, _)| *list == path).map(|(_, kind)| kind)
    }

    /// As EKS returns it.
    pub(super) fn spec(&self, minute: Minute, ca_base64: &str) -> EksClusterSpec {
        let spec = EksClusterSpec::new(self.name);
        let created = at(self.from);
        match self.stage(minute) {
            Some(Stage::Creating) => spec.since("CREATING", created),
            Some(Stage::Deleting { .. }) => {
                spec.since("DELETING", created).at(&format!("https://{}", self.host), ca_base64)
            }
            _ => spec.since("ACTIVE", created).at(&format!("https://{}", self.host), ca_base64),
        }
    }

    /// An empty API server, whose time continues with tokio's clock from now on.
    pub(super) fn empty(&self, now: jiff::Timestamp) -> Estate {
        Estate::default().with(|estate| {
            self.name.clone_into(&mut estate.cluster);
            (estate.now, estate.ticking_since) = (Some(now), Some(Instant::now()));
            estate.server_names = vec![self.host.clone()];
            estate.identities = vec![Identity::any_signer(Rights::collector().with_node_proxy())];
            estate.page = self.page;
        })
    }

    /// The objects in its API server.
    pub(super) fn fill(&self, estate: &mut Estate) {
        estate.clear();
        for workload in &self.workloads {
            workload.objects().into_iter().for_each(|object| estate.place_workload(object));
        }
        self.pods().for_each(|pod| estate.place(pod.fake()));
        estate.metrics = match self.metrics {
            Metrics::Serves | Metrics::Fails(_) => MetricsApi::Serving("v1beta1"),
            Metrics::ServesOther => MetricsApi::PreferredDown { preferred: "v1", serving: "v1beta1" },
            Metrics::Absent => MetricsApi::Absent,
            Metrics::Down => MetricsApi::Down,
        };
    }

    /// Faults of its requests.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let always = |path: &str, effect| Fault::always(path, effect);
        let mut faults: Vec<Fault> = match self.observation {
            Observation::Clear | Observation::Refused | Observation::Silent => Vec::new(),
            Observation::Unauthorized => vec![always("/", Effect::Unauthorized)],
            Observation::Pods(failing) => vec![always(PODS, failing.effect())],
        };
        faults.extend(self.unlisted.map(|(path, failing)| always(path, failing.effect())));
        if let Metrics::Fails(failing) = self.metrics {
            faults.push(always(METRICS, failing.effect()));
        }
        faults.extend(self.passing.iter().cloned());
        faults
    }
}

impl Observation {
    fn draw(chance: &mut Chance) -> Self {
        let failing = Failing::draw(chance);
        chance.one_of(&[
            Self::Refused,
            Self::Refused,
            Self::Silent,
            Self::Unauthorized,
            Self::Pods(failing),
            Self::Pods(failing),
        ])
    }
}

impl Metrics {
    fn draw(chance: &mut Chance) -> Self {
        let failing = Failing::draw(chance);
        chance.one_of(&[
            Self::ServesOther,
            Self::Absent,
            Self::Down,
            Self::Fails(failing),
            Self::Fails(failing),
            Self::Fails(failing),
        ])
    }
}

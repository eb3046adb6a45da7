//! The life of a workload: what creates its pods, and their temporary disruptions.

use fake_kubernetes::{self as fake, Gap, Kind};

use super::cadvisor::Counting;
use super::pod::{How, KIB, Measured, NANOCORES, Place, Pod, Said, Subject};
use crate::chance::Chance;
use crate::clock::{Minute, at};

/// When the initial objects were created.
pub(super) const LONG_AGO: Minute = -600;
/// How long a pod runs before metrics-server has it.
const FIRST_USAGE: Minute = 2;
/// The alphabet of Kubernetes' generated name suffixes.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The owner of pods.
#[derive(Debug, Clone)]
pub(super) struct Workload {
    pub(super) subject: Subject,
    /// Whether the object exists.
    pub(super) exists: bool,
    desired: usize,
    /// Hash of its newest template.
    hash: String,
    pub(super) pods: Vec<Pod>,
    mood: Mood,
    until: Minute,
    /// Existing Jobs of a `CronJob`: name and creation time.
    jobs: Vec<(String, Minute)>,
}

/// A temporary disruption of a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    /// Its first pod is short of memory, or of CPU.
    Hot,
    CrashLoop,
    /// The first pod is restarted repeatedly, and runs in between.
    Restarts,
    /// It was killed once.
    Killed,
    Stuck(&'static str),
    Unplaced(&'static str),
    /// An old pod stays in some bad state; there is a new one.
    Leaves(How),
    /// A pod ended, and stays.
    Ends(Said),
    /// It should have no pods.
    Zero,
    Gone,
    Unmeasured(Measured),
    LosesLogs,
    /// Of a `DaemonSet`: there are Fargate nodes.
    OnFargate(usize),
}

impl Workload {
    pub(super) fn new(subject: Subject, chance: &mut Chance) -> Self {
        let desired = match subject.kind {
            "Deployment" | "Rollout" => chance.count(1, 2),
            "DaemonSet" | "Pod" => 1,
            _ => 0,
        };
        let leaves_pods = ["Deployment", "Rollout"].contains(&subject.kind);
        let hash = letters(chance, 9);
        let (pods, jobs, mood) = (Vec::new(), Vec::new(), Mood::Well);
        let mut workload = Self { subject, exists: true, desired, hash, pods, mood, until: 1, jobs };
        workload.fill(LONG_AGO, chance);
        if leaves_pods && chance.percent(40) {
            workload.leave_ended(chance);
        }
        workload
    }

    /// Pods that had ended before the first run, some of which count for a while before others do.
    fn leave_ended(&mut self, chance: &mut Chance) {
        for ago in [chance.between(50, 200), chance.between(0, 55)] {
            let at = -ago;
            let mut pod = self.pod(at - chance.between(1, 200), chance);
            pod.how = How::Ended { well: false, at, said: Said::Containers };
            pod.cleared = chance.between(20, 300);
            self.pods.push(pod);
        }
    }

    /// The minute has come. Runs are `every` minutes apart.
    pub(super) fn step(&mut self, minute: Minute, every: Minute, chance: &mut Chance) {
        self.befall(minute, every, chance);
        self.pods.iter_mut().for_each(|pod| pod.pass(minute));
    }

    fn befall(&mut self, minute: Minute, every: Minute, chance: &mut Chance) {
        self.pods.retain(|pod| !matches!(pod.how, How::Ended { .. }) || pod.cleared > minute);
        if self.subject.kind == "CronJob" {
            return self.tick(minute, every, chance);
        }
        if minute >= self.until {
            self.recover(minute, chance);
            let rate_limiter = every.max(4);
            let longest = rate_limiter * chance.one_of(&[2, 4, 8]);
            self.until = minute + chance.between(rate_limiter / 2, longest);
            self.mood = self.draw(chance);
            self.begin(minute, chance);
        }
        if self.is_released_alone() && chance.between(1, every * 15) == 1 {
            self.release(minute, chance);
        }
        self.advance(minute, chance);
    }

    fn is_released_alone(&self) -> bool {
        ["Deployment", "Rollout"].contains(&self.subject.kind) && self.exists
    }

    fn draw(&self, chance: &mut Chance) -> Mood {
        let stuck = chance.one_of(&[
            "ImagePullBackOff",
            "ErrImagePull",
            "RegistryUnavailable",
            "CreateContainerConfigError",
            "PostStartHookError",
            "ResizePodInPlaceError",
            "ContainerCreating",
            "SomethingNew",
            "SomethingNew",
        ]);
        let unplaced = chance.one_of(&["Unschedulable", "Unschedulable", "NoProfile", "SchedulingGated"]);
        let leaves = chance.one_of(&[
            How::Running,
            How::BackOff,
            How::Waiting("ImagePullBackOff"),
            How::Unplaced("Unschedulable"),
        ]);
        let said = chance.one_of(&[Said::Containers, Said::Conditions, Said::Waiting, Said::Nothing]);
        let unmeasured = chance.one_of(&[
            Measured::Nothing,
            Measured::Without(Gap::NoContainers),
            Measured::Without(Gap::NullUsage),
        ]);
        let nodes = chance.count(1, 2);
        match (self.subject.kind, chance.between(1, 14)) {
            ("DaemonSet", 1..=6) => Mood::OnFargate(nodes),
            ("DaemonSet", 7..=9) => Mood::Stuck(stuck),
            (_, 1 | 2) | ("DaemonSet", _) => Mood::Well,
            (_, 3) => Mood::Hot,
            (_, 4) => Mood::CrashLoop,
            (_, 5) => Mood::Restarts,
            (_, 6) => Mood::Killed,
            (_, 7 | 8) => Mood::Stuck(stuck),
            (_, 9) => Mood::Unplaced(unplaced),
            (_, 10) => Mood::Unmeasured(unmeasured),
            (_, 11) => Mood::LosesLogs,
            ("Pod", _) => Mood::Gone,
            (_, 12) => Mood::Leaves(leaves),
            (_, 13) => Mood::Ends(said),
            _ if chance.percent(50) => Mood::Zero,
            _ => Mood::Gone,
        }
    }

    /// The start of the mood.
    fn begin(&mut self, minute: Minute, chance: &mut Chance) {
        match self.mood {
            Mood::Well | Mood::Restarts | Mood::Unmeasured(_) => {}
            Mood::Hot => {
                let memory = chance.percent(50);
                let Some(pod) = self.first() else { return };
                if memory { pod.memory = KIB * 93 / 100 } else { pod.cpu = NANOCORES * 97 / 100 }
            }
            Mood::CrashLoop => self.fail(minute, How::BackOff, chance),
            Mood::Killed => {
                let Some(pod) = self.first() else { return };
                (pod.restarts, pod.last_end) = (pod.restarts + 1, Some((minute, "OOMKilled")));
            }
            Mood::Stuck(reason) => self.renew(minute, How::Waiting(reason), chance),
            Mood::Unplaced("NoProfile") => {
                self.renew(minute, How::Unplaced("Unschedulable"), chance);
                self.first().into_iter().for_each(|pod| pod.place = Place::Nowhere);
            }
            Mood::Unplaced(reason) => self.renew(minute, How::Unplaced(reason), chance),
            Mood::Leaves(how) => {
                let mut old = self.pod(minute - chance.between(1, 60), chance);
                (old.how, old.deleting) = (how, Some(minute));
                old.restarts = if how == How::BackOff { 3 } else { 0 };
                self.pods.push(old);
            }
            Mood::Ends(said) => {
                let mut old = self.pod(minute - chance.between(1, 200), chance);
                old.how = How::Ended { well: false, at: minute, said };
                old.cleared = minute + chance.between(20, 300);
                self.pods.push(old);
            }
            Mood::Zero => (self.desired, self.pods) = (0, self.ended()),
            Mood::Gone => (self.exists, self.pods) = (false, Vec::new()),
            Mood::LosesLogs => {
                self.renew(minute, How::Running, chance);
                self.first().into_iter().for_each(|pod| pod.logs = false);
            }
            Mood::OnFargate(nodes) => {
                for _ in 0..nodes {
                    let mut pod = self.pod(minute, chance);
                    (pod.how, pod.place) = (How::Unplaced("Unschedulable"), Place::NodeOfFargate);
                    self.pods.push(pod);
                }
            }
        }
    }

    /// What continues while the mood lasts.
    fn advance(&mut self, minute: Minute, chance: &mut Chance) {
        match self.mood {
            Mood::CrashLoop if chance.percent(25) => {
                let how = if chance.percent(30) { How::Running } else { How::BackOff };
                self.fail(minute, how, chance);
            }
            Mood::Restarts if chance.percent(30) => self.fail(minute, How::Running, chance),
            _ => {}
        }
        let unmeasured = match self.mood {
            Mood::Unmeasured(measured) => Some(measured),
            _ => None,
        };
        for (place, pod) in self.pods.iter_mut().enumerate() {
            let own = unmeasured.filter(|_| place == 0).unwrap_or(Measured::Usage);
            pod.measured = if minute - pod.created < FIRST_USAGE { Measured::Nothing } else { own };
        }
    }

    /// All is healthy again, except that ended pods stay.
    fn recover(&mut self, minute: Minute, chance: &mut Chance) {
        if matches!(self.mood, Mood::Zero) {
            self.desired = chance.count(1, 2);
        }
        self.exists = true;
        self.pods.retain(|pod| pod.deleting.is_none() && pod.place != Place::NodeOfFargate);
        for pod in self.pods.iter_mut().filter(|pod| pod.is_live()) {
            if pod.place == Place::Nowhere {
                pod.place = Place::Fargate;
            }
            (pod.how, pod.logs) = (How::Running, true);
            (pod.memory, pod.cpu) = (level(KIB, chance), level(NANOCORES, chance));
        }
        self.fill(minute, chance);
    }

    fn fill(&mut self, minute: Minute, chance: &mut Chance) {
        while self.pods.iter().filter(|pod| pod.is_live()).count() < self.desired {
            let pod = self.pod(minute, chance);
            self.pods.insert(0, pod);
        }
    }

    /// A new template: all running pods are replaced by pods of the same behavior.
    fn release(&mut self, minute: Minute, chance: &mut Chance) {
        self.hash = letters(chance, 9);
        for place in 0..self.pods.len() {
            if self.pods[place].is_live() {
                let new = self.pod(minute, chance);
                let old = &mut self.pods[place];
                let Pod { how, place, logs, memory, cpu, .. } = *old;
                *old = Pod { how, place, memory, cpu, logs, ..new };
            }
        }
    }

    /// Its first running pod.
    fn first(&mut self) -> Option<&mut Pod> {
        self.pods.iter_mut().find(|pod| pod.is_live())
    }

    /// The container of the first pod ends and is restarted.
    fn fail(&mut self, minute: Minute, how: How, chance: &mut Chance) {
        let reason = chance.one_of(&["Error", "Error", "OOMKilled"]);
        let Some(pod) = self.first() else { return };
        (pod.how, pod.restarts, pod.last_end) = (how, pod.restarts + 1, Some((minute, reason)));
    }

    /// A new pod replaces the first one.
    fn renew(&mut self, minute: Minute, how: How, chance: &mut Chance) {
        let new = self.pod(minute, chance);
        let Some(pod) = self.first() else { return };
        *pod = Pod { how, place: pod.place, ..new };
    }

    fn ended(&self) -> Vec<Pod> {
        self.pods.iter().filter(|pod| matches!(pod.how, How::Ended { .. })).cloned().collect()
    }

    fn pod(&self, created: Minute, chance: &mut Chance) -> Pod {
        let Subject { kind, name, .. } = self.subject;
        let set = format!("{name}-{}", self.hash);
        let (label, owner) = match kind {
            "Deployment" => (Some("pod-template-hash"), Some(("ReplicaSet", set.clone()))),
            "Rollout" => (Some("rollouts-pod-template-hash"), Some(("ReplicaSet", set.clone()))),
            "Pod" => (None, None),
            kind => (None, Some((kind, name.to_owned()))),
        };
        let stem = if label.is_some() { set } else { name.to_owned() };
        Pod {
            subject: self.subject,
            name: format!("{stem}-{}", letters(chance, 5)),
            stem,
            owner,
            hash: label.map(|label| (label, self.hash.clone())),
            created,
            how: How::Running,
            place: if kind == "DaemonSet" { Place::Node } else { Place::Fargate },
            deleting: None,
            restarts: 0,
            last_end: None,
            memory: level(KIB, chance),
            cpu: level(NANOCORES, chance),
            measured: Measured::Usage,
            logs: true,
            cleared: Minute::MAX,
            counting: Counting::default(),
        }
    }

    /// A `CronJob` sometimes creates a Job and its pod, which ends after some minutes and stays for
    /// a while.
    fn tick(&mut self, minute: Minute, every: Minute, chance: &mut Chance) {
        for pod in &mut self.pods {
            if pod.how == How::Running && minute - pod.created >= every.max(6) {
                let well = chance.percent(80);
                pod.how = How::Ended { well, at: minute, said: Said::Containers };
                pod.cleared = minute + chance.one_of(&[3, 20, 100, 250]);
            }
            pod.measured =
                if minute - pod.created < FIRST_USAGE { Measured::Nothing } else { Measured::Usage };
        }
        // A Job may be deleted before its pod.
        let pods: Vec<Option<&(&str, String)>> = self.pods.iter().map(|pod| pod.owner.as_ref()).collect();
        let has_pod = |job: &str| pods.iter().flatten().any(|(_, owner)| owner == job);
        self.jobs.retain(|(job, made)| has_pod(job) && minute - made < 90);
        let interval = every.max(5) * 3;
        if minute.rem_euclid(interval) == 1 {
            let epoch = at(minute).as_second() / 60;
            let job = format!("{}-{epoch}", self.subject.name);
            let mut pod = self.pod(minute, chance);
            (pod.name, pod.stem) = (format!("{job}-{}", letters(chance, 5)), job.clone());
            pod.owner = Some(("Job", job.clone()));
            pod.measured = Measured::Nothing;
            self.pods.push(pod);
            self.jobs.push((job, minute));
        }
    }

    /// The objects that the API server lists.
    pub(super) fn objects(&self) -> Vec<fake::Workload> {
        let Subject { namespace, name, .. } = self.subject;
        let (desired, ready) = self.replicas();
        let count = |count: usize| u32::try_from(count).unwrap();
        let object = |kind, name: &str, desired| {
            let mut object = fake::Workload::new(kind, namespace, name, count(desired), at(LONG_AGO));
            object.ready = count(ready);
            object
        };
        match self.subject.kind {
            "Deployment" if self.exists => vec![object(Kind::Deployment, name, desired)],
            "DaemonSet" if self.exists => vec![object(Kind::DaemonSet, name, desired)],
            "CronJob" => {
                let job = |(job, _): &(String, Minute)| {
                    let mut job = object(Kind::Job, job, 1);
                    job.owner = Some((Kind::CronJob, name.to_owned()));
                    job
                };
                self.jobs.iter().map(job).collect()
            }
            _ => Vec::new(),
        }
    }

    /// How many pods Kubernetes wants, and how many are ready.
    pub(super) fn replicas(&self) -> (usize, usize) {
        let never = self.pods.iter().filter(|pod| pod.place == Place::NodeOfFargate).count();
        (self.desired + never, self.pods.iter().filter(|pod| pod.is_ready()).count())
    }

    /// Missing replicas; `None` for a workload without replicas, or that does not exist.
    pub(super) fn missing(&self) -> Option<usize> {
        let has_replicas = ["Deployment", "DaemonSet"].contains(&self.subject.kind) && self.exists;
        has_replicas.then(|| self.desired.saturating_sub(self.replicas().1))
    }
}

/// A small random fraction of a value.
fn level(of: i64, chance: &mut Chance) -> i64 {
    of * chance.one_of(&[10, 25, 30, 45, 60, 70]) / 100
}

fn letters(chance: &mut Chance, count: usize) -> String {
    (0..count).map(|_| char::from(chance.one_of(LETTERS))).collect()
}

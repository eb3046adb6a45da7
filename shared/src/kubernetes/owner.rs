//! What makes pods, under one name that stays the same from release to release, so that an alarm about it does too.
//!
//! Pods name their controller, and many controllers make another object for each release or each run: a Deployment and
//! a Rollout of Argo make a `ReplicaSet` for each template, a `CronJob` a Job for each time. What people know is what
//! stands behind them.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::api::{ObjectMeta, OwnerReference};

/// A workload that makes pods.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// Kind, such as `Deployment`.
    pub kind: String,
    /// Name, in the namespace of the pod.
    pub name: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// What stands behind each Job, by namespace and name of the Job: what owns it, or the Job itself.
pub type JobOwners = BTreeMap<(String, String), Owner>;

/// Labels with the hash of the template that a controller also puts behind the name of the `ReplicaSet` it makes
/// (Kubernetes, `pkg/controller/deployment`; Argo Rollouts, `DefaultRolloutUniqueLabelKey` in
/// `pkg/apis/rollouts/v1alpha1/types.go`).
const HASHES: [(&str, &str); 2] =
    [("rollouts-pod-template-hash", "Rollout"), ("pod-template-hash", "Deployment")];

/// Labels that name what stands behind a pod whose controller is made for one run: of Tekton, of GitHub's Actions
/// Runner Controller (`LabelKeyGitHubScaleSetName`), and of the Spark operator (`LabelSparkAppName`).
const NAMED: [(&str, &str); 4] = [
    ("tekton.dev/pipeline", "Pipeline"),
    ("tekton.dev/task", "Task"),
    ("actions.github.com/scale-set-name", "AutoscalingRunnerSet"),
    ("sparkoperator.k8s.io/app-name", "SparkApplication"),
];

/// Kinds of Kubernetes itself whose names people choose.
const LASTING: [&str; 8] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "CronJob",
    "Node",
    "Pod",
];

/// How far the time in the name of a `CronJob`'s Job may be from when its pod was made: a Job may wait for its turn.
const NEAR: i64 = 7 * 24 * 3600;

impl Owner {
    /// What controls an object, as the object names it; none if nothing does.
    pub fn controller(owners: &[OwnerReference]) -> Option<Self> {
        let controller = owners.iter().find(|owner| owner.controller == Some(true))?;
        Some(Self { kind: controller.kind.clone(), name: controller.name.clone() })
    }

    /// What makes a pod, by its own metadata. Behind a Job stands what [`Self::behind`] knows. A pod that nothing
    /// controls stands for itself: none, or the name that its own was generated from.
    pub(super) fn of_pod(metadata: &ObjectMeta) -> Option<Self> {
        let Some(controller) = Self::controller(&metadata.owner_references) else {
            return stem(metadata).map(|name| Self { kind: "Pod".to_owned(), name: name.to_owned() });
        };
        let label =
            |name: &str| metadata.labels.get(name).map(String::as_str).filter(|text| !text.is_empty());
        if controller.kind == "ReplicaSet" {
            let made = HASHES.iter().find_map(|(key, kind)| {
                let name = controller.name.strip_suffix(label(key)?)?.strip_suffix('-')?;
                (!name.is_empty()).then(|| Self { kind: (*kind).to_owned(), name: name.to_owned() })
            });
            return Some(made.unwrap_or(controller));
        }
        if controller.kind == "Job" || LASTING.contains(&controller.kind.as_str()) && controller.kind != "Pod"
        {
            return Some(controller);
        }
        let named = NAMED
            .iter()
            .find_map(|(key, kind)| Some(Self { kind: (*kind).to_owned(), name: label(key)?.to_owned() }));
        Some(named.unwrap_or_else(|| controller.lasting()))
    }

    /// What stands behind a Job: what owns it; if nothing does, the name that the Job's own was generated from.
    pub fn of_job(metadata: &ObjectMeta) -> Self {
        Self::controller(&metadata.owner_references).map_or_else(
            || Self { kind: "Job".to_owned(), name: stem(metadata).unwrap_or(&metadata.name).to_owned() },
            Self::lasting,
        )
    }

    /// What stands behind it, if it is a Job. One that is not listed, because it is gone or Jobs could not be listed,
    /// is a `CronJob`'s if its name says so: the `CronJob` controller puts minutes since 1970 behind its own name
    /// (Kubernetes, `getJobName` in `pkg/controller/cronjob`). `made` is when the pod was made.
    #[must_use]
    pub fn behind(self, namespace: &str, jobs: &JobOwners, made: Option<Timestamp>) -> Self {
        if self.kind != "Job" {
            return self;
        }
        let key = (namespace.to_owned(), self.name);
        if let Some(owner) = jobs.get(&key) {
            return owner.clone();
        }
        let name = key.1;
        match made.and_then(|made| of_cron_job(&name, made)) {
            Some(cron) => Self { kind: "CronJob".to_owned(), name: cron.to_owned() },
            None => Self { kind: self.kind, name: without_random(&name).to_owned() },
        }
    }

    /// Without what the API server or a controller put behind its name, unless people choose names of its kind.
    fn lasting(self) -> Self {
        if LASTING.contains(&self.kind.as_str()) {
            return self;
        }
        let name = without_random(without_seconds(&self.name)).to_owned();
        Self { kind: self.kind, name }
    }
}

/// What the API server generated the name of an object from; none if the object was named.
fn stem(metadata: &ObjectMeta) -> Option<&str> {
    let stem = metadata.generate_name.trim_end_matches('-');
    (!stem.is_empty() && metadata.name.starts_with(&metadata.generate_name)).then_some(stem)
}

/// The name of the `CronJob` that made this Job about that time.
fn of_cron_job(job: &str, made: Timestamp) -> Option<&str> {
    let (name, minutes) = job.rsplit_once('-')?;
    let minutes: i64 = minutes.parse().ok()?;
    let apart = minutes.checked_mul(60)?.checked_sub(made.as_second())?;
    (!name.is_empty() && apart.abs() <= NEAR).then_some(name)
}

/// Without five characters that were generated: those of the alphabet without vowels, zero, one and three that
/// Kubernetes draws from (`k8s.io/apimachinery/pkg/util/rand`).
fn without_random(name: &str) -> &str {
    const ALPHABET: &str = "bcdfghjklmnpqrstvwxz2456789";
    match name.rsplit_once('-') {
        Some((head, tail))
            if tail.len() == 5 && !head.is_empty() && tail.chars().all(|c| ALPHABET.contains(c)) =>
        {
            head
        }
        _ => name,
    }
}

/// Without the seconds since 1970 that workflows on a schedule have behind their names.
fn without_seconds(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((head, tail))
            if tail.len() == 10 && !head.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            head
        }
        _ => name,
    }
}

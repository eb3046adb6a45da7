//! Suffixes that controllers append to names.

use jiff::Timestamp;

/// Maximum distance in seconds between the time in a name and the creation of the pod: a run may be
/// queued.
const NEAR: i64 = 7 * 24 * 3600;

/// Kinds whose objects are single runs, usually named by `generateName` or with a time: Argo
/// Workflows, Tekton Pipelines, and GitHub's Actions Runner Controller.
const RUNS: [&str; 4] = ["Workflow", "PipelineRun", "TaskRun", "EphemeralRunner"];

/// Text that `KubeRay` inserts between the name of a `RayJob` or `RayService` and five random
/// characters.
const RAY_CLUSTER: &str = "-raycluster";

/// The name of an object of this kind without the suffix that differs per run. Names of other kinds
/// are considered chosen by users and are not changed.
pub(super) fn lasting<'a>(kind: &str, name: &'a str) -> &'a str {
    if RUNS.contains(&kind) {
        // Only one suffix: the text before it was chosen by a user.
        return without_time(name, None).unwrap_or_else(|| without_random(name));
    }
    match without_random(name) {
        stem if kind == "RayCluster" && stem.ends_with(RAY_CLUSTER) => stem,
        _ => name,
    }
}

/// The name of the `CronJob` that made this Job about that time: the controller appends the minutes
/// since 1970 to its name (Kubernetes, `getJobName` in `pkg/controller/cronjob`).
pub(super) fn of_cron_job(job: &str, made: Timestamp) -> Option<&str> {
    let (name, minutes) = job.rsplit_once('-')?;
    let minutes: i64 = minutes.parse().ok()?;
    (!name.is_empty() && is_near(minutes.checked_mul(60)?, made)).then_some(name)
}

/// Removes five generated characters; Kubernetes uses an alphabet without vowels, zero, one and
/// three (`k8s.io/apimachinery/pkg/util/rand`).
pub(super) fn without_random(name: &str) -> &str {
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

/// Removes the time since 1970, in minutes to nanoseconds, that scheduled workflows and
/// applications have at the end of their names; `None` if there is no time. `made` is the creation
/// time of the pod: minutes and seconds must be near it, otherwise they are an arbitrary number. If
/// it is unknown, 10 digits count as seconds.
pub(super) fn without_time(name: &str, made: Option<Timestamp>) -> Option<&str> {
    let (head, tail) = name.rsplit_once('-')?;
    if head.is_empty() || !tail.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = tail.parse().ok()?;
    let is_time = match tail.len() {
        8 => made.is_some_and(|made| is_near(number * 60, made)),
        10 => made.is_none_or(|made| is_near(number, made)),
        13 | 16 | 19 => true,
        _ => false,
    };
    is_time.then_some(head)
}

fn is_near(seconds: i64, made: Timestamp) -> bool {
    seconds.checked_sub(made.as_second()).is_some_and(|apart| apart.abs() <= NEAR)
}

//! What controllers put behind a name to make another one of it.

use jiff::Timestamp;

/// How far the time in a name may be from when the pod was made: a run may wait for its turn.
const NEAR: i64 = 7 * 24 * 3600;

/// Kinds of which each object is one run, as a rule named by `generateName` or with a time: of Argo Workflows, Tekton
/// Pipelines, and GitHub's Actions Runner Controller.
const RUNS: [&str; 4] = ["Workflow", "PipelineRun", "TaskRun", "EphemeralRunner"];

/// What `KubeRay` puts between the name of a `RayJob` or `RayService` and five random characters.
const RAY_CLUSTER: &str = "-raycluster";

/// The name of an object of this kind without what makes it another one at each run. A name of a kind that is not known
/// to be generated was chosen by somebody, and is kept whole.
pub(super) fn lasting<'a>(kind: &str, name: &'a str) -> &'a str {
    if RUNS.contains(&kind) {
        // One of both: what stands before it was chosen.
        return without_time(name, None).unwrap_or_else(|| without_random(name));
    }
    match without_random(name) {
        stem if kind == "RayCluster" && stem.ends_with(RAY_CLUSTER) => stem,
        _ => name,
    }
}

/// The name of the `CronJob` that made this Job about that time: the controller puts minutes since 1970 behind its own
/// name (Kubernetes, `getJobName` in `pkg/controller/cronjob`).
pub(super) fn of_cron_job(job: &str, made: Timestamp) -> Option<&str> {
    let (name, minutes) = job.rsplit_once('-')?;
    let minutes: i64 = minutes.parse().ok()?;
    (!name.is_empty() && is_near(minutes.checked_mul(60)?, made)).then_some(name)
}

/// Without five characters that were generated: those of the alphabet without vowels, zero, one and three that
/// Kubernetes draws from (`k8s.io/apimachinery/pkg/util/rand`).
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

/// Without the time since 1970 that workflows and applications on a schedule have behind their names, in minutes to
/// nanoseconds; none if there is none. `made` is when the pod was made: minutes and seconds have to be near it, or they
/// are any number. If it is not known, the length tells seconds.
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

//! What rules judge: the figures of a workload or cluster at one instant.

use jiff::{SignedDuration, Timestamp};

use super::{Before, ClusterState, PodState, WorkloadState};
use crate::metric::Statistic;
use crate::rule::KubernetesMeasure;

/// How long a pod may be completed before it counts as forgotten.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// How far samples are apart.
const SAMPLE: SignedDuration = SignedDuration::from_mins(5);
/// How old a kill may be that an outage of the runs hid.
const OLD_KILL: SignedDuration = SignedDuration::from_hours(1);

/// Reasons for which a container waits and will not start by itself (kubelet, "Container states").
const CANNOT_START: [&str; 7] = [
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// One figure: of which measure, by which statistic, and its value; none if there is no data.
pub type Sample = (KubernetesMeasure, Statistic, Option<f64>);

/// The figures of a workload. `pods` are its own, `state` is what Kubernetes says of its replicas (of a Job and of a pod that
/// nothing owns there is none), and `before` is what the sample before saw of the cluster. What cAdvisor counts is there if
/// `cadvisor` says that the cluster is asked for it, or a pod has counters.
pub fn workload_samples(
    pods: &[&PodState],
    state: Option<&WorkloadState>,
    before: Option<&Before>,
    now: Timestamp,
    cadvisor: bool,
) -> Vec<Sample> {
    use KubernetesMeasure as M;
    let count = |fits: &dyn Fn(&PodState) -> bool| as_value(pods.iter().filter(|pod| fits(pod)).count());
    let running = || pods.iter().filter(|pod| !pod.is_completed());
    let mut samples = Vec::with_capacity(10);
    samples.extend(shares(M::PodMemoryPercent, running().filter_map(|pod| pod.memory_percent())));
    samples.extend(shares(M::PodCpuPercent, running().filter_map(|pod| pod.cpu_percent())));
    let mut one = |measure, value| samples.push((measure, Statistic::Maximum, value));
    one(
        M::PodRestarts,
        before.map(|before| pods.iter().map(|pod| f64::from(before.restarts_since(pod))).sum()),
    );
    one(M::OomKilled, Some(as_value(pods.iter().map(|pod| oom_kills(pod, before, now)).sum())));
    one(M::CrashLoopingPods, Some(count(&PodState::is_crash_looping)));
    one(M::UnstartablePods, Some(count(&PodState::cannot_start)));
    one(M::PodPending, Some(longest_pending(pods, now)));
    one(
        M::AvailableBelowDesired,
        state.map(|state| f64::from(state.desired.saturating_sub(state.available))),
    );
    if cadvisor || pods.iter().any(|pod| pod.counters.is_some()) {
        let counted = KubernetesMeasure::ALL.into_iter().filter(|measure| measure.needs_cadvisor());
        samples.extend(counted.flat_map(|measure| {
            let rates = running().filter_map(|pod| pod.rates.as_ref());
            shares(measure, rates.filter_map(|rates| rates.of(measure)))
        }));
    }
    samples
}

/// The figures of a cluster as a whole. `pods` are all that were read.
pub fn cluster_samples(
    state: &ClusterState,
    completed_long_ago: usize,
    logging_disabled: usize,
) -> Vec<Sample> {
    use KubernetesMeasure as M;
    let one = |measure, value| (measure, Statistic::Maximum, value);
    vec![
        one(M::CompletedPods, Some(as_value(completed_long_ago))),
        one(M::LoggingDisabledPods, Some(as_value(logging_disabled))),
        one(M::MetricsServerDown, state.metrics_api.is_down().map(|down| f64::from(u8::from(down)))),
    ]
}

impl PodState {
    /// Whether a container of it crashes again and again.
    pub fn is_crash_looping(&self) -> bool {
        self.waits_for(&["CrashLoopBackOff"])
    }

    /// Whether a container of it will not start by itself.
    pub fn cannot_start(&self) -> bool {
        self.waits_for(&CANNOT_START)
    }

    fn waits_for(&self, reasons: &[&str]) -> bool {
        self.waiting.iter().any(|waiting| reasons.contains(&waiting.reason.as_str()))
    }

    /// Whether it is paid for although it completed over an hour ago: the node of a Fargate pod lives until the pod is deleted
    /// (Amazon EKS User Guide, "Fargate Pod configuration").
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        self.fargate
            && self.is_completed()
            && self
                .completed_at()
                .or(self.created_at)
                .is_none_or(|end| now.duration_since(end) > FORGOTTEN_AFTER)
    }
}

/// Largest and mean of the pods; no data without any.
fn shares(measure: KubernetesMeasure, values: impl Iterator<Item = f64>) -> [Sample; 2] {
    let values: Vec<f64> = values.collect();
    let largest = values.iter().copied().max_by(f64::total_cmp);
    let mean = largest.map(|_| values.iter().sum::<f64>() / as_value(values.len()));
    [(measure, Statistic::Maximum, largest), (measure, Statistic::Average, mean)]
}

/// Kills of containers that the sample before did not know of; without a sample before, those of the last five minutes. The
/// API remembers the newest end of each container only, so two kills of one container between two samples count once.
fn oom_kills(pod: &PodState, before: Option<&Before>, now: Timestamp) -> usize {
    let within =
        |end: &super::Termination, limit| end.finished_at.is_some_and(|at| now.duration_since(at) < limit);
    let is_new = |end: &&super::Termination| match before {
        // What ended long ago is no news, even of a pod that is seen for the first time.
        Some(before) => within(end, OLD_KILL) && !before.knew(pod, end),
        None => within(end, SAMPLE),
    };
    pod.terminated.iter().filter(|end| end.reason == "OOMKilled").filter(is_new).count()
}

fn longest_pending(pods: &[&PodState], now: Timestamp) -> f64 {
    let waited =
        |pod: &&PodState| Some(now.duration_since(pod.pending.as_ref()?.since).as_secs_f64().max(0.0));
    pods.iter().filter_map(waited).max_by(f64::total_cmp).unwrap_or(0.0)
}

#[expect(clippy::cast_precision_loss, reason = "a cluster has far fewer than 2^52 pods")]
fn as_value(count: usize) -> f64 {
    count as f64
}

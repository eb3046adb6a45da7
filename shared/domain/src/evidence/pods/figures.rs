//! The figures that rules evaluate: those of a workload or cluster at one time.

use jiff::Timestamp;

use super::counted::as_value;
use super::{ClusterState, Counted, PodState, PreviousPods, WorkloadState};
use crate::model::metric::Statistic;
use crate::rules::{KubernetesMeasure, ReadFrom};

/// One figure: its measure, its statistic, and its value, `None` if there is no data.
pub type Sample = (KubernetesMeasure, Statistic, Option<f64>);

/// The figures of a workload. `pods` are its pods, compared with the previous sample; `state` holds
/// its replicas, `None` for a Job or a pod without an owner; `before` is the previous sample of the
/// cluster. The figures include cAdvisor's if `cadvisor` says that it is read in this cluster, or
/// if a pod has counters.
pub fn workload_samples(
    pods: &[&PodState],
    state: Option<&WorkloadState>,
    before: Option<&PreviousPods>,
    now: Timestamp,
    cadvisor: bool,
) -> Vec<Sample> {
    use KubernetesMeasure as M;
    let counted = |measure| Counted::of(measure, pods.iter().copied(), now).value();
    let running = || pods.iter().filter(|pod| !pod.is_completed());
    let mut samples = Vec::with_capacity(10);
    samples.extend(shares(M::PodMemoryPercent, running().filter_map(|pod| pod.memory_percent())));
    samples.extend(shares(M::PodCpuPercent, running().filter_map(|pod| pod.cpu_percent())));
    let mut one = |measure, value| samples.push((measure, Statistic::Maximum, value));
    one(M::PodRestarts, before.map(|_| counted(M::PodRestarts)));
    for measure in [M::OomKilled, M::CrashLoopingPods, M::UnstartablePods, M::PodPending] {
        one(measure, Some(counted(measure)));
    }
    // Kubernetes counts a DaemonSet pod for each node, even where it cannot run.
    let never = pods.iter().filter(|pod| pod.is_never_placed()).count();
    one(M::AvailableBelowDesired, state.map(|state| (f64::from(state.missing()) - as_value(never)).max(0.0)));
    if cadvisor || pods.iter().any(|pod| pod.counters.is_some()) {
        let counted = KubernetesMeasure::all().filter(|measure| measure.read_from() == ReadFrom::Cadvisor);
        samples.extend(counted.flat_map(|measure| {
            let rates = running().filter_map(|pod| pod.rates.as_ref());
            shares(measure, rates.filter_map(|rates| rates.of(measure)))
        }));
    }
    samples
}

/// The figures of a cluster as a whole. `pods` are all pods that were read.
pub fn cluster_samples(state: &ClusterState, pods: &[PodState], now: Timestamp) -> Vec<Sample> {
    use KubernetesMeasure as M;
    let one = |measure, value| (measure, Statistic::Maximum, value);
    let counted = |measure| one(measure, Some(Counted::of(measure, pods, now).value()));
    vec![
        counted(M::CompletedPods),
        counted(M::LoggingDisabledPods),
        counted(M::DaemonSetPodsOnFargate),
        one(M::MetricsServerDown, state.metrics_api.is_down().map(|down| f64::from(u8::from(down)))),
    ]
}

/// Maximum and mean over the pods; no data if there are none.
fn shares(measure: KubernetesMeasure, values: impl Iterator<Item = f64>) -> [Sample; 2] {
    let values: Vec<f64> = values.collect();
    let largest = values.iter().copied().max_by(f64::total_cmp);
    let mean = largest.map(|_| values.iter().sum::<f64>() / as_value(values.len()));
    [(measure, Statistic::Maximum, largest), (measure, Statistic::Average, mean)]
}

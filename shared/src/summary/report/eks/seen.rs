//! Takes what a snapshot says of a cluster of EKS line by line.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::hint::Hints;
use super::pod::Highest;
use super::vended::Vended;
use super::{MetricsApiReport, PodReport, PodUsage, WorkloadReport};
use crate::cluster::ClusterName;
use crate::inventory::EksEntry;
use crate::metric::{MetricQuery, Statistic};
use crate::pods::{ClusterState, PodState, WorkloadState};
use crate::rule::{KUBERNETES, KubernetesMeasure};
use crate::run::Run;
use crate::series::Reading;
use crate::subject::Workload;
use crate::summary::report::builder::{Sparks, keep_spark};
use crate::summary::report::figures::points;
use crate::summary::report::slots::Slots;

/// Pods that a report keeps of a cluster.
const MOST_PODS: usize = 50;
/// Pods that it keeps in all, unless a cluster would have less than the fewest.
const MOST_IN_ALL: usize = 1_000;
const FEWEST_PODS: usize = 5;

/// What was read of one cluster so far. Of its pods only the worst are held.
#[derive(Debug)]
pub(in crate::summary::report) struct SeenEks {
    pub(in crate::summary::report) name: ClusterName,
    pub(super) unread: bool,
    pub(super) state: Option<ClusterState>,
    pub(super) api: MetricsApiReport,
    pub(in crate::summary::report) workloads: BTreeMap<Workload, SeenWorkload>,
    pub(super) pods: Vec<PodReport>,
    pub(super) pod_count: usize,
    pub(super) hints: Hints,
    pub(super) vended: Vended,
}

/// What was read of one workload so far.
#[derive(Debug)]
pub(in crate::summary::report) struct SeenWorkload {
    pub(in crate::summary::report) figures: WorkloadReport,
    pub(in crate::summary::report) sparks: Sparks,
}

/// Pods of each of so many clusters.
pub(in crate::summary::report) fn most_pods(clusters: usize) -> usize {
    (MOST_IN_ALL / clusters.max(1)).clamp(FEWEST_PODS, MOST_PODS)
}

impl SeenEks {
    /// A cluster of the inventory; `unread` if its workloads could not be listed.
    pub(in crate::summary::report) fn new(name: ClusterName, entry: &EksEntry, unread: bool) -> Self {
        let mut seen = Self {
            name,
            unread,
            state: None,
            api: MetricsApiReport::default(),
            workloads: BTreeMap::new(),
            pods: Vec::new(),
            pod_count: 0,
            hints: Hints::default(),
            vended: Vended::default(),
        };
        for workload in &entry.workloads {
            seen.workload(workload);
        }
        seen
    }

    /// The workload of that name. One that the inventory does not list, such as one that was created a minute ago, is added.
    fn workload(&mut self, workload: &Workload) -> &mut SeenWorkload {
        self.workloads.entry(workload.clone()).or_insert_with(|| SeenWorkload {
            figures: WorkloadReport::new(workload),
            sparks: Sparks::default(),
        })
    }

    /// Takes samples, or what CloudWatch answered about the cluster.
    pub(in crate::summary::report) fn take(
        &mut self,
        query: &MetricQuery,
        reading: &Reading,
        run: &Run,
        slots: &Slots,
    ) {
        if query.metric.namespace != KUBERNETES {
            self.vended.take(query, reading, &run.window);
            return;
        }
        let dimension = |name| query.metric.dimensions.get(name).map(ToOwned::to_owned);
        let names = [dimension("Namespace"), dimension("WorkloadKind"), dimension("Workload")];
        if let [Some(namespace), Some(kind), Some(name)] = names {
            self.workload(&Workload { namespace, kind, name }).take(query, reading, run, slots);
        }
    }

    /// Takes how the cluster is set up.
    pub(in crate::summary::report) fn take_state(&mut self, state: ClusterState) {
        self.api = MetricsApiReport::from(&state.metrics_api);
        self.state = Some(state);
    }

    /// Takes the replicas of a workload.
    pub(in crate::summary::report) fn take_workload(&mut self, state: &WorkloadState) {
        let figures = &mut self.workload(&state.workload).figures;
        (figures.desired, figures.available) = (Some(state.desired), Some(state.available));
    }

    /// Takes a pod.
    pub(in crate::summary::report) fn take_pod(&mut self, pod: &PodState, now: Timestamp) {
        let WorkloadReport { cpu, memory, .. } = self.workload(&pod.workload).figures;
        let highest = Highest { cpu: cpu.maximum, memory: memory.maximum };
        let report = PodReport::new(pod, self.api.state, highest, now);
        self.hints.take(&report);
        self.workload(&pod.workload).take_pod(pod, &report, now);
        self.pod_count += 1;
        self.pods.push(report);
        // Sorted now and then only, so that a pod costs the same however many there are.
        if self.pods.len() >= 4 * MOST_PODS {
            self.keep_worst_pods(MOST_PODS);
        }
    }

    pub(super) fn keep_worst_pods(&mut self, most: usize) {
        self.pods.sort_by_cached_key(PodReport::order);
        self.pods.truncate(most);
    }
}

impl SeenWorkload {
    fn take(&mut self, query: &MetricQuery, reading: &Reading, run: &Run, slots: &Slots) {
        let (figures, statistic) = (&mut self.figures, &query.statistic);
        let is_maximum = *statistic == Statistic::Maximum;
        let is = |measure: KubernetesMeasure| query.metric.name == measure.metric_name();
        if is(KubernetesMeasure::PodCpuPercent) {
            figures.cpu.take(statistic, reading, &run.window);
            let Sparks { cpu, cpu_maximum, .. } = &mut self.sparks;
            keep_spark(is_maximum, reading, slots, cpu, cpu_maximum);
        } else if is(KubernetesMeasure::PodMemoryPercent) {
            figures.memory.take(statistic, reading, &run.window);
            let Sparks { memory, memory_maximum, .. } = &mut self.sparks;
            keep_spark(is_maximum, reading, slots, memory, memory_maximum);
        } else if is(KubernetesMeasure::PodRestarts) {
            figures.restarts = sum(reading);
        } else if is(KubernetesMeasure::OomKilled) {
            figures.oom_kills = sum(reading);
        }
    }

    fn take_pod(&mut self, pod: &PodState, report: &PodReport, now: Timestamp) {
        let figures = &mut self.figures;
        if pod.is_completed() {
            figures.completed += 1;
            return;
        }
        figures.pods = figures.pods.map(|pods| pods + 1);
        figures.pending += usize::from(pod.is_pending());
        figures.never_placed += u32::from(pod.is_never_placed());
        figures.crash_looping += usize::from(pod.is_crash_looping());
        figures.cannot_start += usize::from(pod.cannot_start(now));
        figures.not_yet_read += usize::from(report.usage == PodUsage::NotYet);
        if let Some(provisioned) = &pod.provisioned {
            add(&mut figures.provisioned_millicores, provisioned.cpu_millicores);
            add(&mut figures.provisioned_bytes, provisioned.memory_bytes);
        }
    }
}

fn add(sum: &mut Option<i64>, more: Option<i64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0).saturating_add(more));
    }
}

/// The sum of counts; none if nobody looked.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn sum(reading: &Reading) -> Option<u64> {
    let points = points(reading);
    let counts = points.iter().map(|point| point.value).filter(|value| value.is_finite());
    (!points.is_empty()).then(|| counts.sum::<f64>().clamp(0.0, f64::from(u32::MAX)).round() as u64)
}

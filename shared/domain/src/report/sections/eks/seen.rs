//! Reads an EKS cluster from a snapshot line by line.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::counted::CadvisorReport;
use super::hint::Hints;
use super::model::{EksClusterReport, WorkloadReport};
use super::pod::{Highest, PodReport, PodUsage};
use super::setup::{AddonReport, FindingReport, MetricsApiReport, MetricsApiState, ProfileReport};
use super::vended::Vended;
use crate::evidence::inventory::EksEntry;
use crate::evidence::pods::{ClusterState, PodState, WorkloadState};
use crate::kubernetes::workload::listed_with;
use crate::model::cluster::ClusterName;
use crate::model::metric::MetricQuery;
use crate::model::run::Target;
use crate::model::series::Reading;
use crate::model::subject::Workload;
use crate::report::measured::figures::{Answer, points};
use crate::report::measured::slots::{Slots, Sparks};
use crate::rules::{KUBERNETES, KubernetesMeasure};
use crate::text::Text;

/// Most pods that a report keeps for a cluster.
const MOST_PODS: usize = 50;
/// Most pods that it keeps for all clusters together, unless that leaves a cluster fewer than
/// `FEWEST_PODS`.
const MOST_IN_ALL: usize = 1_000;
const FEWEST_PODS: usize = 5;
/// Most findings, profiles and add-ons, each, that a report keeps for a cluster.
const MOST: usize = 40;

/// What has been read of one cluster. Only its worst pods are held.
#[derive(Debug)]
pub(crate) struct SeenEks {
    pub(crate) name: ClusterName,
    pub(crate) unread: bool,
    pub(crate) state: Option<ClusterState>,
    api: MetricsApiReport,
    pub(crate) workloads: BTreeMap<Workload, SeenWorkload>,
    pods: Vec<PodReport>,
    pod_count: usize,
    hints: Hints,
    vended: Vended,
}

/// What has been read of one workload.
#[derive(Debug)]
pub(crate) struct SeenWorkload {
    pub(crate) figures: WorkloadReport,
    pub(crate) sparks: Sparks,
}

/// Most pods to keep for each of this many clusters.
pub(crate) fn most_pods(clusters: usize) -> usize {
    (MOST_IN_ALL / clusters.max(1)).clamp(FEWEST_PODS, MOST_PODS)
}

impl SeenEks {
    /// A cluster of the inventory; `unread` if its workloads could not be listed.
    pub(crate) fn new(name: ClusterName, entry: &EksEntry, unread: bool) -> Self {
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

    /// The workload of that name. A workload that the inventory does not list, for example because
    /// it was just created, is added.
    fn workload(&mut self, workload: &Workload) -> &mut SeenWorkload {
        self.workloads.entry(workload.clone()).or_insert_with(|| SeenWorkload {
            figures: WorkloadReport::new(workload),
            sparks: Sparks::default(),
        })
    }

    /// Takes samples, or a CloudWatch reading of the cluster.
    pub(crate) fn take(&mut self, query: &MetricQuery, reading: &Reading, slots: &Slots) {
        if query.metric.namespace != KUBERNETES {
            self.vended.take(query, reading, slots.window());
            return;
        }
        let dimension = |name| query.metric.dimensions.get(name).map(ToOwned::to_owned);
        let names = [dimension("Namespace"), dimension("WorkloadKind"), dimension("Workload")];
        if let [Some(namespace), Some(kind), Some(name)] = names {
            self.workload(&Workload { namespace, kind, name }).take(query, reading, slots);
        }
    }

    /// Takes the configuration of the cluster.
    pub(crate) fn take_state(&mut self, state: ClusterState) {
        self.api = MetricsApiReport::from(&state.metrics_api);
        self.state = Some(state);
    }

    /// Takes the replicas of a workload.
    pub(crate) fn take_workload(&mut self, state: &WorkloadState) {
        let figures = &mut self.workload(&state.workload).figures;
        (figures.desired, figures.available) = (Some(state.desired), Some(state.available));
    }

    /// Takes a pod.
    pub(crate) fn take_pod(&mut self, pod: &PodState, now: Timestamp) {
        let WorkloadReport { cpu, memory, .. } = self.workload(&pod.workload).figures;
        let highest = Highest { cpu: cpu.maximum, memory: memory.maximum };
        let report = PodReport::new(pod, self.api.state, highest, now);
        self.hints.take(&report);
        self.workload(&pod.workload).take_pod(pod, &report, now);
        self.pod_count += 1;
        self.pods.push(report);
        // Sorted only now and then, so that the cost per pod does not depend on their number.
        if self.pods.len() >= 4 * MOST_PODS {
            self.keep_worst_pods(MOST_PODS);
        }
    }

    fn keep_worst_pods(&mut self, most: usize) {
        self.pods.sort_by_cached_key(PodReport::order);
        self.pods.truncate(most);
    }

    /// Marks, once all lines are read, what could not be queried, so that a missing figure, pod or
    /// replica does not read as none.
    pub(crate) fn close(&mut self) {
        let unlisted = self.unlisted();
        for SeenWorkload { figures, .. } in self.workloads.values_mut() {
            for figure in [&mut figures.cpu, &mut figures.memory] {
                if figure.is_empty() && self.api.state != MetricsApiState::Serves {
                    figure.answer = Answer::CouldNotAsk;
                }
            }
            figures.pods.take_if(|_| self.unread);
            figures.replicas_not_known = unlisted.contains(listed_with(figures.kind.as_str()));
        }
    }

    /// Kinds of workloads that could not be listed.
    pub(crate) fn unlisted(&self) -> BTreeSet<String> {
        self.state.as_ref().map(|state| state.unlisted.clone()).unwrap_or_default()
    }

    /// Its report, with at most `most_pods` pods.
    pub(crate) fn finish(mut self, target: &Target, most_pods: usize) -> EksClusterReport {
        self.keep_worst_pods(most_pods);
        let unlisted = self.unlisted();
        let (metrics, metrics_left_out) = self.vended.finish();
        let report = EksClusterReport {
            account: target.account.clone(),
            region: target.region.clone(),
            cluster: self.name,
            status: None,
            version: None,
            metrics_api: self.api,
            cadvisor: None,
            fargate_nodes: None,
            other_nodes: None,
            profiles: None,
            addons: None,
            logs: None,
            findings: Vec::new(),
            hints: self.hints.finish(),
            unread: self.unread,
            workloads: self.workloads.into_values().map(|workload| workload.figures).collect(),
            unlisted: unlisted.iter().map(|kind| Text::new(kind)).collect(),
            pods_left_out: self.pod_count - self.pods.len(),
            pods: self.pods,
            metrics,
            metrics_left_out,
        };
        match self.state {
            Some(state) => set_up(report, &state),
            None => report,
        }
    }
}

fn set_up(report: EksClusterReport, state: &ClusterState) -> EksClusterReport {
    EksClusterReport {
        status: state.status.as_deref().map(Text::new),
        version: state.version.as_deref().map(Text::new),
        cadvisor: state.cadvisor.as_ref().map(CadvisorReport::from),
        fargate_nodes: state.nodes.map(|nodes| nodes.fargate),
        other_nodes: state.nodes.map(|nodes| nodes.other),
        profiles: state.profiles.as_ref().map(|of| of.iter().take(MOST).map(ProfileReport::from).collect()),
        addons: state.addons.as_ref().map(|of| of.iter().take(MOST).map(AddonReport::from).collect()),
        logs: state.logs.clone(),
        findings: state.findings.iter().take(MOST).map(FindingReport::from).collect(),
        ..report
    }
}

impl SeenWorkload {
    fn take(&mut self, query: &MetricQuery, reading: &Reading, slots: &Slots) {
        let (figures, statistic) = (&mut self.figures, &query.statistic);
        let is = |measure: KubernetesMeasure| query.metric.name == measure.metric_name();
        if is(KubernetesMeasure::PodCpuPercent) {
            figures.cpu.take(statistic, reading, slots.window());
            self.sparks.cpu.take(statistic, reading, slots);
        } else if is(KubernetesMeasure::PodMemoryPercent) {
            figures.memory.take(statistic, reading, slots.window());
            self.sparks.memory.take(statistic, reading, slots);
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

/// The sum of counts; `None` without points.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn sum(reading: &Reading) -> Option<u64> {
    let points = points(reading);
    let counts = points.iter().map(|point| point.value).filter(|value| value.is_finite());
    (!points.is_empty()).then(|| counts.sum::<f64>().clamp(0.0, f64::from(u32::MAX)).round() as u64)
}

//! What the runs before saw: Kubernetes tells of one instant only, so samples are joined from snapshot to snapshot.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{PodCounters, PodState, Sample, Termination};
use crate::cluster::ClusterName;
use crate::fault::Fault;
use crate::inventory::ClusterEntry;
use crate::metric::{MetricQuery, Statistic};
use crate::rule::{KUBERNETES, KubernetesMeasure, SAMPLE_PERIOD, Subject, Workload};
use crate::series::{Datapoint, MetricSeries, Reading};
use crate::snapshot::{BadSnapshot, SnapshotLine, SnapshotPieces};
use crate::window::Window;

/// Snapshots of the runs before, compressed as they are stored.
#[derive(Debug, Default)]
pub struct History {
    snapshots: Vec<SnapshotPieces>,
}

/// What the snapshots before hold of one cluster.
#[derive(Debug, Clone, Default)]
pub struct ClusterHistory {
    series: HashMap<MetricQuery, Vec<Datapoint>>,
    before: Option<Before>,
    workloads: Vec<Workload>,
}

/// What the sample before saw of one cluster.
#[derive(Debug, Clone, Default)]
pub struct Before {
    restarts: HashMap<String, u32>,
    ends: HashSet<(String, Termination)>,
    counters: HashMap<String, PodCounters>,
}

impl Before {
    /// Restarts of a pod since then. A pod that was not there has made all of its own since.
    pub fn restarts_since(&self, pod: &PodState) -> u32 {
        pod.restarts.saturating_sub(self.restarts.get(&pod.uid).copied().unwrap_or(0))
    }

    /// Whether this end of a container was seen.
    pub fn knew(&self, pod: &PodState, end: &Termination) -> bool {
        self.ends.contains(&(pod.uid.clone(), end.clone()))
    }

    /// What cAdvisor had counted for a pod; none if it was not asked, or the pod was not there.
    pub fn counters(&self, pod: &PodState) -> Option<&PodCounters> {
        self.counters.get(&pod.uid)
    }

    fn add(&mut self, pod: PodState) {
        self.ends.extend(pod.terminated.into_iter().map(|end| (pod.uid.clone(), end)));
        self.counters.extend(pod.counters.map(|counters| (pod.uid.clone(), *counters)));
        self.restarts.insert(pod.uid, pod.restarts);
    }
}

impl FromIterator<PodState> for Before {
    fn from_iter<I: IntoIterator<Item = PodState>>(pods: I) -> Self {
        let mut before = Self::default();
        pods.into_iter().for_each(|pod| before.add(pod));
        before
    }
}

impl History {
    /// Takes in a snapshot that is newer than all before.
    pub fn add(&mut self, snapshot: SnapshotPieces) {
        self.snapshots.push(snapshot);
    }

    /// What the snapshots hold of a cluster. Of all of them the samples count; of the newest alone what was there.
    pub fn of(&self, cluster: &ClusterName) -> Result<ClusterHistory, BadSnapshot> {
        let mut history = ClusterHistory::default();
        let Some((newest, older)) = self.snapshots.split_last() else { return Ok(history) };
        for snapshot in older {
            for line in snapshot.lines_of(cluster) {
                // Samples come before all else.
                let SnapshotLine::Series(query, reading) = line? else { break };
                history.add_samples(query, &reading);
            }
        }
        let entry = newest.clusters().iter().find(|(name, _)| name == cluster).map(|(_, entry)| entry);
        history.begin(entry);
        for line in newest.lines_of(cluster) {
            match line? {
                SnapshotLine::Series(query, reading) => history.add_samples(query, &reading),
                // Of a cluster that was not read to its end there may be half the pods: they are no sample.
                SnapshotLine::Pod(pod) => {
                    if let Some(before) = &mut history.before {
                        before.add(*pod);
                    }
                }
                _ => {}
            }
        }
        Ok(history)
    }
}

impl ClusterHistory {
    fn begin(&mut self, entry: Option<&ClusterEntry>) {
        let Some(entry) = entry else { return };
        // Only a cluster that was read has a sample.
        self.before = (!entry.services_unread).then(Before::default);
        self.workloads.clone_from(&entry.workloads);
    }

    fn add_samples(&mut self, query: MetricQuery, reading: &Reading) {
        if query.metric.namespace == KUBERNETES {
            let points = reading.series().map(MetricSeries::points).unwrap_or_default();
            self.series.entry(query).or_default().extend_from_slice(points);
        }
    }

    /// What the sample before saw; none if there is none, or the cluster could not be read.
    pub fn before(&self) -> Option<&Before> {
        self.before.as_ref()
    }

    /// The workloads that it had: of a cluster that cannot be read now, they are judged on.
    pub fn workloads(&self) -> &[Workload] {
        &self.workloads
    }

    /// The newest sample that there is of a measure.
    pub fn newest(
        &self,
        subject: &Subject,
        measure: KubernetesMeasure,
        statistic: &Statistic,
    ) -> Option<f64> {
        let query =
            MetricQuery { metric: measure.of(subject), statistic: statistic.clone(), period: SAMPLE_PERIOD };
        let points = self.series.get(&query)?;
        points.iter().max_by_key(|point| point.timestamp).map(|point| point.value)
    }

    /// The samples of a subject with those of the runs before, within the window: the new one is that of the newest period.
    /// `fault` says why a measure could not be asked; one that has no value is then unread instead of without data.
    pub fn join<'a>(
        &mut self,
        subject: &Subject,
        samples: Vec<Sample>,
        window: &Window,
        fault: impl Fn(KubernetesMeasure) -> Option<&'a Fault>,
    ) -> Vec<(MetricQuery, Reading)> {
        let window = window.in_periods(SAMPLE_PERIOD);
        let joined = samples.into_iter().map(|(measure, statistic, value)| {
            let query = MetricQuery { metric: measure.of(subject), statistic, period: SAMPLE_PERIOD };
            let before = self.series.remove(&query).unwrap_or_default();
            let series = append(before, &window, value);
            let reading = match (value, fault(measure)) {
                (None, Some(fault)) if series.points().is_empty() => Reading::Unread(fault.clone()),
                (None, Some(fault)) => Reading::Partial(series, fault.clone()),
                _ => Reading::Complete(series),
            };
            (query, reading)
        });
        joined.collect()
    }
}

/// The points within the window, and the new one in its newest period.
fn append(mut points: Vec<Datapoint>, window: &Window, value: Option<f64>) -> MetricSeries {
    let newest = window.period_starts().next_back();
    points.retain(|point| point.timestamp >= window.start && Some(point.timestamp) < newest);
    let new = newest.zip(value).map(|(timestamp, value): (Timestamp, f64)| Datapoint { timestamp, value });
    points.extend(new);
    MetricSeries::new(points)
}

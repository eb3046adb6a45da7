//! What the runs before saw: Kubernetes tells of one instant only, so samples are joined from snapshot to snapshot.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::{PodState, Sample, Termination};
use crate::cluster::ClusterName;
use crate::fault::Fault;
use crate::metric::MetricQuery;
use crate::rule::{KUBERNETES, KubernetesMeasure, SAMPLE_PERIOD, Subject, Workload};
use crate::series::{Datapoint, MetricSeries, Reading};
use crate::snapshot::SnapshotLine;
use crate::window::Window;

/// What the snapshot before holds of a target's clusters.
#[derive(Debug, Clone, Default)]
pub struct History {
    series: HashMap<MetricQuery, Vec<Datapoint>>,
    before: HashMap<ClusterName, Before>,
    workloads: BTreeMap<ClusterName, Vec<Workload>>,
}

/// What the sample before saw of one cluster.
#[derive(Debug, Clone, Default)]
pub struct Before {
    restarts: HashMap<String, u32>,
    ends: HashSet<(String, Termination)>,
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
}

impl History {
    /// A snapshot follows that is newer than all before: what those saw last does not count any more, only their samples do.
    pub fn next_snapshot(&mut self) {
        self.before.clear();
        self.workloads.clear();
    }

    /// Takes in a line of the snapshot.
    pub fn add(&mut self, line: SnapshotLine) {
        match line {
            SnapshotLine::Cluster(cluster, entry) => {
                // Only a cluster that was read has a sample.
                if !entry.services_unread {
                    self.before.insert(cluster.clone(), Before::default());
                }
                self.workloads.insert(cluster, entry.workloads);
            }
            SnapshotLine::Series(query, reading) if query.metric.namespace == KUBERNETES => {
                let points = reading.series().map(MetricSeries::points).unwrap_or_default();
                self.series.entry(query).or_default().extend_from_slice(points);
            }
            SnapshotLine::Pod(pod) => {
                let before = self.before.entry(pod.cluster.clone()).or_default();
                let ends = pod.terminated.into_iter().map(|end| (pod.uid.clone(), end));
                before.ends.extend(ends);
                before.restarts.insert(pod.uid, pod.restarts);
            }
            _ => {}
        }
    }

    /// What the sample before saw of a cluster; none if there is none, or it could not be read.
    pub fn before(&self, cluster: &ClusterName) -> Option<&Before> {
        self.before.get(cluster)
    }

    /// The workloads that a cluster had: of one that cannot be read now, they are judged on.
    pub fn workloads(&self, cluster: &ClusterName) -> &[Workload] {
        self.workloads.get(cluster).map(Vec::as_slice).unwrap_or_default()
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

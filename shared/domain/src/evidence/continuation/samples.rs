//! Samples of earlier runs: Kubernetes reports only the present, so samples are joined from
//! snapshot to snapshot.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::evidence::inventory::ClusterEntry;
use crate::evidence::pods::{PreviousPods, Sample, SampleTimes};
use crate::evidence::snapshot::{BadSnapshot, SnapshotLine, SnapshotPieces};
use crate::model::cluster::ClusterName;
use crate::model::fault::Fault;
use crate::model::metric::{MetricQuery, Statistic};
use crate::model::series::{Datapoint, MetricSeries, Reading};
use crate::model::subject::{Subject, Workload};
use crate::rules::{KUBERNETES, KubernetesMeasure, SAMPLE_PERIOD};

/// Snapshots of earlier runs, in their stored, compressed form.
#[derive(Debug, Default)]
pub struct History {
    snapshots: Vec<SnapshotPieces>,
}

/// What earlier snapshots hold of one cluster.
#[derive(Debug, Clone, Default)]
pub struct ClusterHistory {
    series: HashMap<MetricQuery, Samples>,
    before: Option<PreviousPods>,
    workloads: Vec<Workload>,
}

/// Samples of one query, and the starts of periods that could not be sampled.
#[derive(Debug, Clone, Default)]
struct Samples {
    points: Vec<Datapoint>,
    unread: Vec<Timestamp>,
}

impl History {
    /// Adds a snapshot that is newer than all added before.
    pub fn add(&mut self, snapshot: SnapshotPieces) {
        self.snapshots.push(snapshot);
    }

    /// When the samples of the newest snapshot were taken, oldest first.
    pub fn samples(&self) -> &[Timestamp] {
        self.snapshots.last().map(SnapshotPieces::samples).unwrap_or_default()
    }

    /// What the snapshots hold of a cluster: samples from all of them, pods and workloads from the
    /// newest alone.
    pub fn of(&self, cluster: &ClusterName) -> Result<ClusterHistory, BadSnapshot> {
        let mut history = ClusterHistory::default();
        let Some((newest, older)) = self.snapshots.split_last() else { return Ok(history) };
        for snapshot in older {
            for line in snapshot.lines_of(cluster) {
                // Samples come first.
                let SnapshotLine::Series(query, reading) = line? else { break };
                history.add_samples(query, &reading, snapshot.samples());
            }
        }
        let entry = newest.clusters().iter().find(|(name, _)| name == cluster).map(|(_, entry)| entry);
        history.begin(entry, newest.samples().last().copied());
        for line in newest.lines_of(cluster) {
            match line? {
                SnapshotLine::Series(query, reading) => {
                    history.add_samples(query, &reading, newest.samples());
                }
                // A cluster that was not read completely may have only some of its pods, which are
                // not a sample.
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
    fn begin(&mut self, entry: Option<&ClusterEntry>, taken: Option<Timestamp>) {
        let Some(entry) = entry else { return };
        // Only a cluster that was read completely has a sample.
        self.before = (!entry.unlisted).then(|| PreviousPods::default().taken_at(taken));
        self.workloads = entry.workloads().to_vec();
    }

    fn add_samples(&mut self, query: MetricQuery, reading: &Reading, taken: &[Timestamp]) {
        if query.metric.namespace == KUBERNETES {
            let samples = self.series.entry(query).or_default();
            if let Some(series) = reading.series() {
                samples.points.extend_from_slice(series.points());
                samples.unread.extend_from_slice(series.unread());
            } else {
                samples.unread.extend(SampleTimes::starts(taken));
            }
        }
    }

    /// The previous sample; `None` if there is none, or the cluster could not be read.
    pub fn before(&self) -> Option<&PreviousPods> {
        self.before.as_ref()
    }

    /// The cluster's workloads in the newest snapshot: if the cluster cannot be read now, they stay
    /// the subjects of rules.
    pub fn workloads(&self) -> &[Workload] {
        &self.workloads
    }

    /// The newest sample of a measure.
    pub fn newest(
        &self,
        subject: &Subject,
        measure: KubernetesMeasure,
        statistic: &Statistic,
    ) -> Option<f64> {
        let query =
            MetricQuery { metric: measure.of(subject), statistic: statistic.clone(), period: SAMPLE_PERIOD };
        let samples = self.series.get(&query)?;
        samples.points.iter().max_by_key(|point| point.timestamp).map(|point| point.value)
    }

    /// Joins the new samples of a subject with those of earlier runs. `fault` says why a measure
    /// could not be queried; without a value it is then unread instead of without data, in this run
    /// and all later ones.
    pub fn join<'a>(
        &mut self,
        subject: &Subject,
        samples: Vec<Sample>,
        times: &SampleTimes,
        fault: impl Fn(KubernetesMeasure) -> Option<&'a Fault>,
    ) -> Vec<(MetricQuery, Reading)> {
        let newest = times.newest_start();
        let joined = samples.into_iter().map(|(measure, statistic, value)| {
            let query = MetricQuery { metric: measure.of(subject), statistic, period: SAMPLE_PERIOD };
            let mut all = self.kept(&query, times);
            all.points.extend(newest.zip(value).map(|(timestamp, value)| Datapoint { timestamp, value }));
            let fault = fault(measure).filter(|_| value.is_none());
            all.unread.extend(newest.filter(|_| fault.is_some()));
            let series = MetricSeries::new(all.points).with_unread(all.unread);
            let reading = match fault {
                Some(fault) if series.points().is_empty() => Reading::Unread(fault.clone()),
                Some(fault) => Reading::Partial(series, fault.clone()),
                None => Reading::Complete(series),
            };
            (query, reading)
        });
        joined.collect()
    }

    /// The samples of earlier runs that are kept.
    fn kept(&mut self, query: &MetricQuery, times: &SampleTimes) -> Samples {
        let Some(Samples { points, unread }) = self.series.remove(query) else { return Samples::default() };
        let point = |Datapoint { timestamp, value }| {
            times.kept(timestamp).map(|timestamp| Datapoint { timestamp, value })
        };
        Samples {
            points: points.into_iter().filter_map(point).collect(),
            unread: unread.into_iter().filter_map(|start| times.kept(start)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::evidence::coverage::Coverage;
    use crate::evidence::snapshot::SnapshotWriter;
    use crate::model::fault::Fault;
    use crate::model::operation::Operation;
    use crate::model::run::{Part, Platform, Run, RunKind, Target};

    const MEASURE: KubernetesMeasure = KubernetesMeasure::PodRestarts;
    const RANGE: usize = 0;

    fn subject() -> Subject {
        Subject::Cluster("payments".parse().unwrap())
    }

    /// The run at `10:minute`, whose window is 15 minutes long.
    fn run(minute: i64) -> Run {
        let time = "2026-11-22T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute);
        Run::new(RunKind::Alarms, time, SignedDuration::ZERO, SignedDuration::from_mins(15), None)
    }

    /// The previous snapshot, joined with a value or the reason why there is none; and the snapshot
    /// that results.
    fn joined(before: Option<Vec<u8>>, minute: i64, sample: Result<f64, &Fault>) -> (Reading, Vec<u8>) {
        let mut history = History::default();
        before.into_iter().for_each(|bytes| history.add(SnapshotPieces::new(bytes).unwrap()));
        let run = run(minute);
        let times = SampleTimes::of(&run, history.samples(), RANGE);
        let mut history = history.of(subject().cluster().unwrap()).unwrap();
        let samples = vec![(MEASURE, Statistic::Sum, sample.ok())];
        let (query, reading) = history.join(&subject(), samples, &times, |_| sample.err()).remove(0);
        let target = Target {
            platform: Platform::Eks,
            account: "123456789012".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            part: Part::WHOLE,
            role: None,
        };
        let head = SnapshotWriter::begin_samples(Vec::new(), &run, &target, run.time, times.ends()).unwrap();
        let mut piece = SnapshotWriter::piece(head.end_piece().unwrap());
        piece.series(&query, &reading).unwrap();
        let end = SnapshotWriter::piece(piece.end_piece().unwrap());
        (reading, end.end(&Coverage::default()).unwrap())
    }

    /// Minutes that end with a point, and minutes that could not be read.
    fn minutes(reading: &Reading) -> (Vec<i64>, Vec<i64>) {
        let ends = |start: &Timestamp| start.duration_since(run(0).time).as_mins() + 5;
        let series = reading.series().unwrap();
        (
            series.points().iter().map(|point| ends(&point.timestamp)).collect(),
            series.unread().iter().map(ends).collect(),
        )
    }

    #[test]
    fn a_failed_query_stays_unread_in_later_runs() {
        let fault = Fault::malformed(Operation::kubernetes("GET", "pods"), "payments", "cut");
        let (_, one) = joined(None, 5, Ok(1.0));
        let (unread, two) = joined(Some(one), 10, Err(&fault));
        assert!(matches!(unread, Reading::Partial(..)), "{unread:?}");
        assert_eq!(minutes(&unread), (vec![5], vec![10]));
        let (read, three) = joined(Some(two), 15, Ok(3.0));
        assert!(matches!(read, Reading::Complete(_)), "{read:?}");
        assert_eq!(minutes(&read), (vec![5, 15], vec![10]));
        let mut before = three;
        for minute in (20..=50).step_by(5) {
            before = joined(Some(before), minute, Ok(4.0)).1;
        }
        let kept = minutes(&joined(Some(before), 55, Ok(4.0)).0);
        assert_eq!(
            kept,
            (vec![25, 30, 35, 40, 45, 50, 55], vec![]),
            "six are kept in addition to the window"
        );
    }

    #[test]
    fn samples_of_a_slow_schedule_are_kept_and_those_of_a_fast_one_are_distinct() {
        for every in [1, 2, 5, 30, 60] {
            let mut before = None;
            for run in 0..=6 {
                let (reading, snapshot) = joined(before, run * every, Ok(1.0));
                let taken: Vec<i64> = (0..=run).map(|run| run * every).collect();
                assert_eq!(minutes(&reading), (taken, vec![]), "every {every} minutes");
                before = Some(snapshot);
            }
        }
    }

    #[test]
    fn an_outage_longer_than_all_kept_samples_is_remembered() {
        let fault = Fault::malformed(Operation::kubernetes("GET", "pods"), "payments", "cut");
        let mut before = joined(None, 5, Ok(1.0)).1;
        for minute in (10..=60).step_by(5) {
            let (unread, snapshot) = joined(Some(before), minute, Err(&fault));
            assert_eq!(matches!(unread, Reading::Unread(_)), minute >= 40, "{minute}: {unread:?}");
            before = snapshot;
        }
        let after = minutes(&joined(Some(before), 65, Ok(1.0)).0);
        assert_eq!(after, (vec![65], vec![35, 40, 45, 50, 55, 60]));
    }
}

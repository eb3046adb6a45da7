//! Builds a snapshot: each cluster is converted to samples, written as a piece, and dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use fargaze::evidence::continuation::{ClusterHistory, History};
use fargaze::evidence::coverage::{Coverage, CoverageTally};
use fargaze::evidence::inventory::{ClusterContents, ClusterEntry, EksEntry, Inventory};
use fargaze::evidence::pods::{
    PodState, Sample, SampleTimes, WorkloadState, cluster_samples, workload_samples,
};
use fargaze::evidence::snapshot::SnapshotWriter;
use fargaze::kubernetes::pod::Phase;
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::metric::{MetricQuery, Statistic};
use fargaze::model::operation::Operation;
use fargaze::model::run::{Run, RunKind, Target};
use fargaze::model::series::Reading as Answer;
use fargaze::model::subject::{Subject, Workload};
use fargaze::rules::ReadFrom;
use jiff::Timestamp;

use crate::reading::{Answers, Ending, Reading};

/// Builds a snapshot from clusters.
pub(crate) struct SnapshotBuilder<'a> {
    run: &'a Run,
    target: &'a Target,
    history: History,
    times: SampleTimes,
    read_at: Timestamp,
    inventory: BTreeMap<ClusterName, ClusterEntry>,
    /// One for each cluster, compressed.
    pieces: Vec<Vec<u8>>,
    faults: Vec<Fault>,
}

/// A snapshot with all clusters, to which CloudWatch results are added.
pub(crate) struct Heading {
    head: SnapshotWriter<Vec<u8>>,
    inventory: Inventory,
    pieces: Vec<Vec<u8>>,
    tally: CoverageTally,
    faults: Vec<Fault>,
    /// Why a line could not be written, if so.
    failure: Option<io::Error>,
}

impl<'a> SnapshotBuilder<'a> {
    /// `range` is the maximum number of samples that one verdict evaluates.
    pub(crate) fn new(
        run: &'a Run,
        target: &'a Target,
        history: History,
        range: usize,
        read_at: Timestamp,
    ) -> Self {
        let (inventory, pieces, faults) = (BTreeMap::new(), Vec::new(), Vec::new());
        let times = SampleTimes::of(run, history.samples(), range);
        Self { run, target, history, times, read_at, inventory, pieces, faults }
    }

    /// Adds faults.
    pub(crate) fn faults(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.extend(faults);
    }

    /// Adds a cluster: its samples, state, workloads and pods.
    pub(crate) fn add(&mut self, mut reading: Reading) -> io::Result<()> {
        let name = reading.state.cluster.clone();
        let mut history = self.history.of(&name).unwrap_or_else(|error| {
            // A retry would fail again, so the fault is reported instead of failing all later runs.
            self.faults.push(Fault::malformed(Operation::S3GetObject, name.as_str(), error.to_string()));
            ClusterHistory::default()
        });
        if let Ending::Read(answers) = &mut reading.end {
            answers.pods.iter_mut().for_each(|pod| pod.compare(history.before(), self.run.time));
            if reading.state.cadvisor.is_some() {
                rate(answers, &name, &history);
            }
        }
        let pods = by_workload(reading.pods());
        let states: BTreeMap<&Workload, &WorkloadState> =
            reading.workloads.iter().map(|state| (&state.workload, state)).collect();
        let mut workloads: BTreeSet<Workload> = pods.keys().chain(states.keys()).copied().cloned().collect();
        // Workloads that could not be listed may still exist.
        let is_lost =
            |workload: &&Workload| reading.is_unread() || reading.unlisted(&workload.kind).is_some();
        workloads.extend(history.workloads().iter().filter(is_lost).cloned());
        let mut piece = SnapshotWriter::piece(Vec::new());
        self.cluster_samples(&reading, &mut history, &mut piece)?;
        for workload in &workloads {
            let pods = pods.get(workload).map(Vec::as_slice).unwrap_or_default();
            let state = states.get(workload).copied();
            let subject = Subject::Workload(name.clone(), workload.clone());
            let cadvisor = reading.state.cadvisor.is_some();
            let mut samples = workload_samples(pods, state, history.before(), self.run.time, cadvisor);
            let unlisted = reading.unlisted(&workload.kind).filter(|_| pods.is_empty() && state.is_none());
            let unseen = reading.unread().or(unlisted);
            if unseen.is_some() {
                forget_values(&mut samples);
            } else if is_counted_in_part(&reading, pods) {
                forget_lower_values(&mut samples, &history, &subject);
            }
            let fault = |measure| unseen.or(reading.fault_of(measure, Some(workload)));
            write(&history.join(&subject, samples, &self.times, fault), &mut piece)?;
        }
        piece.eks(&reading.state)?;
        reading.workloads.iter().try_for_each(|state| piece.workload(state))?;
        reading.pods().iter().try_for_each(|pod| piece.pod(pod))?;
        self.pieces.push(piece.end_piece()?);
        let eks = EksEntry {
            workloads: workloads.into_iter().collect(),
            cadvisor: reading.state.cadvisor.is_some(),
        };
        let unlisted = reading.is_unread();
        let entry = ClusterEntry { tags: reading.tags, unlisted, contents: ClusterContents::Eks(eks) };
        self.inventory.insert(name, entry);
        self.faults.extend(reading.faults);
        Ok(())
    }

    fn cluster_samples(
        &self,
        reading: &Reading,
        history: &mut ClusterHistory,
        piece: &mut SnapshotWriter<Vec<u8>>,
    ) -> io::Result<()> {
        let mut samples = cluster_samples(&reading.state, reading.pods(), self.run.time);
        if reading.answers().is_none() {
            forget_values(&mut samples);
        }
        let subject = Subject::Cluster(reading.state.cluster.clone());
        let fault = |measure| reading.fault_of(measure, None);
        write(&history.join(&subject, samples, &self.times, fault), piece)
    }

    /// Starts the snapshot once all clusters are known.
    pub(crate) fn heading(self) -> io::Result<Heading> {
        let samples = if self.run.kind == RunKind::Alarms { self.times.ends() } else { &[] };
        let mut head =
            SnapshotWriter::begin_samples(Vec::new(), self.run, self.target, self.read_at, samples)?;
        for (cluster, entry) in &self.inventory {
            head.cluster(cluster, entry)?;
        }
        let inventory = Inventory {
            read_at: self.read_at,
            clusters: self.inventory,
            faults: Vec::new(),
            families_listed: false,
            tasks_listed: false,
        };
        let (pieces, faults) = (self.pieces, self.faults);
        Ok(Heading { head, inventory, pieces, tally: CoverageTally::default(), faults, failure: None })
    }
}

impl Heading {
    /// The clusters that were read.
    pub(crate) fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Adds faults.
    pub(crate) fn faults(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.extend(faults);
    }

    /// Adds the result of one CloudWatch query.
    pub(crate) fn vended(&mut self, query: &MetricQuery, answer: &Answer) {
        self.tally.add(query, answer);
        if let Err(error) = self.head.series(query, answer) {
            self.failure.get_or_insert(error);
        }
    }

    /// Returns the snapshot and its coverage.
    pub(crate) fn end(self) -> io::Result<(Vec<u8>, Coverage)> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let mut bytes = self.head.end_piece()?;
        self.pieces.iter().for_each(|piece| bytes.extend_from_slice(piece));
        let coverage = self.tally.finish(&self.inventory, self.faults);
        bytes.extend(SnapshotWriter::piece(Vec::new()).end(&coverage)?);
        Ok((bytes, coverage))
    }
}

fn write(samples: &[(MetricQuery, Answer)], piece: &mut SnapshotWriter<Vec<u8>>) -> io::Result<()> {
    samples.iter().try_for_each(|(query, answer)| piece.series(query, answer))
}

/// Computes rates of cAdvisor counters from the previous sample. Without that sample there is no
/// rate, which is not the same as no data.
fn rate(answers: &mut Answers, cluster: &ClusterName, history: &ClusterHistory) {
    for pod in &mut answers.pods {
        pod.rate(history.before());
        pod.keep_counters(history.before());
    }
    if history.before().is_none() {
        let none = || Fault {
            operation: Operation::kubernetes("GET", "nodes/proxy"),
            subject: cluster.to_string(),
            kind: FaultKind::Transient,
            code: "first sample".to_owned(),
            message: "rates need the counters of the previous run, which has none".to_owned(),
        };
        answers.no_counters.get_or_insert_with(none);
    }
}

/// Whether cAdvisor counters of a running pod are missing.
fn is_counted_in_part(reading: &Reading, pods: &[&PodState]) -> bool {
    let runs_unrated = |pod: &&PodState| pod.phase == Phase::Running && pod.rates.is_none();
    reading.answers().is_some_and(|answers| answers.no_counters.is_some()) && pods.iter().any(runs_unrated)
}

/// The maximum over some of the pods is a lower bound for all of them: it may start an alarm but
/// must not end one. A mean over some is no bound.
fn forget_lower_values(samples: &mut [Sample], history: &ClusterHistory, subject: &Subject) {
    for (measure, statistic, value) in
        samples.iter_mut().filter(|(measure, ..)| measure.read_from() == ReadFrom::Cadvisor)
    {
        let newest = history.newest(subject, *measure, statistic);
        let is_lower = value.zip(newest).is_some_and(|(value, newest)| value < newest);
        if is_lower || *statistic == Statistic::Average {
            *value = None;
        }
    }
}

/// Nothing is known about an unreadable cluster: neither that nothing restarts nor that nothing is
/// pending.
fn forget_values(samples: &mut [Sample]) {
    samples.iter_mut().for_each(|(_, _, value)| *value = None);
}

fn by_workload(pods: &[PodState]) -> BTreeMap<&Workload, Vec<&PodState>> {
    let mut groups = BTreeMap::<&Workload, Vec<&PodState>>::new();
    for pod in pods {
        groups.entry(&pod.workload).or_default().push(pod);
    }
    groups
}

//! A snapshot in the making: each cluster is judged into samples, written as a piece, and dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use fargaze::cluster::ClusterName;
use fargaze::fault::Fault;
use fargaze::inventory::{ClusterEntry, Inventory};
use fargaze::metric::MetricQuery;
use fargaze::outcome::{Coverage, CoverageTally};
use fargaze::pods::{History, PodState, Sample, WorkloadState, cluster_samples, workload_samples};
use fargaze::rule::{KubernetesMeasure, Subject, Workload};
use fargaze::run::{Run, Target};
use fargaze::series::Reading as Answer;
use fargaze::snapshot::SnapshotWriter;
use fargaze::window::Window;
use jiff::Timestamp;

use crate::clusters::Reading;

/// A snapshot in the making.
pub(crate) struct Recording<'a> {
    run: &'a Run,
    target: &'a Target,
    history: History,
    read_at: Timestamp,
    inventory: BTreeMap<ClusterName, ClusterEntry>,
    /// One for each cluster, compressed.
    pieces: Vec<Vec<u8>>,
    vended: BTreeMap<MetricQuery, Answer>,
    tally: CoverageTally,
    faults: Vec<Fault>,
}

impl<'a> Recording<'a> {
    pub(crate) fn new(run: &'a Run, target: &'a Target, history: History, read_at: Timestamp) -> Self {
        let (tally, faults, inventory) = (CoverageTally::default(), Vec::new(), BTreeMap::new());
        Self {
            run,
            target,
            history,
            read_at,
            inventory,
            pieces: Vec::new(),
            vended: BTreeMap::new(),
            tally,
            faults,
        }
    }

    /// What could not be asked.
    pub(crate) fn faults(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.extend(faults);
    }

    /// The window of the run.
    pub(crate) fn window(&self) -> &Window {
        &self.run.window
    }

    /// The kind of run, and the clusters so far.
    pub(crate) fn inventory(&self) -> Inventory {
        let (read_at, clusters) = (self.read_at, self.inventory.clone());
        Inventory { read_at, clusters, faults: Vec::new(), families_listed: false }
    }

    pub(crate) fn run(&self) -> &Run {
        self.run
    }

    /// Takes in what CloudWatch answered to one question.
    pub(crate) fn vended(&mut self, query: &MetricQuery, answer: &Answer) {
        self.tally.add(query, answer);
        self.vended.insert(query.clone(), answer.clone());
    }

    /// Takes in a cluster: its samples, itself, its workloads and its pods.
    pub(crate) fn add(&mut self, reading: Reading) -> io::Result<()> {
        let name = reading.state.cluster.clone();
        let pods = by_workload(&reading.pods);
        let states: BTreeMap<&Workload, &WorkloadState> =
            reading.workloads.iter().map(|state| (&state.workload, state)).collect();
        let mut workloads: BTreeSet<Workload> = pods.keys().chain(states.keys()).copied().cloned().collect();
        // What is not listed is not known to be gone.
        let lost = reading.unread.as_ref().or(reading.no_workloads.as_ref());
        if lost.is_some() {
            workloads.extend(self.history.workloads(&name).iter().cloned());
        }
        let mut piece = SnapshotWriter::piece(Vec::new());
        self.cluster_samples(&reading, &mut piece)?;
        for workload in &workloads {
            let pods = pods.get(workload).map(Vec::as_slice).unwrap_or_default();
            let (state, before) = (states.get(workload).copied(), self.history.before(&name));
            let mut samples = workload_samples(pods, state, before, self.run.time);
            let unseen = lost.filter(|_| reading.is_unread() || (pods.is_empty() && state.is_none()));
            if unseen.is_some() {
                forget_values(&mut samples);
            }
            let subject = Subject::workload(name.clone(), workload.clone());
            self.write(&subject, samples, |measure| unseen.or(reading.fault_of(measure)), &mut piece)?;
        }
        piece.eks(&reading.state)?;
        reading.workloads.iter().try_for_each(|state| piece.workload(state))?;
        reading.pods.iter().try_for_each(|pod| piece.pod(pod))?;
        self.pieces.push(piece.end_piece()?);
        let services_unread = reading.is_unread();
        let entry = ClusterEntry {
            tags: reading.tags,
            workloads: workloads.into_iter().collect(),
            services_unread,
            ..ClusterEntry::default()
        };
        self.inventory.insert(name, entry);
        self.faults.extend(reading.faults);
        Ok(())
    }

    fn cluster_samples(&mut self, reading: &Reading, piece: &mut SnapshotWriter<Vec<u8>>) -> io::Result<()> {
        let forgotten = reading.pods.iter().filter(|pod| pod.is_forgotten(self.run.time)).count();
        let disabled =
            reading.pods.iter().filter(|pod| pod.logging_disabled.is_some() && !pod.is_completed()).count();
        let mut samples = cluster_samples(&reading.state, forgotten, disabled);
        if reading.is_unread() {
            forget_values(&mut samples);
        }
        let subject = Subject::cluster(reading.state.cluster.clone());
        self.write(&subject, samples, |measure| reading.fault_of(measure), piece)
    }

    fn write<'f>(
        &mut self,
        subject: &Subject,
        samples: Vec<Sample>,
        fault: impl Fn(KubernetesMeasure) -> Option<&'f Fault>,
        piece: &mut SnapshotWriter<Vec<u8>>,
    ) -> io::Result<()> {
        let joined = self.history.join(subject, samples, &self.run.window, fault);
        joined.iter().try_for_each(|(query, answer)| piece.series(query, answer))
    }

    /// The snapshot and how much was seen.
    pub(crate) fn end(self) -> io::Result<(Vec<u8>, Coverage)> {
        let inventory = self.inventory();
        let mut head = SnapshotWriter::begin(Vec::new(), self.run, self.target, self.read_at)?;
        for (cluster, entry) in &self.inventory {
            head.cluster(cluster, entry)?;
        }
        for (query, answer) in &self.vended {
            head.series(query, answer)?;
        }
        let mut bytes = head.end_piece()?;
        self.pieces.iter().for_each(|piece| bytes.extend_from_slice(piece));
        let coverage = self.tally.finish(&inventory, self.faults);
        bytes.extend(SnapshotWriter::piece(Vec::new()).end(&coverage)?);
        Ok((bytes, coverage))
    }
}

/// Of a cluster that could not be read nothing is known: neither that nothing restarts nor that nothing is pending.
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

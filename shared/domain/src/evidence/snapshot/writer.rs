//! Writes a snapshot line by line.

use std::borrow::Cow;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use super::{ClusterLine, Line, SeriesLine};
use crate::deaths::{IncidentGroup, Known};
use crate::evidence::coverage::Coverage;
use crate::evidence::inventory::{ClusterEntry, ServiceState, UndescribedService};
use crate::evidence::pods::{ClusterState, PodState, WorkloadState};
use crate::model::cluster::ClusterName;
use crate::model::metric::MetricQuery;
use crate::model::run::{Run, Target};
use crate::model::series::Reading;

/// Writes a snapshot line by line, so that a collector never has to hold all of it: the run first,
/// then clusters, series and services, and the coverage last.
#[derive(Debug)]
pub struct SnapshotWriter<W: Write> {
    out: GzEncoder<W>,
    /// Lines not yet passed to the compressor, which takes as long for one byte as for hundreds.
    pending: Vec<u8>,
}

/// How many bytes are passed to the compressor at once.
const PENDING_BYTES: usize = 16 * 1024;

impl<W: Write> SnapshotWriter<W> {
    /// Begins the snapshot of a target. `inventory_read_at` is when its clusters were listed.
    pub fn begin(to: W, run: &Run, target: &Target, inventory_read_at: Timestamp) -> io::Result<Self> {
        Self::begin_samples(to, run, target, inventory_read_at, &[])
    }

    /// Begins a snapshot with samples that were taken at these times, oldest first, in this run and
    /// earlier ones.
    pub fn begin_samples(
        to: W,
        run: &Run,
        target: &Target,
        inventory_read_at: Timestamp,
        samples: &[Timestamp],
    ) -> io::Result<Self> {
        let mut writer = Self::piece(to);
        let (run, target) = (Cow::Borrowed(run), Cow::Borrowed(target));
        let samples = samples.iter().map(|instant| instant.as_second()).collect();
        writer.line(&Line::Run { run, target, inventory_read_at, samples })?;
        Ok(writer)
    }

    /// Begins another piece of a snapshot. Each piece is its own gzip member, so pieces are joined
    /// by concatenation.
    pub fn piece(to: W) -> Self {
        let out = GzEncoder::new(to, Compression::fast());
        Self { out, pending: Vec::with_capacity(2 * PENDING_BYTES) }
    }

    /// Ends a piece that is not the last.
    pub fn end_piece(mut self) -> io::Result<W> {
        self.out.write_all(&self.pending)?;
        self.out.finish()
    }

    /// Writes a cluster that was checked.
    pub fn cluster(&mut self, cluster: &ClusterName, entry: &ClusterEntry) -> io::Result<()> {
        let (cluster, entry) = (Cow::Borrowed(cluster), Cow::Borrowed(entry));
        self.line(&Line::Cluster(ClusterLine { cluster, entry }))
    }

    /// Writes CloudWatch's answer to one query.
    pub fn series(&mut self, query: &MetricQuery, reading: &Reading) -> io::Result<()> {
        self.line(&Line::Series(SeriesLine::new(query, reading)))
    }

    /// Writes the state of a described service.
    pub fn service(&mut self, state: &ServiceState) -> io::Result<()> {
        self.line(&Line::Service(Cow::Borrowed(state)))
    }

    /// Writes a service that could not be described; after all states.
    pub fn undescribed(&mut self, service: &UndescribedService) -> io::Result<()> {
        self.line(&Line::Undescribed(Cow::Borrowed(service)))
    }

    /// Writes the configuration of an EKS cluster; after its samples, and before its workloads and
    /// pods.
    pub fn eks(&mut self, state: &ClusterState) -> io::Result<()> {
        self.line(&Line::Eks(Cow::Borrowed(state)))
    }

    /// Writes the replicas of a workload; after its cluster.
    pub fn workload(&mut self, state: &WorkloadState) -> io::Result<()> {
        self.line(&Line::Workload(Cow::Borrowed(state)))
    }

    /// Writes a pod; after the workloads of its cluster.
    pub fn pod(&mut self, state: &PodState) -> io::Result<()> {
        self.line(&Line::Pod(Cow::Borrowed(state)))
    }

    /// Writes the incidents, and since when they are known; after everything else.
    pub fn incidents(&mut self, known: &Known, groups: &[IncidentGroup]) -> io::Result<()> {
        self.line(&Line::Events(Cow::Borrowed(known)))?;
        groups.iter().try_for_each(|group| self.line(&Line::Incidents(Cow::Borrowed(group))))
    }

    /// Ends the snapshot with its coverage.
    pub fn end(mut self, coverage: &Coverage) -> io::Result<W> {
        self.line(&Line::End { coverage: Cow::Borrowed(coverage) })?;
        let mut written = self.end_piece()?;
        written.flush()?;
        Ok(written)
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.pending, line)?;
        self.pending.push(b'\n');
        if self.pending.len() >= PENDING_BYTES {
            self.out.write_all(&self.pending)?;
            self.pending.clear();
        }
        Ok(())
    }
}

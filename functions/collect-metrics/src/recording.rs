//! A snapshot in the making: each answer is written, counted and dropped.

use std::collections::BTreeSet;
use std::io;

use fargaze::fault::Fault;
use fargaze::inventory::{Inventory, ServiceState};
use fargaze::metric::MetricQuery;
use fargaze::observe::SILENT_AFTER;
use fargaze::outcome::{Coverage, CoverageTally, TargetTask};
use fargaze::series::Reading;
use fargaze::snapshot::SnapshotWriter;
use jiff::Timestamp;

/// Clusters and services, by name.
pub(crate) type Alive = BTreeSet<(String, String)>;

/// A snapshot in the making.
#[derive(Debug)]
pub(crate) struct Recording {
    writer: SnapshotWriter<Vec<u8>>,
    tally: CoverageTally,
    alive: Vec<(String, String)>,
    /// A point from here on is recent.
    recent: Timestamp,
    /// Why a line could not be written: then there is no snapshot.
    failure: Option<io::Error>,
}

impl Recording {
    /// Begins with the clusters.
    pub(crate) fn begin(task: &TargetTask, inventory: &Inventory) -> io::Result<Self> {
        let mut writer = SnapshotWriter::begin(Vec::new(), &task.run, &task.target, inventory.read_at)?;
        for (cluster, entry) in &inventory.clusters {
            writer.cluster(cluster, entry)?;
        }
        let (tally, recent) = (CoverageTally::default(), task.run.window.end - SILENT_AFTER);
        Ok(Self { writer, tally, alive: Vec::new(), recent, failure: None })
    }

    /// Takes in one answer of CloudWatch.
    pub(crate) fn add(&mut self, query: &MetricQuery, reading: &Reading) {
        self.tally.add(query, reading);
        let newest = reading.series().and_then(|series| series.points().last());
        let dimensions = &query.metric.dimensions;
        if newest.is_some_and(|point| point.timestamp >= self.recent)
            && let (Some(cluster), Some(service)) =
                (dimensions.get("ClusterName"), dimensions.get("ServiceName"))
        {
            // The questions about one service come together.
            let is_last = |(c, s): &(String, String)| c == cluster && s == service;
            if !self.alive.last().is_some_and(is_last) {
                self.alive.push((cluster.to_owned(), service.to_owned()));
            }
        }
        if let Err(error) = self.writer.series(query, reading) {
            self.failure.get_or_insert(error);
        }
    }

    /// Services with a recent point: they have running tasks.
    pub(crate) fn alive(&mut self) -> Alive {
        std::mem::take(&mut self.alive).into_iter().collect()
    }

    /// Ends with what ECS said of silent services; returns the snapshot and how much was seen.
    pub(crate) fn end(
        mut self,
        inventory: &Inventory,
        services: &[ServiceState],
        faults: Vec<Fault>,
    ) -> io::Result<(Vec<u8>, Coverage)> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        for state in services {
            self.writer.service(state)?;
        }
        let coverage = self.tally.finish(inventory, faults);
        Ok((self.writer.end(&coverage)?, coverage))
    }
}

//! Reads a snapshot line by line.

use std::io::{BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;

use super::{BadSnapshot, ClusterLine, Line};
use crate::deaths::{IncidentGroup, Known};
use crate::evidence::coverage::Coverage;
use crate::evidence::inventory::{ClusterEntry, ServiceState, UndescribedService};
use crate::evidence::pods::{ClusterState, PodState, WorkloadState};
use crate::model::cluster::ClusterName;
use crate::model::metric::MetricQuery;
use crate::model::run::{Run, Target};
use crate::model::series::Reading;

/// The first line of a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotBegin {
    /// The run.
    pub run: Run,
    /// The target.
    pub target: Target,
    /// When its clusters were listed.
    pub inventory_read_at: Timestamp,
    /// When the samples that rules evaluate were taken, oldest first; EKS clusters only.
    pub samples: Vec<Timestamp>,
}

/// One fact of a snapshot. Facts come in this order; only the first and the last are always
/// present. EKS clusters come one after another, each as its samples, the cluster itself, its
/// workloads and its pods.
#[derive(Debug, Clone, PartialEq)]
pub enum SnapshotLine {
    /// The run, once.
    Run(Box<SnapshotBegin>),
    /// A cluster that was checked.
    Cluster(ClusterName, ClusterEntry),
    /// CloudWatch's answer to one query, or samples; the lines of one subject are adjacent.
    Series(MetricQuery, Reading),
    /// The state of a described service.
    Service(Box<ServiceState>),
    /// A service that could not be described.
    Undescribed(UndescribedService),
    /// The configuration of an EKS cluster.
    Eks(Box<ClusterState>),
    /// Replicas of an EKS workload.
    Workload(WorkloadState),
    /// An EKS pod.
    Pod(Box<PodState>),
    /// Since when the incidents that follow are known.
    Events(Known),
    /// The incidents of one subject and class.
    Incidents(Box<IncidentGroup>),
    /// The coverage, once.
    End(Coverage),
}

/// Reads a snapshot line by line, so that it never has to be in memory as a whole. Returns an error
/// at the end unless the last line was read, because the lines before may be incomplete.
#[derive(Debug)]
pub struct SnapshotReader<R> {
    from: R,
    text: String,
    lines: usize,
    /// Position of the latest line in the order of kinds; `None` before the first.
    place: Option<u8>,
    /// Whether this is a part, which may begin and end with any line.
    part: bool,
    over: bool,
}

const SERIES: u8 = 2;
const EKS: u8 = 5;
const PODS: u8 = 7;
/// Position of the last line in the order of kinds.
const END: u8 = 10;

impl<R: Read> SnapshotReader<BufReader<MultiGzDecoder<R>>> {
    /// Reads the output of a [`SnapshotWriter`](super::SnapshotWriter).
    pub fn new(from: R) -> Self {
        Self::of_lines(BufReader::new(MultiGzDecoder::new(from)), false)
    }

    /// Reads one piece of a snapshot, without its first and last line.
    pub(super) fn piece(from: R) -> Self {
        Self::of_lines(BufReader::new(MultiGzDecoder::new(from)), true)
    }
}

impl<R: BufRead> SnapshotReader<R> {
    /// Reads decompressed lines that are part of a snapshot.
    pub(super) fn part(from: R) -> Self {
        Self::of_lines(from, true)
    }

    fn of_lines(from: R, part: bool) -> Self {
        Self { from, text: String::new(), lines: 0, place: None, part, over: false }
    }

    /// The next line; `None` after the last.
    fn read(&mut self) -> Result<Option<SnapshotLine>, BadSnapshot> {
        self.text.clear();
        if self.from.read_line(&mut self.text)? == 0 {
            return if self.part || self.place == Some(END) { Ok(None) } else { Err(cut(self.lines)) };
        }
        self.lines += 1;
        let bad = |error: String| BadSnapshot::Line { line: self.lines, error };
        let line: Line<'_> = serde_json::from_str(&self.text).map_err(|error| bad(error.to_string()))?;
        let place = line.place();
        let fits = match self.place {
            None => self.part || place == 0,
            // EKS clusters come one after another, each preceded by its samples.
            Some(before) if place == SERIES => before <= PODS && !(SERIES + 1..EKS).contains(&before),
            Some(before) => place > 0 && place >= before && before != END,
        };
        if !fits {
            return Err(bad("a line of this kind cannot occur here".to_owned()));
        }
        self.place = Some(place);
        line.into_fact().map(Some).map_err(bad)
    }
}

impl<R: BufRead> Iterator for SnapshotReader<R> {
    type Item = Result<SnapshotLine, BadSnapshot>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let line = self.read().transpose();
        self.over = !matches!(line, Some(Ok(_)));
        line
    }
}

pub(super) fn cut(line: usize) -> BadSnapshot {
    BadSnapshot::Line { line, error: "the end line is missing".to_owned() }
}

impl Line<'_> {
    /// Position in the order of kinds.
    fn place(&self) -> u8 {
        match self {
            Self::Run { .. } => 0,
            Self::Cluster(_) => 1,
            Self::Series(_) => SERIES,
            Self::Service(_) => 3,
            Self::Undescribed(_) => 4,
            Self::Eks(_) => EKS,
            Self::Workload(_) => 6,
            Self::Pod(_) => 7,
            Self::Events(_) => 8,
            Self::Incidents(_) => 9,
            Self::End { .. } => END,
        }
    }

    pub(super) fn into_fact(self) -> Result<SnapshotLine, String> {
        Ok(match self {
            Self::Run { run, target, inventory_read_at, samples } => {
                let (run, target) = (run.into_owned(), target.into_owned());
                let samples = samples.into_iter().map(Timestamp::from_second).collect::<Result<_, _>>();
                let samples = samples.map_err(|error| error.to_string())?;
                SnapshotLine::Run(Box::new(SnapshotBegin { run, target, inventory_read_at, samples }))
            }
            Self::Cluster(ClusterLine { cluster, entry }) => {
                SnapshotLine::Cluster(cluster.into_owned(), entry.into_owned())
            }
            Self::Series(series) => {
                let (query, reading) = series.into_reading()?;
                SnapshotLine::Series(query, reading)
            }
            Self::Service(state) => SnapshotLine::Service(Box::new(state.into_owned())),
            Self::Undescribed(service) => SnapshotLine::Undescribed(service.into_owned()),
            Self::Eks(state) => SnapshotLine::Eks(Box::new(state.into_owned())),
            Self::Workload(state) => SnapshotLine::Workload(state.into_owned()),
            Self::Pod(state) => SnapshotLine::Pod(Box::new(state.into_owned())),
            Self::Events(known) => SnapshotLine::Events(known.into_owned()),
            Self::Incidents(group) => SnapshotLine::Incidents(Box::new(group.into_owned())),
            Self::End { coverage } => SnapshotLine::End(coverage.into_owned()),
        })
    }
}

//! What one collector observed of one target in one run: newline-delimited JSON, gzipped, one line
//! per fact.
//!
//! Later steps read only the snapshot, so it does not matter where the values came from. Athena and
//! `DuckDB` read the same lines; docs/architecture.md lists the columns.

mod pieces;
mod reader;
mod stored;
#[cfg(test)]
mod tests;
mod writer;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use jiff::Timestamp;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize, Serializer};

use crate::deaths::{IncidentGroup, Known};
use crate::evidence::coverage::Coverage;
use crate::evidence::inventory::{ClusterEntry, Inventory, ServiceState, UndescribedService};
use crate::evidence::pods::{ClusterState, PodState, WorkloadState};
use crate::model::cluster::ClusterName;
use crate::model::fault::Fault;
use crate::model::metric::{Dimensions, Metric, MetricQuery, Period, Statistic};
use crate::model::run::{Run, Target};
use crate::model::series::{Datapoint, MetricSeries, Reading};
use crate::rules::KUBERNETES;

pub use pieces::SnapshotPieces;
use reader::cut;
pub use reader::{SnapshotBegin, SnapshotLine, SnapshotReader};
pub use stored::{StoredHead, StoredSeries, StoredSeriesReader, head};
pub use writer::SnapshotWriter;

/// What was observed of one target in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The run.
    pub run: Run,
    /// The target.
    pub target: Target,
    /// How much was observed.
    pub coverage: Coverage,
    /// The clusters and services that were checked. Its faults are counted in the coverage and not
    /// stored here.
    pub inventory: Inventory,
    /// States of the services that were described.
    pub services: Vec<ServiceState>,
    /// Services that could not be described.
    pub undescribed: Vec<UndescribedService>,
    /// CloudWatch's answers, and samples of workloads.
    pub readings: BTreeMap<MetricQuery, Reading>,
    /// Configuration of the EKS clusters.
    pub eks: Vec<ClusterState>,
    /// Replicas of workloads on EKS.
    pub workloads: Vec<WorkloadState>,
    /// Pods on EKS.
    pub pods: Vec<PodState>,
    /// Since when incidents are known; `None` if nobody asked.
    pub known: Option<Known>,
    /// Incidents: tasks that died, and other trouble that events report.
    pub incidents: Vec<IncidentGroup>,
}

/// One line of the file.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "there is one line at a time")]
enum Line<'a> {
    /// Always the first line.
    Run {
        run: Cow<'a, Run>,
        target: Cow<'a, Target>,
        inventory_read_at: Timestamp,
        /// Times at which samples were taken, in epoch seconds; EKS clusters only.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        samples: Vec<i64>,
    },
    Cluster(ClusterLine<'a>),
    Series(SeriesLine<'a>),
    Service(Cow<'a, ServiceState>),
    Undescribed(Cow<'a, UndescribedService>),
    Eks(Cow<'a, ClusterState>),
    Workload(Cow<'a, WorkloadState>),
    Pod(Cow<'a, PodState>),
    Events(Cow<'a, Known>),
    Incidents(Cow<'a, IncidentGroup>),
    /// Always the last line: without it the file is truncated.
    End {
        coverage: Cow<'a, Coverage>,
    },
}

#[derive(Serialize, Deserialize)]
struct ClusterLine<'a> {
    cluster: Cow<'a, ClusterName>,
    #[serde(flatten)]
    entry: Cow<'a, ClusterEntry>,
}

/// Borrows the data it writes: large accounts have thousands of these lines.
#[derive(Serialize, Deserialize)]
struct SeriesLine<'a> {
    namespace: Cow<'a, str>,
    metric: Cow<'a, str>,
    dimensions: Cow<'a, Dimensions>,
    statistic: Cow<'a, Statistic>,
    #[serde(rename = "period_seconds")]
    period: Period,
    /// Seconds from one value to the next, if different from the period: samples are as far apart
    /// as runs.
    #[serde(rename = "step_seconds", default, skip_serializing_if = "Option::is_none")]
    step: Option<i64>,
    /// Omitted if complete, as nearly all are.
    #[serde(default, skip_serializing_if = "Status::is_complete")]
    status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<Cow<'a, Fault>>,
    /// Start of the first period that was requested, in epoch seconds; omitted if the whole window
    /// was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<i64>,
    /// Start of the first period with a value, in epoch seconds.
    start: Option<i64>,
    /// Values of that period and of each step after it; `null` marks a gap.
    values: Values<'a>,
    /// Starts of periods that could not be read, in epoch seconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unread: Vec<i64>,
}

/// Points on the grid of their period: half the size of time-value pairs.
#[derive(Deserialize)]
#[serde(from = "Vec<Option<f64>>")]
enum Values<'a> {
    /// A series, and the seconds from one value to the next.
    Borrowed(&'a MetricSeries, i64),
    Owned(Vec<Option<f64>>),
}

impl From<Vec<Option<f64>>> for Values<'_> {
    fn from(values: Vec<Option<f64>>) -> Self {
        Self::Owned(values)
    }
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (series, step) = match self {
            Self::Borrowed(series, step) => (series, *step),
            Self::Owned(values) => return values.serialize(serializer),
        };
        let mut values = serializer.serialize_seq(None)?;
        let mut due = None;
        for point in series.points() {
            let start = point.timestamp.as_second();
            for _ in 0..(start - due.unwrap_or(start)) / step {
                values.serialize_element(&None::<f64>)?;
            }
            values.serialize_element(&point.value)?;
            due = Some(start + step);
        }
        values.end()
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    #[default]
    Complete,
    Partial,
    Unread,
}

impl Status {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_complete(&self) -> bool {
        *self == Self::Complete
    }
}

/// A snapshot that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BadSnapshot {
    /// The compressed data is truncated or damaged.
    #[error("the snapshot cannot be decompressed: {0}")]
    Io(#[from] io::Error),
    /// A line has a format that this version does not write.
    #[error("line {line} of the snapshot: {error}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with the line.
        error: String,
    },
}

impl Snapshot {
    /// Writes the snapshot, gzipped.
    pub fn write<W: Write>(&self, to: W) -> io::Result<W> {
        let mut writer = SnapshotWriter::begin(to, &self.run, &self.target, self.inventory.read_at)?;
        for (cluster, entry) in &self.inventory.clusters {
            writer.cluster(cluster, entry)?;
        }
        for (query, reading) in &self.readings {
            writer.series(query, reading)?;
        }
        for service in &self.services {
            writer.service(service)?;
        }
        for service in &self.undescribed {
            writer.undescribed(service)?;
        }
        for state in &self.eks {
            writer.eks(state)?;
        }
        for state in &self.workloads {
            writer.workload(state)?;
        }
        for state in &self.pods {
            writer.pod(state)?;
        }
        if let Some(known) = &self.known {
            writer.incidents(known, &self.incidents)?;
        }
        writer.end(&self.coverage)
    }

    /// Reads a snapshot that [`Self::write`] or a [`SnapshotWriter`] wrote.
    pub fn read(from: impl Read) -> Result<Self, BadSnapshot> {
        let mut snapshot: Option<Self> = None;
        for line in SnapshotReader::new(from) {
            match (&mut snapshot, line?) {
                (_, SnapshotLine::Run(begin)) => snapshot = Some(Self::begun(*begin)),
                (Some(snapshot), SnapshotLine::Cluster(cluster, entry)) => {
                    snapshot.inventory.clusters.insert(cluster, entry);
                }
                (Some(snapshot), SnapshotLine::Series(query, reading)) => {
                    snapshot.readings.insert(query, reading);
                }
                (Some(snapshot), SnapshotLine::Service(service)) => snapshot.services.push(*service),
                (Some(snapshot), SnapshotLine::Undescribed(service)) => snapshot.undescribed.push(service),
                (Some(snapshot), SnapshotLine::Eks(state)) => snapshot.eks.push(*state),
                (Some(snapshot), SnapshotLine::Workload(state)) => snapshot.workloads.push(state),
                (Some(snapshot), SnapshotLine::Pod(state)) => snapshot.pods.push(*state),
                (Some(snapshot), SnapshotLine::Events(known)) => snapshot.known = Some(known),
                (Some(snapshot), SnapshotLine::Incidents(group)) => snapshot.incidents.push(*group),
                (Some(snapshot), SnapshotLine::End(coverage)) => snapshot.coverage = coverage,
                (None, _) => break,
            }
        }
        snapshot.ok_or_else(|| cut(0))
    }

    fn begun(SnapshotBegin { run, target, inventory_read_at, samples: _ }: SnapshotBegin) -> Self {
        let inventory = Inventory {
            read_at: inventory_read_at,
            clusters: BTreeMap::new(),
            faults: Vec::new(),
            families_listed: false,
            tasks_listed: false,
        };
        let (services, undescribed, readings) = (Vec::new(), Vec::new(), BTreeMap::new());
        let (eks, workloads, pods) = (Vec::new(), Vec::new(), Vec::new());
        let coverage = Coverage::default();
        let (known, incidents) = (None, Vec::new());
        Self {
            run,
            target,
            coverage,
            inventory,
            services,
            undescribed,
            readings,
            eks,
            workloads,
            pods,
            known,
            incidents,
        }
    }
}

/// The greatest common divisor of the seconds between the points; `None` if there are fewer than
/// two points.
fn distance(series: &MetricSeries) -> Option<i64> {
    let second = |point: &Datapoint| point.timestamp.as_second();
    let between = series.points().windows(2).map(|pair| second(&pair[1]) - second(&pair[0]));
    between.reduce(|mut a, mut b| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    })
}

impl<'a> SeriesLine<'a> {
    fn new(query: &'a MetricQuery, reading: &'a Reading) -> Self {
        let status = match reading {
            Reading::Complete(_) => Status::Complete,
            Reading::Partial(..) => Status::Partial,
            Reading::Unread(_) => Status::Unread,
        };
        let MetricQuery { metric, statistic, period } = query;
        let sampled = reading.series().filter(|_| metric.namespace == KUBERNETES);
        let step = sampled.and_then(distance).filter(|step| *step != period.seconds());
        let seconds = step.unwrap_or(period.seconds());
        Self {
            namespace: Cow::Borrowed(metric.namespace.as_ref()),
            metric: Cow::Borrowed(metric.name.as_ref()),
            dimensions: Cow::Borrowed(&metric.dimensions),
            statistic: Cow::Borrowed(statistic),
            period: *period,
            step,
            status,
            fault: reading.fault().map(Cow::Borrowed),
            from: reading.series().and_then(|series| Some(series.from()?.as_second())),
            start: reading.series().and_then(|series| Some(series.points().first()?.timestamp.as_second())),
            values: reading.series().map_or(Values::Owned(Vec::new()), |s| Values::Borrowed(s, seconds)),
            unread: reading
                .series()
                .map_or(Vec::new(), |s| s.unread().iter().map(|t| t.as_second()).collect()),
        }
    }

    fn series(&self) -> Result<MetricSeries, String> {
        let Values::Owned(values) = &self.values else {
            return Err("the values were not read from a file".to_owned());
        };
        let (start, step) = (self.start.unwrap_or_default(), self.step.unwrap_or(self.period.seconds()));
        let starts = (0..).map(|i: i64| Timestamp::from_second(start.saturating_add(i.saturating_mul(step))));
        let points = values.iter().zip(starts).filter_map(|(value, timestamp)| {
            value.map(|value| timestamp.map(|timestamp| Datapoint { timestamp, value }))
        });
        let points = points.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let unread = self.unread.iter().map(|start| Timestamp::from_second(*start));
        let unread: Vec<_> = unread.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let series = MetricSeries::new(points).with_unread(unread);
        match self.from.map(Timestamp::from_second).transpose() {
            Ok(from) => Ok(from.into_iter().fold(series, MetricSeries::requested_from)),
            Err(error) => Err(error.to_string()),
        }
    }

    fn into_reading(self) -> Result<(MetricQuery, Reading), String> {
        let series = self.series()?;
        let reading = match (self.status, self.fault.map(Cow::into_owned)) {
            (Status::Complete, None) => Reading::Complete(series),
            (Status::Partial, Some(fault)) => Reading::Partial(series, fault),
            (Status::Unread, Some(fault)) => Reading::Unread(fault),
            _ => return Err("status and fault contradict each other".to_owned()),
        };
        let (namespace, name) = (self.namespace.into_owned().into(), self.metric.into_owned().into());
        let metric = Metric { namespace, name, dimensions: self.dimensions.into_owned() };
        Ok((MetricQuery { metric, statistic: self.statistic.into_owned(), period: self.period }, reading))
    }
}

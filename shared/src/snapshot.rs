//! What one collector saw of one target in one run: newline-delimited JSON, gzipped, one line per fact.
//!
//! Everything after a collector reads a snapshot and nothing else, so it does not matter where the values came from.
//! Athena and `DuckDB` read the same lines; docs/architecture.md shows the columns.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cluster::ClusterName;
use crate::fault::Fault;
use crate::inventory::{ClusterEntry, Inventory, ServiceState};
use crate::metric::{Dimensions, Metric, MetricQuery, Period, Statistic};
use crate::outcome::Coverage;
use crate::run::{Run, Target};
use crate::series::{Datapoint, MetricSeries, Reading};

/// What was seen of one target in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The run.
    pub run: Run,
    /// The target.
    pub target: Target,
    /// How much was seen.
    pub coverage: Coverage,
    /// Clusters and services that were looked at. Its faults are counted in the coverage and not kept here.
    pub inventory: Inventory,
    /// States of the services that ECS was asked about.
    pub services: Vec<ServiceState>,
    /// Answers of CloudWatch.
    pub readings: BTreeMap<MetricQuery, Reading>,
}

/// One line of the file.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    /// Always the first line.
    Run {
        run: Run,
        target: Target,
        coverage: Coverage,
        inventory_read_at: Timestamp,
    },
    Cluster(ClusterLine),
    Service(ServiceState),
    Series(SeriesLine<'a>),
}

#[derive(Serialize, Deserialize)]
struct ClusterLine {
    cluster: ClusterName,
    #[serde(flatten)]
    entry: ClusterEntry,
}

/// Borrows what it writes: an estate has thousands of these.
#[derive(Serialize, Deserialize)]
struct SeriesLine<'a> {
    namespace: Cow<'a, str>,
    metric: Cow<'a, str>,
    dimensions: Cow<'a, Dimensions>,
    statistic: Cow<'a, Statistic>,
    #[serde(rename = "period_seconds")]
    period: Period,
    status: Status,
    fault: Option<Cow<'a, Fault>>,
    /// Pairs of epoch seconds and value, oldest first.
    #[serde(serialize_with = "write_points", deserialize_with = "read_points")]
    points: Cow<'a, [Datapoint]>,
}

fn write_points<S: Serializer>(points: &[Datapoint], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(points.iter().map(|point| (point.timestamp.as_second(), point.value)))
}

fn read_points<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'static, [Datapoint]>, D::Error> {
    let point = |(second, value)| {
        let timestamp = Timestamp::from_second(second).map_err(serde::de::Error::custom)?;
        Ok(Datapoint { timestamp, value })
    };
    let pairs = Vec::<(i64, f64)>::deserialize(deserializer)?;
    pairs.into_iter().map(point).collect::<Result<_, _>>().map(Cow::Owned)
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Complete,
    Partial,
    Unread,
}

/// A snapshot that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BadSnapshot {
    /// The compressed data is cut or damaged.
    #[error("the snapshot cannot be decompressed: {0}")]
    Io(#[from] io::Error),
    /// A line is not what this version writes.
    #[error("line {line} of the snapshot: {error}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        error: String,
    },
}

impl Snapshot {
    /// Writes the snapshot, gzipped.
    pub fn write(&self, to: impl Write) -> io::Result<()> {
        let mut out = GzEncoder::new(to, Compression::fast());
        let mut text = Vec::new();
        // Whole lines, because the compressor needs as long for one byte as for hundreds.
        let mut write = |line: &Line<'_>| {
            text.clear();
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
            out.write_all(&text)
        };
        let (run, target, coverage) = (self.run.clone(), self.target.clone(), self.coverage.clone());
        write(&Line::Run { run, target, coverage, inventory_read_at: self.inventory.read_at })?;
        for (cluster, entry) in &self.inventory.clusters {
            write(&Line::Cluster(ClusterLine { cluster: cluster.clone(), entry: entry.clone() }))?;
        }
        for service in &self.services {
            write(&Line::Service(service.clone()))?;
        }
        for (query, reading) in &self.readings {
            write(&Line::Series(SeriesLine::new(query, reading)))?;
        }
        out.finish()?.flush()
    }

    /// Reads a snapshot that [`Self::write`] wrote.
    pub fn read(from: impl Read) -> Result<Self, BadSnapshot> {
        let mut snapshot: Option<Self> = None;
        for (i, line) in BufReader::new(GzDecoder::new(from)).lines().enumerate() {
            let bad =
                |error: &dyn std::fmt::Display| BadSnapshot::Line { line: i + 1, error: error.to_string() };
            let line: Line = serde_json::from_str(&line?).map_err(|error| bad(&error))?;
            match (&mut snapshot, line) {
                (None, Line::Run { run, target, coverage, inventory_read_at }) => {
                    let inventory = Inventory {
                        read_at: inventory_read_at,
                        clusters: BTreeMap::new(),
                        faults: Vec::new(),
                    };
                    let (services, readings) = (Vec::new(), BTreeMap::new());
                    snapshot = Some(Self { run, target, coverage, inventory, services, readings });
                }
                (Some(snapshot), Line::Cluster(ClusterLine { cluster, entry })) => {
                    snapshot.inventory.clusters.insert(cluster, entry);
                }
                (Some(snapshot), Line::Service(service)) => snapshot.services.push(service),
                (Some(snapshot), Line::Series(series)) => {
                    let (query, reading) = series.into_reading().map_err(|error| bad(&error))?;
                    snapshot.readings.insert(query, reading);
                }
                (None, _) | (Some(_), Line::Run { .. }) => {
                    return Err(bad(&"the line of the run must be the first"));
                }
            }
        }
        snapshot.ok_or(BadSnapshot::Line { line: 0, error: "it is empty".to_owned() })
    }
}

impl<'a> SeriesLine<'a> {
    fn new(query: &'a MetricQuery, reading: &'a Reading) -> Self {
        let status = match reading {
            Reading::Complete(_) => Status::Complete,
            Reading::Partial(..) => Status::Partial,
            Reading::Unread(_) => Status::Unread,
        };
        let MetricQuery { metric, statistic, period } = query;
        Self {
            namespace: Cow::Borrowed(&metric.namespace),
            metric: Cow::Borrowed(&metric.name),
            dimensions: Cow::Borrowed(&metric.dimensions),
            statistic: Cow::Borrowed(statistic),
            period: *period,
            status,
            fault: reading.fault().map(Cow::Borrowed),
            points: Cow::Borrowed(reading.series().map(MetricSeries::points).unwrap_or_default()),
        }
    }

    fn into_reading(self) -> Result<(MetricQuery, Reading), String> {
        let series = MetricSeries::new(self.points.into_owned());
        let reading = match (self.status, self.fault.map(Cow::into_owned)) {
            (Status::Complete, None) => Reading::Complete(series),
            (Status::Partial, Some(fault)) => Reading::Partial(series, fault),
            (Status::Unread, Some(fault)) => Reading::Unread(fault),
            _ => return Err("status and fault contradict each other".to_owned()),
        };
        let (namespace, name) = (self.namespace.into_owned(), self.metric.into_owned());
        let metric = Metric { namespace, name, dimensions: self.dimensions.into_owned() };
        Ok((MetricQuery { metric, statistic: self.statistic.into_owned(), period: self.period }, reading))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::insights::InsightsLevel;
    use crate::run::{Part, RunKind};

    fn snapshot() -> Snapshot {
        let time = "2026-11-22T10:05:00Z".parse().unwrap();
        let run = Run::new(
            RunKind::Alarms,
            time,
            SignedDuration::from_mins(2),
            SignedDuration::from_mins(15),
            None,
        );
        let target = Target {
            account: "123456789012".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            part: Part::WHOLE,
            role: None,
        };
        let fault = Fault::malformed("cloudwatch:GetMetricData", "shop", "it was cut");
        let query = |name: &str| MetricQuery {
            metric: Metric {
                namespace: "AWS/ECS".to_owned(),
                name: name.to_owned(),
                dimensions: Dimensions::new([("ClusterName", "shop"), ("ServiceName", "web")]),
            },
            statistic: Statistic::Average,
            period: Period::MINUTE,
        };
        let series = MetricSeries::new(vec![
            Datapoint { timestamp: time, value: 0.1 + 0.2 },
            Datapoint { timestamp: run.window.start, value: 0.0 },
        ]);
        let readings = BTreeMap::from([
            (query("A"), Reading::Complete(series.clone())),
            (query("B"), Reading::Complete(MetricSeries::default())),
            (query("C"), Reading::Partial(series, fault.clone())),
            (query("D"), Reading::Unread(fault)),
        ]);
        let entry = ClusterEntry {
            insights: InsightsLevel::Enhanced,
            reports_insights: true,
            tags: BTreeMap::from([("team".to_owned(), "web".to_owned())]),
            services: vec!["web".parse().unwrap()],
            services_unread: false,
        };
        let clusters = BTreeMap::from([("shop".parse().unwrap(), entry)]);
        let inventory = Inventory { read_at: time, clusters, faults: Vec::new() };
        Snapshot { run, target, coverage: Coverage::default(), inventory, services: Vec::new(), readings }
    }

    #[test]
    fn what_is_written_is_read_back_with_all_four_answers() {
        let mut bytes = Vec::new();
        snapshot().write(&mut bytes).unwrap();
        assert_eq!(Snapshot::read(&bytes[..]).unwrap(), snapshot());
    }

    #[test]
    fn a_cut_or_foreign_file_is_an_error_and_never_a_smaller_snapshot() {
        let mut bytes = Vec::new();
        snapshot().write(&mut bytes).unwrap();
        assert!(Snapshot::read(&bytes[..bytes.len() / 2]).is_err());
        assert!(Snapshot::read(&b"not gzip"[..]).is_err());
        let mut empty = Vec::new();
        GzEncoder::new(&mut empty, Compression::fast()).finish().unwrap();
        assert!(Snapshot::read(&empty[..]).is_err());
    }
}

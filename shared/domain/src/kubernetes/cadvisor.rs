//! cAdvisor's counters for the pods of a node: CPU, CFS throttling, network and disk, from the
//! kubelet's page `/metrics/cadvisor`.
//!
//! Rows are distinguished by label names, never by position: labels and their order differ between
//! releases. A pod has rows for its containers, for its pause container (`container="POD"`, or an
//! image without a container) and for itself (neither container nor image). The rows for the pod
//! already include the others, so they are never added up.
//!
//! A restarted container has two cgroups on the page for a while, the old and the new one, under
//! one name. So counters are kept per series, as in Prometheus, and added up only as rates.

use std::collections::{BTreeMap, BTreeSet};
use std::num::ParseIntError;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::prometheus::{Report, Sample, parse};

/// The page of one node.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Counters of each pod, by namespace and name.
    pub pods: BTreeMap<(String, String), Counters>,
    /// Statistics about parsing the page.
    pub report: Report,
}

/// Value of a counter at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Counter {
    /// The value: finite and not negative.
    pub value: f64,
    /// Time of the value: cAdvisor does not read all containers at the same time.
    pub at: Timestamp,
}

/// Identifies a series on a page: a 64-bit hash of all its labels, of which cgroup and container id
/// alone take some 250 characters. 64 bits are enough for the few series of one container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SeriesId(u64);

impl SeriesId {
    /// The series with these labels, in any order. An empty label counts as absent.
    pub fn of<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let labels: BTreeSet<(&str, &str)> =
            labels.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        // FNV-1a. 0xff never occurs in UTF-8, so it separates names and values unambiguously.
        let bytes = labels
            .iter()
            .flat_map(|(name, value)| [*name, *value])
            .flat_map(|text| text.bytes().chain(std::iter::once(0xff)));
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }
}

impl From<SeriesId> for String {
    fn from(SeriesId(hash): SeriesId) -> Self {
        format!("{hash:x}")
    }
}

impl TryFrom<String> for SeriesId {
    type Error = ParseIntError;

    fn try_from(text: String) -> Result<Self, ParseIntError> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

/// The series of one part.
pub type PartSeries = BTreeMap<SeriesId, Counter>;

/// Counters by part: by container, with an empty name for the pod as a whole, or by network
/// interface. Each part has a series per cgroup, CPU and device. Each series resets independently,
/// so they are kept separate until rates are computed.
pub type Parts = BTreeMap<String, PartSeries>;

/// Counters of a pod since its containers started.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// CPU seconds by container.
    #[serde(rename = "cpu", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cpu_seconds: Parts,
    /// CFS scheduler periods in which a container with a CPU limit ran.
    #[serde(rename = "periods", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cfs_periods: Parts,
    /// CFS periods in which the container was throttled.
    #[serde(rename = "throttled", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cfs_throttled: Parts,
    /// Bytes received by interface.
    #[serde(rename = "received", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub network_received: Parts,
    /// Bytes sent by interface.
    #[serde(rename = "sent", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub network_sent: Parts,
    /// Bytes read from disks by container.
    #[serde(rename = "read", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub disk_read: Parts,
    /// Bytes written to disks by container.
    #[serde(rename = "written", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub disk_written: Parts,
}

/// Parses a page. A line without a timestamp gets `read_at`. Lines about the node rather than a pod
/// are skipped, and so are values that are invalid for a counter.
pub fn read(page: &[u8], read_at: Timestamp) -> Page {
    let mut rows = BTreeMap::<(String, String), PodRows>::new();
    let report = parse(page, |sample| {
        let Some(family) = Family::of(&sample.name) else { return };
        let label = |name| sample.label(name).unwrap_or_default();
        let pod = label("pod");
        if pod.is_empty() || !sample.value.is_finite() || sample.value < 0.0 {
            return;
        }
        let Some((kind, part)) = family.place(sample) else { return };
        let at = sample.timestamp_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(read_at);
        let pod = rows.entry((label("namespace").to_owned(), pod.to_owned())).or_default();
        let series = SeriesId::of(sample.labels());
        pod.add((family, kind, part), series, Counter { value: sample.value, at });
    });
    let pods = rows.into_iter().map(|(name, rows)| (name, rows.counters())).collect();
    Page { pods, report }
}

/// The metric families that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Cpu,
    Periods,
    Throttled,
    Received,
    Sent,
    DiskRead,
    DiskWritten,
}

impl Family {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "container_cpu_usage_seconds_total" => Self::Cpu,
            "container_cpu_cfs_periods_total" => Self::Periods,
            "container_cpu_cfs_throttled_periods_total" => Self::Throttled,
            "container_network_receive_bytes_total" => Self::Received,
            "container_network_transmit_bytes_total" => Self::Sent,
            "container_fs_reads_bytes_total" => Self::DiskRead,
            "container_fs_writes_bytes_total" => Self::DiskWritten,
            _ => return None,
        })
    }

    /// The kind of row and the part that a line counts; `None` if the line is not about the pod.
    fn place(self, sample: &Sample<'_>) -> Option<(Rows, String)> {
        let label = |name| sample.label(name).unwrap_or_default();
        let container = label("container");
        if matches!(self, Self::Received | Self::Sent) {
            let rows = match container {
                "" => Rows::First,
                "POD" => Rows::Second,
                _ => return None,
            };
            let interface = label("interface");
            return (interface != "lo").then(|| (rows, interface.to_owned()));
        }
        let per_cpu = self == Self::Cpu && !matches!(label("cpu"), "" | "total");
        let rows = match (container, per_cpu) {
            ("POD", _) => return None,
            // The pause container of containerd has an image; the pod itself does not.
            ("", _) if !label("image").is_empty() => return None,
            ("", false) => Rows::Third,
            ("", true) => Rows::Last,
            (_, false) => Rows::First,
            (_, true) => Rows::Second,
        };
        Some((rows, container.to_owned()))
    }
}

/// Kinds of rows, in order of preference: only the first kind that a pod has is counted. For
/// network: rows without a container, then rows of the pause container. Otherwise: container
/// totals, container values per CPU, the pod total, pod values per CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rows {
    First,
    Second,
    Third,
    Last,
}

/// The lines of one pod.
#[derive(Debug, Default)]
struct PodRows(BTreeMap<Family, BTreeMap<Rows, Parts>>);

impl PodRows {
    /// Adds a line. If a series occurs twice, the newest line counts, whatever their order.
    fn add(&mut self, (family, kind, part): (Family, Rows, String), series: SeriesId, line: Counter) {
        let parts = self.0.entry(family).or_default().entry(kind).or_default();
        let kept = parts.entry(part).or_default().entry(series).or_insert(line);
        let age = kept.at.cmp(&line.at).then(kept.value.total_cmp(&line.value));
        if age.is_lt() {
            *kept = line;
        }
    }

    fn counters(mut self) -> Counters {
        let mut take =
            |family| self.0.remove(&family).and_then(|kinds| kinds.into_values().next()).unwrap_or_default();
        Counters {
            cpu_seconds: take(Family::Cpu),
            cfs_periods: take(Family::Periods),
            cfs_throttled: take(Family::Throttled),
            network_received: take(Family::Received),
            network_sent: take(Family::Sent),
            disk_read: take(Family::DiskRead),
            disk_written: take(Family::DiskWritten),
        }
    }
}

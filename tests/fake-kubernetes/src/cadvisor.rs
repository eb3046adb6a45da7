//! The kubelet's output at `/metrics/cadvisor` of a node.
//!
//! Families, HELP texts, labels and their order, number formats and timestamps are those of
//! cAdvisor 1.36 (`cadvisor_1.36_code_families.txt`) and of a page with Fargate pods
//! (`proxy_cadvisor.body`): of the 74 families those that count a pod's activity, one without
//! timestamps, and those of the machine. Three kinds of rows belong to a pod: its own (neither
//! container nor image), its pause container's, which under containerd has an image and no
//! container, and those of its containers. The network is the pause container's. cAdvisor reads one
//! cgroup after another, so each has its own timestamp.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};

use crate::answer::Answer;
use crate::estate::{Container, ContainerState, Counters, Estate, Network, Node, Pod, uid};

/// cAdvisor's own content type.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Name, help, and lines of a row: labels in addition to those of all rows, and value.
type Counted = (&'static str, &'static str, &'static [Line]);
type Line = (&'static str, fn(&Row<'_>) -> Option<f64>);

const DISK: &str = "device=\"/dev/nvme0n1p1\"";
/// With the number of the disk.
const SECOND_DISK: &str = "device=\"/dev/nvme{}n1\"";

const FAMILIES: [Counted; 6] = [
    (
        "container_cpu_cfs_periods_total",
        "Number of elapsed enforcement period intervals.",
        &[("", |row| row.limited.then(|| number(row.counters.cfs_periods)))],
    ),
    (
        "container_cpu_cfs_throttled_periods_total",
        "Number of throttled period intervals.",
        &[("", |row| row.limited.then(|| number(row.counters.cfs_throttled_periods)))],
    ),
    (
        "container_cpu_usage_seconds_total",
        "Cumulative cpu time consumed in seconds.",
        &[("cpu=\"total\"", |row| Some(number(row.counters.cpu_milliseconds) / 1000.0))],
    ),
    (
        "container_fs_reads_bytes_total",
        "Cumulative count of bytes read",
        &[
            (DISK, |row| Some(number(row.counters.disk_read))),
            (SECOND_DISK, |row| Some(number(row.counters.second_disk?.inward))),
        ],
    ),
    (
        "container_fs_writes_bytes_total",
        "Cumulative count of bytes written",
        &[
            (DISK, |row| Some(number(row.counters.disk_written))),
            (SECOND_DISK, |row| Some(number(row.counters.second_disk?.outward))),
        ],
    ),
    (
        "container_start_time_seconds",
        "Start time of the container since unix epoch in seconds.",
        &[("", |row| Some(number(u64::try_from(row.started_at.as_second()).unwrap_or(0))))],
    ),
];

/// One cgroup of a pod.
struct Row<'a> {
    pod: &'a Pod,
    container: &'a str,
    image: &'a str,
    /// The container's name in its runtime; the last part of its cgroup.
    name: String,
    counters: Counters,
    /// Whether it has a CPU limit, without which there is no throttling.
    limited: bool,
    started_at: Timestamp,
    at: Timestamp,
}

/// The page of a node.
pub(crate) fn page(node: &Node, estate: &Estate) -> Answer {
    let now = estate.cadvisor_at.unwrap_or_else(|| estate.time());
    let pods = || estate.pods().filter(|pod| pod.node.as_ref() == Some(&node.name) && pod.phase == "Running");
    let rows: Vec<Row<'_>> = pods().flat_map(|pod| rows(pod, now)).collect();
    let mut page = String::with_capacity(8 * 1024);
    head(
        &mut page,
        "cadvisor_version_info",
        "A metric with a constant '1' value labeled by kernel version, OS version, docker version, cadvisor version & cadvisor revision.",
        "gauge",
    );
    page.push_str("cadvisor_version_info{cadvisorRevision=\"\",cadvisorVersion=\"\",dockerVersion=\"\",kernelVersion=\"5.10.245-245.983.amzn2.x86_64\",osVersion=\"Amazon Linux 2\"} 1\n");
    for (name, help, lines) in FAMILIES {
        let has_time = name != "container_start_time_seconds";
        head(&mut page, name, help, if has_time { "counter" } else { "gauge" });
        for row in &rows {
            for (label, value) in lines {
                let Some(value) = value(row) else { continue };
                let second = row.counters.second_disk.map_or(0, |disk| disk.number);
                let series = format!("{name}{{{}}}", row.labels(&label.replace("{}", &second.to_string())));
                line(&mut page, &series, value, has_time.then_some(row.at));
            }
        }
    }
    let networks: Vec<(&Row<'_>, Network)> =
        rows.iter().filter(|row| row.is_pause()).filter_map(|row| Some((row, row.pod.network?))).collect();
    network(
        &mut page,
        "container_network_receive_bytes_total",
        "Cumulative count of bytes received",
        &networks,
        |of| (of.received, of.second.map(|second| second.inward)),
    );
    network(
        &mut page,
        "container_network_transmit_bytes_total",
        "Cumulative count of bytes transmitted",
        &networks,
        |of| (of.sent, of.second.map(|second| second.outward)),
    );
    head(&mut page, "machine_cpu_cores", "Number of logical CPU cores.", "gauge");
    let cores = node.cpu.parse().unwrap_or(0.0);
    line(&mut page, "machine_cpu_cores{boot_id=\"\",machine_id=\"\",system_uuid=\"\"}", cores, Some(now));
    Answer::new(200, CONTENT_TYPE, page)
}

fn network(
    page: &mut String,
    name: &str,
    help: &str,
    networks: &[(&Row<'_>, Network)],
    bytes: fn(&Network) -> (u64, Option<u64>),
) {
    head(page, name, help, "counter");
    for (row, network) in networks {
        let (first, second) = bytes(network);
        // The loopback moves more than the network, so that adding it up by mistake is noticed.
        let other = network.second.map_or(0, |second| second.number);
        let all =
            [("eth0", Some(first)), (&*format!("eth{other}"), second), ("lo", Some(first.saturating_mul(3)))];
        for (interface, value) in all.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            let labels = row.labels(&format!("interface=\"{interface}\""));
            line(page, &format!("{name}{{{labels}}}"), number(value), Some(row.at));
        }
    }
}

/// The rows of a pod: its own, the pause container's, and those of its running containers with
/// counters.
fn rows(pod: &Pod, now: Timestamp) -> Vec<Row<'_>> {
    let counted: Vec<(&Container, Counters)> =
        pod.all_containers().filter(|one| one.runs()).filter_map(|one| Some((one, one.counters?))).collect();
    let started_at = pod.started_at.unwrap_or(pod.created_at);
    let at = |index: usize| {
        let index = i64::try_from(index).unwrap_or(0);
        now - SignedDuration::from_millis(1_764 + 2_371 * index)
    };
    let whole = counted.iter().fold(Counters::default(), |sum, (_, one)| sum.and(one));
    let limited = counted.iter().any(|(one, _)| one.limits_cpu());
    let empty = String::new;
    let mut rows = vec![
        Row { pod, container: "", image: "", name: empty(), counters: whole, limited, started_at, at: at(0) },
        Row {
            pod,
            container: "",
            image: "602401143452.dkr.ecr.us-west-1.amazonaws.com/eks/pause:3.10",
            name: id(pod, "POD", 0),
            counters: Counters::default(),
            limited: false,
            started_at,
            at: at(1),
        },
    ];
    let left_behind = pod.all_containers().filter_map(|one| Some((one, one.left_behind?)));
    rows.extend(left_behind.map(|(one, (cgroup, counters))| Row {
        pod,
        container: &one.name,
        image: &one.image,
        name: id(pod, &one.name, cgroup),
        counters,
        limited: one.limits_cpu(),
        started_at,
        at: at(2),
    }));
    rows.extend(counted.into_iter().enumerate().map(|(index, (one, counters))| Row {
        pod,
        container: &one.name,
        image: &one.image,
        name: id(pod, &one.name, one.cgroup),
        counters,
        limited: one.limits_cpu(),
        started_at: if let ContainerState::Running(since) = one.state { since } else { started_at },
        at: at(index + 2),
    }));
    rows
}

impl Row<'_> {
    fn is_pause(&self) -> bool {
        self.container.is_empty() && !self.image.is_empty()
    }

    /// In alphabetical order, as cAdvisor prints them.
    fn labels(&self, more: &str) -> String {
        let Self { pod, container, image, name, .. } = self;
        let cgroup = format!("/kubepods/burstable/pod{}", uid(&["pod", &pod.namespace, &pod.name]));
        let place = if name.is_empty() { cgroup } else { format!("{cgroup}/{name}") };
        let mut labels: Vec<String> = [
            ("container", *container),
            ("id", &place),
            ("image", *image),
            ("name", name),
            ("namespace", &pod.namespace),
            ("pod", &pod.name),
        ]
        .map(|(label, value)| format!("{label}=\"{}\"", escape(value)))
        .to_vec();
        labels.extend((!more.is_empty()).then(|| more.to_owned()));
        labels.sort_unstable();
        labels.join(",")
    }
}

/// 64 characters that identify a container in its runtime.
fn id(pod: &Pod, container: &str, cgroup: u32) -> String {
    let cgroup = cgroup.to_string();
    let half = |salt| uid(&[salt, &pod.namespace, &pod.name, container, &cgroup]).replace('-', "");
    format!("{}{}", half("container"), half("runtime"))
}

fn head(page: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(page: &mut String, series: &str, value: f64, at: Option<Timestamp>) {
    let time = at.map_or_else(String::new, |at| format!(" {}", at.as_millisecond()));
    let _ = writeln!(page, "{series} {}{time}", go(value));
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[expect(clippy::cast_precision_loss, reason = "cAdvisor prints floats, too")]
fn number(count: u64) -> f64 {
    count as f64
}

/// In the format of Go's `strconv.FormatFloat(value, 'g', -1, 64)`: from a million on with an
/// exponent of at least two digits.
fn go(value: f64) -> String {
    let text = format!("{value:e}");
    match text.split_once('e').map(|(digits, exponent)| (digits, exponent.parse::<i32>())) {
        Some((digits, Ok(exponent))) if !(-4..6).contains(&exponent) => {
            format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
        _ => value.to_string(),
    }
}

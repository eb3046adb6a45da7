//! Formats figures exactly like kubectl, so that they can be compared (kubectl 1.37: `top pods`,
//! `describe node`).

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use super::node::NodeFacts;
use super::pod::PodFacts;
use super::quantity::Quantity;
use super::resources::Resources;

/// CPU as `kubectl top` shows it: millicores, rounded up, such as `487m`.
pub fn top_cpu(cpu: Quantity) -> String {
    format!("{}m", cpu.milli())
}

/// Memory as `kubectl top` shows it: whole MiB, the rest cut off, such as `1Mi` for 1412 KiB.
pub fn top_memory(memory: Quantity) -> String {
    format!("{}Mi", memory.value() / (1 << 20))
}

/// The share in percent, truncated to an integer; 0 if `whole` is 0. Computed in floats in the same
/// order as kubectl, to get the same rounding errors: 290m of 1000m are 28 %.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as Go does"
)]
fn truncated(value: i64, whole: i64) -> u64 {
    if whole == 0 { 0 } else { (value as f64 / whole as f64 * 100.0) as u64 }
}

/// Percent of CPU, computed in millicores like kubectl.
pub fn percent_of_cpu(cpu: Quantity, allocatable: Quantity) -> u64 {
    truncated(cpu.milli(), allocatable.milli())
}

/// Percent of any other resource, computed in whole units like kubectl.
pub fn percent(value: Quantity, allocatable: Quantity) -> u64 {
    truncated(value.value(), allocatable.value())
}

/// An amount with its share of the node's allocatable resources, shown as `3500m (87%)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The amount; zero if unspecified.
    pub amount: Quantity,
    /// Its share, which may exceed 100; `None` for resources for which kubectl shows no share, such
    /// as volumes and devices.
    pub percent: Option<u64>,
}

impl Share {
    fn of(resource: &str, part: &Resources, whole: &Resources) -> Self {
        let amount = part.get(resource).unwrap_or_default();
        let whole = whole.get(resource).unwrap_or_default();
        let percent = match rank(resource) {
            0 => Some(percent_of_cpu(amount, whole)),
            EXTENDED => None,
            _ => Some(percent(amount, whole)),
        };
        Self { amount, percent }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.percent {
            Some(percent) => write!(f, "{} ({percent}%)", self.amount),
            None => write!(f, "{}", self.amount),
        }
    }
}

/// Position of a resource in kubectl's output.
fn rank(resource: &str) -> u8 {
    match resource {
        "cpu" => 0,
        "memory" => 1,
        "ephemeral-storage" => 2,
        _ if resource.starts_with("hugepages-") => 3,
        _ => EXTENDED,
    }
}

const EXTENDED: u8 = 4;

/// Requests and limits of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestsAndLimits {
    /// Reserved amount.
    pub requests: Share,
    /// Maximum amount.
    pub limits: Share,
}

impl RequestsAndLimits {
    fn of(resource: &str, requests: &Resources, limits: &Resources, whole: &Resources) -> Self {
        Self { requests: Share::of(resource, requests, whole), limits: Share::of(resource, limits, whole) }
    }
}

/// A pod in the table of its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRow {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Cores.
    pub cpu: RequestsAndLimits,
    /// Bytes.
    pub memory: RequestsAndLimits,
    /// Creation time, from which the age is computed.
    pub created: Option<Timestamp>,
}

/// The pods of a node as `kubectl describe node` shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// Pods that have not ended, by namespace and name.
    pub pods: Vec<PodRow>,
    /// Sums over these pods by resource, in the order of kubectl: every resource that the node has
    /// or the pods request.
    pub totals: Vec<(String, RequestsAndLimits)>,
}

/// The tables "Non-terminated Pods" and "Allocated resources" of a node. Pods of other nodes and
/// pods that have succeeded or failed are left out.
pub fn describe_node<'a>(pods: impl IntoIterator<Item = &'a PodFacts>, node: &NodeFacts) -> NodeView {
    let on_node = |pod: &&PodFacts| pod.node.as_ref() == Some(&node.name) && !pod.is_completed();
    let whole = node.available();
    let (mut requests, mut limits) = (Resources::default(), Resources::default());
    let mut rows: Vec<PodRow> = Vec::new();
    for pod in pods.into_iter().filter(on_node) {
        requests.add(&pod.requests);
        limits.add(&pod.limits);
        rows.push(PodRow {
            namespace: pod.namespace.clone(),
            name: pod.name.clone(),
            cpu: RequestsAndLimits::of("cpu", &pod.requests, &pod.limits, whole),
            memory: RequestsAndLimits::of("memory", &pod.requests, &pod.limits, whole),
            created: pod.created,
        });
    }
    rows.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
    let all = whole.iter().chain(requests.iter()).chain(limits.iter());
    // `pods`, the maximum number of pods, is not a resource that pods request.
    let names: BTreeSet<(u8, &str)> =
        all.filter(|(name, _)| *name != "pods").map(|(name, _)| (rank(name), name)).collect();
    let total =
        |(_, name): (u8, &str)| (name.to_owned(), RequestsAndLimits::of(name, &requests, &limits, whole));
    NodeView { pods: rows, totals: names.into_iter().map(total).collect() }
}

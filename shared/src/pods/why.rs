//! Why a rule about a workload fired: which pods, and what Kubernetes says of them.

use std::collections::BTreeMap;

use super::{PodRates, PodState};
use crate::rule::KubernetesMeasure;

/// Pods that are named; the others are counted.
const NAMED: usize = 3;
const MIB: f64 = 1024.0 * 1024.0;

/// The pods behind a value in one or two sentences; none if no pod explains it.
pub fn why(measure: KubernetesMeasure, pods: &[PodState]) -> Option<String> {
    use KubernetesMeasure as M;
    match measure {
        M::PodMemoryPercent => worst(pods, PodState::memory_percent, memory),
        M::PodCpuPercent => worst(pods, PodState::cpu_percent, cpu),
        M::PodCpuThrottledPercent
        | M::PodNetworkReceived
        | M::PodNetworkSent
        | M::PodDiskRead
        | M::PodDiskWritten => {
            let value = |pod: &PodState| pod.rates.as_ref()?.of(measure);
            worst(pods, value, |pod| counted(measure, pod.rates.as_ref()?))
        }
        M::CrashLoopingPods | M::UnstartablePods | M::PodRestarts | M::OomKilled => troubled(pods),
        M::PodPending => pending(pods),
        M::AvailableBelowDesired => troubled(pods).or_else(|| pending(pods)),
        M::CompletedPods => {
            named("Completed", pods.iter().filter(|pod| pod.is_completed()).map(|pod| pod.pod.as_str()))
        }
        M::LoggingDisabledPods => {
            let reason = pods.iter().find_map(|pod| pod.logging_disabled.as_deref())?;
            let disabled = pods.iter().filter(|pod| pod.logging_disabled.is_some());
            let which = named("Without logging", disabled.map(|pod| pod.pod.as_str()))?;
            Some(if reason.is_empty() { which } else { format!("{which} Fargate says: {reason}.") })
        }
        M::MetricsServerDown => None,
    }
}

/// The pod with the highest value, with what it uses of what it has.
fn worst(
    pods: &[PodState],
    value: impl Fn(&PodState) -> Option<f64>,
    words: impl Fn(&PodState) -> Option<String>,
) -> Option<String> {
    let pods = pods.iter().filter(|pod| !pod.is_completed());
    let (_, pod) = pods.filter_map(|pod| Some((value(pod)?, pod))).max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(format!("Highest: pod {}, {}.", pod.pod, words(pod)?))
}

#[expect(clippy::cast_precision_loss, reason = "bytes of a pod are far below 2^53")]
fn memory(pod: &PodState) -> Option<String> {
    let (usage, provisioned) = (pod.usage.as_ref()?, pod.provisioned?.memory_bytes?);
    let asked = pod.requests.memory_bytes.map_or("nothing".to_owned(), |bytes| mib(bytes as f64));
    Some(format!(
        "{} of {} provisioned, {asked} requested",
        mib(usage.memory_bytes as f64),
        mib(provisioned as f64)
    ))
}

fn mib(bytes: f64) -> String {
    format!("{:.0} MiB", bytes / MIB)
}

#[expect(clippy::cast_precision_loss, reason = "cores of a pod are few")]
fn cpu(pod: &PodState) -> Option<String> {
    let (usage, provisioned) = (pod.usage.as_ref()?, pod.provisioned?.cpu_millicores?);
    let asked = pod.requests.cpu_millicores.map_or("nothing".to_owned(), |milli| format!("{milli}m"));
    Some(format!("{:.0}m of {provisioned}m provisioned, {asked} requested", usage.cpu_nanocores as f64 / 1e6))
}

/// What cAdvisor counted, per second; of throttling the container, too.
fn counted(measure: KubernetesMeasure, rates: &PodRates) -> Option<String> {
    use KubernetesMeasure as M;
    let value = measure.unit().show(rates.of(measure)?);
    Some(match measure {
        M::PodNetworkReceived => format!("{value} received"),
        M::PodNetworkSent => format!("{value} sent"),
        M::PodDiskRead => format!("{value} read"),
        M::PodDiskWritten => format!("{value} written"),
        _ => {
            let container = rates.throttled.as_ref().map(|throttled| throttled.container.as_str());
            let which = container.filter(|name| !name.is_empty()).map_or_else(
                || "stopped by its CPU limit".to_owned(),
                |name| format!("container {name} stopped by its CPU limit"),
            );
            format!("{which} in {value} of its periods")
        }
    })
}

/// What containers wait for and how the last ones ended.
fn troubled(pods: &[PodState]) -> Option<String> {
    let mut sentences: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for pod in pods {
        for waiting in pod.waiting.iter().filter(|waiting| is_trouble(&waiting.reason)) {
            let ended = pod.terminated.iter().find(|end| end.container == waiting.container);
            let ended = ended.map_or(String::new(), |end| {
                format!(", ended before with {} (exit code {})", end.reason, end.exit_code)
            });
            let what = format!("container {} waits: {}{ended}", waiting.container, waiting.reason);
            sentences.entry(what).or_default().push(&pod.pod);
        }
        for end in pod.terminated.iter().filter(|end| end.reason != "Completed") {
            if pod.waiting.iter().any(|waiting| waiting.container == end.container) {
                continue;
            }
            let at = end.finished_at.map_or(String::new(), |at| format!(" at {}", at.strftime("%H:%M UTC")));
            let what = format!(
                "container {} ended with {} (exit code {}){at}",
                end.container, end.reason, end.exit_code
            );
            sentences.entry(what).or_default().push(&pod.pod);
        }
    }
    let sentences: Vec<String> =
        sentences.into_iter().take(NAMED).map(|(what, pods)| format!("{}: {what}.", names(&pods))).collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn is_trouble(reason: &str) -> bool {
    !matches!(reason, "ContainerCreating" | "PodInitializing" | "")
}

fn pending(pods: &[PodState]) -> Option<String> {
    let pending = pods.iter().filter_map(|pod| Some((pod.pending.as_ref()?, pod)));
    let (why, pod) = pending.min_by_key(|(pending, _)| pending.since)?;
    let reason = why.reason.as_deref().unwrap_or("no reason is given");
    let message = why.message.as_deref().map(|message| format!(" ({})", message.trim_end_matches('.')));
    let since = why.since.strftime("%H:%M UTC");
    Some(format!("Pod {} is pending since {since}: {reason}{}.", pod.pod, message.unwrap_or_default()))
}

fn named<'a>(what: &str, pods: impl Iterator<Item = &'a str>) -> Option<String> {
    let pods: Vec<&str> = pods.collect();
    (!pods.is_empty()).then(|| format!("{what}: {}.", names(&pods)))
}

fn names(pods: &[&str]) -> String {
    let named = pods[..pods.len().min(NAMED)].join(", ");
    match pods.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

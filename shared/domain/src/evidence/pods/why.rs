//! Why a rule on a workload fired: which pods, and what Kubernetes reports about them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cause::{self, last_bad_end};
use super::pending::Kept;
use super::{Counted, PodRates, PodState, PodWarning, Termination, WaitingContainer};
use crate::kubernetes::pod::Phase;
use crate::kubernetes::waiting::WaitingCause;
use crate::rules::KubernetesMeasure;

/// How many pods are named; the others are counted.
const NAMED: usize = 3;
const MIB: f64 = 1024.0 * 1024.0;

/// Why a rule fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The explanation, one or more sentences.
    pub sentence: String,
    /// The pod to check first, which the explanation names.
    pub pod: NamedPod,
}

/// A pod to check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedPod {
    /// Its name.
    pub name: String,
    /// The container that ended or waits for a restart, if the cause is a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

/// The pods behind a value; `None` if no pod explains it. For counts, names only the pods that
/// count at `now`, each once.
pub fn why(measure: KubernetesMeasure, pods: &[PodState], now: Timestamp) -> Option<Why> {
    let (mut sentence, pod) = explained(measure, pods, now)?;
    let is_new =
        |one: &&PodWarning| one.message.is_empty() || !sentence.contains(one.message.trim_end_matches('.'));
    if let Some(warning) = cause::warning(measure, pod).filter(is_new) {
        sentence.push_str(&format!(" Kubernetes warns about {}: {warning}.", pod.pod));
    }
    if let Some(class) = cause::class(measure, pod) {
        sentence.push_str(&format!(" Class {class}: {}.", class.label()));
    }
    Some(Why { sentence, pod: NamedPod { name: pod.pod.clone(), container: container(measure, pod) } })
}

/// The container of a pod whose log is worth reading.
fn container(measure: KubernetesMeasure, pod: &PodState) -> Option<String> {
    let ended = || last_bad_end(pod).map(|end| end.container.clone());
    match measure {
        KubernetesMeasure::CrashLoopingPods => {
            let crashing = pod.waiting.iter().find(|one| one.cause() == WaitingCause::CrashLoop);
            crashing.map(|one| one.container.clone())
        }
        KubernetesMeasure::PodRestarts | KubernetesMeasure::OomKilled => ended(),
        _ => None,
    }
}

/// The explanation, and the first pod that it names.
fn explained(measure: KubernetesMeasure, pods: &[PodState], now: Timestamp) -> Option<(String, &PodState)> {
    use KubernetesMeasure as M;
    let counted = Counted::of(measure, pods, now);
    let counted = counted.pods();
    match measure {
        M::PodMemoryPercent => worst(pods, PodState::memory_percent, memory),
        M::PodCpuPercent => worst(pods, PodState::cpu_percent, cpu),
        M::PodCpuThrottledPercent
        | M::PodNetworkReceived
        | M::PodNetworkSent
        | M::PodDiskRead
        | M::PodDiskWritten => {
            let value = |pod: &PodState| pod.rates.as_ref()?.of(measure);
            worst(pods, value, |pod| did(measure, pod.rates.as_ref()?))
        }
        M::CrashLoopingPods => {
            let is_crash = |one: &&WaitingContainer| one.cause() == WaitingCause::CrashLoop;
            each(counted, |pod| Some((pod.waiting.iter().find(is_crash).map(|one| waits(pod, one))?, None)))
        }
        M::UnstartablePods => each(counted, |pod| {
            let one = pod.unstartable(now).next()?;
            Some((waits(pod, one), Some(one.remedy())))
        }),
        M::PodRestarts => each(counted, |pod| Some((diagnosis(pod)?, None))),
        M::OomKilled => each(counted, |pod| {
            let kills = pod.terminated.iter().filter(|end| end.reason == "OOMKilled");
            Some((ended(pod, kills.max_by_key(|end| end.finished_at)?), None))
        }),
        M::PodPending => pending(counted),
        M::AvailableBelowDesired => {
            let missing: Vec<&PodState> =
                pods.iter().filter(|pod| !pod.ready && pod.is_live() && !pod.is_never_placed()).collect();
            let waiting: Vec<&PodState> = missing.iter().copied().filter(|pod| pod.is_pending()).collect();
            each(&missing, |pod| Some((diagnosis(pod)?, None))).or_else(|| pending(&waiting))
        }
        M::CompletedPods => each(counted, |pod| Some((end_of(pod), None))),
        M::LoggingDisabledPods => each(counted, |pod| {
            let reason = pod.logging_disabled.as_deref().filter(|reason| !reason.is_empty());
            Some((format!("without logging, Fargate gives {}", reason.unwrap_or("no reason")), None))
        }),
        M::DaemonSetPodsOnFargate => each(counted, |pod| {
            let workload = &pod.workload;
            Some((format!("of DaemonSet {}/{}", workload.namespace, workload.name), None))
        }),
        M::MetricsServerDown => None,
    }
}

/// Whether a pod can explain a cluster-wide measure at that time.
pub fn explains(pod: &PodState, now: Timestamp) -> bool {
    let mut of_clusters = KubernetesMeasure::all().filter(|measure| measure.is_of_cluster());
    of_clusters.any(|measure| pod.counts_for(measure, now))
}

/// The pod with the highest value, and how much it uses of what it has.
fn worst(
    pods: &[PodState],
    value: impl Fn(&PodState) -> Option<f64>,
    words: impl Fn(&PodState) -> Option<String>,
) -> Option<(String, &PodState)> {
    let pods = pods.iter().filter(|pod| !pod.is_completed());
    let (_, pod) = pods.filter_map(|pod| Some((value(pod)?, pod))).max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some((format!("Highest: pod {}, {}.", pod.pod, words(pod)?), pod))
}

#[expect(clippy::cast_precision_loss, reason = "bytes of a pod are far below 2^53")]
fn memory(pod: &PodState) -> Option<String> {
    let (usage, provisioned) = (pod.usage.as_ref()?, pod.provisioned?.memory_bytes?);
    let request = pod.requests.memory_bytes.map_or("nothing".to_owned(), |bytes| mib(bytes as f64));
    Some(format!(
        "{} of {} provisioned, {request} requested",
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
    let request = pod.requests.cpu_millicores.map_or("nothing".to_owned(), |milli| format!("{milli}m"));
    Some(format!(
        "{:.0}m of {provisioned}m provisioned, {request} requested",
        usage.cpu_nanocores as f64 / 1e6
    ))
}

/// What cAdvisor counted, per second; for throttling, with the container.
fn did(measure: KubernetesMeasure, rates: &PodRates) -> Option<String> {
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
                || "throttled by its CPU limit".to_owned(),
                |name| format!("container {name} throttled by its CPU limit"),
            );
            format!("{which} in {value} of its periods")
        }
    })
}

/// Groups pods with the same cause: `web-1, web-2: container app waits: ...`. Each pod appears in
/// one sentence; the remedies follow, each once.
fn each<'a>(
    pods: &[&'a PodState],
    of: impl Fn(&PodState) -> Option<(String, Option<&'static str>)>,
) -> Option<(String, &'a PodState)> {
    let mut groups = BTreeMap::<String, (Vec<&PodState>, Option<&'static str>)>::new();
    for pod in pods {
        if let Some((sentence, remedy)) = of(pod) {
            groups.entry(sentence).or_insert((Vec::new(), remedy)).0.push(pod);
        }
    }
    let first = *groups.values().next()?.0.first()?;
    let shown = groups.iter().take(NAMED);
    let mut sentences: Vec<String> =
        shown.clone().map(|(what, (pods, _))| format!("{}: {what}.", names(pods))).collect();
    let hidden: usize = groups.values().skip(NAMED).map(|(pods, _)| pods.len()).sum();
    if hidden > 0 {
        sentences.push(format!("{hidden} more for other reasons."));
    }
    let mut remedies: Vec<&str> = shown.filter_map(|(_, (_, remedy))| *remedy).collect();
    remedies.sort_unstable();
    remedies.dedup();
    sentences.extend(remedies.into_iter().map(ToOwned::to_owned));
    Some((sentences.join(" "), first))
}

/// The most telling fact about a pod: what a container waits for, how one ended, or what Kubernetes
/// says of the pod.
fn diagnosis(pod: &PodState) -> Option<String> {
    let stuck = pod.waiting.iter().find(|one| one.cause() != WaitingCause::Starting);
    let ended = || last_bad_end(pod).map(|end| ended(pod, end));
    let said = || pod.reason.as_ref().map(|_| said(pod));
    // A pod that runs and never ended may still not be ready: only its events say why.
    let warned = || pod.warnings.first().map(|one| format!("Kubernetes warns: {one}"));
    stuck.map(|one| waits(pod, one)).or_else(ended).or_else(said).or_else(warned)
}

/// What a container waits for, and how it last ended.
fn waits(pod: &PodState, waiting: &WaitingContainer) -> String {
    let WaitingContainer { container, reason, message, .. } = waiting;
    let before = pod.terminated.iter().filter(|end| end.container == *container);
    let before = before.max_by_key(|end| end.finished_at).map_or_else(String::new, |end| {
        format!(", last ended with {} (exit code {}){}", end.reason, end.exit_code, for_probe(pod, end))
    });
    // The kubelet's message about a crash loop contains the back-off time, which differs from pod
    // to pod.
    let message = message.as_deref().filter(|_| waiting.cause() != WaitingCause::CrashLoop);
    let message = message.map_or_else(String::new, |text| format!(" ({})", text.trim_end_matches('.')));
    format!("container {container} waits: {reason}{message}{before}")
}

fn ended(pod: &PodState, end: &Termination) -> String {
    let at = end.finished_at.map_or(String::new(), |at| format!(" at {}", at.strftime("%H:%M UTC")));
    let Termination { container, reason, exit_code, .. } = end;
    format!("container {container} ended with {reason} (exit code {exit_code}){at}{}", for_probe(pod, end))
}

/// `, killed because its liveness probe failed`
fn for_probe(pod: &PodState, end: &Termination) -> String {
    // The kernel killed it; that its probe failed as well is a consequence.
    let probe = pod.killed_for(end).filter(|_| end.reason != "OOMKilled");
    probe.map_or_else(String::new, |probe| format!(", killed because its {probe} failed"))
}

/// How a pod ended: `completed`, or `failed, Evicted (The node was low on resource: memory)`.
fn end_of(pod: &PodState) -> String {
    let how = if pod.phase == Phase::Succeeded { "completed" } else { "failed" };
    match &pod.reason {
        Some(_) => format!("{how}, {}", said(pod)),
        None => how.to_owned(),
    }
}

/// Reason and message that Kubernetes gives for a pod.
fn said(pod: &PodState) -> String {
    let reason = pod.reason.as_deref().unwrap_or("no reason given");
    match &pod.message {
        Some(message) => format!("{reason} ({})", message.trim_end_matches('.')),
        None => reason.to_owned(),
    }
}

/// The pod that has waited longest, with its remedy; the others are counted.
fn pending<'a>(pods: &[&'a PodState]) -> Option<(String, &'a PodState)> {
    let waited = pods.iter().filter_map(|pod| Some((pod.pending.as_ref()?.since, *pod)));
    let (since, pod) = waited.min_by_key(|(since, _)| *since)?;
    let more = match pods.len() - 1 {
        0 => String::new(),
        more => format!(" {more} more pending."),
    };
    let (since, remedy) = (since.strftime("%H:%M UTC"), pod.pending_cause().remedy());
    Some((format!("Pod {} has been pending since {since}: {}. {remedy}{more}", pod.pod, Kept(pod)), pod))
}

fn names(pods: &[&PodState]) -> String {
    let named: Vec<&str> = pods.iter().take(NAMED).map(|pod| pod.pod.as_str()).collect();
    let named = named.join(", ");
    match pods.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

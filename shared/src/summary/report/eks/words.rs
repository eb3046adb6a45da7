//! The same words in the mail and on the page.

use jiff::Timestamp;

use super::{
    EksClusterReport, EksFleet, Hint, HintKind, MetricsApiReport, MetricsApiState, PodEnd, PodReport,
    PodResource, PodUsage, PodWait, WorkloadReport,
};
use crate::commands::AtCluster;
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::views::{top_cpu, top_memory};
use crate::summary::report::figures::{Answer, Utilization};
use crate::summary::report::text::{Block, Text};
use crate::summary::report::words::percent;
use crate::summary::words::{count, list, span, utc};

const GIB: f64 = 1_073_741_824.0;

impl EksFleet {
    /// `with 23 pods; on average memory 41 % and CPU 12 %; 1 with no replica available`
    pub(in crate::summary::report) fn sentence(&self) -> String {
        let mut parts = Vec::new();
        if self.unread < self.clusters {
            parts.push(format!("with {}", count(self.pods, "pod")));
        }
        if self.memory.or(self.cpu).is_some() {
            parts.push(format!("on average memory {} and CPU {}", percent(self.memory), percent(self.cpu)));
        }
        if self.unread > 0 {
            parts.push(format!("{} could not be read", count(self.unread, "cluster")));
        }
        if self.unlisted > 0 {
            parts.push(format!("{} could not be listed in full", count(self.unlisted, "cluster")));
        }
        parts.extend(self.notes());
        parts.join("; ")
    }

    /// What needs a person.
    fn notes(&self) -> Vec<String> {
        let workloads = [
            (self.none_available, "with no replica available"),
            (self.short_of_pods, "with fewer than desired"),
            (self.without_figures, "without data"),
        ];
        let pods = [(self.crash_looping, "crash-looping"), (self.pending, "pending")];
        let workloads = workloads.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
        let pods = pods.into_iter().filter(|(n, _)| *n > 0);
        workloads.chain(pods.map(|(n, what)| format!("{} {what}", count(n, "pod")))).collect()
    }

    /// Whether something runs that should not be as it is, or nothing runs that should.
    pub(in crate::summary::report) fn is_bad(&self) -> bool {
        self.none_available + self.short_of_pods + self.crash_looping + self.unread > 0
    }
}

impl EksClusterReport {
    /// `ACTIVE, Kubernetes 1.33, 12 Fargate nodes, 5 workloads with 12 pods`
    pub(in crate::summary::report) fn heading(&self) -> String {
        let status = self.status.as_ref().map_or("status not known", Text::as_str);
        let mut parts = vec![status.to_owned()];
        parts.extend(self.version.as_ref().map(|version| format!("Kubernetes {version}")));
        if self.is_not_asked() {
            parts.push("its Kubernetes API was not asked".to_owned());
            return parts.join(", ");
        }
        parts.push(self.nodes().unwrap_or_else(|| "nodes not known".to_owned()));
        parts.push(self.workloads_and_pods());
        parts.extend(self.not_listed());
        parts.join(", ")
    }

    /// `5 workloads with 12 pods`; of a cluster that could not be read those of an earlier run, if there was one.
    fn workloads_and_pods(&self) -> String {
        let workloads = count(self.workloads.len(), "workload");
        if !self.unread {
            let pods = self.workloads.iter().filter_map(|workload| workload.pods).sum();
            return format!("{workloads} with {}", count(pods, "pod"));
        }
        if self.knows_workloads() { workloads } else { "workloads not known".to_owned() }
    }

    /// `Deployments and CronJobs not known`; none if all kinds were listed.
    pub(in crate::summary::report) fn not_listed(&self) -> Option<String> {
        let kinds: Vec<String> = self.unlisted.iter().map(|kind| format!("{kind}s")).collect();
        let (last, first) = kinds.split_last()?;
        let kinds = if first.is_empty() { last.clone() } else { format!("{} and {last}", first.join(", ")) };
        Some(format!("{kinds} not known"))
    }

    /// The commands that take away the right to cAdvisor, if it is read.
    pub(in crate::summary::report) fn without_cadvisor(&self) -> Option<Block> {
        let Self { account, region, cluster, cadvisor, .. } = self;
        let at = AtCluster { account, region, cluster };
        let delete = "delete clusterrole,clusterrolebinding fargaze-cadvisor";
        cadvisor.as_ref().map(|_| Block::new(&at.kubectls([delete])))
    }

    /// It is being made or deleted, so that there is nobody to ask.
    fn is_not_asked(&self) -> bool {
        let is_unknown = self.metrics_api.state == MetricsApiState::Unknown && self.fargate_nodes.is_none();
        is_unknown && self.status.is_some() && !self.unread && self.workloads.is_empty()
    }

    /// `12 Fargate nodes and 2 others`; none if they are not known.
    pub(in crate::summary::report) fn nodes(&self) -> Option<String> {
        let fargate = count(self.fargate_nodes?, "Fargate node");
        Some(match self.other_nodes? {
            0 => fargate,
            1 => format!("{fargate} and 1 other"),
            n => format!("{fargate} and {n} others"),
        })
    }
}

impl MetricsApiReport {
    /// In a sentence without its end.
    pub(in crate::summary::report) fn words(&self) -> String {
        let detail = self.detail.as_ref().map(Text::as_str).unwrap_or_default();
        match self.state {
            MetricsApiState::Serves => format!("answers ({detail})"),
            MetricsApiState::Missing => "missing: Metrics Server is not installed".to_owned(),
            MetricsApiState::Down => format!("does not answer: {detail}"),
            MetricsApiState::Unknown => "could not be asked".to_owned(),
        }
    }
}

impl WorkloadReport {
    /// Why there is no figure.
    pub(in crate::summary::report) fn why_none(&self, figure: &Utilization) -> &'static str {
        match figure.answer {
            Answer::CouldNotAsk => figure.answer.words(),
            _ if self.cannot_be_measured() => "cannot measure itself",
            _ if self.pods == Some(0) => "no pods",
            _ if self.not_yet_read > 0 => "no data yet",
            _ => "no data",
        }
    }

    /// `45.2 %, highest 93.1 % (last 3 hours 60 %, highest 80 %)`, or why there is no figure.
    pub(in crate::summary::report) fn sentence(&self, figure: &Utilization) -> String {
        match figure.average.or(figure.maximum) {
            Some(_) => figure.sentence(),
            None => self.why_none(figure).to_owned(),
        }
    }

    /// `2 of 3`, or nothing known.
    pub(in crate::summary::report) fn of_desired(&self) -> Option<String> {
        self.both().map(|(available, desired)| format!("{available} of {desired}"))
    }

    /// Pods, replicas, restarts and kills.
    pub(in crate::summary::report) fn pods_and_more(&self) -> String {
        let mut text = self.pods.map_or_else(|| "pods not known".to_owned(), |pods| count(pods, "pod"));
        let states = [
            (self.crash_looping, "crash-looping"),
            (self.cannot_start, "that cannot start"),
            (self.pending, "pending"),
        ];
        for (n, what) in states.into_iter().filter(|(n, _)| *n > 0) {
            text.push_str(&format!(", {n} {what}"));
        }
        if self.completed > 0 {
            text.push_str(&format!(", {} completed", self.completed));
        }
        match self.of_desired() {
            Some(available) => text.push_str(&format!(", replicas available {available}")),
            None if self.replicas_not_known => text.push_str(", replicas not known"),
            None => {}
        }
        let counts = [(self.restarts, "restart"), (self.oom_kills, "OOM kill")];
        for (n, what) in counts.into_iter().filter_map(|(n, what)| Some((n.filter(|n| *n > 0)?, what))) {
            text.push_str(&format!(", {}", count(usize::try_from(n).unwrap_or(usize::MAX), what)));
        }
        if let Some(size) = size(self.provisioned_millicores, self.provisioned_bytes) {
            text.push_str(&format!(", provisioned {size}"));
        }
        text
    }
}

impl Hint {
    /// What it is, of which pods, and what to do.
    pub(in crate::summary::report) fn sentence(&self) -> String {
        let (n, are) = (self.pods, if self.pods == 1 { "is" } else { "are" });
        let reason = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let named = self.named.iter().map(Text::as_str).chain((self.named.len()..n).map(|_| ""));
        let named = list(named, self.named.len());
        let pods = count(n, "pod");
        match self.kind {
            HintKind::LoggingDisabled => format!(
                "{pods} without logging{reason}: {named}. A corrected ConfigMap reaches only pods that are created afterwards: kubectl rollout restart."
            ),
            HintKind::PaidThoughCompleted => format!(
                "{pods} that completed over an hour ago {are} still paid for: {named}. Delete them, and set \
                 ttlSecondsAfterFinished in their Jobs, or in a CronJob jobTemplate.spec.ttlSecondsAfterFinished or its history limits."
            ),
            HintKind::DaemonSetOnFargate => format!(
                "{pods} of DaemonSets {are} meant for nodes of Fargate, which runs none: {named}. Keep them off by a required node affinity in \
                 the DaemonSet's template, eks.amazonaws.com/compute-type NotIn [fargate]."
            ),
            HintKind::MissesStep => format!(
                "{pods} would fit the next smaller size, highest use included, but for the 256 MB that Fargate adds to what a pod \
                 asks for: {named}. Ask for up to 256 MB less memory."
            ),
            HintKind::Unreadable => {
                format!(
                    "{pods} {} fields that could not be read: {named}.",
                    if n == 1 { "has" } else { "have" }
                )
            }
        }
    }
}

impl PodReport {
    /// CPU as `kubectl top pods` shows it, or why there is none.
    pub(in crate::summary::report) fn top_cpu(&self) -> String {
        let cpu = self.cpu_millicores.used.map(|used| top_cpu(Quantity::millis(used)));
        cpu.unwrap_or_else(|| self.usage.words().to_owned())
    }

    /// Memory as `kubectl top pods` shows it, or why there is none.
    pub(in crate::summary::report) fn top_memory(&self) -> String {
        let memory = self.memory_bytes.used.map(|used| top_memory(Quantity::bytes(used)));
        memory.unwrap_or_else(|| self.usage.words().to_owned())
    }

    /// What Fargate provisioned: `0.25 vCPU, 0.5 GB`; a dash if it is not said.
    pub(in crate::summary::report) fn size(&self) -> String {
        let size = size(self.cpu_millicores.provisioned, self.memory_bytes.provisioned);
        size.unwrap_or_else(|| "-".to_owned())
    }

    /// What it waits for, how it ended last, and what else is to be said.
    pub(in crate::summary::report) fn notes(&self, now: Timestamp) -> Vec<String> {
        let mut notes: Vec<String> = self.deletion.map(|at| deleted(at, now)).into_iter().collect();
        notes.extend(self.said());
        notes.extend(self.waiting.iter().map(Text::to_string));
        if self.never_placed {
            notes.push("Fargate runs no pods of a DaemonSet".to_owned());
        } else {
            notes.extend(self.pending.as_ref().map(|pending| pending.sentence(now)));
        }
        notes.extend(self.last_end.as_ref().map(PodEnd::sentence));
        notes.extend(self.logging_disabled.as_ref().map(|reason| format!("logging disabled: {reason}")));
        if self.paid_though_completed {
            notes.push("completed, and still paid for".to_owned());
        }
        if self.misses_step {
            notes.push("asking for up to 256 MB less brings the next smaller size".to_owned());
        }
        notes.extend(self.unreadable.iter().map(|field| format!("could not read {field}")));
        notes
    }
}

impl PodReport {
    /// Kubernetes' own words about the pod as a whole: `Evicted: The node was low on resource: memory.`
    fn said(&self) -> Option<String> {
        let is_said_below = self.pending.as_ref().is_some_and(|pending| pending.reason == self.reason);
        let said: Vec<&str> = [&self.reason, &self.message].into_iter().flatten().map(Text::as_str).collect();
        (!said.is_empty() && !is_said_below).then(|| said.join(": "))
    }
}

/// That a pod is being deleted, and when it was to be gone: one that is still there after that hangs.
fn deleted(at: Timestamp, now: Timestamp) -> String {
    let was = if at < now { "was" } else { "is" };
    format!("being deleted, {was} to be gone at {}", utc(at))
}

impl PodUsage {
    /// Why there is no figure.
    fn words(self) -> &'static str {
        match self {
            Self::Known => "-",
            Self::NotYet => "no data yet",
            Self::CouldNotAsk => "could not ask",
            Self::NotRunning => "not running",
        }
    }
}

impl PodEnd {
    fn sentence(&self) -> String {
        let Self { container, reason, exit_code, finished_at } = self;
        let at = finished_at.map(|at| format!(" at {}", utc(at))).unwrap_or_default();
        format!("{container} ended last{at}: {reason} (exit code {exit_code})")
    }
}

impl PodWait {
    fn sentence(&self, now: Timestamp) -> String {
        let said = [&self.reason, &self.message].into_iter().flatten().map(Text::as_str);
        let said = said.collect::<Vec<_>>().join(", ");
        let why = if said.is_empty() { said } else { format!(": {said}") };
        let is_gated = self.reason.as_ref().is_some_and(|reason| reason.as_str() == "SchedulingGated");
        let state = if is_gated { "held back" } else { "pending" };
        format!("{state} for {}{why}", span(self.since, now))
    }
}

impl PodResource {
    /// Requests or limits of CPU with the percent of the node as `kubectl describe node` prints it: `3500m (87%)`.
    pub(in crate::summary::report) fn cpu(amount: Option<i64>, percent: Option<u64>) -> String {
        of_node(amount.map(Quantity::millis), percent)
    }

    /// The same of memory: `1Gi (6%)`.
    pub(in crate::summary::report) fn memory(amount: Option<i64>, percent: Option<u64>) -> String {
        of_node(amount.map(Quantity::bytes), percent)
    }
}

fn of_node(amount: Option<Quantity>, percent: Option<u64>) -> String {
    match (amount, percent) {
        (None, None) => "-".to_owned(),
        (amount, None) => amount.unwrap_or_default().to_string(),
        (amount, Some(percent)) => format!("{} ({percent}%)", amount.unwrap_or_default()),
    }
}

/// `0.25 vCPU, 0.5 GB`: Fargate writes GB and means GiB.
#[expect(clippy::cast_precision_loss, reason = "sizes of pods are far below 2^53")]
fn size(millicores: Option<i64>, bytes: Option<i64>) -> Option<String> {
    let (cpu, memory) = (millicores? as f64 / 1000.0, bytes? as f64 / GIB);
    Some(format!("{cpu} vCPU, {} GB", (memory * 100.0).round() / 100.0))
}

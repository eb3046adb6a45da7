//! Words about an EKS cluster and its pods, for the page and the mail.

use jiff::Timestamp;

use super::hint::{Hint, HintKind};
use super::model::EksClusterReport;
use super::pod::{PodEnd, PodReport, PodResource, PodUsage, PodWait, size};
use super::setup::{MetricsApiReport, MetricsApiState};
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::views::{top_cpu, top_memory};
use crate::text::commands::AtCluster;
use crate::text::words::{count, list, span, utc};
use crate::text::{Block, Text};

impl EksClusterReport {
    /// `ACTIVE, Kubernetes 1.33, 12 Fargate nodes, 5 workloads with 12 pods`
    pub(crate) fn heading(&self) -> String {
        let status = self.status.as_ref().map_or("status not known", Text::as_str);
        let mut parts = vec![status.to_owned()];
        parts.extend(self.version.as_ref().map(|version| format!("Kubernetes {version}")));
        if self.is_not_queried() {
            parts.push("its Kubernetes API was not queried".to_owned());
            return parts.join(", ");
        }
        parts.push(self.nodes().unwrap_or_else(|| "nodes not known".to_owned()));
        parts.push(self.workloads_and_pods());
        parts.extend(self.not_listed());
        parts.join(", ")
    }

    /// `5 workloads with 12 pods`; for a cluster that could not be read, the workloads of an
    /// earlier run, if there was one.
    fn workloads_and_pods(&self) -> String {
        let workloads = count(self.workloads.len(), "workload");
        if !self.unread {
            let pods = self.workloads.iter().filter_map(|workload| workload.pods).sum();
            return format!("{workloads} with {}", count(pods, "pod"));
        }
        if self.knows_workloads() { workloads } else { "workloads not known".to_owned() }
    }

    /// `Deployments and CronJobs not known`; `None` if all kinds were listed.
    pub(crate) fn not_listed(&self) -> Option<String> {
        let kinds: Vec<String> = self.unlisted.iter().map(|kind| format!("{kind}s")).collect();
        let (last, first) = kinds.split_last()?;
        let kinds = if first.is_empty() { last.clone() } else { format!("{} and {last}", first.join(", ")) };
        Some(format!("{kinds} not known"))
    }

    /// The command that revokes the permission for cAdvisor, if it is read.
    pub(crate) fn without_cadvisor(&self) -> Option<Block> {
        let Self { account, region, cluster, cadvisor, .. } = self;
        let at = AtCluster { account, region, cluster };
        let delete = "delete clusterrole,clusterrolebinding fargaze-cadvisor";
        cadvisor.as_ref().map(|_| Block::new(&at.kubectls([delete])))
    }

    /// Whether it is being created or deleted, so that it has no API to query.
    fn is_not_queried(&self) -> bool {
        let is_unknown = self.metrics_api.state == MetricsApiState::Unknown && self.fargate_nodes.is_none();
        is_unknown && self.status.is_some() && !self.unread && self.workloads.is_empty()
    }

    /// `12 Fargate nodes and 2 others`; `None` if unknown.
    pub(crate) fn nodes(&self) -> Option<String> {
        let fargate = count(self.fargate_nodes?, "Fargate node");
        Some(match self.other_nodes? {
            0 => fargate,
            1 => format!("{fargate} and 1 other"),
            n => format!("{fargate} and {n} others"),
        })
    }
}

impl MetricsApiReport {
    /// The predicate of a sentence, without its full stop.
    pub(crate) fn words(&self) -> String {
        let detail = self.detail.as_ref().map(Text::as_str).unwrap_or_default();
        match self.state {
            MetricsApiState::Serves => format!("answers ({detail})"),
            MetricsApiState::Missing => "missing: Metrics Server is not installed".to_owned(),
            MetricsApiState::Down => format!("does not answer: {detail}"),
            MetricsApiState::Unknown => "could not be queried".to_owned(),
        }
    }
}

impl Hint {
    /// What was found, for which pods, and what to do.
    pub(crate) fn sentence(&self) -> String {
        let (n, are) = (self.pods, if self.pods == 1 { "is" } else { "are" });
        let reason = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let named = self.named.iter().map(Text::as_str).chain((self.named.len()..n).map(|_| ""));
        let named = list(named, self.named.len());
        let pods = count(n, "pod");
        match self.kind {
            HintKind::LoggingDisabled => format!(
                "{pods} without logging{reason}: {named}. A corrected ConfigMap affects only pods created afterwards: run kubectl rollout restart."
            ),
            HintKind::PaidThoughCompleted => format!(
                "{pods} that completed over an hour ago {are} still billed: {named}. Delete them, and set \
                 ttlSecondsAfterFinished in their Jobs, or in a CronJob jobTemplate.spec.ttlSecondsAfterFinished or its history limits."
            ),
            HintKind::DaemonSetOnFargate => format!(
                "{pods} of DaemonSets {are} assigned to Fargate nodes, which cannot run them: {named}. Keep them off with a required node affinity in \
                 the DaemonSet's template: eks.amazonaws.com/compute-type NotIn [fargate]."
            ),
            HintKind::MissesStep => format!(
                "{pods} would fit the next smaller size, even at peak usage, if Fargate did not add 256 MB to the memory that a pod \
                 requests: {named}. Request up to 256 MB less memory."
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
    pub(crate) fn top_cpu(&self) -> String {
        let cpu = self.cpu_millicores.used.map(|used| top_cpu(Quantity::millis(used)));
        cpu.unwrap_or_else(|| self.usage.words().to_owned())
    }

    /// Memory as `kubectl top pods` shows it, or why there is none.
    pub(crate) fn top_memory(&self) -> String {
        let memory = self.memory_bytes.used.map(|used| top_memory(Quantity::bytes(used)));
        memory.unwrap_or_else(|| self.usage.words().to_owned())
    }

    /// What Fargate provisioned: `0.25 vCPU, 0.5 GB`; a dash if unknown.
    pub(crate) fn size(&self) -> String {
        let size = size(self.cpu_millicores.provisioned, self.memory_bytes.provisioned);
        size.unwrap_or_else(|| "-".to_owned())
    }

    /// Why it waits, how it last ended, and other remarks.
    pub(crate) fn notes(&self, now: Timestamp) -> Vec<String> {
        let mut notes: Vec<String> = self.deletion.map(|at| deleted(at, now)).into_iter().collect();
        notes.extend(self.status());
        notes.extend(self.waiting.iter().map(Text::to_string));
        if self.never_placed {
            notes.push("Fargate does not run DaemonSet pods".to_owned());
        } else {
            notes.extend(self.pending.as_ref().map(|pending| pending.sentence(now)));
        }
        notes.extend(self.last_end.as_ref().map(PodEnd::sentence));
        notes.extend(self.warnings.iter().map(|warning| format!("warning {warning}")));
        notes.extend(self.logging_disabled.as_ref().map(|reason| format!("logging disabled: {reason}")));
        if self.paid_though_completed {
            notes.push("completed, still billed".to_owned());
        }
        if self.misses_step {
            notes.push("requesting up to 256 MB less gets the next smaller size".to_owned());
        }
        notes.extend(self.unreadable.iter().map(|field| format!("could not read {field}")));
        notes
    }

    /// Kubernetes' own words about the pod as a whole: `Evicted: The node was low on resource:
    /// memory.`
    fn status(&self) -> Option<String> {
        let is_repeated = self.pending.as_ref().is_some_and(|pending| pending.reason == self.reason);
        let words: Vec<&str> =
            [&self.reason, &self.message].into_iter().flatten().map(Text::as_str).collect();
        (!words.is_empty() && !is_repeated).then(|| words.join(": "))
    }
}

/// States that a pod is being deleted, and its due time: a pod that still exists after that hangs.
fn deleted(at: Timestamp, now: Timestamp) -> String {
    let due = if at < now { "was due" } else { "due" };
    format!("being deleted, {due} at {}", utc(at))
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
        format!("{container} last ended{at}: {reason} (exit code {exit_code})")
    }
}

impl PodWait {
    fn sentence(&self, now: Timestamp) -> String {
        let words = [&self.reason, &self.message].into_iter().flatten().map(Text::as_str);
        let words = words.collect::<Vec<_>>().join(", ");
        let why = if words.is_empty() { words } else { format!(": {words}") };
        let is_gated = self.reason.as_ref().is_some_and(|reason| reason.as_str() == "SchedulingGated");
        let state = if is_gated { "held back" } else { "pending" };
        format!("{state} for {}{why}", span(self.since, now))
    }
}

impl PodResource {
    /// Requests or limits of CPU with the percent of the node as `kubectl describe node` prints it:
    /// `3500m (87%)`.
    pub(crate) fn cpu(amount: Option<i64>, percent: Option<u64>) -> String {
        of_node(amount.map(Quantity::millis), percent)
    }

    /// The same of memory: `1Gi (6%)`.
    pub(crate) fn memory(amount: Option<i64>, percent: Option<u64>) -> String {
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

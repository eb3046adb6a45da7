//! An EKS cluster and its workloads as data.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::counted::CadvisorReport;
use super::hint::Hint;
use super::pod::{PodReport, size};
use super::setup::{AddonReport, FindingReport, MetricsApiReport, ProfileReport};
use super::vended::VendedMetric;
use crate::evidence::eks::LogType;
use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::model::subject::Workload;
use crate::report::measured::figures::{Answer, Utilization};
use crate::report::measured::member::Member;
use crate::text::Text;
use crate::text::words::count;

/// One EKS cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EksClusterReport {
    /// Its account.
    pub account: AccountId,
    /// Its Region.
    pub region: Region,
    /// Its name.
    pub cluster: ClusterName,
    /// The EKS status, such as `ACTIVE`; absent if EKS could not be queried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Text>,
    /// Kubernetes version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Text>,
    /// Whether the Metrics API answers.
    #[serde(default)]
    pub metrics_api: MetricsApiReport,
    /// Set if cAdvisor is read; absent if it is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cadvisor: Option<CadvisorReport>,
    /// Fargate nodes, one for each pod; absent if they could not be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fargate_nodes: Option<usize>,
    /// Other nodes; absent if they could not be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_nodes: Option<usize>,
    /// Its Fargate profiles; absent if they could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profiles: Option<Vec<ProfileReport>>,
    /// Its add-ons; absent if they could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addons: Option<Vec<AddonReport>>,
    /// Types of control-plane logs that are on; absent if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<BTreeSet<LogType>>,
    /// Problems, each with its remedy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingReport>,
    /// What could be better or cheaper.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<Hint>,
    /// Whether its Kubernetes API could not be read, so that its workloads are from an earlier run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
    /// Its workloads, by namespace, kind and name.
    pub workloads: Vec<WorkloadReport>,
    /// Kinds of workloads that could not be listed: those without pods are missing above, and their
    /// replicas are unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlisted: Vec<Text>,
    /// Its pods, the worst first: at most 50, and fewer where there are more than 20 clusters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<PodReport>,
    /// Number of pods left out of `pods`.
    #[serde(default)]
    pub pods_left_out: usize,
    /// Metrics that AWS itself publishes about the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<VendedMetric>,
    /// Number of metrics left out of `metrics`.
    #[serde(default)]
    pub metrics_left_out: usize,
}

impl EksClusterReport {
    /// Whether its workloads are known, from this run or an earlier one.
    pub fn knows_workloads(&self) -> bool {
        !self.unread || !self.workloads.is_empty()
    }

    /// Number of its pods; `None` if they could not be listed.
    pub fn pod_count(&self) -> Option<usize> {
        (!self.unread).then_some(self.pods.len() + self.pods_left_out)
    }
}

/// One workload: an owner of pods.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WorkloadReport {
    /// Its namespace.
    pub namespace: Text,
    /// Its kind, as Kubernetes spells it.
    pub kind: Text,
    /// Its name.
    pub name: Text,
    /// CPU of its pods, in percent of what Fargate provisioned.
    pub cpu: Utilization,
    /// Memory of its pods, in percent of what Fargate provisioned.
    pub memory: Utilization,
    /// Pods that have not completed; absent if they could not be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<usize>,
    /// Pods that have completed.
    #[serde(default)]
    pub completed: usize,
    /// Pending pods.
    #[serde(default)]
    pub pending: usize,
    /// Pods with a container in `CrashLoopBackOff`.
    #[serde(default)]
    pub crash_looping: usize,
    /// Pods of a `DaemonSet` for Fargate nodes, where they will never run.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub never_placed: u32,
    /// Pods with a container that cannot start.
    #[serde(default)]
    pub cannot_start: usize,
    /// Running pods that the Metrics API has not read yet.
    #[serde(default)]
    pub not_yet_read: usize,
    /// Desired replicas; absent for Jobs and for pods without an owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<u32>,
    /// Available replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<u32>,
    /// Whether its replicas are unknown, because its kind could not be listed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replicas_not_known: bool,
    /// Container restarts observed in the window; absent if there was no observation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarts: Option<u64>,
    /// Containers OOM-killed in the window; absent if there was no observation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_kills: Option<u64>,
    /// Thousandths of a vCPU that Fargate provisioned for its pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_millicores: Option<i64>,
    /// Bytes of memory that Fargate provisioned for its pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_bytes: Option<i64>,
}

impl WorkloadReport {
    /// A workload of which nothing has been read.
    pub(crate) fn new(workload: &Workload) -> Self {
        let Workload { namespace, kind, name } = workload;
        let (namespace, kind, name) = (Text::new(namespace), Text::new(kind), Text::new(name));
        Self { namespace, kind, name, pods: Some(0), ..Self::default() }
    }

    /// Whether it is Metrics Server, which reads all pods on Fargate except its own: no pod there
    /// reaches its own kubelet (aws/containers-roadmap, issue 1798).
    pub fn cannot_be_measured(&self) -> bool {
        self.namespace.as_str() == "kube-system" && self.name.as_str() == crate::evidence::eks::METRICS_SERVER
    }

    /// `shop/deployment/web`
    pub fn path(&self) -> String {
        let Self { namespace, kind, name, .. } = self;
        format!("{namespace}/{}/{name}", kind.as_str().to_lowercase())
    }
}

impl Member for WorkloadReport {
    fn id(&self) -> [&str; 3] {
        [self.namespace.as_str(), self.kind.as_str(), self.name.as_str()]
    }

    fn subject(&self, cluster: &ClusterName) -> Text {
        Text::new(&format!("{cluster} {}", self.path()))
    }

    fn cpu(&self) -> &Utilization {
        &self.cpu
    }

    fn memory(&self) -> &Utilization {
        &self.memory
    }

    /// Desired replicas do not include those that no node will ever take.
    fn running_of_desired(&self) -> Option<(u32, u32)> {
        let desired = self.desired.map(|desired| desired.saturating_sub(self.never_placed));
        self.available.zip(desired)
    }

    /// Why there is no figure.
    fn why_none(&self, figure: &Utilization) -> &'static str {
        match figure.answer {
            Answer::CouldNotAsk => figure.answer.words(),
            _ if self.cannot_be_measured() => "cannot measure itself",
            _ if self.pods == Some(0) => "no pods",
            _ if self.not_yet_read > 0 => "no data yet",
            _ => "no data",
        }
    }

    /// Pods, replicas, restarts and kills.
    fn running_and_more(&self) -> String {
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
        match self.running_of_desired() {
            Some((available, desired)) => {
                text.push_str(&format!(", replicas available {available} of {desired}"));
            }
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

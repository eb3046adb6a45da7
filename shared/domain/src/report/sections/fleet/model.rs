//! All clusters together, as data and in words.

use serde::{Deserialize, Serialize};

use crate::report::measured::figures::{History, percent};
use crate::text::words::{count, notes};

/// All clusters together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fleet {
    /// Clusters of the targets that could be read, including EKS clusters.
    pub clusters: usize,
    /// Services of the ECS clusters.
    pub services: usize,
    /// Running tasks, of the services whose tasks are known.
    pub running: u64,
    /// Desired tasks, of the same services.
    pub desired: u64,
    /// Services without CPU and memory figures, whatever the reason.
    pub without_figures: usize,
    /// Services whose tasks run according to ECS, but for which CloudWatch has no CPU or memory
    /// data in the last 3 hours.
    #[serde(default)]
    pub running_without_metrics: usize,
    /// Services whose tasks are not known.
    pub tasks_unknown: usize,
    /// Services with desired tasks, but none running.
    pub nothing_running: usize,
    /// Services with some tasks running, but fewer than desired.
    pub short_of_tasks: usize,
    /// Active alarms.
    pub alarms: usize,
    /// Alarms that cannot be evaluated.
    pub blind: usize,
    /// Mean CPU over all services that have data.
    pub cpu: Option<f64>,
    /// Mean memory over all services that have data.
    pub memory: Option<f64>,
    /// The same two over time.
    pub history: History,
    /// The EKS clusters; absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eks: Option<EksFleet>,
}

/// All EKS clusters together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EksFleet {
    /// Clusters.
    pub clusters: usize,
    /// Clusters whose Kubernetes API could not be read.
    pub unread: usize,
    /// Clusters in which some kind of workload could not be listed.
    #[serde(default)]
    pub unlisted: usize,
    /// Their workloads.
    pub workloads: usize,
    /// Pods that have not completed.
    pub pods: usize,
    /// Workloads with pods but without CPU and memory figures, whatever the reason.
    pub without_figures: usize,
    /// Workloads with desired replicas, but none available.
    pub none_available: usize,
    /// Workloads with some replicas available, but fewer than desired.
    pub short_of_pods: usize,
    /// Pods with a container in `CrashLoopBackOff`.
    pub crash_looping: usize,
    /// Pending pods.
    pub pending: usize,
    /// Mean CPU over all workloads that have data.
    pub cpu: Option<f64>,
    /// Mean memory over all workloads that have data.
    pub memory: Option<f64>,
    /// The same two over time.
    pub history: History,
}

impl Fleet {
    /// `9 ECS, 3 EKS`; `None` without EKS clusters.
    pub(crate) fn by_platform(&self) -> Option<String> {
        let eks = self.eks.as_ref()?.clusters;
        Some(match self.clusters - eks {
            0 => "all EKS".to_owned(),
            ecs => format!("{ecs} ECS, {eks} EKS"),
        })
    }

    /// Whether all clusters are EKS clusters.
    pub(crate) fn is_eks_only(&self) -> bool {
        self.eks.as_ref().is_some_and(|eks| eks.clusters == self.clusters)
    }

    /// Number of EKS workloads.
    pub(crate) fn workloads(&self) -> usize {
        self.eks.as_ref().map_or(0, |eks| eks.workloads)
    }

    /// What the fleet consists of.
    pub(crate) fn kinds(&self) -> &'static str {
        match &self.eks {
            None => "Services",
            Some(_) if self.is_eks_only() => "Workloads",
            Some(_) => "Services and workloads",
        }
    }

    /// How many services have no figures, or no metrics though they run.
    pub(crate) fn service_notes(&self) -> String {
        let without = match self.without_figures {
            0 => String::new(),
            n => format!("{n} without CPU and memory data"),
        };
        let silent = match self.running_without_metrics {
            0 => String::new(),
            1 => "1 running without metrics".to_owned(),
            n => format!("{n} running without metrics"),
        };
        notes([without, silent])
    }

    /// Problems of the tasks.
    pub(crate) fn task_notes(&self) -> String {
        let counts = [
            (self.nothing_running, "with no tasks running"),
            (self.short_of_tasks, "with fewer than desired"),
            (self.tasks_unknown, "whose tasks are not known"),
        ];
        let counts = counts.into_iter().filter(|(n, _)| *n > 0);
        notes(counts.map(|(n, what)| format!("{} {what}", count(n, "service"))))
    }
}

impl EksFleet {
    /// `with 23 pods; average memory 41 %, CPU 12 %; 1 with no replica available`
    pub(crate) fn sentence(&self) -> String {
        let mut parts = Vec::new();
        if self.unread < self.clusters {
            parts.push(format!("with {}", count(self.pods, "pod")));
        }
        if self.memory.or(self.cpu).is_some() {
            parts.push(format!("average memory {}, CPU {}", percent(self.memory), percent(self.cpu)));
        }
        if self.unread > 0 {
            parts.push(format!("{} could not be read", count(self.unread, "cluster")));
        }
        if self.unlisted > 0 {
            parts.push(format!("{} could not be fully listed", count(self.unlisted, "cluster")));
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

    /// Whether replicas are missing, pods crash-loop, or clusters could not be read.
    pub(crate) fn is_bad(&self) -> bool {
        self.none_available + self.short_of_pods + self.crash_looping + self.unread > 0
    }
}

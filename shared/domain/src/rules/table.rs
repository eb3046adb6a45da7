//! The table of measures: one row says all there is to say about what a rule can judge.
//!
//! The parser of the user's file, its schema, the query plan, the judge, the words of mails and the table in docs/rules.md
//! read the row. A measure of CloudWatch is added by its row alone; one of another source needs, beside it, its figure there.

use super::KubernetesMeasure as M;
use super::source::{ReadFrom, Sampled, ServiceFigure, Source};
use crate::model::catalogue::{self, AWS_ECS, CONTAINER_INSIGHTS};
use crate::model::metric::{Statistic, Unit};
use crate::rules::Scope;
use crate::rules::derive::Formula;

/// One measure.
#[derive(Debug, PartialEq)]
pub struct MeasureRow {
    /// Its word in the user's file.
    pub word: &'static str,
    /// What it is called in a summary, such as `memory` in "memory 93.1 %".
    pub label: &'static str,
    /// Unit of its values.
    pub unit: Unit,
    /// What it can be judged on.
    pub scopes: &'static [Scope],
    /// Where it comes from: the first that can answer for a subject is used.
    pub sources: &'static [Source],
    /// What a period without data means.
    pub gap: Gap,
    /// What the values are and where they come from, in a cell of docs/rules.md.
    pub meaning: &'static str,
    /// What the values count, in a cell of docs/rules.md.
    pub counts: &'static str,
}

/// What a period without data means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// No task ran: there is data in every minute in which a task of the service runs (Amazon ECS Developer Guide, "Amazon
    /// ECS CloudWatch metrics").
    NoTask,
    /// Nothing that tells more.
    NoData,
}

/// How the pods of a workload become the value of a count.
const ONE: &[Statistic] = &[Statistic::Maximum];
/// The same of a share or rate.
const WORST_OR_MEAN: &[Statistic] = &[Statistic::Maximum, Statistic::Average];

const fn derived(formula: Formula, first: &str, second: &str) -> Source {
    let first = catalogue::named(CONTAINER_INSIGHTS, first);
    Source::Derived { formula, first, second: catalogue::named(CONTAINER_INSIGHTS, second) }
}

const fn sampled(
    measure: M,
    metric: &'static str,
    from: ReadFrom,
    statistics: &'static [Statistic],
) -> Source {
    Source::Sampled(Sampled { measure, metric, from, statistics })
}

/// All measures, those of ECS first.
pub static MEASURES: &[MeasureRow] = &[
    MeasureRow {
        word: "memory-percent",
        label: "memory",
        unit: Unit::Percent,
        scopes: &[Scope::Service],
        sources: &[Source::Metric(catalogue::named(AWS_ECS, "MemoryUtilization"))],
        gap: Gap::NoTask,
        meaning: "`AWS/ECS` `MemoryUtilization`: used of what the task definition reserves",
        counts: "percent",
    },
    MeasureRow {
        word: "cpu-percent",
        label: "CPU",
        unit: Unit::Percent,
        scopes: &[Scope::Service],
        sources: &[Source::Metric(catalogue::named(AWS_ECS, "CPUUtilization"))],
        gap: Gap::NoTask,
        meaning: "`AWS/ECS` `CPUUtilization`: used of what the task definition reserves",
        counts: "percent",
    },
    MeasureRow {
        word: "nothing-running",
        label: "tasks missing",
        unit: Unit::Count,
        scopes: &[Scope::Service],
        sources: &[Source::EcsApi(ServiceFigure::NothingRunning)],
        gap: Gap::NoData,
        meaning: "`DescribeServices`: tasks that should run while none does",
        counts: "tasks",
    },
    MeasureRow {
        word: "running-below-desired",
        label: "tasks below desired",
        unit: Unit::Count,
        scopes: &[Scope::Service],
        sources: &[
            derived(Formula::Minus, "DesiredTaskCount", "RunningTaskCount"),
            Source::EcsApi(ServiceFigure::RunningBelowDesired),
        ],
        gap: Gap::NoData,
        meaning: "`DesiredTaskCount` − `RunningTaskCount` where the cluster reports them, else [`DescribeServices`](#what-ecs-says-of-services)",
        counts: "tasks",
    },
    MeasureRow {
        word: "deployment-failed",
        label: "deployments failed",
        unit: Unit::Count,
        scopes: &[Scope::Service],
        sources: &[Source::EcsApi(ServiceFigure::DeploymentFailed)],
        gap: Gap::NoData,
        meaning: "[`DescribeServices`](#what-ecs-says-of-services): 1 while the newest deployment has failed or is rolled back",
        counts: "0 or 1",
    },
    MeasureRow {
        word: "tasks-failing",
        label: "tasks failed",
        unit: Unit::Count,
        scopes: &[Scope::Service],
        sources: &[Source::EcsApi(ServiceFigure::TasksFailing)],
        gap: Gap::NoData,
        meaning: "[`DescribeServices`](#what-ecs-says-of-services): tasks of its deployments that failed since the check before",
        counts: "tasks",
    },
    MeasureRow {
        word: "memory-percent-of-reservation",
        label: "memory",
        unit: Unit::Percent,
        scopes: &[Scope::Cluster, Scope::Service, Scope::TaskFamily],
        sources: &[derived(Formula::PercentOf, "MemoryUtilized", "MemoryReserved")],
        gap: Gap::NoData,
        meaning: "100 × `MemoryUtilized` / `MemoryReserved`",
        counts: "percent",
    },
    MeasureRow {
        word: "cpu-percent-of-reservation",
        label: "CPU",
        unit: Unit::Percent,
        scopes: &[Scope::Cluster, Scope::Service, Scope::TaskFamily],
        sources: &[derived(Formula::PercentOf, "CpuUtilized", "CpuReserved")],
        gap: Gap::NoData,
        meaning: "100 × `CpuUtilized` / `CpuReserved`",
        counts: "percent",
    },
    MeasureRow {
        word: "ephemeral-storage-percent",
        label: "ephemeral storage",
        unit: Unit::Percent,
        scopes: &[Scope::Cluster, Scope::Service, Scope::TaskFamily],
        sources: &[derived(Formula::PercentOf, "EphemeralStorageUtilized", "EphemeralStorageReserved")],
        gap: Gap::NoData,
        meaning: "100 × `EphemeralStorageUtilized` / `EphemeralStorageReserved`",
        counts: "percent",
    },
    MeasureRow {
        word: "pod-memory-percent",
        label: "pod memory",
        unit: Unit::Percent,
        scopes: &[Scope::Workload],
        sources: &[sampled(
            M::PodMemoryPercent,
            "pod_memory_percent_of_provisioned",
            ReadFrom::Usage,
            WORST_OR_MEAN,
        )],
        gap: Gap::NoData,
        meaning: "[sampled](#samples-of-eks): working set of a pod of what Fargate provisioned for it",
        counts: "percent",
    },
    MeasureRow {
        word: "pod-cpu-percent",
        label: "pod CPU",
        unit: Unit::Percent,
        scopes: &[Scope::Workload],
        sources: &[sampled(
            M::PodCpuPercent,
            "pod_cpu_percent_of_provisioned",
            ReadFrom::Usage,
            WORST_OR_MEAN,
        )],
        gap: Gap::NoData,
        meaning: "sampled: CPU of a pod of what Fargate provisioned for it",
        counts: "percent",
    },
    MeasureRow {
        word: "pod-restarts",
        label: "restarts",
        unit: Unit::Count,
        scopes: &[Scope::Workload],
        sources: &[sampled(M::PodRestarts, "pod_restarts", ReadFrom::Pods, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: restarts of containers since the sample before",
        counts: "restarts",
    },
    MeasureRow {
        word: "oom-killed",
        label: "containers out of memory",
        unit: Unit::Count,
        scopes: &[Scope::Workload],
        sources: &[sampled(M::OomKilled, "containers_oom_killed", ReadFrom::Pods, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: containers killed for want of memory since the sample before",
        counts: "containers",
    },
    MeasureRow {
        word: "crash-looping-pods",
        label: "pods crash-looping",
        unit: Unit::Count,
        scopes: &[Scope::Workload],
        sources: &[sampled(M::CrashLoopingPods, "pods_crash_looping", ReadFrom::Pods, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: pods with a container in `CrashLoopBackOff`",
        counts: "pods",
    },
    MeasureRow {
        word: "unstartable-pods",
        label: "pods that cannot start",
        unit: Unit::Count,
        scopes: &[Scope::Workload],
        sources: &[sampled(M::UnstartablePods, "pods_unstartable", ReadFrom::Pods, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: pods with a container that [will not start by itself](#which-pods-count), such as one without its image",
        counts: "pods",
    },
    MeasureRow {
        word: "pod-pending",
        label: "pending for",
        unit: Unit::Seconds,
        scopes: &[Scope::Workload],
        sources: &[sampled(M::PodPending, "pod_pending_seconds", ReadFrom::Pods, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: how long the oldest [pending](#which-pods-count) pod has waited, for a place or on its node",
        counts: "seconds",
    },
    MeasureRow {
        word: "available-below-desired",
        label: "replicas missing",
        unit: Unit::Count,
        scopes: &[Scope::Workload],
        sources: &[sampled(M::AvailableBelowDesired, "replicas_unavailable", ReadFrom::Workloads, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: replicas that should be available and are not",
        counts: "replicas",
    },
    MeasureRow {
        word: "completed-pods",
        label: "completed pods still paid for",
        unit: Unit::Count,
        scopes: &[Scope::Cluster],
        sources: &[sampled(M::CompletedPods, "pods_completed", ReadFrom::Pods, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: Fargate pods that ended over an hour ago, well or not, still there and paid for",
        counts: "pods",
    },
    MeasureRow {
        word: "metrics-server-down",
        label: "Metrics API missing",
        unit: Unit::Count,
        scopes: &[Scope::Cluster],
        sources: &[sampled(M::MetricsServerDown, "metrics_server_down", ReadFrom::MetricsApi, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: 1 while the Metrics API is missing or does not answer",
        counts: "0 or 1",
    },
    MeasureRow {
        word: "logging-disabled-pods",
        label: "pods without logging",
        unit: Unit::Count,
        scopes: &[Scope::Cluster],
        sources: &[sampled(M::LoggingDisabledPods, "pods_logging_disabled", ReadFrom::Pods, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: Fargate pods whose annotation `Logging` says disabled",
        counts: "pods",
    },
    MeasureRow {
        word: "daemonset-pods-on-fargate",
        label: "DaemonSet pods meant for Fargate",
        unit: Unit::Count,
        scopes: &[Scope::Cluster],
        sources: &[sampled(M::DaemonSetPodsOnFargate, "daemonset_pods_on_fargate", ReadFrom::Pods, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: pods of DaemonSets that are meant for nodes of Fargate, which runs none of them",
        counts: "pods",
    },
    MeasureRow {
        word: "pod-cpu-throttled-percent",
        label: "pod CPU throttled",
        unit: Unit::Percent,
        scopes: &[Scope::Workload],
        sources: &[sampled(
            M::PodCpuThrottledPercent,
            "pod_cpu_throttled_percent",
            ReadFrom::Cadvisor,
            WORST_OR_MEAN,
        )],
        gap: Gap::NoData,
        meaning: "[counted](#what-cadvisor-counts): share of its CPU periods in which a container was stopped by its limit; of a pod the worst container",
        counts: "percent",
    },
    MeasureRow {
        word: "pod-network-received",
        label: "pod network received",
        unit: Unit::BytesPerSecond,
        scopes: &[Scope::Workload],
        sources: &[sampled(
            M::PodNetworkReceived,
            "pod_network_received_bytes_per_second",
            ReadFrom::Cadvisor,
            WORST_OR_MEAN,
        )],
        gap: Gap::NoData,
        meaning: "counted: what a pod received, without loopback",
        counts: "bytes a second",
    },
    MeasureRow {
        word: "pod-network-sent",
        label: "pod network sent",
        unit: Unit::BytesPerSecond,
        scopes: &[Scope::Workload],
        sources: &[sampled(
            M::PodNetworkSent,
            "pod_network_sent_bytes_per_second",
            ReadFrom::Cadvisor,
            WORST_OR_MEAN,
        )],
        gap: Gap::NoData,
        meaning: "counted: what a pod sent, without loopback",
        counts: "bytes a second",
    },
    MeasureRow {
        word: "pod-disk-read",
        label: "pod disk read",
        unit: Unit::BytesPerSecond,
        scopes: &[Scope::Workload],
        sources: &[sampled(
            M::PodDiskRead,
            "pod_disk_read_bytes_per_second",
            ReadFrom::Cadvisor,
            WORST_OR_MEAN,
        )],
        gap: Gap::NoData,
        meaning: "counted: what the containers of a pod read from disks",
        counts: "bytes a second",
    },
    MeasureRow {
        word: "pod-disk-written",
        label: "pod disk written",
        unit: Unit::BytesPerSecond,
        scopes: &[Scope::Workload],
        sources: &[sampled(
            M::PodDiskWritten,
            "pod_disk_written_bytes_per_second",
            ReadFrom::Cadvisor,
            WORST_OR_MEAN,
        )],
        gap: Gap::NoData,
        meaning: "counted: what the containers of a pod wrote to disks",
        counts: "bytes a second",
    },
];

impl MeasureRow {
    /// How it is sampled, if it is.
    pub fn sampled(&self) -> Option<Sampled> {
        self.sources.iter().find_map(|source| match source {
            Source::Sampled(sampled) => Some(*sampled),
            _ => None,
        })
    }

    /// What must be there for it, in a cell of docs/rules.md.
    #[cfg(test)]
    fn needs(&self) -> &'static str {
        let level = self.sources.iter().map(|source| source.needs()).min();
        match self.sampled().map(|sampled| sampled.from) {
            Some(ReadFrom::Usage) => "Metrics API",
            Some(ReadFrom::Cadvisor) => "cAdvisor",
            _ if level > Some(crate::model::insights::InsightsLevel::Disabled) => "Container Insights",
            _ => "nothing",
        }
    }
}

#[cfg(test)]
mod tests;

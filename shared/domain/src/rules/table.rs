//! The table of measures: one row defines everything about a measure that rules can evaluate.
//!
//! The parser of the user's file, its schema, the query plan, the evaluation, the texts of mails
//! and the table in docs/rules.md read the row. A CloudWatch measure needs only a row; a measure of
//! another source also needs its figure in that source.

use super::KubernetesMeasure as M;
use super::QuotaFigure;
use super::source::{BalancerFigure, ReadFrom, Sampled, ServiceFigure, Source, TaskFigure};
use crate::model::catalogue::{self, AWS_ECS, CONTAINER_INSIGHTS};
use crate::model::metric::{Statistic, Unit};
use crate::rules::Scope;
use crate::rules::derive::Formula;

/// One measure.
#[derive(Debug, PartialEq)]
pub struct MeasureRow {
    /// Its word in the user's file.
    pub word: &'static str,
    /// Its label in summaries, such as `memory` in "memory 93.1 %".
    pub label: &'static str,
    /// Unit of its values.
    pub unit: Unit,
    /// Kinds of subject that have it.
    pub scopes: &'static [Scope],
    /// Its sources: the first that can answer for a subject is used.
    pub sources: &'static [Source],
    /// Meaning of a period without data.
    pub gap: Gap,
    /// Meaning and source of the values, for a cell of docs/rules.md.
    pub meaning: &'static str,
    /// Unit of the values, for a cell of docs/rules.md.
    pub counts: &'static str,
}

/// Meaning of a period without data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// No task was running: there is data for every minute in which a task of the service runs
    /// (Amazon ECS Developer Guide, "Amazon ECS CloudWatch metrics").
    NoTask,
    /// No further meaning.
    NoData,
}

/// Statistics of a count.
const ONE: &[Statistic] = &[Statistic::Maximum];
/// Statistics of a share or rate.
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

/// All measures, ECS first.
pub static MEASURES: &[MeasureRow] = &[
    MeasureRow {
        word: "memory-percent",
        label: "memory",
        unit: Unit::Percent,
        scopes: &[Scope::Service],
        sources: &[Source::Metric(catalogue::named(AWS_ECS, "MemoryUtilization"))],
        gap: Gap::NoTask,
        meaning: "`AWS/ECS` `MemoryUtilization`: usage as a share of what the task definition reserves",
        counts: "percent",
    },
    MeasureRow {
        word: "cpu-percent",
        label: "CPU",
        unit: Unit::Percent,
        scopes: &[Scope::Service],
        sources: &[Source::Metric(catalogue::named(AWS_ECS, "CPUUtilization"))],
        gap: Gap::NoTask,
        meaning: "`AWS/ECS` `CPUUtilization`: usage as a share of what the task definition reserves",
        counts: "percent",
    },
    MeasureRow {
        word: "nothing-running",
        label: "tasks missing",
        unit: Unit::Count,
        scopes: &[Scope::Service],
        sources: &[Source::EcsApi(ServiceFigure::NothingRunning)],
        gap: Gap::NoData,
        meaning: "`DescribeServices`: desired tasks while none is running",
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
        meaning: "`DesiredTaskCount` − `RunningTaskCount` where the cluster reports them, otherwise [`DescribeServices`](#what-ecs-says-of-services)",
        counts: "tasks",
    },
    MeasureRow {
        word: "deployment-failed",
        label: "deployments failed",
        unit: Unit::Count,
        scopes: &[Scope::Service],
        sources: &[Source::EcsApi(ServiceFigure::DeploymentFailed)],
        gap: Gap::NoData,
        meaning: "[`DescribeServices`](#what-ecs-says-of-services): 1 while the newest deployment has failed or is being rolled back",
        counts: "0 or 1",
    },
    MeasureRow {
        word: "tasks-failing",
        label: "tasks failed",
        unit: Unit::Count,
        scopes: &[Scope::Service],
        sources: &[Source::EcsApi(ServiceFigure::TasksFailing)],
        gap: Gap::NoData,
        meaning: "[`DescribeServices`](#what-ecs-says-of-services): tasks of its deployments that failed since the previous check",
        counts: "tasks",
    },
    MeasureRow {
        word: "task-deaths",
        label: "tasks died",
        unit: Unit::Count,
        scopes: &[Scope::Service],
        sources: &[Source::TaskEvents(TaskFigure::Deaths)],
        gap: Gap::NoData,
        meaning: "[events](#what-events-count): tasks that died of a failure, or of the [`classes`](causes.md) that the rule names",
        counts: "tasks",
    },
    MeasureRow {
        word: "crash-looping-tasks",
        label: "tasks crashed",
        unit: Unit::Count,
        scopes: &[Scope::Service],
        sources: &[Source::TaskEvents(TaskFigure::CrashLoops)],
        gap: Gap::NoData,
        meaning: "events: tasks whose program ended within five minutes of the start of the task",
        counts: "tasks",
    },
    MeasureRow {
        word: "spot-interruptions",
        label: "tasks interrupted",
        unit: Unit::Count,
        scopes: &[Scope::Service],
        sources: &[Source::TaskEvents(TaskFigure::SpotInterruptions)],
        gap: Gap::NoData,
        meaning: "events: tasks that Fargate Spot interrupted, each once, from its warning on",
        counts: "tasks",
    },
    MeasureRow {
        word: "placement-failures",
        label: "placements failed",
        unit: Unit::Count,
        scopes: &[Scope::Service],
        sources: &[Source::TaskEvents(TaskFigure::PlacementFailures)],
        gap: Gap::NoData,
        meaning: "events: tasks that ECS could not place because capacity, IP addresses or a quota ran out",
        counts: "placements",
    },
    MeasureRow {
        word: "http-5xx-percent",
        label: "5XX responses",
        unit: Unit::Percent,
        scopes: &[Scope::Service],
        sources: &[Source::LoadBalancer(BalancerFigure::Http5xxPercent)],
        gap: Gap::NoData,
        meaning: "[load balancers](#what-load-balancers-say): requests that the service's targets answered with 5XX, as a share of all requests",
        counts: "percent",
    },
    MeasureRow {
        word: "response-time",
        label: "response time",
        unit: Unit::Seconds,
        scopes: &[Scope::Service],
        sources: &[Source::LoadBalancer(BalancerFigure::ResponseTime)],
        gap: Gap::NoData,
        meaning: "load balancers: time until the service's targets answered, p99 unless the rule has another `statistic`",
        counts: "seconds",
    },
    MeasureRow {
        word: "unhealthy-hosts",
        label: "unhealthy targets",
        unit: Unit::Count,
        scopes: &[Scope::Service],
        sources: &[Source::LoadBalancer(BalancerFigure::UnhealthyHosts)],
        gap: Gap::NoData,
        meaning: "load balancers: targets that fail their health check, over all target groups of the service",
        counts: "targets",
    },
    MeasureRow {
        word: "requests",
        label: "requests",
        unit: Unit::Count,
        scopes: &[Scope::Service],
        sources: &[Source::LoadBalancer(BalancerFigure::Requests)],
        gap: Gap::NoData,
        meaning: "load balancers: requests of a period",
        counts: "requests",
    },
    MeasureRow {
        word: "vcpu-quota-percent",
        label: "Fargate vCPU quota used",
        unit: Unit::Percent,
        scopes: &[Scope::Account],
        sources: &[Source::Quota(QuotaFigure::OnDemandVcpus)],
        gap: Gap::NoData,
        meaning: "`AWS/Usage` `ResourceCount`: vCPUs of tasks and pods on Fargate on demand, in percent of the account's quota in the Region",
        counts: "percent",
    },
    MeasureRow {
        word: "spot-vcpu-quota-percent",
        label: "Fargate Spot vCPU quota used",
        unit: Unit::Percent,
        scopes: &[Scope::Account],
        sources: &[Source::Quota(QuotaFigure::SpotVcpus)],
        gap: Gap::NoData,
        meaning: "the same for Fargate Spot",
        counts: "percent",
    },
    MeasureRow {
        word: "memory-percent-of-reservation",
        label: "memory",
        unit: Unit::Percent,
        scopes: &[Scope::Cluster, Scope::Service, Scope::TaskFamily, Scope::Task],
        sources: &[derived(Formula::PercentOf, "MemoryUtilized", "MemoryReserved")],
        gap: Gap::NoData,
        meaning: "100 × `MemoryUtilized` / `MemoryReserved`",
        counts: "percent",
    },
    MeasureRow {
        word: "cpu-percent-of-reservation",
        label: "CPU",
        unit: Unit::Percent,
        scopes: &[Scope::Cluster, Scope::Service, Scope::TaskFamily, Scope::Task],
        sources: &[derived(Formula::PercentOf, "CpuUtilized", "CpuReserved")],
        gap: Gap::NoData,
        meaning: "100 × `CpuUtilized` / `CpuReserved`",
        counts: "percent",
    },
    MeasureRow {
        word: "ephemeral-storage-percent",
        label: "ephemeral storage",
        unit: Unit::Percent,
        scopes: &[Scope::Cluster, Scope::Service, Scope::TaskFamily, Scope::Task],
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
        meaning: "[sampled](#samples-of-eks): working set of a pod relative to the memory that Fargate provisioned for it",
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
        meaning: "sampled: CPU of a pod relative to the vCPUs that Fargate provisioned for it",
        counts: "percent",
    },
    MeasureRow {
        word: "pod-restarts",
        label: "restarts",
        unit: Unit::Count,
        scopes: &[Scope::Workload],
        sources: &[sampled(M::PodRestarts, "pod_restarts", ReadFrom::Pods, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: restarts of containers since the previous sample",
        counts: "restarts",
    },
    MeasureRow {
        word: "oom-killed",
        label: "containers out of memory",
        unit: Unit::Count,
        scopes: &[Scope::Workload],
        sources: &[sampled(M::OomKilled, "containers_oom_killed", ReadFrom::Pods, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: containers OOM-killed since the previous sample",
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
        meaning: "sampled: how long the oldest [pending](#which-pods-count) pod has been waiting, to be scheduled or on its node",
        counts: "seconds",
    },
    MeasureRow {
        word: "available-below-desired",
        label: "replicas missing",
        unit: Unit::Count,
        scopes: &[Scope::Workload],
        sources: &[sampled(M::AvailableBelowDesired, "replicas_unavailable", ReadFrom::Workloads, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: replicas that should be available but are not",
        counts: "replicas",
    },
    MeasureRow {
        word: "completed-pods",
        label: "completed pods still billed",
        unit: Unit::Count,
        scopes: &[Scope::Cluster],
        sources: &[sampled(M::CompletedPods, "pods_completed", ReadFrom::Pods, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: Fargate pods that ended over an hour ago, successfully or not, but still exist and are billed",
        counts: "pods",
    },
    MeasureRow {
        word: "metrics-server-down",
        label: "Metrics API missing",
        unit: Unit::Count,
        scopes: &[Scope::Cluster],
        sources: &[sampled(M::MetricsServerDown, "metrics_server_down", ReadFrom::MetricsApi, ONE)],
        gap: Gap::NoData,
        meaning: "sampled: 1 while the Metrics API is missing or does not respond",
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
        meaning: "sampled: pods of DaemonSets that are meant for Fargate nodes, where they cannot run",
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
        meaning: "[counted](#what-cadvisor-counts): share of its CPU periods in which a container was throttled; for a pod, its worst container",
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
        meaning: "counted: network bytes that a pod received, without loopback",
        counts: "bytes per second",
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
        meaning: "counted: network bytes that a pod sent, without loopback",
        counts: "bytes per second",
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
        meaning: "counted: bytes that the containers of a pod read from disks",
        counts: "bytes per second",
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
        meaning: "counted: bytes that the containers of a pod wrote to disks",
        counts: "bytes per second",
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

    /// Prerequisite, for a cell of docs/rules.md.
    #[cfg(test)]
    fn needs(&self) -> &'static str {
        let level = self.sources.iter().map(|source| source.needs()).min();
        match self.sampled().map(|sampled| sampled.from) {
            Some(ReadFrom::Usage) => "Metrics API",
            Some(ReadFrom::Cadvisor) => "cAdvisor",
            _ if matches!(self.sources, [Source::TaskEvents(_)]) => "events",
            _ if matches!(self.sources, [Source::LoadBalancer(_)]) => "a load balancer",
            _ if level > Some(crate::model::insights::InsightsLevel::Disabled) => "Container Insights",
            _ => "nothing",
        }
    }
}

#[cfg(test)]
mod tests;

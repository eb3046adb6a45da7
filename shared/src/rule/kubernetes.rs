//! What rules judge of workloads on EKS: figures that no namespace of CloudWatch has, sampled once a run.

use crate::metric::{Dimensions, Metric, Period, Statistic, Unit};
use crate::rule::Scope;
use crate::subject::Subject;

/// Namespace under which samples stand in a snapshot. CloudWatch knows nothing of it.
pub const KUBERNETES: &str = "Kubernetes";

/// Length of the period that one sample counts for: alarms runs are five minutes apart.
pub const SAMPLE_PERIOD: Period = Period::FIVE_MINUTES;

/// What is judged of a workload or of a cluster on EKS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KubernetesMeasure {
    /// Working set of a pod against the memory that Fargate provisioned for it.
    PodMemoryPercent,
    /// CPU of a pod against the vCPUs that Fargate provisioned for it.
    PodCpuPercent,
    /// Restarts of containers since the sample before.
    PodRestarts,
    /// Containers that were killed for want of memory since the sample before.
    OomKilled,
    /// Pods with a container in `CrashLoopBackOff`.
    CrashLoopingPods,
    /// Pods with a container that will not start by itself, such as one without its image.
    UnstartablePods,
    /// Seconds that the oldest pending pod has waited.
    PodPending,
    /// Replicas that should be available and are not.
    AvailableBelowDesired,
    /// Fargate pods that have completed and are still there, so that they are paid for.
    CompletedPods,
    /// 1 while the Metrics API does not answer, else 0.
    MetricsServerDown,
    /// Fargate pods whose log router says that logging is disabled.
    LoggingDisabledPods,
    /// Pods of `DaemonSet`s that are meant for nodes of Fargate, which runs none of them.
    DaemonSetPodsOnFargate,
    /// Periods of the scheduler in which a pod's CPU limit stopped its worst container, since the sample before.
    PodCpuThrottledPercent,
    /// Bytes that a pod received a second since the sample before.
    PodNetworkReceived,
    /// Bytes that a pod sent a second since the sample before.
    PodNetworkSent,
    /// Bytes that a pod read from disks a second since the sample before.
    PodDiskRead,
    /// Bytes that a pod wrote to disks a second since the sample before.
    PodDiskWritten,
}

impl KubernetesMeasure {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::PodMemoryPercent,
        Self::PodCpuPercent,
        Self::PodRestarts,
        Self::OomKilled,
        Self::CrashLoopingPods,
        Self::UnstartablePods,
        Self::PodPending,
        Self::AvailableBelowDesired,
        Self::CompletedPods,
        Self::MetricsServerDown,
        Self::LoggingDisabledPods,
        Self::DaemonSetPodsOnFargate,
        Self::PodCpuThrottledPercent,
        Self::PodNetworkReceived,
        Self::PodNetworkSent,
        Self::PodDiskRead,
        Self::PodDiskWritten,
    ];

    /// The word of the user's file.
    pub fn word(self) -> &'static str {
        match self {
            Self::PodMemoryPercent => "pod-memory-percent",
            Self::PodCpuPercent => "pod-cpu-percent",
            Self::PodRestarts => "pod-restarts",
            Self::OomKilled => "oom-killed",
            Self::CrashLoopingPods => "crash-looping-pods",
            Self::UnstartablePods => "unstartable-pods",
            Self::PodPending => "pod-pending",
            Self::AvailableBelowDesired => "available-below-desired",
            Self::CompletedPods => "completed-pods",
            Self::MetricsServerDown => "metrics-server-down",
            Self::LoggingDisabledPods => "logging-disabled-pods",
            Self::DaemonSetPodsOnFargate => "daemonset-pods-on-fargate",
            Self::PodCpuThrottledPercent => "pod-cpu-throttled-percent",
            Self::PodNetworkReceived => "pod-network-received",
            Self::PodNetworkSent => "pod-network-sent",
            Self::PodDiskRead => "pod-disk-read",
            Self::PodDiskWritten => "pod-disk-written",
        }
    }

    /// Name of its samples in a snapshot.
    pub fn metric_name(self) -> &'static str {
        match self {
            Self::PodMemoryPercent => "pod_memory_percent_of_provisioned",
            Self::PodCpuPercent => "pod_cpu_percent_of_provisioned",
            Self::PodRestarts => "pod_restarts",
            Self::OomKilled => "containers_oom_killed",
            Self::CrashLoopingPods => "pods_crash_looping",
            Self::UnstartablePods => "pods_unstartable",
            Self::PodPending => "pod_pending_seconds",
            Self::AvailableBelowDesired => "replicas_unavailable",
            Self::CompletedPods => "pods_completed",
            Self::MetricsServerDown => "metrics_server_down",
            Self::LoggingDisabledPods => "pods_logging_disabled",
            Self::DaemonSetPodsOnFargate => "daemonset_pods_on_fargate",
            Self::PodCpuThrottledPercent => "pod_cpu_throttled_percent",
            Self::PodNetworkReceived => "pod_network_received_bytes_per_second",
            Self::PodNetworkSent => "pod_network_sent_bytes_per_second",
            Self::PodDiskRead => "pod_disk_read_bytes_per_second",
            Self::PodDiskWritten => "pod_disk_written_bytes_per_second",
        }
    }

    /// What it is called in a summary.
    pub fn label(self) -> &'static str {
        match self {
            Self::PodMemoryPercent => "pod memory",
            Self::PodCpuPercent => "pod CPU",
            Self::PodRestarts => "restarts",
            Self::OomKilled => "containers out of memory",
            Self::CrashLoopingPods => "pods crash-looping",
            Self::UnstartablePods => "pods that cannot start",
            Self::PodPending => "pending for",
            Self::AvailableBelowDesired => "replicas missing",
            Self::CompletedPods => "completed pods still paid for",
            Self::MetricsServerDown => "Metrics API missing",
            Self::LoggingDisabledPods => "pods without logging",
            Self::DaemonSetPodsOnFargate => "DaemonSet pods meant for Fargate",
            Self::PodCpuThrottledPercent => "pod CPU throttled",
            Self::PodNetworkReceived => "pod network received",
            Self::PodNetworkSent => "pod network sent",
            Self::PodDiskRead => "pod disk read",
            Self::PodDiskWritten => "pod disk written",
        }
    }

    /// Unit of its values.
    pub fn unit(self) -> Unit {
        match self {
            Self::PodMemoryPercent | Self::PodCpuPercent | Self::PodCpuThrottledPercent => Unit::Percent,
            Self::PodPending => Unit::Seconds,
            measure if measure.needs_cadvisor() => Unit::BytesPerSecond,
            _ => Unit::Count,
        }
    }

    /// Whether only cAdvisor knows it, which is asked if the user's file says so.
    pub fn needs_cadvisor(self) -> bool {
        matches!(
            self,
            Self::PodCpuThrottledPercent
                | Self::PodNetworkReceived
                | Self::PodNetworkSent
                | Self::PodDiskRead
                | Self::PodDiskWritten
        )
    }

    /// What it is judged on.
    pub fn scope(self) -> Scope {
        match self {
            Self::CompletedPods
            | Self::MetricsServerDown
            | Self::LoggingDisabledPods
            | Self::DaemonSetPodsOnFargate => Scope::Cluster,
            _ => Scope::Workload,
        }
    }

    /// How the pods of a workload become one value. What is counted has one way only, and it is called Maximum.
    pub fn statistics(self) -> &'static [Statistic] {
        match self {
            Self::PodMemoryPercent | Self::PodCpuPercent => &[Statistic::Maximum, Statistic::Average],
            measure if measure.needs_cadvisor() => &[Statistic::Maximum, Statistic::Average],
            _ => &[Statistic::Maximum],
        }
    }

    /// The metric of one subject, as it stands in a snapshot.
    pub fn of(self, subject: &Subject) -> Metric {
        let cluster = subject.cluster().map(|cluster| ("ClusterName", cluster.to_string()));
        let mut dimensions: Vec<_> = cluster.into_iter().collect();
        if let Some(workload) = subject.workload() {
            dimensions.push(("Namespace", workload.namespace.clone()));
            dimensions.push(("WorkloadKind", workload.kind.clone()));
            dimensions.push(("Workload", workload.name.clone()));
        }
        Metric {
            namespace: KUBERNETES.into(),
            name: self.metric_name().into(),
            dimensions: Dimensions::new(dimensions),
        }
    }
}

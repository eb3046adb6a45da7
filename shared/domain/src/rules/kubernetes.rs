//! Measures of EKS workloads and clusters that CloudWatch does not have, sampled once per run.

use super::source::{ReadFrom, Sampled, Source};
use super::table::{MEASURES, MeasureRow};
use crate::model::metric::{Dimensions, Metric, Period, Unit};
use crate::model::subject::Subject;
use crate::rules::Scope;

/// Namespace of samples in a snapshot. It does not exist in CloudWatch.
pub const KUBERNETES: &str = "Kubernetes";

/// Length of the period that one sample represents: alarms runs are five minutes apart.
pub const SAMPLE_PERIOD: Period = Period::FIVE_MINUTES;

/// A measure of an EKS workload or cluster. [`MEASURES`] has the details of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KubernetesMeasure {
    /// Working set of a pod relative to the memory that Fargate provisioned for it.
    PodMemoryPercent,
    /// CPU of a pod relative to the vCPUs that Fargate provisioned for it.
    PodCpuPercent,
    /// Restarts of containers since the previous sample.
    PodRestarts,
    /// Containers that were OOM-killed since the previous sample.
    OomKilled,
    /// Pods with a container in `CrashLoopBackOff`.
    CrashLoopingPods,
    /// Pods with a container that will not start by itself, such as one without its image.
    UnstartablePods,
    /// Seconds that the oldest pending pod has waited.
    PodPending,
    /// Replicas that should be available but are not.
    AvailableBelowDesired,
    /// Fargate pods that have completed but still exist, and so are billed.
    CompletedPods,
    /// 1 while the Metrics API does not respond, otherwise 0.
    MetricsServerDown,
    /// Fargate pods whose annotation says that logging is disabled.
    LoggingDisabledPods,
    /// Pods of `DaemonSet`s that are meant for Fargate nodes, where they cannot run.
    DaemonSetPodsOnFargate,
    /// Percentage of CFS periods in which a pod's most throttled container was throttled, since the
    /// previous sample.
    PodCpuThrottledPercent,
    /// Bytes per second that a pod received since the previous sample.
    PodNetworkReceived,
    /// Bytes per second that a pod sent since the previous sample.
    PodNetworkSent,
    /// Bytes per second that a pod read from disks since the previous sample.
    PodDiskRead,
    /// Bytes per second that a pod wrote to disks since the previous sample.
    PodDiskWritten,
}

impl KubernetesMeasure {
    /// All measures, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        MEASURES.iter().filter_map(MeasureRow::sampled).map(|sampled| sampled.measure)
    }

    /// Its row in the table, and how it is sampled.
    #[expect(clippy::expect_used, reason = "a test checks that each has a row")]
    fn row(self) -> (&'static MeasureRow, Sampled) {
        let is = |row: &'static MeasureRow| match row.sources {
            [Source::Sampled(sampled)] if sampled.measure == self => Some((row, *sampled)),
            _ => None,
        };
        MEASURES.iter().find_map(is).expect("a row for each")
    }

    /// Its word in the user's file.
    pub fn word(self) -> &'static str {
        self.row().0.word
    }

    /// Name of its samples in a snapshot.
    pub fn metric_name(self) -> &'static str {
        self.row().1.metric
    }

    /// Its label in summaries.
    pub fn label(self) -> &'static str {
        self.row().0.label
    }

    /// Unit of its values.
    pub fn unit(self) -> Unit {
        self.row().0.unit
    }

    /// The response that its samples are read from.
    pub fn read_from(self) -> ReadFrom {
        self.row().1.from
    }

    /// Whether it is evaluated for clusters as a whole.
    pub fn is_of_cluster(self) -> bool {
        self.row().0.scopes.contains(&Scope::Cluster)
    }

    /// The metric of one subject in a snapshot.
    pub fn of(self, subject: &Subject) -> Metric {
        self.row().1.of(subject)
    }
}

impl Sampled {
    /// The metric of one subject in a snapshot.
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
            name: self.metric.into(),
            dimensions: Dimensions::new(dimensions),
        }
    }
}

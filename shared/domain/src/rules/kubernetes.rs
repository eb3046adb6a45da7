//! What rules judge of workloads on EKS: figures that no namespace of CloudWatch has, sampled once a run.

use super::source::{ReadFrom, Sampled, Source};
use super::table::{MEASURES, MeasureRow};
use crate::model::metric::{Dimensions, Metric, Period, Unit};
use crate::model::subject::Subject;
use crate::rules::Scope;

/// Namespace under which samples stand in a snapshot. CloudWatch knows nothing of it.
pub const KUBERNETES: &str = "Kubernetes";

/// Length of the period that one sample counts for: alarms runs are five minutes apart.
pub const SAMPLE_PERIOD: Period = Period::FIVE_MINUTES;

/// What is judged of a workload or of a cluster on EKS. [`MEASURES`] says all else about each.
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
    /// All of them, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        MEASURES.iter().filter_map(MeasureRow::sampled).map(|sampled| sampled.measure)
    }

    /// Its row of the table, and how it is sampled.
    #[expect(clippy::expect_used, reason = "a test holds that each has a row")]
    fn row(self) -> (&'static MeasureRow, Sampled) {
        let is = |row: &'static MeasureRow| match row.sources {
            [Source::Sampled(sampled)] if sampled.measure == self => Some((row, *sampled)),
            _ => None,
        };
        MEASURES.iter().find_map(is).expect("a row for each")
    }

    /// The word of the user's file.
    pub fn word(self) -> &'static str {
        self.row().0.word
    }

    /// Name of its samples in a snapshot.
    pub fn metric_name(self) -> &'static str {
        self.row().1.metric
    }

    /// What it is called in a summary.
    pub fn label(self) -> &'static str {
        self.row().0.label
    }

    /// Unit of its values.
    pub fn unit(self) -> Unit {
        self.row().0.unit
    }

    /// The answer that its samples are read from.
    pub fn read_from(self) -> ReadFrom {
        self.row().1.from
    }

    /// Whether it is judged on clusters as a whole.
    pub fn is_of_cluster(self) -> bool {
        self.row().0.scopes.contains(&Scope::Cluster)
    }

    /// The metric of one subject, as it stands in a snapshot.
    pub fn of(self, subject: &Subject) -> Metric {
        self.row().1.of(subject)
    }
}

impl Sampled {
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
            name: self.metric.into(),
            dimensions: Dimensions::new(dimensions),
        }
    }
}

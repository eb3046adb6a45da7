//! The metrics that ECS publishes for tasks on Fargate: units, dimension sets, and prerequisites.
//!
//! Sources: "Amazon ECS CloudWatch metrics" and "Amazon ECS Container Insights metrics" (with and
//! without enhanced observability), CloudWatch and ECS documentation. `ListMetrics` shows what a
//! cluster actually reports; this table has the defaults, the units and the names.

use crate::model::cluster::{ClusterName, ServiceName};
use crate::model::insights::InsightsLevel;
use crate::model::metric::{Dimensions, Metric, Unit};
use crate::model::subject::{Subject, TaskOwner};

/// Namespace of the metrics that ECS publishes for every service at no charge.
pub const AWS_ECS: &str = "AWS/ECS";
/// Namespace of Container Insights for ECS; its metrics are billed as custom metrics.
pub const CONTAINER_INSIGHTS: &str = "ECS/ContainerInsights";

/// A set of dimension names under which a metric is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DimensionSet {
    /// `{ClusterName}`
    Cluster,
    /// `{ClusterName, ServiceName}`
    Service,
    /// `{ClusterName, TaskDefinitionFamily}`
    Family,
    /// `{ClusterName, ServiceName, TaskId}`
    ServiceTask,
    /// `{ClusterName, TaskDefinitionFamily, TaskId}`
    FamilyTask,
    /// `{ClusterName, ServiceName, ContainerName}`
    ServiceContainer,
    /// `{ClusterName, TaskDefinitionFamily, ContainerName}`
    FamilyContainer,
    /// `{ClusterName, ServiceName, TaskId, ContainerName}`
    ServiceTaskContainer,
    /// `{ClusterName, TaskDefinitionFamily, TaskId, ContainerName}`
    FamilyTaskContainer,
}

impl DimensionSet {
    /// That of a task.
    pub(crate) fn of_task(owner: &TaskOwner) -> Self {
        match owner {
            TaskOwner::Service(_) => Self::ServiceTask,
            TaskOwner::Family(_) => Self::FamilyTask,
        }
    }

    /// That of a container in all tasks of a service or family.
    pub(crate) fn of_container(owner: &TaskOwner) -> Self {
        match owner {
            TaskOwner::Service(_) => Self::ServiceContainer,
            TaskOwner::Family(_) => Self::FamilyContainer,
        }
    }

    /// Dimension names, in the order of the documentation.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Cluster => &["ClusterName"],
            Self::Service => &["ClusterName", "ServiceName"],
            Self::Family => &["ClusterName", "TaskDefinitionFamily"],
            Self::ServiceTask => &["ClusterName", "ServiceName", "TaskId"],
            Self::FamilyTask => &["ClusterName", "TaskDefinitionFamily", "TaskId"],
            Self::ServiceContainer => &["ClusterName", "ServiceName", "ContainerName"],
            Self::FamilyContainer => &["ClusterName", "TaskDefinitionFamily", "ContainerName"],
            Self::ServiceTaskContainer => &["ClusterName", "ServiceName", "TaskId", "ContainerName"],
            Self::FamilyTaskContainer => &["ClusterName", "TaskDefinitionFamily", "TaskId", "ContainerName"],
        }
    }
}

use DimensionSet::{
    Cluster as C, Family as CF, FamilyContainer as CFK, FamilyTask as CFT, FamilyTaskContainer as CFTK,
    Service as CS, ServiceContainer as CSK, ServiceTask as CST, ServiceTaskContainer as CSTK,
};

/// One metric of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueMetric {
    /// CloudWatch namespace.
    pub namespace: &'static str,
    /// Name, as CloudWatch spells it.
    pub name: &'static str,
    /// Unit of its values.
    pub unit: Unit,
    /// Dimension sets under which it is published.
    pub dimension_sets: &'static [DimensionSet],
    /// Dimension sets that the level `enhanced` adds.
    pub enhanced_sets: &'static [DimensionSet],
    /// Container Insights level that it needs; `Disabled` if it is always published.
    pub needs: InsightsLevel,
    /// What a task must have in addition, for a metric that most tasks do not publish.
    pub only_with: Option<&'static str>,
}

const fn metric(
    namespace: &'static str,
    name: &'static str,
    unit: Unit,
    dimension_sets: &'static [DimensionSet],
    needs: InsightsLevel,
) -> CatalogueMetric {
    CatalogueMetric { namespace, name, unit, dimension_sets, enhanced_sets: &[], needs, only_with: None }
}

const fn free(name: &'static str, unit: Unit, dimension_sets: &'static [DimensionSet]) -> CatalogueMetric {
    metric(AWS_ECS, name, unit, dimension_sets, InsightsLevel::Disabled)
}

const fn enabled(name: &'static str, unit: Unit, dimension_sets: &'static [DimensionSet]) -> CatalogueMetric {
    metric(CONTAINER_INSIGHTS, name, unit, dimension_sets, InsightsLevel::Enabled)
}

const fn enhanced(
    name: &'static str,
    unit: Unit,
    dimension_sets: &'static [DimensionSet],
) -> CatalogueMetric {
    metric(CONTAINER_INSIGHTS, name, unit, dimension_sets, InsightsLevel::Enhanced)
}

/// Prerequisite of the EBS metrics.
const EBS_VOLUME: &str = "an attached EBS volume";

/// Metrics of ECS on Fargate, without those that exist only on EC2 capacity (`CPUReservation`,
/// `instance_*`) and those of Service Connect.
pub const CATALOGUE: &[CatalogueMetric] = &[
    free("CPUUtilization", Unit::Percent, &[CS]),
    free("MemoryUtilization", Unit::Percent, &[CS]),
    free("EBSFilesystemUtilization", Unit::Percent, &[CS]).only_with(EBS_VOLUME),
    enabled("CpuUtilized", Unit::CpuUnits, &[C, CS, CF]).enhanced_by(&[CST, CFT]),
    enabled("CpuReserved", Unit::CpuUnits, &[C, CS, CF]).enhanced_by(&[CST, CFT]),
    enabled("MemoryUtilized", Unit::Megabytes, &[C, CS, CF]).enhanced_by(&[CST, CFT]),
    enabled("MemoryReserved", Unit::Megabytes, &[C, CS, CF]).enhanced_by(&[CST, CFT]),
    enabled("NetworkRxBytes", Unit::BytesPerSecond, &[C, CS, CF]).enhanced_by(&[CST, CFT]),
    enabled("NetworkTxBytes", Unit::BytesPerSecond, &[C, CS, CF]).enhanced_by(&[CST, CFT]),
    enabled("StorageReadBytes", Unit::Bytes, &[C, CS, CF]).enhanced_by(&[CST, CFT]),
    enabled("StorageWriteBytes", Unit::Bytes, &[C, CS, CF]).enhanced_by(&[CST, CFT]),
    enabled("EphemeralStorageReserved", Unit::Gigabytes, &[C, CS, CF]).enhanced_by(&[CST, CFT]),
    enabled("EphemeralStorageUtilized", Unit::Gigabytes, &[C, CS, CF]).enhanced_by(&[CST, CFT]),
    enabled("EBSFilesystemSize", Unit::Gigabytes, &[CS, CF]).only_with(EBS_VOLUME),
    enabled("EBSFilesystemUtilized", Unit::Gigabytes, &[CS, CF]).only_with(EBS_VOLUME),
    enabled("TaskCount", Unit::Count, &[C]),
    enabled("ServiceCount", Unit::Count, &[C]),
    enabled("DesiredTaskCount", Unit::Count, &[CS]),
    enabled("RunningTaskCount", Unit::Count, &[CS]),
    enabled("PendingTaskCount", Unit::Count, &[CS]),
    enabled("DeploymentCount", Unit::Count, &[CS]),
    enabled("TaskSetCount", Unit::Count, &[CS]),
    enabled("RestartCount", Unit::Count, &[C, CS, CF])
        .enhanced_by(&[CST, CFT, CSK, CFK, CSTK, CFTK])
        .only_with("a restart policy"),
    enhanced("TaskCpuUtilization", Unit::Percent, &[C, CS, CF, CST, CFT]),
    enhanced("TaskMemoryUtilization", Unit::Percent, &[C, CS, CF, CST, CFT]),
    enhanced("TaskEphemeralStorageUtilization", Unit::Percent, &[C, CS, CF, CST, CFT]),
    enhanced("TaskEBSFilesystemUtilization", Unit::Percent, &[C, CS, CF, CST, CFT]).only_with(EBS_VOLUME),
    enhanced("ContainerCpuUtilized", Unit::CpuUnits, &[C, CSK, CFK, CSTK, CFTK]),
    enhanced("ContainerCpuReserved", Unit::CpuUnits, &[C, CSK, CFK, CSTK, CFTK]),
    enhanced("ContainerCpuUtilization", Unit::Percent, &[C, CS, CF, CST, CFT]),
    enhanced("ContainerMemoryUtilized", Unit::Megabytes, &[C, CSK, CFK, CSTK, CFTK]),
    enhanced("ContainerMemoryReserved", Unit::Megabytes, &[C, CSK, CFK, CSTK, CFTK]),
    enhanced("ContainerMemoryUtilization", Unit::Percent, &[C, CSK, CFK, CSTK, CFTK]),
    enhanced("ContainerNetworkRxBytes", Unit::BytesPerSecond, &[C, CS, CF, CST, CFT]),
    enhanced("ContainerNetworkTxBytes", Unit::BytesPerSecond, &[C, CS, CF, CST, CFT]),
    enhanced("ContainerStorageReadBytes", Unit::Bytes, &[C, CSK, CFK, CSTK, CFTK]),
    enhanced("ContainerStorageWriteBytes", Unit::Bytes, &[C, CSK, CFK, CSTK, CFTK]),
    enhanced("UnHealthyContainerHealthStatus", Unit::Count, &[C, CSK, CFK, CSTK, CFTK])
        .only_with("a health check"),
];

/// The entry of a metric that must exist: a constant with an unknown name does not compile.
pub(crate) const fn named(namespace: &str, name: &str) -> &'static CatalogueMetric {
    let mut place = 0;
    while !(is_same(CATALOGUE[place].name, name) && is_same(CATALOGUE[place].namespace, namespace)) {
        place += 1;
    }
    &CATALOGUE[place]
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut place = 0;
    while place < one.len() && place < other.len() && one[place] == other[place] {
        place += 1;
    }
    place == one.len() && place == other.len()
}

/// The catalogue's entry for a metric.
pub fn find(namespace: &str, name: &str) -> Option<&'static CatalogueMetric> {
    CATALOGUE.iter().find(|metric| metric.namespace == namespace && metric.name == name)
}

impl CatalogueMetric {
    /// Adds dimension sets at the level `enhanced`.
    const fn enhanced_by(self, enhanced_sets: &'static [DimensionSet]) -> Self {
        Self { enhanced_sets, ..self }
    }

    /// Restricts the metric to tasks that have `what`.
    const fn only_with(self, what: &'static str) -> Self {
        Self { only_with: Some(what), ..self }
    }

    /// The dimension sets published in a cluster with this level, which must be at least the level
    /// that the metric needs.
    pub fn sets_at(&self, level: InsightsLevel) -> impl Iterator<Item = DimensionSet> {
        let more = if level >= InsightsLevel::Enhanced { self.enhanced_sets } else { &[] };
        self.dimension_sets.iter().chain(more).copied()
    }

    /// The metric of one cluster, if it is published per cluster.
    pub fn of_cluster(&self, cluster: &ClusterName) -> Option<Metric> {
        self.dimension_sets
            .contains(&DimensionSet::Cluster)
            .then(|| self.with(Dimensions::new([("ClusterName", cluster.as_str())])))
    }

    /// The metric of one service, if it is published per service.
    pub fn of_service(&self, cluster: &ClusterName, service: &ServiceName) -> Option<Metric> {
        let dimensions = [("ClusterName", cluster.as_str()), ("ServiceName", service.as_str())];
        self.dimension_sets.contains(&DimensionSet::Service).then(|| self.with(Dimensions::new(dimensions)))
    }

    /// The metric of one family of task definitions, if it is published per family.
    pub fn of_family(&self, cluster: &ClusterName, family: &str) -> Option<Metric> {
        let dimensions = [("ClusterName", cluster.as_str()), ("TaskDefinitionFamily", family)];
        self.dimension_sets.contains(&DimensionSet::Family).then(|| self.with(Dimensions::new(dimensions)))
    }

    /// The metric of a subject; `None` if it is not published for that kind of subject.
    pub fn of(&self, subject: &Subject) -> Option<Metric> {
        match subject {
            Subject::Cluster(cluster) => self.of_cluster(cluster),
            Subject::Service(cluster, service) => self.of_service(cluster, service),
            Subject::TaskFamily(cluster, family) => self.of_family(cluster, family),
            Subject::Task(cluster, owner, id) => {
                self.of_part(cluster, owner, DimensionSet::of_task(owner), ("TaskId", id))
            }
            Subject::Container(cluster, owner, name) => {
                self.of_part(cluster, owner, DimensionSet::of_container(owner), ("ContainerName", name))
            }
            Subject::Account | Subject::Workload(..) | Subject::LogGroup(_) => None,
        }
    }

    /// The metric of a task or container, if it is published for it with enhanced observability.
    fn of_part(
        &self,
        cluster: &ClusterName,
        owner: &TaskOwner,
        set: DimensionSet,
        part: (&'static str, &str),
    ) -> Option<Metric> {
        let owner = match owner {
            TaskOwner::Service(service) => ("ServiceName", service.as_str()),
            TaskOwner::Family(family) => ("TaskDefinitionFamily", family.as_str()),
        };
        let dimensions = [("ClusterName", cluster.as_str()), owner, part];
        self.is_published_per(set).then(|| self.with(Dimensions::new(dimensions)))
    }

    /// Whether it is published under a set of dimensions at any level.
    pub(crate) fn is_published_per(&self, set: DimensionSet) -> bool {
        self.sets_at(InsightsLevel::Enhanced).any(|published| published == set)
    }

    fn with(&self, dimensions: Dimensions) -> Metric {
        Metric { namespace: self.namespace.into(), name: self.name.into(), dimensions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_appears_once_with_at_least_one_dimension_set() {
        for (i, metric) in CATALOGUE.iter().enumerate() {
            assert!(!metric.dimension_sets.is_empty(), "{}", metric.name);
            assert!(
                !CATALOGUE[..i]
                    .iter()
                    .any(|other| (other.namespace, other.name) == (metric.namespace, metric.name)),
                "{} appears twice",
                metric.name
            );
        }
    }

    #[test]
    fn t1_memory_utilized_is_an_amount_not_a_percentage() {
        assert_eq!(find(CONTAINER_INSIGHTS, "MemoryUtilized").unwrap().unit, Unit::Megabytes);
        assert_eq!(find(AWS_ECS, "MemoryUtilization").unwrap().unit, Unit::Percent);
    }

    #[test]
    fn the_free_percentages_exist_per_service_only() {
        let metric = find(AWS_ECS, "CPUUtilization").unwrap();
        let (shop, web) = ("shop".parse().unwrap(), "web".parse().unwrap());
        assert!(metric.of_cluster(&shop).is_none());
        assert_eq!(
            metric.of_service(&shop, &web).unwrap().to_string(),
            "AWS/ECS CPUUtilization {ClusterName=shop, ServiceName=web}"
        );
    }
}

//! Task families, tasks and containers of a report: what is queried for each of them.

use crate::evidence::inventory::EcsEntry;
use crate::model::catalogue::{CONTAINER_INSIGHTS, find};
use crate::model::cluster::ClusterName;
use crate::model::metric::{Dimensions, MetricQuery, Period, Statistic};
use crate::model::subject::{Subject, TaskOwner};

/// The two metrics of a share: what is used, and what is reserved.
pub type Share = [&'static str; 2];

const OF_TASKS: [Share; 2] = [["CpuUtilized", "CpuReserved"], ["MemoryUtilized", "MemoryReserved"]];
const OF_CONTAINERS: [Share; 2] = [
    ["ContainerCpuUtilized", "ContainerCpuReserved"],
    ["ContainerMemoryUtilized", "ContainerMemoryReserved"],
];

/// Most task families, containers and tasks of a cluster of which a report shows CPU and memory: each
/// is eight metrics.
pub const MOST: usize = 200;

/// The parts of a cluster that have metrics of their own: task families, containers, tasks.
pub fn subjects(cluster: &ClusterName, entry: &EcsEntry) -> Vec<Subject> {
    let families = entry.task_families.iter();
    let families = families.map(|family| Subject::TaskFamily(cluster.clone(), family.clone()));
    let task = |(owner, id): &(TaskOwner, String)| Subject::Task(cluster.clone(), owner.clone(), id.clone());
    let container = |(owner, name): &(TaskOwner, String)| {
        Subject::Container(cluster.clone(), owner.clone(), name.clone())
    };
    families.chain(entry.containers.iter().map(container)).chain(entry.tasks.iter().map(task)).collect()
}

/// The shares of CPU and memory of a part.
pub fn shares(subject: &Subject) -> [Share; 2] {
    if matches!(subject, Subject::Container(..)) { OF_CONTAINERS } else { OF_TASKS }
}

/// The queries of a report for a part: mean and maximum of what is used and reserved.
pub fn report_queries(subject: &Subject, period: Period) -> Vec<MetricQuery> {
    let metrics = shares(subject).into_iter().flatten();
    let metrics = metrics.filter_map(|name| find(CONTAINER_INSIGHTS, name)?.of(subject));
    let both = |metric| {
        let query = |statistic| MetricQuery { metric, statistic, period };
        let average = query(Statistic::Average);
        [MetricQuery { statistic: Statistic::Maximum, ..average.clone() }, average]
    };
    metrics.flat_map(both).collect()
}

/// The task family, task or container that the dimensions of a metric name, if they name one.
pub fn subject_of(dimensions: &Dimensions) -> Option<Subject> {
    let cluster = dimensions.get("ClusterName")?.parse().ok()?;
    let named = |name| dimensions.get(name).map(ToOwned::to_owned);
    let owner = match dimensions.get("ServiceName") {
        Some(service) => TaskOwner::Service(service.parse().ok()?),
        None => TaskOwner::Family(named("TaskDefinitionFamily")?),
    };
    match (named("TaskId"), named("ContainerName"), owner) {
        (Some(id), None, owner) => Some(Subject::Task(cluster, owner, id)),
        (None, Some(name), owner) => Some(Subject::Container(cluster, owner, name)),
        (None, None, TaskOwner::Family(family)) => Some(Subject::TaskFamily(cluster, family)),
        _ => None,
    }
}

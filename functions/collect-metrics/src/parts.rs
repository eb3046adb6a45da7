//! Tasks and containers with metrics of their own, which only enhanced observability publishes: as
//! `ListMetrics` finds them, because the documentation and the metrics differ.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::model::catalogue::CONTAINER_INSIGHTS;
use fargaze::model::fault::Fault;
use fargaze::model::subject::{Subject, TaskOwner};
use fargaze::sources::parts::subject_of;
use fargaze_aws::CloudWatch;

/// Published for each task.
const OF_TASKS: &str = "TaskMemoryUtilization";
/// Published for each container.
const OF_CONTAINERS: &str = "ContainerMemoryUtilization";

/// A task or container: what it belongs to, and its id or name.
type Part = (TaskOwner, String);

/// Tasks and containers by cluster.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    tasks: BTreeMap<String, BTreeSet<Part>>,
    containers: BTreeMap<String, BTreeSet<Part>>,
}

impl Parts {
    /// Those of a cluster: tasks, containers.
    pub(crate) fn take(&mut self, cluster: &str) -> (Vec<Part>, Vec<Part>) {
        let take = |parts: &mut BTreeMap<String, BTreeSet<Part>>| {
            parts.remove(cluster).unwrap_or_default().into_iter().collect()
        };
        (take(&mut self.tasks), take(&mut self.containers))
    }
}

/// Lists the tasks and containers that had data in the last three hours.
pub(crate) async fn list(cloudwatch: &CloudWatch) -> Result<Parts, Fault> {
    let (tasks, containers) = tokio::try_join!(
        cloudwatch.list_active_metrics(CONTAINER_INSIGHTS, OF_TASKS),
        cloudwatch.list_active_metrics(CONTAINER_INSIGHTS, OF_CONTAINERS)
    )?;
    let tasks = tasks.iter().filter_map(|metric| match subject_of(&metric.dimensions)? {
        Subject::Task(cluster, owner, id) => Some((cluster.to_string(), (owner, id))),
        _ => None,
    });
    let tasks = once(tasks.collect());
    // The containers of a family are those of its services, unless it has tasks without one.
    let is_alone = |cluster: &str, owner: &TaskOwner| match owner {
        TaskOwner::Service(_) => true,
        TaskOwner::Family(_) => {
            tasks.get(cluster).is_some_and(|tasks| tasks.iter().any(|(of, _)| of == owner))
        }
    };
    let mut of_containers = BTreeMap::<String, BTreeSet<Part>>::new();
    for metric in &containers {
        if let Some(Subject::Container(cluster, owner, name)) = subject_of(&metric.dimensions)
            && is_alone(cluster.as_str(), &owner)
        {
            of_containers.entry(cluster.to_string()).or_default().insert((owner, name));
        }
    }
    Ok(Parts { tasks, containers: of_containers })
}

/// Each task once: one of a service is also published under its family.
fn once(found: Vec<(String, Part)>) -> BTreeMap<String, BTreeSet<Part>> {
    let of_service = |(_, (owner, _)): &&(String, Part)| matches!(owner, TaskOwner::Service(_));
    let of_services: BTreeSet<(String, String)> =
        found.iter().filter(of_service).map(|(cluster, (_, id))| (cluster.clone(), id.clone())).collect();
    let mut tasks = BTreeMap::<String, BTreeSet<Part>>::new();
    for (cluster, (owner, id)) in found {
        let is_known = of_services.contains(&(cluster.clone(), id.clone()));
        if !is_known || matches!(owner, TaskOwner::Service(_)) {
            tasks.entry(cluster).or_default().insert((owner, id));
        }
    }
    tasks
}

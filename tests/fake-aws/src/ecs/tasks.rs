//! `ListTasks`, `DescribeTasks`: tasks are derived from the counts of services and families; equal
//! counts give equal tasks.

use serde_json::{Value, json};

use super::{arn, invalid, live_cluster, page, texts};
use crate::estate::{ClusterSpec, Estate, StoppedTaskSpec};
use crate::wire::Refusal;

/// Start time, in epoch seconds, of tasks outside of services.
const STARTED: f64 = 1_700_000_000.0;

/// One task of a cluster.
struct Task<'a> {
    /// 32 hexadecimal digits.
    id: String,
    family: &'a str,
    /// The service that started it.
    service: Option<&'a str>,
    /// Whether a capacity provider strategy placed it.
    by_strategy: bool,
    running: bool,
    containers: usize,
    created_at: f64,
    /// For a task that has stopped.
    stopped: Option<&'a StoppedTaskSpec>,
}

pub(super) fn list(estate: &Estate, input: &Value) -> Result<Value, Refusal> {
    let cluster = live_cluster(estate, input)?;
    for other in ["containerInstance", "startedBy", "daemonName"] {
        if input.get(other).is_some_and(|value| !value.is_null()) {
            return Err(invalid(format!("fake-aws does not fake the filter {other}")));
        }
    }
    let (service, family) = (input["serviceName"].as_str(), input["family"].as_str());
    if let Some(service) = service
        && cluster.services.get(service).is_none_or(|service| service.status == "INACTIVE")
    {
        return Err(Refusal::bad("ServiceNotFoundException", "Service not found."));
    }
    // Tasks that a test puts into an estate are on Fargate and run; the desired status of a pending
    // task is RUNNING, too.
    let any = input["launchType"].as_str().is_none_or(|launch_type| launch_type == "FARGATE")
        && match input["desiredStatus"].as_str() {
            None | Some("RUNNING" | "STOPPED") => true,
            Some("PENDING") => false,
            Some(_) => return Err(invalid("Invalid desired status.")),
        };
    let mut tasks = tasks(cluster);
    let wants_stopped = input["desiredStatus"].as_str() == Some("STOPPED");
    tasks.retain(|task| task.stopped.is_some() == wants_stopped);
    tasks.retain(|task| {
        any && family.is_none_or(|family| task.family == family)
            && service.is_none_or(|service| task.service == Some(service))
    });
    tasks.sort_by(|one, other| one.id.cmp(&other.id));
    let (ids, token) = page(tasks.iter().map(|task| task.id.as_str()), input, 100, 100)?;
    let arns: Vec<String> = ids.iter().map(|id| task_arn(estate, cluster, id)).collect();
    let mut output = json!({ "taskArns": arns });
    if let Some(token) = token {
        output["nextToken"] = token.into();
    }
    Ok(output)
}

pub(super) fn describe(estate: &Estate, input: &Value) -> Result<Value, Refusal> {
    let cluster = live_cluster(estate, input)?;
    let asked = texts(input, "tasks");
    if asked.is_empty() {
        return Err(invalid("Tasks cannot be empty."));
    }
    if asked.len() > 100 {
        return Err(invalid("Tasks cannot have more than 100 elements."));
    }
    let with_tags = texts(input, "include").contains(&"TAGS");
    let all = tasks(cluster);
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for asked in asked {
        // A task of another cluster has a different ARN and is not found here.
        let arn = if asked.starts_with("arn:") { asked.to_owned() } else { task_arn(estate, cluster, asked) };
        match all.iter().find(|task| task_arn(estate, cluster, &task.id) == arn) {
            Some(task) => found.push(task_json(estate, cluster, task, with_tags)),
            None => failures.push(json!({ "arn": arn, "reason": "MISSING" })),
        }
    }
    Ok(json!({ "tasks": found, "failures": failures }))
}

fn task_arn(estate: &Estate, cluster: &ClusterSpec, id: &str) -> String {
    arn(estate, &format!("task/{}/{id}", cluster.name))
}

/// The tasks of all services, then the others; within each, running tasks come first.
fn tasks(cluster: &ClusterSpec) -> Vec<Task<'_>> {
    let mut tasks = Vec::new();
    for service in cluster.services.values() {
        let start = format!("{}/service:{}", cluster.name, service.name);
        for number in 0..service.running + service.pending {
            tasks.push(Task {
                id: task_id(&start, number),
                family: &service.family,
                service: Some(&service.name),
                by_strategy: service.launch_type.is_none(),
                running: number < service.running,
                containers: service.containers,
                created_at: service.created_at,
                stopped: None,
            });
        }
        for stopped in &service.stopped_tasks {
            tasks.push(Task {
                id: stopped.id.clone(),
                family: &service.family,
                service: Some(&service.name),
                by_strategy: service.launch_type.is_none(),
                running: false,
                containers: 1,
                created_at: service.created_at,
                stopped: Some(stopped),
            });
        }
    }
    for task in cluster.tasks.values() {
        let start = format!("{}/family:{}", cluster.name, task.family);
        for number in 0..task.running + task.pending {
            tasks.push(Task {
                id: task_id(&start, number),
                family: &task.family,
                service: None,
                by_strategy: false,
                running: number < task.running,
                containers: task.containers,
                created_at: STARTED,
                stopped: None,
            });
        }
    }
    tasks
}

/// FNV-1a of the task's owner and its number.
fn task_id(group: &str, number: i64) -> String {
    let hash = group.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    format!("{hash:016x}{number:016x}")
}

fn task_json(estate: &Estate, cluster: &ClusterSpec, task: &Task<'_>, with_tags: bool) -> Value {
    let task_arn = task_arn(estate, cluster, &task.id);
    let status = match (&task.stopped, task.running) {
        (Some(_), _) => "STOPPED",
        (None, true) => "RUNNING",
        (None, false) => "PENDING",
    };
    let containers: Vec<Value> = (1..=task.containers)
        .map(|number| {
            let name = match (&task.stopped, number) {
                (Some(stopped), _) => stopped.container.clone(),
                (None, 1) => task.family.to_owned(),
                (None, _) => format!("{}-{number}", task.family),
            };
            let mut container = json!({
                "containerArn": arn(estate, &format!("container/{}/{}/{number}", cluster.name, task.id)),
                "taskArn": task_arn,
                "name": name,
                "image": format!("example/{name}:1"),
                "lastStatus": status,
                "healthStatus": "UNKNOWN",
            });
            if let Some(code) = task.stopped.and_then(|stopped| stopped.exit_code) {
                container["exitCode"] = code.into();
            }
            container
        })
        .collect();
    let mut output = json!({
        "taskArn": task_arn,
        "clusterArn": arn(estate, &format!("cluster/{}", cluster.name)),
        "taskDefinitionArn": arn(
            estate,
            &format!("task-definition/{}:{}", task.family, task.stopped.map_or(1, |stopped| stopped.revision)),
        ),
        "group": match task.service {
            Some(service) => format!("service:{service}"),
            None => format!("family:{}", task.family),
        },
        "lastStatus": status,
        "desiredStatus": if task.stopped.is_some() { "STOPPED" } else { "RUNNING" },
        "healthStatus": "UNKNOWN",
        "cpu": "256",
        "memory": "512",
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "containers": containers,
        "createdAt": task.created_at,
        "version": 1,
    });
    if let Some(stopped) = task.stopped {
        output["stoppedAt"] = stopped.stopped_at.into();
        output["stoppedReason"] = "Essential container in task exited".into();
        output["stopCode"] = "EssentialContainerExited".into();
    }
    if task.running {
        output["startedAt"] = task.created_at.into();
    }
    if task.service.is_some() {
        // The deployment that `DescribeServices` returns.
        output["startedBy"] = "ecs-svc/0000000000000000001".into();
    }
    if task.by_strategy {
        output["capacityProviderName"] = "FARGATE".into();
    }
    if with_tags {
        output["tags"] = json!([]);
    }
    output
}

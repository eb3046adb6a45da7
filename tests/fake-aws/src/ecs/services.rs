//! `ListServices`, `DescribeServices`.

use serde_json::{Value, json};

use super::{arn, invalid, live_cluster, page, tags, texts};
use crate::estate::{ClusterSpec, Estate, ServiceSpec};
use crate::wire::Refusal;

pub(super) fn list(estate: &Estate, input: &Value) -> Result<Value, Refusal> {
    let cluster = live_cluster(estate, input)?;
    let wanted = input["launchType"].as_str();
    let names = cluster
        .services
        .values()
        .filter(|service| service.status != "INACTIVE")
        .filter(|service| wanted.is_none() || service.launch_type.as_deref() == wanted)
        .map(|service| service.name.as_str());
    let (names, token) = page(names, input, 10, 100)?;
    let arns: Vec<String> =
        names.iter().map(|name| arn(estate, &format!("service/{}/{name}", cluster.name))).collect();
    let mut output = json!({ "serviceArns": arns });
    if let Some(token) = token {
        output["nextToken"] = token.into();
    }
    Ok(output)
}

pub(super) fn describe(estate: &Estate, input: &Value) -> Result<Value, Refusal> {
    let cluster = live_cluster(estate, input)?;
    let asked = texts(input, "services");
    if asked.is_empty() {
        return Err(invalid("Services cannot be empty."));
    }
    if asked.len() > 10 {
        return Err(invalid("Services cannot have more than 10 elements."));
    }
    let with_tags = texts(input, "include").contains(&"TAGS");
    let prefix = arn(estate, &format!("service/{}/", cluster.name));
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for asked in asked {
        let name = if asked.starts_with("arn:") { asked.strip_prefix(&prefix) } else { Some(asked) };
        if let Some(service) = name.and_then(|name| cluster.services.get(name)) {
            services.push(service_json(estate, cluster, service, with_tags));
        } else {
            let arn = name.map_or_else(|| asked.to_owned(), |name| format!("{prefix}{name}"));
            failures.push(json!({ "arn": arn, "reason": "MISSING" }));
        }
    }
    Ok(json!({ "services": services, "failures": failures }))
}

/// At most 100 events, newest first.
fn events(service: &ServiceSpec) -> Vec<Value> {
    let steady = [format!("(service {}) has reached a steady state.", service.name)];
    let messages = if service.events.is_empty() { &steady[..] } else { &service.events[..] };
    let event = |(index, message): (usize, &String)| {
        json!({
            "id": format!("00000000-0000-4000-8000-{:012}", index + 1),
            "createdAt": service.created_at,
            "message": message,
        })
    };
    messages.iter().take(100).enumerate().map(event).collect()
}

fn deployment(service: &ServiceSpec, task_definition: &str) -> Value {
    let state = || format!("ECS deployment {}.", service.rollout);
    let began = service.deployed_at.unwrap_or(service.created_at);
    json!({
        "id": "ecs-svc/0000000000000000001",
        "status": "PRIMARY",
        "taskDefinition": task_definition,
        "desiredCount": service.desired,
        "runningCount": service.running,
        "pendingCount": service.pending,
        "failedTasks": service.failed_tasks,
        "createdAt": began,
        "updatedAt": began,
        "rolloutState": service.rollout,
        "rolloutStateReason": service.rollout_reason.clone().unwrap_or_else(state),
    })
}

fn service_json(estate: &Estate, cluster: &ClusterSpec, service: &ServiceSpec, with_tags: bool) -> Value {
    let task_definition = arn(estate, &format!("task-definition/{}:1", service.family));
    let mut output = json!({
        "serviceArn": arn(estate, &format!("service/{}/{}", cluster.name, service.name)),
        "serviceName": service.name,
        "clusterArn": arn(estate, &format!("cluster/{}", cluster.name)),
        "status": service.status,
        "desiredCount": service.desired,
        "runningCount": service.running,
        "pendingCount": service.pending,
        "createdAt": service.created_at,
        "taskDefinition": task_definition,
        "platformVersion": "LATEST",
        "platformFamily": "Linux",
        "schedulingStrategy": "REPLICA",
        "loadBalancers": [],
        "events": events(service),
        "deployments": [deployment(service, &task_definition)],
    });
    if let Some(launch_type) = &service.launch_type {
        output["launchType"] = launch_type.as_str().into();
    }
    if with_tags {
        output["tags"] = tags(&service.tags);
    }
    for (name, value) in &service.members {
        output[name] = value.clone();
    }
    output
}

//! `DescribeTaskDefinition`.

use serde_json::{Map, Value, json};

use super::{arn, texts};
use crate::estate::{ClusterSpec, Estate};
use crate::wire::Refusal;

pub(super) fn describe(estate: &Estate, input: &Value) -> Result<Value, Refusal> {
    let asked = input["taskDefinition"].as_str().unwrap_or_default();
    let prefix = arn(estate, "task-definition/");
    let name = if asked.starts_with("arn:") { asked.strip_prefix(&prefix) } else { Some(asked) };
    let definition = name.and_then(|name| find(estate, name));
    let mut definition =
        definition.ok_or_else(|| Refusal::bad("ClientException", "Unable to describe task definition."))?;
    let revision = definition["revision"].as_i64().unwrap_or(1);
    let family = definition["family"].as_str().unwrap_or_default();
    let arn = format!("{prefix}{family}:{revision}");
    let members = definition.as_object_mut().expect("an object");
    for (name, value) in [
        ("taskDefinitionArn", json!(arn)),
        ("revision", json!(revision)),
        ("status", json!("ACTIVE")),
        ("networkMode", json!("awsvpc")),
        ("compatibilities", json!(["EC2", "FARGATE"])),
        ("requiresCompatibilities", json!(["FARGATE"])),
        ("cpu", json!("256")),
        ("memory", json!("512")),
    ] {
        members.entry(name).or_insert(value);
    }
    let mut output = Map::from_iter([("taskDefinition".to_owned(), definition)]);
    if texts(input, "include").contains(&"TAGS") {
        output.insert("tags".to_owned(), json!([]));
    }
    Ok(output.into())
}

/// `FAMILY:REVISION`, or the newest revision of a family.
fn find(estate: &Estate, name: &str) -> Option<Value> {
    let (family, revision) = name.split_once(':').map_or((name, None), |(family, rest)| (family, Some(rest)));
    let is_it = |key: &&String| match revision {
        Some(_) => *key == name,
        None => key.split(':').next() == Some(family),
    };
    let newest = estate
        .task_definitions
        .keys()
        .filter(is_it)
        .max_by_key(|key| key.rsplit(':').next().and_then(|revision| revision.parse::<u32>().ok()));
    if let Some(key) = newest {
        return estate.task_definitions.get(key).cloned();
    }
    if revision.is_some_and(|revision| revision != "1") {
        return None;
    }
    let containers = estate.clusters().values().find_map(|cluster| containers_of(cluster, family))?;
    let container = |number: usize| {
        let name = if number == 1 { family.to_owned() } else { format!("{family}-{number}") };
        let options = json!({ "splunk-url": "https://splunk.example.com:8088", "mode": "non-blocking" });
        let token = json!([{ "name": "splunk-token", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/splunk" }]);
        json!({
            "name": name,
            "image": format!("example/{name}:1"),
            "essential": true,
            "logConfiguration": { "logDriver": "splunk", "options": options, "secretOptions": token },
        })
    };
    let containers: Vec<Value> = (1..=containers).map(container).collect();
    Some(json!({ "family": family, "containerDefinitions": containers }))
}

/// The number of containers of a family in a cluster.
fn containers_of(cluster: &ClusterSpec, family: &str) -> Option<usize> {
    let of_service = cluster.services.values().find(|service| service.family == family);
    let of_task = || cluster.tasks.get(family).map(|task| task.containers);
    of_service.map(|service| service.containers).or_else(of_task)
}

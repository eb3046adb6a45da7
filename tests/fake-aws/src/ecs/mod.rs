//! Amazon ECS. <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/>

mod account;
mod clusters;
mod configuration;
mod definitions;
mod services;
mod tasks;

use serde_json::Value;

use crate::estate::{ClusterSpec, Estate};
use crate::request::Request;
use crate::service::Target;
use crate::wire::{Outcome, Refusal, json};
use crate::world::World;

/// The values of the setting `containerInsights`.
const LEVELS: [&str; 3] = ["disabled", "enabled", "enhanced"];

pub(crate) fn call(request: &Request, target: &Target, world: &mut World) -> Outcome {
    let input = json::input(&request.body)?;
    let estate = world.estate(&request.account, &request.region);
    let output = match target.operation.as_str() {
        "ListClusters" => clusters::list(estate, &input),
        "DescribeClusters" => clusters::describe(estate, &input),
        "CreateCluster" => clusters::create(estate, &input),
        "UpdateCluster" => clusters::update(estate, &input),
        "UpdateClusterSettings" => clusters::update_settings(estate, &input),
        "ListServices" => services::list(estate, &input),
        "DescribeServices" => services::describe(estate, &input),
        "DescribeTaskDefinition" => definitions::describe(estate, &input),
        "ListTasks" => tasks::list(estate, &input),
        "DescribeTasks" => tasks::describe(estate, &input),
        "ListAccountSettings" => account::list(estate, &input),
        "PutAccountSettingDefault" => account::put_default(estate, &input),
        _ => Err(target.unknown()),
    }?;
    Ok(json::output(json::Version::V1_1, &output))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::bad("InvalidParameterException", message)
}

/// The ARN of a resource in this account and Region.
fn arn(estate: &Estate, resource: &str) -> String {
    format!("arn:aws:ecs:{}:{}:{resource}", estate.region, estate.account)
}

/// The short name in a cluster's short name or ARN; the ARN of another account or Region does not
/// match.
fn cluster_name<'a>(estate: &Estate, name_or_arn: &'a str) -> Option<&'a str> {
    if name_or_arn.starts_with("arn:") {
        name_or_arn.strip_prefix(&arn(estate, "cluster/"))
    } else {
        Some(name_or_arn)
    }
}

/// The cluster for an operation on its contents; deleted clusters can be described but nothing
/// more.
fn live_cluster<'a>(estate: &'a Estate, input: &Value) -> Result<&'a ClusterSpec, Refusal> {
    let asked = input["cluster"].as_str().unwrap_or("default");
    let cluster = cluster_name(estate, asked)
        .and_then(|name| estate.clusters().get(name))
        .ok_or_else(|| Refusal::bad("ClusterNotFoundException", "Cluster not found."))?;
    if cluster.status == "INACTIVE" {
        let message = "The referenced cluster was inactive.";
        return Err(Refusal::bad("ClusterNotFoundException", message));
    }
    Ok(cluster)
}

/// The texts of a list member.
fn texts<'a>(input: &'a Value, member: &str) -> Vec<&'a str> {
    input[member].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// One page of sorted names. The token holds the last name of the previous page, so a name that is
/// added or removed between two pages moves no other.
fn page<'a>(
    names: impl Iterator<Item = &'a str>,
    input: &Value,
    default: usize,
    limit: usize,
) -> Result<(Vec<&'a str>, Option<String>), Refusal> {
    let size = match input.get("maxResults").filter(|size| !size.is_null()) {
        None => default,
        Some(size) => size
            .as_u64()
            .map(|size| size as usize)
            .filter(|size| (1..=limit).contains(size))
            .ok_or_else(|| invalid(format!("maxResults must be between 1 and {limit}.")))?,
    };
    let after = match input["nextToken"].as_str() {
        None => None,
        Some(token) => Some(token.strip_prefix("after:").ok_or_else(|| invalid("Invalid token."))?),
    };
    let mut rest = names.filter(|name| after.is_none_or(|after| *name > after)).peekable();
    let page: Vec<&str> = rest.by_ref().take(size).collect();
    let more = rest.peek().is_some();
    let token = page.last().filter(|_| more).map(|last| format!("after:{last}"));
    Ok((page, token))
}

/// Tags in the format of ECS.
fn tags(tags: &std::collections::BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| serde_json::json!({ "key": key, "value": value })).collect()
}

//! `ListClusters`, `DescribeClusters`, `CreateCluster`, `UpdateCluster`, `UpdateClusterSettings`.

use serde_json::{Value, json};

use super::configuration::Changes;
use super::{LEVELS, arn, cluster_name, invalid, live_cluster, page, tags, texts};
use crate::estate::{ClusterSpec, Estate};
use crate::wire::Refusal;

pub(super) fn list(estate: &Estate, input: &Value) -> Result<Value, Refusal> {
    let names = estate
        .clusters()
        .values()
        .filter(|cluster| cluster.status != "INACTIVE")
        .map(|cluster| cluster.name.as_str());
    let (names, token) = page(names, input, 100, 100)?;
    let arns: Vec<String> = names.iter().map(|name| arn(estate, &format!("cluster/{name}"))).collect();
    let mut output = json!({ "clusterArns": arns });
    if let Some(token) = token {
        output["nextToken"] = token.into();
    }
    Ok(output)
}

pub(super) fn describe(estate: &Estate, input: &Value) -> Result<Value, Refusal> {
    let mut asked = texts(input, "clusters");
    if asked.len() > 100 {
        return Err(invalid("Clusters cannot have more than 100 elements."));
    }
    if asked.is_empty() {
        asked.push("default");
    }
    let include = texts(input, "include");
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for asked in asked {
        let found = cluster_name(estate, asked).and_then(|name| estate.clusters().get(name));
        match found {
            Some(cluster) => clusters.push(cluster_json(estate, cluster, &include)),
            None if asked.starts_with("arn:") => {
                failures.push(json!({ "arn": asked, "reason": "MISSING" }));
            }
            None => {
                let arn = arn(estate, &format!("cluster/{asked}"));
                failures.push(json!({ "arn": arn, "reason": "MISSING" }));
            }
        }
    }
    Ok(json!({ "clusters": clusters, "failures": failures }))
}

pub(super) fn create(estate: &mut Estate, input: &Value) -> Result<Value, Refusal> {
    let name = input["clusterName"].as_str().unwrap_or("default").to_owned();
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > 255 || !name.bytes().all(legal) {
        return Err(invalid("Invalid cluster name."));
    }
    let changes = Changes::of(input)?;
    // An existing cluster is returned as it is; a deleted one is created again.
    if estate.clusters().get(&name).is_none_or(|cluster| cluster.status == "INACTIVE") {
        estate.create_cluster(&name);
        let place = place(estate);
        if let Some(cluster) = estate.cluster_mut(&name) {
            changes.make(cluster, &place);
            for tag in input["tags"].as_array().into_iter().flatten() {
                let text = |member: &str| tag[member].as_str().unwrap_or_default().to_owned();
                cluster.tags.insert(text("key"), text("value"));
            }
        }
    }
    Ok(json!({ "cluster": cluster_json(estate, &estate.clusters()[&name], &["SETTINGS", "TAGS"]) }))
}

pub(super) fn update(estate: &mut Estate, input: &Value) -> Result<Value, Refusal> {
    let name = live_cluster(estate, input)?.name.clone();
    let (changes, place) = (Changes::of(input)?, place(estate));
    if let Some(cluster) = estate.cluster_mut(&name) {
        changes.make(cluster, &place);
    }
    let cluster = &estate.clusters()[&name];
    Ok(json!({ "cluster": cluster_json(estate, cluster, &["SETTINGS", "CONFIGURATIONS"]) }))
}

pub(super) fn update_settings(estate: &mut Estate, input: &Value) -> Result<Value, Refusal> {
    let name = live_cluster(estate, input)?.name.clone();
    let level = insights_setting(input)?.ok_or_else(|| invalid("settings cannot be empty."))?;
    if let Some(cluster) = estate.cluster_mut(&name) {
        level.clone_into(&mut cluster.insights);
    }
    let cluster = &estate.clusters()[&name];
    Ok(json!({ "cluster": cluster_json(estate, cluster, &["SETTINGS"]) }))
}

/// Account and Region, as in ARNs.
fn place(estate: &Estate) -> String {
    format!("{}:{}", estate.region, estate.account)
}

/// The value of the only cluster setting, if `settings` is present.
pub(super) fn insights_setting(input: &Value) -> Result<Option<&str>, Refusal> {
    let mut level = None;
    for setting in input["settings"].as_array().into_iter().flatten() {
        let value = setting["value"].as_str().unwrap_or_default();
        if setting["name"] != "containerInsights" {
            return Err(invalid("Invalid cluster setting name."));
        }
        if !LEVELS.contains(&value) {
            return Err(invalid("Invalid value for the containerInsights setting."));
        }
        level = Some(value);
    }
    Ok(level)
}

/// Settings, statistics, configuration and tags are empty unless `include` requests them.
fn cluster_json(estate: &Estate, cluster: &ClusterSpec, include: &[&str]) -> Value {
    let (running, pending) = cluster.task_counts();
    let count = |status| cluster.services.values().filter(|service| service.status == status).count();
    let (active, draining) = (count("ACTIVE"), count("DRAINING"));
    let when = |part: &str, value: Value| if include.contains(&part) { value } else { json!([]) };
    let statistic = |name: &str, value: String| json!({ "name": name, "value": value });
    let mut output = json!({
        "clusterArn": arn(estate, &format!("cluster/{}", cluster.name)),
        "clusterName": cluster.name,
        "status": cluster.status,
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": running,
        "pendingTasksCount": pending,
        "activeServicesCount": active,
        "statistics": when("STATISTICS", json!([
            statistic("runningEC2TasksCount", "0".to_owned()),
            statistic("RunningFargateTasksCount", running.to_string()),
            statistic("pendingEC2TasksCount", "0".to_owned()),
            statistic("pendingFargateTasksCount", pending.to_string()),
            statistic("activeEC2ServiceCount", "0".to_owned()),
            statistic("activeFargateServiceCount", active.to_string()),
            statistic("drainingEC2ServiceCount", "0".to_owned()),
            statistic("drainingFargateServiceCount", draining.to_string()),
        ])),
        "tags": when("TAGS", tags(&cluster.tags)),
        "settings": when("SETTINGS", json!([
            { "name": "containerInsights", "value": cluster.insights },
        ])),
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [],
    });
    if include.contains(&"CONFIGURATIONS") && !cluster.configuration.is_null() {
        output["configuration"] = cluster.configuration.clone();
    }
    if let Some(namespace) = &cluster.namespace {
        output["serviceConnectDefaults"] = json!({ "namespace": namespace });
    }
    output
}

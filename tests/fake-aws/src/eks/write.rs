//! Operations that change a cluster.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::output;
use super::read::missing;
use super::spec::{AddonSpec, EksClusterSpec, UpdateSpec};
use crate::wire::{Answer, Outcome, Refusal};

/// `UpdateClusterConfig` with `logging`: an update that is in progress until the test completes it.
pub(super) fn update_config(cluster: &mut EksClusterSpec, body: &Value, serial: u64) -> Outcome {
    if let Some(answer) = answered(cluster, body) {
        return Ok(output(answer));
    }
    let known = ["name", "logging", "clientRequestToken"];
    let mut members = body.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    if let Some((other, _)) = members.find(|(name, _)| !known.contains(&name.as_str())) {
        let message = format!("fake-aws does not change {other} of a cluster");
        return Err(Refusal::bad("InvalidParameterException", message));
    }
    must_be_active(cluster)?;
    if cluster.updates.values().any(|update| update.status == "InProgress") {
        let message = format!(
            "Cannot LoggingUpdate because cluster {} currently has an update in progress",
            cluster.name
        );
        return Err(Refusal::new(409, "ResourceInUseException", message));
    }
    let mut logs = cluster.logs.clone();
    for setup in body["logging"]["clusterLogging"].as_array().into_iter().flatten() {
        let types: BTreeSet<String> = setup["types"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        if setup["enabled"] == json!(true) {
            logs.extend(types);
        } else {
            logs.retain(|log| !types.contains(log));
        }
    }
    if logs == cluster.logs {
        return Err(Refusal::bad(
            "InvalidParameterException",
            "No changes needed for the logging config provided",
        ));
    }
    let id = format!("00000000-0000-4000-8000-{serial:012x}");
    cluster
        .updates
        .insert(id.clone(), UpdateSpec { status: "InProgress".to_owned(), logs, errors: Vec::new() });
    let update = json!({ "id": id, "status": "InProgress", "type": "LoggingUpdate", "errors": [] });
    Ok(answer(cluster, body, json!({ "update": update })))
}

/// `CreateAddon`: it is CREATING until the test changes it.
pub(super) fn create_addon(cluster: &mut EksClusterSpec, body: &Value) -> Outcome {
    if let Some(answer) = answered(cluster, body) {
        return Ok(output(answer));
    }
    must_be_active(cluster)?;
    let name = body["addonName"].as_str().unwrap_or_default().to_owned();
    if cluster.addons.contains_key(&name) {
        return Err(Refusal::new(409, "ResourceInUseException", format!("Addon already exists: {name}.")));
    }
    let version = body["addonVersion"].as_str().unwrap_or("v0.8.0-eksbuild.1").to_owned();
    let addon = AddonSpec { status: "CREATING".to_owned(), version: version.clone(), issues: Vec::new() };
    cluster.addons.insert(name.clone(), addon);
    let addon = json!({
        "addonName": name,
        "clusterName": cluster.name,
        "status": "CREATING",
        "addonVersion": version,
        "health": { "issues": [] },
    });
    Ok(answer(cluster, body, json!({ "addon": addon })))
}

/// `DeleteAddon`, which takes effect at once.
pub(super) fn delete_addon(cluster: &mut EksClusterSpec, name: &str) -> Outcome {
    let addon = cluster.addons.remove(name).ok_or_else(|| missing("addon", name))?;
    let addon = json!({ "addonName": name, "clusterName": cluster.name, "status": "DELETING", "addonVersion": addon.version });
    Ok(output(&json!({ "addon": addon })))
}

/// The earlier response to the same call.
fn answered<'a>(cluster: &'a EksClusterSpec, body: &Value) -> Option<&'a Value> {
    cluster.answered.get(body["clientRequestToken"].as_str()?)
}

/// Responds, and remembers the response.
fn answer(cluster: &mut EksClusterSpec, body: &Value, answer: Value) -> Answer {
    let output = output(&answer);
    if let Some(token) = body["clientRequestToken"].as_str() {
        cluster.answered.insert(token.to_owned(), answer);
    }
    output
}

fn must_be_active(cluster: &EksClusterSpec) -> Result<(), Refusal> {
    if cluster.status == "ACTIVE" {
        return Ok(());
    }
    let message = format!("Cluster {} is not in ACTIVE status: {}", cluster.name, cluster.status);
    Err(Refusal::bad("InvalidRequestException", message))
}

//! Operations that read.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::output;
use super::spec::EksClusterSpec;
use crate::request::Request;
use crate::wire::{Outcome, Refusal};

/// `ListClusters`, page by page.
pub(super) fn clusters(request: &Request, all: &BTreeMap<String, EksClusterSpec>) -> Outcome {
    let size: usize = request.parameter("maxResults").and_then(|text| text.parse().ok()).unwrap_or(100);
    if !(1..=100).contains(&size) {
        return Err(Refusal::bad("InvalidParameterException", "maxResults must be between 1 and 100"));
    }
    let after = request.parameter("nextToken").unwrap_or_default();
    let rest: Vec<&String> = all.keys().filter(|name| name.as_str() > after).collect();
    let page: Vec<&&String> = rest.iter().take(size).collect();
    let next = (rest.len() > size).then(|| page.last().map(ToString::to_string)).flatten();
    Ok(output(&json!({ "clusters": page, "nextToken": next })))
}

/// A cluster as `DescribeCluster` returns it.
pub(super) fn cluster(spec: &EksClusterSpec, arn: &str) -> Value {
    let types = ["api", "audit", "authenticator", "controllerManager", "scheduler"];
    let (on, off): (Vec<&str>, Vec<&str>) = types.iter().partition(|log| spec.logs.contains(**log));
    let setups = [(on, true), (off, false)].into_iter().filter(|(types, _)| !types.is_empty());
    let setups: Vec<Value> =
        setups.map(|(types, enabled)| json!({ "types": types, "enabled": enabled })).collect();
    json!({
        "name": spec.name,
        "arn": arn,
        "createdAt": spec.created_at.as_second(),
        "version": "1.33",
        "endpoint": spec.endpoint,
        "status": spec.status,
        "certificateAuthority": { "data": spec.certificate_authority },
        "resourcesVpcConfig": {
            "vpcId": "vpc-0c",
            "subnetIds": ["subnet-0a", "subnet-0b"],
            "endpointPublicAccess": spec.public_endpoint,
            "endpointPrivateAccess": !spec.public_endpoint,
            "publicAccessCidrs": spec.public_access_cidrs,
        },
        "logging": { "clusterLogging": setups },
        "accessConfig": { "authenticationMode": spec.authentication_mode },
        "platformVersion": "eks.5",
        "tags": spec.tags,
    })
}

/// `DescribeFargateProfile`.
pub(super) fn profile(cluster: &EksClusterSpec, name: &str) -> Outcome {
    let profile = cluster
        .profiles
        .iter()
        .find(|profile| profile.name == name)
        .ok_or_else(|| missing("Fargate Profile", name))?;
    let selectors: Vec<Value> =
        profile.namespaces.iter().map(|namespace| json!({ "namespace": namespace })).collect();
    let profile = json!({
        "fargateProfileName": profile.name,
        "clusterName": cluster.name,
        "podExecutionRoleArn": "arn:aws:iam::123456789012:role/pods",
        "selectors": selectors,
        "status": profile.status,
    });
    Ok(output(&json!({ "fargateProfile": profile })))
}

/// `DescribeAddon`.
pub(super) fn addon(cluster: &EksClusterSpec, name: &str) -> Outcome {
    let addon = cluster.addons.get(name).ok_or_else(|| missing("addon", name))?;
    let issues: Vec<Value> =
        addon.issues.iter().map(|(code, message)| json!({ "code": code, "message": message })).collect();
    let addon = json!({
        "addonName": name,
        "clusterName": cluster.name,
        "status": addon.status,
        "addonVersion": addon.version,
        "health": { "issues": issues },
    });
    Ok(output(&json!({ "addon": addon })))
}

/// `DescribeAccessEntry`.
pub(super) fn access_entry(cluster: &EksClusterSpec, principal: &str) -> Outcome {
    let groups = cluster.access_entries.get(principal).ok_or_else(|| missing("access entry", principal))?;
    let entry = json!({
        "clusterName": cluster.name,
        "principalArn": principal,
        "kubernetesGroups": groups,
        "type": "STANDARD",
    });
    Ok(output(&json!({ "accessEntry": entry })))
}

/// `DescribeUpdate`.
pub(super) fn update(cluster: &EksClusterSpec, id: &str) -> Outcome {
    let update = cluster.updates.get(id).ok_or_else(|| missing("update", id))?;
    let errors: Vec<Value> = update
        .errors
        .iter()
        .map(|(code, message)| json!({ "errorCode": code, "errorMessage": message }))
        .collect();
    let update = json!({ "id": id, "status": update.status, "type": "LoggingUpdate", "errors": errors });
    Ok(output(&json!({ "update": update })))
}

pub(super) fn missing(what: &str, name: &str) -> Refusal {
    Refusal::new(404, "ResourceNotFoundException", format!("No {what} found with name: {name}"))
}

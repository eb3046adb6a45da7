//! Amazon EKS: REST with JSON.
//!
//! <https://docs.aws.amazon.com/eks/latest/APIReference/API_Operations.html>

mod read;
mod spec;
mod write;

use serde_json::{Value, json};

use crate::request::Request;
use crate::service::Target;
use crate::wire::{Answer, Outcome, Refusal, form};
use crate::world::World;

pub use spec::{AddonSpec, EksClusterSpec, ProfileSpec, UpdateSpec};

/// The path segments after `/clusters`, decoded.
fn pieces(request: &Request) -> Vec<String> {
    let path = request.path.trim_start_matches('/');
    path.split('/').skip(1).map(|piece| form::decode(piece, false)).collect()
}

/// The cluster of a request, and the part of it.
pub(crate) fn subject(request: &Request) -> String {
    pieces(request).join("/")
}

/// Answers one call.
pub(crate) fn call(request: &Request, target: &Target, world: &mut World) -> Outcome {
    let pieces = pieces(request);
    let (account, region) = (request.account.clone(), request.region.clone());
    let serial = world.next_serial();
    let estate = world.estate(&account, &region);
    if target.operation == "ListClusters" {
        return read::clusters(request, &estate.eks);
    }
    let name = pieces.first().cloned().unwrap_or_default();
    let Some(cluster) = estate.eks.get_mut(&name) else {
        return Err(Refusal::new(
            404,
            "ResourceNotFoundException",
            format!("No cluster found for name: {name}."),
        ));
    };
    let arn = format!("arn:aws:eks:{region}:{account}:cluster/{name}");
    let third = pieces.get(2).map(String::as_str).unwrap_or_default();
    match target.operation.as_str() {
        "DescribeCluster" => Ok(output(&json!({ "cluster": read::cluster(cluster, &arn) }))),
        "ListFargateProfiles" => {
            let names = cluster.profiles.iter().map(|profile| profile.name.as_str());
            Ok(output(&json!({ "fargateProfileNames": names.collect::<Vec<_>>() })))
        }
        "DescribeFargateProfile" => read::profile(cluster, third),
        "ListNodegroups" => Ok(output(&json!({ "nodegroups": cluster.node_groups }))),
        "ListAddons" => Ok(output(&json!({ "addons": cluster.addons.keys().collect::<Vec<_>>() }))),
        "DescribeAddon" => read::addon(cluster, third),
        "DescribeAccessEntry" => read::access_entry(cluster, third),
        "DescribeUpdate" => read::update(cluster, third),
        "UpdateClusterConfig" => write::update_config(cluster, &body(request)?, serial),
        "CreateAddon" => write::create_addon(cluster, &body(request)?),
        "DeleteAddon" => write::delete_addon(cluster, third),
        _ => Err(target.unknown()),
    }
}

/// A response in the format of EKS.
fn output(body: &Value) -> Answer {
    Answer::ok("application/json", body.to_string().into_bytes())
}

/// An error in the format of EKS: its kind in a header, its message in the body.
pub(crate) fn error(refusal: &Refusal) -> Answer {
    let body = json!({ "message": refusal.message, "__type": refusal.code });
    Answer { status: refusal.status, ..output(&body) }.with("x-amzn-errortype", refusal.code.clone())
}

fn body(request: &Request) -> Result<Value, Refusal> {
    serde_json::from_slice(&request.body)
        .map_err(|error| Refusal::bad("InvalidParameterException", error.to_string()))
}

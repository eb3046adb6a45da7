//! The logs of pods on EKS: what reading them needs, and what is missing.

use super::finding::{FindingKind, FindingPlace, LogFinding};
use crate::kubernetes::api::ResourceAttributes;
use crate::kubernetes::logging::{CONFIG_MAP, NAMESPACE};
use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::text::commands::AtCluster;
use crate::text::shell::quoted;

/// Kubernetes group that the access entry puts the role of `collect-logs` into, and that the
/// `ClusterRole` is bound to.
pub const LOG_READERS: &str = "fargaze-log-readers";

/// The `ClusterRole` with its binding; docs/logs.md shows the same YAML.
pub const LOG_READERS_ROLE: &str = include_str!("log-readers.yaml");

/// The permissions: verb, resource, subresource and name.
pub fn rights() -> [ResourceAttributes; 2] {
    let get = |namespace: &str, resource: &str, subresource: &str, name: &str| ResourceAttributes {
        namespace: namespace.to_owned(),
        verb: "get".to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
        name: name.to_owned(),
        ..ResourceAttributes::default()
    };
    [get("", "pods", "log", ""), get(NAMESPACE, "configmaps", "", CONFIG_MAP)]
}

/// The finding that a cluster does not allow to read its logs, with the commands that grant it.
pub fn not_allowed(
    account: &AccountId,
    region: &Region,
    cluster: &ClusterName,
    role: &str,
    why: &str,
) -> LogFinding {
    let at = AtCluster { account, region, cluster };
    let entry = format!("--principal-arn {} --kubernetes-groups {LOG_READERS}", quoted(role));
    let remedy = format!(
        "# If the role has no access entry yet; of one that exists, add the group with update-access-entry.\n{}\n{}",
        at.eks("create-access-entry", &entry),
        at.apply(LOG_READERS_ROLE)
    );
    LogFinding {
        kind: FindingKind::PodLogsDenied,
        place: FindingPlace::Cluster(cluster.clone()),
        detail: why.to_owned(),
        remedy,
    }
}

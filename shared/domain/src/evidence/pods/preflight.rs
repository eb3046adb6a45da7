//! Why a cluster cannot be read, and the command or YAML that fixes it, if any can.

use super::SetupProblem;
use super::public_access::allows_every_address;
use crate::evidence::eks::{AuthenticationMode, EksCluster, KUBE_SYSTEM, Place};
use crate::kubernetes::api::ResourceAttributes;
use crate::model::cluster::{AccountId, Region};
use crate::text::commands::AtCluster;
use crate::text::shell::quoted;

/// Kubernetes group that the access entry puts the function's role into, and that the `ClusterRole`
/// is bound to.
pub const GROUP: &str = "fargaze-readers";

/// The required permissions: API group and resource. The verb is `list`.
pub const RIGHTS: [(&str, &str); 8] = [
    ("", "pods"),
    ("", "nodes"),
    ("", "events"),
    ("apps", "deployments"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("batch", "jobs"),
    ("metrics.k8s.io", "pods"),
];

/// The minimal `ClusterRole` with its binding; docs/eks.md shows the same YAML.
pub const CLUSTER_ROLE: &str = include_str!("cluster-role.yaml");

/// The additional `ClusterRole` that cAdvisor needs, with its binding and a warning; docs/eks.md
/// shows the same YAML.
pub const NODE_PROXY_ROLE: &str = include_str!("node-proxy-role.yaml");

/// The caller of a cluster's API.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Account of the cluster.
    pub account: &'a AccountId,
    /// Region of the cluster.
    pub region: &'a Region,
    /// ARN of the calling role.
    pub role: &'a str,
}

/// What prevents fargaze from reading a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnosis {
    /// The endpoint's name does not resolve here.
    Dns,
    /// Nothing listens at the endpoint's address.
    Refused,
    /// No connection, with the reason.
    Connect(String),
    /// All connections broke, with the reason of the last one.
    Broken(String),
    /// The certificate is from another CA or for another name, with the reason.
    Stranger(String),
    /// The certificate is invalid for another reason.
    Certificate(String),
    /// 401.
    Unauthorized(AccessEntry),
    /// 403 from at least one list request.
    Forbidden(Refusal),
    /// Metrics Server is not installed.
    NoMetrics {
        /// Status of its add-on, if the add-on is installed nevertheless.
        addon: Option<String>,
        /// Where the pods of the add-on would run; `None` if unknown.
        place: Option<Place>,
    },
    /// Metrics Server is installed but does not answer.
    MetricsDown {
        /// The API version that was queried.
        version: String,
        /// What was returned instead of an answer.
        answer: String,
    },
    /// The preferred version of the Metrics API does not answer, but another one does.
    PreferredDown {
        /// The version that does not answer.
        preferred: String,
        /// What was returned instead of an answer.
        answer: String,
        /// The version that does.
        serving: String,
    },
    /// 403 from cAdvisor through `nodes/proxy`, which `fargaze.yaml` enables.
    NodeProxy {
        /// The server's message.
        message: String,
    },
    /// The token could not be signed, with the reason.
    Token(String),
    /// Anything else, with the reason.
    Other(String),
}

/// The access entry of the calling role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessEntry {
    /// It does not exist.
    None,
    /// It exists, with these Kubernetes groups.
    Groups(Vec<String>),
    /// It could not be read.
    Unknown,
}

/// A 403, with the details that the server gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The server's message.
    pub message: String,
    /// Groups of the role according to `SelfSubjectReview`; empty if that failed.
    pub groups: Vec<String>,
    /// The access entry of the role.
    pub entry: AccessEntry,
    /// Missing permissions of the role; empty if `SelfSubjectAccessReview` allows all that it
    /// needs.
    pub missing: Vec<ResourceAttributes>,
}

/// The permission that a list request needs, by its path, such as `/api/v1/pods` or
/// `/apis/apps/v1/deployments`. `None` if the path is not a list.
pub fn right_to_list(path: &str) -> Option<ResourceAttributes> {
    let path = path.split('?').next().unwrap_or_default();
    let (group, resource) = match path.trim_start_matches('/').split('/').collect::<Vec<_>>()[..] {
        ["api", _, resource] => ("", resource),
        ["apis", group, _, resource] => (group, resource),
        _ => return None,
    };
    Some(to_list(group, resource))
}

/// The permission to list a resource.
pub fn to_list(group: &str, resource: &str) -> ResourceAttributes {
    let (verb, group, resource) = ("list".to_owned(), group.to_owned(), resource.to_owned());
    ResourceAttributes { verb, group, resource, ..ResourceAttributes::default() }
}

/// The problem and its remedy. A remedy is given only where it can help.
pub fn finding(diagnosis: &Diagnosis, cluster: &EksCluster, caller: Caller<'_>) -> SetupProblem {
    let at = AtCluster { account: caller.account, region: caller.region, cluster: &cluster.name };
    let role = caller.role;
    let (problem, remedy) = match diagnosis {
        Diagnosis::Dns | Diagnosis::Refused | Diagnosis::Connect(_) if !cluster.public_endpoint => (private(cluster), vpc(&at)),
        // The next run reads the endpoint from EKS again.
        Diagnosis::Dns => (
            "The name of the API server's endpoint does not resolve here: the cluster may have been recreated within the last hour."
                .to_owned(),
            String::new(),
        ),
        // EKS drops packets from addresses that it does not allow, so a refusal has nothing to do
        // with address ranges.
        Diagnosis::Refused => (
            "No connection to the API server: its endpoint refuses connections.".to_owned(),
            String::new(),
        ),
        Diagnosis::Connect(why) => unreachable(cluster, why, &at),
        Diagnosis::Broken(why) => (
            format!("All connections to the API server broke; the last one: {why}."),
            String::new(),
        ),
        Diagnosis::Stranger(why) => (
            format!("The API server's certificate does not match the cluster: {why}. A proxy may be in between, or the cluster was recreated."),
            format!(
                "# Compare endpoint and certificateAuthority with the server that answers there:\n{}",
                at.eks("describe-cluster", "")
            ),
        ),
        Diagnosis::Certificate(why) => {
            (format!("The API server's certificate is not valid: {why}."), String::new())
        }
        Diagnosis::Unauthorized(entry) => unauthorized(entry, cluster, &at, role),
        Diagnosis::Forbidden(refusal) => forbidden(refusal, cluster, &at, role),
        Diagnosis::NoMetrics { addon, place } => no_metrics(addon.as_deref(), place.as_ref(), &at),
        Diagnosis::MetricsDown { version, answer } => (
            format!(
                "Metrics Server is installed but does not answer ({answer}). On Fargate a profile must select its namespace kube-system, and \
                 its port must not be 10250, which the kubelet uses; the add-on uses 10251. On EC2 nodes the security groups must let the \
                 control plane reach that port, and Metrics Server reach port 10250 of all nodes."
            ),
            at.kubectls(["--namespace kube-system describe deployment metrics-server", &api_service(version)]),
        ),
        Diagnosis::PreferredDown { preferred, answer, serving } => (
            format!(
                "The preferred version of the Metrics API, {preferred}, does not answer ({answer}). Version {serving} answers and was read instead."
            ),
            at.kubectls([api_service(preferred).as_str()]),
        ),
        Diagnosis::NodeProxy { message } => (
            format!(
                "fargaze.yaml sets cadvisor: proxy for this cluster, but the permission get nodes/proxy is missing ({message}). Set cadvisor: none, or \
                 grant the permission only if you accept that it lets its holder run commands in every pod of the cluster."
            ),
            at.apply(NODE_PROXY_ROLE),
        ),
        Diagnosis::Token(why) => (format!("Could not sign an authentication token: {why}."), String::new()),
        Diagnosis::Other(why) => (format!("The API server could not be queried: {why}."), String::new()),
    };
    SetupProblem { problem, remedy }
}

fn private(cluster: &EksCluster) -> String {
    format!(
        "The endpoint of {} is private: it can only be reached from its VPC and from networks connected to it (peering, transit gateway).",
        cluster.name
    )
}

/// Amazon EKS User Guide, "Cluster API server endpoint".
fn vpc(at: &AtCluster<'_>) -> String {
    let group =
        at.eks("describe-cluster", "--query cluster.resourcesVpcConfig.clusterSecurityGroupId --output text");
    let region = at.region;
    format!(
        "# The functions must run in the cluster's VPC or in one connected to it; there is one set of subnets for all clusters.\n\
         # Add VpcSubnetIds=SUBNET,SUBNET and VpcSecurityGroupIds=GROUP to parameter_overrides in samconfig.toml, so that later deployments keep them, then:\n\
         sam deploy\n\
         aws ec2 authorize-security-group-ingress --region {region} --group-id \"$({group})\" --source-group GROUP --protocol tcp --port 443"
    )
}

/// Ranges that do not cover all addresses may exclude the functions. The command replaces all
/// ranges, so it repeats the existing ones.
fn unreachable(cluster: &EksCluster, why: &str, at: &AtCluster<'_>) -> (String, String) {
    let ranges = &cluster.public_access_cidrs;
    if ranges.is_empty() || allows_every_address(ranges) {
        return (format!("No connection to the API server: {why}."), String::new());
    }
    let kept = ranges.iter().map(|range| quoted(range)).collect::<Vec<_>>().join(",");
    let ranges_with = format!("--resources-vpc-config publicAccessCidrs={kept},NAT_ADDRESS/32");
    (
        format!(
            "No connection to the API server ({why}): its public endpoint allows only {}.",
            ranges.join(", ")
        ),
        format!(
            "# The functions have no fixed address of their own. Put them into subnets behind a NAT gateway (VpcSubnetIds and VpcSecurityGroupIds, docs/eks.md) and allow its address:\n\
             {}\n\
             # Or put them into the cluster's VPC, and enable private access as well (endpointPrivateAccess=true).",
            at.eks("update-cluster-config", &ranges_with)
        ),
    )
}

fn api_service(version: &str) -> String {
    format!("describe apiservice {}", quoted(&format!("{version}.metrics.k8s.io")))
}

/// An existing add-on cannot be created again, and one whose pods cannot be placed would stay
/// Pending.
fn no_metrics(addon: Option<&str>, place: Option<&Place>, at: &AtCluster<'_>) -> (String, String) {
    let of_addon = |verb: &str| at.eks(&format!("{verb}-addon"), "--addon-name metrics-server");
    let what = "so pod usage is unknown";
    match (addon, place) {
        (Some(status), _) => (
            format!(
                "The add-on metrics-server is installed ({status}), but the Metrics API does not exist, {what}."
            ),
            of_addon("describe"),
        ),
        (None, Some(Place::None { role, .. })) => (
            format!(
                "Metrics Server is not installed, {what}; its pods would have nowhere to run: no Fargate profile selects the namespace kube-system, and \
                 there are no EC2 nodes."
            ),
            format!("{}\n{}", at.create_profile(KUBE_SYSTEM, role.as_deref()), of_addon("create")),
        ),
        (None, Some(Place::Soon(profile))) => {
            let wait = format!("--fargate-profile-name {}", quoted(profile));
            (
                format!("Metrics Server is not installed, {what}."),
                format!("{}\n{}", at.eks("wait fargate-profile-active", &wait), of_addon("create")),
            )
        }
        (None, Some(Place::Nodes | Place::Fargate)) => {
            (format!("Metrics Server is not installed, {what}."), of_addon("create"))
        }
        (None, None) => (
            format!("Metrics Server is not installed, {what}."),
            format!(
                "# Without EC2 nodes a Fargate profile must select the namespace kube-system first (docs/eks.md).\n{}",
                of_addon("create")
            ),
        ),
    }
}

/// An access entry refers to the id of a role: if the role is deleted and recreated under the same
/// name, the entry stops working (Amazon EKS API, `AccessEntry.principalArn`). A single command
/// sets all groups of an entry.
fn unauthorized(
    entry: &AccessEntry,
    cluster: &EksCluster,
    at: &AtCluster<'_>,
    role: &str,
) -> (String, String) {
    match entry {
        AccessEntry::Groups(groups) => (
            format!(
                "The API server refuses the token although there is an access entry for {role}. If the role was deleted and recreated since, its \
                 entry no longer works; otherwise the clock is wrong, or the role's session had expired."
            ),
            format!(
                "# If the role was recreated. This also deletes the entry's access policies: associate them again.\n{}\n{}",
                at.eks("delete-access-entry", &format!("--principal-arn {}", quoted(role))),
                create_entry(cluster, at, role, groups)
            ),
        ),
        AccessEntry::None => {
            (format!("There is no access entry for {role}."), create_entry(cluster, at, role, &[]))
        }
        AccessEntry::Unknown => (
            format!(
                "The API server does not accept {role}: no access entry, one from before the role was recreated, or a wrong clock. Whether there is an \
                 entry could not be checked."
            ),
            create_entry(cluster, at, role, &[]),
        ),
    }
}

/// The command that creates an access entry. A cluster without access entries must be switched to
/// them first, and accepts no other change while it is being updated.
fn create_entry(cluster: &EksCluster, at: &AtCluster<'_>, role: &str, groups: &[String]) -> String {
    let entry = at.eks("create-access-entry", &entry_of(role, groups));
    if cluster.authentication != Some(AuthenticationMode::ConfigMap) {
        return entry;
    }
    format!(
        "# This cannot be undone: a cluster that accepts access entries always will. To keep aws-auth only, map the role to the group {GROUP} in it: docs/eks.md.\n\
         {}\n{}\n{entry}",
        at.eks("update-cluster-config", "--access-config authenticationMode=API_AND_CONFIG_MAP"),
        at.eks("wait cluster-active", "")
    )
}

fn entry_of(role: &str, groups: &[String]) -> String {
    format!("--principal-arn {} --kubernetes-groups {}", quoted(role), with_ours(groups))
}

/// The groups of an entry plus ours: a single command sets all groups of an entry. Groups of
/// Kubernetes itself cannot be set.
fn with_ours(groups: &[String]) -> String {
    let others = groups.iter().filter(|group| !group.starts_with("system:") && *group != GROUP);
    others.map(|group| quoted(group)).chain([GROUP.to_owned()]).collect::<Vec<_>>().join(" ")
}

fn forbidden(refusal: &Refusal, cluster: &EksCluster, at: &AtCluster<'_>, role: &str) -> (String, String) {
    let Refusal { message, groups, entry, missing } = refusal;
    if missing.is_empty() {
        let problem =
            format!("The API server refuses a request that its own access review allows: {message}.");
        return (problem, String::new());
    }
    let verb = |missing: &ResourceAttributes| {
        let group = if missing.group.is_empty() { String::new() } else { format!(".{}", missing.group) };
        format!("{} {}{group}", missing.verb, missing.resource)
    };
    let what = format!("the role may not {}", missing.iter().map(verb).collect::<Vec<_>>().join(", "));
    if groups.iter().any(|group| group == GROUP) || groups.is_empty() {
        return (format!("Missing permissions in the cluster: {what}."), at.apply(CLUSTER_ROLE));
    }
    let problem = format!(
        "The role is not in the group {GROUP} of the cluster (it is in {}): {what}.",
        groups.join(", ")
    );
    let is_by_config_map = cluster.authentication == Some(AuthenticationMode::ConfigMap);
    let entry = match entry {
        AccessEntry::None => create_entry(cluster, at, role, groups),
        _ if is_by_config_map => create_entry(cluster, at, role, groups),
        AccessEntry::Unknown => at.eks("update-access-entry", &entry_of(role, groups)),
        AccessEntry::Groups(of_entry) => {
            let others = groups.iter().filter(|group| !of_entry.contains(group));
            let all: Vec<String> = of_entry.iter().chain(others).cloned().collect();
            at.eks("update-access-entry", &entry_of(role, &all))
        }
    };
    (problem, format!("{entry}\n{}", at.apply(CLUSTER_ROLE)))
}

#[cfg(test)]
mod tests;

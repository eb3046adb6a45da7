//! Why a cluster cannot be read, and the command or YAML that mends it, where there is one that can.

use super::Finding;
use super::public_access::lets_everybody_in;
use crate::evidence::eks::{AuthenticationMode, EksCluster, KUBE_SYSTEM, Place};
use crate::kubernetes::api::ResourceAttributes;
use crate::model::cluster::{AccountId, Region};
use crate::text::commands::AtCluster;
use crate::text::shell::quoted;

/// Group of Kubernetes that the access entry puts the function's role into, and that the `ClusterRole` is bound to.
pub const GROUP: &str = "fargaze-readers";

/// The rights that are needed: group of the API, resource. The verb is list.
pub const RIGHTS: [(&str, &str); 7] = [
    ("", "pods"),
    ("", "nodes"),
    ("apps", "deployments"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("batch", "jobs"),
    ("metrics.k8s.io", "pods"),
];

/// The least `ClusterRole` with its binding; docs/eks.md shows the same.
pub const CLUSTER_ROLE: &str = include_str!("cluster-role.yaml");

/// The `ClusterRole` that cAdvisor needs on top of it, with its binding and a warning; docs/eks.md shows the same.
pub const NODE_PROXY_ROLE: &str = include_str!("node-proxy-role.yaml");

/// Who asks a cluster.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Account of the cluster.
    pub account: &'a AccountId,
    /// Region of the cluster.
    pub region: &'a Region,
    /// ARN of the role that asks.
    pub role: &'a str,
}

/// What keeps a cluster from being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnosis {
    /// The endpoint's name has no address here.
    Dns,
    /// Nothing listens at the endpoint's address.
    Refused,
    /// There is no connection, with the reason.
    Connect(String),
    /// Each connection broke, with the reason of the last one.
    Broken(String),
    /// The certificate is of another CA, or for another name, with the reason.
    Stranger(String),
    /// The certificate fails in another way, with the reason.
    Certificate(String),
    /// 401.
    Unauthorized(AccessEntry),
    /// 403 of one list or more.
    Forbidden(Refusal),
    /// Metrics Server is not installed.
    NoMetrics {
        /// Status of its add-on, if that is installed nevertheless.
        addon: Option<String>,
        /// Where the pods of the add-on would run; none if that is not known.
        place: Option<Place>,
    },
    /// Metrics Server is installed and does not answer.
    MetricsDown {
        /// The version of the API that was asked.
        version: String,
        /// What came instead of an answer.
        answer: String,
    },
    /// The preferred version of the Metrics API does not answer, and another does.
    PreferredDown {
        /// The version that does not answer.
        preferred: String,
        /// What came instead of an answer.
        answer: String,
        /// The version that answers.
        serving: String,
    },
    /// 403 of cAdvisor through `nodes/proxy`, which the user's file asks for.
    NodeProxy {
        /// What the server said.
        message: String,
    },
    /// The token could not be made, with the reason.
    Token(String),
    /// Anything else, with the reason.
    Other(String),
}

/// The access entry of the role that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessEntry {
    /// There is none.
    None,
    /// There is one, with these groups of Kubernetes.
    Groups(Vec<String>),
    /// EKS could not be asked.
    Unknown,
}

/// A 403, as far as the server says more of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What the server said.
    pub message: String,
    /// Groups that the role is in, by `SelfSubjectReview`; empty if that was not answered.
    pub groups: Vec<String>,
    /// The access entry of the role.
    pub entry: AccessEntry,
    /// What the role may not; empty if `SelfSubjectAccessReview` says that it may all it needs.
    pub missing: Vec<ResourceAttributes>,
}

/// The right that a list needs, by its path: `/api/v1/pods`, `/apis/apps/v1/deployments`. None of a path that is no
/// list.
pub fn right_to_list(path: &str) -> Option<ResourceAttributes> {
    let (group, resource) = match path.trim_start_matches('/').split('/').collect::<Vec<_>>()[..] {
        ["api", _, resource] => ("", resource),
        ["apis", group, _, resource] => (group, resource),
        _ => return None,
    };
    Some(to_list(group, resource))
}

/// The right to list the objects of a resource.
pub fn to_list(group: &str, resource: &str) -> ResourceAttributes {
    let (verb, group, resource) = ("list".to_owned(), group.to_owned(), resource.to_owned());
    ResourceAttributes { verb, group, resource, ..ResourceAttributes::default() }
}

/// What is amiss and what mends it. A remedy is printed only where it can help.
pub fn finding(diagnosis: &Diagnosis, cluster: &EksCluster, caller: Caller<'_>) -> Finding {
    let at = AtCluster { account: caller.account, region: caller.region, cluster: &cluster.name };
    let role = caller.role;
    let (problem, remedy) = match diagnosis {
        Diagnosis::Dns | Diagnosis::Refused | Diagnosis::Connect(_) if !cluster.public_endpoint => (private(cluster), vpc(&at)),
        // The next run asks EKS for the endpoint again.
        Diagnosis::Dns => (
            "The name of the API server's endpoint is not known here: the cluster may have been made anew in the last hour."
                .to_owned(),
            String::new(),
        ),
        // EKS drops what it does not let in, so a refusal is no matter of address ranges.
        Diagnosis::Refused => (
            "No connection to the API server: its endpoint refuses connections.".to_owned(),
            String::new(),
        ),
        Diagnosis::Connect(why) => unreachable(cluster, why, &at),
        Diagnosis::Broken(why) => (
            format!("The connections to the API server broke, again and again; the last one: {why}."),
            String::new(),
        ),
        Diagnosis::Stranger(why) => (
            format!("The API server does not prove to be that of the cluster: {why}. Something stands between, or the cluster was made anew."),
            format!(
                "# Compare endpoint and certificateAuthority with what answers there:\n{}",
                at.eks("describe-cluster", "")
            ),
        ),
        Diagnosis::Certificate(why) => {
            (format!("The API server does not prove to be that of the cluster: {why}."), String::new())
        }
        Diagnosis::Unauthorized(entry) => unauthorized(entry, cluster, &at, role),
        Diagnosis::Forbidden(refusal) => forbidden(refusal, cluster, &at, role),
        Diagnosis::NoMetrics { addon, place } => no_metrics(addon.as_deref(), place.as_ref(), &at),
        Diagnosis::MetricsDown { version, answer } => (
            format!(
                "Metrics Server is installed and does not answer ({answer}). On Fargate a profile must select its namespace kube-system, and its port \
                 must not be 10250, which is the kubelet's; the add-on takes 10251. On EC2 nodes the security groups must let the control plane \
                 reach that port, and Metrics Server port 10250 of all nodes."
            ),
            at.kubectls(["--namespace kube-system describe deployment metrics-server", &api_service(version)]),
        ),
        Diagnosis::PreferredDown { preferred, answer, serving } => (
            format!(
                "The Metrics API is preferred in version {preferred}, which does not answer ({answer}). Version {serving} answers, and was read instead."
            ),
            at.kubectls([api_service(preferred).as_str()]),
        ),
        Diagnosis::NodeProxy { message } => (
            format!(
                "fargaze.yaml says cadvisor: proxy for this cluster, and the right get nodes/proxy is missing in it ({message}). Grant it knowingly, or write \
                 cadvisor: none: this right lets its holder run commands in every pod of the cluster."
            ),
            at.apply(NODE_PROXY_ROLE),
        ),
        Diagnosis::Token(why) => (format!("No token could be made: {why}."), String::new()),
        Diagnosis::Other(why) => (format!("The API server could not be asked: {why}."), String::new()),
    };
    Finding { problem, remedy }
}

fn private(cluster: &EksCluster) -> String {
    format!(
        "The endpoint of {} is private: it can be reached from its VPC and from networks connected to it (peering, transit gateway), and from nowhere else.",
        cluster.name
    )
}

/// Amazon EKS User Guide, "Cluster API server endpoint".
fn vpc(at: &AtCluster<'_>) -> String {
    let group =
        at.eks("describe-cluster", "--query cluster.resourcesVpcConfig.clusterSecurityGroupId --output text");
    let region = at.region;
    format!(
        "# The functions must run in the cluster's VPC, or in one that is connected to it: there is one set of subnets for all clusters.\n\
         # Add VpcSubnetIds=SUBNET,SUBNET and VpcSecurityGroupIds=GROUP to parameter_overrides in samconfig.toml, so that the next deployment keeps them, then:\n\
         sam deploy\n\
         aws ec2 authorize-security-group-ingress --region {region} --group-id \"$({group})\" --source-group GROUP --protocol tcp --port 443"
    )
}

/// Ranges that leave somebody out may leave out the functions. The command keeps them: it replaces all there are.
fn unreachable(cluster: &EksCluster, why: &str, at: &AtCluster<'_>) -> (String, String) {
    let ranges = &cluster.public_access_cidrs;
    if ranges.is_empty() || lets_everybody_in(ranges) {
        return (format!("No connection to the API server: {why}."), String::new());
    }
    let kept = ranges.iter().map(|range| quoted(range)).collect::<Vec<_>>().join(",");
    let ranges_with = format!("--resources-vpc-config publicAccessCidrs={kept},NAT_ADDRESS/32");
    (
        format!(
            "No connection to the API server ({why}): its public endpoint lets in {} only.",
            ranges.join(", ")
        ),
        format!(
            "# The functions have no fixed address of their own. Put them into subnets behind a NAT gateway (VpcSubnetIds and VpcSecurityGroupIds, docs/eks.md) and let its address in:\n\
             {}\n\
             # Or put them into the cluster's VPC, and enable private access as well (endpointPrivateAccess=true).",
            at.eks("update-cluster-config", &ranges_with)
        ),
    )
}

fn api_service(version: &str) -> String {
    format!("describe apiservice {}", quoted(&format!("{version}.metrics.k8s.io")))
}

/// An add-on that is there cannot be made once more, and one whose pods find no place would stay Pending.
fn no_metrics(addon: Option<&str>, place: Option<&Place>, at: &AtCluster<'_>) -> (String, String) {
    let of_addon = |verb: &str| at.eks(&format!("{verb}-addon"), "--addon-name metrics-server");
    let what = "so that nothing tells what pods use";
    match (addon, place) {
        (Some(status), _) => (
            format!("The add-on metrics-server is there ({status}), and the Metrics API is not, {what}."),
            of_addon("describe"),
        ),
        (None, Some(Place::None { role, .. })) => (
            format!(
                "Metrics Server is not installed, {what}; its pods would find no place: no Fargate profile takes those of the namespace kube-system, and \
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

/// EKS keeps the id of a role with its entry: the entry of a role that was deleted and made again under its name does not
/// work (Amazon EKS API, `AccessEntry.principalArn`). One entry has all its groups from one command.
fn unauthorized(
    entry: &AccessEntry,
    cluster: &EksCluster,
    at: &AtCluster<'_>,
    role: &str,
) -> (String, String) {
    match entry {
        AccessEntry::Groups(groups) => (
            format!(
                "The API server refuses the token although there is an access entry for {role}. If the role was deleted and made again since, its \
                 entry does not work any more; else the clock is wrong, or the session of the role was over."
            ),
            format!(
                "# If the role was made again. Access policies of the entry go with it: associate them again.\n{}\n{}",
                at.eks("delete-access-entry", &format!("--principal-arn {}", quoted(role))),
                create_entry(cluster, at, role, groups)
            ),
        ),
        AccessEntry::None => {
            (format!("There is no access entry for {role}."), create_entry(cluster, at, role, &[]))
        }
        AccessEntry::Unknown => (
            format!(
                "The API server does not know {role}: no access entry, one from before the role was made again, or a wrong clock. Whether there is an \
                 entry could not be asked."
            ),
            create_entry(cluster, at, role, &[]),
        ),
    }
}

/// The command that makes an access entry. Without access entries there is nothing to make one in, and a cluster takes no
/// change while it is updated.
fn create_entry(cluster: &EksCluster, at: &AtCluster<'_>, role: &str, groups: &[String]) -> String {
    let entry = at.eks("create-access-entry", &entry_of(role, groups));
    if cluster.authentication != Some(AuthenticationMode::ConfigMap) {
        return entry;
    }
    format!(
        "# This cannot be undone: a cluster that takes access entries goes on taking them. To keep aws-auth alone, map the role to the group {GROUP} in it: docs/eks.md.\n\
         {}\n{}\n{entry}",
        at.eks("update-cluster-config", "--access-config authenticationMode=API_AND_CONFIG_MAP"),
        at.eks("wait cluster-active", "")
    )
}

fn entry_of(role: &str, groups: &[String]) -> String {
    format!("--principal-arn {} --kubernetes-groups {}", quoted(role), with_ours(groups))
}

/// The groups of an entry and ours: an entry has all its groups from one command. Those of Kubernetes itself cannot be
/// given.
fn with_ours(groups: &[String]) -> String {
    let others = groups.iter().filter(|group| !group.starts_with("system:") && *group != GROUP);
    others.map(|group| quoted(group)).chain([GROUP.to_owned()]).collect::<Vec<_>>().join(" ")
}

fn forbidden(refusal: &Refusal, cluster: &EksCluster, at: &AtCluster<'_>, role: &str) -> (String, String) {
    let Refusal { message, groups, entry, missing } = refusal;
    if missing.is_empty() {
        let problem =
            format!("The API server refuses what the role may do by its own access review: {message}.");
        return (problem, String::new());
    }
    let right = |right: &ResourceAttributes| {
        let group = if right.group.is_empty() { String::new() } else { format!(".{}", right.group) };
        format!("{} {}{group}", right.verb, right.resource)
    };
    let what = format!("the role may not {}", missing.iter().map(right).collect::<Vec<_>>().join(", "));
    if groups.iter().any(|group| group == GROUP) || groups.is_empty() {
        return (format!("Rights are missing in the cluster: {what}."), at.apply(CLUSTER_ROLE));
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

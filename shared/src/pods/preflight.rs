//! Why a cluster cannot be read, and the command or YAML that mends it, where there is one that can.

use super::Finding;
use super::public_access::lets_everybody_in;
use crate::cluster::Region;
use crate::eks::{AuthenticationMode, EksCluster};
use crate::kubernetes::api::ResourceAttributes;
use crate::shell::quoted;

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
    /// Region of the cluster.
    pub region: &'a Region,
    /// ARN of the role that asks.
    pub role: &'a str,
}

/// What keeps a cluster from being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
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
    /// 401. `entry` says whether the role has an access entry; none if that could not be asked.
    Unauthorized {
        /// Whether there is an access entry for the role.
        entry: Option<bool>,
    },
    /// 403 of one list or more.
    Forbidden(Refusal),
    /// Metrics Server is not installed.
    NoMetrics {
        /// Status of its add-on, if that is installed nevertheless.
        addon: Option<String>,
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

/// A 403, as far as the server says more of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What the server said.
    pub message: String,
    /// Groups that the role is in, by `SelfSubjectReview`; empty if that was not answered.
    pub groups: Vec<String>,
    /// Whether there is an access entry for the role; none if that could not be asked.
    pub entry: Option<bool>,
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
pub fn finding(trouble: &Trouble, cluster: &EksCluster, caller: Caller<'_>) -> Finding {
    let Caller { region, role } = caller;
    let (problem, cure) = match trouble {
        Trouble::Dns | Trouble::Refused | Trouble::Connect(_) if !cluster.public_endpoint => (private(cluster), vpc()),
        // The next run asks EKS for the endpoint again.
        Trouble::Dns => (
            "The name of the API server's endpoint is not known here: the cluster may have been made anew in the last hour."
                .to_owned(),
            String::new(),
        ),
        // EKS drops what it does not let in, so a refusal is no matter of address ranges.
        Trouble::Refused => (
            "No connection to the API server: its endpoint refuses connections.".to_owned(),
            String::new(),
        ),
        Trouble::Connect(why) => unreachable(cluster, why, region),
        Trouble::Broken(why) => (
            format!("The connections to the API server broke, again and again; the last one: {why}."),
            String::new(),
        ),
        Trouble::Stranger(why) => (
            format!("The API server does not prove to be that of the cluster: {why}. Something stands between, or the cluster was made anew."),
            describe(cluster, region),
        ),
        Trouble::Certificate(why) => {
            (format!("The API server does not prove to be that of the cluster: {why}."), String::new())
        }
        Trouble::Unauthorized { entry: Some(true) } => (
            format!(
                "The API server refuses the token although there is an access entry for {role}: the clock is wrong, or the session of the role was over."
            ),
            String::new(),
        ),
        Trouble::Unauthorized { entry } => (
            match entry {
                Some(_) => format!("There is no access entry for {role}."),
                None => format!(
                    "The API server does not know {role}: no access entry, or a wrong clock. Whether there is an entry could not be asked."
                ),
            },
            create_entry(cluster, caller, &[]),
        ),
        Trouble::Forbidden(refusal) => forbidden(refusal, cluster, caller),
        Trouble::NoMetrics { addon } => no_metrics(addon.as_deref(), cluster, region),
        Trouble::MetricsDown { version, answer } => (
            format!(
                "Metrics Server is installed and does not answer ({answer}). On Fargate a profile must select its namespace kube-system, and its port \
                 must not be 10250, which is the kubelet's; the add-on takes 10251."
            ),
            format!(
                "kubectl --namespace kube-system describe deployment metrics-server\n{}",
                describe_api_service(version)
            ),
        ),
        Trouble::PreferredDown { preferred, answer, serving } => (
            format!(
                "The Metrics API is preferred in version {preferred}, which does not answer ({answer}). Version {serving} answers, and was read instead."
            ),
            describe_api_service(preferred),
        ),
        Trouble::NodeProxy { message } => (
            format!(
                "fargaze.yaml says cadvisor: proxy for this cluster, and the right get nodes/proxy is missing in it ({message}). Grant it knowingly, or write \
                 cadvisor: none: this right lets its holder run commands in every pod of the cluster."
            ),
            apply(NODE_PROXY_ROLE),
        ),
        Trouble::Token(why) => (format!("No token could be made: {why}."), String::new()),
        Trouble::Other(why) => (format!("The API server could not be asked: {why}."), String::new()),
    };
    Finding { problem, cure }
}

fn private(cluster: &EksCluster) -> String {
    format!("The endpoint of {} is private: it can be reached from within its VPC only.", cluster.name)
}

fn vpc() -> String {
    "# Deploy the stack once more with functions in the cluster's VPC, and let their security group into the cluster's at port 443:\n\
     sam deploy --parameter-overrides VpcSubnetIds=SUBNET,SUBNET VpcSecurityGroupIds=GROUP\n\
     aws ec2 authorize-security-group-ingress --group-id CLUSTER_GROUP --source-group GROUP --protocol tcp --port 443"
        .to_owned()
}

/// Ranges that leave somebody out may leave out the functions. The command keeps them: it replaces all there are.
fn unreachable(cluster: &EksCluster, why: &str, region: &Region) -> (String, String) {
    let ranges = &cluster.public_access_cidrs;
    if ranges.is_empty() || lets_everybody_in(ranges) {
        return (format!("No connection to the API server: {why}."), String::new());
    }
    let name = &cluster.name;
    let kept = ranges.iter().map(|range| quoted(range)).collect::<Vec<_>>().join(",");
    (
        format!(
            "No connection to the API server ({why}): its public endpoint lets in {} only.",
            ranges.join(", ")
        ),
        format!(
            "# Let the functions in by the address of their NAT gateway, or put them into the cluster's VPC (VpcSubnetIds):\n\
             aws eks update-cluster-config --region {region} --name {name} --resources-vpc-config publicAccessCidrs={kept},NAT_ADDRESS/32"
        ),
    )
}

fn describe(cluster: &EksCluster, region: &Region) -> String {
    format!(
        "# Compare endpoint and certificateAuthority with what answers there:\naws eks describe-cluster --region {region} --name {}",
        cluster.name
    )
}

fn describe_api_service(version: &str) -> String {
    format!("kubectl describe apiservice {}", quoted(&format!("{version}.metrics.k8s.io")))
}

/// An add-on that is there cannot be made once more.
fn no_metrics(addon: Option<&str>, cluster: &EksCluster, region: &Region) -> (String, String) {
    let name = &cluster.name;
    let of_addon = |verb: &str| {
        format!("aws eks {verb}-addon --region {region} --cluster-name {name} --addon-name metrics-server")
    };
    match addon {
        None => (
            "Metrics Server is not installed, so that nothing tells what pods use.".to_owned(),
            of_addon("create"),
        ),
        Some(status) => (
            format!(
                "The add-on metrics-server is there ({status}), and the Metrics API is not, so that nothing tells what pods use."
            ),
            of_addon("describe"),
        ),
    }
}

fn apply(yaml: &str) -> String {
    format!("kubectl apply -f - <<'EOF'\n{yaml}EOF")
}

/// The command that makes an access entry. Without access entries there is nothing to make one in.
fn create_entry(cluster: &EksCluster, Caller { region, role }: Caller<'_>, groups: &[String]) -> String {
    let name = &cluster.name;
    let groups = with_ours(groups);
    let entry = format!(
        "aws eks create-access-entry --region {region} --cluster-name {name} --principal-arn {role} --kubernetes-groups {groups}"
    );
    if cluster.authentication == Some(AuthenticationMode::ConfigMap) {
        format!(
            "aws eks update-cluster-config --region {region} --name {name} --access-config authenticationMode=API_AND_CONFIG_MAP\n{entry}"
        )
    } else {
        entry
    }
}

/// The groups of an entry and ours: an entry has all its groups from one command. Those of Kubernetes itself cannot be
/// given.
fn with_ours(groups: &[String]) -> String {
    let own = groups.iter().filter(|group| !group.starts_with("system:")).map(|group| quoted(group));
    own.chain([GROUP.to_owned()]).collect::<Vec<_>>().join(" ")
}

fn forbidden(refusal: &Refusal, cluster: &EksCluster, caller: Caller<'_>) -> (String, String) {
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
        return (format!("Rights are missing in the cluster: {what}."), apply(CLUSTER_ROLE));
    }
    let problem = format!(
        "The role is not in the group {GROUP} of the cluster (it is in {}): {what}.",
        groups.join(", ")
    );
    let Caller { region, role } = caller;
    let is_by_config_map = cluster.authentication == Some(AuthenticationMode::ConfigMap);
    let entry = if is_by_config_map || *entry == Some(false) {
        create_entry(cluster, caller, groups)
    } else {
        format!(
            "aws eks update-access-entry --region {region} --cluster-name {} --principal-arn {role} --kubernetes-groups {}",
            cluster.name,
            with_ours(groups)
        )
    };
    (problem, format!("{entry}\n{}", apply(CLUSTER_ROLE)))
}

#[cfg(test)]
mod tests;

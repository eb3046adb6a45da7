//! Why a cluster cannot be read, and the command or YAML that mends it.

use super::Finding;
use crate::cluster::Region;
use crate::eks::{AuthenticationMode, EksCluster};
use crate::kubernetes::api::ResourceAttributes;

/// Group of Kubernetes that the access entry puts the function's role into, and that the `ClusterRole` is bound to.
pub const GROUP: &str = "fargaze-readers";

/// The rights that are needed: group of the API, resource. Verbs are get and list.
pub const RIGHTS: [(&str, &str); 8] = [
    ("", "pods"),
    ("", "nodes"),
    ("apps", "deployments"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("batch", "jobs"),
    ("metrics.k8s.io", "pods"),
    ("metrics.k8s.io", "nodes"),
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
    /// There is no connection, with the reason.
    Connect(String),
    /// The server does not prove to be the cluster's, with the reason.
    Tls(String),
    /// 401. `entry` says whether the role has an access entry; none if that could not be asked.
    Unauthorized {
        /// Whether there is an access entry for the role.
        entry: Option<bool>,
    },
    /// 403, with the server's sentence, who it takes us for, and the rights that are missing, if it said.
    Forbidden {
        /// What the server said.
        message: String,
        /// Groups that the role is in, by `SelfSubjectReview`.
        groups: Vec<String>,
        /// What it may not, by `SelfSubjectAccessReview`.
        missing: Vec<ResourceAttributes>,
    },
    /// Metrics Server is not installed.
    NoMetrics,
    /// Metrics Server is installed and does not answer, with what came instead.
    MetricsDown(String),
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

/// What is amiss and what mends it.
pub fn finding(trouble: &Trouble, cluster: &EksCluster, caller: Caller<'_>) -> Finding {
    let Caller { region, role } = caller;
    let (problem, cure) = match trouble {
        Trouble::Dns | Trouble::Connect(_) if !cluster.public_endpoint => (private(cluster), vpc()),
        Trouble::Dns => (
            "The name of the API server's endpoint is not known here: the cluster may have been made anew in the last hour."
                .to_owned(),
            describe(cluster, region),
        ),
        Trouble::Connect(why) => (unreachable(cluster, why), open_endpoint(cluster, region)),
        Trouble::Tls(why) => (
            format!("The API server does not prove to be that of the cluster: {why}. Something stands between, or the cluster was made anew."),
            describe(cluster, region),
        ),
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
            access_entry(cluster, caller),
        ),
        Trouble::Forbidden { message, groups, missing } => forbidden(message, groups, missing, cluster, caller),
        Trouble::NoMetrics => (
            "Metrics Server is not installed, so that nothing tells what pods use.".to_owned(),
            format!("aws eks create-addon --region {region} --cluster-name {} --addon-name metrics-server", cluster.name),
        ),
        Trouble::MetricsDown(answer) => (
            format!(
                "Metrics Server is installed and does not answer ({answer}). On Fargate a profile must select its namespace kube-system, and its port \
                 must not be 10250, which is the kubelet's; the add-on takes 10251."
            ),
            "kubectl --namespace kube-system describe deployment metrics-server\nkubectl describe apiservice v1beta1.metrics.k8s.io"
                .to_owned(),
        ),
        Trouble::NodeProxy { message } => (
            format!(
                "fargaze.yaml says cadvisor: proxy for this cluster, and the right get nodes/proxy is missing in it ({message}). Grant it knowingly, or write \
                 cadvisor: none: this right lets its holder run commands in every pod of the cluster."
            ),
            format!("kubectl apply -f - <<'EOF'\n{NODE_PROXY_ROLE}EOF"),
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

fn unreachable(cluster: &EksCluster, why: &str) -> String {
    let open = ["0.0.0.0/0", "::/0"];
    let restricted = !cluster.public_access_cidrs.iter().any(|range| open.contains(&range.as_str()));
    if restricted && !cluster.public_access_cidrs.is_empty() {
        let ranges = cluster.public_access_cidrs.join(", ");
        format!("No connection to the API server ({why}): its public endpoint lets in {ranges} only.")
    } else {
        format!("No connection to the API server: {why}.")
    }
}

fn open_endpoint(cluster: &EksCluster, region: &Region) -> String {
    format!(
        "# Let the functions in by the address of their NAT gateway, or put them into the cluster's VPC (VpcSubnetIds):\n\
         aws eks update-cluster-config --region {region} --name {} --resources-vpc-config publicAccessCidrs=RANGE,RANGE",
        cluster.name
    )
}

fn describe(cluster: &EksCluster, region: &Region) -> String {
    format!("aws eks describe-cluster --region {region} --name {}", cluster.name)
}

fn access_entry(cluster: &EksCluster, Caller { region, role }: Caller<'_>) -> String {
    let name = &cluster.name;
    let entry = format!(
        "aws eks create-access-entry --region {region} --cluster-name {name} --principal-arn {role} --kubernetes-groups {GROUP}"
    );
    // Without access entries there is nothing to make one in.
    if cluster.authentication == Some(AuthenticationMode::ConfigMap) {
        format!(
            "aws eks update-cluster-config --region {region} --name {name} --access-config authenticationMode=API_AND_CONFIG_MAP\n{entry}"
        )
    } else {
        entry
    }
}

fn forbidden(
    message: &str,
    groups: &[String],
    missing: &[ResourceAttributes],
    cluster: &EksCluster,
    caller: Caller<'_>,
) -> (String, String) {
    let what = match missing {
        [] => message.to_owned(),
        missing => {
            let right = |right: &ResourceAttributes| {
                let group = if right.group.is_empty() { String::new() } else { format!(".{}", right.group) };
                format!("{} {}{group}", right.verb, right.resource)
            };
            format!("the role may not {}", missing.iter().map(right).collect::<Vec<_>>().join(", "))
        }
    };
    if groups.iter().any(|group| group == GROUP) || groups.is_empty() {
        let problem = format!("Rights are missing in the cluster: {what}.");
        return (problem, format!("kubectl apply -f - <<'EOF'\n{CLUSTER_ROLE}EOF"));
    }
    let problem = format!(
        "The role is not in the group {GROUP} of the cluster (it is in {}): {what}.",
        groups.join(", ")
    );
    let Caller { region, role } = caller;
    let update = format!(
        "aws eks update-access-entry --region {region} --cluster-name {} --principal-arn {role} --kubernetes-groups {GROUP}",
        cluster.name
    );
    (problem, format!("{update}\nkubectl apply -f - <<'EOF'\n{CLUSTER_ROLE}EOF"))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn cluster() -> EksCluster {
        EksCluster {
            name: "payments".parse().unwrap(),
            status: "ACTIVE".to_owned(),
            version: Some("1.33".to_owned()),
            endpoint: Some("https://x.eks.amazonaws.com".to_owned()),
            certificate_authority: None,
            public_endpoint: true,
            public_access_cidrs: vec!["0.0.0.0/0".to_owned()],
            logs: BTreeSet::new(),
            authentication: Some(AuthenticationMode::Api),
            auto_mode: false,
            created_at: None,
            tags: BTreeMap::new(),
        }
    }

    fn found(trouble: &Trouble, cluster: &EksCluster) -> Finding {
        let region = "eu-west-1".parse().unwrap();
        finding(trouble, cluster, Caller { region: &region, role: "arn:aws:iam::123456789012:role/fargaze" })
    }

    #[test]
    fn a_role_without_an_entry_gets_the_command_that_makes_one() {
        let Finding { problem, cure } = found(&Trouble::Unauthorized { entry: Some(false) }, &cluster());
        assert_eq!(problem, "There is no access entry for arn:aws:iam::123456789012:role/fargaze.");
        assert_eq!(
            cure,
            "aws eks create-access-entry --region eu-west-1 --cluster-name payments --principal-arn \
             arn:aws:iam::123456789012:role/fargaze --kubernetes-groups fargaze-readers"
        );
    }

    #[test]
    fn a_cluster_without_access_entries_is_changed_first() {
        let cluster = EksCluster { authentication: Some(AuthenticationMode::ConfigMap), ..cluster() };
        let cure = found(&Trouble::Unauthorized { entry: None }, &cluster).cure;
        let lines: Vec<&str> = cure.lines().collect();
        assert!(
            lines[0].contains("authenticationMode=API_AND_CONFIG_MAP")
                && lines[1].contains("create-access-entry")
        );
    }

    #[test]
    fn an_entry_that_is_there_leaves_the_clock() {
        let found = found(&Trouble::Unauthorized { entry: Some(true) }, &cluster());
        assert!(found.problem.contains("clock") && found.cure.is_empty());
    }

    #[test]
    fn missing_rights_are_named_and_the_least_role_is_printed() {
        let right = ResourceAttributes {
            verb: "list".to_owned(),
            group: "apps".to_owned(),
            resource: "deployments".to_owned(),
            ..ResourceAttributes::default()
        };
        let groups = vec![GROUP.to_owned(), "system:authenticated".to_owned()];
        let trouble = Trouble::Forbidden { message: "no".to_owned(), groups, missing: vec![right] };
        let Finding { problem, cure } = found(&trouble, &cluster());
        assert_eq!(problem, "Rights are missing in the cluster: the role may not list deployments.apps.");
        assert!(
            cure.contains("kind: ClusterRole\n") && cure.contains(GROUP) && !cure.contains("nodes/proxy")
        );
    }

    #[test]
    fn an_entry_with_another_group_is_changed() {
        let groups = vec!["system:authenticated".to_owned()];
        let trouble = Trouble::Forbidden { message: "no".to_owned(), groups, missing: Vec::new() };
        assert!(found(&trouble, &cluster()).cure.starts_with("aws eks update-access-entry"));
    }

    #[test]
    fn what_cannot_be_reached_is_told_by_its_endpoint() {
        let private = EksCluster { public_endpoint: false, ..cluster() };
        assert!(found(&Trouble::Dns, &private).cure.contains("VpcSubnetIds"));
        let closed = EksCluster { public_access_cidrs: vec!["198.51.100.0/24".to_owned()], ..cluster() };
        let told = found(&Trouble::Connect("no connection within 5s".to_owned()), &closed);
        assert!(told.problem.contains("198.51.100.0/24") && told.cure.contains("publicAccessCidrs"));
    }

    #[test]
    fn the_role_that_is_printed_gives_exactly_the_rights_that_are_asked_for() {
        for (group, resource) in RIGHTS {
            assert!(CLUSTER_ROLE.contains(resource) && CLUSTER_ROLE.contains(group), "{group} {resource}");
        }
        for verb in ["create", "update", "delete", "patch", "watch", "*", "proxy", "secrets", "exec"] {
            assert!(!CLUSTER_ROLE.contains(verb), "{verb}");
        }
    }

    #[test]
    fn the_right_to_cadvisor_is_granted_apart_and_with_a_warning() {
        let message = "nodes \"n\" is forbidden".to_owned();
        let Finding { problem, cure } = found(&Trouble::NodeProxy { message }, &cluster());
        for part in
            ["cadvisor: proxy", "get nodes/proxy", "nodes \"n\" is forbidden", "run commands in every pod"]
        {
            assert!(problem.contains(part), "{part} is not in {problem}");
        }
        assert!(cure.contains("run commands in every pod") && cure.contains(GROUP));
        assert!(cure.contains("{apiGroups: [\"\"], resources: [nodes/proxy], verbs: [get]}"));
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/eks.md");
        assert!(std::fs::read_to_string(page).unwrap().contains(NODE_PROXY_ROLE));
        for word in ["create", "list", "pods,", "*", "exec"] {
            assert!(!NODE_PROXY_ROLE.contains(word), "{word}");
        }
    }
}

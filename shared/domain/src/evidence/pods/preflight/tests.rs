//! Each diagnosis with its remedy, or without one.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::text::commands::tests::assert_complete;

const ROLE: &str = "arn:aws:iam::123456789012:role/fargaze";
const KUBECONFIG: &str = "aws eks update-kubeconfig --region eu-west-1 --name payments\n";
const KUBECTL: &str = "kubectl --context arn:aws:eks:eu-west-1:123456789012:cluster/payments ";

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

fn allowing(ranges: &[&str]) -> EksCluster {
    EksCluster { public_access_cidrs: ranges.iter().map(|range| (*range).to_owned()).collect(), ..cluster() }
}

fn found(diagnosis: &Diagnosis, cluster: &EksCluster) -> SetupProblem {
    let (account, region) = ("123456789012".parse().unwrap(), "eu-west-1".parse().unwrap());
    finding(diagnosis, cluster, Caller { account: &account, region: &region, role: ROLE })
}

fn entry_with(groups: &[&str]) -> AccessEntry {
    AccessEntry::Groups(groups.iter().map(|group| (*group).to_owned()).collect())
}

fn refused(groups: &[&str], missing: &[(&str, &str)]) -> Refusal {
    Refusal {
        message: "pods is forbidden".to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        entry: AccessEntry::Unknown,
        missing: missing.iter().map(|(group, resource)| to_list(group, resource)).collect(),
    }
}

#[test]
fn a_role_without_an_entry_gets_the_command_that_creates_one() {
    let SetupProblem { problem, remedy } = found(&Diagnosis::Unauthorized(AccessEntry::None), &cluster());
    assert_eq!(problem, format!("There is no access entry for {ROLE}."));
    assert_eq!(
        remedy,
        format!(
            "aws eks create-access-entry --region eu-west-1 --cluster-name payments --principal-arn {ROLE} --kubernetes-groups \
             fargaze-readers"
        )
    );
}

/// A cluster accepts no change while it is being updated, and access entries cannot be switched off
/// again.
#[test]
fn a_cluster_without_access_entries_is_switched_first_and_waited_for() {
    let cluster = EksCluster { authentication: Some(AuthenticationMode::ConfigMap), ..cluster() };
    let refusal = Diagnosis::Forbidden(refused(&["viewers"], &[("", "pods")]));
    for diagnosis in [Diagnosis::Unauthorized(AccessEntry::Unknown), refusal] {
        let remedy = found(&diagnosis, &cluster).remedy;
        let lines: Vec<&str> = remedy.lines().collect();
        assert!(lines[0].starts_with("# This cannot be undone") && lines[0].contains("aws-auth"), "{remedy}");
        assert!(lines[1].contains("authenticationMode=API_AND_CONFIG_MAP"), "{remedy}");
        assert_eq!(lines[2], "aws eks wait cluster-active --region eu-west-1 --name payments");
        assert!(lines[3].contains("create-access-entry"), "{remedy}");
    }
}

/// EKS stores the id of the role: a recreated role with the same ARN is another role.
#[test]
fn an_entry_that_no_longer_works_is_recreated_with_its_groups() {
    let entry = entry_with(&["viewers", GROUP, "a b"]);
    let SetupProblem { problem, remedy } = found(&Diagnosis::Unauthorized(entry), &cluster());
    assert!(problem.contains("deleted and recreated") && problem.contains("clock"), "{problem}");
    let lines: Vec<&str> = remedy.lines().collect();
    assert!(lines[0].starts_with("# If the role was recreated"), "{remedy}");
    assert!(lines[1].starts_with("aws eks delete-access-entry") && lines[1].ends_with(ROLE), "{remedy}");
    assert!(lines[2].ends_with("--kubernetes-groups viewers 'a b' fargaze-readers"), "{remedy}");
}

#[test]
fn missing_permissions_are_named_and_the_minimal_role_is_printed() {
    let refusal = refused(&[GROUP, "system:authenticated"], &[("apps", "deployments"), ("", "nodes")]);
    let SetupProblem { problem, remedy } = found(&Diagnosis::Forbidden(refusal), &cluster());
    assert_eq!(
        problem,
        "Missing permissions in the cluster: the role may not list deployments.apps, list nodes."
    );
    assert!(
        remedy.contains("kind: ClusterRole\n") && remedy.contains(GROUP) && !remedy.contains("nodes/proxy")
    );
}

/// Issue 13, point 24: the command sets all groups of an entry, so the others have to be in it.
#[test]
fn an_entry_with_other_groups_keeps_them() {
    let groups = ["system:authenticated", "viewers", "a b"];
    let refusal = refused(&groups, &[("", "pods")]);
    let remedy = found(&Diagnosis::Forbidden(refusal.clone()), &cluster()).remedy;
    assert!(remedy.starts_with("aws eks update-access-entry"), "{remedy}");
    let kept = format!("--kubernetes-groups viewers 'a b' fargaze-readers\n{KUBECONFIG}{KUBECTL}apply");
    assert!(remedy.contains(&kept), "{remedy}");
    // EKS returns the groups of the entry itself, which may differ from those of the review.
    let entry = entry_with(&["auditors", "viewers"]);
    let remedy = found(&Diagnosis::Forbidden(Refusal { entry, ..refusal.clone() }), &cluster()).remedy;
    assert!(remedy.contains("--kubernetes-groups auditors viewers 'a b' fargaze-readers\n"), "{remedy}");
    // The groups come from the ConfigMap aws-auth: there is no entry to update.
    let remedy =
        found(&Diagnosis::Forbidden(Refusal { entry: AccessEntry::None, ..refusal }), &cluster()).remedy;
    assert!(remedy.starts_with("aws eks create-access-entry"), "{remedy}");
    assert!(remedy.contains("--kubernetes-groups viewers 'a b' fargaze-readers\n"), "{remedy}");
}

/// Issue 13, point 24: a remedy is given only where it can help.
#[test]
fn problems_that_no_command_can_fix_have_no_remedy() {
    let open = cluster();
    let timed_out = || Diagnosis::Connect("no connection within 5s".to_owned());
    for (diagnosis, cluster) in [
        (Diagnosis::Refused, open.clone()),
        (timed_out(), open.clone()),
        (timed_out(), allowing(&["0.0.0.0/1", "128.0.0.0/1"])),
        // EKS drops packets from addresses that it does not allow.
        (Diagnosis::Refused, allowing(&["198.51.100.0/24"])),
        // The allowed ranges are unknown.
        (timed_out(), allowing(&[])),
        (Diagnosis::Dns, open.clone()),
        (Diagnosis::Broken("tls handshake eof".to_owned()), open.clone()),
        (Diagnosis::Certificate("expired".to_owned()), open.clone()),
        (Diagnosis::Forbidden(refused(&[GROUP], &[])), open.clone()),
        (Diagnosis::Token("x".to_owned()), open.clone()),
        (Diagnosis::Other("x".to_owned()), open.clone()),
    ] {
        let found = found(&diagnosis, &cluster);
        assert_eq!(found.remedy, "", "{diagnosis:?} {:?}", cluster.public_access_cidrs);
        assert!(found.problem.ends_with('.') && !found.problem.contains("allows only"), "{found:?}");
    }
}

/// Issue 13, point 24: otherwise the command would lock out the addresses that are allowed now.
#[test]
fn the_allowed_ranges_stay_in_the_command() {
    let closed = allowing(&["198.51.100.0/24", "203.0.113.7/32"]);
    let found = found(&Diagnosis::Connect("no connection within 5s".to_owned()), &closed);
    assert!(found.problem.contains("allows only 198.51.100.0/24, 203.0.113.7/32."), "{found:?}");
    let set = "publicAccessCidrs=198.51.100.0/24,203.0.113.7/32,NAT_ADDRESS/32\n";
    assert!(found.remedy.contains(set), "{found:?}");
    // By default the functions run outside any VPC; inside the cluster's VPC they use the private
    // endpoint.
    for part in ["no fixed address", "VpcSubnetIds", "endpointPrivateAccess=true"] {
        assert!(found.remedy.contains(part), "{found:?}");
    }
}

#[test]
fn a_private_endpoint_is_reached_from_its_vpc_and_networks_connected_to_it() {
    let private = EksCluster { public_endpoint: false, ..cluster() };
    for diagnosis in [Diagnosis::Dns, Diagnosis::Refused, Diagnosis::Connect("x".to_owned())] {
        let SetupProblem { problem, remedy } = found(&diagnosis, &private);
        assert!(
            problem.contains("its VPC and from networks connected to it (peering, transit gateway)"),
            "{problem}"
        );
        for part in
            ["VpcSubnetIds=", "samconfig.toml", "one set of subnets", " --region eu-west-1 --group-id "]
        {
            assert!(remedy.contains(part), "{part} is not in {remedy}");
        }
    }
}

fn no_metrics(addon: Option<&str>, place: Option<Place>) -> SetupProblem {
    found(&Diagnosis::NoMetrics { addon: addon.map(ToOwned::to_owned), place }, &cluster())
}

#[test]
fn an_existing_add_on_is_not_created_again() {
    let none = no_metrics(None, Some(Place::Fargate));
    assert!(none.remedy.starts_with("aws eks create-addon"), "{none:?}");
    let failed = no_metrics(Some("CREATE_FAILED"), Some(Place::None { labels: false, role: None }));
    assert!(
        failed.problem.contains("CREATE_FAILED") && failed.remedy.contains("describe-addon"),
        "{failed:?}"
    );
}

/// Otherwise its pods would stay Pending.
#[test]
fn an_add_on_is_installed_once_its_pods_can_be_placed() {
    let operations = |place| {
        let remedy = no_metrics(None, place).remedy;
        let lines = remedy.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split(" --region").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let create = "aws eks create-addon";
    let wait = "aws eks wait fargate-profile-active";
    let nowhere = Some(Place::None { labels: false, role: Some("arn:aws:iam::1:role/pods".to_owned()) });
    assert_eq!(operations(nowhere.clone()), ["aws eks create-fargate-profile", wait, create]);
    assert!(
        no_metrics(None, nowhere.clone())
            .remedy
            .contains("--pod-execution-role-arn arn:aws:iam::1:role/pods ")
    );
    assert!(no_metrics(None, nowhere).problem.contains("no Fargate profile selects"));
    assert_eq!(operations(Some(Place::Soon("system".to_owned()))), [wait, create]);
    for place in [Some(Place::Nodes), Some(Place::Fargate), None] {
        assert_eq!(operations(place), [create]);
    }
    assert!(no_metrics(None, None).remedy.starts_with("# Without EC2 nodes a Fargate profile must select"));
}

#[test]
fn every_remedy_can_be_copied_and_names_region_and_cluster() {
    let down = ("v1beta1".to_owned(), "503".to_owned());
    let entry = || entry_with(&["viewers"]);
    for (diagnosis, cluster) in [
        (Diagnosis::Connect("x".to_owned()), EksCluster { public_endpoint: false, ..cluster() }),
        (Diagnosis::Connect("x".to_owned()), allowing(&["198.51.100.0/24"])),
        (Diagnosis::Stranger("x".to_owned()), cluster()),
        (Diagnosis::Unauthorized(entry()), cluster()),
        (Diagnosis::Unauthorized(AccessEntry::None), cluster()),
        (
            Diagnosis::Unauthorized(AccessEntry::None),
            EksCluster { authentication: Some(AuthenticationMode::ConfigMap), ..cluster() },
        ),
        (Diagnosis::Forbidden(refused(&[GROUP], &[("", "pods")])), cluster()),
        (Diagnosis::Forbidden(Refusal { entry: entry(), ..refused(&["x"], &[("", "pods")]) }), cluster()),
        (
            Diagnosis::NoMetrics { addon: None, place: Some(Place::None { labels: true, role: None }) },
            cluster(),
        ),
        (Diagnosis::MetricsDown { version: down.0.clone(), answer: down.1.clone() }, cluster()),
        (Diagnosis::PreferredDown { preferred: down.0, answer: down.1, serving: "v1".to_owned() }, cluster()),
        (Diagnosis::NodeProxy { message: "x".to_owned() }, cluster()),
    ] {
        assert_complete(&found(&diagnosis, &cluster).remedy, "payments");
    }
}

#[test]
fn the_remedy_for_metrics_server_covers_ec2_nodes_too() {
    let down = Diagnosis::MetricsDown { version: "v1".to_owned(), answer: "503".to_owned() };
    let problem = found(&down, &cluster()).problem;
    assert!(
        problem.contains("On EC2 nodes the security groups") && problem.contains("10250 of all nodes"),
        "{problem}"
    );
}

#[test]
fn the_remedy_names_the_metrics_api_version_that_was_queried() {
    let answer = "503 Service Unavailable".to_owned();
    let down = Diagnosis::MetricsDown { version: "v1".to_owned(), answer: answer.clone() };
    let preferred_down =
        Diagnosis::PreferredDown { preferred: "v1".to_owned(), answer, serving: "v1beta1".to_owned() };
    for diagnosis in [down, preferred_down] {
        let found = found(&diagnosis, &cluster());
        assert!(
            found.remedy.ends_with(&format!("{KUBECTL}describe apiservice v1.metrics.k8s.io")),
            "{found:?}"
        );
        assert!(found.problem.contains("503"), "{found:?}");
    }
}

#[test]
fn the_path_of_a_list_determines_the_permission() {
    for (path, right) in [
        ("/api/v1/pods", Some(("", "pods"))),
        ("/apis/apps/v1/deployments", Some(("apps", "deployments"))),
        ("/apis/metrics.k8s.io/v1/pods", Some(("metrics.k8s.io", "pods"))),
        ("/apis", None),
        ("/api/v1/nodes/a/proxy/metrics/cadvisor", None),
    ] {
        assert_eq!(right_to_list(path), right.map(|(group, resource)| to_list(group, resource)), "{path}");
    }
}

#[test]
fn printed_roles_equal_those_in_the_docs() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/eks.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains(CLUSTER_ROLE) && page.contains(NODE_PROXY_ROLE));
    for (group, resource) in RIGHTS {
        assert!(CLUSTER_ROLE.contains(resource) && CLUSTER_ROLE.contains(group), "{group} {resource}");
    }
    for verb in ["get", "create", "update", "delete", "patch", "watch", "*", "proxy", "secrets", "exec"] {
        assert!(!CLUSTER_ROLE.contains(verb), "{verb}");
    }
}

#[test]
fn the_cadvisor_permission_is_granted_separately_and_with_a_warning() {
    let message = "nodes \"n\" is forbidden".to_owned();
    let SetupProblem { problem, remedy } = found(&Diagnosis::NodeProxy { message }, &cluster());
    for part in
        ["cadvisor: proxy", "get nodes/proxy", "nodes \"n\" is forbidden", "run commands in every pod"]
    {
        assert!(problem.contains(part), "{part} is not in {problem}");
    }
    assert!(remedy.contains("run commands in every pod") && remedy.contains(GROUP));
    assert!(remedy.contains("{apiGroups: [\"\"], resources: [nodes/proxy], verbs: [get]}"));
    for word in ["create", "list", "pods,", "*", "exec"] {
        assert!(!NODE_PROXY_ROLE.contains(word), "{word}");
    }
}

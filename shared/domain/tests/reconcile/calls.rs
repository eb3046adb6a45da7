//! The calls whose events fargaze accepts, against the API models and the rule in template.yaml.

use std::collections::BTreeSet;

use fargaze::events::{CALLS, Service};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");

/// Mutating ECS operations (aws-sdk-ecs 1.157.0, `src/operation`) other than the accepted ones.
const ECS_LEFT: &[(&str, &[&str])] = &[
    (
        "about services, tasks, instances and what they are made of, on which no setting depends",
        &[
            "ContinueServiceDeployment",
            "CreateDaemon",
            "CreateExpressGatewayService",
            "CreateService",
            "CreateTaskSet",
            "DeleteAttributes",
            "DeleteDaemon",
            "DeleteDaemonTaskDefinition",
            "DeleteExpressGatewayService",
            "DeleteService",
            "DeleteTaskDefinitions",
            "DeleteTaskSet",
            "DeregisterContainerInstance",
            "DeregisterTaskDefinition",
            "ExecuteCommand",
            "PutAttributes",
            "RegisterContainerInstance",
            "RegisterDaemonTaskDefinition",
            "RegisterTaskDefinition",
            "RunTask",
            "StartTask",
            "StopServiceDeployment",
            "StopTask",
            "SubmitAttachmentStateChanges",
            "SubmitContainerStateChange",
            "SubmitTaskStateChange",
            "UpdateContainerAgent",
            "UpdateContainerInstancesState",
            "UpdateDaemon",
            "UpdateExpressGatewayService",
            "UpdateService",
            "UpdateServicePrimaryTaskSet",
            "UpdateTaskProtection",
            "UpdateTaskSet",
        ],
    ),
    (
        "about capacity and gateways of a cluster, not about its settings",
        &[
            "AssociateGatewayWithCluster",
            "CreateCapacityProvider",
            "CreateGateway",
            "DeleteCapacityProvider",
            "DeleteGateway",
            "DisassociateGatewayFromCluster",
            "PutClusterCapacityProviders",
            "UpdateCapacityProvider",
            "UpdateGateway",
        ],
    ),
    (
        "the tag hands-off is read at each check; who takes it off waits for the sweep",
        &["TagResource", "UntagResource"],
    ),
];

/// The same for EKS (aws-sdk-eks 1.160.0).
const EKS_LEFT: &[(&str, &[&str])] = &[
    (
        "about what no part depends on",
        &[
            "ActivateCertificateAuthority",
            "AssociateEncryptionConfig",
            "AssociateIdentityProviderConfig",
            "CreateCapability",
            "CreateCertificateAuthority",
            "CreateEksAnywhereSubscription",
            "CreatePodIdentityAssociation",
            "DeleteCapability",
            "DeleteCertificateAuthority",
            "DeleteEksAnywhereSubscription",
            "DeletePodIdentityAssociation",
            "DisassociateIdentityProviderConfig",
            "StartInsightsRefresh",
            "UpdateCapability",
            "UpdateClusterVersion",
            "UpdateEksAnywhereSubscription",
            "UpdateNodegroupConfig",
            "UpdateNodegroupVersion",
            "UpdatePodIdentityAssociation",
        ],
    ),
    ("of clusters that run elsewhere", &["DeregisterCluster", "RegisterCluster"]),
    (
        "an add-on that is there is never touched, and what fargaze updates it follows itself",
        &["CancelUpdate", "UpdateAddon"],
    ),
    (
        "who gets into a cluster; the sweep finds the door open",
        &[
            "AssociateAccessPolicy",
            "CreateAccessEntry",
            "DeleteAccessEntry",
            "DisassociateAccessPolicy",
            "UpdateAccessEntry",
        ],
    ),
    (
        "the tag hands-off is read at each check; who takes it off waits for the sweep",
        &["TagResource", "UntagResource"],
    ),
];

fn taken(service: Service) -> BTreeSet<&'static str> {
    CALLS.iter().filter(|call| call.service == service).map(|call| call.name).collect()
}

/// The list under `eventName:` of the rule.
fn of_the_rule() -> BTreeSet<String> {
    let template = std::fs::read_to_string(TEMPLATE).unwrap();
    let rule = template.split_once("  ClusterChanged:\n").unwrap().1;
    let list = rule.split_once("eventName:\n").unwrap().1;
    let names = list.lines().map_while(|line| line.trim_start().strip_prefix("- "));
    names.map(str::to_owned).collect()
}

/// Issue 13, point 2.
#[test]
fn the_rule_of_the_template_takes_exactly_the_calls_of_the_list() {
    let listed: BTreeSet<String> = CALLS.iter().map(|call| call.name.to_owned()).collect();
    assert_eq!(of_the_rule(), listed);
    let once: BTreeSet<_> = CALLS.iter().map(|call| (call.service, call.name)).collect();
    assert_eq!(once.len(), CALLS.len());
}

/// Issue 13, point 2.
#[test]
fn every_operation_that_changes_something_is_taken_or_left_for_a_reason() {
    for (service, left, operations) in [(Service::Ecs, ECS_LEFT, 52), (Service::Eks, EKS_LEFT, 39)] {
        let taken = taken(service);
        let left: Vec<&str> = left.iter().flat_map(|(_, names)| *names).copied().collect();
        let all: BTreeSet<&str> = left.iter().copied().chain(taken.iter().copied()).collect();
        assert_eq!(all.len(), left.len() + taken.len(), "each once, {service:?}");
        assert_eq!(all.len(), operations, "{service:?}: {all:?}");
    }
}

//! The permissions of `EnableInsights` in a cluster, and the remedies for its refusals.

use fake_kubernetes::{Handle, Rights};
use function_tests::manifests;

use super::logging::{POLICY, config_map, rights as with_namespaces, start};
use super::*;

/// What the manifests of docs/policies.md grant.
fn rights() -> Rights {
    Rights::of_manifests(&manifests("policies.md")[0], "fargaze-setup")
}

/// A cluster in which the manifests were applied: they create the namespace, too.
async fn applied(rights: Rights) -> (Stack, Handle) {
    start(rights, |estate| {
        estate.place_namespace("aws-observability");
        let namespace = estate.stored_mut("namespaces", "", "aws-observability").unwrap();
        namespace["metadata"]["labels"]["aws-observability"] = "enabled".into();
    })
    .await
}

/// Whether the `ConfigMap` is written, changed with the policy, and deleted by a rollback.
async fn steps(rights: Rights) -> [bool; 3] {
    let (stack, kubernetes) = applied(rights).await;
    let output = || config_map(&kubernetes).map(|map| map["output.conf"].as_str().unwrap().to_owned());
    deliver(&stack, &[created("payments", now())]).await;
    let written = output().is_some();
    stack.put_config(&POLICY.replace("/eks/prod", "/eks/other"));
    deliver(&stack, &[created("payments", now())]).await;
    let changed = output().is_some_and(|output| output.contains("/eks/other"));
    ran(&stack, "rollback", 60).await;
    [written, changed, written && output().is_none()]
}

/// Issue 13, point 22: without any one permission something is not done, and with all of them
/// everything is.
#[tokio::test]
async fn each_permission_of_the_page_is_needed_and_no_other() {
    assert_eq!(steps(rights()).await, [true; 3]);
    let taken = rights().each_taken_away();
    assert_eq!(taken.len(), 5, "{taken:?}");
    for (right, rest) in taken {
        let expected = match right.as_str() {
            "update configmaps aws-logging" => [true, false, true],
            "delete configmaps aws-logging" => [true, true, false],
            "create configmaps" | "get configmaps aws-logging" | "get namespaces aws-observability" => {
                [false; 3]
            }
            other => panic!("{other}"),
        };
        assert_eq!(steps(rest).await, expected, "without {right}");
    }
}

/// The mail of a sweep, on one line.
async fn swept(stack: &Stack, at: i64) -> String {
    let mails = stack.mails().len();
    ran(stack, "sweep", at).await;
    stack.mail(mails).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Issue 13, point 23: the YAML of these permissions is in docs/policies.md.
#[tokio::test]
async fn a_missing_permission_points_to_the_page_that_has_it() {
    for rights in [Rights::none(), Rights::collector(), rights().each_taken_away().remove(0).1] {
        let (stack, _kubernetes) = start(rights, |_| {}).await;
        deliver(&stack, &[created("payments", now())]).await;
        let mail = swept(&stack, 60).await;
        assert!(mail.contains("403 Forbidden") && mail.contains("docs/policies.md"), "{mail}");
        assert!(!mail.contains("docs/eks.md"), "{mail}");
    }
}

/// Issue 13, point 23: nothing can be created in a namespace that is being deleted, whatever the
/// permissions.
#[tokio::test]
async fn a_namespace_that_is_being_deleted_is_waited_for() {
    let (stack, kubernetes) = applied(rights()).await;
    kubernetes.change(|estate| estate.terminate_namespace("aws-observability"));
    deliver_well(&stack, &[created("payments", now())]).await;
    assert!(kubernetes.meter().calls.iter().all(|call| call.method == "GET"));
    let mail = swept(&stack, 60).await;
    assert!(mail.contains("BLOCKED (missing prerequisite): aws-logging"), "{mail}");
    assert!(mail.contains("is being deleted") && mail.contains("wait until it is deleted"), "{mail}");
    assert!(mail.contains("cluster/payments describe namespace aws-observability"), "{mail}");
    assert!(!mail.contains("docs/eks.md") && !mail.contains("access entry"), "{mail}");
}

/// Issue 13, point 23: an immutable object is deleted, not changed.
#[tokio::test]
async fn an_immutable_one_is_reported_with_the_command_that_deletes_it() {
    let (stack, kubernetes) = start(with_namespaces(), |_| {}).await;
    deliver_well(&stack, &[created("payments", now())]).await;
    kubernetes.change(|estate| {
        estate.stored_mut("configmaps", "aws-observability", "aws-logging").unwrap()["immutable"] =
            true.into();
    });
    stack.put_config(&POLICY.replace("/eks/prod", "/eks/other"));
    let mail = swept(&stack, 60).await;
    assert!(mail.contains("FAILED aws-logging") && mail.contains("the object is immutable"), "{mail}");
    let kubectl =
        "kubectl --context arn:aws:eks:eu-west-1:123456789012:cluster/payments --namespace aws-observability";
    let copied = format!("{kubectl} get configmap aws-logging --output yaml > aws-logging.yaml");
    assert!(mail.contains(&format!("{copied} {kubectl} delete configmap aws-logging")), "{mail}");
    assert!(!mail.contains("check the configuration"), "{mail}");
}

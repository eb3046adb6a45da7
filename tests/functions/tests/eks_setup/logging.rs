//! The logging of Fargate pods: a `ConfigMap` in a cluster whose Kubernetes API is a stand-in over TLS.

use fake_kubernetes::{Estate, FakeKubernetes, Handle, Identity, Rights};
use function_tests::sent_back;

use super::*;

pub(super) const WISH: &str = "eks:
  wishes:
    - metrics-server: leave
      aws-logging:
        output.conf: |
          [OUTPUT]
              Name cloudwatch_logs
              Match *
              region eu-west-1
              log_group_name /eks/prod
";

/// The rights that docs/insights.md gives, and the one to make namespaces.
pub(super) fn rights() -> Rights {
    const NAMESPACE: &str = "aws-observability";
    Rights::none()
        .with("", &["namespaces"], &["create"])
        .with_named(NAMESPACE, "namespaces", NAMESPACE, &["get"])
        .with_in(NAMESPACE, &["configmaps"], &["create"])
        .with_named(NAMESPACE, "configmaps", "aws-logging", &["get", "update", "delete"])
}

/// A stack with one cluster, and the Kubernetes API of that cluster, which lets the function in with these rights.
pub(super) async fn start(rights: Rights, change: impl FnOnce(&mut Estate)) -> (Stack, Handle) {
    let identity = Identity {
        secret_access_key: "secret".to_owned(),
        session_token: None,
        rights,
        ..Identity::collector()
    };
    let estate = Estate::default().with(|estate| {
        "payments".clone_into(&mut estate.cluster);
        estate.identities = vec![identity];
        change(estate);
    });
    let kubernetes = FakeKubernetes::start(estate).await;
    let stack = super::stack([payments().at(&kubernetes.endpoint(), kubernetes.ca_base64())]);
    stack.put_config(WISH);
    (stack, kubernetes)
}

pub(super) fn config_map(kubernetes: &Handle) -> Option<Value> {
    kubernetes
        .estate()
        .stored("configmaps", "aws-observability", "aws-logging")
        .map(|map| map["data"].clone())
}

pub(super) fn states(stack: &Stack) -> Vec<(String, String)> {
    ledger(stack).into_iter().map(|(subject, state, _)| (subject, state)).collect()
}

#[tokio::test]
async fn it_is_written_once_with_its_namespace_and_changed_only_with_the_wish() {
    let (stack, kubernetes) = start(rights(), |_| {}).await;
    deliver_well(&stack, &[created("payments", now())]).await;
    let data = config_map(&kubernetes).unwrap();
    assert!(data["output.conf"].as_str().unwrap().contains("/eks/prod"), "{data}");
    let namespace = kubernetes.estate().stored("namespaces", "", "aws-observability").unwrap().clone();
    assert_eq!(namespace["metadata"]["labels"]["aws-observability"], "enabled");
    assert_eq!(states(&stack), [("payments/aws-logging".to_owned(), "done".to_owned())]);
    assert_eq!(stack.aws.take_sent(), []);

    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!(states(&stack).len(), 1);
    stack.put_config(&WISH.replace("/eks/prod", "/eks/other"));
    deliver_well(&stack, &[created("payments", now())]).await;
    assert!(config_map(&kubernetes).unwrap()["output.conf"].as_str().unwrap().contains("/eks/other"));
    assert_eq!(states(&stack).len(), 2);
}

#[tokio::test]
async fn one_that_others_wrote_is_never_written_over() {
    let theirs = |estate: &mut Estate| {
        estate.place_config_map(
            "aws-observability",
            "aws-logging",
            &[("output.conf", "[OUTPUT]\n    Name es\n    Match *\n")],
        );
    };
    let (stack, kubernetes) = start(rights(), theirs).await;
    let before = config_map(&kubernetes);
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!((config_map(&kubernetes), states(&stack)), (before, vec![]));
}

#[tokio::test]
async fn a_right_that_is_missing_is_told_and_nothing_is_written_down_as_done() {
    let (stack, kubernetes) = start(Rights::collector(), |_| {}).await;
    let answer = deliver(&stack, &[created("payments", now())]).await;
    assert_eq!(sent_back(&answer), ["message-0"]);
    assert_eq!(config_map(&kubernetes), None);
    assert_eq!(states(&stack), [("payments/aws-logging".to_owned(), "abandoned".to_owned())]);
}

#[tokio::test]
async fn an_api_that_lets_nobody_in_is_not_decided_on_and_sends_nothing_back() {
    let (stack, kubernetes) = start(Rights::none(), |_| {}).await;
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!((config_map(&kubernetes), states(&stack)), (None, vec![]));
}

#[tokio::test]
async fn without_a_wish_for_the_cluster_its_api_is_not_asked() {
    let (stack, kubernetes) = start(rights(), |_| {}).await;
    stack.put_config("{}");
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!(kubernetes.meter().calls.len(), 0);
    assert_eq!(addons(&stack, "payments"), [METRICS_SERVER]);
}

//! The logging of Fargate pods: a `ConfigMap` in a cluster whose Kubernetes API is a stand-in over
//! TLS.

use fake_kubernetes::{Estate, FakeKubernetes, Handle, Identity, Rights};
use function_tests::sent_back;

use super::*;

pub(super) const POLICY: &str = "policies:
  - metrics-server: leave
    aws-logging:
      output.conf: |
        [OUTPUT]
            Name cloudwatch_logs
            Match *
            region eu-west-1
            log_group_name /eks/prod
";

/// The permissions that docs/policies.md grants, and the one to create namespaces.
pub(super) fn rights() -> Rights {
    const NAMESPACE: &str = "aws-observability";
    Rights::none()
        .with("", &["namespaces"], &["create"])
        .with_named(NAMESPACE, "namespaces", NAMESPACE, &["get"])
        .with_in(NAMESPACE, &["configmaps"], &["create"])
        .with_named(NAMESPACE, "configmaps", "aws-logging", &["get", "update", "delete"])
}

/// A stack with one cluster, whose Kubernetes API grants the function these permissions.
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
    stack.put_config(POLICY);
    (stack, kubernetes)
}

pub(super) fn config_map(kubernetes: &Handle) -> Option<Value> {
    kubernetes
        .estate()
        .stored("configmaps", "aws-observability", "aws-logging")
        .map(|map| map["data"].clone())
}

pub(super) fn states(stack: &Stack) -> Vec<(String, String)> {
    changes(stack).into_iter().map(|(subject, state, _)| (subject, state)).collect()
}

#[tokio::test]
async fn it_is_written_once_with_its_namespace_and_changed_only_with_the_policy() {
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
    stack.put_config(&POLICY.replace("/eks/prod", "/eks/other"));
    deliver_well(&stack, &[created("payments", now())]).await;
    assert!(config_map(&kubernetes).unwrap()["output.conf"].as_str().unwrap().contains("/eks/other"));
    assert_eq!(states(&stack).len(), 2);
}

#[tokio::test]
async fn labels_and_annotations_of_others_stay_when_it_is_changed() {
    let (stack, kubernetes) = start(rights(), |_| {}).await;
    deliver_well(&stack, &[created("payments", now())]).await;
    let theirs = json!({"team": "platform"});
    kubernetes.change(|estate| {
        let map = estate.stored_mut("configmaps", "aws-observability", "aws-logging").unwrap();
        map["metadata"]["labels"] = theirs.clone();
        map["metadata"]["annotations"] = theirs.clone();
    });
    stack.put_config(&POLICY.replace("/eks/prod", "/eks/other"));
    deliver_well(&stack, &[created("payments", now())]).await;
    let estate = kubernetes.estate();
    let map = estate.stored("configmaps", "aws-observability", "aws-logging").unwrap();
    assert!(map["data"]["output.conf"].as_str().unwrap().contains("/eks/other"), "{map}");
    assert_eq!((&map["metadata"]["labels"], &map["metadata"]["annotations"]), (&theirs, &theirs));
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

/// A namespace and `ConfigMap` of others.
fn place(estate: &mut Estate, label: Option<&str>, data: &[(&str, &str)]) {
    estate.place_config_map("aws-observability", "aws-logging", data);
    let namespace = estate.stored_mut("namespaces", "", "aws-observability").unwrap();
    if let Some(label) = label {
        namespace["metadata"]["labels"]["aws-observability"] = label.into();
    }
}

/// Result and reason of the findings of event and sweep; nothing is written.
async fn only_reported(label: Option<&str>, data: &[(&str, &str)]) -> (Value, String) {
    let (stack, kubernetes) = start(rights(), |estate| place(estate, label, data)).await;
    let before = config_map(&kubernetes);
    deliver_well(&stack, &[created("payments", now())]).await;
    let swept = ran(&stack, "sweep", 60).await;
    assert_eq!((config_map(&kubernetes), states(&stack)), (before, vec![]));
    assert!(kubernetes.meter().calls.iter().all(|call| call.method == "GET"));
    let mail = stack.mail(0);
    assert!(mail.contains("aws-logging"), "{mail}");
    let found = of_aspect(&swept, "aws-logging");
    assert_eq!(found["news"], true);
    (found["result"].clone(), found["reason"].as_str().unwrap().to_owned())
}

const BAD: [(&str, &str); 3] =
    [("output.conf", "[INPUT]\n    Name tail\n"), ("filter.conf", ""), ("flb_log_cw", "yes")];

/// Its problems: key, problem, and remedy.
const WRONG: [&str; 4] = [
    "output.conf: there is no [OUTPUT] section; add one with the output to send the logs to",
    "output.conf, line 1: [INPUT] is not allowed here; remove it; Fargate provides it",
    "filter.conf: `filter.conf` is not a known key; did you mean `filters.conf`?",
    "flb_log_cw: its value is \"yes\"; write \"true\" or \"false\", in quotes",
];

const LABEL_IT: &str = "add the label aws-observability=enabled";
/// The same as a command, in the mail.
const LABEL: &str = "kubectl --context arn:aws:eks:eu-west-1:123456789012:cluster/payments label --overwrite namespace \
                     aws-observability aws-observability=enabled";

#[tokio::test]
async fn a_bad_one_of_others_is_reported_problem_by_problem() {
    let (result, reason) = only_reported(Some("enabled"), &BAD).await;
    assert_eq!(result, "reported");
    for problem in WRONG {
        assert!(reason.contains(problem), "{problem}: {reason}");
    }
    assert!(!reason.contains(LABEL_IT), "{reason}");
}

#[tokio::test]
async fn a_namespace_of_others_without_its_label_is_reported_with_the_problems_in_it() {
    for (label, says) in
        [(None, "it lacks the label"), (Some("true"), "it has the label aws-observability=true")]
    {
        let (result, reason) = only_reported(label, &BAD).await;
        assert_eq!(result, "reported");
        for problem in WRONG.into_iter().chain([says, LABEL_IT]) {
            assert!(reason.contains(problem), "{problem}: {reason}");
        }
    }
}

#[tokio::test]
async fn what_lacks_only_the_label_is_written_once_it_has_it() {
    let (stack, kubernetes) = start(rights(), |estate| estate.place_namespace("aws-observability")).await;
    deliver_well(&stack, &[created("payments", now())]).await;
    let swept = ran(&stack, "sweep", 60).await;
    let found = of_aspect(&swept, "aws-logging");
    assert_eq!(found["result"], "blocked");
    assert!(found["reason"].as_str().unwrap().ends_with(LABEL_IT), "{found}");
    assert!(stack.mail(0).contains(LABEL), "{}", stack.mail(0));
    assert_eq!((config_map(&kubernetes), states(&stack)), (None, vec![]));

    kubernetes.change(|estate| {
        let namespace = estate.stored_mut("namespaces", "", "aws-observability").unwrap();
        namespace["metadata"]["labels"]["aws-observability"] = "enabled".into();
    });
    ran(&stack, "sweep", 120).await;
    assert_eq!(states(&stack), [("payments/aws-logging".to_owned(), "done".to_owned())]);
    assert!(config_map(&kubernetes).is_some());
}

#[tokio::test]
async fn a_missing_permission_is_reported_and_nothing_is_recorded_as_done() {
    let (stack, kubernetes) = start(Rights::collector(), |_| {}).await;
    let answer = deliver(&stack, &[created("payments", now())]).await;
    assert_eq!(sent_back(&answer), ["message-0"]);
    assert_eq!(config_map(&kubernetes), None);
    assert_eq!(states(&stack), [("payments/aws-logging".to_owned(), "abandoned".to_owned())]);
}

#[tokio::test]
async fn an_api_that_denies_access_leads_to_no_decision_and_returns_nothing_to_the_queue() {
    let (stack, kubernetes) = start(Rights::none(), |_| {}).await;
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!((config_map(&kubernetes), states(&stack)), (None, vec![]));
}

/// An entry about something else, such as the one that docs/eks.md shows for cAdvisor, does not
/// request it either.
#[tokio::test]
async fn without_a_policy_for_the_logging_of_the_cluster_its_api_is_not_queried() {
    let cadvisor = "eks: [{clusters: [payments], cadvisor: proxy}]";
    for config in ["{}", cadvisor, "policies: [{control-plane-logs: leave}]"] {
        let (stack, kubernetes) = start(Rights::none(), |estate| estate.identities.clear()).await;
        stack.put_config(config);
        deliver_well(&stack, &[created("payments", now())]).await;
        let swept = ran(&stack, "sweep", 60).await;
        let found = of_aspect(&swept, "aws-logging");
        assert_eq!((&found["result"], kubernetes.meter().calls.len()), (&json!("left"), 0), "{config}");
        assert_eq!(addons(&stack, "payments"), [METRICS_SERVER]);
    }
    // An entry that names it does.
    let (stack, kubernetes) = start(rights(), |_| {}).await;
    stack.put_config("policies: [{aws-logging: report}]");
    deliver_well(&stack, &[created("payments", now())]).await;
    assert!(!kubernetes.meter().calls.is_empty());
}

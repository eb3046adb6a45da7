//! What a person can do about EKS clusters, to the letter.

use super::eks::{eks, of};
use super::*;
use crate::insights::eks::{EksAspect, EksFinding, EksRemedy, EksResult};
use crate::operation::Operation;

/// What is only reported is as its wish says: the head does not say otherwise. Each cluster has commands of its own, and they
/// are one line each, however long.
#[test]
fn what_is_only_reported_and_what_a_person_can_do_read_like_this() {
    let missing = "it is missing; its wish is report (built-in); to install it, write cloudwatch-observability: install";
    let unlabelled = |cluster| EksFinding {
        remedy: Some(EksRemedy::Label),
        news: true,
        ..eks(cluster, Some(EksAspect::AwsLogging), EksResult::Reported, "it lacks the label")
    };
    let refused = Fault {
        operation: Operation::kubernetes("GET", "/api/v1/namespaces/aws-observability"),
        code: "Unauthorized".to_owned(),
        message: "401 Unauthorized".to_owned(),
        ..denied()
    };
    let found = vec![
        EksFinding {
            news: true,
            unannounced: true,
            ..eks("lab", Some(EksAspect::CloudwatchObservability), EksResult::Reported, missing)
        },
        unlabelled("one"),
        unlabelled("two"),
        unlabelled("three"),
        unlabelled("four"),
        eks("locked", Some(EksAspect::AwsLogging), EksResult::Unknown(refused), "it could not be asked"),
    ];
    let message = message(RunKind::Sweep, &results(of(found)));
    let context =
        |cluster: &str| format!("kubectl --context arn:aws:eks:eu-west-1:123456789012:cluster/{cluster}");
    let label = |cluster: &str| {
        format!(
            "    aws eks update-kubeconfig --region eu-west-1 --name {cluster}\n    {} label --overwrite namespace aws-observability \
             aws-observability=enabled\n",
            context(cluster)
        )
    };
    assert_eq!(
        message.body,
        format!(
            "\
EKS NOT SET UP, ONLY REPORTED cloudwatch-observability in eu-west-1
(123456789012): lab.
  Why: it is missing; its wish is report (built-in); to install it, write
  cloudwatch-observability: install.

EKS NOT SET UP, ONLY REPORTED aws-logging in eu-west-1 (123456789012): four,
one, three, two.
  Why: it lacks the label.
  To do:
{}{}{}    (and the same for 1 more)

EKS NOT SEEN aws-logging in eu-west-1 (123456789012): locked.
  kubernetes:GET /api/v1/namespaces/aws-observability: Unauthorized: 401
  Unauthorized (give the role of EnableInsights, the stack's output
  EnableInsightsRoleArn, its access entry and rights in the cluster:
  docs/insights.md).
  To do:
    aws eks create-access-entry --region eu-west-1 --cluster-name locked --principal-arn ROLE --kubernetes-groups fargaze-setup

EKS EVENTS DO NOT ARRIVE: is there a CloudTrail trail? No event came of lab.
  The sweep found them as new ones. EventBridge gets calls to ECS and EKS only
  through a trail that logs management events; without it, new clusters wait
  for the next sweep.

EKS clusters: 0 of 6 as wished, 1 denied, 1 without an event, 5 only reported.

Looked at 6 of 6 clusters of EKS.
Run sweep-20261122T063000Z, at 2026-11-22 06:30 UTC.
",
            label("one"),
            label("two"),
            label("three")
        )
    );
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    assert!(json["eks_clusters"][1]["commands"].as_str().unwrap().contains(&context("one")), "{json}");
}

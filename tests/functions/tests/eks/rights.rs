//! The minimum permissions: all of them are needed, and nothing is missing with them.

use fake_kubernetes::{Kind, Rights, Workload};
use fargaze::evidence::pods::{ClusterState, GROUP, MetricsApi};
use function_tests::{manifests, minute};
use serde_json::Value;

use super::{Watched, collector, healthy, rights, watch};

/// A cluster with one of each listed kind.
async fn watched() -> Watched {
    watch(healthy().with(|estate| {
        for kind in [Kind::StatefulSet, Kind::DaemonSet, Kind::Job] {
            estate.place_workload(Workload::new(kind, "shop", "idle", 0, minute(-600)));
        }
    }))
    .await
}

/// What a report with these permissions says: about the cluster, in its mail, and in its JSON.
async fn report(watched: &Watched, rights: Rights, offset: i64) -> (ClusterState, String, Value) {
    watched.edit(|estate| estate.identities[0].rights = rights);
    let mails = watched.stack.mails().len();
    watched.stack.run_line("report", minute(offset)).await.receipt.unwrap();
    let mail = watched.stack.mail(mails).split_whitespace().collect::<Vec<_>>().join(" ");
    let report = watched.stack.json("reports/latest.json");
    (watched.snapshot("report", offset).eks.remove(0), mail, report["eks"][0].clone())
}

/// Issue 13, point 22: without any one permission something is missing, and with all of them
/// nothing is.
#[tokio::test]
async fn each_permission_of_the_page_is_needed_and_no_other() {
    let watched = watched().await;
    let (state, mail, _) = report(&watched, rights(), 0).await;
    assert_eq!(state.findings, []);
    assert!(state.unlisted.is_empty() && state.nodes.is_some(), "{state:?}");
    assert_eq!(state.metrics_api, MetricsApi::Serves("v1beta1".to_owned()));
    assert!(!mail.contains("not known") && !mail.contains("Could not query"), "{mail}");

    let taken = rights().each_taken_away();
    assert_eq!(taken.len(), 8, "{taken:?}");
    for ((right, rest), run) in taken.into_iter().zip(1..) {
        let (state, mail, _) = report(&watched, rest, run * 10).await;
        let problem = format!("Missing permissions in the cluster: the role may not {right}.");
        let problems: Vec<&str> = state.findings.iter().map(|finding| finding.problem.as_str()).collect();
        assert_eq!(problems, [problem.as_str()]);
        let commands: Vec<&str> = state.findings[0].remedy.lines().take(2).collect();
        assert_eq!(commands[0], "aws eks update-kubeconfig --region eu-west-1 --name payments");
        let context = "kubectl --context arn:aws:eks:eu-west-1:123456789012:cluster/payments";
        assert_eq!(commands[1], format!("{context} apply -f - <<'EOF'"), "{right}");
        // Without events, everything that is counted is known.
        assert_eq!(mail.contains("Could not query"), right != "list events", "{mail}");
        assert!(mail.contains(&problem), "{mail}");
    }
}

/// Issue 13, point 22: the permission for cAdvisor is separate.
#[tokio::test]
async fn the_permission_for_cadvisor_is_separate() {
    let both = manifests("eks.md").concat().replace("EOF", "");
    let apart = Rights::of_manifests(&manifests("eks.md")[1], GROUP).each_taken_away();
    let words: Vec<&str> = apart.iter().map(|(right, _)| right.as_str()).collect();
    assert_eq!(words, ["get nodes/proxy"]);
    assert!(!both.contains("create") && !both.contains("secrets"), "{both}");
}

/// Issue 13, point 18: what was not listed is unknown, and never 0.
#[tokio::test]
async fn what_was_not_listed_is_not_known_and_never_zero() {
    let watched = watched().await;
    for ((group, resource, words), run) in [
        ("", "nodes", "nodes not known"),
        ("apps", "deployments", "Deployments not known"),
        ("apps", "statefulsets", "StatefulSets not known"),
        ("apps", "daemonsets", "DaemonSets not known"),
        ("batch", "jobs", "CronJobs not known"),
        ("", "pods", "nodes not known"),
    ]
    .into_iter()
    .zip(1..)
    {
        let (state, mail, json) = report(&watched, rights().without(group, resource), run * 10).await;
        assert!(resource == "pods" || mail.contains(words), "{resource}: {mail}");
        assert!(!mail.contains("0 Fargate nodes"), "{resource}: {mail}");
        let is_known = resource != "nodes";
        assert_eq!(
            (state.nodes.is_some(), json["fargate_nodes"].is_u64()),
            (is_known, is_known),
            "{resource}"
        );
        let command = state.findings.iter().filter(|finding| finding.remedy.contains("kind: ClusterRole\n"));
        assert_eq!(command.count(), 1, "{resource}: {:?}", state.findings);
        if resource == "deployments" {
            let web = json["workloads"].as_array().unwrap().iter().find(|one| one["name"] == "web").unwrap();
            assert_eq!(
                (&web["available"], &web["replicas_not_known"]),
                (&Value::Null, &true.into()),
                "{web}"
            );
        }
        if resource == "pods" {
            assert!(!mail.contains(" 0 pods") && mail.contains("could not be read"), "{mail}");
        }
    }
}

/// Issue 13, point 18: nor is what EKS did not return.
#[tokio::test]
async fn what_eks_did_not_say_is_not_known_either() {
    let watched = watched().await;
    let denied =
        |operation| fake_aws::Fault::on(operation).times(9).error(403, "AccessDeniedException", "no");
    watched.stack.aws.add_fault(denied("eks:ListFargateProfiles"));
    let (state, _, json) = report(&watched, rights(), 0).await;
    assert_eq!((state.profiles, state.addons), (None, None));
    assert_eq!((&json["profiles"], &json["addons"]), (&Value::Null, &Value::Null));
    let page = watched
        .stack
        .aws
        .objects()
        .into_iter()
        .find(|object| object.key.contains("/report-") && object.key.contains(".html"))
        .unwrap();
    let page = watched.stack.aws.object(function_tests::Stack::BUCKET, &page.key).unwrap();
    let page = String::from_utf8_lossy(&page).into_owned();
    for fact in ["Fargate profiles", "Add-ons"] {
        assert!(page.contains(&format!("<dt>{fact}</dt><dd>not known</dd>")), "{fact}");
    }

    let watched = self::watched().await;
    watched.stack.aws.add_fault(denied("eks:DescribeCluster"));
    let (state, mail, json) = report(&watched, rights(), 0).await;
    assert_eq!((state.logs, &json["logs"], &json["status"]), (None, &Value::Null, &Value::Null));
    assert!(mail.contains("status not known, nodes not known, workloads not known"), "{mail}");
    assert!(mail.contains("DescribeCluster failed, so its endpoint is unknown"), "{mail}");
    assert!(!mail.contains("EKS calls it UNKNOWN") && !mail.contains("aws eks describe-cluster"), "{mail}");
}

/// Issue 13, point 26: one finding for everything that is forbidden.
#[tokio::test]
async fn what_is_forbidden_is_found_once() {
    let watched = watched().await;
    let rights = rights().without("", "pods").without("metrics.k8s.io", "pods").without("batch", "jobs");
    let (state, ..) = report(&watched, rights, 0).await;
    let problems: Vec<&str> = state.findings.iter().map(|finding| finding.problem.as_str()).collect();
    let one = "Missing permissions in the cluster: the role may not list pods, list jobs.batch, list pods.metrics.k8s.io.";
    assert_eq!(problems, [one]);
    assert_eq!(collector().groups[0], GROUP);
}

//! The sweep of EKS clusters.

use std::time::Duration;

use fake_aws::Fault;
use function_tests::{ATTEMPTS, minute};

use super::*;

/// Cluster, part and result of all findings.
fn results(outcome: &Value) -> Vec<(String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let words = |one: &Value| (text(&one["subject"]["cluster"]), text(&one["aspect"]), one["result"].clone());
    findings(outcome).iter().map(words).collect()
}

/// The result of one part of a cluster.
fn result(outcome: &Value, cluster: &str, part: &str) -> Value {
    let found: Vec<_> = results(outcome)
        .into_iter()
        .filter(|one| (one.0.as_str(), one.1.as_str()) == (cluster, part))
        .collect();
    assert_eq!(found.len(), 1, "{cluster} {part}: {outcome}");
    found[0].2.clone()
}

fn finding(outcome: &Value, cluster: &str, part: &str) -> Value {
    let is_it = |one: &&Value| one["subject"]["cluster"] == cluster && one["aspect"] == part;
    findings(outcome).iter().find(is_it).unwrap().clone()
}

/// Existing clusters, each of them missing metrics-server.
fn old(names: &[&str]) -> Vec<EksClusterSpec> {
    names.iter().map(|name| cluster(name).since("ACTIVE", minute(-600))).collect()
}

const CHANGE: &str = "limits: {existing: change, max-changes: 1000, max-percent: 100}";

#[tokio::test(start_paused = true)]
async fn clusters_that_were_there_before_are_news_once_and_changed_only_if_the_file_says_so() {
    let stack = stack(old(&["a", "b"]));
    let first = ran(&stack, "sweep", 0).await;
    assert_eq!(result(&first, "a", METRICS_SERVER), "reported");
    assert_eq!(finding(&first, "a", METRICS_SERVER)["news"], true);
    assert_eq!((&first["coverage"]["clusters"], &first["coverage"]["clusters_seen"]), (&json!(2), &json!(2)));
    let second = ran(&stack, "sweep", 60).await;
    assert_eq!(finding(&second, "a", METRICS_SERVER).get("news"), None);
    assert_eq!(stack.aws.meter().count(CREATE), 0);

    stack.put_config(CHANGE);
    let third = ran(&stack, "sweep", 120).await;
    assert_eq!(
        (result(&third, "a", METRICS_SERVER), result(&third, "b", METRICS_SERVER)),
        (json!("set"), json!("set"))
    );
    let sent = stack.aws.take_sent();
    assert_eq!(sent.len(), 2, "each is followed: {sent:?}");
    ["a", "b"].iter().for_each(|name| finish(&stack, name));
    let fourth = ran(&stack, "sweep", 180).await;
    assert_eq!(result(&fourth, "b", METRICS_SERVER), "compliant");
    assert_eq!(changes(&stack), ["a", "b"].map(|name| entry(&format!("{name}/metrics-server"), "done")));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_repairs_a_cluster_whose_event_was_lost() {
    let stack = stack(old(&["old"]));
    ran(&stack, "sweep", 0).await;
    stack.aws.edit(|world| world.home().put_eks(cluster("new").since("ACTIVE", minute(30))));
    let found = ran(&stack, "sweep", 60).await;
    assert_eq!(result(&found, "new", METRICS_SERVER), "set");
    assert_eq!(result(&found, "old", METRICS_SERVER), "reported");
    let unannounced = findings(&found).iter().filter(|one| one["unannounced"] == true);
    let names: Vec<&Value> = unannounced.map(|one| &one["subject"]["cluster"]).collect();
    assert_eq!(names, ["new"], "once");
}

/// Issue 13, point 3.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_eks_creates_during_the_first_sweep_is_new_for_the_next() {
    for (age, is) in [(1, "not-yet"), (61, "overdue")] {
        let stack = stack([cluster("new").since("CREATING", minutes_ago(age))]);
        let first = ran_at(&stack, "sweep", now()).await;
        assert_eq!(result(&first, "new", ""), is);
        edit(&stack, "new", |cluster| "ACTIVE".clone_into(&mut cluster.status));
        let second = ran_at(&stack, "sweep", now() + SignedDuration::from_mins(60)).await;
        assert_eq!(result(&second, "new", METRICS_SERVER), "set", "{is}");
    }
}

/// The event of an earlier cluster of the name says nothing about it.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_created_again_without_an_event_is_reported_as_such() {
    let stack = stack([cluster("shop").since("ACTIVE", minute(-60))]);
    deliver_well(&stack, &[created("shop", minute(-60))]).await;
    let first = ran(&stack, "sweep", 0).await;
    assert_eq!(first["findings"][0].get("unannounced"), None);
    stack.aws.edit(|world| world.home().put_eks(cluster("shop").since("ACTIVE", minute(30))));
    let second = ran(&stack, "sweep", 60).await;
    assert_eq!(second["findings"][0]["unannounced"], true, "{second}");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_changes_nothing_and_says_the_cost() {
    let stack = stack(old(&["a"]));
    let dry_run = CHANGE.replace('{', "{dry-run: true, ");
    stack.put_config(&format!("{dry_run}\npolicies: [{{control-plane-logs: [audit]}}]"));
    let found = ran(&stack, "sweep", 0).await;
    for (part, cost) in [(METRICS_SERVER, "free-but-pods"), ("control-plane-logs", "logs-with-audit")] {
        let finding = finding(&found, "a", part);
        assert_eq!((&finding["result"], &finding["cost"]), (&json!("would-set"), &json!({"note": cost})));
    }
    let calls =
        stack.writes().into_iter().filter(|call| call.starts_with("eks:") || call.starts_with("sqs:"));
    assert_eq!(
        (calls.collect::<Vec<_>>(), changes(&stack), &found["dry_run"]),
        (vec![], vec![], &json!(true))
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_clusters_are_changed_than_allowed_and_the_queue_does_not_change_them_either() {
    let stack = stack(old(&["a", "b", "c"]));
    stack.put_config("limits: {existing: change, max-changes: 1}");
    for (minute, done) in [(0, "a"), (60, "b"), (120, "c")] {
        let found = ran(&stack, "sweep", minute).await;
        let set: Vec<String> =
            results(&found).into_iter().filter(|one| one.2 == "set").map(|one| one.0).collect();
        assert_eq!(set, [done]);
        assert_eq!(follow(&stack).0["cluster"], done);
        finish(&stack, done);
    }
    assert_eq!(stack.aws.meter().count(CREATE), 3);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_continues_where_its_time_was_up() {
    let stack = stack(old(&["a", "b", "c"]));
    stack.put_config(CHANGE);
    stack.set_timeout(Duration::from_secs(1));
    let found = ran(&stack, "sweep", 0).await;
    let set = results(&found).into_iter().filter(|one| one.2 == "set").map(|one| one.0);
    assert_eq!(set.collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!((stack.aws.meter().count(CREATE), &found["coverage"]["clusters_seen"]), (3, &json!(3)));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_takes_more_than_an_hour_is_reported() {
    let stack = stack([payments().since("CREATING", minute(-61))]);
    let found = ran(&stack, "sweep", 0).await;
    assert_eq!(
        (result(&found, "payments", ""), &found["findings"][0]["news"]),
        (json!("overdue"), &json!(true))
    );
    assert_eq!(stack.aws.take_sent(), []);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_asked_or_done_is_reported() {
    let stack = stack(old(&["a", "b", "c"]));
    stack.put_config(CHANGE);
    stack.aws.add_fault(Fault::on("eks:DescribeCluster").times(ATTEMPTS).throttle());
    let denied =
        Fault::on(CREATE).error(403, "AccessDeniedException", "not authorized to perform eks:CreateAddon");
    stack.aws.add_fault(denied);
    let found = ran(&stack, "sweep", 0).await;
    assert_eq!(found["coverage"]["faults"][0]["fault"]["subject"], "a");
    assert_eq!((&found["coverage"]["clusters"], &found["coverage"]["clusters_seen"]), (&json!(3), &json!(2)));
    assert_eq!(result(&found, "b", METRICS_SERVER)["failed"]["kind"], "denied");
    assert_eq!(result(&found, "c", METRICS_SERVER), "set");
}

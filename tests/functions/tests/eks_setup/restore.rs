//! The restore of EKS clusters: what fargaze set up is undone, and nothing else.

use super::*;

const ALL: &str = "eks: {existing: change, max-percent: 100, wishes: [{control-plane-logs: [api, audit]}]}";

/// A cluster that a sweep has set up, with `scheduler` logs of others.
async fn set_up() -> Stack {
    let before = payments().log("scheduler");
    let stack = stack([before.since("ACTIVE", function_tests::minute(-600))]);
    stack.put_config(ALL);
    ran(&stack, "sweep", 0).await;
    finish(&stack, "payments");
    ran(&stack, "sweep", 60).await;
    let done =
        ["control-plane-logs", "metrics-server"].map(|part| entry(&format!("payments/{part}"), "done"));
    assert_eq!(ledger(&stack), done);
    stack.aws.take_sent();
    stack
}

fn results(outcome: &Value) -> Vec<Value> {
    outcome["eks"].as_array().unwrap().iter().map(|finding| finding["result"].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_was_set_up_is_undone_and_stays_so() {
    let stack = set_up().await;
    let found = ran(&stack, "restore", 120).await;
    assert_eq!(results(&found), ["restored", "restored"]);
    finish(&stack, "payments");
    assert_eq!(
        (addons(&stack, "payments"), logs(&stack, "payments")),
        (vec![], vec!["scheduler".to_owned()])
    );
    assert!(ledger(&stack).iter().all(|(_, state, _)| state == "restored"));

    let again = ran(&stack, "restore", 180).await;
    assert_eq!(
        (results(&again), &again["eks"][0]["reason"]),
        (vec![json!("left")], &json!("there is nothing to restore"))
    );
    let swept = ran(&stack, "sweep", 240).await;
    assert!(results(&swept).iter().all(|result| result != "set"), "{swept}");
}

#[tokio::test(start_paused = true)]
async fn an_addon_that_others_updated_is_skipped() {
    let stack = set_up().await;
    edit(&stack, "payments", |cluster| {
        "v0.9.0-eksbuild.1".clone_into(&mut cluster.addons.get_mut(METRICS_SERVER).unwrap().version);
    });
    let found = ran(&stack, "restore", 120).await;
    assert_eq!(results(&found), ["skipped", "restored"]);
    assert_eq!(addons(&stack, "payments"), [METRICS_SERVER]);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_of_a_restore_changes_nothing() {
    let stack = set_up().await;
    stack.put_config(&ALL.replace('{', "{dry-run: true, ").replace("[{dry-run: true, ", "[{"));
    let found = ran(&stack, "restore", 120).await;
    assert_eq!(results(&found), ["would-set", "would-set"]);
    assert_eq!((stack.aws.meter().count("eks:DeleteAddon"), addons(&stack, "payments").len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn while_eks_works_on_the_cluster_it_is_to_be_restored_later() {
    let stack = set_up().await;
    let theirs = fake_aws::UpdateSpec {
        status: "InProgress".to_owned(),
        logs: ["api", "audit", "scheduler"].map(str::to_owned).into(),
        errors: Vec::new(),
    };
    edit(&stack, "payments", |cluster| cluster.updates.insert("theirs".to_owned(), theirs));
    let found = ran(&stack, "restore", 120).await;
    assert_eq!(results(&found), ["restored", "in-progress"]);
    finish(&stack, "payments");
    let found = ran(&stack, "restore", 180).await;
    assert_eq!(results(&found), ["restored"]);
}

//! The rollback of EKS clusters: what fargaze set up is undone, and nothing else.

use fargaze::reconcile::Aspect;

use super::*;

const ALL: &str =
    "limits: {existing: change, max-percent: 100}\npolicies: [{control-plane-logs: [api, audit]}]";

/// A cluster that a sweep has set up, with `scheduler` logs enabled by others.
async fn set_up() -> Stack {
    let before = payments().log("scheduler");
    let stack = stack([before.since("ACTIVE", function_tests::minute(-600))]);
    stack.put_config(ALL);
    ran(&stack, "sweep", 0).await;
    finish(&stack, "payments");
    ran(&stack, "sweep", 60).await;
    let done =
        ["control-plane-logs", "metrics-server"].map(|part| entry(&format!("payments/{part}"), "done"));
    assert_eq!(changes(&stack), done);
    stack.aws.take_sent();
    stack
}

fn results(outcome: &Value) -> Vec<Value> {
    findings(outcome).iter().map(|finding| finding["result"].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_was_set_up_is_undone_and_stays_so() {
    let stack = set_up().await;
    let found = ran(&stack, "rollback", 120).await;
    assert_eq!(results(&found), ["rolled-back", "rolled-back"]);
    finish(&stack, "payments");
    assert_eq!(
        (addons(&stack, "payments"), logs(&stack, "payments")),
        (vec![], vec!["scheduler".to_owned()])
    );
    assert!(changes(&stack).iter().all(|(_, state, _)| state == "rolled-back"));

    let again = ran(&stack, "rollback", 180).await;
    assert_eq!(
        (results(&again), &again["findings"][0]["reason"]),
        (vec![json!("left")], &json!("there is nothing to roll back"))
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
    let found = ran(&stack, "rollback", 120).await;
    assert_eq!(results(&found), ["skipped", "rolled-back"]);
    assert_eq!(addons(&stack, "payments"), [METRICS_SERVER]);
}

/// EKS's response has the version that it chose.
#[tokio::test(start_paused = true)]
async fn an_addon_that_others_updated_before_fargaze_looked_again_is_skipped() {
    let stack = stack([payments().since("ACTIVE", minute(-600))]);
    stack.put_config(ALL);
    ran(&stack, "sweep", 0).await;
    edit(&stack, "payments", |cluster| {
        "v0.9.0-eksbuild.1".clone_into(&mut cluster.addons.get_mut(METRICS_SERVER).unwrap().version);
    });
    finish(&stack, "payments");
    let found = ran(&stack, "rollback", 60).await;
    assert_eq!(results(&found), ["skipped", "rolled-back"]);
    assert_eq!(addons(&stack, "payments"), [METRICS_SERVER]);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_of_a_rollback_changes_nothing() {
    let stack = set_up().await;
    stack.put_config(&ALL.replace("limits: {", "limits: {dry-run: true, "));
    let found = ran(&stack, "rollback", 120).await;
    assert_eq!(results(&found), ["would-set", "would-set"]);
    assert_eq!((stack.aws.meter().count("eks:DeleteAddon"), addons(&stack, "payments").len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn while_eks_works_on_the_cluster_it_is_to_be_rolled_back_later() {
    let stack = set_up().await;
    let theirs = fake_aws::UpdateSpec {
        status: "InProgress".to_owned(),
        logs: ["api", "audit", "scheduler"].map(str::to_owned).into(),
        errors: Vec::new(),
    };
    edit(&stack, "payments", |cluster| cluster.updates.insert("theirs".to_owned(), theirs));
    let found = ran(&stack, "rollback", 120).await;
    assert_eq!(results(&found), ["rolled-back", "in-progress"]);
    finish(&stack, "payments");
    let found = ran(&stack, "rollback", 180).await;
    assert_eq!(results(&found), ["rolled-back"]);
}

/// A rollback requested EKS to turn logs off; returns the message for the follow-up.
async fn asked() -> (Stack, Value) {
    let stack = set_up().await;
    let found = ran(&stack, "rollback", 120).await;
    assert_eq!(results(&found), ["rolled-back", "rolled-back"]);
    let reason = found["findings"][1]["reason"].as_str().unwrap();
    assert!(reason.contains("EKS is processing it"), "{reason}");
    let (message, delay) = follow(&stack);
    assert_eq!((&message["rollback"], delay), (&json!(true), 60));
    assert_eq!(message["updates"][0]["aspect"], "control-plane-logs");
    assert!(message["updates"][0]["id"].is_string(), "{message}");
    (stack, message)
}

/// The state of the logs change, and the change log's record of its undoing.
fn undone(stack: &Stack) -> (String, Value) {
    let mut log = change_log(stack);
    log.retain(|change| change.aspect == Aspect::ControlPlaneLogs);
    assert_eq!(log.len(), 1);
    (log[0].state.as_str().to_owned(), json!(log[0].undo))
}

fn updates(stack: &Stack) -> usize {
    stack.aws.meter().count(UPDATE)
}

#[tokio::test(start_paused = true)]
async fn logs_that_eks_turns_off_are_followed_until_it_is_done_and_nothing_is_set_meanwhile() {
    let (stack, message) = asked().await;
    let (calls, creations) = (updates(&stack), stack.aws.meter().count(CREATE));
    edit(&stack, "payments", |cluster| "UPDATING".clone_into(&mut cluster.status));
    deliver_well(&stack, &[message]).await;
    let (message, _) = follow(&stack);
    assert_eq!(message["rollback"], true);
    assert!(undone(&stack).1["in-progress"]["update-id"].is_string());

    // The cluster no longer complies with its policy.
    stack.put_config(&ALL.replace("[api, audit]", "[api, audit], cloudwatch-observability: install"));
    edit(&stack, "payments", |cluster| cluster.node_groups.push("workers".to_owned()));
    finish(&stack, "payments");
    deliver_well(&stack, &[message]).await;
    assert_eq!((stack.aws.take_sent(), undone(&stack)), (vec![], ("rolled-back".to_owned(), Value::Null)));
    assert_eq!((updates(&stack), stack.aws.meter().count(CREATE)), (calls, creations));
}

#[tokio::test(start_paused = true)]
async fn logs_that_eks_fails_to_turn_off_are_reported_and_can_be_rolled_back_again() {
    let (stack, message) = asked().await;
    edit(&stack, "payments", |cluster| {
        for update in cluster.updates.values_mut().filter(|update| update.status == "InProgress") {
            "Failed".clone_into(&mut update.status);
            update.errors = vec![("IpNotAvailable".to_owned(), "no free addresses".to_owned())];
        }
    });
    deliver_well(&stack, &[message]).await;
    assert_eq!(undone(&stack).0, "done");
    let swept = ran(&stack, "sweep", 180).await;
    let logs_finding = of_aspect(&swept, "control-plane-logs");
    let reason = logs_finding["reason"].as_str().unwrap();
    assert_eq!((&logs_finding["result"], &logs_finding["news"]), (&json!("reported"), &json!(true)));
    assert!(reason.contains("no free addresses") && reason.ends_with("roll back again"), "{reason}");

    stack.aws.take_sent();
    assert_eq!(results(&ran(&stack, "rollback", 240).await), ["rolled-back"]);
    let (message, _) = follow(&stack);
    finish(&stack, "payments");
    deliver_well(&stack, &[message]).await;
    assert_eq!(undone(&stack), ("rolled-back".to_owned(), Value::Null));
    assert_eq!(logs(&stack, "payments"), ["scheduler"]);
}

#[tokio::test(start_paused = true)]
async fn the_queue_resolves_an_update_that_was_never_answered() {
    let stack = set_up().await;
    stack.aws.add_fault(fake_aws::Fault::on(UPDATE).times(function_tests::ATTEMPTS).throttle());
    let found = ran(&stack, "rollback", 120).await;
    assert!(found["findings"][1]["result"]["failed"].is_object(), "{found}");
    let (message, _) = follow(&stack);
    deliver_well(&stack, &[message]).await;
    let (state, undo) = undone(&stack);
    assert_eq!((state.as_str(), undo["failed"].is_string()), ("done", true));
}

/// A rollback that is killed after that call; returns its item for the repetition.
async fn killed_after(stack: &Stack, operation: &'static str) -> Value {
    let item = super::faults::item(stack, "rollback", 120).await;
    stack.aws.crash(fake_aws::Crash::after(1).of(move |call| call.operation == operation));
    tokio::select! {
        biased;
        () = stack.aws.crashed() => {}
        answer = Box::pin(stack.invoke(Function::EnableInsights, item.clone())) => panic!("{answer:?}"),
    }
    stack.aws.revive();
    item
}

/// The findings of the same rollback when it is called again.
async fn repeated(stack: &Stack, item: Value) -> Value {
    let answer = Box::pin(stack.invoke(Function::EnableInsights, item)).await.unwrap();
    stack.json(answer["outcome"]["key"].as_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn what_a_rollback_deleted_before_it_died_is_not_installed_again_before_it_is_repeated() {
    let stack = set_up().await;
    let item = killed_after(&stack, "eks:DeleteAddon").await;
    ran(&stack, "sweep", 180).await;
    assert_eq!(addons(&stack, "payments"), [] as [&str; 0]);
    assert!(changes(&stack).contains(&entry("payments/metrics-server", "rolled-back")));
    let found = repeated(&stack, item).await;
    assert_eq!(results(&found), ["rolled-back", "rolled-back"], "{found}");
    assert_eq!(found["findings"][0]["change"], json!({"from": "v0.8.0-eksbuild.1", "to": "absent"}));
    assert_eq!(stack.aws.meter().count("eks:DeleteAddon"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_was_refused_is_not_taken_for_begun() {
    let stack = set_up().await;
    let refused = fake_aws::Fault::on("eks:DeleteAddon");
    stack.aws.add_fault(refused.error(
        403,
        "AccessDeniedException",
        "not authorized to perform: eks:DeleteAddon",
    ));
    let found = ran(&stack, "rollback", 120).await;
    assert!(found["findings"][0]["result"]["failed"].is_object(), "{found}");
    assert!(changes(&stack).contains(&entry("payments/metrics-server", "done")));
    finish(&stack, "payments");
    assert_eq!(results(&ran(&stack, "rollback", 180).await), ["rolled-back"]);
    assert_eq!(addons(&stack, "payments"), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_died_after_its_call_continues_when_the_cluster_is_updating() {
    let stack = set_up().await;
    let item = killed_after(&stack, UPDATE).await;
    edit(&stack, "payments", |cluster| "UPDATING".clone_into(&mut cluster.status));
    let found = repeated(&stack, item).await;
    assert_eq!(results(&found), ["rolled-back", "rolled-back"], "{found}");
    assert_eq!(found["findings"][1]["change"], json!({"from": "api, audit, scheduler", "to": "scheduler"}));
    let (message, _) = follow(&stack);
    finish(&stack, "payments");
    deliver_well(&stack, &[message]).await;
    assert_eq!(undone(&stack), ("rolled-back".to_owned(), Value::Null));
    assert_eq!(logs(&stack, "payments"), ["scheduler"]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_whose_owner_opted_out_since_is_rolled_back_as_any_other() {
    let stack = set_up().await;
    edit(&stack, "payments", |cluster| cluster.tags.insert("fargaze".to_owned(), "hands-off".to_owned()));
    assert_eq!(results(&ran(&stack, "rollback", 120).await), ["rolled-back", "rolled-back"]);
    finish(&stack, "payments");
    assert_eq!(
        (addons(&stack, "payments"), logs(&stack, "payments")),
        (vec![], vec!["scheduler".to_owned()])
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_is_not_settled_while_its_owner_opts_out() {
    let stack = stack([payments()]);
    deliver_well(&stack, &[created("payments", now())]).await;
    let begun = changes(&stack);
    assert_eq!(begun, [entry("payments/metrics-server", "planned")]);
    edit(&stack, "payments", |cluster| cluster.tags.insert("fargaze".to_owned(), "hands-off".to_owned()));
    finish(&stack, "payments");
    deliver_well(&stack, &[follow(&stack).0]).await;
    assert_eq!(changes(&stack), begun);
    stack.aws.take_sent();
    ran(&stack, "rollback", 60).await;
    assert_eq!(addons(&stack, "payments"), [] as [&str; 0]);
}

//! Settings of fargaze that someone reverts: set again once, then left, and reported with who did
//! it.

use fake_aws::Fault;
use fargaze::reconcile::ChangeState;
use function_tests::{Stack, minute};
use serde_json::{Value, json};

use super::{
    UPDATE, change, change_log, changes, created, level, outcome, receipt, receive_well, result, reverts,
    set_by, set_level, someone_sets, stack, subjects, sweep, with,
};

const TERRAFORM: &str = "arn:aws:sts::123456789012:assumed-role/terraform/session";
const CONSOLE: &str = "arn:aws:sts::123456789012:assumed-role/console/session";

/// A conflict with who reverted it by `UpdateClusterSettings`.
fn conflict(by: &[&str]) -> Value {
    let by: Vec<String> = by.iter().map(|by| format!("{by} (UpdateClusterSettings)")).collect();
    json!({ "conflict": by })
}

/// A cluster that was set by event and then turned off twice, first by terraform and then by hand.
async fn contested() -> Stack {
    let stack = stack(with(&[("shop", "disabled")]));
    receive_well(&stack, &[created("shop", 0)]).await;
    receive_well(&stack, &[someone_sets(&stack, "terraform", "shop", "disabled", 10)]).await;
    assert_eq!(level(&stack, "shop"), "enabled", "set again");
    receive_well(&stack, &[someone_sets(&stack, "console", "shop", "disabled", 20)]).await;
    assert_eq!(level(&stack, "shop"), "disabled", "left");
    stack
}

#[tokio::test(start_paused = true)]
async fn what_is_reverted_once_is_set_again_and_who_did_it_is_written_down() {
    let stack = stack(with(&[("shop", "disabled")]));
    receive_well(&stack, &[created("shop", 0)]).await;
    receive_well(&stack, &[someone_sets(&stack, "terraform", "shop", "disabled", 10)]).await;
    assert_eq!(level(&stack, "shop"), "enabled");
    let set = change("shop", "disabled", "enabled", "done");
    assert_eq!(changes(&stack), [set.clone(), set]);
    let why = format!(
        "fargaze set it before, and it was reverted by {TERRAFORM} (UpdateClusterSettings); its policy is at-least-enabled \
         (built-in)"
    );
    assert_eq!(change_log(&stack)[1].reason, why);
    assert_eq!(reverts(&stack), [("shop".to_owned(), TERRAFORM.to_owned(), "disabled".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn what_is_reverted_twice_is_left_and_notified_once_with_who_did_it() {
    let stack = contested().await;
    let line = sweep(&stack, 30).await;
    let found = outcome(&stack, &line);
    assert_eq!(result(&found, "shop"), conflict(&[TERRAFORM, CONSOLE]));
    let mail = stack.mail(0);
    assert!(mail.starts_with("CONFLICT over Container Insights of shop"), "{mail}");
    assert!(
        mail.contains(&format!(
            "Reverted by {TERRAFORM} (UpdateClusterSettings), {CONSOLE} (UpdateClusterSettings)."
        )),
        "{mail}"
    );
    let (published, why) = receipt(&sweep(&stack, 60).await);
    assert!(!published && why.contains("0 of 1 ECS cluster comply, 1 in conflict"), "{why}");
    assert_eq!(stack.aws.meter().count(UPDATE), 2);
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_repeat_neither_begin_nor_end_a_conflict() {
    let stack = stack(with(&[("shop", "disabled")]));
    let creation = created("shop", 0);
    receive_well(&stack, std::slice::from_ref(&creation)).await;
    let off = someone_sets(&stack, "terraform", "shop", "disabled", 10);
    receive_well(&stack, &[off.clone(), off.clone(), creation.clone(), off.clone()]).await;
    assert_eq!((level(&stack, "shop").as_str(), change_log(&stack).len()), ("enabled", 2));
    assert_eq!(reverts(&stack).len(), 1);
    // It is one conflict, though the same events report it repeatedly.
    let again = someone_sets(&stack, "terraform", "shop", "disabled", 20);
    receive_well(&stack, &[again.clone(), off, creation, again]).await;
    assert_eq!((level(&stack, "shop").as_str(), change_log(&stack).len()), ("disabled", 2));
    let found = outcome(&stack, &sweep(&stack, 30).await);
    assert_eq!(result(&found, "shop"), conflict(&[TERRAFORM]));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_repeated_after_its_change_was_reverted_makes_a_second_entry() {
    let stack = stack(with(&[("shop", "disabled")]));
    receive_well(&stack, &[created("shop", 0)]).await;
    // The event of this change is lost.
    set_level(&stack, "shop", "disabled");
    receive_well(&stack, &[created("shop", 0)]).await;
    let causes: Vec<String> = change_log(&stack).into_iter().map(|entry| entry.cause).collect();
    assert_eq!(causes, ["CreateCluster-shop-0", "CreateCluster-shop-0+2"]);
    set_level(&stack, "shop", "disabled");
    receive_well(&stack, &[created("shop", 0)]).await;
    assert_eq!(
        (level(&stack, "shop").as_str(), change_log(&stack).len()),
        ("disabled", 2),
        "the third is a conflict"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reverter_whose_events_are_lost_is_named_as_unknown() {
    let stack = stack(with(&[("shop", "disabled")]));
    receive_well(&stack, &[created("shop", 0)]).await;
    for at in [30, 60, 90] {
        set_level(&stack, "shop", "disabled");
        sweep(&stack, at).await.receipt.unwrap();
    }
    assert_eq!((level(&stack, "shop").as_str(), change_log(&stack).len()), ("disabled", 2));
    let mail = stack.mail(stack.mails().len() - 1);
    assert!(mail.contains("Reverted by an unknown caller (no event arrived)."), "{mail}");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_ends_with_another_policy() {
    let stack = contested().await;
    stack.put_config("policies: [{container-insights: at-least-enhanced}]");
    let found = outcome(&stack, &sweep(&stack, 30).await);
    assert_eq!(result(&found, "shop"), json!({"set": "enhanced"}));
    assert_eq!(level(&stack, "shop"), "enhanced");
    assert!(change_log(&stack)[2].made >= minute(30));
}

#[tokio::test(start_paused = true)]
async fn who_raises_a_setting_of_ours_is_in_no_conflict() {
    let stack = stack(with(&[("shop", "disabled")]));
    receive_well(&stack, &[created("shop", 0)]).await;
    for at in [10, 20, 30] {
        receive_well(&stack, &[someone_sets(&stack, "terraform", "shop", "enhanced", at)]).await;
    }
    assert_eq!((level(&stack, "shop").as_str(), subjects(&stack, UPDATE).len()), ("enhanced", 1));
    // Lowering it to a compliant level is no conflict either.
    receive_well(&stack, &[someone_sets(&stack, "terraform", "shop", "enabled", 40)]).await;
    assert_eq!((level(&stack, "shop").as_str(), subjects(&stack, UPDATE).len()), ("enabled", 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_late_event_about_an_earlier_cluster_brings_counts_for_the_present_one() {
    let stack = stack(with(&[("shop", "disabled")]));
    receive_well(&stack, &[created("shop", 10)]).await;
    // The event of this change is lost, and one arrives that is older than the cluster.
    set_level(&stack, "shop", "disabled");
    receive_well(&stack, &[set_by("terraform", "shop", "disabled", 1)]).await;
    assert_eq!(level(&stack, "shop"), "enabled");
    let made = change_log(&stack)[1].made;
    assert!(made >= minute(10), "not before its creation, and behind what was set then: {made}");
    receive_well(&stack, &[someone_sets(&stack, "console", "shop", "disabled", 20)]).await;
    assert_eq!(level(&stack, "shop"), "disabled");
    let found = outcome(&stack, &sweep(&stack, 30).await);
    assert_eq!(result(&found, "shop"), conflict(&[CONSOLE]));
}

#[tokio::test(start_paused = true)]
async fn what_a_sweep_does_to_a_cluster_that_is_younger_than_the_run_counts_as_well() {
    let stack = stack(with(&[("shop", "disabled")]));
    // Its creation is received, but it could not be set; a sweep that began earlier reaches it.
    stack.aws.add_fault(Fault::on(UPDATE).error(400, "AccessDeniedException", "not now"));
    super::receive(&stack, &[created("shop", 10)]).await;
    sweep(&stack, 9).await;
    assert_eq!(level(&stack, "shop"), "enabled");
    let entries = change_log(&stack);
    let done = entries.iter().find(|entry| entry.state == ChangeState::Done).unwrap();
    assert!(done.cause == "sweep-20261122T101400Z" && done.made >= minute(10), "{done:?}");
    receive_well(&stack, &[someone_sets(&stack, "terraform", "shop", "disabled", 20)]).await;
    receive_well(&stack, &[someone_sets(&stack, "terraform", "shop", "disabled", 30)]).await;
    assert_eq!(level(&stack, "shop"), "disabled", "it was reverted twice");
}

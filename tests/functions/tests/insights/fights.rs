//! Settings of ours that somebody puts back: set again once, then left, and told with who did it.

use fake_aws::Fault;
use function_tests::{Stack, minute};
use serde_json::json;

use super::{
    UPDATE, change, changes, created, finding, hear_well, ledger, level, outcome, put_backs, receipt, set_by,
    set_level, somebody_sets, stack, subjects, sweep, with,
};

const TERRAFORM: &str = "arn:aws:sts::123456789012:assumed-role/terraform/session";
const CONSOLE: &str = "arn:aws:sts::123456789012:assumed-role/console/session";

/// A cluster that was set by event and then turned off twice, first by terraform and then by hand.
async fn fought_over() -> Stack {
    let stack = stack(with(&[("shop", "disabled")]));
    hear_well(&stack, &[created("shop", 0)]).await;
    hear_well(&stack, &[somebody_sets(&stack, "terraform", "shop", "disabled", 10)]).await;
    assert_eq!(level(&stack, "shop"), "enabled", "set again");
    hear_well(&stack, &[somebody_sets(&stack, "console", "shop", "disabled", 20)]).await;
    assert_eq!(level(&stack, "shop"), "disabled", "left");
    stack
}

#[tokio::test(start_paused = true)]
async fn what_is_put_back_once_is_set_again_and_who_did_it_is_written_down() {
    let stack = stack(with(&[("shop", "disabled")]));
    hear_well(&stack, &[created("shop", 0)]).await;
    hear_well(&stack, &[somebody_sets(&stack, "terraform", "shop", "disabled", 10)]).await;
    assert_eq!(level(&stack, "shop"), "enabled");
    let set = change("shop", "disabled", "enabled", "done");
    assert_eq!(changes(&stack), [set.clone(), set]);
    let why = format!(
        "fargaze set it before, and it was put back by {TERRAFORM}; its wish is at-least-enabled (built-in)"
    );
    assert_eq!(ledger(&stack)[1].reason, why);
    assert_eq!(put_backs(&stack), [("shop".to_owned(), TERRAFORM.to_owned(), "disabled".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn what_is_put_back_twice_is_left_and_told_once_with_who_did_it() {
    let stack = fought_over().await;
    let line = sweep(&stack, 30).await;
    let found = outcome(&stack, &line);
    assert_eq!(finding(&found, "shop")["result"], json!({"fight": [TERRAFORM, CONSOLE]}));
    let mail = stack.mail(0);
    assert!(mail.starts_with("FIGHT over Container Insights of shop"), "{mail}");
    assert!(mail.contains(&format!("Put back by {TERRAFORM}, {CONSOLE}.")), "{mail}");
    let (published, why) = receipt(&sweep(&stack, 60).await);
    assert!(!published && why.ends_with("1 in a fight told before"), "{why}");
    assert_eq!(stack.aws.meter().count(UPDATE), 2);
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_repeat_neither_begin_nor_end_a_fight() {
    let stack = stack(with(&[("shop", "disabled")]));
    let creation = created("shop", 0);
    hear_well(&stack, std::slice::from_ref(&creation)).await;
    let off = somebody_sets(&stack, "terraform", "shop", "disabled", 10);
    hear_well(&stack, &[off.clone(), off.clone(), creation.clone(), off.clone()]).await;
    assert_eq!((level(&stack, "shop").as_str(), ledger(&stack).len()), ("enabled", 2));
    assert_eq!(put_backs(&stack).len(), 1);
    // It is one fight, though the same events tell of it over and over.
    let again = somebody_sets(&stack, "terraform", "shop", "disabled", 20);
    hear_well(&stack, &[again.clone(), off, creation, again]).await;
    assert_eq!((level(&stack, "shop").as_str(), ledger(&stack).len()), ("disabled", 2));
    let found = outcome(&stack, &sweep(&stack, 30).await);
    assert_eq!(finding(&found, "shop")["result"], json!({"fight": [TERRAFORM]}));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_repeated_after_its_change_was_put_back_makes_a_second_entry() {
    let stack = stack(with(&[("shop", "disabled")]));
    hear_well(&stack, &[created("shop", 0)]).await;
    // The event of this one is lost.
    set_level(&stack, "shop", "disabled");
    hear_well(&stack, &[created("shop", 0)]).await;
    let causes: Vec<String> = ledger(&stack).into_iter().map(|entry| entry.cause).collect();
    assert_eq!(causes, ["CreateCluster-shop-0", "CreateCluster-shop-0+2"]);
    set_level(&stack, "shop", "disabled");
    hear_well(&stack, &[created("shop", 0)]).await;
    assert_eq!(
        (level(&stack, "shop").as_str(), ledger(&stack).len()),
        ("disabled", 2),
        "the third is a fight"
    );
}

#[tokio::test(start_paused = true)]
async fn somebody_whose_events_are_lost_is_told_as_such() {
    let stack = stack(with(&[("shop", "disabled")]));
    hear_well(&stack, &[created("shop", 0)]).await;
    for at in [30, 60, 90] {
        set_level(&stack, "shop", "disabled");
        sweep(&stack, at).await.receipt.unwrap();
    }
    assert_eq!((level(&stack, "shop").as_str(), ledger(&stack).len()), ("disabled", 2));
    let mail = stack.mail(stack.mails().len() - 1);
    assert!(mail.contains("Put back by somebody whose event did not arrive."), "{mail}");
}

#[tokio::test(start_paused = true)]
async fn a_fight_ends_with_another_wish() {
    let stack = fought_over().await;
    stack.put_config("insights: {wishes: [{wish: at-least-enhanced}]}");
    let found = outcome(&stack, &sweep(&stack, 30).await);
    assert_eq!(finding(&found, "shop")["result"], json!({"set": "enhanced"}));
    assert_eq!(level(&stack, "shop"), "enhanced");
    assert_eq!(ledger(&stack)[2].time, minute(30).to_string());
}

#[tokio::test(start_paused = true)]
async fn who_raises_a_setting_of_ours_does_not_fight() {
    let stack = stack(with(&[("shop", "disabled")]));
    hear_well(&stack, &[created("shop", 0)]).await;
    for at in [10, 20, 30] {
        hear_well(&stack, &[somebody_sets(&stack, "terraform", "shop", "enhanced", at)]).await;
    }
    assert_eq!((level(&stack, "shop").as_str(), subjects(&stack, UPDATE).len()), ("enhanced", 1));
    // To bring it down to what is right is no fight, either.
    hear_well(&stack, &[somebody_sets(&stack, "terraform", "shop", "enabled", 40)]).await;
    assert_eq!((level(&stack, "shop").as_str(), subjects(&stack, UPDATE).len()), ("enabled", 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_late_event_about_an_earlier_cluster_brings_counts_for_the_present_one() {
    let stack = stack(with(&[("shop", "disabled")]));
    hear_well(&stack, &[created("shop", 10)]).await;
    // The event of this one is lost, and one comes that is older than the cluster.
    set_level(&stack, "shop", "disabled");
    hear_well(&stack, &[set_by("terraform", "shop", "disabled", 1)]).await;
    assert_eq!(level(&stack, "shop"), "enabled");
    let made: jiff::Timestamp = ledger(&stack)[1].made.parse().unwrap();
    assert!(made >= minute(10), "not before its creation, and behind what was set then: {made}");
    hear_well(&stack, &[somebody_sets(&stack, "console", "shop", "disabled", 20)]).await;
    assert_eq!(level(&stack, "shop"), "disabled");
    let found = outcome(&stack, &sweep(&stack, 30).await);
    assert_eq!(finding(&found, "shop")["result"], json!({"fight": [CONSOLE]}));
}

#[tokio::test(start_paused = true)]
async fn what_a_sweep_does_to_a_cluster_that_is_younger_than_the_run_counts_as_well() {
    let stack = stack(with(&[("shop", "disabled")]));
    // Its creation is heard of, but it could not be set; a sweep that began before comes to it.
    stack.aws.add_fault(Fault::on(UPDATE).error(400, "AccessDeniedException", "not now"));
    super::hear(&stack, &[created("shop", 10)]).await;
    sweep(&stack, 9).await;
    assert_eq!(level(&stack, "shop"), "enabled");
    let entries = ledger(&stack);
    let done = entries.iter().find(|entry| entry.state == "done").unwrap();
    let made: jiff::Timestamp = done.made.parse().unwrap();
    assert!(done.cause == "sweep-20261122T101400Z" && made >= minute(10), "{done:?}");
    hear_well(&stack, &[somebody_sets(&stack, "terraform", "shop", "disabled", 20)]).await;
    hear_well(&stack, &[somebody_sets(&stack, "terraform", "shop", "disabled", 30)]).await;
    assert_eq!(level(&stack, "shop"), "disabled", "it was put back twice");
}

//! The rollback: what fargaze set goes back to what it was, and nothing else.

use fake_aws::{ClusterSpec, Estate, FakeAws, Fault};
use function_tests::{ACCOUNT, Line, REGION, Stack, minute, request};
use serde_json::{Value, json};

use super::{
    CHANGE, UPDATE, account_default, change, changes, created, deleted, expected, finding, level, levels,
    outcome, receipt, receive, receive_well, result, result_of, results, set_level, someone_sets, stack,
    subjects, sweep, swept, with,
};

const PUT: &str = "ecs:PutAccountSettingDefault";

async fn roll_back(stack: &Stack, at: i64, since: Option<i64>) -> Line {
    stack.set_now(minute(at));
    let mut request = request("rollback", minute(at));
    if let Some(since) = since {
        request["request"]["since"] = json!(minute(since).to_string());
    }
    stack.play(request).await
}

async fn rolled_back(stack: &Stack, at: i64, since: Option<i64>) -> Value {
    let line = roll_back(stack, at, since).await;
    assert!(receipt(&line).0, "a rollback always notifies");
    outcome(stack, &line)
}

/// Clusters a, b and c, set by a sweep.
async fn swept_estate() -> Stack {
    let stack = stack(with(&[("a", "disabled"), ("b", "disabled"), ("c", "disabled"), ("on", "enabled")]));
    stack.put_config(CHANGE);
    sweep(&stack, 0).await;
    assert_eq!(subjects(&stack, UPDATE), ["a", "b", "c"]);
    stack.aws.reset_meter();
    stack
}

fn back() -> Value {
    json!({"rolled-back": "disabled"})
}

#[tokio::test(start_paused = true)]
async fn what_was_set_is_rolled_back_and_what_someone_changed_since_is_skipped() {
    let stack = swept_estate().await;
    set_level(&stack, "b", "enhanced");
    let found = rolled_back(&stack, 60, None).await;
    assert_eq!(results(&found), expected([("a", back()), ("b", json!("skipped")), ("c", back())]));
    let why = "fargaze set it to enabled, but it is now enhanced";
    assert_eq!(finding(&found, "b")["reason"], why);
    assert_eq!(
        levels(&stack).into_values().collect::<Vec<_>>(),
        ["disabled", "enhanced", "disabled", "enabled"]
    );
    assert_eq!(subjects(&stack, UPDATE), ["a", "c"]);
    let states: Vec<String> = changes(&stack).into_iter().map(|(.., state)| state).collect();
    assert_eq!(states, ["rolled-back", "done", "rolled-back"]);
    let mail = stack.mail(1);
    assert!(mail.starts_with("ECS: 2 rolled back, 1 skipped"), "{mail}");
    assert!(
        mail.contains(&format!(
            "SKIPPED Container Insights (enhanced) in eu-west-1 (123456789012): b. Why: {why}."
        )),
        "{mail}"
    );
    // Nothing is left to do.
    let again = rolled_back(&stack, 120, None).await;
    assert_eq!(
        results(&again),
        expected([("a", json!("left")), ("b", json!("skipped")), ("c", json!("left"))])
    );
    assert_eq!(subjects(&stack, UPDATE).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_someone_reverted_already_is_only_marked() {
    let stack = swept_estate().await;
    set_level(&stack, "a", "disabled");
    assert_eq!(results(&rolled_back(&stack, 60, None).await)["a"], back());
    assert_eq!(subjects(&stack, UPDATE), ["b", "c"]);
    assert_eq!(changes(&stack)[0], change("a", "disabled", "enabled", "rolled-back"));
}

#[tokio::test(start_paused = true)]
async fn since_limits_it_to_what_was_set_then_or_later() {
    let stack = stack(with(&[("old", "disabled"), ("twice", "disabled")]));
    stack.put_config(CHANGE);
    sweep(&stack, 0).await;
    stack.put_config("policies: [{match: {clusters: [twice]}, container-insights: at-least-enhanced}]");
    sweep(&stack, 60).await;
    assert_eq!((level(&stack, "old").as_str(), level(&stack, "twice").as_str()), ("enabled", "enhanced"));
    let nothing = rolled_back(&stack, 90, Some(61)).await;
    assert_eq!(results(&nothing), expected([("old", json!("left")), ("twice", json!("left"))]));
    assert!(stack.mail(2).starts_with("ECS, EKS: nothing to roll back"), "{}", stack.mail(2));
    // To the previous level, not to the first one.
    let found = rolled_back(&stack, 91, Some(60)).await;
    assert_eq!(
        results(&found),
        expected([("old", json!("left")), ("twice", json!({"rolled-back": "enabled"}))])
    );
    // And then the rest.
    let found = rolled_back(&stack, 92, None).await;
    assert_eq!(results(&found), expected([("old", back()), ("twice", back())]));
    assert!(levels(&stack).values().all(|level| level == "disabled"));
}

#[tokio::test(start_paused = true)]
async fn a_setting_that_was_lowered_for_an_exact_policy_is_raised_again() {
    let stack = stack(with(&[("lab", "enhanced")]));
    stack.put_config("limits: {existing: change}\npolicies: [{container-insights: {exactly: disabled}}]");
    sweep(&stack, 0).await;
    assert_eq!(level(&stack, "lab"), "disabled");
    assert_eq!(results(&rolled_back(&stack, 60, None).await)["lab"], json!({"rolled-back": "enhanced"}));
    assert_eq!(level(&stack, "lab"), "enhanced");
}

#[tokio::test(start_paused = true)]
async fn no_sweep_and_no_event_sets_it_again_until_the_policy_changes() {
    for (limits, after) in
        [("{existing: change, max-percent: 100}", "enhanced"), ("{existing: report}", "disabled")]
    {
        let stack = swept_estate().await;
        receive_well(&stack, &[created("a", -1)]).await;
        rolled_back(&stack, 60, None).await;
        stack.aws.reset_meter();
        let line = sweep(&stack, 120).await;
        let found = outcome(&stack, &line);
        assert_eq!(result(&found, "b"), "left");
        assert!(finding(&found, "b")["reason"].as_str().unwrap().starts_with("it was rolled back"));
        assert!(!receipt(&line).0);
        receive_well(&stack, &[someone_sets(&stack, "ci", "b", "disabled", 130)]).await;
        assert_eq!(subjects(&stack, UPDATE), [""; 0]);
        stack.put_config(&format!("limits: {limits}\npolicies: [{{container-insights: at-least-enhanced}}]"));
        sweep(&stack, 180).await;
        assert_eq!(level(&stack, "b"), after, "{limits}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_account_default_is_rolled_back_as_well_and_stays_so() {
    let stack = stack(Estate::new(ACCOUNT, REGION).account_default("enabled"));
    stack.put_config("policies: [{account-default: at-least-enhanced}]");
    sweep(&stack, 0).await;
    let found = rolled_back(&stack, 60, None).await;
    assert_eq!(result_of(account_default(&found)), json!({"rolled-back": "enabled"}));
    assert_eq!(changes(&stack), [change("account", "enabled", "enhanced", "rolled-back")]);
    assert!(stack.mail(1).contains("ROLLED BACK account default: enhanced -> enabled"), "{}", stack.mail(1));
    assert!(!receipt(&sweep(&stack, 120).await).0);
    assert_eq!(stack.aws.edit(|world| world.home().account_insights().to_owned()), "enabled");
    assert_eq!(subjects(&stack, PUT).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_account_default_that_cannot_be_read_holds_up_no_cluster() {
    let stack = stack(with(&[("a", "disabled")]));
    stack.put_config("limits: {existing: change}\npolicies: [{account-default: at-least-enabled}]");
    sweep(&stack, 0).await;
    stack.aws.add_fault(Fault::on("ecs:ListAccountSettings").error(
        400,
        "AccessDeniedException",
        "no permission",
    ));
    let found = rolled_back(&stack, 60, None).await;
    assert_eq!(results(&found)["a"], back());
    assert!(account_default(&found)["result"]["unknown"].is_object(), "{found}");
    assert_eq!(level(&stack, "a"), "disabled");
    assert!(stack.mail(1).contains("COULD NOT BE READ: account default in"), "{}", stack.mail(1));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_reports_what_would_go_back_and_writes_nothing() {
    let stack = swept_estate().await;
    set_level(&stack, "b", "enhanced");
    stack.put_config("limits: {dry-run: true}");
    let (before, log) = (levels(&stack), stack.remembered());
    let found = rolled_back(&stack, 60, None).await;
    let would = || json!({"would-set": "disabled"});
    assert_eq!(results(&found), expected([("a", would()), ("b", json!("skipped")), ("c", would())]));
    assert_eq!((levels(&stack), stack.remembered()), (before, log));
    // The plan's copy of the last good file, the outcome, the publish slot, the mail.
    let mut writes = stack.writes();
    // The sweep had the publish slot before.
    writes.dedup();
    assert_eq!(writes, ["s3:PutObject", "dynamodb:PutItem", "sns:Publish"]);
    let mail = stack.mail(1);
    assert!(mail.starts_with("Dry run: would roll back Container Insights of 2 clusters"), "{mail}");
    assert!(mail.contains("WOULD ROLL BACK Container Insights: enabled -> disabled"), "{mail}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_notified_and_the_next_rollback_tries_again() {
    let stack = swept_estate().await;
    stack.aws.add_fault(Fault::on(UPDATE).error(400, "AccessDeniedException", "no permission"));
    let found = rolled_back(&stack, 60, None).await;
    assert!(results(&found)["a"].get("failed").is_some(), "{found}");
    assert_eq!((level(&stack, "a").as_str(), level(&stack, "b").as_str()), ("enabled", "disabled"));
    let mail = stack.mail(1);
    assert!(mail.starts_with("FAILED to roll back Container Insights of a"), "{mail}");
    assert_eq!(changes(&stack)[0], change("a", "disabled", "enabled", "done"));
    let again = rolled_back(&stack, 120, None).await;
    assert_eq!(results(&again), expected([("a", back()), ("b", json!("left")), ("c", json!("left"))]));
}

#[tokio::test(start_paused = true)]
async fn deleted_or_deleting_clusters_are_no_error() {
    let stack = swept_estate().await;
    stack.aws.edit(|world| {
        world.home().remove_cluster("a");
        world.home().cluster_mut("b").unwrap().status = "DEPROVISIONING".to_owned();
    });
    let found = rolled_back(&stack, 60, None).await;
    assert_eq!(results(&found), expected([("b", json!("skipped")), ("c", back())]));
    assert_eq!((&found["coverage"]["clusters"], &found["coverage"]["faults"]), (&json!(2), &json!([])));
}

#[tokio::test(start_paused = true)]
async fn a_new_cluster_of_the_same_name_keeps_what_its_owner_gave_it() {
    let stack = swept_estate().await;
    stack.aws.edit(|world| {
        world.home().remove_cluster("a");
        world.home().put_cluster(ClusterSpec::new("a").insights("enabled"));
    });
    receive_well(&stack, &[deleted("a", 9), created("a", 10)]).await;
    rolled_back(&stack, 60, None).await;
    assert_eq!((level(&stack, "a").as_str(), level(&stack, "b").as_str()), ("enabled", "disabled"));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_made_but_not_recorded_as_done_returns_to_the_queue_as_well() {
    let stack = stack(with(&[("a", "disabled")]));
    let last = Fault::on("dynamodb:PutItem").nth(3).error(400, "AccessDeniedException", "not now");
    stack.aws.add_fault(last);
    receive(&stack, &[created("a", 0)]).await;
    assert_eq!(changes(&stack), [change("a", "disabled", "enabled", "planned")]);
    assert_eq!(results(&rolled_back(&stack, 60, None).await)["a"], back());
    assert_eq!(changes(&stack), [change("a", "disabled", "enabled", "rolled-back")]);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_was_ever_set_there_is_nothing_to_roll_back() {
    let stack = stack(with(&[("a", "enabled"), ("b", "disabled")]));
    let found = rolled_back(&stack, 0, None).await;
    assert_eq!(found["findings"], json!([]));
    assert_eq!(
        stack.aws.meter().calls_by_operation().keys().filter(|call| call.starts_with("ecs:")).count(),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn other_accounts_are_rolled_back_with_their_role_by_their_own_change_log() {
    const OTHER: &str = "210987654321";
    const ROLE: &str = "arn:aws:iam::210987654321:role/fargaze-writer";
    let there = Estate::new(OTHER, REGION).cluster(ClusterSpec::new("a"));
    let stack = Stack::in_process(FakeAws::builder(with(&[("a", "enabled")])).estate(there));
    stack.aws.edit(|world| world.role(ROLE, None));
    stack.put_config(&format!(
        "{{limits: {{existing: change}}, targets: [{{account: \"{ACCOUNT}\", regions: [{REGION}]}}, {{account: \
         \"{OTHER}\", regions: [{REGION}], roles: {{read: \"{ROLE}\"}}}}]}}"
    ));
    sweep(&stack, 0).await;
    let over_there = || stack.aws.edit(|world| world.estate(OTHER, REGION).insights("a").unwrap().to_owned());
    assert_eq!((over_there().as_str(), level(&stack, "a").as_str()), ("enabled", "enabled"));
    roll_back(&stack, 60, None).await.receipt.unwrap();
    assert_eq!((over_there().as_str(), level(&stack, "a").as_str()), ("disabled", "enabled"));
    assert!(
        stack
            .mail(1)
            .contains("ROLLED BACK Container Insights: enabled -> disabled, in eu-west-1 (210987654321): a")
    );
}

#[tokio::test(start_paused = true)]
async fn a_sweep_after_it_still_sets_new_clusters() {
    let stack = swept_estate().await;
    rolled_back(&stack, 60, None).await;
    stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("young")));
    let found = swept(&stack, 120).await;
    assert_eq!((&found["young"], &found["a"]), (&json!({"set": "enabled"}), &json!("left")));
}

//! Retention of log groups: new ones are set, others only after an announcement, and nothing is
//! deleted that a mail did not name before.

use std::collections::BTreeMap;

use fake_aws::{Estate, FakeAws, Fault, LogGroupSpec};
use function_tests::{Line, Stack, estate, minute, request};
use serde_json::{Value, json};

use super::{change, changes, findings, outcome, receipt, result_of, stack, sweep, with};

const PUT: &str = "logs:PutRetentionPolicy";
const DELETE: &str = "logs:DeleteRetentionPolicy";
const DAY: i64 = 24 * 60;
const NEW: &str = "policies: [{log-retention: 30d}]";
const EXACTLY: &str = "policies: [{log-retention: {exactly: 30d}}]";
const ALL: &str = "limits: {max-changes: 1000, max-percent: 100}";
const GIB: i64 = 1 << 30;

/// A log group that was created at this minute.
fn group(name: &str, created: i64) -> LogGroupSpec {
    LogGroupSpec { created: Some(minute(created).as_millisecond()), ..LogGroupSpec::new(name) }
}

/// A policy with fewer days than a group is old finds nothing new, however young its sweeps are.
#[tokio::test(start_paused = true)]
async fn a_group_that_is_older_than_its_days_is_not_new() {
    let stack = stack(estate());
    stack.put_config("policies: [{match: {log-groups: [/test/*]}, log-retention: 30d}]");
    swept(&stack, 0).await;
    add(&stack, group("/ecs/web", 60));
    swept(&stack, DAY).await;
    for (file, result) in [
        ("policies: [{log-retention: 1d}]", json!("reported")),
        ("policies: [{log-retention: {exactly: 1d}}]", json!({"announced": "1 day"})),
    ] {
        stack.put_config(file);
        assert_eq!(swept(&stack, 6 * DAY).await, all([("/ecs/web", result)]), "{file}");
    }
    assert_eq!(days(&stack)["/ecs/web"], None);
}

/// A year's events without an end, and a group that expires.
fn old_groups() -> Estate {
    estate()
        .log_group(group("/ecs/old", -400 * DAY).stored(400 * GIB))
        .log_group(group("/ecs/week", -400 * DAY).retention(7))
}

fn add(stack: &Stack, group: LogGroupSpec) {
    stack.aws.edit(|world| world.home().put_log_group(group));
}

/// Days of all log groups.
fn days(stack: &Stack) -> BTreeMap<String, Option<i64>> {
    stack.aws.edit(|world| {
        let groups = world.home().log_groups().values();
        groups.map(|group| (group.name.clone(), group.retention)).collect()
    })
}

/// The result of each log group.
fn of_groups(outcome: &Value) -> BTreeMap<String, Value> {
    let of =
        |finding: &Value| Some((finding["subject"]["log_group"].as_str()?.to_owned(), result_of(finding)));
    findings(outcome).iter().filter_map(of).collect()
}

async fn swept(stack: &Stack, at: i64) -> BTreeMap<String, Value> {
    of_groups(&outcome(stack, &sweep(stack, at).await))
}

fn all<const N: usize>(results: [(&str, Value); N]) -> BTreeMap<String, Value> {
    results.into_iter().map(|(name, result)| (name.to_owned(), result)).collect()
}

fn calls(stack: &Stack, operation: &str) -> usize {
    stack.aws.meter().count(operation)
}

async fn roll_back(stack: &Stack, at: i64) -> Line {
    stack.set_now(minute(at));
    stack.play(request("rollback", minute(at))).await
}

#[tokio::test(start_paused = true)]
async fn without_a_policy_no_log_group_is_listed_or_changed() {
    let stack = stack(old_groups());
    for file in
        ["{}", "policies: [{log-retention: leave}]", "policies: [{hands-off: true}, {log-retention: 1d}]"]
    {
        stack.put_config(file);
        assert_eq!(swept(&stack, 0).await, all([]), "{file}");
        assert_eq!(calls(&stack, PUT), 0, "{file}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_new_is_set_and_every_other_is_only_reported() {
    let stack = stack(old_groups());
    stack.put_config(&format!("{ALL}\n{NEW}"));
    // Whatever is there at the first sweep is not new.
    add(&stack, group("/ecs/young", -10));
    let first = swept(&stack, 0).await;
    let there = [
        ("/ecs/old", json!("reported")),
        ("/ecs/week", json!("compliant")),
        ("/ecs/young", json!("reported")),
    ];
    assert_eq!(first, all(there.clone()));
    add(&stack, group("/ecs/new", 100));
    add(&stack, group("/ecs/own", 100).retention(3));
    add(&stack, group("/other/new", 100));
    stack.put_config(&format!("{ALL}\npolicies: [{{match: {{log-groups: [/ecs/*]}}, log-retention: 30d}}]"));
    let second = swept(&stack, DAY).await;
    let mut expected = all(there);
    expected.extend(all([("/ecs/new", json!({"set": "30 days"})), ("/ecs/own", json!("compliant"))]));
    assert_eq!(second, expected);
    let days = days(&stack);
    assert_eq!((days["/ecs/new"], days["/ecs/old"], days["/ecs/own"]), (Some(30), None, Some(3)));
    assert_eq!(days["/other/new"], None, "no policy matches it");
    assert_eq!(changes(&stack), [change("log group /ecs/new", "no expiry", "30 days", "done")]);
    let mail = stack.mail(1);
    assert!(mail.starts_with("log groups: 1 set"), "{mail}");
    assert!(
        mail.contains("SET log retention: no expiry -> 30 days, in eu-west-1 (123456789012): /ecs/new."),
        "{mail}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_group_that_waited_for_more_than_a_week_is_not_new_any_more() {
    let stack = stack(estate());
    stack.put_config(NEW);
    swept(&stack, 0).await;
    add(&stack, group("/ecs/new", 100));
    stack.aws.add_fault(Fault::on(PUT).times(1).error(400, "AccessDeniedException", "no permission"));
    let refused = swept(&stack, DAY).await;
    assert_eq!(refused["/ecs/new"]["failed"]["operation"], PUT);
    assert_eq!(swept(&stack, 8 * DAY).await, all([("/ecs/new", json!("reported"))]));
    assert_eq!(days(&stack)["/ecs/new"], None);
}

#[tokio::test(start_paused = true)]
async fn what_was_created_while_no_policy_covered_it_is_not_new() {
    let stack = stack(estate());
    stack.put_config(NEW);
    swept(&stack, 0).await;
    stack.put_config("{}");
    swept(&stack, DAY).await;
    add(&stack, group("/ecs/between", DAY + 60));
    stack.put_config(NEW);
    assert_eq!(swept(&stack, 2 * DAY).await, all([("/ecs/between", json!("reported"))]));
}

#[tokio::test(start_paused = true)]
async fn exactly_announces_with_what_is_deleted_before_it_deletes() {
    let stack = stack(old_groups());
    stack.put_config(&format!("{ALL}\n{EXACTLY}"));
    // Longer than before deletes nothing.
    let first = outcome(&stack, &sweep(&stack, 0).await);
    let set = ("/ecs/week", json!({"set": "30 days"}));
    assert_eq!(of_groups(&first), all([("/ecs/old", json!({"announced": "30 days"})), set]));
    assert_eq!(days(&stack)["/ecs/old"], None, "it is only announced");
    let mail = stack.mail(0);
    assert!(mail.starts_with("log groups: 1 set, 1 announced"), "{mail}");
    // 370 of 400 days.
    let line =
        "Events that this deletes: log group /ecs/old: about 370 GB, the oldest from 2025-10-04 or later";
    assert!(
        mail.contains("WILL BE SET FROM THE NEXT SWEEP ON: log retention: no expiry -> 30 days"),
        "{mail}"
    );
    assert!(mail.contains(line), "{mail}");
    assert_eq!(stack.mails()[0].attributes["severity"], "warning");
    // A sweep by hand does not shorten the notice, and repeats nothing.
    let by_hand = sweep(&stack, 10 * 60).await;
    assert_eq!(of_groups(&outcome(&stack, &by_hand))["/ecs/old"], json!({"announced": "30 days"}));
    assert!(!receipt(&by_hand).0, "it was announced before");
    let expected = all([("/ecs/old", json!({"set": "30 days"})), ("/ecs/week", json!("compliant"))]);
    assert_eq!(swept(&stack, DAY).await, expected);
    assert_eq!(days(&stack)["/ecs/old"], Some(30));
    assert!(!receipt(&sweep(&stack, 2 * DAY).await).0, "nothing is left to do");
}

#[tokio::test(start_paused = true)]
async fn another_number_of_days_and_a_removed_retention_are_announced_anew() {
    let stack = stack(old_groups());
    stack.put_config(&format!("{ALL}\n{EXACTLY}"));
    swept(&stack, 0).await;
    stack.put_config(&format!("{ALL}\npolicies: [{{log-retention: {{exactly: 14d}}}}]"));
    assert_eq!(swept(&stack, DAY).await["/ecs/old"], json!({"announced": "14 days"}));
    assert_eq!(swept(&stack, 2 * DAY).await["/ecs/old"], json!({"set": "14 days"}));
    stack.aws.edit(|world| {
        let old = group("/ecs/old", -400 * DAY).stored(400 * GIB);
        world.home().put_log_group(old);
    });
    assert_eq!(swept(&stack, 3 * DAY).await["/ecs/old"], json!({"announced": "14 days"}));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_announces_nothing_and_the_limits_hold() {
    let mut home = estate();
    for name in ["a", "b", "c"] {
        home.put_log_group(group(name, -400 * DAY));
    }
    let stack = stack(home);
    let file = |more: &str| format!("limits: {{max-changes: 1, max-percent: 100{more}}}\n{EXACTLY}");
    stack.put_config(&file(", dry-run: true"));
    for at in [0, DAY] {
        assert_eq!(swept(&stack, at).await["a"], json!({"would-set": "30 days"}));
    }
    stack.put_config(&file(""));
    let announced = json!({"announced": "30 days"});
    let announced = all([("a", announced.clone()), ("b", announced.clone()), ("c", announced)]);
    assert_eq!(swept(&stack, 2 * DAY).await, announced);
    for (at, set) in [(3, 1), (4, 2), (5, 3)] {
        swept(&stack, at * DAY).await;
        assert_eq!(days(&stack).values().flatten().count(), set, "what waits stays announced");
    }
    assert_eq!(calls(&stack, PUT), 3);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_restores_the_setting_and_says_that_the_events_are_gone() {
    let stack = stack(old_groups());
    stack.put_config(&format!("{ALL}\n{EXACTLY}"));
    swept(&stack, 0).await;
    swept(&stack, DAY).await;
    add(&stack, group("/ecs/gone", 2 * DAY).retention(30));
    let found = outcome(&stack, &roll_back(&stack, 2 * DAY).await);
    assert_eq!(
        of_groups(&found),
        all([("/ecs/old", json!({"rolled-back": "no expiry"})), ("/ecs/week", json!("skipped"))])
    );
    let days = days(&stack);
    assert_eq!((days["/ecs/old"], days["/ecs/week"], days["/ecs/gone"]), (None, Some(30), Some(30)));
    assert_eq!(calls(&stack, DELETE), 1);
    let mail = stack.mail(stack.mails().len() - 1);
    assert!(
        mail.contains("it had no expiry before fargaze; events that have expired meanwhile stay deleted"),
        "{mail}"
    );
    assert!(
        mail.contains("it had 7 days before fargaze, and setting that again would delete events for good"),
        "{mail}"
    );
    // It is not set again.
    let after = swept(&stack, 3 * DAY).await;
    assert_eq!(after["/ecs/old"], json!("left"));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_deleted_meanwhile_and_a_listing_that_is_refused_fail_nothing() {
    let stack = Stack::in_process(FakeAws::builder(with(&[("shop", "disabled")])).clock(minute(-300)));
    stack.put_config(&format!("limits: {{existing: change, max-percent: 100}}\n{NEW}"));
    swept(&stack, 0).await;
    add(&stack, group("/ecs/new", 100));
    stack.aws.add_fault(Fault::on(PUT).error(
        400,
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    ));
    assert_eq!(swept(&stack, DAY).await, all([("/ecs/new", json!("left"))]));
    stack.aws.add_fault(Fault::on("logs:DescribeLogGroups").error(
        400,
        "AccessDeniedException",
        "no permission",
    ));
    let found = outcome(&stack, &sweep(&stack, 2 * DAY).await);
    assert_eq!(of_groups(&found), all([]));
    assert_eq!(found["coverage"]["faults"][0]["fault"]["operation"], "logs:DescribeLogGroups", "{found}");
}

#[tokio::test(start_paused = true)]
async fn many_groups_in_several_passes_have_the_outcome_of_one() {
    let home = || {
        let mut home = with(&[("a", "enabled"), ("b", "enabled"), ("c", "enabled")]);
        for number in 0..120 {
            home.put_log_group(group(&format!("/ecs/g{number:03}"), -2 * DAY));
        }
        home
    };
    let run = async |timeout: Option<u64>| {
        let stack = stack(home());
        timeout.into_iter().for_each(|seconds| stack.set_timeout(std::time::Duration::from_secs(seconds)));
        stack.put_config(&format!("{ALL}\n{EXACTLY}"));
        let found = outcome(&stack, &sweep(&stack, 0).await);
        (found, stack)
    };
    let (in_one, _) = run(None).await;
    assert_eq!(of_groups(&in_one).len(), 120);
    let (in_several, stack) = run(Some(1)).await;
    assert_eq!(in_several, in_one);
    assert_eq!(calls(&stack, PUT), 120);
    let found = outcome(&stack, &roll_back(&stack, DAY).await);
    assert_eq!(of_groups(&found).len(), 120);
    assert!(days(&stack).values().all(Option::is_none));
}

//! Which clusters are new: `CreateCluster` for an existing cluster, for one that ECS has not
//! created yet, and clusters of AWS Batch.

use std::time::Duration;

use fake_aws::{ClusterSpec, FakeAws, ServiceSpec};
use function_tests::{Stack, estate, minute, sent_back};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    CHANGE, CREATED, UPDATE, call, change, change_log, changes, created, deleted, level, levels, outcome,
    receive, receive_well, result, set_by, set_level, someone_sets, stack, subjects, sweep, swept, with,
};

const COUNTS: [&str; 4] =
    ["runningTasksCount", "pendingTasksCount", "activeServicesCount", "registeredContainerInstancesCount"];

/// `CreateCluster` for an existing cluster, whose response has a count.
fn created_again(cluster: &str, count: &str, at: i64) -> Value {
    let mut event = created(cluster, at);
    event["detail"]["responseElements"]["cluster"][count] = json!(2);
    event
}

fn case(file: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    serde_json::from_slice(&std::fs::read(format!("{folder}/{file}.json")).unwrap()).unwrap()
}

/// Issue 13, point 1.
#[tokio::test(start_paused = true)]
async fn a_cluster_whose_creation_is_answered_with_services_or_tasks_was_there_before() {
    for count in COUNTS {
        let stack = stack(with(&[("legacy", "disabled")]));
        receive_well(&stack, &[created_again("legacy", count, 0)]).await;
        assert_eq!(level(&stack, "legacy"), "disabled", "{count}");
        assert_eq!(swept(&stack, 10).await["legacy"], "reported", "{count}");
    }
    let legacy = ClusterSpec::new("legacy").service(ServiceSpec::new("web").desired(2).running(2));
    let stack = stack(estate().cluster(legacy));
    receive_well(&stack, &[case("c02-create-cluster-of-existing")]).await;
    assert_eq!((level(&stack, "legacy").as_str(), change_log(&stack)), ("disabled", vec![]));
}

/// Issue 13, point 1.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_a_sweep_knew_is_not_new_because_of_another_create_call() {
    let stack = stack(with(&[("legacy", "disabled")]));
    assert_eq!(swept(&stack, 0).await["legacy"], "reported");
    receive_well(&stack, &[created("legacy", 10), created("legacy", 20)]).await;
    assert_eq!(level(&stack, "legacy"), "disabled");
    assert_eq!(swept(&stack, 60).await["legacy"], "reported");
    assert_eq!(stack.aws.meter().count(UPDATE), 0);
}

/// Issue 13, point 1.
#[tokio::test(start_paused = true)]
async fn a_rollback_finds_what_was_set_before_another_create_call() {
    let stack = stack(with(&[("shop", "disabled")]));
    receive_well(&stack, &[created("shop", 0)]).await;
    assert_eq!(level(&stack, "shop"), "enabled");
    receive_well(&stack, &[created("shop", 10), created_again("shop", COUNTS[0], 20)]).await;
    stack.run_line("rollback", minute(30)).await.receipt.unwrap();
    assert_eq!(level(&stack, "shop"), "disabled");
    assert_eq!(changes(&stack), [change("shop", "disabled", "enabled", "rolled-back")]);
}

/// What a deploy script does six times, minute by minute: it calls `CreateCluster` and turns
/// Container Insights off.
fn script() -> Vec<Value> {
    (0..6).flat_map(|n| [created("shop", 10 * n), set_by("deploy", "shop", "disabled", 10 * n + 1)]).collect()
}

/// Issue 13, point 1.
#[tokio::test(start_paused = true)]
async fn a_script_that_creates_and_turns_off_each_time_is_overruled_twice_and_then_named() {
    let stack = stack(with(&[("shop", "disabled")]));
    for event in script() {
        if event["detail"]["eventName"] == "UpdateClusterSettings" {
            set_level(&stack, "shop", "disabled");
        }
        receive_well(&stack, &[event]).await;
    }
    assert_eq!((level(&stack, "shop").as_str(), subjects(&stack, UPDATE).len()), ("disabled", 2));
    let found = outcome(&stack, &sweep(&stack, 100).await);
    let script = "arn:aws:sts::123456789012:assumed-role/deploy/session";
    assert_eq!(result(&found, "shop"), json!({"conflict": [format!("{script} (UpdateClusterSettings)")]}));
}

/// `SplitMix64`.
fn below(state: &mut u64, n: usize) -> usize {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    usize::try_from((value ^ (value >> 27)) % u64::try_from(n).unwrap()).unwrap()
}

/// Issue 13, point 1: the same for any lost, repeated and late deliveries.
#[tokio::test(start_paused = true)]
async fn lost_repeated_and_late_deliveries_make_no_third_change() {
    for seed in 0..60 {
        let mut dice = seed;
        let stack = stack(with(&[("shop", "disabled")]));
        let mut under_way: Vec<Value> = Vec::new();
        for event in script() {
            if event["detail"]["eventName"] == "UpdateClusterSettings" {
                set_level(&stack, "shop", "disabled");
            }
            if below(&mut dice, 4) > 0 {
                under_way.push(event);
            }
            while !under_way.is_empty() && below(&mut dice, 3) > 0 {
                let index = below(&mut dice, under_way.len());
                let again = below(&mut dice, 4) == 0;
                let event = if again { under_way[index].clone() } else { under_way.remove(index) };
                receive_well(&stack, &[event]).await;
            }
            if below(&mut dice, 6) == 0 {
                sweep(&stack, 10 * i64::try_from(below(&mut dice, 6)).unwrap() + 5).await;
            }
        }
        let sets = subjects(&stack, UPDATE).len();
        assert!(sets <= 2, "seed {seed}: {sets} changes: {:?}", change_log(&stack));
    }
}

/// Issue 13, point 1: knowledge about an earlier cluster ends with its deletion, by an event or by
/// a sweep.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_deleted_and_created_again_is_new_and_has_no_past() {
    for (by_event, late) in [(true, false), (true, true), (false, false)] {
        let stack = stack(with(&[("shop", "disabled")]));
        sweep(&stack, -10).await;
        receive_well(&stack, &[created("shop", -5), someone_sets(&stack, "ci", "shop", "enabled", 0)]).await;
        stack.aws.edit(|world| world.home().remove_cluster("shop"));
        let (deletion, again) = (deleted("shop", 10), created("shop", 30));
        if by_event && !late {
            receive_well(&stack, std::slice::from_ref(&deletion)).await;
        } else if !by_event {
            sweep(&stack, 20).await;
        }
        stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("shop")));
        receive_well(&stack, std::slice::from_ref(&again)).await;
        if late {
            // Until the deletion of the first one is known, the new one is taken for it.
            assert_eq!(level(&stack, "shop"), "disabled");
            receive_well(&stack, &[deletion.clone(), again.clone()]).await;
        }
        let case = format!("by event: {by_event}, late: {late}");
        assert_eq!(level(&stack, "shop"), "enabled", "{case}");
        let reason = &change_log(&stack)[0].reason;
        assert!(reason.starts_with("the cluster is new"), "{case}: {reason}");
        // A late event of the first one changes nothing.
        receive_well(&stack, &[deletion, created("shop", -5), again]).await;
        assert_eq!((change_log(&stack).len(), level(&stack, "shop").as_str()), (1, "enabled"), "{case}");
    }
}

/// Issue 13, point 1: concurrent messages, too, are one change, which one rollback may undo.
#[tokio::test(start_paused = true)]
async fn two_messages_at_the_same_time_make_one_change() {
    let home = with(&[("shop", "disabled")]);
    let slow = FakeAws::builder(home).clock(minute(-300)).latency(Duration::from_millis(20));
    let stack = Stack::in_process(slow);
    let again = call("CreateCluster", CREATED, "shop", 1);
    let messages = [created("shop", 0), again];
    let (first, second) = tokio::join!(receive(&stack, &messages[..1]), receive(&stack, &messages[1..]));
    let delayed = [first, second].iter().filter(|answer| !sent_back(answer).is_empty()).count();
    assert!(delayed <= 1, "one of them makes it");
    // The queue redelivers the returned message a dozen minutes later.
    receive_well(&stack, &messages).await;
    let states: Vec<&str> = change_log(&stack).iter().map(|entry| entry.state.as_str()).collect();
    assert_eq!((states, subjects(&stack, UPDATE).len()), (vec!["done"], 1));
    receive_well(&stack, &[someone_sets(&stack, "ci", "shop", "disabled", 5)]).await;
    assert_eq!(level(&stack, "shop"), "enabled", "it was undone once");
}

/// Issue 13, points 1 and 3: the events of a cluster that is deleted and created again may arrive
/// in either order.
#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_received_after_the_creation_makes_that_one_new() {
    let stack = stack(with(&[("shop", "disabled")]));
    sweep(&stack, -60).await;
    receive_well(&stack, &[created("shop", 10)]).await;
    assert_eq!(level(&stack, "shop"), "disabled", "a sweep knew a cluster of that name");
    receive_well(&stack, &[deleted("shop", 9)]).await;
    assert_eq!(level(&stack, "shop"), "enabled");
    // A permanently deleted cluster needs no check.
    stack.aws.edit(|world| world.home().remove_cluster("shop"));
    receive_well(&stack, &[deleted("shop", 20)]).await;
    assert_eq!(stack.aws.take_sent(), []);
}

/// Issue 13, point 1: an event before any sweep is an earlier observation, too.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_an_event_showed_before_is_not_new() {
    let mut occupied = created("shop", 0);
    occupied["detail"]["responseElements"]["cluster"]["runningTasksCount"] = json!(2);
    let raised = set_by("ci", "shop", "enhanced", 0);
    for earlier in [occupied, raised] {
        let stack = stack(with(&[("shop", "disabled")]));
        stack.put_config("limits: {existing: report}");
        receive_well(&stack, &[earlier, created("shop", 10)]).await;
        assert_eq!(level(&stack, "shop"), "disabled");
        assert_eq!(swept(&stack, 60).await["shop"], "reported");
    }
}

/// The machine's time, at which the fake's clock starts.
#[allow(clippy::disallowed_methods, reason = "the SDK's clock measures how long a cluster is followed")]
fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap()
}

/// `CreateCluster` this many minutes ago.
fn created_ago(stack: &Stack, cluster: &str, minutes: i64) -> Value {
    stack.aws.pass_until(now());
    let mut event = created(cluster, 0);
    event["detail"]["eventTime"] = json!((now() - SignedDuration::from_mins(minutes)).to_string());
    event
}

/// The only message that the function sent to itself, and its delay.
fn follow(stack: &Stack) -> (Value, u64) {
    let sent = stack.aws.take_sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    (serde_json::from_str(&sent[0].body).unwrap(), sent[0].delay_seconds)
}

/// Issue 13, point 3.
#[tokio::test(start_paused = true)]
async fn a_provisioning_cluster_returns_to_the_queue_until_it_is_active() {
    let stack = stack(estate().cluster(ClusterSpec::new("shop").status("PROVISIONING")));
    receive_well(&stack, &[created_ago(&stack, "shop", 1)]).await;
    for _ in 0..2 {
        let (message, delay) = follow(&stack);
        assert_eq!(
            (&message["fargaze"], &message["platform"], delay),
            (&json!("follow-up"), &json!("ecs"), 60)
        );
        receive_well(&stack, &[message]).await;
    }
    assert_eq!(level(&stack, "shop"), "disabled");
    let (message, _) = follow(&stack);
    stack.aws.edit(|world| "ACTIVE".clone_into(&mut world.home().cluster_mut("shop").unwrap().status));
    receive_well(&stack, std::slice::from_ref(&message)).await;
    assert_eq!(level(&stack, "shop"), "enabled");
    assert_eq!(change_log(&stack)[0].cause, "CreateCluster-shop-0", "the event is the cause");
    // A repeated message does nothing more.
    receive_well(&stack, &[message]).await;
    assert_eq!((subjects(&stack, UPDATE).len(), stack.aws.take_sent().len()), (1, 0));
}

/// Issue 13, point 3.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_missing_just_after_its_event_is_looked_for_again() {
    let stack = stack(estate());
    receive_well(&stack, &[created_ago(&stack, "shop", 0)]).await;
    let (message, delay) = follow(&stack);
    assert_eq!(delay, 60);
    stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("shop")));
    receive_well(&stack, &[message]).await;
    assert_eq!(level(&stack, "shop"), "enabled");

    // A deleted cluster is not checked again.
    let stack = super::stack(estate());
    let mut deletion = deleted("shop", 0);
    deletion["detail"]["eventTime"] = json!(now().to_string());
    receive_well(&stack, &[deletion, created_ago(&stack, "shop", 1)]).await;
    assert_eq!(stack.aws.take_sent(), []);
}

/// Issue 13, point 3.
#[tokio::test(start_paused = true)]
async fn what_never_becomes_active_is_left_to_the_sweep() {
    for (status, minutes, delay) in [
        ("PROVISIONING", 59, Some(120)),
        ("PROVISIONING", 61, None),
        ("MISSING", 4, Some(60)),
        ("MISSING", 6, None),
        ("FAILED", 1, None),
        ("DEPROVISIONING", 1, None),
        // ECS may still return the deleted cluster of a reused name.
        ("INACTIVE", 4, Some(60)),
        ("INACTIVE", 6, None),
    ] {
        let there = status != "MISSING";
        let stack =
            stack(if there { estate().cluster(ClusterSpec::new("shop").status(status)) } else { estate() });
        receive_well(&stack, &[created_ago(&stack, "shop", minutes)]).await;
        let sent = stack.aws.take_sent();
        assert_eq!(sent.first().map(|sent| sent.delay_seconds), delay, "{status}, {minutes}");
    }
}

/// Issue 13, point 3.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_sweeps_see_before_it_is_made_is_new_at_the_next() {
    // At the first sweep of a target, and at a later one; with an event and without.
    for (first, with_event, status) in [
        (true, false, "PROVISIONING"),
        (false, false, "PROVISIONING"),
        (false, true, "PROVISIONING"),
        (false, false, "FAILED"),
    ] {
        let stack = stack(with(&[("old", "disabled")]));
        if !first {
            sweep(&stack, 0).await;
        }
        stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("shop").status(status)));
        if with_event {
            receive_well(&stack, &[created("shop", 5)]).await;
        }
        let case = format!("first: {first}, with event: {with_event}, {status}");
        assert_eq!(swept(&stack, 60).await["shop"], "not-yet", "{case}");
        assert_eq!(swept(&stack, 120).await["shop"], "not-yet", "{case}");
        stack.aws.edit(|world| "ACTIVE".clone_into(&mut world.home().cluster_mut("shop").unwrap().status));
        let found = swept(&stack, 180).await;
        assert_eq!(
            (&found["shop"], &found["old"]),
            (&json!({"set": "enabled"}), &json!("reported")),
            "{case}"
        );
    }
}

/// Issue 13, point 3: an existing cluster is PROVISIONING, too, while it gets capacity providers.
#[tokio::test(start_paused = true)]
async fn a_cluster_with_services_that_is_provisioning_at_the_first_sweep_was_there_before() {
    let busy = ClusterSpec::new("busy").service(ServiceSpec::new("web")).status("PROVISIONING");
    let stack = stack(estate().cluster(busy));
    assert_eq!(swept(&stack, 0).await["busy"], "left");
    stack.aws.edit(|world| "ACTIVE".clone_into(&mut world.home().cluster_mut("busy").unwrap().status));
    assert_eq!(swept(&stack, 60).await["busy"], "reported");
}

/// Issue 13, point 4.
#[tokio::test(start_paused = true)]
async fn what_aws_batch_makes_is_left_alone_whatever_its_name() {
    let named = "nightly-env_Batch_6fe563a1-0000-3544-a5c4-ec546712c2ba";
    let stack = stack(with(&[(named, "disabled"), ("jobs", "disabled")]));
    stack.put_config(CHANGE);
    let mut of_batch = created("jobs", 0);
    of_batch["detail"]["userIdentity"] =
        case("c03-create-cluster-by-batch")["detail"]["userIdentity"].clone();
    receive_well(&stack, &[case("c03-create-cluster-by-batch"), of_batch]).await;
    let found = swept(&stack, 10).await;
    assert_eq!((&found[named], &found["jobs"]), (&json!("left"), &json!("left")));
    assert!(levels(&stack).values().all(|level| level == "disabled"));
    // A user's policy applies to them as well.
    stack.put_config(
        "limits: {existing: change}\npolicies: [{match: {clusters: [jobs]}, container-insights: at-least-enabled}]",
    );
    assert_eq!(swept(&stack, 60).await["jobs"], json!({"set": "enabled"}));
}

/// Issue 13, point 5.
#[tokio::test(start_paused = true)]
async fn a_cluster_of_the_sovereign_cloud_is_set() {
    const REGION: &str = "eusc-de-east-1";
    let home = fake_aws::Estate::new(function_tests::ACCOUNT, REGION).cluster(ClusterSpec::new("shop"));
    let stack = Stack::in_process(FakeAws::builder(estate()).estate(home));
    receive_well(&stack, &[case("c04-create-cluster-eusc")]).await;
    let there = stack
        .aws
        .edit(|world| world.estate(function_tests::ACCOUNT, REGION).insights("shop").unwrap().to_owned());
    assert_eq!(there, "enabled");
}

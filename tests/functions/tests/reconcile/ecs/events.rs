//! The event path: one event about one cluster, however it arrives.

use fake_aws::{ClusterSpec, Estate, FakeAws};
use fargaze::events::BadEvent;
use fargaze::model::insights::InsightsLevel;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{Aspect, Change, ChangeState, Value as Level};
use function_tests::{ACCOUNT, REGION, Stack, estate, event_file, minute, sent_back};
use serde_json::{Value, json};

use super::{
    CREATED, UPDATE, change, change_log, changes, created, deleted, items, level, receive, receive_well,
    reverts, set_by, set_level, someone_sets, stack, subjects, sweep, text, with,
};

const OWN: &str = "enable-insights.update-cluster-settings-own.ok";
const OFF: &str = "enable-insights.update-cluster-settings-off.ok";

#[tokio::test(start_paused = true)]
async fn a_new_cluster_is_set_and_its_entry_in_the_change_log_is_complete() {
    let stack = stack(with(&[("shop", "disabled")]));
    receive_well(&stack, &[event_file(CREATED)]).await;
    assert_eq!(level(&stack, "shop"), "enabled");
    let calls = stack.aws.meter().calls;
    let request = calls.iter().find(|call| call.operation == UPDATE).unwrap();
    let entry = Change {
        subject: Subject::Cluster("shop".parse().unwrap()),
        aspect: Aspect::ContainerInsights,
        number: 1,
        made: "2026-11-22T10:03:20Z".parse().unwrap(),
        cause: "a4d2f1de-0000-4c7b-9d55-7b2f0a9c1e10".to_owned(),
        from: Level::Level(InsightsLevel::Disabled),
        to: Level::Level(InsightsLevel::Enabled),
        policy: "at-least-enabled".to_owned(),
        reason: "the cluster is new; its policy is at-least-enabled (built-in)".to_owned(),
        request_id: Some(request.request_id.clone()),
        state: ChangeState::Done,
        accepted: false,
        update_id: None,
        failure: None,
        undo: None,
        rolled_back_by: None,
    };
    assert_eq!(change_log(&stack), [entry]);
    assert_eq!(text(&items(&stack, "CHANGES#")[0], "sk"), "shop/container-insights#1");
    let life = &items(&stack, "LIVES#")[0];
    assert_eq!(
        (text(life, "sk"), text(life, "time")),
        ("shop".to_owned(), "2026-11-22T10:03:20Z".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_created_with_more_than_its_policy_is_not_touched() {
    let stack = stack(with(&[("shop", "enhanced")]));
    receive_well(&stack, &[event_file("enable-insights.create-cluster-enhanced.ok")]).await;
    assert_eq!(level(&stack, "shop"), "enhanced");
    assert_eq!((stack.aws.meter().count(UPDATE), change_log(&stack)), (0, vec![]));
}

#[tokio::test(start_paused = true)]
async fn only_an_exact_policy_lowers_a_new_cluster() {
    for (policy, after) in [
        ("container-insights: at-least-enabled", "enhanced"),
        ("container-insights: off-is-fine", "enhanced"),
        ("container-insights: leave", "enhanced"),
        ("hands-off: true", "enhanced"),
        ("container-insights: {exactly: enabled}", "enabled"),
        ("container-insights: {exactly: disabled}", "disabled"),
    ] {
        let stack = stack(with(&[("shop", "enhanced")]));
        stack.put_config(&format!("policies: [{{match: {{clusters: [sh*]}}, {policy}}}]"));
        receive_well(&stack, &[event_file(CREATED)]).await;
        assert_eq!(level(&stack, "shop"), after, "{policy}");
        assert_eq!(change_log(&stack).len(), usize::from(after != "enhanced"), "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_of_our_own_call_is_ignored_without_a_call_of_ecs_or_the_table() {
    // Off, as if the call had been answered and not applied: a function that acts on the event
    // would set it.
    let stack = stack(with(&[("shop", "disabled")]));
    receive_well(&stack, &[created("shop", -5)]).await;
    set_level(&stack, "shop", "disabled");
    stack.aws.reset_meter();
    receive_well(&stack, &[event_file(OWN)]).await;
    assert_eq!(stack.aws.meter().log(), ["s3:GetObject fargaze-bucket/fargaze.yaml 404 NoSuchKey"]);
    // The same call by another role is not fargaze's.
    stack.set("FARGAZE_ROLE_ARN", "arn:aws:iam::123456789012:role/another-fargaze");
    receive_well(&stack, &[event_file(OWN)]).await;
    assert_eq!(level(&stack, "shop"), "enabled");
}

#[tokio::test(start_paused = true)]
async fn an_update_of_other_settings_is_ignored() {
    let stack = stack(with(&[("shop", "disabled")]));
    let mut event = event_file(OFF);
    event["detail"]["requestParameters"]["settings"][0]["name"] = json!("somethingNew");
    receive_well(&stack, &[event]).await;
    assert_eq!(stack.aws.meter().count_all(), 0);
}

#[tokio::test(start_paused = true)]
async fn duplicate_or_reordered_deliveries_have_the_same_result() {
    let clusters = [("shop", "disabled"), ("cart", "enhanced"), ("lab", "enabled")];
    // The owner of `cart` lowers it after its creation, to a compliant level.
    let events =
        [created("shop", 0), created("cart", 1), set_by("ci", "cart", "enabled", 2), created("lab", 3)];
    let orders: [&[usize]; 5] =
        [&[0, 1, 2, 3], &[3, 2, 1, 0], &[0, 0, 1, 2, 1, 3, 3], &[2, 1, 2, 0, 3], &[1, 3, 2, 0, 2]];
    for order in orders {
        let stack = stack(with(&clusters));
        set_level(&stack, "cart", "enabled");
        for &index in order {
            receive_well(&stack, &events[index..=index]).await;
        }
        assert_eq!(changes(&stack), [change("shop", "disabled", "enabled", "done")], "{order:?}");
        assert_eq!(subjects(&stack, UPDATE), ["shop"], "{order:?}");
        let recorded: Vec<String> = items(&stack, "LIVES#").iter().map(|item| text(item, "time")).collect();
        assert_eq!(recorded, [1, 3, 0].map(|at| minute(at).to_string()), "{order:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_repetition_of_an_older_creation_does_not_bring_its_history_back() {
    // The first cluster of the name was set twice, and turned off twice; the second one is
    // unrelated.
    let stack = stack(with(&[("shop", "disabled")]));
    receive_well(&stack, &[created("shop", 0)]).await;
    receive_well(&stack, &[someone_sets(&stack, "terraform", "shop", "disabled", 1)]).await;
    stack.aws.edit(|world| world.home().remove_cluster("shop"));
    stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("shop")));
    receive_well(&stack, &[deleted("shop", 5), created("shop", 10), created("shop", 0)]).await;
    assert_eq!(level(&stack, "shop"), "enabled");
    set_level(&stack, "shop", "disabled");
    // It was reverted only once since its creation.
    receive_well(&stack, &[created("shop", 0), set_by("ci", "shop", "disabled", 11)]).await;
    assert_eq!(level(&stack, "shop"), "enabled");
    assert_eq!(text(&items(&stack, "LIVES#")[0], "time"), minute(10).to_string());
}

#[tokio::test(start_paused = true)]
async fn clusters_that_are_deleted_tagged_or_of_aws_batch_are_skipped_without_an_error() {
    for (cluster, name) in [
        (ClusterSpec::new("another"), "deleted"),
        (ClusterSpec::new("deleted").status("INACTIVE"), "deleted"),
        (ClusterSpec::new("shop").tag("fargaze", "hands-off"), "shop"),
        (ClusterSpec::new("AWSBatch-nightly"), "AWSBatch-nightly"),
    ] {
        let stack = stack(estate().cluster(cluster));
        receive_well(&stack, &[created(name, 0), set_by("ci", name, "disabled", 1)]).await;
        assert_eq!((stack.aws.meter().count(UPDATE), change_log(&stack)), (0, vec![]), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_deleted_between_the_check_and_the_call_is_no_error() {
    let stack = stack(with(&[("shop", "disabled")]));
    let not_found = fake_aws::Fault::on(UPDATE).error(400, "ClusterNotFoundException", "Cluster not found.");
    stack.aws.add_fault(not_found);
    receive_well(&stack, &[created("shop", 0)]).await;
    assert_eq!(changes(&stack), [change("shop", "disabled", "enabled", "abandoned")]);
}

#[tokio::test(start_paused = true)]
async fn a_level_that_ecs_does_not_know_is_an_error_that_names_the_field() {
    let mut event = event_file(OFF);
    event["detail"]["requestParameters"]["settings"][0]["value"] = json!("extreme");
    let stack = stack(with(&[("shop", "disabled")]));
    assert_eq!(sent_back(&receive(&stack, std::slice::from_ref(&event)).await), ["message-0"]);
    assert_eq!(stack.aws.meter().count_all(), 0);
    match fargaze::events::read(&event.to_string()).unwrap_err() {
        BadEvent::BadField { field, why, .. } => {
            assert_eq!(field, "detail.requestParameters.settings");
            assert!(why.contains("`extreme`") && why.contains("disabled, enabled or enhanced"), "{why}");
        }
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_whose_level_is_unknown_is_an_error_and_not_taken_for_off() {
    let stack = stack(with(&[("shop", "extreme")]));
    assert_eq!(sent_back(&receive(&stack, &[created("shop", 0)]).await), ["message-0"]);
    assert_eq!(stack.aws.meter().count(UPDATE), 0);
}

/// The event as it arrives from another account.
fn in_account(account: &str, event: &Value) -> Value {
    serde_json::from_str(&event.to_string().replace(ACCOUNT, account)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_event_of_an_account_of_the_file_is_acted_on_with_its_role_and_of_another_fails() {
    const OTHER: &str = "210987654321";
    const ROLE: &str = "arn:aws:iam::210987654321:role/fargaze-writer";
    let there = Estate::new(OTHER, REGION).cluster(ClusterSpec::new("shop"));
    let stack = Stack::in_process(FakeAws::builder(with(&[("shop", "disabled")])).estate(there));
    stack.aws.edit(|world| world.role(ROLE, Some("x-1")));
    stack.put_config(&format!(
        "targets: [{{account: \"{OTHER}\", regions: [{REGION}], roles: {{read: \"{ROLE}\"}}, external-id: x-1, parts: 2}}]"
    ));
    let event = event_file(CREATED);
    receive_well(&stack, &[in_account(OTHER, &event)]).await;
    let over_there = stack.aws.edit(|world| world.estate(OTHER, REGION).insights("shop").unwrap().to_owned());
    assert_eq!((over_there.as_str(), level(&stack, "shop").as_str()), ("enabled", "disabled"));
    assert_eq!(text(&items(&stack, "CHANGES#")[0], "pk"), format!("CHANGES#{OTHER}#{REGION}"));
    let calls = stack.aws.meter().calls;
    let update = calls.iter().find(|call| call.operation == UPDATE).unwrap();
    assert_eq!(update.account, OTHER);
    assert_eq!(calls.iter().find(|call| call.operation == "sts:AssumeRole").unwrap().subject, ROLE);

    // A call of the role in that account is fargaze's, too.
    let mut own = in_account(OTHER, &event_file(OWN));
    own["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = json!(ROLE);
    stack.aws.edit(|world| {
        world.estate(OTHER, REGION).put_cluster(ClusterSpec::new("shop"));
    });
    receive_well(&stack, &[own]).await;
    assert_eq!(stack.aws.meter().count(UPDATE), 1);

    stack.aws.reset_meter();
    let answer = receive(&stack, &[in_account("999999999999", &event), event.clone()]).await;
    assert_eq!(sent_back(&answer), ["message-0"], "nothing is known of that account");
    assert!(stack.aws.meter().calls.iter().all(|call| call.account != "999999999999"));
    assert_eq!(level(&stack, "shop"), "enabled", "the home account needs no target");
}

#[tokio::test(start_paused = true)]
async fn in_a_dry_run_an_event_changes_nothing_and_the_sweep_still_knows_that_it_came() {
    let stack = stack(with(&[("shop", "disabled")]));
    sweep(&stack, -10).await;
    stack.put_config("limits: {dry-run: true}");
    stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("young")));
    receive_well(&stack, &[created("young", 0)]).await;
    assert_eq!((level(&stack, "young").as_str(), change_log(&stack)), ("disabled", vec![]));
    stack.put_config("limits: {}");
    let line = sweep(&stack, 10).await;
    let outcome = super::outcome(&stack, &line);
    assert_eq!(super::result(&outcome, "young"), json!({"set": "enabled"}));
    assert_eq!(super::finding(&outcome, "young").get("unannounced"), None);
}

#[tokio::test(start_paused = true)]
async fn an_event_about_a_cluster_that_was_there_before_changes_it_only_if_the_file_says_so() {
    for (yaml, after) in [
        ("limits: {existing: report}", "disabled"),
        ("limits: {existing: change}", "enabled"),
        (
            "policies: [{match: {clusters: [shop]}, container-insights: at-least-enhanced, existing: change}]",
            "enhanced",
        ),
    ] {
        let stack = stack(with(&[("shop", "disabled")]));
        stack.put_config(yaml);
        receive_well(&stack, &[event_file(OFF)]).await;
        assert_eq!(level(&stack, "shop"), after, "{yaml}");
        assert_eq!(reverts(&stack), [], "what fargaze did not set is not reverted");
    }
}

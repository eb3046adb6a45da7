//! Calls by others that change fargaze's setup are acted on at once, and "already exists" responses
//! are no failure.

use std::time::Duration;

use fake_aws::Fault;
use serde_json::Value;

use super::*;

/// The caller in these events.
const DEPLOY: &str = "arn:aws:sts::123456789012:assumed-role/deploy/ci";

const LOGS: &str = "policies: [{control-plane-logs: [api]}]";

/// A recent call about a cluster by someone's session.
fn called(call: &str, cluster: &str, answer: &Value) -> Value {
    let mut event = created(cluster, now());
    let detail = &mut event["detail"];
    detail["eventName"] = json!(call);
    detail["eventID"] = json!(format!("{call}-{cluster}"));
    detail["requestParameters"] = json!({"name": cluster});
    detail["responseElements"] = answer.clone();
    event
}

/// The add-on metrics-server is removed.
fn removed(cluster: &str) -> Value {
    let mut event = called("DeleteAddon", cluster, &of_part("addon", cluster));
    event["detail"]["requestParameters"]["addonName"] = json!(METRICS_SERVER);
    event
}

/// The logs of the API server are turned off.
fn turned_off(cluster: &str) -> Value {
    let mut event = called("UpdateClusterConfig", cluster, &json!({"update": {"id": "9f2b"}}));
    let off = json!({"clusterLogging": [{"types": ["api"], "enabled": false}]});
    event["detail"]["requestParameters"]["logging"] = off;
    event
}

fn of_part(part: &str, cluster: &str) -> Value {
    json!({part: {"clusterName": cluster, "status": "DELETING"}})
}

/// Issue 13, point 2.
#[tokio::test(start_paused = true)]
async fn what_someone_reverts_is_set_again_at_once_and_no_more_than_twice() {
    let stack = stack([payments()]);
    stack.put_config(LOGS);
    deliver_well(&stack, &[created("payments", now())]).await;
    let mut calls = Vec::new();
    for _ in 0..4 {
        finish(&stack, "payments");
        stack.aws.take_sent();
        deliver_well(&stack, &[created("payments", now())]).await;
        edit(&stack, "payments", |cluster| {
            cluster.addons.clear();
            cluster.logs.clear();
        });
        deliver_well(&stack, &[removed("payments"), turned_off("payments")]).await;
        calls.push((stack.aws.meter().count(CREATE), stack.aws.meter().count(UPDATE)));
    }
    assert_eq!(calls, [(2, 2); 4]);
    let found = ran(&stack, "sweep", 60).await;
    let conflict = |aspect: &str| of_aspect(&found, aspect)["result"]["conflict"].clone();
    assert_eq!(conflict("metrics-server"), json!([format!("{DEPLOY} (DeleteAddon)")]));
    assert_eq!(conflict("control-plane-logs"), json!([format!("{DEPLOY} (UpdateClusterConfig)")]));
}

/// Issue 13, point 2.
#[tokio::test(start_paused = true)]
async fn what_is_set_again_after_a_call_of_others_is_followed() {
    let stack = stack([payments()]);
    deliver_well(&stack, &[created("payments", now())]).await;
    finish(&stack, "payments");
    let (message, _) = follow(&stack);
    deliver_well(&stack, &[message]).await;
    assert_eq!(changes(&stack), [entry("payments/metrics-server", "done")]);
    edit(&stack, "payments", |cluster| cluster.addons.clear());
    deliver_well(&stack, &[removed("payments")]).await;
    let (message, _) = follow(&stack);
    assert_eq!(message["updates"], json!([{"aspect": METRICS_SERVER, "id": null}]));
}

/// Issue 13, point 2.
#[tokio::test(start_paused = true)]
async fn an_add_on_is_installed_as_soon_as_its_fargate_profile_is_made() {
    let stack = stack([EksClusterSpec::new("payments").since("ACTIVE", now())]);
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!((addons(&stack, "payments").len(), stack.aws.take_sent().len()), (0, 0), "it has no place");
    edit(&stack, "payments", |cluster| {
        *cluster = cluster.clone().profile("system", &["kube-system"]);
        "CREATING".clone_into(&mut cluster.profiles[0].status);
    });
    let made = called("CreateFargateProfile", "payments", &of_part("fargateProfile", "payments"));
    deliver_well(&stack, &[made]).await;
    assert_eq!(addons(&stack, "payments").len(), 0, "nothing runs there yet");
    let (message, _) = follow(&stack);
    edit(&stack, "payments", |cluster| "ACTIVE".clone_into(&mut cluster.profiles[0].status));
    deliver_well(&stack, &[message]).await;
    assert_eq!(addons(&stack, "payments"), [METRICS_SERVER]);
}

/// Issue 13, point 2: fargaze's own calls are ignored, and no second message follows what one
/// follows already.
#[tokio::test(start_paused = true)]
async fn our_own_calls_are_ignored_and_what_is_followed_is_followed_once() {
    let stack = stack([payments()]);
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!(stack.aws.take_sent().len(), 1);
    stack.aws.reset_meter();
    let mut own = called("CreateAddon", "payments", &of_part("addon", "payments"));
    own["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = json!(Stack::ROLE);
    deliver_well(&stack, &[own]).await;
    assert!(stack.aws.meter().calls.iter().all(|call| call.operation == "s3:GetObject"));
    let foreign = called("CreateNodegroup", "payments", &of_part("nodegroup", "payments"));
    deliver_well(&stack, &[foreign.clone(), foreign]).await;
    assert_eq!(stack.aws.take_sent(), [], "the message of our own change is under way");
}

/// Issue 13, point 2.
#[tokio::test(start_paused = true)]
async fn calls_about_existing_or_deleted_clusters_change_nothing() {
    let stack =
        stack([payments().since("ACTIVE", minutes_ago(600)), cluster("old").since("DELETING", now())]);
    for call in ["CreateAddon", "DeleteAddon", "DeleteFargateProfile", "DeleteNodegroup", "DeleteCluster"] {
        for cluster in ["payments", "old", "none"] {
            deliver_well(&stack, &[called(call, cluster, &json!({}))]).await;
        }
    }
    assert_eq!((changes(&stack), stack.aws.take_sent()), (vec![], vec![]));
    assert_eq!(stack.aws.meter().count(CREATE) + stack.aws.meter().count(UPDATE), 0);
}

/// Delivers a creation event while the call of this operation takes ten seconds; meanwhile someone
/// changes the cluster.
async fn overtaken(operation: &str, change: impl Fn(&mut EksClusterSpec)) -> (Stack, Value) {
    let stack = stack([payments()]);
    stack.put_config(LOGS);
    stack.aws.add_fault(Fault::on(operation).delay(Duration::from_secs(10)));
    let event = [created("payments", now())];
    let someone = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        edit(&stack, "payments", change);
    };
    let (answer, ()) = tokio::join!(deliver(&stack, &event), someone);
    (stack, answer)
}

/// Issue 13, point 14.
#[tokio::test(start_paused = true)]
async fn what_others_made_so_at_the_same_time_complies() {
    let on = |cluster: &mut EksClusterSpec| *cluster = cluster.clone().log("api");
    let installed =
        |cluster: &mut EksClusterSpec| *cluster = cluster.clone().addon(METRICS_SERVER, "v0.8.0-eksbuild.1");
    let all_well = json!({"batchItemFailures": []});
    let (stack, answer) = overtaken(UPDATE, on).await;
    assert_eq!(answer, all_well);
    let calls = stack.aws.meter().calls;
    assert!(
        calls.iter().any(|call| call.code == "InvalidParameterException"),
        "EKS says that nothing is to do"
    );
    let state = |part: &str| {
        let subject = format!("payments/{part}");
        changes(&stack).into_iter().find(|(of, ..)| *of == subject).map(|(_, state, _)| state)
    };
    assert_eq!(state("control-plane-logs").as_deref(), Some("abandoned"), "it was not fargaze");
    finish(&stack, "payments");
    let found = ran(&stack, "sweep", 60).await;
    assert_eq!(of_aspect(&found, "control-plane-logs")["result"], "compliant", "{found}");

    let (stack, answer) = overtaken(CREATE, installed).await;
    assert_eq!(answer, all_well);
    assert!(stack.aws.meter().calls.iter().any(|call| call.code == "ResourceInUseException"));
    let (subject, state, _) = changes(&stack).remove(1);
    assert_eq!((subject.as_str(), state.as_str()), ("payments/metrics-server", "abandoned"));
    // A rollback does not remove what others created.
    finish(&stack, "payments");
    ran(&stack, "rollback", 60).await;
    assert_eq!(addons(&stack, "payments"), [METRICS_SERVER]);
}

/// Issue 13, point 14: the wording alone is not proof.
#[tokio::test(start_paused = true)]
async fn a_no_change_response_is_a_failure_if_the_value_differs() {
    let stack = stack([payments()]);
    stack.put_config(LOGS);
    stack.aws.add_fault(Fault::on(UPDATE).error(
        400,
        "InvalidParameterException",
        "No changes needed for it",
    ));
    let answer = deliver(&stack, &[created("payments", now())]).await;
    assert_eq!(function_tests::sent_back(&answer), ["message-0"]);
    assert_eq!(logs(&stack, "payments"), [""; 0]);
}

/// Issue 13, point 14.
#[tokio::test(start_paused = true)]
async fn a_rollback_of_logs_that_someone_turned_off_at_the_same_time_is_done() {
    let stack = stack([payments()]);
    stack.put_config(LOGS);
    deliver_well(&stack, &[created("payments", now())]).await;
    finish(&stack, "payments");
    ran(&stack, "sweep", 10).await;
    stack.aws.add_fault(Fault::on(UPDATE).delay(Duration::from_secs(10)));
    let someone = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        edit(&stack, "payments", |cluster| cluster.logs.clear());
    };
    let (found, ()) = tokio::join!(ran(&stack, "rollback", 60), someone);
    assert_eq!(of_aspect(&found, "control-plane-logs")["result"], "rolled-back", "{found}");
}

//! Add-ons, control-plane logs and Fargate logging of EKS clusters.

mod calls;
mod changes;
mod events;
mod faults;
mod logging;
mod logging_rollback;
mod policies;
mod rights;
mod rollback;
mod sweep;
mod thousand;

use fake_aws::{EksClusterSpec, FakeAws};
use fargaze::reconcile::Change;
use function_tests::{Function, Stack, estate, event_file, minute, sqs_batch};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{change_log, findings, items, text};

const CREATE: &str = "eks:CreateAddon";
const UPDATE: &str = "eks:UpdateClusterConfig";
const METRICS_SERVER: &str = "metrics-server";

/// A stack in virtual time with these clusters.
fn stack(clusters: impl IntoIterator<Item = EksClusterSpec>) -> Stack {
    let mut home = estate();
    clusters.into_iter().for_each(|cluster| home.put_eks(cluster));
    Stack::in_process(FakeAws::builder(home))
}

/// An ACTIVE cluster with a recent event; its Fargate profile selects where add-ons run.
fn payments() -> EksClusterSpec {
    cluster("payments")
}

fn cluster(name: &str) -> EksClusterSpec {
    EksClusterSpec::new(name).since("ACTIVE", now()).profile("default", &["kube-system", "default"])
}

/// The time that the functions use, too: that of the machine, at which the stand-in's clock starts,
/// in whole seconds like EKS.
#[allow(clippy::disallowed_methods, reason = "the SDK's clock measures how long a cluster is followed")]
fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap()
}

fn minutes_ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

/// `CreateCluster` of EKS at this time.
fn created(cluster: &str, time: Timestamp) -> Value {
    let mut event = event_file("enable-insights.eks-create-cluster.ok");
    let detail = &mut event["detail"];
    detail["eventID"] = json!(format!("created-{cluster}"));
    detail["eventTime"] = json!(time.to_string());
    detail["responseElements"]["cluster"]["arn"] =
        json!(format!("arn:aws:eks:eu-west-1:123456789012:cluster/{cluster}"));
    event
}

/// Delivers messages of the queue; returns the response.
async fn deliver(stack: &Stack, messages: &[Value]) -> Value {
    let bodies: Vec<String> = messages.iter().map(ToString::to_string).collect();
    stack.invoke(Function::EnableInsights, sqs_batch(&bodies)).await.unwrap()
}

/// Delivers messages; none of them may be returned to the queue.
async fn deliver_well(stack: &Stack, messages: &[Value]) {
    assert_eq!(deliver(stack, messages).await, json!({"batchItemFailures": []}));
}

/// The only message that the function sent to itself, with its delay.
fn follow(stack: &Stack) -> (Value, u64) {
    let sent = stack.aws.take_sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    (serde_json::from_str(&sent[0].body).unwrap(), sent[0].delay_seconds)
}

/// Changes a cluster of the home estate.
fn edit<T>(stack: &Stack, cluster: &str, edit: impl FnOnce(&mut EksClusterSpec) -> T) -> T {
    stack.aws.edit(|world| edit(world.home().eks_cluster(cluster).unwrap()))
}

/// EKS completes its work.
fn finish(stack: &Stack, cluster: &str) {
    edit(stack, cluster, |cluster| {
        cluster.finish_updates();
        cluster.finish_addons();
    });
}

fn addons(stack: &Stack, cluster: &str) -> Vec<String> {
    edit(stack, cluster, |cluster| cluster.addons.keys().cloned().collect())
}

fn logs(stack: &Stack, cluster: &str) -> Vec<String> {
    edit(stack, cluster, |cluster| cluster.logs.iter().cloned().collect())
}

/// Plays a sweep or rollback at this minute; returns the outcome of the EKS target.
async fn ran(stack: &Stack, kind: &str, at: i64) -> Value {
    ran_at(stack, kind, minute(at)).await
}

async fn ran_at(stack: &Stack, kind: &str, time: Timestamp) -> Value {
    let line = Box::pin(stack.run_line(kind, time)).await;
    line.receipt.as_ref().unwrap();
    let ended = line.items.iter().find(|item| item["platform"] == "eks").unwrap();
    assert!(ended["failure"].is_null(), "{ended}");
    stack.json(ended["outcome"]["key"].as_str().unwrap())
}

/// The change log as cluster and aspect, state, and whether EKS has accepted it.
fn changes(stack: &Stack) -> Vec<(String, String, bool)> {
    let keys = items(stack, "CHANGES#").into_iter().map(|item| text(&item, "pk"));
    assert!(keys.clone().all(|key| key.ends_with("#EKS")), "{:?}", keys.collect::<Vec<_>>());
    let words = |change: Change| {
        let of = format!("{}/{}", change.subject, change.aspect);
        (of, change.state.as_str().to_owned(), change.accepted)
    };
    change_log(stack).into_iter().map(words).collect()
}

/// The only finding about an aspect.
fn of_aspect<'a>(outcome: &'a Value, aspect: &str) -> &'a Value {
    let found: Vec<&Value> = findings(outcome).iter().filter(|one| one["aspect"] == aspect).collect();
    assert_eq!(found.len(), 1, "{aspect}: {outcome}");
    found[0]
}

fn entry(subject: &str, state: &str) -> (String, String, bool) {
    (subject.to_owned(), state.to_owned(), true)
}

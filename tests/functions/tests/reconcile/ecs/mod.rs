//! Container Insights of ECS clusters, and the account's default.

mod births;
mod conflicts;
mod crashes;
mod defaults;
mod events;
mod histories;
mod log_retention;
mod passes;
mod reverts;
mod rollback;
mod strange;
mod sweep;
mod thousand;

use std::collections::BTreeMap;

use fake_aws::{ClusterSpec, Estate, FakeAws};
use fargaze::reconcile::Change;
use function_tests::{Function, Line, Stack, estate, event_file, minute, sqs_batch};
use serde_json::{Value, json};

use super::{change_log, findings, items, result_of, text};

pub(crate) const UPDATE: &str = "ecs:UpdateClusterSettings";
pub(crate) const CREATED: &str = "enable-insights.create-cluster.ok";

/// The built-in policies with limits too high to matter.
const CHANGE: &str = "limits: {existing: change, max-changes: 1000, max-percent: 100}";

/// An estate with these clusters at these levels.
pub(crate) fn with(clusters: &[(&str, &str)]) -> Estate {
    let mut estate = estate();
    for (name, level) in clusters {
        estate.put_cluster(ClusterSpec::new(name).insights(level));
    }
    estate
}

/// A stack in virtual time, some hours before the first event.
fn stack(home: Estate) -> Stack {
    Stack::in_process(FakeAws::builder(home).clock(minute(-300)))
}

/// `CreateCluster` at this minute.
fn created(cluster: &str, at: i64) -> Value {
    call("CreateCluster", CREATED, cluster, at)
}

/// `DeleteCluster` at this minute.
fn deleted(cluster: &str, at: i64) -> Value {
    call("DeleteCluster", CREATED, cluster, at)
}

/// `UpdateClusterSettings` by a session of this role at this minute.
fn set_by(role: &str, cluster: &str, level: &str, at: i64) -> Value {
    let mut event =
        call("UpdateClusterSettings", "enable-insights.update-cluster-settings-off.ok", cluster, at);
    let identity = &mut event["detail"]["userIdentity"];
    identity["arn"] = json!(format!("arn:aws:sts::123456789012:assumed-role/{role}/session"));
    identity["sessionContext"]["sessionIssuer"]["arn"] =
        json!(format!("arn:aws:iam::123456789012:role/{role}"));
    event["detail"]["requestParameters"]["settings"][0]["value"] = json!(level);
    event
}

/// The event of a file, with this cluster, this minute, and new ids.
fn call(name: &str, file: &str, cluster: &str, at: i64) -> Value {
    let mut event = event_file(file);
    event["id"] = json!(format!("envelope-{name}-{cluster}-{at}"));
    let detail = &mut event["detail"];
    detail["eventName"] = json!(name);
    detail["eventID"] = json!(format!("{name}-{cluster}-{at}"));
    detail["eventTime"] = json!(minute(at).to_string());
    let arn = format!("arn:aws:ecs:eu-west-1:123456789012:cluster/{cluster}");
    detail["responseElements"]["cluster"]["clusterArn"] = json!(arn);
    event
}

/// Advances time until all of these have happened.
fn pass(stack: &Stack, events: &[Value]) {
    let times = events.iter().filter_map(|event| event["detail"]["eventTime"].as_str());
    if let Some(newest) = times.filter_map(|time| time.parse().ok()).max() {
        stack.aws.pass_until(newest);
    }
}

/// Delivers a batch of events, none before its time; returns the response.
pub(crate) async fn receive(stack: &Stack, events: &[Value]) -> Value {
    pass(stack, events);
    let bodies: Vec<String> = events.iter().map(ToString::to_string).collect();
    stack.invoke(Function::EnableInsights, sqs_batch(&bodies)).await.unwrap()
}

/// Delivers events; none of them may be returned to the queue.
async fn receive_well(stack: &Stack, events: &[Value]) {
    assert_eq!(receive(stack, events).await, json!({"batchItemFailures": []}));
}

/// Someone sets a cluster; an event reports it.
fn someone_sets(stack: &Stack, role: &str, cluster: &str, level: &str, at: i64) -> Value {
    set_level(stack, cluster, level);
    set_by(role, cluster, level, at)
}

pub(crate) fn level(stack: &Stack, cluster: &str) -> String {
    stack.aws.edit(|world| world.home().insights(cluster).unwrap().to_owned())
}

/// Levels of all clusters of the home estate.
fn levels(stack: &Stack) -> BTreeMap<String, String> {
    stack.aws.edit(|world| {
        let clusters = world.home().clusters().values();
        clusters.map(|cluster| (cluster.name.clone(), cluster.insights.clone())).collect()
    })
}

fn set_level(stack: &Stack, cluster: &str, level: &str) {
    stack.aws.edit(|world| level.clone_into(&mut world.home().cluster_mut(cluster).unwrap().insights));
}

/// Changes of the change log as subject, level before, level after and state.
pub(crate) fn changes(stack: &Stack) -> Vec<(String, String, String, String)> {
    let words = |Change { subject, from, to, state, .. }: Change| {
        (subject.to_string(), from.to_string(), to.to_string(), state.as_str().to_owned())
    };
    change_log(stack).into_iter().map(words).collect()
}

pub(crate) fn change(subject: &str, from: &str, to: &str, state: &str) -> (String, String, String, String) {
    (subject.to_owned(), from.to_owned(), to.to_owned(), state.to_owned())
}

/// Who reverted fargaze's changes: subject, who, level.
fn reverts(stack: &Stack) -> Vec<(String, String, String)> {
    let words = |revert: fargaze::reconcile::Revert| {
        (revert.subject.to_string(), revert.by, revert.to.map_or(String::new(), |to| to.to_string()))
    };
    super::reverts(stack).into_iter().map(words).collect()
}

/// Successful calls of an operation, by subject.
fn subjects(stack: &Stack, operation: &str) -> Vec<String> {
    let calls = stack.aws.meter().calls.into_iter();
    calls.filter(|call| call.operation == operation && call.status == 200).map(|call| call.subject).collect()
}

/// Plays a sweep at this minute.
pub(crate) async fn sweep(stack: &Stack, at: i64) -> Line {
    stack.run_line("sweep", minute(at)).await
}

/// The outcome of the only ECS target.
pub(crate) fn outcome(stack: &Stack, line: &Line) -> Value {
    let of_ecs: Vec<&Value> = line.items.iter().filter(|item| item["platform"] == "ecs").collect();
    assert_eq!(of_ecs.len(), 1, "a run of one target");
    assert!(of_ecs[0]["failure"].is_null(), "{}", of_ecs[0]);
    stack.json(of_ecs[0]["outcome"]["key"].as_str().unwrap())
}

/// The result of each cluster.
pub(crate) fn results(outcome: &Value) -> BTreeMap<String, Value> {
    let of_clusters = findings(outcome)
        .iter()
        .filter_map(|finding| Some((finding["subject"]["cluster"].as_str()?.to_owned(), result_of(finding))));
    let of_clusters: Vec<(String, Value)> = of_clusters.collect();
    let results: BTreeMap<String, Value> = of_clusters.iter().cloned().collect();
    assert_eq!(results.len(), of_clusters.len(), "each cluster is found once");
    results
}

/// The findings of a sweep at this minute: the result of each cluster.
pub(crate) async fn swept(stack: &Stack, at: i64) -> BTreeMap<String, Value> {
    let line = sweep(stack, at).await;
    line.receipt.as_ref().unwrap();
    results(&outcome(stack, &line))
}

/// The only finding about a cluster.
fn finding<'a>(outcome: &'a Value, cluster: &str) -> &'a Value {
    findings(outcome).iter().find(|finding| finding["subject"]["cluster"] == cluster).unwrap()
}

/// The result of a cluster.
fn result(outcome: &Value, cluster: &str) -> Value {
    result_of(finding(outcome, cluster))
}

/// The finding about the account's default.
fn account_default(outcome: &Value) -> &Value {
    findings(outcome).iter().find(|finding| finding["aspect"] == "account-default").unwrap()
}

fn expected<const N: usize>(results: [(&str, Value); N]) -> BTreeMap<String, Value> {
    results.into_iter().map(|(cluster, result)| (cluster.to_owned(), result)).collect()
}

/// Whether a run published a mail, and why not or with which subject.
fn receipt(line: &Line) -> (bool, String) {
    let receipt = line.receipt.as_ref().unwrap();
    (receipt["published"].as_bool().unwrap(), receipt["why"].as_str().unwrap().to_owned())
}

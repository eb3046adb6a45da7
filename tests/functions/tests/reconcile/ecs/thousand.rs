//! A thousand clusters over ten pages, against ECS's published quotas, in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_aws::{ClusterSpec, Estate, FakeAws, MetricSet, SeededEstate};
use fargaze::reconcile::ChangeState;
use function_tests::{Stack, assert_made, minute};
use tokio::time::Instant;

use super::{CHANGE, UPDATE, change_log, levels, outcome, receipt, results, subjects, sweep};

const CLUSTERS: usize = 1_000;
const LATENCY: Duration = Duration::from_millis(20);
/// The burst of `UpdateClusterSettings`; after that it is one call a second.
const BURST: usize = 20;

/// Time of a pass in which a cluster may be begun: the function's 120 s less the reserve for the
/// last one.
const TURN: Duration = Duration::from_secs(120 - 25);

/// The clusters of an established organization.
fn stack() -> Stack {
    let now = minute(0);
    let seeded =
        SeededEstate { mixed: true, metrics: MetricSet::None, ..SeededEstate::new(CLUSTERS, 2, now) };
    let stack =
        Stack::in_process(FakeAws::builder(Estate::seeded(&seeded)).published_buckets().latency(LATENCY));
    stack.put_config(CHANGE);
    stack
}

/// The effect of the built-in policies on each cluster, computed independently of fargaze.
fn desired(clusters: &BTreeMap<String, ClusterSpec>) -> BTreeMap<String, String> {
    let desired = |cluster: &ClusterSpec| {
        let is_tagged = cluster.tags.get("fargaze").is_some_and(|tag| tag == "hands-off");
        let is_left = cluster.name.starts_with("AWSBatch-") || is_tagged || cluster.status != "ACTIVE";
        let level = if is_left || cluster.insights != "disabled" { &cluster.insights } else { "enabled" };
        (cluster.name.clone(), level.to_owned())
    };
    clusters.values().map(desired).collect()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_clusters_end_in_policy_at_the_pace_of_ecs_and_without_a_call_too_many() {
    let stack = stack();
    let clusters = stack.aws.edit(|world| world.home().clusters().clone());
    let (before, desired) = (levels(&stack), desired(&clusters));
    let listed = clusters.values().filter(|cluster| cluster.status != "INACTIVE").count();
    let mut to_change: Vec<&String> = desired.keys().filter(|name| before[*name] != desired[*name]).collect();
    to_change.sort();
    assert!(before.len() == CLUSTERS && to_change.len() > 400, "{}", to_change.len());

    let started = Instant::now();
    let line = sweep(&stack, 0).await;
    let took = started.elapsed();

    assert_eq!(levels(&stack), desired);
    let mut changed = subjects(&stack, UPDATE);
    changed.sort();
    assert_eq!(changed.iter().collect::<Vec<_>>(), to_change, "each once, and no other");
    let meter = stack.aws.meter();
    assert_eq!((meter.throttled(), meter.count(UPDATE)), (0, to_change.len()));
    let entries = change_log(&stack);
    assert_eq!(entries.len(), to_change.len());
    assert!(entries.iter().all(|entry| entry.state == ChangeState::Done && entry.request_id.is_some()));
    assert_eq!(results(&outcome(&stack, &line)).len(), listed);
    assert!(receipt(&line).1.starts_with(&format!("ECS: {} set", to_change.len())));

    let floor = Duration::from_secs(u64::try_from(to_change.len() - BURST).unwrap());
    let pages = listed.div_ceil(100);
    let passes = meter.count("ecs:ListClusters") / pages;
    assert_made(
        "performance.md",
        "sweep",
        &format!(
            "| clusters | pages | to be changed | `UpdateClusterSettings` | throttled | passes | seconds | the quota's floor |\n\
             |---|---|---|---|---|---|---|---|\n| {CLUSTERS} | {pages} | {} | {} | {} | {passes} | {:.0} | {} |\n",
            to_change.len(),
            meter.count(UPDATE),
            meter.throttled(),
            took.as_secs_f64(),
            floor.as_secs(),
        ),
    );
    assert!(took <= floor.mul_f64(1.05), "{took:?} against a floor of {floor:?}");
    let enough = usize::try_from(took.as_millis().div_ceil(TURN.as_millis())).unwrap();
    assert_eq!((passes, pages), (enough, 10));

    // The next one reports which of them are silent, because this estate has no metrics; the one
    // after it has nothing to report.
    stack.aws.reset_meter();
    sweep(&stack, 24 * 60).await;
    let (published, why) = receipt(&sweep(&stack, 48 * 60).await);
    assert!(!published && why.starts_with("nothing to do: "), "{why}");
    assert_eq!(subjects(&stack, UPDATE).len(), 0);
}

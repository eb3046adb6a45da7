//! A thousand clusters in virtual time: the same engine as for ECS, at the rate of the EKS quota.

use std::time::Duration;

use fake_aws::{Estate, FakeAws};
use function_tests::{ACCOUNT, REGION};

use super::*;

const CLUSTERS: usize = 1_000;

/// Time of a pass in which a cluster may be begun: the function's 120 s less the reserve for the
/// last one.
const TURN: Duration = Duration::from_secs(120 - 25);

/// Of every ten clusters two lack the add-on, one is tagged, one is being deleted, and one has
/// nowhere to run it.
fn estate_of_all_sorts() -> Estate {
    let mut home = Estate::new(ACCOUNT, REGION).now(minute(0));
    for number in 0..CLUSTERS {
        let old = EksClusterSpec::new(&format!("c{number:04}")).since("ACTIVE", minute(-600));
        let placed = |cluster: EksClusterSpec| cluster.profile("default", &["kube-system"]);
        home.put_eks(match number % 10 {
            0 | 5 => placed(old),
            1 => placed(old).tag("fargaze", "hands-off"),
            2 => placed(old).since("DELETING", minute(-600)),
            3 => old,
            _ => placed(old).addon(METRICS_SERVER, "v0.7.0-eksbuild.1"),
        });
    }
    home
}

#[tokio::test(start_paused = true)]
async fn a_thousand_clusters_end_in_policy_and_without_a_call_too_many() {
    let builder = FakeAws::builder(estate_of_all_sorts()).clock(minute(0));
    let stack = Stack::in_process(builder.latency(Duration::from_millis(20)));
    stack.put_config("limits: {existing: change, max-changes: 1000, max-percent: 100}");
    let started = tokio::time::Instant::now();
    let found = ran(&stack, "sweep", 0).await;
    let took = started.elapsed();

    let of = |digits: &[usize]| -> Vec<String> {
        let numbers = (0..CLUSTERS).filter(|number| digits.contains(&(number % 10)));
        numbers.map(|number| format!("c{number:04}")).collect()
    };
    let with = |wanted: &str| -> Vec<String> {
        let found = findings(&found).iter().filter(|one| one["result"] == wanted);
        let found = found.filter(|one| one["aspect"].is_null() || one["aspect"] == METRICS_SERVER);
        found.map(|one| one["subject"]["cluster"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(with("set"), of(&[0, 5]));
    assert_eq!(with("left"), of(&[1, 2]));
    assert_eq!(with("blocked"), of(&[3]));
    assert_eq!(with("compliant"), of(&[4, 6, 7, 8, 9]));
    let created = |stack: &Stack| stack.aws.meter().count(CREATE);
    assert_eq!((created(&stack), stack.aws.take_sent().len(), changes(&stack).len()), (200, 200, 200));
    // Each pass lists them again.
    let passes = stack.aws.meter().count("eks:ListClusters") / CLUSTERS.div_ceil(100);
    let enough = usize::try_from(took.as_millis().div_ceil(TURN.as_millis())).unwrap();
    assert!((1..=enough).contains(&passes), "{passes} passes in {took:?}");

    of(&[0, 5]).iter().for_each(|name| finish(&stack, name));
    let next = ran(&stack, "sweep", 24 * 60).await;
    assert!(findings(&next).iter().all(|one| one["result"] != "set"), "{next}");
    assert_eq!(created(&stack), 200);
    assert!(changes(&stack).iter().all(|(_, state, _)| state == "done"));
}

//! Crash points: a caller that dies around any of its calls.

use std::time::Duration;

use fake_aws::{Call, ClusterSpec, Crash, Estate, FakeAws};
use serde_json::json;
use tokio::time::Instant;

use crate::client;
use crate::in_process::{ecs, update};

const NAMES: [&str; 3] = ["a", "b", "c"];

fn aws() -> FakeAws {
    let clusters = NAMES.map(ClusterSpec::new);
    FakeAws::in_process(clusters.into_iter().fold(Estate::new("123456789012", "eu-west-1"), Estate::cluster))
}

/// A caller of four calls that can be restarted at any time.
async fn sweep(aws: &FakeAws) {
    ecs(aws, "ListClusters", &json!({})).await.unwrap();
    for name in NAMES {
        ecs(aws, "UpdateClusterSettings", &update(name, "enabled")).await.unwrap();
    }
}

/// Whether the sweep completed.
async fn survives(aws: &FakeAws) -> bool {
    tokio::select! {
        () = sweep(aws) => true,
        () = aws.crashed() => false,
    }
}

fn on(aws: &FakeAws) -> Vec<String> {
    aws.edit(|world| {
        let clusters = world.home().clusters().values();
        clusters
            .filter(|cluster| cluster.insights != "disabled")
            .map(|cluster| cluster.name.clone())
            .collect()
    })
}

#[tokio::test(start_paused = true)]
async fn every_crash_point_leaves_what_was_done_before_it() {
    for (kind, carried_out) in [(Crash::before as fn(usize) -> Crash, 0), (Crash::after, 1)] {
        let mut points = 0;
        for nth in 1.. {
            let aws = aws();
            aws.crash(kind(nth));
            if survives(&aws).await {
                assert!(!aws.has_crashed());
                break;
            }
            points += 1;
            assert!(aws.has_crashed());
            assert_eq!(on(&aws), NAMES[..(nth + carried_out).saturating_sub(2)], "{nth}");
            let log = aws.meter().log();
            assert_eq!(log.len(), nth, "the last one is the one that it died of");
            assert!(log.last().unwrap().ends_with(" 0"), "{log:?}");
            aws.revive();
            assert!(survives(&aws).await, "a crash happens once");
            assert_eq!(on(&aws), NAMES);
        }
        assert_eq!(points, 4);
    }
}

#[tokio::test(start_paused = true)]
async fn the_dead_wait_for_ever_and_change_nothing() {
    let aws = aws();
    aws.crash_after(1);
    assert!(!survives(&aws).await);
    let started = Instant::now();
    let more = tokio::time::timeout(Duration::from_secs(86_400), sweep(&aws)).await;
    assert!(more.is_err());
    assert_eq!(started.elapsed(), Duration::from_secs(86_400));
    assert_eq!(aws.meter().log(), ["ecs:ListClusters 0"]);
    aws.crashed().await;
}

#[tokio::test(start_paused = true)]
async fn only_matching_calls_count() {
    let aws = aws();
    aws.crash(Crash::after(1).of(|call: &Call| call.subject == "b" && call.status == 200));
    assert!(!survives(&aws).await);
    assert_eq!(on(&aws), ["a", "b"]);
    aws.revive();
    aws.crash(Crash::before(2).of(|call| call.operation == "ecs:UpdateClusterSettings"));
    assert!(!survives(&aws).await);
    assert_eq!(
        aws.meter().log(),
        [
            "ecs:ListClusters 200",
            "ecs:UpdateClusterSettings a 200",
            "ecs:UpdateClusterSettings b 0",
            "ecs:ListClusters 200",
            "ecs:UpdateClusterSettings a 200",
            "ecs:UpdateClusterSettings b 0",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_under_way_goes_down_with_its_caller_even_if_another_takes_over() {
    let builder = FakeAws::builder(Estate::new("123456789012", "eu-west-1").cluster(ClusterSpec::new("a")));
    let aws = builder.latency(Duration::from_secs(1)).in_process();
    aws.crash_before(1);
    let nothing = json!({});
    let first = ecs(&aws, "ListClusters", &nothing);
    let body = update("a", "enabled");
    let second = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        ecs(&aws, "UpdateClusterSettings", &body).await
    };
    let dying = async { tokio::join!(first, second) };
    tokio::pin!(dying);
    tokio::select! {
        _ = &mut dying => panic!("it died"),
        () = aws.crashed() => aws.revive(),
    }
    assert!(tokio::time::timeout(Duration::from_secs(60), dying).await.is_err());
    assert_eq!(on(&aws), [""; 0]);
    assert_eq!(aws.meter().count_all(), 1);
    ecs(&aws, "UpdateClusterSettings", &body).await.unwrap();
    assert_eq!(on(&aws), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_that_did_not_come_is_forgotten_with_the_caller() {
    let aws = aws();
    aws.crash_after(6);
    assert!(survives(&aws).await);
    aws.revive();
    assert!(survives(&aws).await);
    aws.crash_before(9);
    aws.crash_before(1);
    assert!(!survives(&aws).await, "the newest plan is the one");
}

#[tokio::test]
async fn a_caller_over_the_network_dies_as_well() {
    let aws = FakeAws::start(Estate::new("123456789012", "eu-west-1").cluster(ClusterSpec::new("a"))).await;
    aws.crash_after(1);
    let body = update("a", "enabled");
    let call = client::json(&aws, client::scope("ecs"), "UpdateClusterSettings", &body);
    tokio::select! {
        _ = call => panic!("it died"),
        () = aws.crashed() => {}
    }
    assert_eq!(on(&aws), ["a"]);
    aws.revive();
    let reply = client::json(&aws, client::scope("ecs"), "UpdateClusterSettings", &body).await;
    assert_eq!(reply.status, 200);
}

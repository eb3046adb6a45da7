//! Ids, keys and windows of runs.

use proptest::prelude::*;

use super::*;

#[test]
fn a_run_is_named_by_kind_and_time_and_a_retry_has_the_same_window() {
    let time = "2026-11-22T10:05:00Z".parse().unwrap();
    let make =
        || Run::new(RunKind::Alarms, time, SignedDuration::from_mins(2), SignedDuration::from_mins(15), None);
    assert_eq!(make().id, "alarms-20261122T100500Z");
    assert_eq!(make(), make());
    assert_eq!(make().window.len(), 15);
}

#[test]
fn an_unknown_word_in_a_run_request_is_named_in_the_error() {
    let error = serde_json::from_str::<RunRequest>(r#"{"kind":"alarm"}"#).unwrap_err().to_string();
    assert!(error.contains("`alarm`") && error.contains("`alarms`"), "{error}");
    let error = serde_json::from_str::<RunRequest>(r#"{"kind":"alarms","tiem":1}"#).unwrap_err().to_string();
    assert!(error.contains("`tiem`"), "{error}");
}

#[test]
fn since_is_valid_for_rollbacks_only() {
    let read = |text: &str| serde_json::from_str::<RunRequest>(text).map_err(|error| error.to_string());
    let request = read(r#"{"kind":"rollback","since":"2026-11-20T00:00:00Z"}"#).unwrap();
    assert_eq!(request.since, Some("2026-11-20T00:00:00Z".parse().unwrap()));
    assert_eq!(read(r#"{"kind":"rollback"}"#).unwrap().since, None);
    let error = read(r#"{"kind":"sweep","since":"2026-11-20T00:00:00Z"}"#).unwrap_err();
    assert!(error.contains("`since`") && error.contains("`rollback`"), "{error}");
    let error = read(r#"{"kind":"rollback","since":"yesterday"}"#).unwrap_err();
    assert!(error.contains("`since` is `yesterday`"), "{error}");
}

#[test]
fn snapshot_keys_contain_the_time_of_the_run_and_sort_by_it() {
    let target = |platform, index| Target {
        platform,
        account: "123456789012".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        part: Part { index, count: 2 },
        role: None,
    };
    let time: Timestamp = "2026-11-22T23:55:00Z".parse().unwrap();
    let run =
        |time| Run::new(RunKind::Alarms, time, SignedDuration::ZERO, SignedDuration::from_mins(15), None);
    let eks = target(Platform::Eks, 0);
    let key = eks.snapshot_key(&run(time));
    assert_eq!(eks.time_of_snapshot(&key), Some(time));
    assert!(key.starts_with(&eks.snapshots_of_alarms(time)) && key > eks.snapshots_of_alarms_at(time));
    assert!(eks.snapshot_key(&run(time - SignedDuration::from_mins(1))) < eks.snapshots_of_alarms_at(time));
    for other in [target(Platform::Ecs, 0), target(Platform::Eks, 1)] {
        assert_eq!(other.time_of_snapshot(&key), None);
    }
}

#[test]
fn the_window_of_samples_ends_with_the_run_and_starts_earlier() {
    let time = "2026-11-22T10:05:00Z".parse().unwrap();
    let (delay, lookback) = (SignedDuration::from_mins(2), SignedDuration::from_mins(60));
    let run = Run::new(RunKind::Alarms, time, delay, lookback, None);
    let sampled = run.of_samples(SignedDuration::from_mins(40));
    assert_eq!((sampled.window.end, sampled.window.len()), (time, 100));
    // CloudWatch still changes its newest minutes, regardless of samples.
    assert_eq!((sampled.metrics_until, sampled.metrics_window().end), (Some(run.window.end), run.window.end));
    assert_eq!(sampled.window_of(SignedDuration::from_mins(7)).end, run.window.end);
    assert_eq!(Run { window: run.window, metrics_until: None, ..sampled }, run);
}

#[test]
fn since_is_serialized_only_if_it_is_set() {
    let time: Timestamp = "2026-11-22T10:05:00Z".parse().unwrap();
    let run = Run::new(RunKind::Rollback, time, SignedDuration::ZERO, SignedDuration::from_mins(15), None);
    assert!(!serde_json::to_string(&run).unwrap().contains("since"));
    let run = run.with_since(Some(time));
    assert_eq!(run.id, "rollback-20261122T100500Z");
    let text = serde_json::to_string(&run).unwrap();
    assert_eq!(serde_json::from_str::<Run>(&text).unwrap(), run);
}

proptest! {
    #[test]
    fn every_cluster_falls_into_exactly_one_part(name in "[a-zA-Z0-9_-]{1,40}", count in 1u32..20) {
        let name = name.parse().unwrap();
        prop_assert_eq!((0..count).filter(|&index| Part { index, count }.holds(&name)).count(), 1);
    }
}

//! Data that other CloudWatch pullers lose: each loss once, by its usual name.

use fake_aws::{Estate, Fault, Oddity, SeriesKey};
use fargaze::evidence::snapshot::Snapshot;
use fargaze::model::fault::FaultKind;
use fargaze::model::metric::MetricQuery;
use fargaze::model::series::Reading;
use function_tests::{ATTEMPTS, NO_QUOTAS, Stack, minute, shop};

/// Points of a complete response: the minutes of an alarms window.
const WHOLE: usize = 22;

const ASK: &str = "cloudwatch:GetMetricData";

async fn collected(stack: &Stack) -> Snapshot {
    stack.put_config(NO_QUOTAS);
    let answer = stack.collect("alarms", minute(0)).await.unwrap();
    stack.snapshot(answer["snapshot"]["key"].as_str().unwrap())
}

fn reading<'a>(snapshot: &'a Snapshot, service: &str, name: &str) -> &'a Reading {
    let is_it = |query: &MetricQuery| {
        query.metric.name == name && query.metric.dimensions.get("ServiceName") == Some(service)
    };
    snapshot.readings.iter().find(|(query, _)| is_it(query)).unwrap().1
}

fn points(reading: &Reading) -> usize {
    reading.series().map_or(0, |series| series.points().len())
}

fn healthy() -> Estate {
    shop(|_| 50.0)
}

fn memory_of_web() -> SeriesKey {
    let dimensions = [("ClusterName", "shop"), ("ServiceName", "web")];
    SeriesKey::new("AWS/ECS", "MemoryUtilization", &dimensions)
}

#[tokio::test]
async fn an_error_on_the_second_page_keeps_the_first_and_names_what_is_missing() {
    // Four metrics of 22 points on pages of 30: the second page ends inside the third metric.
    let builder = fake_aws::FakeAws::builder(healthy().page_points(30));
    let fault = Fault::on(ASK).nth(2).times(ATTEMPTS).error(500, "InternalServiceFault", "page lost");
    let stack = Stack::of(builder.faults([fault])).await;
    let snapshot = collected(&stack).await;
    let mut counts: Vec<(usize, bool)> =
        snapshot.readings.values().map(|reading| (points(reading), reading.fault().is_some())).collect();
    counts.sort_unstable();
    assert_eq!(counts, [(0, true), (0, true), (8, true), (WHOLE, false)]);
    let coverage = &snapshot.coverage;
    assert_eq!((coverage.with_data, coverage.partial, coverage.unread), (1, 1, 2));
    assert_eq!(coverage.clusters_seen, 0, "a cluster with holes was not seen");
    assert_eq!(coverage.faults.len(), 1, "{:?}", coverage.faults);
    let notified = &coverage.faults[0];
    assert_eq!((notified.count, notified.fault.kind), (3, FaultKind::Transient));
    assert!(notified.fault.to_string().contains("page lost"), "{}", notified.fault);
}

#[tokio::test]
async fn partial_data_without_a_further_page_is_partial_and_not_complete() {
    let stack = Stack::start(healthy().odd(memory_of_web(), Oddity::status("PartialData"))).await;
    let snapshot = collected(&stack).await;
    let web = reading(&snapshot, "web", "MemoryUtilization");
    assert!(matches!(web, Reading::Partial(series, _) if series.points().len() == WHOLE), "{web:?}");
    assert_eq!((snapshot.coverage.partial, snapshot.coverage.with_data), (1, 3));
}

#[tokio::test]
async fn internal_error_and_forbidden_are_could_not_ask_and_not_no_data() {
    for (status, kind) in [("InternalError", FaultKind::Transient), ("Forbidden", FaultKind::Denied)] {
        let oddity = Oddity::status(status).message("Why", "because of the test");
        let stack = Stack::start(healthy().odd(memory_of_web(), oddity)).await;
        let snapshot = collected(&stack).await;
        match reading(&snapshot, "web", "MemoryUtilization") {
            Reading::Unread(fault) => {
                assert_eq!(fault.kind, kind);
                assert!(fault.message.contains("because of the test"), "{fault}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!((snapshot.coverage.unread, snapshot.coverage.without_data), (1, 0));
    }
}

#[tokio::test]
async fn one_querys_points_on_two_pages_are_one_series() {
    let stack = Stack::start(healthy().page_points(30)).await;
    let snapshot = collected(&stack).await;
    assert!(
        snapshot.readings.values().all(|r| matches!(r, Reading::Complete(_)) && points(r) == WHOLE),
        "{:?}",
        snapshot.coverage
    );
    let meter = stack.aws.meter();
    assert_eq!((meter.count(ASK), meter.billed_metrics), (3, 4), "88 points on pages of 30, billed once");
}

#[tokio::test]
async fn an_unknown_query_id_is_reported_and_fills_no_other_series() {
    let stack = Stack::start(healthy().odd(memory_of_web(), Oddity::unknown_id("stray"))).await;
    let snapshot = collected(&stack).await;
    let notified: Vec<String> =
        snapshot.coverage.faults.iter().map(|notified| notified.fault.to_string()).collect();
    assert!(notified.iter().any(|fault| fault.contains("`stray`")), "{notified:?}");
    let web = reading(&snapshot, "web", "MemoryUtilization");
    assert!(matches!(web, Reading::Unread(fault) if fault.message.contains("does not mention")), "{web:?}");
    assert_eq!(snapshot.coverage.with_data, 3);
}

#[tokio::test]
async fn values_and_timestamps_of_different_length_are_not_paired_up() {
    let stack = Stack::start(healthy().odd(memory_of_web(), Oddity::lost_values(1))).await;
    let snapshot = collected(&stack).await;
    let web = reading(&snapshot, "web", "MemoryUtilization");
    assert!(
        matches!(web, Reading::Unread(fault) if fault.message == "22 timestamps with 21 values"),
        "{web:?}"
    );
    assert_eq!(snapshot.coverage.with_data, 3);
}

#[tokio::test]
async fn a_throttle_in_the_middle_and_a_broken_connection_lose_nothing() {
    for fault in [
        Fault::on(ASK).nth(2).times(2).throttle(),
        Fault::on(ASK).nth(2).cut(),
        Fault::on(ASK).nth(3).lose_answer(),
    ] {
        let builder = fake_aws::FakeAws::builder(healthy().page_points(30));
        let stack = Stack::of(builder.faults([fault.clone()])).await;
        let snapshot = collected(&stack).await;
        assert!(stack.aws.faults_left().is_empty(), "{fault:?} met no call");
        assert!(snapshot.readings.values().all(|reading| points(reading) == WHOLE), "{fault:?}");
        assert!(snapshot.coverage.is_complete(), "{fault:?}: {:?}", snapshot.coverage);
    }
}

#[tokio::test]
async fn a_batch_that_is_refused_takes_no_other_batch_with_it() {
    // 252 services: a batch of 498 metrics and one of 6. The estate's first five calls are one
    // batch's attempts, whichever it is.
    let mut plan = fake_aws::SeededEstate::new(3, 84, minute(0));
    plan.metrics = fake_aws::MetricSet::Ecs;
    let stack = Stack::start(Estate::seeded(&plan)).await;
    stack.aws.add_fault(Fault::on(ASK).error(400, "InvalidParameterValue", "not this one"));
    let coverage = collected(&stack).await.coverage;
    assert_eq!(coverage.metrics, 504);
    assert!(coverage.with_data == 498 || coverage.with_data == 6, "{coverage:?}");
    assert_eq!(coverage.unread, 504 - coverage.with_data);
}

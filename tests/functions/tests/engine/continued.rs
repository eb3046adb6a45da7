//! A run continues from the previous snapshot: what is queried from CloudWatch again, what is taken
//! over, and that no period and no late point is lost.

use fake_aws::Fault;
use fargaze::evidence::snapshot::Snapshot;
use fargaze::model::series::Reading;
use function_tests::{Function, Stack, aws_ecs, estate, minute, put_span, running, shop};

use super::{notified, quiet, says, stack};

const ASK: &str = "cloudwatch:GetMetricData";

/// The start times of CloudWatch queries since the meter was reset, in minutes after the start of
/// the test.
fn starts(stack: &Stack) -> Vec<i64> {
    let calls = stack.aws.meter().calls.into_iter().filter(|call| call.operation == ASK);
    let minutes = |call: fake_aws::Call| {
        let start: jiff::Timestamp = call.subject.parse().unwrap();
        (start.as_second() - minute(0).as_second()).div_euclid(60)
    };
    calls.map(minutes).collect()
}

/// Plays a run; returns the start times of its queries.
async fn asks(stack: &Stack, at: i64) -> Vec<i64> {
    stack.aws.reset_meter();
    stack.run_line("alarms", minute(at)).await.receipt.unwrap();
    starts(stack)
}

/// The key of the snapshot of the alarms run at this minute.
fn key_of(at: i64) -> String {
    let time = minute(at);
    let (date, stamp) = (time.strftime("%Y-%m-%d"), time.strftime("%Y%m%dT%H%M%SZ"));
    format!("snapshots/dt={date}/account=123456789012/region=eu-west-1/alarms-{stamp}.1-of-1.ndjson.gz")
}

fn snapshot(stack: &Stack, at: i64) -> Snapshot {
    stack.snapshot(&key_of(at))
}

/// Minutes of the points of one service and metric, and the first minute of its line.
fn line(snapshot: &Snapshot, service: &str, name: &str) -> (Option<i64>, Vec<i64>) {
    let found = snapshot.readings.iter().find(|(query, _)| {
        query.metric.name == name && query.metric.dimensions.get("ServiceName") == Some(service)
    });
    let Reading::Complete(series) = found.unwrap().1 else { panic!("{found:?}") };
    let after = |time: jiff::Timestamp| (time.as_second() - minute(0).as_second()).div_euclid(60);
    (series.from().map(after), series.points().iter().map(|point| after(point.timestamp)).collect())
}

/// Memory of `web` with a value only in these minutes, from now on.
fn publish(stack: &Stack, has: impl Fn(i64) -> bool) {
    stack.aws.edit(|world| {
        aws_ecs(world.home(), "shop", "web", "MemoryUtilization", |at| if has(at) { 50.0 } else { f64::NAN });
    });
}

/// Issue 12, point 15. Windows end two minutes before the run; the default rules evaluate a period
/// and the six before it.
#[tokio::test(start_paused = true)]
async fn a_run_queries_from_three_minutes_before_the_end_of_the_last_and_takes_over_what_its_rules_need() {
    let stack = stack(shop(|_| 50.0));
    assert_eq!(asks(&stack, 0).await, [-2 - 15 - 7]);
    for at in [5, 10] {
        assert_eq!(asks(&stack, at).await, [at - 5 - 2 - 3], "at minute {at}");
        for (service, name) in [("web", "MemoryUtilization"), ("api", "CPUUtilization")] {
            let (from, minutes) = line(&snapshot(&stack, at), service, name);
            let judged = at - 5 - 2;
            let range = 6;
            assert_eq!(from, Some(judged - range), "{name} at minute {at}");
            assert_eq!(minutes, (judged - range..at - 2).collect::<Vec<_>>(), "{name} at minute {at}");
        }
    }
}

/// Issue 12, point 15.
#[tokio::test(start_paused = true)]
async fn a_gap_is_requested_again_until_it_is_filled_or_too_old_and_the_late_point_is_evaluated() {
    let stack = stack(shop(|_| 50.0));
    stack.set("FARGAZE_LOOKBACK_MINUTES", "60");
    publish(&stack, |at| at != -4);
    asks(&stack, 0).await;
    // Near the end of the previous window: the usual three minutes include it.
    assert_eq!(asks(&stack, 5).await, [-5]);
    assert_eq!(line(&snapshot(&stack, 5), "web", "MemoryUtilization").0, Some(-4 - 6));
    // Then it needs its own call. The other service is queried as usual.
    let mut both = asks(&stack, 10).await;
    both.sort_unstable();
    assert_eq!(both, [3 - 15, 0]);
    assert_eq!(line(&snapshot(&stack, 10), "api", "MemoryUtilization").0, Some(3 - 6));
    publish(&stack, |_| true);
    asks(&stack, 15).await;
    let (from, minutes) = line(&snapshot(&stack, 15), "web", "MemoryUtilization");
    assert_eq!((from, minutes), (Some(-4 - 6), (-4 - 6..13).collect()), "the late point can be evaluated");
    assert_eq!(asks(&stack, 20).await, [10], "nothing is late any more");
}

/// Issue 12, point 15.
#[tokio::test(start_paused = true)]
async fn an_unfilled_gap_ages_out_of_the_lookback() {
    let stack = stack(shop(|_| 50.0));
    publish(&stack, |at| at != -4);
    for (at, calls) in [(0, 1), (5, 1), (10, 2), (13, 2), (14, 1), (15, 1)] {
        // The lookback is 15 minutes before the end of the window.
        assert_eq!(asks(&stack, at).await.len(), calls, "at minute {at}");
    }
    assert_eq!(line(&snapshot(&stack, 15), "web", "MemoryUtilization").0, Some(12 - 6));
}

/// Issue 12, point 15.
#[tokio::test(start_paused = true)]
async fn after_runs_without_a_snapshot_the_next_continues_from_the_newest_that_exists() {
    let stack = stack(shop(|_| 50.0));
    stack.set("FARGAZE_LOOKBACK_MINUTES", "60");
    asks(&stack, 0).await;
    for at in [5, 10, 15, 20] {
        // The first is the plan of the run.
        stack.aws.add_fault(Fault::on("s3:PutObject").nth(2).times(5).error(500, "InternalError", "down"));
        asks(&stack, at).await;
    }
    assert_eq!(asks(&stack, 25).await, [-2 - 3]);
    let (from, minutes) = line(&snapshot(&stack, 25), "web", "CPUUtilization");
    assert_eq!((from, minutes), (Some(-2 - 6), (-2 - 6..23).collect()));
}

/// Issue 12, point 15.
#[tokio::test(start_paused = true)]
async fn what_no_run_has_evaluated_is_taken_over_until_one_has() {
    // A peak that ends before the next run: only the periods of the failed run have it.
    let stack = stack(shop(|at| if (-2..3).contains(&at) { 99.0 } else { 50.0 }));
    stack.set("FARGAZE_LOOKBACK_MINUTES", "60");
    stack.put_rules(
        "rules: [{name: memory-high, what: memory-percent, threshold: 80 %, comparison: GreaterThanThreshold, \
         evaluation-periods: 5, datapoints-to-alarm: 3}]",
    );
    quiet(&stack, [0]).await;
    for at in [5, 10] {
        // The first is that of collect-metrics.
        let down = Fault::on("dynamodb:Query").nth(2).times(5).error(500, "InternalServerError", "down");
        stack.aws.add_fault(down);
        let item = stack.items("alarms", minute(at)).await.remove(0);
        stack.set_now(minute(at));
        let failed = stack.play_item(item).await;
        assert!(failed["failure"]["Error"].is_string(), "{failed}");
    }
    stack.aws.reset_meter();
    let mail = notified(&stack, 15).await;
    says(&mail, &["shop/web", "memory"]);
    assert_eq!(starts(&stack), [8 - 3], "points are taken over, not requested again");
    assert_eq!(line(&snapshot(&stack, 15), "web", "MemoryUtilization").0, Some(-2 - 6));
    quiet(&stack, [20]).await;
    assert_eq!(line(&snapshot(&stack, 20), "web", "MemoryUtilization").0, Some(13 - 6), "it was evaluated");
}

/// Issue 12, point 15.
#[tokio::test(start_paused = true)]
async fn an_unreadable_snapshot_is_a_fault_and_the_whole_window_is_requested() {
    for cut in 0..3 {
        let stack = stack(shop(|_| 50.0));
        asks(&stack, 0).await;
        let whole = stack.aws.object(Stack::BUCKET, &key_of(0)).unwrap();
        let damaged = [b"damaged".to_vec(), whole[..whole.len() / 2].to_vec(), Vec::new()][cut].clone();
        stack.aws.put_object(Stack::BUCKET, &key_of(0), damaged);
        assert_eq!(asks(&stack, 5).await, [3 - 15 - 7], "{cut}");
        let snapshot = snapshot(&stack, 5);
        assert_eq!(snapshot.coverage.faults.len(), 1, "{:?}", snapshot.coverage.faults);
        assert_eq!(snapshot.coverage.faults[0].fault.subject, key_of(0));
        assert_eq!(asks(&stack, 10).await, [0], "the next run continues from this one");
    }
}

/// Issue 12, point 15.
#[tokio::test(start_paused = true)]
async fn a_failed_or_new_query_is_requested_for_the_whole_window() {
    let stack = stack(shop(|_| 50.0));
    asks(&stack, 0).await;
    stack.aws.add_fault(Fault::on(ASK).times(5).error(500, "InternalServiceFault", "down"));
    asks(&stack, 5).await;
    assert_eq!(asks(&stack, 10).await, [8 - 15 - 7]);
    assert_eq!(asks(&stack, 15).await, [5]);
    let rule = |name: &str, what: &str| {
        format!(
            "  - {{name: {name}, what: {what}, threshold: 90, comparison: GreaterThanThreshold, evaluation-periods: 12}}\n"
        )
    };
    stack.put_rules(&format!("rules:\n{}{}", rule("m", "memory-percent"), rule("c", "cpu-percent")));
    // Both need more periods than the previous snapshot has.
    let mut both = asks(&stack, 20).await;
    both.sort_unstable();
    assert_eq!(both, [18 - 15 - 14]);
    assert_eq!(asks(&stack, 25).await, [15]);
    stack.aws.edit(|world| running(world.home(), "lab", "new", |_| 50.0));
    stack.aws.put_object(Stack::BUCKET, "inventory/123456789012/eu-west-1/1-of-1.json.gz", "damaged");
    let mut both = asks(&stack, 30).await;
    both.sort_unstable();
    assert_eq!(both, [28 - 15 - 14, 20]);
}

/// Issue 12, point 15.
#[tokio::test(start_paused = true)]
async fn a_rule_with_long_periods_continues_in_its_own_period() {
    let mut estate = shop(|_| 50.0);
    put_span(
        &mut estate,
        "AWS/ECS",
        "CPUUtilization",
        &[("ClusterName", "shop"), ("ServiceName", "web")],
        -60 * 60..60,
        |_| 95.0,
    );
    let stack = stack(estate);
    stack.put_rules(
        "rules: [{name: hot-for-a-day, what: cpu-percent, period: 3600, threshold: 90, comparison: GreaterThanThreshold, \
         evaluation-periods: 24, services: [web]}]",
    );
    // The test begins at 10:05, so hours begin five minutes before.
    let first = asks(&stack, 0).await;
    assert_eq!(first.len(), 1);
    notified_by(&stack, "hot-for-a-day");
    assert_eq!(asks(&stack, 5).await, [-5 - 60], "from an hour before the end of the last whole hour");
    let (from, minutes) = line(&snapshot(&stack, 5), "web", "CPUUtilization");
    assert_eq!((from, minutes.len()), (Some(-5 - 25 * 60), 25));
    asks(&stack, 55).await;
    assert_eq!(asks(&stack, 60).await, [-5 - 60]);
    let (from, minutes) = line(&snapshot(&stack, 60), "web", "CPUUtilization");
    assert_eq!((from, minutes.last().copied(), minutes.len()), (Some(-5 - 25 * 60), Some(-5), 26));
}

fn notified_by(stack: &Stack, rule: &str) {
    let mail = stack.mail(stack.mails().len() - 1);
    assert!(mail.contains(rule), "{mail}");
}

/// Issue 12, point 15. Snapshots are in folders by day; the first listing covers only a short time
/// back.
#[tokio::test(start_paused = true)]
async fn the_snapshot_before_is_found_with_few_listings_also_across_midnight() {
    let stack = stack(shop(|_| 50.0));
    stack.set("FARGAZE_LOOKBACK_MINUTES", "60");
    // 23:55, 00:00 and 00:20.
    let midnight = 13 * 60 + 55;
    let mut estate = estate();
    for (service, value) in [("web", 50.0), ("api", 40.0)] {
        running(&mut estate, "shop", service, |_| 50.0);
        for name in ["MemoryUtilization", "CPUUtilization"] {
            let dimensions = [("ClusterName", "shop"), ("ServiceName", service)];
            put_span(&mut estate, "AWS/ECS", name, &dimensions, -60..2 * 24 * 60, |_| value);
        }
    }
    stack.aws.edit(|world| *world.home() = estate);
    for (at, start, listings) in [
        (midnight - 5, midnight - 5 - 2 - 97, 2),
        (midnight, midnight - 10, 2),
        (midnight + 5, midnight - 5, 2),
        (midnight + 20, midnight, 1),
        (midnight + 50, midnight + 15, 3),
    ] {
        assert_eq!(asks(&stack, at).await, [start], "at minute {at}");
        let listed = stack.aws.meter().calls.into_iter();
        let listed = listed
            .filter(|call| call.operation == "s3:ListObjectsV2" && call.app.ends_with("collect-metrics"));
        assert_eq!(listed.count(), listings, "at minute {at}");
    }
}

/// Issue 12, point 15.
#[tokio::test(start_paused = true)]
async fn a_retry_finds_its_own_snapshot_and_a_late_run_none_of_a_newer_one() {
    let stack = stack(shop(|_| 50.0));
    asks(&stack, 0).await;
    let item = stack.items("alarms", minute(5)).await.remove(0);
    asks(&stack, 10).await;
    stack.set_now(minute(11));
    stack.aws.reset_meter();
    let first = stack.invoke(Function::CollectMetrics, item.clone()).await.unwrap();
    assert_eq!(starts(&stack), [-5], "from the run before it");
    stack.aws.reset_meter();
    assert_eq!(stack.invoke(Function::CollectMetrics, item).await.unwrap(), first);
    assert_eq!(starts(&stack), [0; 0]);
}

/// Issue 12, points 2 and 15.
#[tokio::test(start_paused = true)]
async fn of_two_gaps_the_newer_is_evaluated_when_the_older_was_filled_first() {
    let stack = stack(shop(|_| 50.0));
    stack.set("FARGAZE_LOOKBACK_MINUTES", "60");
    stack.put_rules(
        "rules: [{name: memory, what: memory-percent, threshold: 80 %, comparison: GreaterThanThreshold, evaluation-periods: 1}]",
    );
    let put = |first: f64, second: f64| {
        stack.aws.edit(|world| {
            aws_ecs(world.home(), "shop", "web", "MemoryUtilization", |at| match at {
                0 => first,
                1 => second,
                3 => 99.0,
                _ => 50.0,
            });
        });
    };
    put(f64::NAN, f64::NAN);
    quiet(&stack, [0, 5]).await;
    notified(&stack, 10).await;
    put(50.0, f64::NAN);
    quiet(&stack, [15]).await;
    put(50.0, 99.0);
    notified(&stack, 20).await;
    quiet(&stack, [25]).await;
}

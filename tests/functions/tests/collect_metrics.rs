//! `collect-metrics`: its queries, their cost, and manual queries.

use fake_aws::{Estate, FakeAws, MetricSet, SeededEstate};
use fargaze::config::{DEFAULT_YAML, read_rules};
use fargaze::model::series::{MetricSeries, Reading};
use fargaze::sources::batch::QUERIES_PER_CALL;
use fargaze::sources::plan::{DOLLARS_PER_THOUSAND_METRICS, QueryPlan};
use function_tests::{Function, SILENT_ONLY, Stack, assert_made, estate, minute, running, shop};
use serde_json::{Value, json};

#[tokio::test]
async fn a_default_run_requests_exactly_two_metrics_a_service_and_its_price_is_known_before() {
    let mut estate = shop(|_| 50.0);
    running(&mut estate, "orders", "api", |_| 50.0);
    let stack = Stack::start(estate).await;
    let answer = stack.collect("alarms", minute(0)).await.unwrap();
    let snapshot = stack.snapshot(answer["snapshot"]["key"].as_str().unwrap());
    let meter = stack.aws.meter();
    assert_eq!((meter.billed_metrics, snapshot.coverage.metrics), (6 + 2, 6 + 2), "and two quotas");
    let plan = QueryPlan::for_alarms(&read_rules(DEFAULT_YAML).unwrap(), &snapshot.inventory);
    let quotas = 2.0 * DOLLARS_PER_THOUSAND_METRICS / 1000.0;
    assert!((plan.dollars() + quotas - meter.dollars()).abs() < 1e-12);
    assert!((meter.dollars() - 0.000_08).abs() < 1e-12, "a cent for a thousand metrics");
    assert_eq!(meter.count("cloudwatch:ListMetrics"), 0, "nothing of Container Insights is needed");
}

#[tokio::test]
async fn metrics_are_requested_in_batches_of_500() {
    for (clusters, services, calls) in [(4, 62, 1), (3, 84, 2), (3, 167, 3)] {
        let mut plan = SeededEstate::new(clusters, services, minute(0));
        plan.metrics = MetricSet::Ecs;
        let stack = Stack::start(Estate::seeded(&plan)).await;
        let answer = stack.collect("alarms", minute(0)).await.unwrap();
        let coverage = stack.snapshot(answer["snapshot"]["key"].as_str().unwrap()).coverage;
        let metrics = 2 * clusters * services;
        // The two quotas have no data.
        assert_eq!((coverage.metrics, coverage.with_data), (metrics + 2, metrics));
        assert_eq!(stack.aws.meter().count("cloudwatch:GetMetricData"), calls, "{metrics} metrics");
        assert_eq!(calls, (metrics + 2).div_ceil(QUERIES_PER_CALL));
    }
}

/// The cost of querying ECS about every service of 100 clusters with 10 services each and 100
/// events per service: a third of them in each run, all of them in the first run.
#[tokio::test(start_paused = true)]
async fn a_thousand_services_are_checked_in_rotation() {
    let mut plan = SeededEstate::new(100, 10, minute(0));
    // A service that may fire is queried in each run, regardless of the rotation.
    (plan.metrics, plan.hot) = (MetricSet::Ecs, 0.0);
    let mut estate = Estate::seeded(&plan);
    for cluster in 0..100 {
        for service in estate.cluster_mut(&format!("cluster-{cluster:03}")).unwrap().services.values_mut() {
            let message = format!("(service {}) has reached a steady state.", service.name);
            service.events = vec![message; 100];
        }
    }
    let mut table =
        "| run | `DescribeServices` | kB of their answers | all calls |\n|---|---|---|---|\n".to_owned();
    let mut calls = Vec::new();
    for (rules, names) in [
        (SILENT_ONLY, ["the first, without these rules", "the second, without them"].as_slice()),
        ("{}", &["the first, which knows of none before", "the second", "the third", "the fourth"]),
    ] {
        let stack = Stack::in_process(FakeAws::builder(estate.clone()));
        stack.put_config(rules);
        for (at, name) in [-15, -10, -5, 0].into_iter().zip(names) {
            stack.set_now(minute(at));
            stack.aws.reset_meter();
            stack.collect("alarms", minute(at)).await.unwrap();
            let meter = stack.aws.meter();
            let described = meter.calls.iter().filter(|call| call.operation == "ecs:DescribeServices");
            let kilobytes = described.clone().map(|call| call.bytes_out).sum::<usize>() / 1000;
            calls.push(described.count());
            let row =
                format!("| {name} | {} | {kilobytes} | {} |\n", calls[calls.len() - 1], meter.count_all());
            table.push_str(&row);
        }
    }
    assert_eq!(calls[..3], [0, 0, 100], "{calls:?}");
    assert_eq!(calls[3..].iter().sum::<usize>(), 100, "{calls:?}");
    assert!(calls[3..].iter().all(|calls| (20..=46).contains(calls)), "{calls:?}");
    assert_made("performance.md", "service checks", &table);
}

#[tokio::test]
async fn an_empty_account_needs_no_query_and_is_no_fault() {
    let stack = Stack::start(estate()).await;
    let answer = stack.collect("alarms", minute(0)).await.unwrap();
    let coverage = stack.snapshot(answer["snapshot"]["key"].as_str().unwrap()).coverage;
    assert_eq!((coverage.clusters, coverage.is_complete()), (0, true));
    assert_eq!(stack.aws.meter().count("cloudwatch:GetMetricData"), 0);
}

#[tokio::test]
async fn t12_a_silent_service_has_no_values_and_no_zeros() {
    let mut estate = shop(|_| 50.0);
    estate.put_service("shop", fake_aws::ServiceSpec::new("idle").desired(0).running(0));
    let stack = Stack::start(estate).await;
    let answer = stack.collect("alarms", minute(0)).await.unwrap();
    let snapshot = stack.snapshot(answer["snapshot"]["key"].as_str().unwrap());
    let silent = snapshot.readings.values().filter(|reading| reading.is_silent()).count();
    assert_eq!((silent, snapshot.coverage.without_data, snapshot.coverage.with_data), (2 + 2, 2 + 2, 4));
    let points = snapshot.readings.values().filter_map(Reading::series).flat_map(MetricSeries::points);
    assert!(points.clone().count() > 0);
    assert!(points.clone().all(|point| point.value > 0.0));
    assert!(snapshot.coverage.is_complete(), "no data is an answer");
}

#[tokio::test]
async fn a_retry_that_finds_the_snapshot_makes_no_queries_and_costs_nothing() {
    // What a report shows in addition to the snapshot is free and no metric.
    for (kind, free) in [("alarms", &[][..]), ("report", &["ecs:ListAccountSettings"])] {
        let stack = Stack::start(shop(|_| 50.0)).await;
        let item = stack.items(kind, minute(0)).await.remove(0);
        let first = stack.invoke(Function::CollectMetrics, item.clone()).await.unwrap();
        stack.aws.reset_meter();
        let second = stack.invoke(Function::CollectMetrics, item).await.unwrap();
        assert_eq!(first, second);
        let meter = stack.aws.meter();
        let calls = meter.calls.iter().map(|call| call.operation.as_str());
        assert_eq!(calls.filter(|call| !call.starts_with("s3:")).collect::<Vec<_>>(), free);
        assert_eq!(meter.billed_metrics, 0);
    }
}

#[tokio::test]
async fn the_answer_names_the_snapshot_and_for_a_report_the_outcome() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let alarms = stack.collect("alarms", minute(0)).await.unwrap();
    let folder = "snapshots/dt=2026-11-22/account=123456789012/region=eu-west-1";
    let key = format!("{folder}/alarms-20261122T100500Z.1-of-1.ndjson.gz");
    assert_eq!(alarms["snapshot"], json!({"key": key}));
    assert_eq!(alarms["outcome"], Value::Null);

    let report = stack.collect("report", minute(0)).await.unwrap();
    let key = "outcomes/report-20261122T100500Z/123456789012.eu-west-1.1-of-1.json";
    assert_eq!(report["outcome"], json!({"key": key}));
    assert_eq!(stack.json(key)["snapshot"], report["snapshot"]["key"]);
}

#[tokio::test]
async fn a_run_reads_one_version_of_the_users_file_from_end_to_end() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let rule = |what: &str| {
        format!(
            "rules: [{{name: r, what: {what}, threshold: 80, comparison: GreaterThanThreshold, \
             evaluation-periods: 1, datapoints-to-alarm: 1}}]"
        )
    };
    stack.put_rules(&rule("memory-percent"));
    let item = stack.items("alarms", minute(0)).await.remove(0);
    stack.put_config("rules: [{nmae: broken}]");
    let answer = stack.invoke(Function::CollectMetrics, item).await.unwrap();
    let snapshot = stack.snapshot(answer["snapshot"]["key"].as_str().unwrap());
    let mut names: Vec<_> = snapshot.readings.keys().map(|query| &*query.metric.name).collect();
    names.dedup();
    assert_eq!(names, ["MemoryUtilization"]);
}

/// Samples that differ within each minute, from which percentiles can be computed.
fn sampled() -> Estate {
    let dimensions = [("ClusterName", "shop"), ("ServiceName", "web")];
    let samples: Vec<Vec<f64>> =
        (0..4).map(|base| (1..=100).map(|i| f64::from(base * 100 + i)).collect()).collect();
    estate().samples("AWS/ECS", "CPUUtilization", &dimensions, minute(-10), &samples)
}

fn query(statistics: &Value) -> Value {
    json!({"query": {
        "namespace": "AWS/ECS", "metric": "CPUUtilization",
        "dimensions": {"ClusterName": "shop", "ServiceName": "web"},
        "statistics": statistics, "period_seconds": 60,
        "start": "2026-11-22T09:55:00Z", "end": "2026-11-22T09:58:00Z",
    }})
}

#[tokio::test]
async fn a_manual_query_returns_sorted_points_of_every_statistic() {
    let stack = Stack::start(sampled()).await;
    let statistics = json!(["Average", "Maximum", "Minimum", "SampleCount", "Sum"]);
    let answer = stack.invoke(Function::CollectMetrics, query(&statistics)).await.unwrap();
    let values = |statistic: &str| -> Vec<(String, f64)> {
        let points = answer[statistic].as_array().unwrap();
        let pair = |point: &Value| {
            (point["timestamp"].as_str().unwrap().to_owned(), point["value"].as_f64().unwrap())
        };
        points.iter().map(pair).collect()
    };
    // Three minutes: the end is exclusive. CloudWatch returns points in no particular order.
    let times = ["2026-11-22T09:55:00Z", "2026-11-22T09:56:00Z", "2026-11-22T09:57:00Z"];
    for (statistic, expected) in [
        ("Average", [50.5, 150.5, 250.5]),
        ("Maximum", [100.0, 200.0, 300.0]),
        ("Minimum", [1.0, 101.0, 201.0]),
        ("SampleCount", [100.0, 100.0, 100.0]),
        ("Sum", [5050.0, 15050.0, 25050.0]),
    ] {
        let expected: Vec<(String, f64)> = times.map(str::to_owned).into_iter().zip(expected).collect();
        assert_eq!(values(statistic), expected, "{statistic}");
    }
    let meter = stack.aws.meter();
    assert_eq!(meter.calls_by_operation(), [("cloudwatch:GetMetricStatistics".to_owned(), 1)].into());
}

#[tokio::test]
async fn a_manual_query_may_request_percentiles() {
    let stack = Stack::start(sampled()).await;
    let answer = stack.invoke(Function::CollectMetrics, query(&json!(["p50", "p99"]))).await.unwrap();
    let first = |percentile: &str| answer[percentile][0]["value"].as_f64().unwrap();
    assert!((first("p50") - 50.5).abs() < 1e-9 && (first("p99") - 99.01).abs() < 1e-9, "{answer}");
    assert_eq!(answer["p99"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_manual_query_that_cloudwatch_refuses_says_why() {
    let stack = Stack::start(sampled()).await;
    let mut backwards = query(&json!(["Average"]));
    backwards["query"]["start"] = json!("2026-11-22T10:30:00Z");
    let failure = stack.invoke(Function::CollectMetrics, backwards).await.unwrap_err();
    assert_eq!(failure.error_type(), "Invalid");
    let notified = failure.to_string();
    assert!(
        notified.contains("cloudwatch:GetMetricStatistics") && notified.contains("StartTime"),
        "{notified}"
    );

    let mut unknown = query(&json!(["Average"]));
    unknown["query"]["unit"] = json!("Percent");
    let failure = stack.invoke(Function::CollectMetrics, unknown).await.unwrap_err();
    assert!(failure.to_string().contains("`unit`"), "{failure}");
}

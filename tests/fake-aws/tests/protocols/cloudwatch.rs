//! Amazon CloudWatch, in CBOR and in JSON.

use ciborium::Value as Cbor;
use fake_aws::{Estate, FakeAws, MetricSet, Oddity, SeededEstate, SeriesKey};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::client::{Reply, cbor, json, scope};

const NOW: i64 = 1_777_888_800;
const NAMESPACE: &str = "ECS/ContainerInsights";
const DIMENSIONS: [(&str, &str); 2] = [("ClusterName", "shop"), ("ServiceName", "web")];

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// Ten minutes, 0 to 9, without minute 3; ends now.
fn estate() -> Estate {
    let values: Vec<f64> =
        (0..10).map(|minute| if minute == 3 { f64::NAN } else { f64::from(minute) }).collect();
    let start = Timestamp::from_second(NOW - 600).unwrap();
    Estate::new("123456789012", "eu-west-1")
        .now(now())
        .metric(NAMESPACE, "CpuUtilized", &DIMENSIONS, start, &values)
        .metric(NAMESPACE, "CpuReserved", &DIMENSIONS, start, &values)
}

fn query(id: &str, name: &str, stat: &str, period: i64) -> Value {
    let dimensions = json!([
        // In a different order than in the estate: the order of dimensions has no meaning.
        { "Name": "ServiceName", "Value": "web" }, { "Name": "ClusterName", "Value": "shop" },
    ]);
    let metric = json!({ "Namespace": NAMESPACE, "MetricName": name, "Dimensions": dimensions });
    json!({ "Id": id, "MetricStat": { "Metric": metric, "Period": period, "Stat": stat } })
}

fn body(queries: &[Value]) -> Value {
    json!({ "MetricDataQueries": queries, "StartTime": NOW - 600, "EndTime": NOW })
}

async fn ask(aws: &FakeAws, body: &Value) -> Reply {
    cbor(aws, "GetMetricData", body).await
}

async fn values(aws: &FakeAws, body: &Value) -> Value {
    ask(aws, body).await.cbor()["MetricDataResults"][0]["Values"].clone()
}

#[tokio::test]
async fn newest_first_by_default_and_doubles_always() {
    let aws = FakeAws::start(estate()).await;
    let mut request = body(&[query("m1", "CpuUtilized", "Average", 60)]);
    let reply = ask(&aws, &request).await;
    let result = &reply.cbor()["MetricDataResults"][0];
    assert_eq!(result["Values"], json!([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 2.0, 1.0, 0.0]));
    assert_eq!(result["Timestamps"][0], NOW - 60);
    assert_eq!(result["StatusCode"], "Complete");
    request["ScanBy"] = "TimestampAscending".into();
    assert_eq!(values(&aws, &request).await[0], 0.0);

    let raw: Cbor = ciborium::from_reader(reply.body.as_slice()).unwrap();
    let member = |map: &Cbor, name: &str| {
        let found = map.as_map().unwrap().iter().find(|(key, _)| key.as_text() == Some(name));
        found.unwrap().1.clone()
    };
    let row = member(&raw, "MetricDataResults").as_array().unwrap()[0].clone();
    assert!(member(&row, "Values").as_array().unwrap().iter().all(Cbor::is_float));
    assert!(member(&row, "Timestamps").as_array().unwrap().iter().all(Cbor::is_tag));
}

#[tokio::test]
async fn statistics_over_longer_periods() {
    let aws = FakeAws::start(estate()).await;
    for (stat, expected) in [
        ("Average", [7.0, 1.75]),
        ("Sum", [35.0, 7.0]),
        ("Minimum", [5.0, 0.0]),
        ("Maximum", [9.0, 4.0]),
        ("SampleCount", [5.0, 4.0]),
        ("p50", [7.0, 1.5]),
    ] {
        let request = body(&[query("m1", "CpuUtilized", stat, 300)]);
        assert_eq!(values(&aws, &request).await, json!(expected), "{stat}");
    }
}

#[tokio::test]
async fn end_is_exclusive_and_the_future_is_empty() {
    let aws = FakeAws::start(estate()).await;
    let mut request = body(&[query("m1", "CpuUtilized", "Average", 60)]);
    request["EndTime"] = (NOW - 60).into();
    request["StartTime"] = (NOW - 180).into();
    assert_eq!(values(&aws, &request).await, json!([8.0, 7.0]));
    aws.edit(|world| world.home().set_now(Timestamp::from_second(NOW - 120).unwrap()));
    assert_eq!(values(&aws, &request).await, json!([7.0]));
    let nothing = body(&[query("m1", "Nope", "Average", 60)]);
    let result = ask(&aws, &nothing).await.cbor()["MetricDataResults"][0].clone();
    assert_eq!((&result["Values"], &result["StatusCode"]), (&json!([]), &json!("Complete")));
}

#[tokio::test]
async fn a_series_may_be_spread_over_pages() {
    let aws = FakeAws::start(estate().page_points(5)).await;
    let queries = [query("m1", "CpuUtilized", "Average", 60), query("m2", "CpuReserved", "Average", 60)];
    let (mut request, mut pages) = (body(&queries), Vec::new());
    loop {
        let page = ask(&aws, &request).await.cbor();
        let rows = page["MetricDataResults"].as_array().unwrap().iter();
        pages.extend(rows.map(|row| {
            let size = row["Values"].as_array().unwrap().len();
            format!("{} {size} {}", row["Id"].as_str().unwrap(), row["StatusCode"].as_str().unwrap())
        }));
        pages.push("-".to_owned());
        if page["NextToken"].is_null() {
            break;
        }
        request["NextToken"] = page["NextToken"].clone();
    }
    let expected = [
        "m1 5 PartialData",
        "-",
        "m1 4 Complete",
        "m2 1 PartialData",
        "-",
        "m2 5 PartialData",
        "-",
        "m2 3 Complete",
        "-",
    ];
    assert_eq!(pages, expected);
    assert_eq!(aws.meter().billed_metrics, 2, "pages are not billed again");
    assert!((aws.meter().dollars() - 0.000_02).abs() < 1e-12);

    request["EndTime"] = (NOW - 60).into();
    let reply = ask(&aws, &request).await;
    assert_eq!(reply.status, 400, "a token belongs to its request");
    assert_eq!(reply.cbor()["__type"], "com.amazonaws.cloudwatch#InvalidNextToken");
}

#[tokio::test]
async fn max_datapoints_cuts_pages_too() {
    let aws = FakeAws::start(estate()).await;
    let mut request = body(&[query("m1", "CpuUtilized", "Average", 60)]);
    request["MaxDatapoints"] = 4.into();
    let page = ask(&aws, &request).await.cbor();
    assert_eq!(page["MetricDataResults"][0]["StatusCode"], "PartialData");
    request["NextToken"] = page["NextToken"].clone();
    assert_eq!(values(&aws, &request).await, json!([5.0, 4.0, 2.0, 1.0]));
}

#[tokio::test]
async fn max_datapoints_has_bounds() {
    let aws = FakeAws::start(estate()).await;
    for (most, taken) in [(1, true), (100_800, true), (100_801, false), (0, false), (-1, false)] {
        let mut request = body(&[query("m1", "CpuUtilized", "Sum", 60)]);
        request["MaxDatapoints"] = most.into();
        let reply = ask(&aws, &request).await;
        let refused = reply.header("x-amzn-query-error");
        assert_eq!(refused, (!taken).then_some("ValidationError;Sender"), "{most}");
    }
}

#[tokio::test]
async fn refused_requests() {
    let aws = FakeAws::start(estate()).await;
    let good = query("m1", "CpuUtilized", "Average", 60);
    let many: Vec<Value> =
        (0..501).map(|number| query(&format!("m{number}"), "CpuUtilized", "Sum", 60)).collect();
    let mut backwards = body(std::slice::from_ref(&good));
    backwards["EndTime"] = (NOW - 600).into();
    for (request, expected) in [
        (body(&many), "size greater than 500"),
        (body(&[good.clone(), good.clone()]), "not unique"),
        (body(&[query("M1", "CpuUtilized", "Sum", 60)]), "expected pattern"),
        (body(&[query("m1", "CpuUtilized", "Sum", 90)]), "multiple of 60"),
        (body(&[json!({ "Id": "e1", "Expression": "m1*2" })]), "only fakes 100*ID/SERVICE_QUOTA(ID)"),
        (body(&[]), "required"),
        (backwards, "StartTime must be less"),
    ] {
        let reply = ask(&aws, &request).await;
        let message = reply.cbor()["message"].as_str().unwrap().to_owned();
        assert_eq!(reply.status, 400);
        assert_eq!(reply.header("x-amzn-query-error"), Some("ValidationError;Sender"));
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(aws.meter().billed_metrics, 0);
}

#[tokio::test]
async fn odd_answers() {
    let key = || SeriesKey::new(NAMESPACE, "CpuUtilized", &DIMENSIONS);
    let aws = FakeAws::start(
        estate()
            .odd(key(), Oddity::status("Forbidden").message("Forbidden", "no").times(1))
            .odd(key(), Oddity::status("PartialData").times(1))
            .odd(key(), Oddity::unknown_id("zzz").times(1))
            .odd(key(), Oddity::lost_values(2).times(1)),
    )
    .await;
    let request = body(&[query("m1", "CpuUtilized", "Average", 60)]);
    let row = async || ask(&aws, &request).await.cbor()["MetricDataResults"][0].clone();
    let forbidden = row().await;
    assert_eq!(forbidden["Messages"], json!([{ "Code": "Forbidden", "Value": "no" }]));
    assert_eq!((&forbidden["StatusCode"], &forbidden["Values"]), (&json!("Forbidden"), &json!([])));
    assert_eq!(row().await["StatusCode"], "PartialData");
    assert_eq!(row().await["Id"], "zzz");
    let short = row().await;
    let length = |member: &str| short[member].as_array().unwrap().len();
    assert_eq!((length("Timestamps"), length("Values")), (9, 7));
    assert_eq!(row().await["StatusCode"], "Complete");
}

#[tokio::test]
async fn get_metric_statistics_limits_and_disorder() {
    let aws = FakeAws::start(estate()).await;
    let dimensions = query("m1", "x", "Sum", 60)["MetricStat"]["Metric"]["Dimensions"].clone();
    let request = json!({
        "Namespace": NAMESPACE, "MetricName": "CpuUtilized", "Dimensions": dimensions,
        "StartTime": NOW - 600, "EndTime": NOW, "Period": 60, "Statistics": ["Average", "Maximum"],
    });
    let reply = cbor(&aws, "GetMetricStatistics", &request).await.cbor();
    let points = reply["Datapoints"].as_array().unwrap();
    let times: Vec<i64> = points.iter().map(|point| point["Timestamp"].as_i64().unwrap()).collect();
    assert_eq!(times.len(), 9);
    assert!(!times.is_sorted() && !times.iter().rev().is_sorted());
    let newest = points.iter().find(|point| point["Timestamp"] == NOW - 60).unwrap();
    assert_eq!((&newest["Average"], &newest["Maximum"]), (&json!(9.0), &json!(9.0)));

    let with = |member: &str, value: Value| {
        let mut request = request.clone();
        request[member] = value;
        request
    };
    let without = |member: &str| {
        let mut request = request.clone();
        request.as_object_mut().unwrap().remove(member);
        request
    };
    for (request, code) in [
        (with("StartTime", (NOW - 1_441 * 60).into()), "InvalidParameterCombination"),
        (with("ExtendedStatistics", json!(["p99"])), "InvalidParameterCombination"),
        (without("Statistics"), "MissingParameter"),
        (with("Statistics", json!([])), "InvalidParameterValue"),
        (with("Statistics", json!(["p99"])), "InvalidParameterValue"),
        (with("Period", 30.into()), "InvalidParameterValue"),
    ] {
        let reply = cbor(&aws, "GetMetricStatistics", &request).await;
        assert_eq!(reply.header("x-amzn-query-error"), Some(format!("{code};Sender").as_str()));
    }
    let mut request = with("ExtendedStatistics", json!(["p50"]));
    request.as_object_mut().unwrap().remove("Statistics");
    request["Period"] = 600.into();
    let reply = cbor(&aws, "GetMetricStatistics", &request).await.cbor();
    assert_eq!(reply["Datapoints"][0]["ExtendedStatistics"]["p50"], 5.0);
}

#[tokio::test]
async fn list_metrics_pages_and_filters() {
    let plan = SeededEstate { metrics: MetricSet::Both, ..SeededEstate::new(20, 8, now()) };
    let old = Timestamp::from_second(NOW - 4 * 3_600).unwrap();
    let estate = Estate::seeded(&plan).metric("AWS/ECS", "Old", &DIMENSIONS, old, &[1.0]);
    let aws = FakeAws::start(estate).await;
    let (mut request, mut sizes) = (json!({}), Vec::new());
    loop {
        let page = cbor(&aws, "ListMetrics", &request).await.cbor();
        sizes.push(page["Metrics"].as_array().unwrap().len());
        if page["NextToken"].is_null() {
            break;
        }
        request["NextToken"] = page["NextToken"].clone();
    }
    assert_eq!(sizes, [500, 500, 281]);
    let count = async |request: Value| {
        cbor(&aws, "ListMetrics", &request).await.cbor()["Metrics"].as_array().unwrap().len()
    };
    assert_eq!(count(json!({ "MetricName": "Old" })).await, 1);
    assert_eq!(count(json!({ "MetricName": "Old", "RecentlyActive": "PT3H" })).await, 0);
    assert_eq!(count(json!({ "Namespace": "AWS/ECS" })).await, 321);
    let cluster = json!([{ "Name": "ClusterName", "Value": "cluster-003" }]);
    assert_eq!(count(json!({ "Dimensions": cluster })).await, 64);
    assert_eq!(
        count(json!({ "Dimensions": [{ "Name": "ServiceName" }], "Namespace": "AWS/ECS" })).await,
        321
    );
    let reply = cbor(&aws, "ListMetrics", &json!({ "RecentlyActive": "PT1H" })).await;
    assert_eq!(reply.header("x-amzn-query-error"), Some("InvalidParameterValue;Sender"));
}

#[tokio::test]
async fn the_same_in_json() {
    let aws = FakeAws::start(estate()).await;
    let request = body(&[query("m1", "CpuUtilized", "Average", 60)]);
    let over_cbor = ask(&aws, &request).await.cbor();
    let reply = json(&aws, scope("monitoring"), "GetMetricData", &request).await;
    assert_eq!(reply.json(), over_cbor);
    let reply = json(&aws, scope("monitoring"), "GetMetricData", &body(&[])).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.header("x-amzn-query-error"), Some("ValidationError;Sender"));
}

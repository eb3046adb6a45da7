//! The fake as an HTTP client of the AWS SDK, with paused time.

use std::time::Duration;

use aws_smithy_async::rt::sleep::AsyncSleep;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use fake_aws::{ClusterSpec, Estate, FakeAws, Fault, MetricSet, SeededEstate};
use serde_json::{Value, json};
use tokio::time::Instant;

const CLUSTER: &str = "arn:aws:ecs:eu-west-1:123456789012:cluster/shop";

fn home() -> Estate {
    Estate::new("123456789012", "eu-west-1").cluster(ClusterSpec::new("shop"))
}

/// A response as the SDK gets it.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) request_id: String,
    pub(crate) body: Value,
}

/// An ECS call as the SDK makes it.
pub(crate) async fn ecs(aws: &FakeAws, operation: &str, body: &Value) -> Result<Reply, ConnectorError> {
    let mut request = HttpRequest::new(SdkBody::from(body.to_string()));
    request.set_method("POST").unwrap();
    request.set_uri(format!("{}/", aws.endpoint())).unwrap();
    let headers = request.headers_mut();
    headers.insert("x-amz-target", format!("AmazonEC2ContainerServiceV20141113.{operation}"));
    let scope = "AKIAIOSFODNN7EXAMPLE/20260504/eu-west-1/ecs/aws4_request";
    headers.insert("authorization", format!("AWS4-HMAC-SHA256 Credential={scope}, Signature=00"));
    let answer = aws.http_client().call(request).await?;
    let request_id = answer.headers().get("x-amzn-requestid").unwrap().to_owned();
    let bytes = answer.body().bytes().unwrap();
    assert_eq!(answer.headers().get("content-length"), Some(bytes.len().to_string().as_str()));
    let body = serde_json::from_slice(bytes).unwrap();
    Ok(Reply { status: answer.status().as_u16(), request_id, body })
}

pub(crate) fn update(cluster: &str, value: &str) -> Value {
    json!({ "cluster": cluster, "settings": [{ "name": "containerInsights", "value": value }] })
}

#[tokio::test]
async fn a_call_without_a_socket_is_answered_and_logged_like_any_other() {
    let aws = FakeAws::in_process(home());
    assert_eq!(aws.endpoint(), "http://127.0.0.1:0");
    let reply = ecs(&aws, "UpdateClusterSettings", &update(CLUSTER, "enhanced")).await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["cluster"]["settings"][0]["value"], "enhanced");
    let refused = ecs(&aws, "UpdateClusterSettings", &update("nope", "enhanced")).await.unwrap();
    assert_eq!(refused.body["__type"], "ClusterNotFoundException");
    let meter = aws.meter();
    assert_eq!(meter.calls[0].request_id, reply.request_id);
    assert_ne!(meter.calls[1].request_id, reply.request_id);
    assert_eq!(
        meter.log(),
        ["ecs:UpdateClusterSettings shop 200", "ecs:UpdateClusterSettings nope 400 ClusterNotFoundException"]
    );
}

#[tokio::test]
async fn a_fake_that_listens_can_be_called_both_ways() {
    let aws = FakeAws::start(home()).await;
    ecs(&aws, "UpdateClusterSettings", &update("shop", "enabled")).await.unwrap();
    let body = json!({ "clusters": ["shop"], "include": ["SETTINGS"] });
    let over_tcp = crate::client::json(&aws, crate::client::scope("ecs"), "DescribeClusters", &body).await;
    assert_eq!(over_tcp.json()["clusters"][0]["settings"][0]["value"], "enabled");
    assert_eq!(over_tcp.header("x-amzn-requestid"), Some(aws.meter().calls[1].request_id.as_str()));
}

#[tokio::test(start_paused = true)]
async fn faults_and_latency_are_those_of_the_server() {
    let aws = FakeAws::builder(home())
        .latency(Duration::from_secs(30))
        .faults([
            Fault::on("ecs:ListClusters").cut(),
            Fault::on("ecs:ListClusters").nth(2).throttle(),
            Fault::on("ecs:ListClusters").nth(3).delay(Duration::from_secs(3_600)),
        ])
        .in_process();
    let started = Instant::now();
    let cut = ecs(&aws, "ListClusters", &json!({})).await.err().unwrap();
    assert!(cut.is_io());
    assert_eq!(started.elapsed().as_secs(), 30);
    let throttled = ecs(&aws, "ListClusters", &json!({})).await.unwrap();
    assert_eq!((throttled.status, &throttled.body["__type"]), (400, &json!("ThrottlingException")));
    assert_eq!(ecs(&aws, "ListClusters", &json!({})).await.unwrap().status, 200);
    assert_eq!(started.elapsed().as_secs(), 3 * 30 + 3_600);
    let at: Vec<u64> = aws.meter().calls.iter().map(|call| call.at.as_secs()).collect();
    assert_eq!(at, [0, 30, 60]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_changes_by_a_patient_client_take_eighty_virtual_seconds() {
    let real = std::time::Instant::now();
    let aws = FakeAws::builder(home()).published_buckets().in_process();
    let started = Instant::now();
    for number in 0..100_u32 {
        if number >= 20 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let reply = ecs(&aws, "UpdateClusterSettings", &update("shop", "enabled")).await.unwrap();
        assert_eq!(reply.status, 200, "call {number}");
    }
    assert_eq!((started.elapsed(), aws.meter().throttled()), (Duration::from_secs(80), 0));
    assert!(real.elapsed() < Duration::from_secs(5), "{:?}", real.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_retries_when_throttled_waits_as_long() {
    let aws = FakeAws::builder(home()).published_buckets().in_process();
    let started = Instant::now();
    let mut done = 0;
    while done < 100 {
        let reply = ecs(&aws, "UpdateClusterSettings", &update("shop", "enabled")).await.unwrap();
        if reply.status == 200 {
            done += 1;
        } else {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
    assert_eq!(started.elapsed(), Duration::from_secs(80));
    assert_eq!(aws.meter().throttled(), 80 * 4);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_mixed_clusters_are_listed_described_and_changed_in_virtual_minutes() {
    let plan = SeededEstate {
        mixed: true,
        metrics: MetricSet::None,
        ..SeededEstate::new(1_000, 2, "2026-11-22T10:05:00Z".parse().unwrap())
    };
    let aws = FakeAws::builder(Estate::seeded(&plan)).published_buckets().in_process();
    let started = Instant::now();
    let (mut off, mut token) = (Vec::new(), Value::Null);
    loop {
        let page = ecs(&aws, "ListClusters", &json!({ "nextToken": token })).await.unwrap().body;
        let body = json!({ "clusters": page["clusterArns"], "include": ["SETTINGS"] });
        let described = ecs(&aws, "DescribeClusters", &body).await.unwrap().body;
        off.extend(described["clusters"].as_array().unwrap().iter().filter_map(|cluster| {
            let off = cluster["settings"][0]["value"] == "disabled";
            off.then(|| cluster["clusterName"].as_str().unwrap().to_owned())
        }));
        token = page["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(aws.meter().count("ecs:ListClusters"), 10);
    for (number, cluster) in off.iter().enumerate() {
        if number >= 20 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        ecs(&aws, "UpdateClusterSettings", &update(cluster, "enabled")).await.unwrap();
    }
    assert_eq!((started.elapsed().as_secs(), aws.meter().throttled()), (off.len() as u64 - 20, 0));
    let left = aws.edit(|world| {
        let clusters = world.home().clusters().values();
        clusters.filter(|cluster| cluster.status != "INACTIVE" && cluster.insights == "disabled").count()
    });
    assert_eq!(left, 0);
}

#[tokio::test(start_paused = true)]
async fn the_sdk_configuration_follows_the_paused_clock() {
    let aws = FakeAws::in_process(home());
    let config = aws.sdk_config().build();
    assert_eq!(config.region().map(AsRef::as_ref), Some("eu-west-1"));
    assert_eq!(format!("{:?}", config.http_client().unwrap()).matches("shop").count(), 0);
    let now = || config.time_source().unwrap().now();
    let before = now();
    tokio::time::sleep(Duration::from_secs(7_200)).await;
    assert_eq!(now().duration_since(before).unwrap(), Duration::from_secs(7_200));
    // The SDK sleeps on tokio's clock.
    let started = Instant::now();
    config.sleep_impl().unwrap().sleep(Duration::from_secs(60)).await;
    assert_eq!(started.elapsed(), Duration::from_secs(60));
}

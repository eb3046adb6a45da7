//! Faults and throttling, each in the protocol's own format.

use std::time::{Duration, Instant};

use fake_aws::{Estate, FakeAws, Fault};
use serde_json::json;

use crate::client::{cbor, json, query, s3, scope, send};

fn home() -> Estate {
    Estate::new("123456789012", "eu-west-1")
}

#[tokio::test]
async fn throttling_in_every_wire_format() {
    let operations = [
        "ecs:ListClusters",
        "cloudwatch:ListMetrics",
        "sns:Publish",
        "sts:GetCallerIdentity",
        "s3:GetObject",
        "dynamodb:GetItem",
    ];
    let plan = operations.map(|operation| Fault::on(operation).throttle());
    let aws = FakeAws::builder(home()).faults(plan).start().await;
    assert_eq!(aws.faults_left().len(), 6);

    let ecs = json(&aws, scope("ecs"), "ListClusters", &json!({})).await;
    assert_eq!((ecs.status, &ecs.json()["__type"]), (400, &json!("ThrottlingException")));
    let cloudwatch = cbor(&aws, "ListMetrics", &json!({})).await;
    let kind = cloudwatch.cbor()["__type"].as_str().unwrap().to_owned();
    assert_eq!((cloudwatch.status, kind.rsplit('#').next()), (400, Some("ThrottlingException")));
    let sns = query(&aws, "sns", "Action=Publish&Version=2010-03-31&Message=x").await;
    assert_eq!(sns.status, 429);
    assert!(sns.text().contains("<Code>Throttled</Code>"), "{}", sns.text());
    let sts = query(&aws, "sts", "Action=GetCallerIdentity&Version=2011-06-15").await;
    assert!(sts.text().contains("<Code>Throttling</Code>"));
    let object = s3(&aws, ("GET", "/bucket/key"), &[], b"").await;
    assert_eq!(object.status, 503);
    assert!(object.text().contains("<Code>SlowDown</Code>"));
    let item = json(&aws, scope("dynamodb"), "GetItem", &json!({})).await.json();
    let kind = item["__type"].as_str().unwrap();
    assert!(kind.ends_with("#ProvisionedThroughputExceededException"), "{kind}");

    assert!(aws.faults_left().is_empty());
    assert_eq!(aws.meter().throttled(), 6);
}

#[tokio::test]
async fn cut_lost_and_made_up() {
    let plan = [
        Fault::on("ecs:ListClusters").cut(),
        Fault::on("ecs:ListClusters").nth(2).error(500, "ServerException", "down"),
        Fault::on("dynamodb:PutItem").lose_answer(),
        Fault::on("ecs:ListClusters").nth(3).delay(Duration::from_millis(60)),
    ];
    let aws = FakeAws::builder(home()).faults(plan).start().await;
    let headers = [("x-amz-target", "AmazonEC2ContainerServiceV20141113.ListClusters")];
    assert!(send(aws.endpoint(), scope("ecs"), ("POST", "/"), &headers, b"{}").await.is_none());
    let reply = json(&aws, scope("ecs"), "ListClusters", &json!({})).await;
    assert_eq!((reply.status, &reply.json()["__type"]), (500, &json!("ServerException")));
    let started = Instant::now();
    assert_eq!(json(&aws, scope("ecs"), "ListClusters", &json!({})).await.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(60));

    aws.edit(|world| world.table("state"));
    let body = json!({ "TableName": "state", "Item": { "pk": {"S": "a"}, "sk": {"S": "b"} } });
    let headers = [("x-amz-target", "DynamoDB_20120810.PutItem")];
    let body = body.to_string();
    let reply = send(aws.endpoint(), scope("dynamodb"), ("POST", "/"), &headers, body.as_bytes()).await;
    assert!(reply.is_none());
    assert_eq!(aws.items("state").len(), 1, "written all the same");
    let statuses: Vec<u16> = aws.meter().calls.iter().map(|call| call.status).collect();
    assert_eq!(statuses, [0, 500, 200, 0]);
}

#[tokio::test]
async fn published_buckets_throttle() {
    let aws = FakeAws::builder(home()).published_buckets().start().await;
    // Cluster modifications: a burst of 20, then one a second, which gives a slow machine ten
    // seconds.
    for _ in 0..30 {
        json(&aws, scope("ecs"), "UpdateClusterSettings", &json!({})).await;
    }
    let meter = aws.meter();
    assert!((1..=10).contains(&meter.throttled()), "{}", meter.throttled());
    let throttled = meter.calls.iter().filter(|call| call.code == "ThrottlingException").count();
    assert_eq!(throttled, meter.throttled());
    aws.reset_meter();
    assert_eq!(aws.meter().count_all(), 0);
}

#[tokio::test]
async fn it_stops_when_dropped() {
    let aws = FakeAws::start(home()).await;
    let address = aws.endpoint().trim_start_matches("http://").to_owned();
    assert!(tokio::net::TcpStream::connect(&address).await.is_ok());
    drop(aws);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
}

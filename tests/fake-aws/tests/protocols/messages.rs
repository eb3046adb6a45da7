//! Amazon SNS and AWS STS.

use fake_aws::{Estate, FakeAws};
use serde_json::json;

use crate::client::{Reply, Scope, json, query};

async fn start() -> (FakeAws, String) {
    let aws = FakeAws::start(Estate::new("123456789012", "eu-west-1")).await;
    let topic = aws.edit(|world| world.topic("alerts"));
    (aws, topic)
}

async fn publish(aws: &FakeAws, topic: &str, rest: &str) -> Reply {
    let form = format!("Action=Publish&Version=2010-03-31&TopicArn={topic}&{rest}");
    query(aws, "sns", &form).await
}

#[tokio::test]
async fn publishes_what_was_sent() {
    let (aws, topic) = start().await;
    let rest = "Subject=2+alarms&Message=a%26b%0Ac&MessageAttributes.entry.1.Name=kind&\
                MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=alarms";
    let reply = publish(&aws, &topic, rest).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains("<PublishResult><MessageId>"), "{}", reply.text());
    let published = aws.published();
    assert_eq!(published[0].subject.as_deref(), Some("2 alarms"));
    assert_eq!(published[0].message, "a&b\nc");
    assert_eq!(published[0].attributes["kind"], "alarms");
    assert_eq!(published[0].topic_arn, topic);
}

#[tokio::test]
async fn refuses_what_sns_refuses() {
    let (aws, topic) = start().await;
    let long = format!("Message={}", "x".repeat(262_145));
    let subject = format!("Message=m&Subject={}", "x".repeat(101));
    for (topic, rest, status, code) in [
        (topic.clone(), subject.as_str(), 400, "InvalidParameter"),
        (topic.clone(), "Message=m&Subject=a%0Ab", 400, "InvalidParameter"),
        (topic.clone(), "Message=m&Subject=%C3%A9", 400, "InvalidParameter"),
        (topic.clone(), "Message=", 400, "InvalidParameter"),
        (topic.clone(), &long, 400, "InvalidParameter"),
        (topic.clone(), "Message=%7B%7D&MessageStructure=json", 400, "InvalidParameter"),
        (topic.clone(), "Message=no&MessageStructure=json", 400, "InvalidParameter"),
        (topic.clone() + "x", "Message=m", 404, "NotFound"),
        (topic.replace("eu-west-1", "us-east-1"), "Message=m", 400, "InvalidParameter"),
        (topic.replace("123456789012", "210987654321"), "Message=m", 403, "AuthorizationError"),
    ] {
        let reply = publish(&aws, &topic, rest).await;
        let code = format!("<Code>{code}</Code>");
        assert_eq!(reply.status, status, "{}", reply.text());
        assert!(reply.text().contains(&code), "{}", reply.text());
    }
    assert!(aws.published().is_empty());
    let json = "Message=%7B%22default%22%3A%22d%22%7D&MessageStructure=json";
    assert_eq!(publish(&aws, &topic, json).await.status, 200);
    assert_eq!(aws.published()[0].structure.as_deref(), Some("json"));
}

#[tokio::test]
async fn a_role_needs_its_external_id_and_leads_to_its_account() {
    let (aws, _) = start().await;
    let role = "arn:aws:iam::210987654321:role/fargaze";
    aws.edit(|world| {
        world.role(role, Some("secret"));
        world.estate("210987654321", "eu-west-1").put_cluster(fake_aws::ClusterSpec::new("far"));
    });
    let assume = async |rest: &str| {
        let form = format!("Action=AssumeRole&Version=2011-06-15&RoleSessionName=fargaze&{rest}");
        query(&aws, "sts", &form).await
    };
    for rest in [
        format!("RoleArn={role}"),
        format!("RoleArn={role}&ExternalId=wrong"),
        format!("RoleArn={role}2&ExternalId=secret"),
    ] {
        let reply = assume(&rest).await;
        assert_eq!(reply.status, 403);
        assert!(reply.text().contains("<Code>AccessDenied</Code>"));
    }
    let reply = assume(&format!("RoleArn={role}&ExternalId=secret")).await.text();
    let between = |tag: &str| {
        let (_, rest) = reply.split_once(&format!("<{tag}>")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let expiration: jiff::Timestamp = between("Expiration").parse().unwrap();
    assert!(expiration.as_second() > 1_700_000_000);
    let key = between("AccessKeyId");
    let scope = Scope { key: &key, region: "eu-west-1", service: "ecs" };
    let clusters = json(&aws, scope, "ListClusters", &json!({})).await.json();
    let arn = "arn:aws:ecs:eu-west-1:210987654321:cluster/far";
    assert_eq!(clusters["clusterArns"], json!([arn]));
    let identity = query(&aws, "sts", "Action=GetCallerIdentity&Version=2011-06-15").await.text();
    assert!(identity.contains("<Account>123456789012</Account>"));
}

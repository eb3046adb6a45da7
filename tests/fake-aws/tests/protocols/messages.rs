//! Amazon SNS, Amazon SQS and AWS STS.

use fake_aws::{Estate, FakeAws};
use serde_json::json;

use crate::client::{Reply, Scope, json, query, scope};

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
    let subject = format!("Message=m&Subject={}", "x".repeat(100));
    // The size counts names, types and values of attributes: 4 + 6 + 1 bytes here.
    let with_attribute = attribute("kind", "String", "a") + &format!("&Message={}", "x".repeat(262_134));
    for (topic, rest, status, code) in [
        (topic.clone(), subject.as_str(), 400, "InvalidParameter"),
        (topic.clone(), "Message=m&Subject=a%0Ab", 400, "InvalidParameter"),
        (topic.clone(), "Message=m&Subject=%C3%A9", 400, "InvalidParameter"),
        (topic.clone(), "Message=m&Subject=caf%C3%A9", 400, "InvalidParameter"),
        (topic.clone(), "Message=m&Subject=a%7Fb", 400, "InvalidParameter"),
        (topic.clone(), "Message=m&Subject=+a", 400, "InvalidParameter"),
        (topic.clone(), "Message=m&Subject=", 400, "InvalidParameter"),
        (topic.clone(), &with_attribute, 400, "InvalidParameter"),
        (topic.clone(), "Message=%5B%5D&MessageStructure=json", 400, "InvalidParameter"),
        (topic.clone(), "Message=%7B%22default%22%3A1%7D&MessageStructure=json", 400, "InvalidParameter"),
        (topic.clone(), "Message=m&MessageStructure=xml", 400, "InvalidParameter"),
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

/// An attribute in form encoding.
fn attribute(name: &str, kind: &str, value: &str) -> String {
    let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let entry = "MessageAttributes.entry.1";
    format!(
        "{entry}.Name={}&{entry}.Value.DataType={}&{entry}.Value.StringValue={}",
        escape(name),
        escape(kind),
        escape(value)
    )
}

/// <https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html>
#[tokio::test]
async fn attributes_are_of_their_type() {
    let (aws, topic) = start().await;
    let long = "n".repeat(257);
    for (name, kind, value, taken) in [
        ("a", "String", "b", true),
        ("a-b_c.d", "String", "b", true),
        ("a", "String.custom", "b", true),
        ("a", "String.Array", "[]", true),
        ("a", "String.Array", "[\"a\", 1, 1.5, true, null]", true),
        ("a", "String.Array", "a, b", false),
        ("a", "String.Array", "\"a\"", false),
        ("a", "String.Array", "{\"a\": 1}", false),
        ("a", "String.Array", "[[\"a\"]]", false),
        ("a", "String.Array", "[{}]", false),
        ("a", "String.Array", "[\"a\"", false),
        ("a", "Number", "-1.5e3", true),
        ("a", "Number", "one", false),
        ("a", "Text", "b", false),
        ("a", "string", "b", false),
        ("a", "String", "", false),
        ("a", "", "b", false),
        ("", "String", "b", false),
        ("a b", "String", "b", false),
        (".a", "String", "b", false),
        ("a..b", "String", "b", false),
        ("AWS.a", "String", "b", false),
        ("amazon.a", "String", "b", false),
        (&long, "String", "b", false),
    ] {
        let reply = publish(&aws, &topic, &format!("Message=m&{}", attribute(name, kind, value))).await;
        let what = format!("{name} {kind} {value}: {}", reply.text());
        assert_eq!(reply.status, if taken { 200 } else { 400 }, "{what}");
        assert_eq!(reply.text().contains("<Code>ParameterValueInvalid</Code>"), !taken, "{what}");
    }
}

#[tokio::test]
async fn subjects_and_messages_at_their_limits_are_taken() {
    let (aws, topic) = start().await;
    let subject = format!("Message=m&Subject={}", "x".repeat(99));
    let message = attribute("kind", "String", "a") + &format!("&Message={}", "x".repeat(262_133));
    for rest in [subject, message] {
        assert_eq!(publish(&aws, &topic, &rest).await.status, 200);
    }
}

/// SQS has moved from the Query protocol to JSON and names each error in both protocols, because
/// SDKs match the older name.
#[tokio::test]
async fn queues_name_errors_in_both_protocols() {
    let (aws, _) = start().await;
    let url = aws.edit(|world| world.queue("later"));
    let send = async |body: serde_json::Value| json(&aws, scope("sqs"), "SendMessage", &body).await;
    let missing = url.replace("later", "never");
    for (body, name, code) in [
        (
            json!({ "QueueUrl": missing, "MessageBody": "m" }),
            "com.amazonaws.sqs#QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
        (
            json!({ "QueueUrl": url, "MessageBody": "m", "DelaySeconds": 901 }),
            "com.amazon.coral.service#InvalidParameterValueException",
            "InvalidParameterValue",
        ),
        (
            json!({ "QueueUrl": url, "MessageBody": "m", "DelaySeconds": -1 }),
            "com.amazon.coral.service#InvalidParameterValueException",
            "InvalidParameterValue",
        ),
        (
            json!({ "QueueUrl": url }),
            "com.amazon.coral.service#MissingRequiredParameterException",
            "MissingParameter",
        ),
    ] {
        let reply = send(body).await;
        assert_eq!((reply.status, reply.json()["__type"].as_str()), (400, Some(name)));
        assert_eq!(reply.header("x-amzn-query-error"), Some(format!("{code};Sender").as_str()));
    }
    let answer = send(json!({ "QueueUrl": url, "MessageBody": "m", "DelaySeconds": 900 })).await.json();
    // RFC 1321's algorithm over "m".
    assert_eq!(answer["MD5OfMessageBody"], "6f8f57715090da2632453988d9a1501b");
    let found = json(&aws, scope("sqs"), "GetQueueUrl", &json!({ "QueueName": "later" })).await.json();
    assert_eq!(found["QueueUrl"], url.as_str());
    let none = json(&aws, scope("sqs"), "GetQueueUrl", &json!({ "QueueName": "never" })).await;
    assert_eq!(none.json()["__type"], "com.amazonaws.sqs#QueueDoesNotExist");
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

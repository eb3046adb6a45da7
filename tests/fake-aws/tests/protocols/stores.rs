//! Amazon S3 and Amazon DynamoDB.

use fake_aws::{Estate, FakeAws};
use serde_json::{Value, json};

use crate::client::{Reply, json, s3, scope};

async fn start() -> FakeAws {
    let aws = FakeAws::start(Estate::new("123456789012", "eu-west-1")).await;
    aws.edit(|world| {
        world.bucket("data");
        world.table("state");
    });
    aws
}

#[tokio::test]
async fn objects_and_their_versions() {
    let aws = start().await;
    let first = s3(&aws, ("PUT", "/data/a/b%20c"), &[("content-type", "text/plain")], b"one").await;
    let version = first.header("x-amz-version-id").unwrap().to_owned();
    s3(&aws, ("PUT", "/data/a/b%20c"), &[], b"two").await;
    let newest = s3(&aws, ("GET", "/data/a/b%20c"), &[], b"").await;
    assert_eq!(newest.text(), "two");
    let old = s3(&aws, ("GET", &format!("/data/a/b%20c?versionId={version}")), &[], b"").await;
    assert_eq!((old.text().as_str(), old.header("content-type")), ("one", Some("text/plain")));
    let head = s3(&aws, ("HEAD", "/data/a/b%20c"), &[], b"").await;
    assert_eq!((head.header("content-length"), head.body.len()), (Some("3"), 0));
    assert_eq!(aws.object("data", "a/b c").unwrap(), b"two");
    assert_eq!(aws.objects()[0].versions, 2);

    assert_eq!(s3(&aws, ("DELETE", "/data/a/b%20c"), &[], b"").await.status, 204);
    for (path, code) in [("/data/a/b%20c", "NoSuchKey"), ("/nope/a", "NoSuchBucket")] {
        let reply = s3(&aws, ("GET", path), &[], b"").await;
        assert_eq!(reply.status, 404);
        assert!(reply.text().contains(&format!("<Code>{code}</Code>")));
        assert_eq!(s3(&aws, ("HEAD", path), &[], b"").await.status, 404);
    }
}

#[tokio::test]
async fn the_first_writer_wins() {
    let aws = start().await;
    let once = [("if-none-match", "*")];
    assert_eq!(s3(&aws, ("PUT", "/data/key"), &once, b"one").await.status, 200);
    let second = s3(&aws, ("PUT", "/data/key"), &once, b"two").await;
    assert_eq!(second.status, 412);
    assert!(second.text().contains("<Code>PreconditionFailed</Code>"));
    assert_eq!(aws.object("data", "key").unwrap(), b"one");
}

#[tokio::test]
async fn chunked_bodies_are_unwrapped_and_checked() {
    let aws = start().await;
    let headers = [
        ("content-encoding", "aws-chunked,gzip"),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-decoded-content-length", "9"),
    ];
    let good = b"9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n";
    assert_eq!(s3(&aws, ("PUT", "/data/key"), &headers, good).await.status, 200);
    let back = s3(&aws, ("GET", "/data/key"), &[("x-amz-checksum-mode", "ENABLED")], b"").await;
    assert_eq!(back.text(), "123456789");
    assert_eq!(back.header("content-encoding"), Some("gzip"));
    assert_eq!(back.header("x-amz-checksum-crc32"), Some("y/Q5Jg=="));
    let bad = b"9\r\n123456780\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n";
    let reply = s3(&aws, ("PUT", "/data/key"), &headers, bad).await;
    assert!(reply.text().contains("<Code>BadDigest</Code>"));
}

#[tokio::test]
async fn lists_by_prefix_in_pages() {
    let aws = start().await;
    for key in ["a/1", "a/2", "a/3", "b/1"] {
        aws.put_object("data", key, key);
    }
    let first = s3(&aws, ("GET", "/data?list-type=2&prefix=a/&max-keys=2"), &[], b"").await.text();
    assert!(first.contains("<KeyCount>2</KeyCount>"));
    assert!(first.contains("<NextContinuationToken>after:a/2</NextContinuationToken>"), "{first}");
    let path = "/data?list-type=2&prefix=a/&max-keys=2&continuation-token=after%3Aa%2F2";
    let second = s3(&aws, ("GET", path), &[], b"").await.text();
    assert!(second.contains("<Key>a/3</Key>") && second.contains("<IsTruncated>false</IsTruncated>"));
    assert!(!second.contains("b/1"));
}

async fn dynamodb(aws: &FakeAws, operation: &str, mut body: Value) -> Reply {
    if body["TableName"].is_null() {
        body["TableName"] = "state".into();
    }
    json(aws, scope("dynamodb"), operation, &body).await
}

fn kind(reply: &Reply) -> String {
    let body = reply.json();
    body["__type"].as_str().unwrap_or_default().rsplit('#').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn conditional_writes() {
    let aws = start().await;
    let key = json!({ "pk": {"S": "alarm"}, "sk": {"S": "1"} });
    let put = json!({
        "Item": { "pk": {"S": "alarm"}, "sk": {"S": "1"}, "n": {"N": "1"} },
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    assert_eq!(dynamodb(&aws, "PutItem", put.clone()).await.status, 200);
    let again = dynamodb(&aws, "PutItem", put).await;
    assert_eq!((again.status, kind(&again).as_str()), (400, "ConditionalCheckFailedException"));
    assert_eq!(again.json()["Item"]["n"], json!({ "N": "1" }));

    let update = json!({
        "Key": key, "UpdateExpression": "SET n = n + :one, #s = :s REMOVE gone",
        "ConditionExpression": "n = :one AND attribute_exists(sk)",
        "ExpressionAttributeNames": { "#s": "state" },
        "ExpressionAttributeValues": { ":one": {"N": "1"}, ":s": {"S": "ALARM"} },
        "ReturnValues": "ALL_NEW",
    });
    let reply = dynamodb(&aws, "UpdateItem", update.clone()).await.json();
    assert_eq!(reply["Attributes"]["n"], json!({ "N": "2" }));
    assert_eq!(kind(&dynamodb(&aws, "UpdateItem", update).await), "ConditionalCheckFailedException");
    let got = dynamodb(&aws, "GetItem", json!({ "Key": key })).await.json();
    assert_eq!(got["Item"]["state"], json!({ "S": "ALARM" }));
    assert_eq!(dynamodb(&aws, "DeleteItem", json!({ "Key": key })).await.status, 200);
    assert_eq!(dynamodb(&aws, "GetItem", json!({ "Key": key })).await.json(), json!({}));
    assert!(aws.items("state").is_empty());
}

#[tokio::test]
async fn refused_expressions() {
    let aws = start().await;
    let key = json!({ "pk": {"S": "a"}, "sk": {"S": "1"} });
    let update = |expression: &str, values: Value| json!({ "Key": key, "UpdateExpression": expression, "ExpressionAttributeValues": values });
    for body in [
        update("SET status = :x", json!({ ":x": {"S": "x"} })),
        update("SET a = :x", json!({ ":x": {"S": "x"}, ":unused": {"S": "x"} })),
        update("SET pk = :x", json!({ ":x": {"S": "x"} })),
        update("SET a = :y", json!({ ":x": {"S": "x"} })),
        json!({ "Key": { "pk": {"S": "a"} }, "UpdateExpression": "REMOVE a" }),
    ] {
        let reply = dynamodb(&aws, "UpdateItem", body).await;
        assert_eq!(kind(&reply), "ValidationException", "{}", reply.text());
    }
    let other = json!({ "TableName": "other", "Key": key });
    assert_eq!(kind(&dynamodb(&aws, "GetItem", other).await), "ResourceNotFoundException");
    let far = crate::client::Scope { region: "us-east-1", ..scope("dynamodb") };
    let reply = json(&aws, far, "GetItem", &json!({ "TableName": "state", "Key": key })).await;
    assert_eq!(kind(&reply), "ResourceNotFoundException");
}

#[tokio::test]
async fn queries_page_by_limit_and_by_size() {
    let aws = start().await;
    for number in 0..5 {
        let item = json!({
            "pk": {"S": "p"}, "sk": {"S": format!("a#{number}")}, "big": {"S": "x".repeat(390_000)},
        });
        assert_eq!(dynamodb(&aws, "PutItem", json!({ "Item": item })).await.status, 200);
    }
    for (partition, sort) in [("p", "b#0"), ("p2", "a#9"), ("o", "a#9")] {
        let item = json!({ "pk": {"S": partition}, "sk": {"S": sort} });
        dynamodb(&aws, "PutItem", json!({ "Item": item })).await;
    }
    let pages = async |mut body: Value| {
        let mut pages: Vec<Vec<String>> = Vec::new();
        loop {
            let page = dynamodb(&aws, "Query", body.clone()).await.json();
            let items = page["Items"].as_array().unwrap().iter();
            pages.push(items.map(|item| item["sk"]["S"].as_str().unwrap().to_owned()).collect());
            if page["LastEvaluatedKey"].is_null() {
                return pages;
            }
            body["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
        }
    };
    let query = json!({
        "KeyConditionExpression": "pk = :p AND begins_with(sk, :a)",
        "ExpressionAttributeValues": { ":p": {"S": "p"}, ":a": {"S": "a#"} },
    });
    assert_eq!(pages(query.clone()).await, [vec!["a#0", "a#1", "a#2"], vec!["a#3", "a#4"]]);
    let mut small = query.clone();
    small["Limit"] = 2.into();
    small["ScanIndexForward"] = false.into();
    assert_eq!(pages(small).await, [vec!["a#4", "a#3"], vec!["a#2", "a#1"], vec!["a#0"]]);
    let all = json!({
        "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": { ":p": {"S": "p"} },
        "FilterExpression": "attribute_not_exists(big)",
    });
    assert_eq!(pages(all).await.concat(), ["b#0"]);
}

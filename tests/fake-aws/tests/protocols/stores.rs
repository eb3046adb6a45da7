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

#[tokio::test]
async fn metadata_is_returned_as_it_was_put() {
    let aws = start().await;
    let kept = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-disposition", "inline"),
        ("cache-control", "no-store"),
        ("x-amz-meta-run", "2026-05-04T00:00Z"),
        ("x-amz-meta-two-words", "a b"),
    ];
    s3(&aws, ("PUT", "/data/page"), &kept, b"page").await;
    for method in ["GET", "HEAD"] {
        let reply = s3(&aws, (method, "/data/page"), &[], b"").await;
        for (name, value) in kept {
            assert_eq!(reply.header(name), Some(value), "{method} {name}");
        }
    }
    // Metadata belongs to the version, not to the key.
    s3(&aws, ("PUT", "/data/page"), &[], b"plain").await;
    let plain = s3(&aws, ("HEAD", "/data/page"), &[], b"").await;
    assert_eq!(plain.header("x-amz-meta-run"), None);
    assert_eq!(plain.header("content-type"), Some("binary/octet-stream"));
    let much = "v".repeat(2_045);
    let reply = s3(&aws, ("PUT", "/data/page"), &[("x-amz-meta-name", &much)], b"").await;
    assert!(reply.text().contains("<Code>MetadataTooLarge</Code>"), "{}", reply.text());
    assert_eq!(s3(&aws, ("PUT", "/data/page"), &[("x-amz-meta-nam", &much)], b"").await.status, 200);
}

#[tokio::test]
async fn reads_can_be_conditional() {
    let aws = start().await;
    let put = s3(&aws, ("PUT", "/data/key"), &[], b"one").await;
    let etag = put.header("etag").unwrap();
    for (header, value, status) in [
        ("if-match", etag, 200),
        ("if-match", "\"other\"", 412),
        ("if-none-match", etag, 304),
        ("if-none-match", "\"other\"", 200),
    ] {
        assert_eq!(
            s3(&aws, ("GET", "/data/key"), &[(header, value)], b"").await.status,
            status,
            "{header} {value}"
        );
    }
}

#[tokio::test]
async fn a_bucket_is_there_or_not() {
    let aws = start().await;
    let there = s3(&aws, ("HEAD", "/data"), &[], b"").await;
    assert_eq!((there.status, there.header("x-amz-bucket-region")), (200, Some("eu-west-1")));
    assert_eq!(s3(&aws, ("HEAD", "/data/"), &[], b"").await.status, 200);
    assert_eq!(s3(&aws, ("HEAD", "/nope"), &[], b"").await.status, 404);
    let far = crate::client::Scope { key: "ASIA2109876543210007", ..scope("s3") };
    let reply = crate::client::send(aws.endpoint(), far, ("HEAD", "/data"), &[], b"").await.unwrap();
    assert_eq!(reply.status, 403);
}

/// The texts of all elements with this name, in order.
fn texts<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open).skip(1).filter_map(|rest| rest.split_once(&close)).map(|(text, _)| text).collect()
}

#[tokio::test]
async fn delimiters_roll_keys_up() {
    let aws = start().await;
    for key in ["a.txt", "logs/1/x", "logs/1/y", "logs/2/x", "logs/z", "z/1"] {
        aws.put_object("data", key, key);
    }
    let list = async |rest: &str| {
        let path = format!("/data?list-type=2&{rest}");
        s3(&aws, ("GET", &path), &[], b"").await.text()
    };
    for (rest, keys, prefixes) in [
        ("delimiter=/", vec!["a.txt"], vec!["logs/", "z/"]),
        ("delimiter=/&prefix=logs/", vec!["logs/z"], vec!["logs/1/", "logs/2/"]),
        ("delimiter=/&prefix=logs", vec![], vec!["logs/"]),
        ("delimiter=1/&prefix=logs/", vec!["logs/2/x", "logs/z"], vec!["logs/1/"]),
        ("delimiter=%7C", vec!["a.txt", "logs/1/x", "logs/1/y", "logs/2/x", "logs/z", "z/1"], vec![]),
        ("delimiter=/&prefix=logs/&start-after=logs/1/x", vec!["logs/z"], vec!["logs/1/", "logs/2/"]),
        ("start-after=logs/2/x", vec!["logs/z", "z/1"], vec![]),
    ] {
        let xml = list(rest).await;
        let found: Vec<&str> = texts(&xml, "CommonPrefixes")
            .into_iter()
            .filter_map(|common| texts(common, "Prefix").into_iter().next())
            .collect();
        assert_eq!((texts(&xml, "Key"), found), (keys.clone(), prefixes.clone()), "{rest}: {xml}");
        let count = (keys.len() + prefixes.len()).to_string();
        assert_eq!(texts(&xml, "KeyCount"), [count], "{rest}");
    }

    // A common prefix counts as one key, and is on one page only.
    let (mut pages, mut token) = (Vec::new(), String::new());
    loop {
        let xml = list(&format!("delimiter=/&max-keys=1{token}")).await;
        pages.push([texts(&xml, "Key"), texts(&xml, "CommonPrefixes")].concat().join(" "));
        let Some(next) = texts(&xml, "NextContinuationToken").into_iter().next() else { break };
        token = format!("&continuation-token={}", next.replace('/', "%2F"));
    }
    assert_eq!(pages, ["a.txt", "<Prefix>logs/</Prefix>", "<Prefix>z/</Prefix>"]);

    aws.put_object("data", "a b/\u{fc}", "");
    let xml = list("encoding-type=url&prefix=a%20&delimiter=%20").await;
    assert_eq!(texts(&xml, "Key"), ["a%20b/%C3%BC"], "{xml}");
    assert_eq!((texts(&xml, "Prefix"), texts(&xml, "Delimiter")), (vec!["a%20"], vec!["%20"]));
    let none = list("max-keys=0").await;
    assert_eq!((texts(&none, "KeyCount"), texts(&none, "IsTruncated")), (vec!["0"], vec!["false"]));
    for rest in ["max-keys=-1", "max-keys=x", "encoding-type=x", "continuation-token=x"] {
        assert_eq!(texts(&list(rest).await, "Code"), ["InvalidArgument"], "{rest}");
    }
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
        "Key": key, "UpdateExpression": "SET n = n + :one, #s = :s REMOVE absent",
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

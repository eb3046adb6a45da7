//! A client with one call per connection: writes the request by hand and keeps the raw response.

use std::fmt::Write as _;

use ciborium::Value as Cbor;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use fake_aws::FakeAws;

/// A raw response.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The CBOR body as JSON, for easy reading; a separate test checks the types.
    pub(crate) fn cbor(&self) -> Value {
        let value: Cbor = ciborium::from_reader(self.body.as_slice()).unwrap();
        untagged(value).deserialized().unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// The caller and the service.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) key: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
}

pub(crate) fn scope(service: &str) -> Scope<'_> {
    Scope { key: "AKIAIOSFODNN7EXAMPLE", region: "eu-west-1", service }
}

/// Sends one request; `None` if the connection was closed without a response.
pub(crate) async fn send(
    endpoint: &str,
    scope: Scope<'_>,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Reply> {
    let Scope { key, region, service } = scope;
    let address = endpoint.trim_start_matches("http://");
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\
         authorization: AWS4-HMAC-SHA256 Credential={key}/20260504/{region}/{service}/aws4_request, \
         SignedHeaders=host, Signature=00\r\nuser-agent: aws-sdk-rust/1 app/test\r\n",
        body.len()
    );
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[head.as_bytes(), b"\r\n", body].concat()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let body = answer.split_off(end + 4);
    let head = String::from_utf8(answer).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Reply { status, head, body })
}

/// An awsJson call.
pub(crate) async fn json(aws: &FakeAws, scope: Scope<'_>, operation: &str, body: &Value) -> Reply {
    let target = match scope.service {
        "dynamodb" => format!("DynamoDB_20120810.{operation}"),
        "sqs" => format!("AmazonSQS.{operation}"),
        "logs" => format!("Logs_20140328.{operation}"),
        "monitoring" => format!("GraniteServiceVersion20100801.{operation}"),
        _ => format!("AmazonEC2ContainerServiceV20141113.{operation}"),
    };
    let body = body.to_string();
    send(aws.endpoint(), scope, ("POST", "/"), &[("x-amz-target", &target)], body.as_bytes())
        .await
        .expect("an answer")
}

/// An RPC v2 CBOR call.
pub(crate) async fn cbor(aws: &FakeAws, operation: &str, body: &Value) -> Reply {
    let mut bytes = Vec::new();
    ciborium::into_writer(&stamped(Cbor::serialized(body).unwrap()), &mut bytes).unwrap();
    let path = format!("/service/GraniteServiceVersion20100801/operation/{operation}");
    let headers = [("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")];
    let reply = send(aws.endpoint(), scope("monitoring"), ("POST", &path), &headers, &bytes).await;
    let reply = reply.expect("an answer");
    assert_eq!(reply.header("smithy-protocol"), Some("rpc-v2-cbor"));
    reply
}

/// Times are tag 1 with a double, as the Rust SDK writes them.
fn stamped(value: Cbor) -> Cbor {
    let Cbor::Map(members) = value else { return value };
    let member = |(name, value): (Cbor, Cbor)| match (name.as_text(), &value) {
        (Some("StartTime" | "EndTime"), Cbor::Integer(seconds)) => {
            let seconds = f64::from(u32::try_from(*seconds).unwrap());
            (name, Cbor::Tag(1, Box::new(Cbor::Float(seconds))))
        }
        _ => (name, value),
    };
    Cbor::Map(members.into_iter().map(member).collect())
}

/// JSON has no tags.
fn untagged(value: Cbor) -> Cbor {
    match value {
        Cbor::Tag(_, inner) => untagged(*inner),
        Cbor::Array(items) => Cbor::Array(items.into_iter().map(untagged).collect()),
        Cbor::Map(members) => {
            Cbor::Map(members.into_iter().map(|(name, value)| (name, untagged(value))).collect())
        }
        other => other,
    }
}

/// An AWS Query call.
pub(crate) async fn query(aws: &FakeAws, service: &str, form: &str) -> Reply {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    send(aws.endpoint(), scope(service), ("POST", "/"), &headers, form.as_bytes()).await.expect("an answer")
}

/// An S3 call.
pub(crate) async fn s3(aws: &FakeAws, request: (&str, &str), headers: &[(&str, &str)], body: &[u8]) -> Reply {
    send(aws.endpoint(), scope("s3"), request, headers, body).await.expect("an answer")
}

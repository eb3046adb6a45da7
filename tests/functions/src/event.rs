//! The event files, and the SQS batches that carry cluster events.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

/// Folder of the event files.
pub fn events_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

/// An event file, by its name without `.json`.
pub fn event_file(name: &str) -> Value {
    let path = events_folder().join(format!("{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What Lambda passes to a function for messages of a queue; they are called `message-0`,
/// `message-1`, ...
pub fn sqs_batch(bodies: &[String]) -> Value {
    let record = |(index, body): (usize, &String)| {
        json!({
            "messageId": format!("message-{index}"),
            "receiptHandle": format!("handle-{index}"),
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1795341811000",
                "SenderId": "AIDAEXAMPLE",
                "ApproximateFirstReceiveTimestamp": "1795341811500",
            },
            "messageAttributes": {},
            "md5OfBody": "00000000000000000000000000000000",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:fargaze-ClusterEvents",
            "awsRegion": "eu-west-1",
        })
    };
    json!({"Records": bodies.iter().enumerate().map(record).collect::<Vec<Value>>()})
}

/// A batch with the cluster events of these files.
pub fn sqs_batch_of(names: &[&str]) -> Value {
    let bodies: Vec<String> = names.iter().map(|name| event_file(name).to_string()).collect();
    sqs_batch(&bodies)
}

/// The messages that a batch response returns to the queue.
pub fn sent_back(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap()).collect()
}

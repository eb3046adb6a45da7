//! Amazon SQS, sending only. Only the test receives the messages.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>

use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use crate::request::Request;
use crate::service::Target;
use crate::wire::{Answer, Outcome, Refusal, json};
use crate::world::{Sent, World};

/// Maximum delay of a message in seconds.
const LONGEST_DELAY: u64 = 900;
/// Bytes of a message.
const LONGEST: usize = 1_048_576;

pub(crate) fn call(request: &Request, target: &Target, world: &mut World) -> Outcome {
    let input = json::input(&request.body)?;
    match target.operation.as_str() {
        "SendMessage" => send(&input, world),
        "GetQueueUrl" => url(&input, request, world),
        _ => Err(target.unknown()),
    }
}

fn send(input: &Value, world: &mut World) -> Outcome {
    let url = input["QueueUrl"].as_str().unwrap_or_default();
    if !world.queues.contains(url) {
        return Err(missing());
    }
    let body = input["MessageBody"].as_str().unwrap_or_default();
    if body.is_empty() || body.len() > LONGEST {
        return Err(invalid("MessageBody", "must be shorter than 1048576 bytes and not empty"));
    }
    let delay = match &input["DelaySeconds"] {
        Value::Null => 0,
        delay => delay
            .as_u64()
            .filter(|delay| *delay <= LONGEST_DELAY)
            .ok_or_else(|| invalid("DelaySeconds", "must be between 0 and 900"))?,
    };
    for fifo in ["MessageDeduplicationId", "MessageGroupId"] {
        if !input[fifo].is_null() {
            return Err(invalid(fifo, "is of FIFO queues, which fake-aws does not fake"));
        }
    }
    for attributes in ["MessageAttributes", "MessageSystemAttributes"] {
        if input[attributes].as_object().is_some_and(|entries| !entries.is_empty()) {
            return Err(invalid(attributes, "needs a digest that fake-aws does not make"));
        }
    }
    let (queue_url, body) = (url.to_owned(), body.to_owned());
    // SDKs for some languages verify it.
    let digest = format!("{:032x}", u128::from_be_bytes(Md5::digest(&body).into()));
    world.sent.push(Sent { queue_url, body, delay_seconds: delay });
    let id = format!("20000000-0000-4000-8000-{:012x}", world.next_serial());
    Ok(json::output(json::Version::V1_0, &json!({ "MessageId": id, "MD5OfMessageBody": digest })))
}

fn url(input: &Value, request: &Request, world: &World) -> Outcome {
    let name = input["QueueName"].as_str().unwrap_or_default();
    let owner = input["QueueOwnerAWSAccountId"].as_str().unwrap_or(&request.account);
    let end = format!("/{owner}/{name}");
    let url = world.queues.iter().find(|url| url.ends_with(&end)).ok_or_else(missing)?;
    Ok(json::output(json::Version::V1_0, &json!({ "QueueUrl": url })))
}

fn missing() -> Refusal {
    Refusal::bad("QueueDoesNotExist", "The specified queue does not exist.")
}

fn invalid(parameter: &str, why: &str) -> Refusal {
    Refusal::bad("InvalidParameterValue", format!("Value for parameter {parameter} is invalid: it {why}."))
}

/// Names of errors in JSON, and their codes in the older Query protocol, which SDKs still match:
/// SQS sends both. Errors not listed here have the same name in both.
const NAMES: [(&str, &str, &str); 5] = [
    ("com.amazonaws.sqs", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
    ("com.amazon.coral.service", "InvalidParameterValueException", "InvalidParameterValue"),
    ("com.amazon.coral.service", "MissingRequiredParameterException", "MissingParameter"),
    ("com.amazon.coral.service", "AccessDeniedException", "AccessDenied"),
    ("com.amazon.coral.service", "UnknownOperationException", "InvalidAction"),
];

/// An error in the format of SQS; the refusal's code is either name.
/// <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait>
pub(crate) fn error(refusal: &Refusal) -> Answer {
    let code = refusal.code.as_str();
    let known = NAMES.iter().find(|(_, name, query)| [*name, *query].contains(&code));
    let (space, name, query) = known.copied().unwrap_or(("com.amazonaws.sqs", code, code));
    let body = json!({ "__type": format!("{space}#{name}"), "message": refusal.message });
    Answer { status: refusal.status, ..json::output(json::Version::V1_0, &body) }
        .with("x-amzn-query-error", format!("{query};{}", refusal.fault()))
}

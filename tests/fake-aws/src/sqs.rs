//! Amazon SQS, as far as messages are sent. Nobody receives them but the test.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>

use serde_json::json;

use crate::request::Request;
use crate::service::Target;
use crate::wire::{Answer, Outcome, Refusal, json};
use crate::world::{Sent, World};

/// Seconds that a message can be held back.
const LONGEST_DELAY: u64 = 900;
/// Bytes of a message.
const LONGEST: usize = 1_048_576;

pub(crate) fn call(request: &Request, target: &Target, world: &mut World) -> Outcome {
    if target.operation != "SendMessage" {
        return Err(target.unknown());
    }
    let input = json::input(&request.body)?;
    let url = input["QueueUrl"].as_str().unwrap_or_default();
    if !world.queues.contains(url) {
        return Err(Refusal::bad("QueueDoesNotExist", "The specified queue does not exist."));
    }
    let body = input["MessageBody"].as_str().unwrap_or_default();
    if body.is_empty() || body.len() > LONGEST {
        return Err(invalid("MessageBody", "must be shorter than 1048576 bytes and not empty"));
    }
    let delay = input["DelaySeconds"].as_u64().unwrap_or_default();
    if delay > LONGEST_DELAY {
        return Err(invalid("DelaySeconds", "must be between 0 and 900"));
    }
    let (queue_url, body) = (url.to_owned(), body.to_owned());
    world.sent.push(Sent { queue_url, body, delay_seconds: delay });
    let id = format!("20000000-0000-4000-8000-{:012x}", world.next_serial());
    // The SDK does not compare the digest.
    let answer = json!({ "MessageId": id, "MD5OfMessageBody": "00000000000000000000000000000000" });
    Ok(json::output(json::Version::V1_0, &answer))
}

fn invalid(parameter: &str, why: &str) -> Refusal {
    Refusal::bad("InvalidParameterValue", format!("Value for parameter {parameter} is invalid: it {why}."))
}

/// An error as SQS words it.
pub(crate) fn error(refusal: &Refusal) -> Answer {
    let body = json!({ "__type": format!("com.amazonaws.sqs#{}", refusal.code), "message": refusal.message });
    Answer { status: refusal.status, ..json::output(json::Version::V1_0, &body) }
}

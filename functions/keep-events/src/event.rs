//! The input of `keep-events`: a batch of events from the queue.

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use fargaze::invocation::failure::Failure;
use jiff::Timestamp;
use serde_json::Value;

/// One message of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueueMessage {
    /// Message id, to report to the queue that the message failed.
    pub id: String,
    /// The EventBridge event.
    pub body: String,
    /// When EventBridge sent it to the queue, if the queue says so.
    pub sent: Option<Timestamp>,
}

/// Parses the input.
pub(crate) fn read(event: Value) -> Result<Vec<QueueMessage>, Failure> {
    let batch: SqsEvent = serde_json::from_value(event)
        .map_err(|error| Failure::Invalid(format!("the event is not a batch of SQS messages: {error}")))?;
    let message = |record: SqsMessage| {
        let id =
            record.message_id.ok_or_else(|| Failure::Invalid("an SQS message without an id".to_owned()))?;
        let sent = record.attributes.get("SentTimestamp").and_then(|millis| millis.parse().ok());
        let sent = sent.and_then(|millis| Timestamp::from_millisecond(millis).ok());
        Ok(QueueMessage { id, body: record.body.unwrap_or_default(), sent })
    };
    batch.records.into_iter().map(message).collect()
}

//! The input of `enable-insights`: a batch of cluster events from the queue, or a target to sweep
//! or to roll back.

use aws_lambda_events::sqs::SqsEvent;
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::Step;
use serde_json::Value;

/// A request to `enable-insights`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Request {
    /// Process these messages of the queue.
    Events(Vec<QueueMessage>),
    /// Sweep a target or roll back its changes, depending on its run.
    Target(Step),
}

/// One message of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueueMessage {
    /// Message id, to report to the queue that the message failed.
    pub id: String,
    /// The EventBridge event.
    pub body: String,
}

/// Parses the input; events and targets are distinguished by their keys.
pub(crate) fn read(event: Value) -> Result<Request, Failure> {
    if event.get("Records").is_some() {
        let batch: SqsEvent = serde_json::from_value(event).map_err(|error| {
            Failure::Invalid(format!("the event is not a batch of SQS messages: {error}"))
        })?;
        let message = |record: aws_lambda_events::sqs::SqsMessage| {
            let id = record
                .message_id
                .ok_or_else(|| Failure::Invalid("an SQS message without an id".to_owned()))?;
            Ok(QueueMessage { id, body: record.body.unwrap_or_default() })
        };
        return batch.records.into_iter().map(message).collect::<Result<_, Failure>>().map(Request::Events);
    }
    serde_json::from_value(event).map(Request::Target).map_err(|error| {
        Failure::Invalid(format!(
            "the event is neither a batch of SQS messages nor a target of a run: {error}"
        ))
    })
}

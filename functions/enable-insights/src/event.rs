//! What `enable-insights` is invoked with: a batch of cluster events from the queue, or a target to sweep or to rollback.

use aws_lambda_events::sqs::SqsEvent;
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::Step;
use serde_json::Value;

/// What is asked of `enable-insights`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Asked {
    /// Act on these messages of the queue.
    Events(Vec<QueueMessage>),
    /// Described at all clusters of a target, or put back what was changed there, as its run says.
    Target(Step),
}

/// One message of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueueMessage {
    /// Id by which the queue is told that the message failed.
    pub id: String,
    /// The EventBridge event.
    pub body: String,
}

/// Reads the input; events and targets are told apart by their keys.
pub(crate) fn read(event: Value) -> Result<Asked, Failure> {
    if event.get("Records").is_some() {
        let batch: SqsEvent = serde_json::from_value(event)
            .map_err(|error| Failure::Invalid(format!("this is no batch of SQS messages: {error}")))?;
        let message = |record: aws_lambda_events::sqs::SqsMessage| {
            let id = record
                .message_id
                .ok_or_else(|| Failure::Invalid("an SQS message without an id".to_owned()))?;
            Ok(QueueMessage { id, body: record.body.unwrap_or_default() })
        };
        return batch.records.into_iter().map(message).collect::<Result<_, Failure>>().map(Asked::Events);
    }
    serde_json::from_value(event).map(Asked::Target).map_err(|error| {
        Failure::Invalid(format!("this is neither a batch of SQS messages nor a target of a run: {error}"))
    })
}

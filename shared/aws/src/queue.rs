//! Amazon SQS: the stack's own queue, through which a function schedules a later check.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use serde::Serialize;

use super::sdk_error::fault;

const OPERATION: Operation = Operation::SqsSendMessage;

/// The stack's own queue.
#[derive(Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// Opens the queue of that URL with the credentials and Region of `config`.
    pub fn new(config: &SdkConfig, url: &str) -> Self {
        Self { client: Client::new(config), url: url.to_owned() }
    }

    /// Sends a message as JSON, to be delivered after `delay_seconds`, at most 900 (`SendMessage`).
    /// `subject` names the message's subject in errors.
    pub async fn send_later(
        &self,
        message: &impl Serialize,
        delay_seconds: u16,
        subject: &str,
    ) -> Result<(), Fault> {
        let body = serde_json::to_string(message)
            .map_err(|error| Fault::malformed(OPERATION, subject, error.to_string()))?;
        let request = self.client.send_message().queue_url(&self.url).message_body(body);
        let answer = request.delay_seconds(i32::from(delay_seconds)).send().await;
        answer.map(|_| ()).map_err(|error| fault(OPERATION, subject, &error))
    }
}

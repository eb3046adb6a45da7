//! Amazon SNS: the stack's topic.

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;

use super::sdk_error::fault;
use crate::fault::Fault;
use crate::message::Message;

/// The stack's topic.
#[derive(Debug)]
pub struct Topic {
    client: Client,
    arn: String,
}

impl Topic {
    /// The topic of that ARN, with the credentials and Region of `config`.
    pub fn new(config: &SdkConfig, arn: &str) -> Self {
        Self { client: Client::new(config), arn: arn.to_owned() }
    }

    /// Publishes a message and returns the id that SNS gave it (`Publish`).
    pub async fn publish(&self, message: &Message) -> Result<String, Fault> {
        const OPERATION: &str = "sns:Publish";
        let mut request =
            self.client.publish().topic_arn(&self.arn).subject(&message.subject).message(&message.body);
        for (name, value) in &message.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            let value = value.map_err(|error| Fault::malformed(OPERATION, name, error.to_string()))?;
            request = request.message_attributes(name, value);
        }
        let answer = request.send().await.map_err(|error| fault(OPERATION, &self.arn, &error))?;
        Ok(answer.message_id.unwrap_or_default())
    }
}

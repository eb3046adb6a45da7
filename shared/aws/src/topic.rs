//! Amazon SNS: the stack's topic.

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use fargaze::text::message::Message;

use super::sdk_error::fault;

/// The stack's topic.
#[derive(Debug)]
pub struct Topic {
    client: Client,
    arn: String,
}

impl Topic {
    /// Opens the topic of that ARN with the credentials and Region of `config`.
    pub fn new(config: &SdkConfig, arn: &str) -> Self {
        Self { client: Client::new(config), arn: arn.to_owned() }
    }

    /// Publishes a message with one text per protocol, and returns the id from SNS (`Publish`).
    pub async fn publish(&self, message: &Message) -> Result<String, Fault> {
        const OPERATION: Operation = Operation::SnsPublish;
        let mut request = self.client.publish().topic_arn(&self.arn).subject(&message.subject);
        request = request.message(message.structured()).message_structure("json");
        for (name, value) in &message.attributes {
            let attribute = MessageAttributeValue::builder().data_type(value.data_type());
            let attribute = attribute.string_value(value.value()).build();
            let attribute =
                attribute.map_err(|error| Fault::malformed(OPERATION, name, error.to_string()))?;
            request = request.message_attributes(name, attribute);
        }
        let answer = request.send().await.map_err(|error| fault(OPERATION, &self.arn, &error))?;
        Ok(answer.message_id.unwrap_or_default())
    }

    /// Counts the confirmed subscriptions; SNS delivers to no others (`GetTopicAttributes`).
    pub async fn confirmed_subscriptions(&self) -> Result<u64, Fault> {
        const OPERATION: Operation = Operation::SnsGetTopicAttributes;
        let request = self.client.get_topic_attributes().topic_arn(&self.arn);
        let answer = request.send().await.map_err(|error| fault(OPERATION, &self.arn, &error))?;
        let attributes = answer.attributes.unwrap_or_default();
        let confirmed = attributes.get("SubscriptionsConfirmed").map(String::as_str).unwrap_or_default();
        let malformed = |error| {
            Fault::malformed(
                OPERATION,
                &self.arn,
                format!("SubscriptionsConfirmed is `{confirmed}`: {error}"),
            )
        };
        confirmed.parse().map_err(malformed)
    }
}

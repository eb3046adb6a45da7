//! What queries of logs cost in a month: one number in the stack's table, which all targets add to.
//!
//! A query's estimate is added before it starts, so that targets that start at the same moment
//! cannot exceed the budget together; what it really cost replaces the estimate afterwards.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use jiff::{SignedDuration, Timestamp};

use super::memory::{Memory, number, text};
use super::sdk_error::fault;

/// Partition of the amounts; the month is the sort key.
const PARTITION: &str = "SPENT";
/// How long an amount is stored: the report compares with the month before.
const KEEP: SignedDuration = SignedDuration::from_hours(24 * 100);
/// A DynamoDB number without fractions: millionths of a dollar.
const MILLIONTHS: f64 = 1e6;

impl Memory {
    /// Adds to what queries of a month have cost, and returns the sum, in US dollars (`UpdateItem`).
    /// The amount may be negative: less was spent than was reserved.
    #[expect(clippy::cast_possible_truncation, reason = "an amount of a few dollars in millionths")]
    pub async fn spend(&self, month: &str, dollars: f64, now: Timestamp) -> Result<f64, Fault> {
        const OPERATION: Operation = Operation::DynamodbUpdateItem;
        let amount = (dollars * MILLIONTHS).round() as i64;
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(PARTITION))
            .key("sk", text(month))
            .update_expression("SET #expires = :expires ADD millionths :amount")
            // A reserved word.
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_values(":expires", number((now + KEEP).as_second()))
            .expression_attribute_values(":amount", number(amount))
            .return_values(ReturnValue::UpdatedNew);
        let answer = request.send().await.map_err(|error| fault(OPERATION, month, &error))?;
        let sum = answer.attributes.as_ref().and_then(|item| item.get("millionths"));
        let sum = match sum {
            Some(AttributeValue::N(sum)) => sum.parse::<f64>().ok(),
            _ => None,
        };
        let missing = || Fault::malformed(OPERATION, month, "the response has no sum".to_owned());
        sum.map(|sum| sum / MILLIONTHS).ok_or_else(missing)
    }
}

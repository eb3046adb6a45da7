//! Spaces messages to the topic: SNS stops delivering to an email address that gets over ten
//! messages a second (Amazon SNS Developer Guide, "Email notifications"), and several runs may end
//! at the same time.

use std::time::Duration;

use fargaze::model::fault::Fault;

use super::memory::{Item, Memory, Written, number, text};
use crate::Clock;

/// Time between two messages, from any sender.
const APART: Duration = Duration::from_secs(1);
/// Attempts to take a slot. After that, the message is sent without one: too soon is better than
/// too late.
const ATTEMPTS: usize = 30;

impl Memory {
    /// Waits until no message was sent for a second, and takes the slot (`PutItem` with a
    /// condition). Returns whether it got one.
    pub async fn publish_slot(&self, clock: &Clock) -> Result<bool, Fault> {
        for _ in 0..ATTEMPTS {
            if self.take_slot(clock.now().as_millisecond()).await? == Written::Yes {
                return Ok(true);
            }
            tokio::time::sleep(APART).await;
        }
        Ok(false)
    }

    async fn take_slot(&self, now: i64) -> Result<Written, Fault> {
        let apart = i64::try_from(APART.as_millis()).unwrap_or(i64::MAX);
        let item = Item::from([
            ("pk".to_owned(), text("TOPIC")),
            ("sk".to_owned(), text("slot")),
            ("published_at".to_owned(), number(now)),
        ]);
        let condition = "attribute_not_exists(pk) OR published_at <= :before";
        self.put_if(item, condition, Some((":before", number(now - apart))), "TOPIC#slot").await
    }
}

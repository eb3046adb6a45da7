//! Turns at the topic: over ten messages a second make SNS give up an email address (Amazon SNS Developer Guide, "Email
//! notifications"), and runs end beside each other.

use std::time::Duration;

use fargaze::model::fault::Fault;

use super::memory::{Item, Memory, Written, number, text};
use crate::Clock;

/// Between two messages, whoever sends them.
const APART: Duration = Duration::from_secs(1);
/// How often a turn is asked for. After that the message goes out without one: late is worse than close.
const ATTEMPTS: usize = 30;

impl Memory {
    /// Waits until no message was sent for a second, and takes the turn (`PutItem` with a condition). Whether there was
    /// one.
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
            ("sk".to_owned(), text("turn")),
            ("published_at".to_owned(), number(now)),
        ]);
        let condition = "attribute_not_exists(pk) OR published_at <= :before";
        self.put_if(item, condition, Some((":before", number(now - apart))), "TOPIC#turn").await
    }
}

//! `keep-events`: batch of events -> incidents -> one item of the table for each account and Region.

mod config;
mod event;

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_lambda_events::sqs::SqsBatchResponse;
use fargaze::deaths::Incident;
use fargaze::events::{Kept, read_incidents};
use fargaze::invocation::failure::Failure;
use fargaze::model::cluster::{AccountId, Region};
use fargaze_aws::{Clock, Memory};
use jiff::Timestamp;
use serde_json::Value;

pub use config::Config;
use event::QueueMessage;

/// The function with its clients.
#[derive(Debug)]
pub struct Handler {
    memory: Memory,
    clock: Clock,
}

/// What a batch says about one account and Region.
#[derive(Debug, Default)]
struct Batch {
    /// The messages that it comes from.
    messages: Vec<String>,
    incidents: Vec<Incident>,
    /// When the newest of them was sent.
    received: Option<Timestamp>,
}

impl Handler {
    /// Creates the function with these settings.
    pub fn new(config: Config, sdk: &SdkConfig) -> Self {
        let Config { table } = config;
        Self { memory: Memory::new(sdk, &table), clock: Clock::new(sdk) }
    }

    /// Stores a batch of the queue. Returns the messages that could not be read or stored: they go
    /// back to the queue, and after several deliveries to the dead-letter queue.
    pub async fn handle(&self, event: Value) -> Result<SqsBatchResponse, Failure> {
        let mut answer = SqsBatchResponse::default();
        let mut batches = BTreeMap::<(AccountId, Region), Batch>::new();
        let (mut kept, mut ignored) = (0, 0);
        for QueueMessage { id, body, sent } in event::read(event)? {
            match read_incidents(&body) {
                Ok(Kept::Incidents { account, region, incidents, odd }) => {
                    for odd in odd {
                        tracing::warn!(message = id, "a part of an event is not kept: {odd}");
                    }
                    let batch = batches.entry((account, region)).or_default();
                    kept += incidents.len();
                    batch.messages.push(id);
                    batch.incidents.extend(incidents);
                    batch.received = batch.received.max(sent);
                }
                Ok(Kept::Ignored(why)) => {
                    ignored += 1;
                    tracing::debug!(message = id, "ignored: {why}");
                }
                Err(error) => {
                    tracing::error!(message = id, "{error}");
                    answer.add_failure(id);
                }
            }
        }
        for ((account, region), Batch { messages, incidents, received }) in batches {
            // The time of sending is the same for each delivery of a message, and so the item is.
            let received = received.unwrap_or_else(|| self.clock.now());
            if let Err(fault) = self.memory.keep_incidents(&account, &region, &incidents, received).await {
                tracing::error!(%fault, "{} events of {account} in {region} are not stored", messages.len());
                messages.into_iter().for_each(|id| answer.add_failure(id));
            }
        }
        tracing::info!(kept, ignored, failed = answer.batch_item_failures.len(), "events");
        Ok(answer)
    }
}

//! `enable-insights`: cluster event or sweep -> wanted setting -> changed, read back, written into the ledger.
//!
//! Both ways share one decision, [`fargaze::insights::decide`], which never lowers a setting.

mod change;
mod config;
mod event;
mod sweep;

use aws_config::SdkConfig;
use fargaze::aws::{Ecs, Memory, Store, config_for};
use fargaze::cluster::ClusterArn;
use fargaze::event::{ClusterChange, ClusterEvent, Heard};
use fargaze::failure::Failure;
use fargaze::fault::FaultKind;
use fargaze::insights::{Decision, Occasion as Acquaintance, decide};
use fargaze::outcome::{ObjectRef, TargetDone, TargetTask};
use fargaze::run::{Part, Target};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use change::{Occasion, raise};
pub use config::Config;
use event::{Asked, QueueMessage};
use sweep::Sweep;

/// The function with its clients.
#[derive(Debug)]
pub struct Handler {
    config: Config,
    home: SdkConfig,
    store: Store,
    memory: Memory,
}

/// What `enable-insights` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// To the queue: which messages to deliver again.
    Batch(BatchAnswer),
    /// To the state machine: where the outcome of the sweep is.
    Swept(Box<TargetDone>),
}

/// Lambda's answer to a batch of SQS messages with `ReportBatchItemFailures`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// Messages that were not dealt with.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// One message that was not dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Id of the message.
    pub item_identifier: String,
}

impl Handler {
    /// The function with these settings.
    pub fn new(config: Config, sdk: &SdkConfig) -> Self {
        let (store, memory) = (Store::new(sdk, &config.bucket), Memory::new(sdk, &config.table));
        Self { config, home: sdk.clone(), store, memory }
    }

    /// Deals with a batch of the queue or with a target of a sweep.
    pub async fn handle(&self, event: Value) -> Result<Answer, Failure> {
        match event::read(event)? {
            Asked::Events(messages) => Ok(Answer::Batch(self.hear_all(messages).await)),
            Asked::Sweep(task) => Ok(Answer::Swept(Box::new(self.sweep(&task).await?))),
        }
    }

    /// Deals with each message for itself. One that fails goes back to the queue, and after some deliveries to the
    /// dead-letter queue: nothing is lost, and nothing holds up the others.
    async fn hear_all(&self, messages: Vec<QueueMessage>) -> BatchAnswer {
        let mut answer = BatchAnswer::default();
        for QueueMessage { id, body } in messages {
            match self.hear(&body).await {
                Ok(receipt) => tracing::info!(message = id, "{receipt}"),
                Err(failure) => {
                    tracing::error!(message = id, error_type = failure.error_type(), "{failure}");
                    answer.batch_item_failures.push(BatchItemFailure { item_identifier: id });
                }
            }
        }
        answer
    }

    /// Deals with one event and tells in a sentence what came of it.
    async fn hear(&self, body: &str) -> Result<String, Failure> {
        let event = match fargaze::event::read(body)? {
            Heard::Cluster(event) => event,
            Heard::Ignored(why) => return Ok(format!("ignored: {why}")),
        };
        let ClusterEvent { change, cluster, by, .. } = &event;
        if cluster.account != self.config.account {
            let home = &self.config.account;
            return Err(Failure::Invalid(format!(
                "the event is about account {}, not about {home}",
                cluster.account
            )));
        }
        match change {
            ClusterChange::Created => self.new_cluster(&event).await,
            // Somebody chose this setting: it is told by the sweep, and not fought over.
            ClusterChange::SettingsUpdated(level) => {
                let level = level.map_or("unchanged", |level| level.as_str());
                Ok(format!("left as it is: {by} set Container Insights of {cluster} to {level}"))
            }
        }
    }

    async fn new_cluster(&self, event: &ClusterEvent) -> Result<String, Failure> {
        let ClusterArn { region, account, name, .. } = &event.cluster;
        let target =
            Target { account: account.clone(), region: region.clone(), part: Part::WHOLE, role: None };
        let ecs = Ecs::new(&config_for(&self.home, &target).await?);
        let described = ecs.describe_clusters(std::slice::from_ref(name)).await;
        let Some(cluster) = described.found.first() else {
            return match described.faults.into_iter().next() {
                Some(fault) if fault.kind != FaultKind::NotFound => Err(fault.into()),
                _ => Ok(format!("{name} was deleted in the meantime")),
            };
        };
        match decide(&self.config.wish, cluster, Acquaintance::New) {
            Decision::Raise(to) => {
                let occasion = Occasion { account, region, time: event.time, cause: &event.id };
                let level = raise(&ecs, &self.memory, &occasion, cluster, to).await?;
                Ok(format!("raised Container Insights of {name} from {} to {level}", cluster.level))
            }
            Decision::Right => Ok(format!("{name} is right: Container Insights is {}", cluster.level)),
            Decision::Report(why) | Decision::Leave(why) => Ok(format!("left {name} as it is: {why}")),
        }
    }

    async fn sweep(&self, task: &TargetTask) -> Result<TargetDone, Failure> {
        let ecs = Ecs::new(&config_for(&self.home, &task.target).await?);
        let sweep = Sweep { ecs: &ecs, memory: &self.memory, store: &self.store, wish: &self.config.wish };
        let outcome = sweep.run(task).await?;
        let key = task.target.outcome_key(&task.run);
        self.store.put_json(&key, &outcome).await?;
        Ok(TargetDone { target: task.target.clone(), outcome: ObjectRef { key } })
    }
}

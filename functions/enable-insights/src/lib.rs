//! `enable-insights`: cluster event or sweep -> wished setting -> changed, read back, written into the ledger.
//!
//! Both ways share one decision, [`fargaze::insights::decide`], which lowers a setting only for an exact wish.

mod config;
mod eks;
mod event;
mod hear;
mod known;
mod progress;
mod reconcile;
mod restore;
mod sweep;

use aws_config::SdkConfig;
use fargaze::aws::{Clock, CloudWatch, Ecs, Eks, Memory, Queue, Store, config_for};
use fargaze::failure::Failure;
use fargaze::insights::eks::EksConfig;
use fargaze::run::{Platform, RunKind};
use fargaze::states::{TargetDone, TargetTask};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

pub use config::Config;
use eks::{EksRestore, EksSweep, Setup};
use event::{Asked, QueueMessage};
use reconcile::Cause;
use restore::Restore;
use sweep::Sweep;

/// The function with its clients.
#[derive(Debug)]
pub struct Handler {
    config: Config,
    home: SdkConfig,
    store: Store,
    memory: Memory,
    clock: Clock,
}

/// What `enable-insights` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// To the queue: which messages to deliver again.
    Batch(BatchAnswer),
    /// To the state machine: where the outcome of the sweep or restore is, or where to go on.
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
        Self { config, home: sdk.clone(), store, memory, clock: Clock::new(sdk) }
    }

    /// Deals with a batch of the queue, or with a target of a sweep or restore. `deadline` is when Lambda ends the function:
    /// a sweep stops before and says where to go on.
    pub async fn handle(&self, event: Value, deadline: Instant) -> Result<Answer, Failure> {
        match event::read(event)? {
            Asked::Events(messages) => Ok(Answer::Batch(self.hear_all(messages, deadline).await)),
            Asked::Target(step) => {
                let task = self.store.task(step).await?;
                let done = match task.run.kind {
                    RunKind::Sweep => self.sweep(&task, deadline).await?,
                    RunKind::Restore => self.restore(&task, deadline).await?,
                    kind @ (RunKind::Alarms | RunKind::Report) => {
                        let why = format!("a run of the kind `{kind}` has nothing to do with settings");
                        return Err(Failure::Invalid(why));
                    }
                };
                Ok(Answer::Swept(Box::new(done)))
            }
        }
    }

    /// Deals with each message for itself. One that fails goes back to the queue, and after some deliveries to the
    /// dead-letter queue: nothing is lost, and nothing holds up the others.
    async fn hear_all(&self, messages: Vec<QueueMessage>, deadline: Instant) -> BatchAnswer {
        let mut answer = BatchAnswer::default();
        for QueueMessage { id, body } in messages {
            match self.hear(&body, deadline).await {
                Ok(receipt) => tracing::info!(message = id, "{receipt}"),
                Err(failure) => {
                    tracing::error!(message = id, error_type = failure.error_type(), "{failure}");
                    answer.batch_item_failures.push(BatchItemFailure { item_identifier: id });
                }
            }
        }
        answer
    }

    async fn sweep(&self, task: &TargetTask, deadline: Instant) -> Result<TargetDone, Failure> {
        let sdk = config_for(&self.home, &task.target).await?;
        if task.target.platform == Platform::Eks {
            let (eks, queue) = (&Eks::new(&sdk), &self.queue());
            let config = &self.store.eks(&task.run).await?;
            let setup = self.setup(task, (eks, &sdk, queue), config, deadline);
            let (hears, clock) = (self.hears(task), self.clock.now());
            return Box::pin(EksSweep { task, store: &self.store, setup, hears, clock }.run()).await;
        }
        let (ecs, cloudwatch) = (&ecs(&sdk, task), &CloudWatch::new(&sdk));
        let (memory, store, config) = (&self.memory, &self.store, &self.store.insights(&task.run).await?);
        let (hears, clock) = (self.hears(task), &self.clock);
        Sweep { task, ecs, cloudwatch, memory, store, config, hears, clock }.run(deadline).await
    }

    async fn restore(&self, task: &TargetTask, deadline: Instant) -> Result<TargetDone, Failure> {
        let sdk = config_for(&self.home, &task.target).await?;
        if task.target.platform == Platform::Eks {
            let (eks, queue) = (&Eks::new(&sdk), &self.queue());
            let config = &self.store.eks(&task.run).await?;
            let setup = self.setup(task, (eks, &sdk, queue), config, deadline);
            let clock = self.clock.now();
            return Box::pin(EksRestore { task, store: &self.store, setup, clock }.run()).await;
        }
        let ecs = &ecs(&sdk, task);
        let (memory, store, config) = (&self.memory, &self.store, &self.store.insights(&task.run).await?);
        Restore { task, ecs, memory, store, config, clock: &self.clock }.run(deadline).await
    }

    /// Whether events of this target are expected to arrive: the stack listens in its own account and Region only.
    fn hears(&self, task: &TargetTask) -> bool {
        (&task.target.account, &task.target.region) == (&self.config.account, &self.config.region)
    }

    pub(crate) fn queue(&self) -> Queue {
        Queue::new(&self.home, &self.config.queue_url)
    }

    /// What EKS clusters of a target are set up with in a run.
    fn setup<'a>(
        &'a self,
        task: &'a TargetTask,
        (eks, sdk, queue): (&'a Eks, &'a SdkConfig, &'a Queue),
        config: &'a EksConfig,
        deadline: Instant,
    ) -> Setup<'a> {
        let TargetTask { run, target, .. } = task;
        let cause = Cause { id: &run.id, time: run.time };
        let (memory, restores) = (&self.memory, run.kind == RunKind::Restore);
        Setup { eks, sdk, memory, queue, target, config, cause, restores, now: run.time, deadline }
    }
}

/// ECS for the whole of a task or for the rest of it.
fn ecs(sdk: &SdkConfig, task: &TargetTask) -> Ecs {
    if task.cursor.is_some() { Ecs::going_on(sdk) } else { Ecs::new(sdk) }
}

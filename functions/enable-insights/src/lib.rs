//! `enable-insights`: event, sweep or rollback -> policy -> changed, read back, written into the
//! change log.
//!
//! Events, sweeps and rollbacks share one decision, [`fargaze::reconcile::decide()`], and one
//! engine for ECS and EKS: reads and changes of each platform are behind a border, `ecs_border.rs`
//! and `eks_border.rs`. EKS takes minutes for most changes: meanwhile the cluster goes back to the
//! queue, and no function waits.

mod border;
mod config;
mod ecs_border;
mod eks_border;
mod event;
mod last_sweep;
mod log_groups;
mod logging;
mod progress;
mod receive;
mod reconcile;
mod rollback;
mod sweep;

use aws_config::SdkConfig;
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{TargetDone, TargetTask};
use fargaze::model::run::{Platform, RunKind, Target};
use fargaze::reconcile::Policies;
use fargaze_aws::{Clock, CloudWatch, Ecs, Eks, Logs, Memory, Queue, Store, config_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use border::Border;
pub use config::Config;
use ecs_border::EcsBorder;
use eks_border::EksBorder;
use event::{QueueMessage, Request};
use reconcile::Reconciler;
use rollback::Rollback;
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

/// The response of `enable-insights`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Response {
    /// To the queue: which messages to deliver again.
    Batch(BatchAnswer),
    /// To the state machine: location of the outcome of the sweep or rollback, or where to
    /// continue.
    Swept(Box<TargetDone>),
}

/// The Lambda response to a batch of SQS messages with `ReportBatchItemFailures`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// Messages that were not processed.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// A message that was not processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Id of the message.
    pub item_identifier: String,
}

impl Handler {
    /// Creates the function with these settings.
    pub fn new(config: Config, sdk: &SdkConfig) -> Self {
        let (store, memory) = (Store::new(sdk, &config.bucket), Memory::new(sdk, &config.table));
        Self { config, home: sdk.clone(), store, memory, clock: Clock::new(sdk) }
    }

    /// Processes a batch of the queue, or a target of a sweep or rollback. `deadline` is the end of
    /// the function's timeout: a sweep stops before it and returns where to continue.
    pub async fn handle(&self, event: Value, deadline: Instant) -> Result<Response, Failure> {
        match event::read(event)? {
            Request::Events(messages) => Ok(Response::Batch(self.receive_all(messages, deadline).await)),
            Request::Target(step) => {
                let task = self.store.task(step).await?;
                if !task.run.kind.is_of_settings() {
                    let why = format!("a run of kind `{}` does not change settings", task.run.kind);
                    return Err(Failure::Invalid(why));
                }
                Ok(Response::Swept(Box::new(self.reconcile(&task, deadline).await?)))
            }
        }
    }

    /// Processes each message separately. A message that fails goes back to the queue, and after
    /// several deliveries to the dead-letter queue: no message is lost, and none delays the others.
    async fn receive_all(&self, messages: Vec<QueueMessage>, deadline: Instant) -> BatchAnswer {
        let mut answer = BatchAnswer::default();
        for QueueMessage { id, body } in messages {
            match self.receive(&body, deadline).await {
                Ok(receipt) => tracing::info!(message = id, "{receipt}"),
                Err(failure) => {
                    tracing::error!(message = id, error_type = failure.error_type(), "{failure}");
                    answer.batch_item_failures.push(BatchItemFailure { item_identifier: id });
                }
            }
        }
        answer
    }

    async fn reconcile(&self, task: &TargetTask, deadline: Instant) -> Result<TargetDone, Failure> {
        let sdk = config_for(&self.home, &task.target).await?;
        match task.target.platform {
            Platform::Ecs => {
                let cloudwatch = (task.run.kind == RunKind::Sweep).then(|| CloudWatch::new(&sdk));
                let border = EcsBorder::new(ecs(&sdk, task), Logs::new(&sdk, 0), cloudwatch);
                self.reconcile_at(border, task, deadline).await
            }
            Platform::Eks => {
                let (region, rolls_back) = (task.target.region.clone(), task.run.kind == RunKind::Rollback);
                let border = EksBorder { eks: Eks::new(&sdk), sdk, region, rolls_back, deadline };
                Box::pin(self.reconcile_at(border, task, deadline)).await
            }
        }
    }

    async fn reconcile_at<B: Border>(
        &self,
        border: B,
        task: &TargetTask,
        deadline: Instant,
    ) -> Result<TargetDone, Failure> {
        let TargetTask { run, target, .. } = task;
        let queue = &self.queue();
        let policies = &self.store.policies(run).await?;
        let rolls_back = run.kind == RunKind::Rollback;
        let common = self.reconciler(border, queue, target, policies, &run.id);
        let reconciler = Reconciler { rolls_back, estimates: !rolls_back, ..common };
        let store = &self.store;
        if rolls_back {
            return Rollback { task, store, reconciler, deadline }.run().await;
        }
        let receives_events = self.receives_events(task);
        Sweep { task, store, reconciler, receives_events, deadline }.run().await
    }

    /// Whether events of this target are expected: the stack receives events from its own account
    /// and Region only.
    fn receives_events(&self, task: &TargetTask) -> bool {
        (&task.target.account, &task.target.region) == (&self.config.account, &self.config.region)
    }

    /// A reconciler that sets what policies ask for, without estimates.
    pub(crate) fn reconciler<'a, B>(
        &'a self,
        border: B,
        queue: &'a Queue,
        target: &'a Target,
        policies: &'a Policies,
        cause: &'a str,
    ) -> Reconciler<'a, B> {
        let (memory, clock) = (&self.memory, &self.clock);
        let (rolls_back, estimates) = (false, false);
        Reconciler { border, memory, queue, clock, target, policies, cause, rolls_back, estimates }
    }

    pub(crate) fn queue(&self) -> Queue {
        Queue::new(&self.home, &self.config.queue_url)
    }
}

/// The ECS client for the first pass of a task, or for a later one.
fn ecs(sdk: &SdkConfig, task: &TargetTask) -> Ecs {
    if task.cursor.is_some() { Ecs::continuing(sdk) } else { Ecs::new(sdk) }
}

//! `collect-logs`: what has to do with logs, with a role of its own.
//!
//! For each target of a run, the state machine calls it for up to three steps: saved queries are
//! started before metrics are collected, and read after that; a report then audits how containers
//! log; an alarms run finds the logs of alarms that began. By hand, it searches logs.

mod alarms;
mod answers;
mod audit;
mod by_hand;
mod cluster_api;
mod config;
mod event;
mod known;
mod seen;
mod start;

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{ObjectRef, Plan, Step, TargetTask};
use fargaze::logs::{TargetLogs, TargetQueries};
use fargaze::model::run::RunKind;
use fargaze_aws::{Logs, Memory, Store};
use fargaze_kubernetes::{Network, Tcp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

pub use by_hand::Found;
pub use config::Config;
use event::{Request, Work};

/// The function with its clients.
#[derive(Debug)]
pub struct Handler {
    config: Config,
    home: SdkConfig,
    store: Store,
    memory: Memory,
    network: Arc<dyn Network>,
}

/// The response of `collect-logs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Response {
    /// To a step: where its result is.
    Logs {
        /// The object.
        logs: ObjectRef,
    },
    /// To a question by hand.
    Found(Found),
}

impl Handler {
    /// Creates the function with these settings.
    pub fn new(config: Config, sdk: &SdkConfig) -> Self {
        let (store, memory) = (Store::new(sdk, &config.bucket), Memory::new(sdk, &config.table));
        Self { config, home: sdk.clone(), store, memory, network: Arc::new(Tcp) }
    }

    /// Uses another network than TCP for API servers.
    #[must_use]
    pub fn over(self, network: Arc<dyn Network>) -> Self {
        Self { network, ..self }
    }

    /// Handles one event. What cannot be read before the deadline is left to the next run, or
    /// reported.
    pub async fn handle(&self, event: Value, deadline: Instant) -> Result<Response, Failure> {
        match event::read(event)? {
            Request::ByHand(question) => {
                Ok(Response::Found(Box::pin(self.search(question, deadline)).await?))
            }
            Request::Target(step, work) => {
                let key = Box::pin(self.work(step, work, deadline)).await?;
                Ok(Response::Logs { logs: ObjectRef { key } })
            }
        }
    }

    /// Does a step of a target; returns the key of its result. A retry finds the result of the
    /// earlier attempt.
    async fn work(&self, step: Step, work: Work, deadline: Instant) -> Result<String, Failure> {
        let plan = self.store.plan(&step.plan).await?;
        let number = step.target;
        let task = step.of(plan.clone())?;
        let key = key_of(&task, work)?;
        if self.store.get(&key, None).await?.is_some() {
            return Ok(key);
        }
        let target = task.target.clone().for_logs();
        match (work, target) {
            (Work::Audit, None) => self.store.put_json(&key, &TargetLogs::NoRole).await?,
            (Work::Audit, Some(target)) => {
                let read = self.audit(&task, &target, deadline.min(Instant::now() + AUDIT)).await?;
                self.store.put_json(&key, &TargetLogs::Read(read)).await?;
            }
            (Work::StartQueries, None) => {
                self.store.put_json(&task.target.queries_key(&task.run), &TargetQueries::NoRole).await?;
            }
            (Work::StartQueries, Some(target)) => {
                let settings = self.store.log_settings(&task.run).await?;
                let share = Share::of(&plan, number);
                let started = self.start(&task, &target, &settings, share, deadline).await?;
                self.store.put_json(&key, &started).await?;
            }
            // Stored when they should have been started.
            (Work::ReadQueries, None) => {}
            (Work::ReadQueries, Some(target)) => {
                let settings = self.store.log_settings(&task.run).await?;
                let share = Share::of(&plan, number);
                let asked = self.answers(&task, &target, &settings, share, deadline).await?;
                self.store.put_json(&key, &TargetQueries::Asked(asked)).await?;
            }
            (Work::LogsOfAlarms, target) => {
                let logs = self.logs_of_alarms(&task, target.as_ref()).await?;
                self.store.put_json(&key, &logs).await?;
            }
        }
        Ok(key)
    }

    /// The client of `CloudWatch` Logs, which shares its rates with those of the other parts and of
    /// the other platform.
    fn logs(task: &TargetTask, sdk: &SdkConfig) -> Logs {
        Logs::new(sdk, (2 * task.target.part.count).saturating_sub(1))
    }
}

/// How long an audit may take: less than the state `CollectLogs`, so that it ends with a result.
const AUDIT: Duration = Duration::from_secs(57);

/// What a target has to do with the queries of its account and Region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    /// Whether it queries for log groups, and not only for its services or workloads.
    pub(crate) has_groups: bool,
    /// How many other targets there run queries at the same time.
    pub(crate) others: u32,
}

impl Share {
    fn of(plan: &Plan, number: usize) -> Self {
        let place = |number: usize| plan.targets.get(number).map(|target| (&target.account, &target.region));
        let others = plan.queries.iter().filter(|other| **other != number && place(**other) == place(number));
        let others = u32::try_from(others.count()).unwrap_or(u32::MAX);
        Self { has_groups: plan.queries_groups(number), others }
    }
}

/// Where the result of a step is stored.
fn key_of(TargetTask { run, target, .. }: &TargetTask, work: Work) -> Result<String, Failure> {
    let (key, fits) = match work {
        Work::Audit => (target.logs_key(run), run.kind == RunKind::Report),
        Work::StartQueries => (target.started_queries_key(run), !run.kind.is_of_settings()),
        Work::ReadQueries => (target.queries_key(run), !run.kind.is_of_settings()),
        Work::LogsOfAlarms => (target.alarm_logs_key(run), run.kind == RunKind::Alarms),
    };
    if fits { Ok(key) } else { Err(Failure::Invalid(format!("a run of kind {} has no such step", run.kind))) }
}

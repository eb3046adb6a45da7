//! `forward-summary`: outcomes of all targets -> summary -> message -> receipt. If a target fails
//! without an outcome, stores the reason as soon as it fails.
//!
//! Notifications are marked only after SNS has accepted the message. If marking fails, the next run
//! notifies once more: nothing is lost, and docs/architecture.md names the one window in which a
//! notification can be sent twice. The function itself does not fail then: Step Functions would run
//! it again, and it would publish the same message a second time.

mod config;
mod event;
mod logs;
mod pending;
mod report;
mod results;

use std::time::Duration;

use aws_config::SdkConfig;
use fargaze::alarms::RuleChange;
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::Plan;
use fargaze::model::cluster::Region;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::{Run, RunKind};
use fargaze::notify;
use fargaze::notify::heartbeat::Heartbeat;
use fargaze::outcome::{CoverageChange, TargetResult, coverage_changes};
use fargaze::text::message::Message;
use fargaze_aws::{Clock, Memory, Store, Topic};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use config::Config;
use event::{Failed, Finished, Request};
use report::{Reported, Reporter};
use results::Results;

/// How long marking the published notifications may take: if the function times out meanwhile,
/// there is no heartbeat, and its execution counts as failed although its message was sent.
const MARKING: Duration = Duration::from_secs(45);

/// The function with its clients.
#[derive(Debug)]
pub struct Handler {
    store: Store,
    memory: Memory,
    topic: Topic,
    clock: Clock,
    bucket: String,
    stack: String,
    region: Region,
    log_level: String,
}

/// The response of `forward-summary`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Response {
    /// To a run.
    Forwarded(Receipt),
    /// To a failed target: the reason is stored.
    Kept {
        /// The target's number in the plan.
        kept: usize,
    },
}

/// The result of a run's summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Whether a message was published.
    pub published: bool,
    /// The message id from SNS.
    pub message_id: Option<String>,
    /// Its subject, or why no message was published.
    pub why: String,
    /// Confirmed subscriptions of the topic: with 0, nobody receives the message. Null if they
    /// could not be counted.
    pub listeners: Option<u64>,
    /// The run's heartbeat: a log line from which CloudWatch extracts metrics.
    #[serde(skip)]
    pub heartbeat: String,
}

impl Handler {
    /// Creates the function with these settings.
    pub fn new(config: Config, sdk: &SdkConfig) -> Self {
        let Config { bucket, table, topic_arn, stack, region, log_level } = config;
        Self {
            store: Store::new(sdk, &bucket),
            memory: Memory::new(sdk, &table),
            topic: Topic::new(sdk, &topic_arn),
            clock: Clock::new(sdk),
            bucket,
            stack,
            region,
            log_level,
        }
    }

    /// Handles one event.
    pub async fn handle(&self, event: Value) -> Result<Response, Failure> {
        match event::read(event)? {
            Request::Forward(finished) => Ok(Response::Forwarded(Box::pin(self.forward(finished)).await?)),
            Request::Keep(failed) => {
                let Failed { plan, target, failure } = *failed;
                self.store.put_failure(&plan, target, &failure).await?;
                Ok(Response::Kept { kept: target })
            }
        }
    }

    /// Publishes the findings of the run, if they are worth notifying.
    async fn forward(&self, finished: Finished) -> Result<Receipt, Failure> {
        let plan = self.store.plan(&finished.plan).await?;
        for why in finished.unreadable.values().cloned().chain(results::unknown_targets(&plan, &finished)) {
            tracing::warn!(run = plan.run.id, "{why}");
        }
        let Plan { run, targets, queries } = plan;
        let read = Results { store: &self.store, run: &run, finished: &finished, targets: targets.len() };
        let mut results = read.read(targets).await;
        let (store, memory) = (&self.store, &self.memory);
        let reporter = Reporter { store, memory, bucket: &self.bucket, region: &self.region };
        let read = match run.kind {
            RunKind::Report => Some(reporter.read(&run, &mut results).await),
            RunKind::Alarms | RunKind::Sweep | RunKind::Rollback => None,
        };
        pending::keep(memory, &mut results).await?;
        let known = memory.broken_targets(run.kind).await?;
        let changes = coverage_changes(run.kind, run.time, &results, &known);
        let rules = match run.kind {
            RunKind::Alarms => notify::rule_changes(run.time, &results, &memory.rule_problems().await?),
            RunKind::Report | RunKind::Sweep | RunKind::Rollback => Vec::new(),
        };
        let (message, report) = match read {
            Some(read) => {
                let Reported { report, message } =
                    reporter.report(&run, read, &results, &queries, &changes).await?;
                (Some(message), Some(report))
            }
            None if run.kind == RunKind::Alarms => {
                let logs = logs::of_alarms(store, &run, &results).await;
                (notify::digest(&run, &results, &changes, &rules, &logs), None)
            }
            None => (notify::sweep(&run, &results, &changes), None),
        };
        let (message_id, why) = match self.with_bad_config(&run, message).await? {
            Some(message) => (Some(self.publish(&run, &message).await?), message.subject),
            None => (None, nothing_to_notify(run.kind, &results)),
        };
        let marked = self.mark(&run, &results, &changes, &rules).await;
        match (marked, &message_id) {
            // Without a message, nothing can be sent twice: the state machine may retry.
            (Err(fault), None) => return Err(fault.into()),
            (Err(fault), Some(message_id)) => tracing::error!(
                run = run.id,
                message_id,
                %fault,
                "not all published notifications could be marked; the next run may publish them again"
            ),
            (Ok(()), _) => {}
        }
        if let Some(report) = report {
            reporter.remember(&report).await;
        }
        let listeners = self.listeners().await;
        let heartbeat = Heartbeat { stack: &self.stack, run: &run, listeners, log_level: &self.log_level };
        let heartbeat = heartbeat.line(self.clock.now());
        Ok(Receipt { published: message_id.is_some(), message_id, why, listeners, heartbeat })
    }

    /// Marks what was published, as far as possible within [`MARKING`]. Returns the first reason
    /// why something could not be marked.
    async fn mark(
        &self,
        run: &Run,
        results: &[TargetResult],
        changes: &[CoverageChange],
        rules: &[RuleChange],
    ) -> Result<(), Fault> {
        let marking = async {
            let mut faults = pending::mark(&self.memory, run, results, changes).await;
            faults.extend(pending::mark_rules(&self.memory, run.time, rules).await);
            if let Some(bad) = &run.bad_config {
                faults.extend(self.store.remember_notified_bad(&bad.version).await.err());
            }
            for fault in faults.iter().skip(1) {
                tracing::warn!(%fault, "could not mark a published notification");
            }
            faults.into_iter().next().map_or(Ok(()), Err)
        };
        tokio::time::timeout(MARKING, marking).await.unwrap_or_else(|_| {
            Err(Fault {
                operation: Operation::DynamodbPutItem,
                subject: String::new(),
                kind: FaultKind::Transient,
                code: "timeout".to_owned(),
                message: format!(
                    "the published notifications could not be marked within {} s",
                    MARKING.as_secs()
                ),
            })
        })
    }

    async fn publish(&self, run: &Run, message: &Message) -> Result<String, Fault> {
        match self.memory.publish_slot(&self.clock).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!("other runs keep publishing; publishing without a publish slot");
            }
            Err(fault) => tracing::warn!(%fault, "no publish slot; publishing without one"),
        }
        let message_id = self.topic.publish(message).await?;
        tracing::info!(run = run.id, message_id, subject = message.subject, "published");
        Ok(message_id)
    }

    /// The number of confirmed subscriptions. If they cannot be counted, that is no reason to fail:
    /// the message has been sent.
    async fn listeners(&self) -> Option<u64> {
        match self.topic.confirmed_subscriptions().await {
            Ok(listeners) => {
                if listeners == 0 {
                    tracing::error!(
                        "the topic has no confirmed subscription; confirm the SNS email or subscribe"
                    );
                }
                Some(listeners)
            }
            Err(fault) => {
                tracing::warn!(%fault, "could not count subscriptions");
                None
            }
        }
    }

    /// An invalid user file is reported first in every message, and once in a message of its own.
    async fn with_bad_config(&self, run: &Run, message: Option<Message>) -> Result<Option<Message>, Fault> {
        let Some(bad) = &run.bad_config else { return Ok(message) };
        if message.is_none() && self.store.was_notified_bad(&bad.version).await? {
            return Ok(None);
        }
        Ok(Some(notify::bad_config_first(run, bad, message)))
    }
}

fn nothing_to_notify(kind: RunKind, results: &[TargetResult]) -> String {
    match kind {
        RunKind::Sweep | RunKind::Rollback => notify::nothing_to_do(results),
        RunKind::Alarms | RunKind::Report => "nothing changed".to_owned(),
    }
}

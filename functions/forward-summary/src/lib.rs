//! `forward-summary`: outcomes of all targets -> summary -> message -> receipt. Of a target that fails before it has an
//! outcome it keeps why, as soon as it fails.
//!
//! What is told is marked only after SNS has taken it. If that fails in between, the next run tells it once more:
//! nothing is lost, and docs/architecture.md names the one window in which something can come twice. The function itself
//! does not fail then: Step Functions would start it again, and it would publish the same message a second time.

mod config;
mod event;
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
use event::{Asked, Failed, Finished};
use report::{Reported, Reporter};
use results::Results;

/// How long what was published may take to be marked: a function that is ended meanwhile leaves no heartbeat, and its
/// execution counts as failed though its message is out.
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

/// What `forward-summary` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// To a run.
    Forwarded(Receipt),
    /// To a target that failed: it is kept why.
    Kept {
        /// The target's number in the plan.
        kept: usize,
    },
}

/// What came of a run's summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Whether a message was published.
    pub published: bool,
    /// The id that SNS gave it.
    pub message_id: Option<String>,
    /// Its subject, or why there was none.
    pub why: String,
    /// Confirmed subscriptions of the topic: with none of them nobody heard it. Null if they could not be counted.
    pub listeners: Option<u64>,
    /// The run's sign of life: a line for the log, out of which CloudWatch reads metrics.
    #[serde(skip)]
    pub heartbeat: String,
}

impl Handler {
    /// The function with these settings.
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

    /// Does what `event` asks for.
    pub async fn handle(&self, event: Value) -> Result<Answer, Failure> {
        match event::read(event)? {
            Asked::Forward(finished) => Ok(Answer::Forwarded(Box::pin(self.forward(finished)).await?)),
            Asked::Keep(failed) => {
                let Failed { plan, target, failure } = *failed;
                self.store.put_failure(&plan, target, &failure).await?;
                Ok(Answer::Kept { kept: target })
            }
        }
    }

    /// Tells what the run found, if it is worth telling.
    async fn forward(&self, finished: Finished) -> Result<Receipt, Failure> {
        let plan = self.store.plan(&finished.plan).await?;
        for why in finished.unreadable.values().cloned().chain(results::strangers(&plan, &finished)) {
            tracing::warn!(run = plan.run.id, "{why}");
        }
        let Plan { run, targets } = plan;
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
                let Reported { report, message } = reporter.report(&run, read, &results, &changes).await?;
                (Some(message), Some(report))
            }
            None if run.kind == RunKind::Alarms => (notify::digest(&run, &results, &changes, &rules), None),
            None => (notify::sweep(&run, &results, &changes), None),
        };
        let (message_id, why) = match self.with_bad_config(&run, message).await? {
            Some(message) => (Some(self.publish(&run, &message).await?), message.subject),
            None => (None, nothing_to_notify(run.kind, &results)),
        };
        let marked = self.mark(&run, &results, &changes, &rules).await;
        match (marked, &message_id) {
            // With no message, nothing can come twice: the state machine may try again.
            (Err(fault), None) => return Err(fault.into()),
            (Err(fault), Some(message_id)) => tracing::error!(
                run = run.id,
                message_id,
                %fault,
                "not all that was published could be marked; the next run may publish it once more"
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

    /// Remembers what was published, as far as it can be within [`MARKING`]. Gives the first reason why something could
    /// not be.
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
                tracing::warn!(%fault, "could not mark what was published");
            }
            faults.into_iter().next().map_or(Ok(()), Err)
        };
        tokio::time::timeout(MARKING, marking).await.unwrap_or_else(|_| {
            Err(Fault {
                operation: Operation::DynamodbPutItem,
                subject: String::new(),
                kind: FaultKind::Transient,
                code: "timeout".to_owned(),
                message: format!("what was published could not be marked within {} s", MARKING.as_secs()),
            })
        })
    }

    async fn publish(&self, run: &Run, message: &Message) -> Result<String, Fault> {
        match self.memory.publish_slot(&self.clock).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!("others publish all the time; publishing without a turn at the topic");
            }
            Err(fault) => tracing::warn!(%fault, "no turn at the topic; publishing without one"),
        }
        let message_id = self.topic.publish(message).await?;
        tracing::info!(run = run.id, message_id, subject = message.subject, "published");
        Ok(message_id)
    }

    /// How many hear what is published. That it cannot be counted is no reason to fail: what was to be told is told.
    async fn listeners(&self) -> Option<u64> {
        match self.topic.confirmed_subscriptions().await {
            Ok(listeners) => {
                if listeners == 0 {
                    tracing::error!(
                        "nobody listens: the topic has no confirmed subscription; subscribe, or confirm the mail of SNS"
                    );
                }
                Some(listeners)
            }
            Err(fault) => {
                tracing::warn!(%fault, "could not count who listens");
                None
            }
        }
    }

    /// A file that cannot be used is told first in every message, and once by itself.
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

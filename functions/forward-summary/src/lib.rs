//! `forward-summary`: outcomes of all targets -> summary -> message -> receipt.
//!
//! What is told is marked only after SNS has taken it. If that fails in between, the next run tells it once more:
//! nothing is lost, and docs/architecture.md names the one window in which something can come twice.

mod config;
mod event;
mod tell;

use aws_config::SdkConfig;
use fargaze::aws::{Memory, Store, Topic, gone};
use fargaze::failure::Failure;
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::Ledger;
use fargaze::message::Message;
use fargaze::outcome::{CountedFault, ObjectRef, Outcome, TargetEnd};
use fargaze::run::{Run, RunKind, Target};
use fargaze::snapshot::Snapshot;
use fargaze::summary::{self, CoverageChange, TargetResult};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use config::Config;
use event::Finished;

/// Objects read at once.
const AT_ONCE: usize = 16;

/// The function with its clients.
#[derive(Debug)]
pub struct Handler {
    store: Store,
    memory: Memory,
    topic: Topic,
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
}

impl Handler {
    /// The function with these settings.
    pub fn new(config: Config, sdk: &SdkConfig) -> Self {
        let Config { bucket, table, topic_arn } = config;
        Self {
            store: Store::new(sdk, &bucket),
            memory: Memory::new(sdk, &table),
            topic: Topic::new(sdk, &topic_arn),
        }
    }

    /// Tells what the run found, if it is worth telling.
    pub async fn handle(&self, event: Value) -> Result<Receipt, Failure> {
        let Finished { run, targets, outcomes } = event::read(event)?;
        let mut results = self.results(outcomes).await;
        results.extend(lost(targets, &results));
        let snapshots =
            if run.kind == RunKind::Report { self.snapshots(&mut results).await } else { Vec::new() };
        tell::keep_untold(&self.memory, &mut results).await?;
        let known = self.memory.broken_targets().await?;
        let changes = summary::coverage_changes(run.time, &results, &known);
        let message = self.message(&run, &results, &snapshots, &changes).await?;
        let receipt = if let Some(message) = self.with_bad_config(&run, message).await? {
            let message_id = self.topic.publish(&message).await?;
            tracing::info!(run = run.id, message_id, subject = message.subject, "published");
            Receipt { published: true, message_id: Some(message_id), why: message.subject }
        } else {
            Receipt { published: false, message_id: None, why: nothing_to_tell(run.kind, &results) }
        };
        if let Some(bad) = &run.bad_config {
            self.store.remember_told_bad(&bad.version).await?;
        }
        tell::mark(&self.memory, run.time, &results, &changes).await?;
        Ok(receipt)
    }

    async fn message(
        &self,
        run: &Run,
        results: &[TargetResult],
        snapshots: &[Snapshot],
        changes: &[CoverageChange],
    ) -> Result<Option<Message>, Failure> {
        match run.kind {
            RunKind::Alarms => Ok(summary::digest(run, results, changes)),
            RunKind::Sweep | RunKind::Restore => Ok(summary::sweep(run, results, changes)),
            RunKind::Report => {
                let ledgers = self.ledgers(results).await?;
                Ok(Some(summary::report(run, results, snapshots, &ledgers, changes)))
            }
        }
    }

    /// A file that cannot be used is told first in every message, and once by itself.
    async fn with_bad_config(&self, run: &Run, message: Option<Message>) -> Result<Option<Message>, Fault> {
        let Some(bad) = &run.bad_config else { return Ok(message) };
        if message.is_none() && self.store.was_told_bad(&bad.version).await? {
            return Ok(None);
        }
        Ok(Some(summary::bad_config_first(run, bad, message)))
    }

    /// What each target brought. An outcome that cannot be read is a fault of that target, never a reason to tell nothing.
    async fn results(&self, ends: Vec<TargetEnd>) -> Vec<TargetResult> {
        let reads: Vec<_> = ends.into_iter().map(|end| self.result(end)).collect();
        stream::iter(reads).buffered(AT_ONCE).collect().await
    }

    async fn result(&self, end: TargetEnd) -> TargetResult {
        let TargetEnd { target, outcome, failure, cursor } = end;
        let result = match (failure, outcome, cursor) {
            // What earlier turns did is told, whatever ended the last one.
            (Some(failure), _, Some(cursor)) => self.outcome(&cursor.findings).await.map(|mut outcome| {
                outcome.coverage.faults.push(CountedFault { fault: failure.to_fault(), count: 1 });
                outcome
            }),
            (Some(failure), _, None) => Err(failure.to_fault()),
            (None, Some(outcome), _) => self.outcome(&outcome).await,
            (None, None, _) => {
                Err(Fault::malformed("run", "", "the target ended with neither an outcome nor a failure"))
            }
        };
        TargetResult { target, result }
    }

    async fn outcome(&self, at: &ObjectRef) -> Result<Outcome, Fault> {
        self.store.get_json::<Outcome>(&at.key).await?.ok_or_else(|| gone(&at.key))
    }

    /// The snapshots of a report. One that cannot be read is a fault of its target, too.
    async fn snapshots(&self, results: &mut [TargetResult]) -> Vec<Snapshot> {
        let mut snapshots = Vec::new();
        for result in results {
            let Some(key) = result.outcome().and_then(|outcome| outcome.snapshot.clone()) else {
                continue;
            };
            match self.store.get_snapshot(&key).await {
                Ok(Some(snapshot)) => snapshots.push(snapshot),
                Ok(None) => result.result = Err(gone(&key)),
                Err(fault) => result.result = Err(fault),
            }
        }
        snapshots
    }

    /// What fargaze changed, of each account and Region once.
    async fn ledgers(&self, results: &[TargetResult]) -> Result<Vec<(Target, Ledger)>, Failure> {
        let mut ledgers = Vec::new();
        for target in results.iter().map(|result| &result.target).filter(|target| target.part.index == 0) {
            ledgers.push((target.clone(), self.memory.ledger(target).await?));
        }
        Ok(ledgers)
    }
}

fn nothing_to_tell(kind: RunKind, results: &[TargetResult]) -> String {
    match kind {
        RunKind::Sweep | RunKind::Restore => summary::nothing_to_do(results),
        RunKind::Alarms | RunKind::Report => "nothing changed".to_owned(),
    }
}

/// Targets that were planned and of which nothing came back.
fn lost(planned: Vec<Target>, results: &[TargetResult]) -> Vec<TargetResult> {
    let came_back = |target: &Target| results.iter().any(|result| result.target == *target);
    let lost = planned.into_iter().filter(|target| !came_back(target));
    let fault = || Fault {
        operation: "run".to_owned(),
        subject: String::new(),
        kind: FaultKind::Transient,
        code: "lost".to_owned(),
        message: "its execution ended without a result; the map run in the Step Functions console tells why"
            .to_owned(),
    };
    lost.map(|target| TargetResult { target, result: Err(fault()) }).collect()
}

//! `evaluate-alarms`: snapshot -> verdicts -> transitions, remembered -> outcome.

mod config;
mod remember;

use aws_config::SdkConfig;
use fargaze::alarms::{AlarmRecord, Judged, Judging, Notice};
use fargaze::evidence::coverage::counted;
use fargaze::evidence::snapshot::{BadSnapshot, SnapshotLine, SnapshotReader};
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{ObjectRef, Step, TargetDone, TargetTask};
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use fargaze::model::run::Target;
use fargaze::outcome::{Outcome, OutcomeKind};
use fargaze::rules::AlarmRule;
use fargaze_aws::{AlarmPage, Memory, Store, missing_object};
use serde_json::Value;

pub use config::Config;
use remember::Remember;

/// The function with its clients.
#[derive(Debug)]
pub struct Handler {
    store: Store,
    memory: Memory,
}

impl Handler {
    /// Creates the function with these settings.
    pub fn new(config: Config, sdk: &SdkConfig) -> Self {
        let Config { bucket, table } = config;
        Self { store: Store::new(sdk, &bucket), memory: Memory::new(sdk, &table) }
    }

    /// Evaluates the snapshot of the target that `event` names.
    pub async fn handle(&self, event: Value) -> Result<TargetDone, Failure> {
        let step: Step = serde_json::from_value(event)
            .map_err(|error| Failure::Invalid(format!("the event is not a target of a run: {error}")))?;
        let TargetTask { run, target, .. } = self.store.task(step).await?;
        let snapshot = target.snapshot_key(&run);
        let (all_rules, remembered, found) = tokio::join!(
            self.store.rules(&run),
            self.memory.alarms(&target),
            self.store.get(&snapshot, None)
        );
        let (all_rules, (remembered, unreadable)) = (all_rules?, remembered?);
        let found = found?.ok_or_else(|| missing_object(&snapshot))?;
        let judged = judge(&found.bytes, &all_rules, remembered.values())
            .map_err(|error| Fault::malformed(Operation::S3GetObject, &snapshot, error.to_string()))?;
        let (mut coverage, rules) = (judged.coverage.clone(), judged.rules.clone());
        coverage.faults.extend(counted(unreadable));
        let mut owners = judged.owners.clone();
        let notices = self.remember(&target, judged, &remembered).await?;
        owners.retain(|cluster, _| notices.iter().any(|notice| notice.subject.cluster() == Some(cluster)));
        let key = target.outcome_key(&run);
        let kind = OutcomeKind::Alarms { notices, rules, snapshot, owners };
        let outcome = Outcome { target, coverage, kind };
        self.store.put_json(&key, &outcome).await?;
        Ok(TargetDone::Done { outcome: ObjectRef { key } })
    }

    /// Stores what changed, and returns all pending notifications.
    async fn remember(
        &self,
        target: &Target,
        judged: Judged<'_>,
        remembered: &AlarmPage,
    ) -> Result<Vec<Notice>, Failure> {
        let Judged { begin, changes, ended, .. } = judged;
        let remember = Remember { memory: &self.memory, begin: &begin };
        let mut records = remembered.clone();
        let (changed, ended) = (remember.write_all(changes).await?, remember.end_all(ended).await?);
        records.extend(changed.into_iter().chain(ended).map(|record| (record.key.clone(), record)));
        let is_here = |record: &AlarmRecord| {
            record.key.subject.cluster().is_some_and(|cluster| target.part.holds(cluster))
        };
        let here = records.into_values().filter(is_here);
        Ok(here.flat_map(|record| record.pending).collect())
    }
}

/// Evaluates a snapshot line by line.
fn judge<'a>(
    bytes: &[u8],
    rules: &'a [AlarmRule],
    remembered: impl Iterator<Item = &'a AlarmRecord>,
) -> Result<Judged<'a>, BadSnapshot> {
    let mut lines = SnapshotReader::new(bytes);
    let mut judging = match lines.next().transpose()? {
        Some(SnapshotLine::Run(begin)) => Judging::begin(*begin, rules, remembered),
        _ => return Err(BadSnapshot::Line { line: 1, error: "it is not the run line".to_owned() }),
    };
    for line in lines {
        match line? {
            SnapshotLine::End(coverage) => return Ok(judging.end(coverage)),
            line => judging.add(line),
        }
    }
    Err(BadSnapshot::Line { line: 1, error: "the end line is missing".to_owned() })
}

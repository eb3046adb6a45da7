//! `evaluate-alarms`: snapshot -> verdicts -> transitions, remembered -> outcome.

mod config;
mod remember;

use aws_config::SdkConfig;
use fargaze::alarms::{AlarmRecord, Judged, Judging, Notice, NoticeKind};
use fargaze::evidence::coverage::{CountedFault, counted};
use fargaze::evidence::snapshot::{BadSnapshot, SnapshotLine, SnapshotReader};
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{ObjectRef, Step, TargetDone, TargetTask};
use fargaze::logs::TargetQueries;
use fargaze::logs::query::{EvaluatedLogs, LogReadings};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::Target;
use fargaze::outcome::{Outcome, OutcomeKind};
use fargaze::rules::{AlarmRule, Measure};
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
        let plan = self.store.plan(&step.plan).await?;
        let has_queries = plan.queries.contains(&step.target);
        let TargetTask { run, target, .. } = step.of(plan)?;
        let snapshot = target.snapshot_key(&run);
        let queries = target.queries_key(&run);
        let (all_rules, remembered, found, queries) = tokio::join!(
            self.store.rules(&run),
            self.memory.alarms(&target),
            self.store.get(&snapshot, None),
            self.store.get_json::<TargetQueries>(&queries)
        );
        let (all_rules, (remembered, unreadable)) = (all_rules?, remembered?);
        let (readings, of_queries) = readings(queries, &all_rules, &target, has_queries);
        let found = found?.ok_or_else(|| missing_object(&snapshot))?;
        let evaluated = EvaluatedLogs::by(&readings, &all_rules, &run);
        let judged = judge(&found.bytes, &all_rules, readings, remembered.values())
            .map_err(|error| Fault::malformed(Operation::S3GetObject, &snapshot, error.to_string()))?;
        let (mut coverage, rules) = (judged.coverage.clone(), judged.rules.clone());
        coverage.faults.extend(counted(unreadable));
        coverage.faults.extend(of_queries);
        let mut owners = judged.owners.clone();
        let notices = self.remember(&target, judged, &remembered).await?;
        let began = notices.iter().filter(|notice| notice.kind() == NoticeKind::Began).count();
        owners.retain(|cluster, _| notices.iter().any(|notice| notice.subject.cluster() == Some(cluster)));
        let key = target.outcome_key(&run);
        let kind = OutcomeKind::Alarms { notices, rules, snapshot, owners };
        let outcome = Outcome { target, coverage, kind };
        self.store.put_json(&key, &outcome).await?;
        if !evaluated.0.is_empty() {
            self.store.put_json(&outcome.target.evaluated_logs_key(), &evaluated).await?;
        }
        Ok(TargetDone::Done { outcome: ObjectRef { key }, began })
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
        let is_here = |record: &AlarmRecord| target.part.holds_subject(&record.key.subject);
        let here = records.into_values().filter(is_here);
        Ok(here.flat_map(|record| record.pending).collect())
    }
}

/// What rules on logs are evaluated on, and what could not be queried. If rules on logs need an
/// answer and there is none, that is a fault, too.
fn readings(
    queries: Result<Option<TargetQueries>, Fault>,
    rules: &[AlarmRule],
    target: &Target,
    has_queries: bool,
) -> (LogReadings, Vec<CountedFault>) {
    let needs = has_queries && rules.iter().any(|rule| matches!(rule.measure, Measure::Log(_)));
    let fault = match queries {
        Ok(Some(TargetQueries::Asked(asked))) => return (asked.readings, asked.faults),
        Ok(Some(TargetQueries::NoRole)) => Some(Fault {
            operation: Operation::LogsStartQuery,
            subject: target.account.to_string(),
            kind: FaultKind::Denied,
            code: "no role".to_owned(),
            message: "fargaze.yaml names no role read-logs for this account".to_owned(),
        }),
        Ok(None) if needs => Some(Fault {
            operation: Operation::FargazeRun,
            subject: "logs".to_owned(),
            kind: FaultKind::Transient,
            code: "lost".to_owned(),
            message: "ReadQueries ended without a result; its log shows why".to_owned(),
        }),
        Ok(None) => None,
        Err(fault) => Some(fault),
    };
    (LogReadings::default(), counted(fault))
}

/// Evaluates a snapshot line by line.
fn judge<'a>(
    bytes: &[u8],
    rules: &'a [AlarmRule],
    readings: LogReadings,
    remembered: impl Iterator<Item = &'a AlarmRecord>,
) -> Result<Judged<'a>, BadSnapshot> {
    let mut lines = SnapshotReader::new(bytes);
    let mut judging = match lines.next().transpose()? {
        Some(SnapshotLine::Run(begin)) => Judging::begin(*begin, rules, remembered).with_logs(readings),
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

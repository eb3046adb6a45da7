//! Results of earlier attempts and runs: the snapshot of this run, or the newest one of an earlier
//! run.

use fargaze::evidence::continuation::Continuation;
use fargaze::evidence::coverage::Coverage;
use fargaze::invocation::states::TargetTask;
use fargaze::model::fault::Fault;
use fargaze::model::metric::MetricQuery;
use fargaze::model::operation::Operation;
use fargaze::model::run::RunKind;
use fargaze::rules::AlarmRule;
use fargaze_aws::{Store, missing_object};
use jiff::SignedDuration;

/// How long before the run the newest snapshot is nearly always found.
const RECENT: SignedDuration = SignedDuration::from_mins(15);

/// What is stored when a collection starts.
#[derive(Debug)]
pub(crate) enum Stored {
    /// This run's snapshot from an earlier attempt: its coverage.
    Own(Box<Coverage>),
    /// Results of earlier runs.
    PreviousSnapshot(PreviousSnapshot),
}

/// Results of earlier runs.
#[derive(Debug)]
pub(crate) enum PreviousSnapshot {
    /// The newest snapshot of an earlier run of alarms within the look-back.
    Earlier(Earlier),
    /// An earlier snapshot that could not be read.
    Unread(Fault),
    Nothing,
}

/// A snapshot of an earlier run.
#[derive(Debug)]
pub(crate) struct Earlier {
    key: String,
    bytes: Vec<u8>,
    /// Whether its run has an outcome, so that all of it was evaluated.
    judged: bool,
}

/// Finds earlier snapshots. Only alarms runs continue from earlier ones.
pub(crate) async fn find(store: &Store, task: &TargetTask) -> Result<Stored, Fault> {
    let TargetTask { run, target, .. } = task;
    let key = target.snapshot_key(run);
    if run.kind != RunKind::Alarms {
        let own = store.get_snapshot(&key).await?.map(|snapshot| Stored::Own(Box::new(snapshot.coverage)));
        return Ok(own.unwrap_or(Stored::PreviousSnapshot(PreviousSnapshot::Nothing)));
    }
    let mut found = store.snapshots_of_alarms(target, run.time - RECENT, run.time).await?;
    if found.is_empty() && run.window.start < run.time - RECENT {
        found = store.snapshots_of_alarms(target, run.window.start, run.time).await?;
    }
    let Some((time, newest)) = found.pop_last() else {
        return Ok(Stored::PreviousSnapshot(PreviousSnapshot::Nothing));
    };
    if newest == key {
        let snapshot = store.get_snapshot(&key).await?.ok_or_else(|| missing_object(&key))?;
        return Ok(Stored::Own(Box::new(snapshot.coverage)));
    }
    let outcome = target.outcome_of_alarms_at(time);
    let (object, outcome) = tokio::join!(store.get(&newest, None), store.get(&outcome, None));
    Ok(Stored::PreviousSnapshot(
        match object.and_then(|object| object.ok_or_else(|| missing_object(&newest))) {
            Ok(object) => {
                let judged = outcome.is_ok_and(|outcome| outcome.is_some());
                PreviousSnapshot::Earlier(Earlier { key: newest, bytes: object.bytes, judged })
            }
            Err(fault) => PreviousSnapshot::Unread(fault),
        },
    ))
}

impl PreviousSnapshot {
    /// What to query and what to take from the earlier snapshot. An earlier snapshot that cannot be
    /// used is a fault, and everything is queried as without one.
    pub(crate) fn continuation(
        self,
        task: &TargetTask,
        queries: &[MetricQuery],
        rules: &[AlarmRule],
    ) -> (Continuation, Option<Fault>) {
        let run = &task.run;
        let whole = |fault| (Continuation::new(queries, rules, run), fault);
        match self {
            Self::Nothing => whole(None),
            Self::Unread(fault) => whole(Some(fault)),
            Self::Earlier(Earlier { key, bytes, judged }) => {
                match Continuation::from_snapshot(&bytes, judged, queries, rules, run) {
                    Ok(continuation) => (continuation, None),
                    Err(error) => {
                        whole(Some(Fault::malformed(Operation::S3GetObject, key, error.to_string())))
                    }
                }
            }
        }
    }
}

//! The samples of earlier runs, from their snapshots.

use std::collections::BTreeMap;

use fargaze::evidence::continuation::History;
use fargaze::evidence::snapshot::SnapshotPieces;
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use fargaze::model::run::{Run, RunKind, Target};
use fargaze_aws::{Store, missing_object};
use jiff::{SignedDuration, Timestamp};

/// How far back the previous snapshot is searched for. Older ones belong to no window of an alarms
/// run.
const OLDEST: SignedDuration = SignedDuration::from_hours(3);

/// The samples of earlier runs. An alarms run continues from the previous snapshot; a report joins
/// the last snapshot of each hour, since each holds the samples of more than one. An unreadable
/// snapshot is a fault, and the samples start over.
pub(crate) async fn history(
    store: &Store,
    target: &Target,
    run: &Run,
) -> Result<(History, Vec<Fault>), Fault> {
    let since = match run.kind {
        RunKind::Report => run.window.start,
        RunKind::Alarms | RunKind::Sweep | RunKind::Rollback => run.time - OLDEST,
    };
    let mut keys = store.snapshots_of_alarms(target, since, run.time).await?;
    keys.remove(&run.time);
    let keys = match run.kind {
        RunKind::Report => last_of_each_hour(keys),
        RunKind::Alarms | RunKind::Sweep | RunKind::Rollback => {
            keys.into_values().next_back().into_iter().collect()
        }
    };
    let (mut history, mut faults) = (History::default(), Vec::new());
    for key in keys {
        match read(store, &key).await {
            Ok(snapshot) => history.add(snapshot),
            // Without the previous samples, active alarms would end, so transient errors are
            // retried. A report can do without.
            Err(fault) if run.kind == RunKind::Alarms && fault.kind.passes() => return Err(fault),
            // A retry would fail again, so the fault is reported instead of failing all later runs.
            Err(fault) => faults.push(fault),
        }
    }
    Ok((history, faults))
}

/// All or nothing: with half a snapshot, the missing counters would look like restarts.
async fn read(store: &Store, key: &str) -> Result<SnapshotPieces, Fault> {
    let object = store.get(key, None).await?.ok_or_else(|| missing_object(key))?;
    SnapshotPieces::new(object.bytes)
        .map_err(|error| Fault::malformed(Operation::S3GetObject, key, error.to_string()))
}

fn last_of_each_hour(keys: BTreeMap<Timestamp, String>) -> Vec<String> {
    let by_hour: BTreeMap<i64, String> =
        keys.into_iter().map(|(time, key)| (time.as_second().div_euclid(3600), key)).collect();
    by_hour.into_values().collect()
}

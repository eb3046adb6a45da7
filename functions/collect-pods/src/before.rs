//! The samples of earlier runs, from their snapshots.

use std::collections::BTreeMap;

use fargaze::evidence::continuation::History;
use fargaze::evidence::snapshot::SnapshotPieces;
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use fargaze::model::run::{Run, RunKind, Target};
use fargaze_aws::{Store, gone};
use jiff::{SignedDuration, Timestamp};

/// How far back the snapshot before is looked for. What is older belongs to no window of an alarms run.
const OLDEST: SignedDuration = SignedDuration::from_hours(3);

/// What the runs before have seen. An alarms run goes on from the snapshot before; a report joins the last snapshot of each hour,
/// since each holds the samples of more than one. A snapshot that cannot be understood is a fault, and the samples begin anew.
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
            // Without the samples before, alarms that go on would end, so what passes is tried again. A report can do without.
            Err(fault) if run.kind == RunKind::Alarms && fault.kind.passes() => return Err(fault),
            // It will not become better by trying again, and is told instead of ending all runs to come.
            Err(fault) => faults.push(fault),
        }
    }
    Ok((history, faults))
}

/// All of it, or nothing: half a snapshot would make restarts of what is missing.
async fn read(store: &Store, key: &str) -> Result<SnapshotPieces, Fault> {
    let object = store.get(key, None).await?.ok_or_else(|| gone(key))?;
    SnapshotPieces::new(object.bytes)
        .map_err(|error| Fault::malformed(Operation::S3GetObject, key, error.to_string()))
}

fn last_of_each_hour(keys: BTreeMap<Timestamp, String>) -> Vec<String> {
    let by_hour: BTreeMap<i64, String> =
        keys.into_iter().map(|(time, key)| (time.as_second().div_euclid(3600), key)).collect();
    by_hour.into_values().collect()
}

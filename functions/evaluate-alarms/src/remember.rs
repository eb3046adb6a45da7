//! Stores changed alarms, so that two concurrent runs give the same result as one.

use fargaze::alarms::{AlarmRecord, ChangedAlarm};
use fargaze::evidence::snapshot::SnapshotBegin;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze_aws::{Memory, Written};
use futures_util::{StreamExt, TryStreamExt, stream};

/// Writes in flight at once.
const AT_ONCE: usize = 16;
/// How often an alarm is evaluated again because another run wrote it first.
const MAX_CONFLICTS: usize = 5;

/// Stores the changes of one run.
pub(crate) struct Remember<'a> {
    pub(crate) memory: &'a Memory,
    pub(crate) begin: &'a SnapshotBegin,
}

impl Remember<'_> {
    /// Writes all changes; returns the stored records.
    pub(crate) async fn write_all(&self, changes: Vec<ChangedAlarm<'_>>) -> Result<Vec<AlarmRecord>, Fault> {
        let writes: Vec<_> = changes.into_iter().map(|change| self.write(change)).collect();
        let written: Vec<Option<AlarmRecord>> =
            stream::iter(writes).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(written.into_iter().flatten().collect())
    }

    /// Ends alarms that no rule evaluates any more; returns those that changed. An alarm that
    /// another run writes at the same time is left to the next run.
    pub(crate) async fn end_all(&self, orphaned: Vec<AlarmRecord>) -> Result<Vec<AlarmRecord>, Fault> {
        let mut ended = Vec::new();
        for mut record in orphaned {
            match self.memory.put_alarm(&self.begin.target, &record).await? {
                Written::Yes => {
                    record.version += 1;
                    ended.push(record);
                }
                // Perhaps an earlier attempt of this run wrote it, and the response was lost.
                Written::Conflict => ended.extend(self.memory.alarm(&self.begin.target, &record.key).await?),
            }
        }
        Ok(ended)
    }

    async fn write(&self, change: ChangedAlarm<'_>) -> Result<Option<AlarmRecord>, Fault> {
        let target = &self.begin.target;
        let mut record = change.record.clone();
        for _ in 0..MAX_CONFLICTS {
            if self.memory.put_alarm(target, &record).await? == Written::Yes {
                record.version += 1;
                return Ok(Some(record));
            }
            let newest = match self.memory.alarm(target, &record.key).await {
                Ok(newest) => newest,
                // The stored alarm is unreadable, which coverage reports: this alarm is left, and
                // the others continue.
                Err(fault) if fault.kind == FaultKind::Unreadable => return Ok(None),
                Err(fault) => return Err(fault),
            };
            match change.again(self.begin, newest.as_ref()) {
                Some(again) => record = again,
                // The other run has evaluated everything that this one has.
                None => return Ok(newest),
            }
        }
        Err(Fault {
            operation: Operation::DynamodbPutItem,
            subject: record.key.to_string(),
            kind: FaultKind::Transient,
            code: "conflict".to_owned(),
            message: format!("other runs wrote it first {MAX_CONFLICTS} times"),
        })
    }
}

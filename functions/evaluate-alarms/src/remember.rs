//! Writes changed alarms, so that two runs at once end as one would.

use fargaze::aws::{Memory, Written};
use fargaze::fault::{Fault, FaultKind};
use fargaze::rule::AlarmRule;
use fargaze::series::Reading;
use fargaze::snapshot::Snapshot;
use fargaze::transition::{AlarmKey, AlarmRecord, end, judge};
use futures_util::{StreamExt, TryStreamExt, stream};

/// Writes in flight at once.
const AT_ONCE: usize = 16;
/// How often an alarm is judged anew because another run wrote it first.
const MAX_CONFLICTS: usize = 5;

/// What changes are judged on, and where they are written.
pub(crate) struct Remember<'a> {
    pub(crate) memory: &'a Memory,
    pub(crate) snapshot: &'a Snapshot,
}

/// An alarm that changed, with what it was judged on: if another run was first, it is judged again.
pub(crate) struct Change<'a> {
    pub(crate) rule: &'a AlarmRule,
    pub(crate) reading: Reading,
    pub(crate) record: AlarmRecord,
}

impl Remember<'_> {
    /// The record after this run; none if nothing changed.
    pub(crate) fn advance(
        &self,
        rule: &AlarmRule,
        reading: &Reading,
        key: &AlarmKey,
        before: Option<&AlarmRecord>,
    ) -> Option<AlarmRecord> {
        let memory = before.map(|record| &record.memory);
        let (transitions, memory) = judge(rule, &key.subject, reading, &self.snapshot.run.window, memory);
        let mut untold = before.map(|record| record.untold.clone()).unwrap_or_default();
        untold.extend(transitions.into_iter().filter(fargaze::transition::Transition::is_news));
        memory.map(|memory| AlarmRecord {
            key: key.clone(),
            memory,
            untold,
            version: before.map_or(0, |record| record.version),
        })
    }

    /// Writes all changes; returns the records as they stand in the table then.
    pub(crate) async fn write_all(&self, changes: Vec<Change<'_>>) -> Result<Vec<AlarmRecord>, Fault> {
        let writes: Vec<_> = changes.into_iter().map(|change| self.write(change)).collect();
        let written: Vec<Option<AlarmRecord>> =
            stream::iter(writes).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(written.into_iter().flatten().collect())
    }

    /// Ends alarms that nothing judges any more; returns those that changed. One that another run writes at the same time is
    /// left to the next run.
    pub(crate) async fn end_all(
        &self,
        gone: impl Iterator<Item = &AlarmRecord>,
    ) -> Result<Vec<AlarmRecord>, Fault> {
        let mut ended = Vec::new();
        for mut record in gone.filter_map(|record| end(record, self.snapshot.run.window.end)) {
            if self.memory.put_alarm(&self.snapshot.target, &record).await? == Written::Yes {
                record.version += 1;
                ended.push(record);
            }
        }
        Ok(ended)
    }

    async fn write(&self, change: Change<'_>) -> Result<Option<AlarmRecord>, Fault> {
        let Change { rule, reading, mut record } = change;
        let target = &self.snapshot.target;
        for _ in 0..MAX_CONFLICTS {
            if self.memory.put_alarm(target, &record).await? == Written::Yes {
                record.version += 1;
                return Ok(Some(record));
            }
            let newest = self.memory.alarm(target, &record.key).await?;
            match self.advance(rule, &reading, &record.key, newest.as_ref()) {
                Some(again) => record = again,
                // The other run has seen all that this one has.
                None => return Ok(newest),
            }
        }
        Err(Fault {
            operation: "dynamodb:PutItem".to_owned(),
            subject: record.key.to_string(),
            kind: FaultKind::Transient,
            code: "conflict".to_owned(),
            message: format!("other runs wrote it first {MAX_CONFLICTS} times"),
        })
    }
}

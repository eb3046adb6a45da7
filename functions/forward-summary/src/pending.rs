//! Pending notifications, and marking those that were published.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::alarms::{AlarmKey, Notice, RuleChange};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::{Run, Target};
use fargaze::outcome::{CoverageChange, Outcome, OutcomeKind, TargetResult};
use fargaze_aws::{Memory, Written};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

/// Calls in flight at once.
const AT_ONCE: usize = 16;
/// How often marking is retried because a run wrote the alarm in the meantime.
const MAX_CONFLICTS: usize = 5;

/// Marks all notices of the results as notified, one write per alarm, and stores which targets can
/// be read. A failed write does not prevent the others; returns why each of them failed.
pub(crate) async fn mark(
    memory: &Memory,
    run: &Run,
    results: &[TargetResult],
    changes: &[CoverageChange],
) -> Vec<Fault> {
    let mut marks = Vec::new();
    for TargetResult { target, result } in results {
        let notices = result.as_ref().map(Outcome::notices).unwrap_or_default();
        marks.extend(by_alarm(notices).into_iter().map(|(key, ids)| mark_alarm(memory, target, key, ids)));
    }
    let marked = stream::iter(marks).buffer_unordered(AT_ONCE).collect::<Vec<Result<(), Fault>>>().await;
    let mut faults: Vec<Fault> = marked.into_iter().filter_map(Result::err).collect();
    for change in changes {
        let (broken, is_broken) = match change {
            CoverageChange::Noticed(broken) | CoverageChange::Lost(broken, _) => (broken, true),
            CoverageChange::Back(broken) => (broken, false),
        };
        faults.extend(memory.put_target(run, broken, is_broken).await.err());
    }
    faults
}

/// Stores which rules have no data or match nothing. Returns why some could not be stored.
pub(crate) async fn mark_rules(memory: &Memory, now: Timestamp, rules: &[RuleChange]) -> Vec<Fault> {
    let writes = rules.iter().map(|change| memory.put_rule_problem(change, now));
    let written: Vec<_> = stream::iter(writes.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).collect().await;
    written.into_iter().filter_map(Result::err).collect()
}

/// Drops notices that were published in the meantime: by an earlier attempt whose response was
/// lost, or by a concurrent run.
pub(crate) async fn keep(memory: &Memory, results: &mut [TargetResult]) -> Result<(), Fault> {
    for TargetResult { target, result } in results {
        let Ok(Outcome { kind: OutcomeKind::Alarms { notices, .. }, .. }) = result else { continue };
        let keys: Vec<AlarmKey> = by_alarm(notices).into_keys().collect();
        let reads: Vec<_> = keys.iter().map(|key| memory.alarm(target, key)).collect();
        let records: Vec<_> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        let pending: BTreeSet<String> =
            records.into_iter().flatten().flat_map(|record| record.pending).map(|notice| notice.id).collect();
        notices.retain(|notice| pending.contains(&notice.id));
    }
    Ok(())
}

/// The ids of the notices of each alarm.
fn by_alarm(notices: &[Notice]) -> BTreeMap<AlarmKey, BTreeSet<&str>> {
    let mut alarms = BTreeMap::<AlarmKey, BTreeSet<&str>>::new();
    for notice in notices {
        let key = AlarmKey { rule: notice.rule.clone(), subject: notice.subject.clone() };
        alarms.entry(key).or_default().insert(&notice.id);
    }
    alarms
}

/// Removes these notices from the pending ones of an alarm. If another run writes the alarm at the
/// same time, it is read again.
async fn mark_alarm(
    memory: &Memory,
    target: &Target,
    key: AlarmKey,
    ids: BTreeSet<&str>,
) -> Result<(), Fault> {
    for _ in 0..MAX_CONFLICTS {
        let Some(mut record) = memory.alarm(target, &key).await? else {
            return Ok(());
        };
        let before = record.pending.len();
        record.pending.retain(|notice| !ids.contains(notice.id.as_str()));
        if record.pending.len() == before || memory.put_alarm(target, &record).await? == Written::Yes {
            return Ok(());
        }
    }
    Err(Fault {
        operation: Operation::DynamodbPutItem,
        subject: key.to_string(),
        kind: FaultKind::Transient,
        code: "conflict".to_owned(),
        message: format!("other runs wrote it first {MAX_CONFLICTS} times"),
    })
}

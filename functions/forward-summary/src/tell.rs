//! What is still to be told, and the mark on what was.

use fargaze::alarm::{AlarmKey, Notice};
use fargaze::aws::{Memory, Written};
use fargaze::failure::Failure;
use fargaze::fault::{Fault, FaultKind};
use fargaze::run::Target;
use fargaze::summary::{CoverageChange, TargetResult};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

/// Writes in flight at once.
const AT_ONCE: usize = 16;
/// How often a mark is tried again because a run wrote the alarm in the meantime.
const MAX_CONFLICTS: usize = 5;

/// Marks all notices of the results as told, and remembers which targets can be seen.
pub(crate) async fn mark(
    memory: &Memory,
    now: Timestamp,
    results: &[TargetResult],
    changes: &[CoverageChange],
) -> Result<(), Failure> {
    let told = results.iter().filter_map(|result| result.outcome().map(|outcome| (&result.target, outcome)));
    let told = told.flat_map(|(target, outcome)| outcome.notices.iter().map(move |notice| (target, notice)));
    let marks: Vec<_> = told.map(|(target, notice)| mark_one(memory, target, notice)).collect();
    stream::iter(marks).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    for change in changes {
        match change {
            CoverageChange::Noticed(broken) | CoverageChange::Lost(broken, _) => {
                memory.put_target(broken, true, now).await?;
            }
            CoverageChange::Back(broken) => memory.put_target(broken, false, now).await?,
        }
    }
    Ok(())
}

/// Leaves out what was told in the meantime: by an earlier attempt whose answer was lost, or by a run at the same time.
pub(crate) async fn keep_untold(memory: &Memory, results: &mut [TargetResult]) -> Result<(), Fault> {
    for TargetResult { target, result } in results {
        let Ok(outcome) = result else { continue };
        let found = std::mem::take(&mut outcome.notices);
        let checks: Vec<_> = found.into_iter().map(|notice| untold(memory, target, notice)).collect();
        let checked: Vec<Option<Notice>> = stream::iter(checks).buffered(AT_ONCE).try_collect().await?;
        outcome.notices = checked.into_iter().flatten().collect();
    }
    Ok(())
}

async fn untold(memory: &Memory, target: &Target, notice: Notice) -> Result<Option<Notice>, Fault> {
    let record = memory.alarm(target, &key_of(&notice)).await?;
    let waits = record.is_some_and(|record| record.untold.iter().any(|untold| untold.id == notice.id));
    Ok(waits.then_some(notice))
}

fn key_of(notice: &Notice) -> AlarmKey {
    AlarmKey { rule: notice.rule.clone(), subject: notice.subject.clone() }
}

/// Takes one notice out of what is untold. Another run may write the alarm at the same time: then it is read anew.
async fn mark_one(memory: &Memory, target: &Target, notice: &Notice) -> Result<(), Fault> {
    let key = key_of(notice);
    for _ in 0..MAX_CONFLICTS {
        let Some(mut record) = memory.alarm(target, &key).await? else {
            return Ok(());
        };
        let before = record.untold.len();
        record.untold.retain(|untold| untold.id != notice.id);
        if record.untold.len() == before || memory.put_alarm(target, &record).await? == Written::Yes {
            return Ok(());
        }
    }
    Err(Fault {
        operation: "dynamodb:PutItem".to_owned(),
        subject: key.to_string(),
        kind: FaultKind::Transient,
        code: "conflict".to_owned(),
        message: format!("other runs wrote it first {MAX_CONFLICTS} times"),
    })
}

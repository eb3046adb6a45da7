//! How each target of a run ended: its outcome, or why there is none.

use std::collections::BTreeMap;

use fargaze::evidence::coverage::CountedFault;
use fargaze::invocation::states::{Ended, Plan, TargetFailure};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::{Run, Target};
use fargaze::outcome::{Outcome, TargetResult};
use fargaze_aws::{Store, gone};
use futures_util::{StreamExt, stream};

use crate::event::Finished;

/// Objects read at once.
const AT_ONCE: usize = 16;

/// Reads what became of the targets of a plan.
pub(crate) struct Results<'a> {
    pub(crate) store: &'a Store,
    pub(crate) run: &'a Run,
    pub(crate) finished: &'a Finished,
    /// How many targets the plan has.
    pub(crate) targets: usize,
}

impl Results<'_> {
    /// What each target of the plan brought, in the plan's order. An outcome that cannot be read is a fault of that target,
    /// never a reason to tell nothing.
    pub(crate) async fn read(&self, targets: Vec<Target>) -> Vec<TargetResult> {
        let ended: BTreeMap<usize, Ended> =
            self.finished.ended.iter().map(|end| (end.target, end.ended)).collect();
        let reads: Vec<_> = targets
            .into_iter()
            .enumerate()
            .map(|(number, target)| self.result(number, target, ended.get(&number).copied()))
            .collect();
        stream::iter(reads).buffered(AT_ONCE).collect().await
    }

    async fn result(&self, number: usize, target: Target, ended: Option<Ended>) -> TargetResult {
        let result = match ended {
            Some(Ended::Done) => self.outcome(&target.outcome_key(self.run)).await,
            Some(Ended::Failed) => match self.store.failure(&self.finished.plan, number).await {
                Ok(Some(failure)) => self.failed(failure).await,
                Ok(None) => self.cut_off(&target, unkept()).await,
                Err(fault) => self.cut_off(&target, fault).await,
            },
            None => self.cut_off(&target, self.lost(number)).await,
        };
        TargetResult { target, result }
    }

    /// What a sweep or rollback had found before its child ended in a way that nobody could write down: the newest of what its
    /// turns have left.
    async fn cut_off(&self, target: &Target, fault: Fault) -> Result<Outcome, Fault> {
        if !self.run.kind.is_of_settings() {
            return Err(fault);
        }
        let turns = self.store.keys_after(&target.outcome_of_passes(self.run), "").await;
        let newest = match turns.map(|keys| keys.into_iter().max()) {
            Ok(None) => return Err(fault),
            Ok(Some(key)) => self.outcome(&key).await,
            Err(fault) => Err(fault),
        };
        with_fault(newest, fault)
    }

    /// What is known of a target that failed: of a sweep or rollback what earlier turns did, whatever ended the last one.
    async fn failed(&self, TargetFailure { failure, cursor }: TargetFailure) -> Result<Outcome, Fault> {
        match cursor {
            Some(cursor) => with_fault(self.outcome(&cursor.findings.key).await, failure.to_fault()),
            None => Err(failure.to_fault()),
        }
    }

    async fn outcome(&self, key: &str) -> Result<Outcome, Fault> {
        self.store.get_json::<Outcome>(key).await?.ok_or_else(|| gone(key))
    }

    /// The fault of a target that was planned and of which nothing came back. What a map answers keeps the order of its items,
    /// so an entry that cannot be read is that of its target unless some are missing.
    fn lost(&self, number: usize) -> Fault {
        let Finished { ended, unreadable, .. } = self.finished;
        let is_whole = ended.len() + unreadable.len() == self.targets;
        let entry = unreadable.get(&number).filter(|_| is_whole);
        let message = match entry {
            None => {
                "its execution ended without a result; the map run in the Step Functions console tells why"
                    .to_owned()
            }
            Some(why) => format!("its execution ended without a result that can be read: {why}"),
        };
        Fault { code: "lost".to_owned(), message, ..unkept() }
    }
}

/// What was found before a fault ended it, with the fault.
fn with_fault(found: Result<Outcome, Fault>, fault: Fault) -> Result<Outcome, Fault> {
    match found {
        Ok(mut outcome) => {
            outcome.coverage.faults.push(CountedFault { fault, count: 1 });
            Ok(outcome)
        }
        Err(unread) => {
            let message = format!("{}. What was done before could not be read: {unread}", fault.message);
            Err(Fault { message, ..fault })
        }
    }
}

/// The fault of a target that failed, and nobody could write down why.
fn unkept() -> Fault {
    Fault {
        operation: Operation::FargazeRun,
        subject: String::new(),
        kind: FaultKind::Transient,
        code: "failed".to_owned(),
        message: "it failed, and why could not be kept; the map run in the Step Functions console tells it"
            .to_owned(),
    }
}

/// Entries for targets that the plan does not have.
pub(crate) fn strangers(plan: &Plan, finished: &Finished) -> Vec<String> {
    let count = plan.targets.len();
    let strange = finished.ended.iter().filter(|end| end.target >= count);
    strange.map(|end| format!("target {} ended, and the plan has {count}", end.target)).collect()
}

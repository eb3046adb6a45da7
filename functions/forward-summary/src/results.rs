//! How each target of a run ended: its outcome, or why there is none.

use std::collections::BTreeMap;

use fargaze::evidence::coverage::CountedFault;
use fargaze::invocation::states::{Ended, Plan, TargetFailure};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::{Run, Target};
use fargaze::outcome::{Outcome, TargetResult};
use fargaze_aws::{Store, missing_object};
use futures_util::{StreamExt, stream};

use crate::event::Finished;

/// Objects read at once.
const AT_ONCE: usize = 16;

/// Reads how the targets of a plan ended.
pub(crate) struct Results<'a> {
    pub(crate) store: &'a Store,
    pub(crate) run: &'a Run,
    pub(crate) finished: &'a Finished,
    /// How many targets the plan has.
    pub(crate) targets: usize,
}

impl Results<'_> {
    /// The result of each target of the plan, in the plan's order. An unreadable outcome is a fault
    /// of that target, never a reason to send nothing.
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

    /// The findings of a sweep or rollback whose child execution ended without a stored reason: the
    /// newest that its passes have stored.
    async fn cut_off(&self, target: &Target, fault: Fault) -> Result<Outcome, Fault> {
        if !self.run.kind.is_of_settings() {
            return Err(fault);
        }
        let passes = self.store.keys_after(&target.outcome_of_passes(self.run), "").await;
        let newest = match passes.map(|keys| keys.into_iter().max()) {
            Ok(None) => return Err(fault),
            Ok(Some(key)) => self.outcome(&key).await,
            Err(fault) => Err(fault),
        };
        with_fault(newest, fault)
    }

    /// The result of a failed target: for a sweep or rollback the findings of earlier passes,
    /// whatever ended the last one.
    async fn failed(&self, TargetFailure { failure, cursor }: TargetFailure) -> Result<Outcome, Fault> {
        match cursor {
            Some(cursor) => with_fault(self.outcome(&cursor.findings.key).await, failure.to_fault()),
            None => Err(failure.to_fault()),
        }
    }

    async fn outcome(&self, key: &str) -> Result<Outcome, Fault> {
        self.store.get_json::<Outcome>(key).await?.ok_or_else(|| missing_object(key))
    }

    /// The fault of a planned target without a result. A map returns results in the order of its
    /// items, so an unreadable entry belongs to its target unless some are missing.
    fn lost(&self, number: usize) -> Fault {
        let Finished { ended, unreadable, .. } = self.finished;
        let is_whole = ended.len() + unreadable.len() == self.targets;
        let entry = unreadable.get(&number).filter(|_| is_whole);
        let message = match entry {
            None => {
                "its execution ended without a result; the map run in the Step Functions console shows why"
                    .to_owned()
            }
            Some(why) => format!("its execution ended with an unreadable result: {why}"),
        };
        Fault { code: "lost".to_owned(), message, ..unkept() }
    }
}

/// The findings before a fault ended the target, with the fault.
fn with_fault(found: Result<Outcome, Fault>, fault: Fault) -> Result<Outcome, Fault> {
    match found {
        Ok(mut outcome) => {
            outcome.coverage.faults.push(CountedFault { fault, count: 1 });
            Ok(outcome)
        }
        Err(unread) => {
            let message = format!("{}. The findings before that could not be read: {unread}", fault.message);
            Err(Fault { message, ..fault })
        }
    }
}

/// The fault of a failed target whose reason could not be stored.
fn unkept() -> Fault {
    Fault {
        operation: Operation::FargazeRun,
        subject: String::new(),
        kind: FaultKind::Transient,
        code: "failed".to_owned(),
        message: "it failed, and the reason could not be stored; the map run in the Step Functions console shows it"
            .to_owned(),
    }
}

/// Messages about entries for targets that the plan does not have.
pub(crate) fn unknown_targets(plan: &Plan, finished: &Finished) -> Vec<String> {
    let count = plan.targets.len();
    let unknown = finished.ended.iter().filter(|end| end.target >= count);
    unknown.map(|end| format!("target {} ended, but the plan has only {count}", end.target)).collect()
}

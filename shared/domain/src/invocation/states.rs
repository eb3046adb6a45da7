//! The data passed between the states of the state machine: references and small fixed answers. The
//! rest is in the bucket.
//!
//! Step Functions fails an execution if a state's input or output exceeds 262,144 bytes (Step
//! Functions Developer Guide, "Service quotas"), and keeps them all in the execution history. So
//! `plan-run` stores the run and its targets, with their roles and external ids, in the bucket, and
//! the states only pass the key and a number.

use serde::{Deserialize, Serialize};

use crate::invocation::failure::Failure;
use crate::logs::query::SavedQuery;
use crate::model::fault::{Fault, FaultKind};
use crate::model::operation::Operation;
use crate::model::run::{Platform, Run, RunKind, Target};
use crate::model::subject::Subject;
use crate::rules::QueryPlaces;

/// A run and its targets, as stored in the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The run.
    pub run: Run,
    /// Its targets. A target's number is its place here, from 0.
    pub targets: Vec<Target>,
    /// Numbers of the targets for which saved queries of logs are run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<usize>,
}

/// The answer of `plan-run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Id of the run.
    pub run: String,
    /// The kind of run, which selects the map.
    pub kind: RunKind,
    /// Key of the [`Plan`].
    pub plan: String,
    /// Items of the map, in the order of the plan.
    pub targets: Vec<PlannedTarget>,
}

/// Item of the state machine's map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTarget {
    /// Its number in the plan.
    pub number: usize,
    /// The platform, which selects the collector.
    pub platform: Platform,
    /// The name shown in the execution history.
    pub name: String,
    /// Whether saved queries of logs are run for it.
    pub queries: bool,
}

impl Plan {
    /// Whether the target with this number queries the log groups of its account and Region that
    /// belong to no service or workload: the first one there does.
    pub fn queries_groups(&self, number: usize) -> bool {
        let Some(target) = self.targets.get(number) else { return false };
        let is_there = |other: &Target| (&other.account, &other.region) == (&target.account, &target.region);
        self.targets.iter().position(is_there) == Some(number)
    }

    /// Key of the plan. An execution may plan twice, the second time with another version of the
    /// user's file. The key depends on the content, so that a plan in use is never replaced.
    pub fn key(&self, execution: &str, json: &[u8]) -> String {
        format!("runs/{}/{execution}/plan-{:016x}.json", self.run.id, fnv1a(json))
    }

    /// The same plan, with the targets for which these queries are run.
    #[must_use]
    pub fn with_queries(mut self, queries: &[&SavedQuery]) -> Self {
        let runs_some = |number: &usize| {
            queries.iter().any(|query| match &query.places {
                QueryPlaces::Services(_) => self.targets[*number].platform == Platform::Ecs,
                QueryPlaces::Workloads(_) => self.targets[*number].platform == Platform::Eks,
                QueryPlaces::Groups(_) => self.queries_groups(*number),
            })
        };
        self.queries = (0..self.targets.len()).filter(runs_some).collect();
        self
    }

    /// The answer of `plan-run`.
    pub fn answer(&self, key: String) -> Planned {
        let targets = self.targets.iter().enumerate();
        let targets = targets.map(|(number, target)| PlannedTarget {
            number,
            platform: target.platform,
            name: target.to_string(),
            queries: self.queries.contains(&number),
        });
        Planned { run: self.run.id.clone(), kind: self.run.kind, plan: key, targets: targets.collect() }
    }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The input of a function that processes one target. Other keys are the state machine's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Key of the [`Plan`].
    pub plan: String,
    /// The target's number there.
    pub target: usize,
    /// Where to continue, if an earlier call stopped before its deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<SweepCursor>,
}

impl Step {
    /// The task of this step.
    ///
    /// # Errors
    ///
    /// If the plan has no such target.
    pub fn of(self, plan: Plan) -> Result<TargetTask, Failure> {
        let Plan { run, mut targets, queries: _ } = plan;
        let count = targets.len();
        if self.target >= count {
            let Self { plan, target, .. } = self;
            let why = format!("{plan} has {count} targets, numbered from 0, so there is no target {target}");
            return Err(Failure::Invalid(why));
        }
        Ok(TargetTask { run, target: targets.swap_remove(self.target), cursor: self.cursor })
    }

    /// Key of the object with the reason why the target failed.
    pub fn failure_key(plan: &str, target: usize) -> String {
        format!("{}.failed-{target}.json", plan.trim_end_matches(".json"))
    }
}

/// One target of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetTask {
    /// The run.
    pub run: Run,
    /// The target.
    pub target: Target,
    /// Where to continue, if an earlier call stopped before its deadline.
    pub cursor: Option<SweepCursor>,
}

/// The position of a sweep or rollback within a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepCursor {
    /// The last subject that was processed: log groups in order of names, then clusters.
    pub after: Subject,
    /// Where the findings up to it are.
    pub findings: ObjectRef,
}

/// Where something is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Key in the stack's bucket.
    pub key: String,
}

/// The answer of `collect-metrics` and `collect-pods`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Collected {
    /// For a report, whose target ends here.
    Ended {
        /// Where the snapshot is.
        snapshot: ObjectRef,
        /// Where the outcome is.
        outcome: ObjectRef,
    },
    /// For an alarms run: the snapshot must still be evaluated.
    Snapshot {
        /// Where it is.
        snapshot: ObjectRef,
    },
}

/// The answer of a function that completes a target: `evaluate-alarms` (which also counts the
/// alarms that began, so that their logs are found), and `enable-insights` in a
/// sweep or rollback. The state machine calls it again as long as there is a cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TargetDone {
    /// Not finished: another call continues.
    Paused {
        /// Where to continue.
        cursor: SweepCursor,
    },
    /// It is finished.
    Done {
        /// Where its outcome is.
        outcome: ObjectRef,
        /// How many alarms have begun and were not notified yet; 0 for a sweep or rollback.
        #[serde(default)]
        began: usize,
    },
}

/// How a child of the map ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetEnd {
    /// The target's number in the plan.
    pub target: usize,
    /// Whether it has an outcome.
    pub ended: Ended,
}

/// Whether a target has an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// Its outcome is in the bucket.
    Done,
    /// A function failed; the reason is in the bucket.
    Failed,
}

/// Why a target has no outcome, as stored in the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFailure {
    /// The failure from `Catch`.
    pub failure: StepFailure,
    /// The position of the sweep or rollback before the failure.
    #[serde(default)]
    pub cursor: Option<SweepCursor>,
}

/// The error output of Step Functions' `Catch` for a failed task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StepFailure {
    /// Error name: the function's error type, or `States.…`, `Lambda.…`, `Sandbox.…`.
    pub error: String,
    /// For a Lambda function, JSON with `errorMessage`; otherwise a sentence.
    pub cause: Option<String>,
}

impl StepFailure {
    /// The failure as a fault for the summary.
    pub fn to_fault(&self) -> Fault {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct LambdaError {
            error_message: String,
        }
        let cause = self.cause.clone().unwrap_or_default();
        let message = serde_json::from_str::<LambdaError>(&cause).map_or(cause, |error| error.error_message);
        // Errors of Lambda and Step Functions, such as a timeout, may be transient.
        let kind = Failure::kind_of(&self.error).unwrap_or(FaultKind::Transient);
        let (operation, code) = (Operation::FargazeRun, self.error.clone());
        Fault { operation, subject: String::new(), kind, code, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MAX_TARGETS;
    use crate::model::run::{Part, TargetRole};
    use jiff::SignedDuration;

    /// Maximum bytes of a state's input or output (Step Functions Developer Guide, "Service
    /// quotas").
    const PAYLOAD: usize = 262_144;

    fn plan(targets: usize) -> Plan {
        let time = "2026-11-22T10:05:00Z".parse().unwrap();
        let run =
            Run::new(RunKind::Rollback, time, SignedDuration::ZERO, SignedDuration::from_mins(60), None);
        let target = Target {
            platform: Platform::Eks,
            account: "123456789012".parse().unwrap(),
            region: "ap-southeast-1".parse().unwrap(),
            part: Part { index: 63, count: 64 },
            role: Some(TargetRole {
                arn: format!("arn:aws:iam::123456789012:role/{}", "r".repeat(64)),
                external_id: Some("x".repeat(1224)),
                change: None,
                read_logs: None,
            }),
        };
        Plan { run, targets: vec![target; targets], queries: (0..targets).collect() }
    }

    #[test]
    fn the_longest_plan_fits_between_two_states_and_holds_no_secret() {
        let plan = plan(MAX_TARGETS);
        let key = plan.key(&"e".repeat(80), &serde_json::to_vec(&plan).unwrap());
        let planned = serde_json::to_string(&plan.answer(key)).unwrap();
        assert!(planned.len() < PAYLOAD, "{} bytes", planned.len());
        assert!(!planned.contains("xxx") && !planned.contains("arn:"));
        let ended: Vec<TargetEnd> =
            (0..MAX_TARGETS).map(|target| TargetEnd { target, ended: Ended::Failed }).collect();
        let ended = serde_json::to_string(&ended).unwrap();
        assert!(ended.len() < PAYLOAD / 2, "{} bytes", ended.len());
    }

    #[test]
    fn a_plan_is_never_replaced_by_another_one() {
        let (one, other) = (plan(1), plan(2));
        let key = |plan: &Plan| plan.key("e", &serde_json::to_vec(plan).unwrap());
        assert_eq!(key(&one), key(&one.clone()));
        assert_ne!(key(&one), key(&other));
        assert!(key(&one).starts_with("runs/rollback-20261122T100500Z/e/plan-"));
        let failed = Step::failure_key(&key(&one), 7);
        assert!(
            failed.starts_with("runs/rollback-20261122T100500Z/e/plan-")
                && failed.ends_with(".failed-7.json")
        );
    }

    #[test]
    fn an_unknown_target_number_is_an_error() {
        let step = |target| Step { plan: "runs/r/e/plan.json".to_owned(), target, cursor: None };
        assert_eq!(step(1).of(plan(2)).unwrap().target.part.count, 64);
        let error = step(2).of(plan(2)).unwrap_err().to_string();
        assert_eq!(error, "runs/r/e/plan.json has 2 targets, numbered from 0, so there is no target 2");
    }

    #[test]
    fn a_caught_lambda_failure_has_its_own_message() {
        let failure: StepFailure = serde_json::from_str(
            r#"{"Error":"Denied","Cause":"{\"errorMessage\":\"ecs:ListClusters: AccessDenied\",\"errorType\":\"Denied\"}"}"#,
        )
        .unwrap();
        let fault = failure.to_fault();
        assert_eq!(
            (fault.kind, fault.message.as_str()),
            (FaultKind::Denied, "ecs:ListClusters: AccessDenied")
        );
    }

    #[test]
    fn a_caught_timeout_is_transient() {
        let failure = StepFailure { error: "States.Timeout".to_owned(), cause: None };
        assert_eq!(failure.to_fault().kind, FaultKind::Transient);
    }
}

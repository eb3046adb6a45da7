//! What `forward-summary` is invoked with: a run whose targets have ended, or one target that failed.

use std::collections::BTreeMap;

use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{Step, StepFailure, TargetEnd, TargetFailure};
use serde::Deserialize;
use serde_json::Value;

/// Length of a quoted entry in a message, in characters.
const QUOTED: usize = 200;

/// What is asked of `forward-summary`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Tell what a run brought.
    Forward(Finished),
    /// Keep why a target failed, until its run is told.
    Keep(Box<Failed>),
}

/// A run whose targets have all ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finished {
    /// Key of the plan.
    pub plan: String,
    /// How its targets ended, in any order. Step Functions leaves out a target whose child execution died as a whole, which
    /// no `Catch` sees.
    pub ended: Vec<TargetEnd>,
    /// Entries that cannot be read by their place, and why. Each costs itself only.
    pub unreadable: BTreeMap<usize, String>,
}

/// A target that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    /// Key of the plan.
    pub plan: String,
    /// The target's number there.
    pub target: usize,
    /// Why.
    pub failure: TargetFailure,
}

#[derive(Deserialize)]
struct Input {
    plan: String,
    ended: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keep {
    failed: FailedStep,
}

#[derive(Deserialize)]
struct FailedStep {
    #[serde(flatten)]
    step: Step,
    failure: StepFailure,
}

/// Reads the input; the two kinds are told apart by their keys.
pub(crate) fn read(event: Value) -> Result<Asked, Failure> {
    if event.get("failed").is_some() {
        let Keep { failed: FailedStep { step, failure } } =
            serde_json::from_value(event).map_err(|error| {
                Failure::Invalid(format!(
                    "this is not what the state machine sends of a failed target: {error}"
                ))
            })?;
        let Step { plan, target, cursor } = step;
        return Ok(Asked::Keep(Box::new(Failed {
            plan,
            target,
            failure: TargetFailure { failure, cursor },
        })));
    }
    let Input { plan, ended } = serde_json::from_value(event).map_err(|error| {
        Failure::Invalid(format!("this is not what the state machine sends at its end: {error}"))
    })?;
    let (mut ends, mut unreadable) = (Vec::new(), BTreeMap::new());
    for (index, end) in ended.into_iter().enumerate() {
        let quoted: String = end.to_string().chars().take(QUOTED).collect();
        match serde_json::from_value(end) {
            Ok(end) => ends.push(end),
            Err(error) => {
                let why = format!("entry {index} of what ended cannot be read ({error}): {quoted}");
                unreadable.insert(index, why);
            }
        }
    }
    Ok(Asked::Forward(Finished { plan, ended: ends, unreadable }))
}

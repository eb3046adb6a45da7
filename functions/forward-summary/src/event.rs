//! The input of `forward-summary`: a run whose targets have ended, or one target that failed.

use std::collections::BTreeMap;

use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{Step, StepFailure, TargetEnd, TargetFailure};
use serde::Deserialize;
use serde_json::Value;

/// Maximum length of a quoted entry in a message, in characters.
const QUOTED: usize = 200;

/// A request to `forward-summary`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// Send the summary of a run.
    Forward(Finished),
    /// Store why a target failed, until the summary of its run.
    Keep(Box<Failed>),
}

/// A run whose targets have all ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finished {
    /// Key of the plan.
    pub plan: String,
    /// How its targets ended, in any order. Step Functions leaves out a target whose child
    /// execution ended abnormally, because no `Catch` handles that.
    pub ended: Vec<TargetEnd>,
    /// Problems of unreadable entries by index. Each affects only itself.
    pub unreadable: BTreeMap<usize, String>,
}

/// A target that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    /// Key of the plan.
    pub plan: String,
    /// The target's number in the plan.
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

/// Parses the input; the two kinds are distinguished by their keys.
pub(crate) fn read(event: Value) -> Result<Request, Failure> {
    if event.get("failed").is_some() {
        let Keep { failed: FailedStep { step, failure } } =
            serde_json::from_value(event).map_err(|error| {
                Failure::Invalid(format!(
                    "the event is not the state machine's input for a failed target: {error}"
                ))
            })?;
        let Step { plan, target, cursor } = step;
        return Ok(Request::Keep(Box::new(Failed {
            plan,
            target,
            failure: TargetFailure { failure, cursor },
        })));
    }
    let Input { plan, ended } = serde_json::from_value(event).map_err(|error| {
        Failure::Invalid(format!("the event is not the state machine's input for the end of a run: {error}"))
    })?;
    let (mut ends, mut unreadable) = (Vec::new(), BTreeMap::new());
    for (index, end) in ended.into_iter().enumerate() {
        let quoted: String = end.to_string().chars().take(QUOTED).collect();
        match serde_json::from_value(end) {
            Ok(end) => ends.push(end),
            Err(error) => {
                let why = format!("entry {index} of the ended targets cannot be read ({error}): {quoted}");
                unreadable.insert(index, why);
            }
        }
    }
    Ok(Request::Forward(Finished { plan, ended: ends, unreadable }))
}

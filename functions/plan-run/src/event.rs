//! What `plan-run` is invoked with: the state machine's request, or a bare one.

use fargaze::invocation::failure::Failure;
use fargaze::model::run::{RunKind, RunRequest};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Stands for the execution in a call without the state machine.
const BY_HAND: &str = "by-hand";

/// A run that was asked for, and the time it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// What the run is for.
    pub kind: RunKind,
    /// Logical now.
    pub time: Timestamp,
    /// Of a rollback: since when changes are undone.
    pub since: Option<Timestamp>,
    /// Name of the execution; of a call by hand a fixed word.
    pub execution: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    request: Value,
    execution: Execution,
}

#[derive(Deserialize)]
struct Execution {
    id: String,
    started: Timestamp,
}

/// Reads the input. The time is the request's; a run by hand that names none is about the start of its execution.
pub(crate) fn read(event: Value) -> Result<Asked, Failure> {
    let (request, execution) = if event.get("request").is_some() {
        let Wrapped { request, execution } = serde_json::from_value(event).map_err(|error| wrong(&error))?;
        (request, Some(execution))
    } else {
        (event, None)
    };
    let RunRequest { kind, time, since } = serde_json::from_value(request).map_err(|error| wrong(&error))?;
    let time = time.or(execution.as_ref().map(|execution| execution.started));
    let time = time.ok_or_else(|| wrong(&"outside the state machine it needs a `time`"))?;
    let execution = execution.map_or_else(|| BY_HAND.to_owned(), |execution| execution.id);
    Ok(Asked { kind, time, since, execution })
}

fn wrong(why: &dyn std::fmt::Display) -> Failure {
    Failure::Invalid(format!(
        "the run request is wrong: {why}. Send {{\"kind\":\"alarms\"}}, {{\"kind\":\"report\"}}, {{\"kind\":\"sweep\"}} or {{\"kind\":\"rollback\"}}, \
         with a \"time\" such as \"2026-11-22T10:05:00Z\" if the run is not about now."
    ))
}

//! The input of `plan-run`: the state machine's request, or a bare one.

use fargaze::invocation::failure::Failure;
use fargaze::model::run::{RunKind, RunRequest};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Execution name for a call without the state machine.
const BY_HAND: &str = "by-hand";

/// A requested run, and its logical time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// What the run is for.
    pub kind: RunKind,
    /// Logical now.
    pub time: Timestamp,
    /// Of a rollback: since when changes are rolled back.
    pub since: Option<Timestamp>,
    /// Name of the execution; a fixed word for a call by hand.
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

/// Parses the input. The time is the request's; a manual run without a time uses the start of its
/// execution.
pub(crate) fn read(event: Value) -> Result<Request, Failure> {
    let (request, execution) = if event.get("request").is_some() {
        let Wrapped { request, execution } = serde_json::from_value(event).map_err(|error| wrong(&error))?;
        (request, Some(execution))
    } else {
        (event, None)
    };
    let RunRequest { kind, time, since } = serde_json::from_value(request).map_err(|error| wrong(&error))?;
    let time = time.or(execution.as_ref().map(|execution| execution.started));
    let time = time.ok_or_else(|| wrong(&"outside the state machine, `time` is required"))?;
    let execution = execution.map_or_else(|| BY_HAND.to_owned(), |execution| execution.id);
    Ok(Request { kind, time, since, execution })
}

fn wrong(why: &dyn std::fmt::Display) -> Failure {
    Failure::Invalid(format!(
        "the run request is invalid: {why}. Send {{\"kind\":\"alarms\"}}, {{\"kind\":\"report\"}}, {{\"kind\":\"sweep\"}} or {{\"kind\":\"rollback\"}}, \
         with a \"time\" such as \"2026-11-22T10:05:00Z\" if the run is not for the current time."
    ))
}

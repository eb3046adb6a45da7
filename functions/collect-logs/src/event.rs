//! The input of `collect-logs`: one of its steps for a target of a run, or a question by hand.

use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::Step;
use serde::Deserialize;
use serde_json::Value;

use crate::by_hand::Question;

/// A request to `collect-logs`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Request {
    /// Process one step of a target.
    Target(Step, Work),
    /// Search logs.
    ByHand(Question),
}

/// What to do for a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Work {
    /// Audit how it logs.
    #[default]
    Audit,
    /// Start its saved queries.
    StartQueries,
    /// Read their answers.
    ReadQueries,
    /// Find the logs of the alarms that began.
    LogsOfAlarms,
}

#[derive(Deserialize)]
struct OfTarget {
    #[serde(flatten)]
    step: Step,
    #[serde(default, rename = "do")]
    work: Work,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    logs: Question,
}

/// Parses the input; the two kinds are distinguished by their keys.
pub(crate) fn read(event: Value) -> Result<Request, Failure> {
    if event.get("logs").is_some() {
        let ByHand { logs } = serde_json::from_value(event)
            .map_err(|error| Failure::Invalid(format!("the question about logs is invalid: {error}")))?;
        return Ok(Request::ByHand(logs));
    }
    let OfTarget { step, work } = serde_json::from_value(event).map_err(|error| {
        Failure::Invalid(format!("the event is neither a target of a run nor {{\"logs\": …}}: {error}"))
    })?;
    Ok(Request::Target(step, work))
}

//! The input of `collect-metrics`: a target of a run, or a single query by hand.

use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::Step;
use fargaze_aws::StatisticsQuery;
use serde::Deserialize;
use serde_json::Value;

/// A request to `collect-metrics`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Request {
    /// Take a snapshot of a target.
    Collect(Step),
    /// Read the values of one metric.
    Statistics(StatisticsQuery),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    query: StatisticsQuery,
}

/// Parses the input; the two kinds are distinguished by their keys.
pub(crate) fn read(event: Value) -> Result<Request, Failure> {
    if event.get("query").is_some() {
        let ByHand { query } = serde_json::from_value(event)
            .map_err(|error| Failure::Invalid(format!("the query is invalid: {error}")))?;
        return Ok(Request::Statistics(query));
    }
    let step = serde_json::from_value(event).map_err(|error| {
        Failure::Invalid(format!("the event is neither a target of a run nor {{\"query\": …}}: {error}"))
    })?;
    Ok(Request::Collect(step))
}

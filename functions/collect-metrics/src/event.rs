//! What `collect-metrics` is invoked with: a target of a run, or one question by hand.

use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::Step;
use fargaze_aws::StatisticsQuery;
use serde::Deserialize;
use serde_json::Value;

/// What is asked of `collect-metrics`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Asked {
    /// A snapshot of a target.
    Collect(Step),
    /// The values of one metric.
    Statistics(StatisticsQuery),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    query: StatisticsQuery,
}

/// Reads the input; the two kinds are told apart by their keys.
pub(crate) fn read(event: Value) -> Result<Asked, Failure> {
    if event.get("query").is_some() {
        let ByHand { query } = serde_json::from_value(event)
            .map_err(|error| Failure::Invalid(format!("the query is wrong: {error}")))?;
        return Ok(Asked::Statistics(query));
    }
    let step = serde_json::from_value(event).map_err(|error| {
        Failure::Invalid(format!("this is neither a target of a run nor {{\"query\": …}}: {error}"))
    })?;
    Ok(Asked::Collect(step))
}

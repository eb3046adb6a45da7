//! Saved queries of the user's file, run by `CloudWatch` Logs Insights.
//!
//! ```text
//! SavedQuery, log groups -> QueryRun -> (StartQuery ... GetQueryResults) -> Answer -> QueryResult, LogReadings
//!                           plan.rs                                                 result.rs    readings.rs
//! ```
//!
//! Facts: Amazon `CloudWatch` Logs API, `StartQuery` and `GetQueryResults`; Amazon `CloudWatch` Logs
//! User Guide, "`CloudWatch` Logs Insights language query syntax" and "`CloudWatch` Logs quotas".

mod answer;
mod budget;
mod library;
mod plan;
mod readings;
mod result;
mod saved;
#[cfg(test)]
mod tests;
mod text;
mod writers;

pub use answer::{Answer, QueryRow};
pub use budget::{Budget, DOLLARS_PER_GB_SCANNED, dollars_scanned, estimated_scan, month_of};
pub use library::Library;
pub use plan::{
    Fate, KnownLogs, MOST_GROUPS, Purpose, QueryRun, RunsOfQueries, Started, StartedQueries, plan_queries,
};
pub use readings::{Evaluated, EvaluatedLogs, LogReadings, LogValues};
pub use result::{
    Histogram, LogLine, QueryFound, QueryResult, ResultTable, Unqueryable, log_lines, masked_rows, merge,
};
pub use saved::{Excerpts, LogSettings, SavedQuery};
pub use text::{bin_of, is_by_log, lines_query, selects};
pub use writers::{Destination, Destinations};

//! What a report needs in addition to the snapshots.

use super::model::Report;
use crate::alarms::{AlarmRecord, RuleRecord};
use crate::logs::{TargetLogs, TargetQueries};
use crate::model::fault::Fault;
use crate::model::run::Target;
use crate::outcome::{CoverageChange, TargetResult};
use crate::reconcile::ChangeLog;
use crate::sources::usage::Usage;

/// Facts about the estate that are not in the snapshots.
#[derive(Debug, Clone, Copy)]
pub struct ReportFacts<'a> {
    /// The result of each target.
    pub results: &'a [TargetResult],
    /// The whole change log of each account and Region.
    pub logs: &'a [(Target, ChangeLog)],
    /// All alarms in the table.
    pub alarms: &'a [(Target, Vec<AlarmRecord>)],
    /// Rules that have no data anywhere or match nothing.
    pub rules: &'a [RuleRecord],
    /// The previous report; `None` if there is none or it cannot be read.
    pub previous: Option<&'a Report>,
    /// Targets that became unreadable, or readable again.
    pub changes: &'a [CoverageChange],
    /// What was read about the logs of each target that could be read, or why that is not known.
    pub target_logs: &'a [(Target, Result<TargetLogs, Fault>)],
    /// What the saved queries of each target found, where some were to run.
    pub target_queries: &'a [(Target, Result<TargetQueries, Fault>)],
    /// What fargaze itself used since the last report; `None` if unknown.
    pub usage: Option<Usage>,
}

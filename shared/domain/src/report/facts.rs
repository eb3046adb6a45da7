//! What a report needs beside the snapshots.

use super::model::Report;
use crate::alarms::{AlarmRecord, RuleRecord};
use crate::model::run::Target;
use crate::outcome::{CoverageChange, TargetResult};
use crate::reconcile::ChangeLog;
use crate::sources::usage::Usage;

/// What is known of the estate beside the snapshots.
#[derive(Debug, Clone, Copy)]
pub struct ReportFacts<'a> {
    /// How each target ended.
    pub results: &'a [TargetResult],
    /// The whole change log of each account and Region.
    pub logs: &'a [(Target, ChangeLog)],
    /// All alarms that the table remembers.
    pub alarms: &'a [(Target, Vec<AlarmRecord>)],
    /// Rules that have no data anywhere, or apply to nothing.
    pub rules: &'a [RuleRecord],
    /// The last report; none if there is none that can be read.
    pub previous: Option<&'a Report>,
    /// What came out of sight, or back into it.
    pub changes: &'a [CoverageChange],
    /// What fargaze itself used since the last report; none if it is not known.
    pub usage: Option<Usage>,
}

//! The result of reading the logs of one target, as stored for the report.

use serde::{Deserialize, Serialize};

use super::finding::LogFinding;
use super::group::AuditedGroup;
use super::query::{LogReadings, QueryResult, Unqueryable};
use crate::evidence::coverage::CountedFault;
use crate::model::compute::TaskSize;
use crate::model::subject::Subject;

/// What is known about the logs of a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "logs", rename_all = "kebab-case")]
pub enum TargetLogs {
    /// fargaze.yaml names no role that may read logs in this account.
    NoRole,
    /// They were read.
    Read(LogsRead),
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LogsRead {
    /// Containers that were audited.
    pub containers: usize,
    /// Revisions of task definitions that are used.
    pub revisions: usize,
    /// Those of them that could not be described before the deadline; the next report continues.
    pub revisions_left: usize,
    /// What was found, the worst first.
    pub findings: Vec<LogFinding>,
    /// The log groups, by name.
    pub groups: Vec<AuditedGroup>,
    /// The sizes of what runs, as far as they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<RunningSize>,
    /// Metrics that were requested from `CloudWatch`.
    pub metrics: usize,
    /// What could not be queried.
    pub faults: Vec<CountedFault>,
}

/// The size of the tasks of a service, or of a family whose tasks have no service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunningSize {
    /// The service or family.
    pub subject: Subject,
    /// `FAMILY:REVISION`.
    pub revision: String,
    /// Its size.
    pub size: TaskSize,
}

/// What the saved queries of a target found in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "queries", rename_all = "kebab-case")]
pub enum TargetQueries {
    /// fargaze.yaml names no role that may read logs in this account.
    NoRole,
    /// They were run.
    Asked(AskedQueries),
}

/// What saved queries found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AskedQueries {
    /// Their results, in the order of the file.
    pub results: Vec<QueryResult>,
    /// Log groups that were left out, by saved query.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<(String, Unqueryable)>,
    /// What rules on logs are evaluated on.
    #[serde(default)]
    pub readings: LogReadings,
    /// What all queries of this month have cost so far, in US dollars; `None` if not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<f64>,
    /// What could not be queried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<CountedFault>,
}

impl TargetLogs {
    /// Metrics that were requested from `CloudWatch`.
    pub fn metrics(&self) -> usize {
        match self {
            Self::NoRole => 0,
            Self::Read(read) => read.metrics,
        }
    }
}

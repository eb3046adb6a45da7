//! Logs: what the containers of a target are set up to log, the log groups that they write to, and
//! what is wrong with either.
//!
//! ```text
//! revisions of task definitions -> TaskLogging -> audit -> LogFinding
//! log groups, their volume      -> AuditedGroup --------^
//! ```
//!
//! Nothing here reads a log line. Facts: Amazon ECS Developer Guide, "Send Amazon ECS logs to
//! `CloudWatch`" and "Send Amazon ECS logs to an AWS service or AWS Partner" (`FireLens`); Amazon
//! ECS API, `LogConfiguration`; Amazon `CloudWatch` Logs API, `LogGroup`.

mod audit;
mod definition;
mod finding;
mod firelens;
mod group;
mod outcome;
mod running;
#[cfg(test)]
mod tests;

pub use audit::{AuditContext, LogMode, audit};
pub use definition::{ContainerLogging, GroupRef, LogDriver, Router, TaskLogging};
pub use finding::{FindingKind, FindingPlace, Impact, LogFinding};
pub use group::{AuditedGroup, LogGroup, Volume, Writer, group_findings, volume_of, volume_queries};
pub use outcome::{LogsRead, TargetLogs};
pub use running::{Audited, Running, audit_all, groups_of_cluster};

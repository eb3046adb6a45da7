//! Logs: what the containers of a target are set up to log, the log groups that they write to, and
//! what is wrong with either.
//!
//! ```text
//! revisions of task definitions -> TaskLogging -> audit -> LogFinding
//! log groups, their volume      -> AuditedGroup --------^
//! ```
//!
//! [`query`] runs the saved queries of the user's file, and [`excerpt`] finds what to read when an
//! alarm begins. Facts: Amazon ECS Developer Guide, "Send Amazon ECS logs to
//! `CloudWatch`" and "Send Amazon ECS logs to an AWS service or AWS Partner" (`FireLens`); Amazon
//! ECS API, `LogConfiguration`; Amazon `CloudWatch` Logs API, `LogGroup`.

mod audit;
mod definition;
pub mod excerpt;
mod finding;
mod firelens;
mod group;
mod mask;
mod outcome;
mod pods;
pub mod query;
mod running;
#[cfg(test)]
mod tests;

pub use audit::{AuditContext, LogMode, audit};
pub use definition::{ContainerLogging, GroupRef, LogDriver, Router, TaskLogging};
pub use finding::{FindingKind, FindingPlace, Impact, LogFinding};
pub use group::{AuditedGroup, LogGroup, Volume, Writer, group_findings, volume_of, volume_queries};
pub use mask::{MASKED, Masks};
pub use outcome::{AskedQueries, LogsRead, RunningSize, TargetLogs, TargetQueries};
pub use pods::{LOG_READERS, LOG_READERS_ROLE, not_allowed, rights};
pub use running::{Audited, Running, audit_all, groups_of_cluster, sizes};

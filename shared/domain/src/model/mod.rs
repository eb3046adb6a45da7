//! Basic types: what fargaze monitors (clusters, services, workloads), their metrics and time
//! windows, runs, and failed calls.
//!
//! All other modules use these types. They know nothing about rules, sources or reports, and every
//! value is valid: names, ARNs, periods and windows are checked when they are created.

pub mod catalogue;
pub mod cluster;
pub mod compute;
pub mod deployment;
pub mod fault;
pub mod insights;
pub mod load_balancer;
pub mod metric;
pub mod operation;
pub mod run;
pub mod series;
pub mod status;
pub mod subject;
pub mod vended;
pub mod window;

//! Ground nouns: what fargaze looks at (clusters, services, workloads), what is measured of them and when, what a run is, and
//! how a call fails.
//!
//! Everything else is said in these types. They know nothing of rules, sources or reports, and a value that exists is valid:
//! names, ARNs, periods and windows are checked where they are made.

pub mod catalogue;
pub mod cluster;
pub mod deployment;
pub mod fault;
pub mod insights;
pub mod metric;
pub mod operation;
pub mod run;
pub mod series;
pub mod status;
pub mod subject;
pub mod vended;
pub mod window;

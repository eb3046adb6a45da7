//! The domain of fargaze: what is asked of ECS, EKS, CloudWatch and Kubernetes, what was answered, and what it means.
//!
//! One run is one visible line, one type per stage:
//!
//! ```text
//! RunRequest -> Run -> Target -> Inventory -> QueryPlan of MetricQuery -> (CloudWatch) -> Reading of MetricSeries
//!    run.rs      run.rs  run.rs   inventory.rs  plan.rs                     aws/            series.rs
//!   -> Snapshot -> Verdict -> Notice -> Outcome -> Summary -> Message
//!      snapshot.rs  evaluate.rs  alarm/  outcome.rs  summary/  message.rs
//! ```
//!
//! Beside it stand the wishes for Container Insights ([`insights`]), what CloudTrail tells ([`event`]), and the
//! user's file ([`config`]). Without features the crate is pure: no clock, no network, no AWS type. The feature
//! `aws` adds the borders under [`aws`], and SDK types and SDK errors stop there.

pub mod alarm;
#[cfg(feature = "aws")]
pub mod aws;
pub mod batch;
pub mod catalogue;
pub mod cluster;
pub mod commands;
#[cfg(test)]
mod committed;
pub mod config;
pub mod continuation;
pub mod deployment;
pub mod derive;
pub mod eks;
pub mod evaluate;
pub mod event;
pub mod failure;
pub mod fault;
pub mod gather;
pub mod insights;
pub mod inventory;
pub mod kubernetes;
pub mod message;
pub mod metric;
pub mod observe;
pub mod operation;
pub mod outcome;
#[cfg(any(feature = "aws", feature = "kubernetes"))]
mod paging;
pub mod pattern;
pub mod plan;
pub mod pods;
pub mod pulse;
pub mod rule;
pub mod run;
pub mod series;
pub mod settings;
mod shell;
pub mod snapshot;
pub mod states;
pub mod status;
pub mod subject;
pub mod summary;
pub mod usage;
pub mod vended;
pub mod window;

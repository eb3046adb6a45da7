//! The domain of fargaze: what is asked of ECS, EKS, CloudWatch and Kubernetes, what was answered, and what it means.
//!
//! One run is one visible line, one type per stage:
//!
//! ```text
//! RunRequest -> Run -> Target -> Inventory -> QueryPlan of MetricQuery -> (CloudWatch) -> Reading of MetricSeries
//!    run.rs      run.rs  run.rs   inventory.rs  sources/plan.rs             aws/            series.rs
//!   -> Snapshot -> Verdict -> Notice -> Outcome -> Report or summary -> Message
//!      snapshot.rs  evaluate.rs  alarm/  outcome.rs  report/, summary/  message.rs
//! ```
//!
//! Beside it stand what fargaze changes ([`reconcile`]), what CloudTrail says ([`event`]), and the
//! user's file ([`config`]). Without features the crate is pure: no clock, no network, no AWS type. The feature
//! `aws` adds the borders under [`aws`], and SDK types and SDK errors stop there.

// From the ground up: a module uses those above it.

// Ground: names, spellings, and helpers that know nothing of fargaze.
pub mod batch;
pub mod cluster;
#[cfg(test)]
mod committed;
pub mod deployment;
pub mod message;
#[cfg(any(feature = "aws", feature = "kubernetes"))]
mod paging;
pub mod settings;
pub mod status;

// Nouns: what things are about, what is measured, what failed, and how it is said.
pub mod catalogue;
pub mod commands;
pub mod fault;
pub mod insights;
pub mod metric;
pub mod operation;
mod shell;
pub mod subject;
pub mod text;
pub mod vended;
pub mod window;

// A run, what there is, and what was answered.
pub mod inventory;
pub mod kubernetes;
pub mod run;
pub mod series;

// What is asked: rules and their measures, the sources that answer them, pods.
pub mod derive;
pub mod eks;
pub mod evaluate;
pub mod gather;
pub mod pattern;
pub mod pods;
pub mod pulse;
pub mod rules;
pub mod sources;

// What is changed, the file that says it, and the events that lead to it.
pub mod config;
pub mod event;
pub mod outcome;
pub mod reconcile;
pub mod usage;

// A run from its snapshot to its notices.
pub mod alarm;
pub mod continuation;
pub mod failure;
pub mod snapshot;
pub mod states;

// The border to AWS.
#[cfg(feature = "aws")]
pub mod aws;

// What people read.
pub mod coverage;
pub mod report;
pub mod summary;

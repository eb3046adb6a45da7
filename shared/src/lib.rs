//! The domain of fargaze: what is asked of ECS, EKS, CloudWatch and Kubernetes, what was answered, and what it means.
//!
//! One run is one visible line, one type per stage:
//!
//! ```text
//! RunRequest -> Run -> Target -> Inventory -> QueryPlan of MetricQuery -> (CloudWatch) -> Reading of MetricSeries
//!    run.rs      run.rs  run.rs   inventory/  sources/plan.rs               aws/            series.rs
//!   -> Snapshot -> Verdict -> Notice -> Outcome -> Report or summary -> Message
//!      snapshot/  evaluate.rs  alarm/  outcome.rs  report/, summary/  message/
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

// Nouns: what things are about, what is measured, which call it was, and how it is said.
pub mod insights;
pub mod metric;
pub mod operation;
mod shell;
pub mod subject;
pub mod text;

// What is made of them: metrics that there are, commands for people, faults, windows.
pub mod catalogue;
pub mod commands;
pub mod fault;
pub mod vended;
pub mod window;

// A run, what there is, and what was answered.
pub mod inventory;
pub mod kubernetes;
pub mod run;
pub mod series;

// How much of it was answered.
pub mod coverage;

// What is asked: rules and their measures.
pub mod derive;
pub mod gather;
pub mod pattern;
pub mod pulse;
pub mod rules;

// Who answers: the sources, and what EKS and its pods say.
pub mod eks;
pub mod evaluate;
pub mod pods;
pub mod sources;

// What is changed.
pub mod reconcile;
pub mod usage;

// The file that says what, and the events that lead to it.
pub mod config;
pub mod event;

// A run as it is stored, and why one gives up.
pub mod failure;
pub mod snapshot;

// From the snapshot to its notices, and what comes of a target.
pub mod alarm;
pub mod continuation;
pub mod outcome;
pub mod states;

// The border to AWS.
#[cfg(feature = "aws")]
pub mod aws;

// How the targets of a run ended, and what people read.
pub mod results;

pub mod report;
pub mod summary;

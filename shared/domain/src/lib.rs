//! The domain of fargaze: which queries go to ECS, EKS, CloudWatch and Kubernetes, what they
//! return, and what the results mean.
//!
//! A run is one pipeline with one type per stage; below each type is the module or crate that holds
//! it:
//!
//! ```text
//! RunRequest -> Run -> Target -> Inventory -> QueryPlan of MetricQuery -> (CloudWatch) -> Reading of MetricSeries
//! model         model  model     evidence     sources      model          fargaze-aws     model
//!   -> Snapshot -> Verdict -> Notice -> Outcome -> Report or digest -> Message
//!      evidence    alarms     alarms    outcome    report    notify    text
//! ```
//!
//! In addition: the settings that fargaze changes ([`reconcile`]), CloudTrail events ([`events`]),
//! and the user's file ([`config`]). The crate is pure: no clock, no network, no AWS types. The
//! crates `fargaze-aws` and `fargaze-kubernetes` are the boundary: SDK types and SDK errors stop
//! there.

// Modules in dependency order: each uses only those above it, which `src/tests/rooms.rs` checks.

// Basic types and text.
pub mod model;

pub mod text;

// Responses of the Kubernetes API.
pub mod kubernetes;

// Why tasks died.
pub mod deaths;

// What rules evaluate, the evidence, and the sources it comes from.
pub mod rules;

pub mod evidence;

pub mod sources;

// What is logged, and where to.
pub mod logs;

// From evidence to notifications and changes.
pub mod alarms;

pub mod reconcile;

// Inputs: the user's file, events, and the state machine's calls.
pub mod config;

pub mod events;

pub mod invocation;

// Outputs.
pub mod outcome;

pub mod report;

pub mod notify;

#[cfg(test)]
mod tests;

//! The domain of fargaze: what is asked of ECS, EKS, CloudWatch and Kubernetes, what was answered, and what it means.
//!
//! One run is one visible line, one type per stage; below each stands the room that holds it:
//!
//! ```text
//! RunRequest -> Run -> Target -> Inventory -> QueryPlan of MetricQuery -> (CloudWatch) -> Reading of MetricSeries
//! model         model  model     evidence     sources      model          fargaze-aws     model
//!   -> Snapshot -> Verdict -> Notice -> Outcome -> Report or digest -> Message
//!      evidence    alarms     alarms    outcome    report    notify    text
//! ```
//!
//! Beside it stand what fargaze changes ([`reconcile`]), what CloudTrail says ([`events`]), and the user's file
//! ([`config`]). The crate is pure: no clock, no network, no AWS type. The borders are crates of their own, `fargaze-aws` and
//! `fargaze-kubernetes`: SDK types and SDK errors stop there.

// The rooms, from the ground up: a room uses only those above it, which `tests/rooms.rs` checks.

// What everything is about, and the words for it.
pub mod model;

pub mod text;

// What Kubernetes answers.
pub mod kubernetes;

// What is judged, what is known, and who is asked.
pub mod rules;

pub mod evidence;

pub mod sources;

// From evidence to notices, and to changes.
pub mod alarms;

pub mod reconcile;

// What comes in: the user's file, events, and the state machine's calls.
pub mod config;

pub mod events;

pub mod invocation;

// What goes out.
pub mod outcome;

pub mod report;

pub mod notify;

#[cfg(test)]
mod tests;

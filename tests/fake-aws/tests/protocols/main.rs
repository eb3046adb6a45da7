//! The fake over raw HTTP, without an SDK: what goes over the wire, and the rules behind it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests stop at the first surprise")]

mod client;
mod cloudwatch;
mod ecs;
mod faults;
mod messages;
mod model;
mod runtime_api;
mod stores;

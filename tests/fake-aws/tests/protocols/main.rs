//! The fake over raw HTTP, without an SDK: the wire formats and the rules.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests stop at the first surprise")]

mod account;
mod client;
mod cloudwatch;
mod crash;
mod ecs;
mod faults;
mod in_process;
mod messages;
mod model;
mod runtime_api;
mod stores;
mod tasks;
mod walk;

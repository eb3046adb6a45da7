//! Tests of the AWS border and of whole functions, in one binary, so that the SDK is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test these are the assertion"
)]

mod alarms;
mod bad_input;
mod collect_inventory;
mod collect_losses;
mod collect_metrics;
mod cross_account;
mod deaths;
mod documents;
mod eks;
mod enable_insights;
mod engine;
mod evaluate_alarms;
mod events;
mod forward_summary;
mod listings;
mod logs;
mod plan_run;
mod reconcile;
mod recorded_calls;
mod summaries;
mod triggers;

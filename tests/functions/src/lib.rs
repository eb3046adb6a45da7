//! The stack as the functions see it, without Lambda and Step Functions: real handlers, real SDK
//! clients, a fake AWS on loopback, and a player for the state machine `Run`.
//!
//! Payloads go from function to function as JSON, as Step Functions passes them on, so that the
//! contract between the functions is tested with them.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test harness: a broken set-up should stop the test on the spot"
)]

mod estate;
mod event;
mod line;
mod page;
mod stack;

pub use estate::{ACCOUNT, REGION, aws_ecs, estate, insights, minutes, put_minutes, put_span, running, shop};
pub use event::{event_file, events_folder, sent_back, sqs_batch, sqs_batch_of};
pub use line::{Line, caught, ended, forward, request};
pub use page::{assert_made, manifests};
pub use stack::{ATTEMPTS, Function, Stack};

use jiff::{SignedDuration, Timestamp};

/// The time at which every test begins.
pub const START: &str = "2026-11-22T10:05:00Z";

/// This many minutes after (or, if negative, before) [`START`].
pub fn minute(offset: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(offset)
}

/// The built-in rules without those on quotas, for tests that count metrics.
pub const NO_QUOTAS: &str = "rules:
  - {name: vcpu-quota, enabled: false}
  - {name: spot-vcpu-quota, enabled: false}
";

/// The built-in rules without those that query ECS about services whose metrics arrive.
pub const SILENT_ONLY: &str = "built-in-rules: none
rules:
  - {name: nothing-running, what: nothing-running, threshold: 0, comparison: GreaterThanThreshold, evaluation-periods: 1,
     treat-missing-data: ignore, quiet-during-deployment: true, severity: critical}
  - {name: memory-high, what: memory-percent, threshold: 80 %, comparison: GreaterThanThreshold, evaluation-periods: 5,
     datapoints-to-alarm: 3}
  - {name: cpu-high, what: cpu-percent, threshold: 90 %, comparison: GreaterThanThreshold, evaluation-periods: 5,
     datapoints-to-alarm: 3, quiet-during-deployment: true}
";

//! The alarm engine as a whole: CloudWatch's tables, an oracle next to the evaluator, and histories
//! against a model.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test these are the assertion"
)]

mod chance;
mod defaults;
mod estate;
mod histories;
mod judging;
mod late;
mod notices;
mod oracle;
mod quiet;
mod replay;
mod scene;
mod slow;
mod tables;

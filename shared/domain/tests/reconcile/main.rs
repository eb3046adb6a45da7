//! Reconciliation as a whole: random histories of clusters on both platforms, and the decision
//! tables in the documents.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test these are the assertion"
)]
#![allow(clippy::result_large_err, reason = "the model answers as the borders do")]

mod calls;
mod common;
mod document;
mod histories;
mod model;
mod steps;

//! Container Insights as a whole: random histories of events, and the table of decisions in the documents.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test these are the assertion"
)]

mod calls;
mod common;
mod document;
mod eks;
mod histories;
mod model;

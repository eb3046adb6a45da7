//! The Kubernetes domain on answers that a real API server gave, and on tables that Go's own code made.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "in a test these are the assertion"
)]

mod api;
mod cadvisor;
mod causes;
mod counters;
mod ends;
mod figures;
mod gates;
mod logging;
mod owners;
mod pods;
mod prometheus;
mod quantities;
mod sizes;
mod views;
mod waiting;

use std::path::PathBuf;

/// A recorded answer.
fn fixture(name: &str) -> Vec<u8> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "..", "tests", "fixtures", "kubernetes", name].iter().collect();
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A recorded answer that is text.
fn text(name: &str) -> String {
    String::from_utf8(fixture(name)).unwrap()
}

/// A recorded answer that is JSON.
fn json<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

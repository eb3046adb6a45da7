//! Messages to people: whole messages as kept in the tree, and hostile names in all of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test these are the assertion"
)]

mod goldens;
#[path = "../hostile/mod.rs"]
mod hostile;
mod hostile_messages;
mod scene;

//! The report in its final forms: goldens reviewed by a person, and hostile names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test these are the assertion"
)]

mod eks;
mod eks_facts;
mod eks_scenes;
mod estate;
mod goldens;
mod hostile;
mod scenes;
mod since;

//! The Lambda Runtime API and real bootstraps that talk to it.

pub mod bootstrap;
pub mod runtime_api;

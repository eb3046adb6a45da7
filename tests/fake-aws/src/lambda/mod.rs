//! The Lambda Runtime API and real bootstraps that use it.

pub mod bootstrap;
pub mod runtime_api;

//! What people are told: the digest of an alarms run, the report of a day, the findings of a sweep.
//!
//! Mail through SNS is plain text that may be shown in any font, so nothing here depends on columns lining up. Lines are
//! at most 78 characters wide, and everything that others could have written is made harmless.

mod bad_config;
mod coverage;
mod digest;
mod posture;
mod report;
mod sweep;
mod words;

use std::collections::BTreeMap;

use crate::fault::Fault;
use crate::outcome::Outcome;
use crate::run::{Run, Target};

pub use bad_config::bad_config_first;
pub use coverage::{CoverageChange, coverage_changes};
pub use digest::digest;
pub use report::report;
pub use sweep::{nothing_to_do, sweep};

/// How one target of the run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetResult {
    /// The target.
    pub target: Target,
    /// What it brought, or why it brought nothing.
    pub result: Result<Outcome, Fault>,
}

impl TargetResult {
    /// What it brought, if anything.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.result.as_ref().ok()
    }
}

/// Message attributes that every message carries.
fn attributes(run: &Run, severity: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("kind".to_owned(), run.kind.to_string()),
        ("run".to_owned(), run.id.clone()),
        ("severity".to_owned(), severity.to_owned()),
    ])
}

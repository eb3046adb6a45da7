//! What `forward-summary` is invoked with: the run, and how each of its targets ended.

use fargaze::failure::Failure;
use fargaze::outcome::TargetEnd;
use fargaze::run::{Run, Target};
use serde::Deserialize;
use serde_json::Value;

/// A run whose targets have all ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Finished {
    /// The run.
    pub run: Run,
    /// All targets that were planned.
    pub targets: Vec<Target>,
    /// How they ended, in any order. Step Functions leaves out a target whose child execution died as a whole, which no
    /// `Catch` sees.
    pub outcomes: Vec<TargetEnd>,
}

/// Reads the input.
pub(crate) fn read(event: Value) -> Result<Finished, Failure> {
    serde_json::from_value(event).map_err(|error| {
        Failure::Invalid(format!("this is not what the state machine sends at its end: {error}"))
    })
}

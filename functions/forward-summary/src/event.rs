//! What `forward-summary` is invoked with: the run, and how each of its targets ended.

use fargaze::failure::Failure;
use fargaze::outcome::TargetEnd;
use fargaze::run::{Run, Target};
use serde::Deserialize;
use serde_json::Value;

/// Length of a quoted entry in a message, in characters.
const QUOTED: usize = 200;

/// A run whose targets have all ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finished {
    /// The run.
    pub run: Run,
    /// All targets that were planned.
    pub targets: Vec<Target>,
    /// How they ended, in any order. Step Functions leaves out a target whose child execution died as a whole, which no
    /// `Catch` sees.
    pub outcomes: Vec<TargetEnd>,
    /// Entries of the outcomes that cannot be read, and why. Each costs itself only.
    pub unreadable: Vec<String>,
}

#[derive(Deserialize)]
struct Input {
    run: Run,
    targets: Vec<Target>,
    outcomes: Vec<Value>,
}

/// Reads the input.
pub(crate) fn read(event: Value) -> Result<Finished, Failure> {
    let Input { run, targets, outcomes } = serde_json::from_value(event).map_err(|error| {
        Failure::Invalid(format!("this is not what the state machine sends at its end: {error}"))
    })?;
    let (mut ends, mut unreadable) = (Vec::new(), Vec::new());
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let quoted: String = outcome.to_string().chars().take(QUOTED).collect();
        match serde_json::from_value(outcome) {
            Ok(end) => ends.push(end),
            Err(error) => {
                unreadable.push(format!("entry {index} of outcomes cannot be read ({error}): {quoted}"));
            }
        }
    }
    Ok(Finished { run, targets, outcomes: ends, unreadable })
}

//! What `forward-summary` is invoked with: the run, and how each of its targets ended.

use fargaze::failure::Failure;
use fargaze::outcome::TargetEnd;
use fargaze::run::{Run, Target};
use serde::Deserialize;
use serde::de::DeserializeOwned;
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
    /// What could not be read of the two lists, and why. Each costs itself only.
    pub unreadable: Vec<String>,
}

#[derive(Deserialize)]
struct Input {
    run: Run,
    #[serde(default)]
    targets: Vec<Value>,
    #[serde(default)]
    outcomes: Vec<Value>,
}

/// Reads the input.
pub(crate) fn read(event: Value) -> Result<Finished, Failure> {
    let Input { run, targets, outcomes } = serde_json::from_value(event).map_err(|error| {
        Failure::Invalid(format!("this is not what the state machine sends at its end: {error}"))
    })?;
    let mut unreadable = Vec::new();
    let outcomes = each("outcomes", outcomes, &mut unreadable);
    let targets = each("targets", targets, &mut unreadable);
    Ok(Finished { run, targets, outcomes, unreadable })
}

/// The entries of a list that can be read.
fn each<T: DeserializeOwned>(list: &str, entries: Vec<Value>, unreadable: &mut Vec<String>) -> Vec<T> {
    let read = |(index, entry): (usize, Value)| {
        let text = entry.to_string();
        serde_json::from_value(entry)
            .map_err(|error| {
                let quoted: String = text.chars().take(QUOTED).collect();
                unreadable.push(format!("entry {index} of {list} cannot be read ({error}): {quoted}"));
            })
            .ok()
    };
    entries.into_iter().enumerate().filter_map(read).collect()
}

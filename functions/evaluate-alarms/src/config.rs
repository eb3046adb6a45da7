//! Settings of `evaluate-alarms`; docs/configuration.md lists them all.

use fargaze::invocation::settings::{BadSettings, Settings, from_env};

/// Settings of `evaluate-alarms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `FARGAZE_BUCKET`: the stack's bucket.
    pub bucket: String,
    /// `FARGAZE_TABLE`: the stack's table.
    pub table: String,
}

impl Config {
    /// Reads the settings from the process environment.
    pub fn from_env() -> Result<Self, BadSettings> {
        Self::from_lookup(&from_env)
    }

    /// Reads the settings from any source.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadSettings> {
        let settings = Settings::new(lookup);
        let (bucket, table) = (settings.require("FARGAZE_BUCKET"), settings.require("FARGAZE_TABLE"));
        settings.all(bucket.zip(table).map(|(bucket, table)| Self { bucket, table }))
    }
}

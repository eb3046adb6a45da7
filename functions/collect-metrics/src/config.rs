//! Settings of `collect-metrics`; docs/configuration.md lists them all.

use fargaze::invocation::settings::{BadSettings, Settings, from_env};

/// Settings of `collect-metrics`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `FARGAZE_BUCKET`: the stack's bucket.
    pub bucket: String,
}

impl Config {
    /// Reads the settings from the process environment.
    pub fn from_env() -> Result<Self, BadSettings> {
        Self::from_lookup(&from_env)
    }

    /// Reads the settings from any source.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadSettings> {
        let settings = Settings::new(lookup);
        let bucket = settings.require("FARGAZE_BUCKET");
        settings.all(bucket.map(|bucket| Self { bucket }))
    }
}

//! Settings of `collect-pods`; docs/configuration.md lists them all.

use fargaze::invocation::settings::{BadSettings, Settings, from_env};

/// Settings of `collect-pods`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `FARGAZE_BUCKET`: the stack's bucket.
    pub bucket: String,
    /// `FARGAZE_ROLE_ARN`: ARN of the function's role, which clusters of the home account need an
    /// access entry for.
    pub role: String,
}

impl Config {
    /// Reads the settings from the process environment.
    pub fn from_env() -> Result<Self, BadSettings> {
        Self::from_lookup(&from_env)
    }

    /// Reads the settings from any source.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadSettings> {
        let settings = Settings::new(lookup);
        let (bucket, role) = (settings.require("FARGAZE_BUCKET"), settings.require("FARGAZE_ROLE_ARN"));
        settings.all(bucket.zip(role).map(|(bucket, role)| Self { bucket, role }))
    }
}

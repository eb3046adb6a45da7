//! Settings of `collect-logs`; docs/configuration.md lists them all.

use fargaze::invocation::settings::{FromSettings, Settings};

/// Settings of `collect-logs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `FARGAZE_BUCKET`: the stack's bucket.
    pub bucket: String,
}

impl FromSettings for Config {
    fn read(settings: &Settings<'_>) -> Option<Self> {
        let bucket = settings.require("FARGAZE_BUCKET");
        bucket.map(|bucket| Self { bucket })
    }
}

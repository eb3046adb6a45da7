//! Settings of `collect-pods`; docs/configuration.md lists them all.

use fargaze::invocation::settings::{FromSettings, Settings};

/// Settings of `collect-pods`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `FARGAZE_BUCKET`: the stack's bucket.
    pub bucket: String,
    /// `FARGAZE_ROLE_ARN`: ARN of the function's role, which clusters of the home account need an
    /// access entry for.
    pub role: String,
}

impl FromSettings for Config {
    fn read(settings: &Settings<'_>) -> Option<Self> {
        let (bucket, role) = (settings.require("FARGAZE_BUCKET"), settings.require("FARGAZE_ROLE_ARN"));
        bucket.zip(role).map(|(bucket, role)| Self { bucket, role })
    }
}

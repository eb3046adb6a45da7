//! Settings of `collect-metrics`; docs/configuration.md lists them all.

use fargaze::invocation::settings::{FromSettings, Settings};

/// Settings of `collect-metrics`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `FARGAZE_BUCKET`: the stack's bucket.
    pub bucket: String,
    /// `FARGAZE_TABLE`: the stack's table.
    pub table: String,
}

impl FromSettings for Config {
    fn read(settings: &Settings<'_>) -> Option<Self> {
        let (bucket, table) = (settings.require("FARGAZE_BUCKET"), settings.require("FARGAZE_TABLE"));
        bucket.zip(table).map(|(bucket, table)| Self { bucket, table })
    }
}

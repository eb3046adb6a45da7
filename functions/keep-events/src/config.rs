//! Settings of `keep-events`; docs/configuration.md lists them all.

use fargaze::invocation::settings::{FromSettings, Settings};

/// Settings of `keep-events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `FARGAZE_TABLE`: the stack's table.
    pub table: String,
}

impl FromSettings for Config {
    fn read(settings: &Settings<'_>) -> Option<Self> {
        settings.require("FARGAZE_TABLE").map(|table| Self { table })
    }
}

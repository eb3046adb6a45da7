//! Settings of `enable-insights`; docs/configuration.md lists them all.

use fargaze::cluster::AccountId;
use fargaze::insights::Wish;
use fargaze::settings::{BadSettings, Settings, from_env};

/// Settings of `enable-insights`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `FARGAZE_BUCKET`: the stack's bucket.
    pub bucket: String,
    /// `FARGAZE_TABLE`: the stack's table.
    pub table: String,
    /// `FARGAZE_ACCOUNT`: the account whose events are acted on.
    pub account: AccountId,
    /// `FARGAZE_INSIGHTS_LEVEL`, `FARGAZE_EXISTING_CLUSTERS` and `FARGAZE_EXCLUDE_CLUSTERS`: what is wished of every
    /// cluster.
    pub wish: Wish,
}

impl Config {
    /// The settings of the process environment.
    pub fn from_env() -> Result<Self, BadSettings> {
        Self::from_lookup(&from_env)
    }

    /// The settings of any source.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadSettings> {
        let settings = Settings::new(lookup);
        let (bucket, table) = (settings.require("FARGAZE_BUCKET"), settings.require("FARGAZE_TABLE"));
        let account = settings.require("FARGAZE_ACCOUNT");
        let at_least = settings.require("FARGAZE_INSIGHTS_LEVEL");
        let existing = settings.require("FARGAZE_EXISTING_CLUSTERS");
        let exclude = settings.require("FARGAZE_EXCLUDE_CLUSTERS");
        let wish = at_least.zip(existing).zip(exclude).map(|((at_least, existing), exclude)| Wish {
            at_least,
            existing,
            exclude,
        });
        let built = bucket.zip(table).zip(account).zip(wish).map(|(((bucket, table), account), wish)| Self {
            bucket,
            table,
            account,
            wish,
        });
        settings.all(built)
    }
}

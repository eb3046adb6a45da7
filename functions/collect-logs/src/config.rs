//! Settings of `collect-logs`; docs/configuration.md lists them all.

use fargaze::invocation::settings::{FromSettings, Settings};
use fargaze::model::cluster::{AccountId, Region};

/// Settings of `collect-logs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `FARGAZE_BUCKET`: the stack's bucket.
    pub bucket: String,
    /// `FARGAZE_TABLE`: the stack's table, which stores what queries have cost.
    pub table: String,
    /// `FARGAZE_ACCOUNT`: the account that needs no role.
    pub account: AccountId,
    /// `FARGAZE_ROLE_ARN`: ARN of the function's role, which clusters of the home account need an
    /// access entry for if the logs of their pods are to be read.
    pub role: String,
    /// `AWS_REGION`, which Lambda sets: the Region that a question by hand is about if it names
    /// none.
    pub region: Region,
}

impl FromSettings for Config {
    fn read(settings: &Settings<'_>) -> Option<Self> {
        let (bucket, table) = (settings.require("FARGAZE_BUCKET"), settings.require("FARGAZE_TABLE"));
        let (account, region) = (settings.require("FARGAZE_ACCOUNT"), settings.require("AWS_REGION"));
        let role = settings.require("FARGAZE_ROLE_ARN");
        let places = bucket.zip(table).zip(role);
        let ((bucket, table), role) = places?;
        account.zip(region).map(|(account, region)| Self { bucket, table, account, role, region })
    }
}

//! Settings of `enable-insights`; docs/configuration.md lists them all.

use fargaze::invocation::settings::{FromSettings, Settings};
use fargaze::model::cluster::{AccountId, Region};

/// Settings of `enable-insights`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `FARGAZE_BUCKET`: the stack's bucket.
    pub bucket: String,
    /// `FARGAZE_TABLE`: the stack's table.
    pub table: String,
    /// `FARGAZE_ACCOUNT`: the home account, which needs no role.
    pub account: AccountId,
    /// `FARGAZE_REGION`: the home Region, from which events of new clusters are expected.
    pub region: Region,
    /// `FARGAZE_ROLE_ARN`: the role of this function, so that it recognizes events about its own
    /// calls.
    pub role_arn: String,
    /// `FARGAZE_QUEUE_URL`: the stack's own queue, through which clusters with pending EKS updates
    /// are checked again.
    pub queue_url: String,
}

impl FromSettings for Config {
    fn read(settings: &Settings<'_>) -> Option<Self> {
        let (bucket, table) = (settings.require("FARGAZE_BUCKET"), settings.require("FARGAZE_TABLE"));
        let (account, region) = (settings.require("FARGAZE_ACCOUNT"), settings.require("FARGAZE_REGION"));
        let (role_arn, queue_url) =
            (settings.require("FARGAZE_ROLE_ARN"), settings.require("FARGAZE_QUEUE_URL"));
        let own = role_arn.zip(queue_url);
        let home = account.zip(region).zip(own);
        bucket.zip(table).zip(home).map(|((bucket, table), ((account, region), (role_arn, queue_url)))| {
            Self { bucket, table, account, region, role_arn, queue_url }
        })
    }
}

//! Settings of `forward-summary`; docs/configuration.md lists them all.

use fargaze::invocation::settings::{FromSettings, Settings};
use fargaze::model::cluster::Region;

/// Settings of `forward-summary`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `FARGAZE_BUCKET`: the stack's bucket.
    pub bucket: String,
    /// `FARGAZE_TABLE`: the stack's table.
    pub table: String,
    /// `FARGAZE_TOPIC_ARN`: the stack's topic.
    pub topic_arn: String,
    /// `FARGAZE_STACK`: name of the stack.
    pub stack: String,
    /// `AWS_REGION`, which Lambda sets: where the bucket is.
    pub region: Region,
    /// `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets to the stack's `LogLevel`; defaults to INFO, as in
    /// Lambda.
    pub log_level: String,
}

impl FromSettings for Config {
    fn read(settings: &Settings<'_>) -> Option<Self> {
        let log_level = settings.optional("AWS_LAMBDA_LOG_LEVEL");
        let bucket = settings.require("FARGAZE_BUCKET");
        let table = settings.require("FARGAZE_TABLE");
        let topic_arn = settings.require("FARGAZE_TOPIC_ARN");
        let stack = settings.require("FARGAZE_STACK");
        let region = settings.require("AWS_REGION");
        let built = bucket.zip(table).zip(topic_arn).zip(stack.zip(region));
        built.map(|(((bucket, table), topic_arn), (stack, region))| Self {
            bucket,
            table,
            topic_arn,
            stack,
            region,
            log_level: log_level.unwrap_or_else(|| "INFO".to_owned()),
        })
    }
}

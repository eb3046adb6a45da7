//! Amazon `CloudWatch` Logs: log groups.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::LogGroup as SdkGroup;
use fargaze::logs::LogGroup;
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;

use super::pages::Pages;
use super::rate_limiter::RateLimiter;
use super::sdk_error::fault;

/// Log groups on one page, the maximum.
const PAGE: i32 = 50;

/// `CloudWatch` Logs in one account and Region, limited to the published rates (Amazon `CloudWatch`
/// Logs User Guide, "`CloudWatch` Logs quotas").
#[derive(Debug)]
pub struct Logs {
    client: Client,
    describe_log_groups: RateLimiter,
}

impl Logs {
    /// Creates the client with the credentials and Region of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config), describe_log_groups: RateLimiter::new(10, 10) }
    }

    /// Describes all log groups of the account and Region, by name (`DescribeLogGroups`, every
    /// page).
    pub async fn groups(&self) -> Result<BTreeMap<String, LogGroup>, Fault> {
        const OPERATION: Operation = Operation::LogsDescribeLogGroups;
        let (mut groups, mut token) = (BTreeMap::new(), None);
        let mut pages = Pages::of(OPERATION, "");
        loop {
            self.describe_log_groups.ready().await;
            let request = self.client.describe_log_groups().limit(PAGE).set_next_token(token.take());
            let page = request.send().await.map_err(|error| fault(OPERATION, "", &error))?;
            let names = page.log_groups().iter().map(|group| group.log_group_name());
            token = pages.next(names, page.next_token())?;
            for group in page.log_groups() {
                let group = log_group(group).ok_or_else(|| {
                    Fault::malformed(OPERATION, "", "a log group without a name".to_owned())
                })?;
                groups.insert(group.name.clone(), group);
            }
            if token.is_none() {
                return Ok(groups);
            }
        }
    }
}

fn log_group(group: &SdkGroup) -> Option<LogGroup> {
    Some(LogGroup {
        name: group.log_group_name()?.to_owned(),
        class: group.log_group_class().map_or("STANDARD", |class| class.as_str()).to_owned(),
        retention_days: group.retention_in_days().and_then(|days| u32::try_from(days).ok()),
        stored_bytes: group.stored_bytes().and_then(|bytes| u64::try_from(bytes).ok()),
        has_kms_key: group.kms_key_id().is_some(),
    })
}

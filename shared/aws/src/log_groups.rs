//! Amazon `CloudWatch` Logs: log groups.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::LogGroup as SdkGroup;
use fargaze::logs::LogGroup;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use tokio::time::Instant;

use super::ecs::count;
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
    /// Creates the client with the credentials and Region of `config`. `others` clients at once
    /// share the rate: those of the other parts and platform.
    pub fn new(config: &SdkConfig, others: u32) -> Self {
        let share = 0.9 / f64::from(others + 1);
        Self { client: Client::new(config), describe_log_groups: RateLimiter::sharing(10, 10, share) }
    }

    /// Describes all log groups of the account and Region, by name (`DescribeLogGroups`, every
    /// page). It is a fault if they are too many for the rate before the deadline.
    pub async fn groups(&self, deadline: Instant) -> Result<BTreeMap<String, LogGroup>, Fault> {
        const OPERATION: Operation = Operation::LogsDescribeLogGroups;
        let (mut groups, mut token) = (BTreeMap::new(), None);
        let mut pages = Pages::of(OPERATION, "");
        loop {
            self.describe_log_groups.ready().await;
            if Instant::now() >= deadline {
                return Err(too_many(groups.len()));
            }
            let request = self.client.describe_log_groups().limit(PAGE).set_next_token(token.take());
            let page = request.send().await.map_err(|error| fault(OPERATION, "", &error))?;
            let names = page.log_groups().iter().map(|group| group.log_group_name());
            token = pages.next(names, page.next_token())?;
            for group in page.log_groups() {
                let group = log_group(group).map_err(|why| Fault::malformed(OPERATION, "", why))?;
                groups.insert(group.name.clone(), group);
            }
            if token.is_none() {
                return Ok(groups);
            }
        }
    }
}

fn too_many(read: usize) -> Fault {
    Fault {
        operation: Operation::LogsDescribeLogGroups,
        subject: String::new(),
        kind: FaultKind::Transient,
        code: "deadline".to_owned(),
        message: format!("there are more log groups than could be listed in time; {read} were read"),
    }
}

fn log_group(group: &SdkGroup) -> Result<LogGroup, String> {
    let bytes = |bytes: i64| u64::try_from(bytes).map_err(|_| format!("storedBytes is {bytes}"));
    Ok(LogGroup {
        name: group.log_group_name().ok_or("a log group without a name")?.to_owned(),
        class: group.log_group_class().map_or("STANDARD", |class| class.as_str()).to_owned(),
        retention_days: group.retention_in_days().map(|days| count("retentionInDays", days)).transpose()?,
        stored_bytes: group.stored_bytes().map(bytes).transpose()?,
        has_kms_key: group.kms_key_id().is_some(),
    })
}

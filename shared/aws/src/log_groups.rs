//! Amazon `CloudWatch` Logs: log groups.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::LogGroup as SdkGroup;
use fargaze::logs::LogGroup;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::rules::pattern::NamePattern;
use jiff::Timestamp;
use tokio::time::Instant;

use super::ecs::count;
use super::pages::Pages;
use super::rate_limiter::RateLimiter;
use super::sdk_error::fault;

/// Log groups on one page, the maximum.
const PAGE: i32 = 50;
/// Listing by so many prefixes is still cheaper than listing everything.
const MOST_PREFIXES: usize = 5;

/// `CloudWatch` Logs in one account and Region, limited to the published rates (Amazon `CloudWatch`
/// Logs User Guide, "`CloudWatch` Logs quotas").
#[derive(Debug)]
pub struct Logs {
    pub(super) client: Client,
    pub(super) describe_log_groups: RateLimiter,
    pub(super) change_retention: RateLimiter,
    pub(super) start_query: RateLimiter,
    pub(super) get_query_results: RateLimiter,
    pub(super) get_log_events: RateLimiter,
    pub(super) filter_log_events: RateLimiter,
}

impl Logs {
    /// Creates the client with the credentials and Region of `config`. `others` clients at once
    /// share the rate: those of the other parts and platform.
    pub fn new(config: &SdkConfig, others: u32) -> Self {
        let share = 0.9 / f64::from(others + 1);
        let of = |rate| RateLimiter::sharing(rate, rate, share);
        Self {
            client: Client::new(config),
            describe_log_groups: of(10),
            change_retention: of(5),
            start_query: of(10),
            get_query_results: of(10),
            // The lowest rates of any Region.
            get_log_events: of(10),
            filter_log_events: of(5),
        }
    }

    /// The same client for one of the targets of the account and Region that run queries; so many
    /// others do.
    #[must_use]
    pub fn querying_beside(self, others: u32) -> Self {
        let share = 0.9 / f64::from(others + 1);
        let of = |rate| RateLimiter::sharing(rate, rate, share);
        Self { start_query: of(10), get_query_results: of(10), ..self }
    }

    /// Describes all log groups of the account and Region, by name (`DescribeLogGroups`, every
    /// page). It is a fault if they are too many for the rate before the deadline.
    pub async fn groups(&self, deadline: Instant) -> Result<BTreeMap<String, LogGroup>, Fault> {
        self.groups_with(None, deadline).await
    }

    /// Describes the log groups that match one of the patterns, and possibly others: those with the
    /// patterns' beginnings if these are few, else all.
    pub async fn groups_matching(
        &self,
        patterns: &[NamePattern],
        deadline: Instant,
    ) -> Result<BTreeMap<String, LogGroup>, Fault> {
        let prefixes = prefixes(patterns);
        if prefixes.len() > MOST_PREFIXES || prefixes.iter().any(String::is_empty) {
            return self.groups(deadline).await;
        }
        let mut groups = BTreeMap::new();
        for prefix in prefixes {
            groups.extend(self.groups_with(Some(&prefix), deadline).await?);
        }
        Ok(groups)
    }

    async fn groups_with(
        &self,
        prefix: Option<&str>,
        deadline: Instant,
    ) -> Result<BTreeMap<String, LogGroup>, Fault> {
        const OPERATION: Operation = Operation::LogsDescribeLogGroups;
        let (mut groups, mut token) = (BTreeMap::new(), None);
        let mut pages = Pages::of(OPERATION, "");
        loop {
            self.describe_log_groups.ready().await;
            if Instant::now() >= deadline {
                return Err(too_many(groups.len()));
            }
            let request = self.client.describe_log_groups().limit(PAGE).set_next_token(token.take());
            let request = request.set_log_group_name_prefix(prefix.map(ToOwned::to_owned));
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

/// What the matching names begin with; a beginning that another one covers is left out.
fn prefixes(patterns: &[NamePattern]) -> Vec<String> {
    let mut prefixes: Vec<String> = patterns.iter().map(|pattern| pattern.prefix().to_owned()).collect();
    prefixes.sort();
    prefixes.dedup_by(|longer, shorter| longer.starts_with(shorter.as_str()));
    prefixes
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

pub(super) fn log_group(group: &SdkGroup) -> Result<LogGroup, String> {
    let bytes = |bytes: i64| u64::try_from(bytes).map_err(|_| format!("storedBytes is {bytes}"));
    Ok(LogGroup {
        name: group.log_group_name().ok_or("a log group without a name")?.to_owned(),
        class: group.log_group_class().map_or("STANDARD", |class| class.as_str()).to_owned(),
        retention_days: group.retention_in_days().map(|days| count("retentionInDays", days)).transpose()?,
        stored_bytes: group.stored_bytes().map(bytes).transpose()?,
        has_kms_key: group.kms_key_id().is_some(),
        created_at: group.creation_time().and_then(|at| Timestamp::from_millisecond(at).ok()),
    })
}

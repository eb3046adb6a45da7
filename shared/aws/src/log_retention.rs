//! Amazon `CloudWatch` Logs: the retention of log groups.

use aws_sdk_cloudwatchlogs::operation::RequestId;
use fargaze::logs::LogGroup;
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;

use super::log_groups::{Logs, log_group};
use super::sdk_error::fault;

impl Logs {
    /// Describes one log group (`DescribeLogGroups`); `None` if it does not exist. The listing is
    /// in order of names, so a group comes first among those that begin with its name.
    pub async fn group(&self, name: &str) -> Result<Option<LogGroup>, Fault> {
        const OPERATION: Operation = Operation::LogsDescribeLogGroups;
        self.describe_log_groups.ready().await;
        let request = self.client.describe_log_groups().log_group_name_prefix(name).limit(1);
        let page = request.send().await.map_err(|error| fault(OPERATION, name, &error))?;
        let group = page.log_groups().iter().find(|group| group.log_group_name() == Some(name));
        group.map(|group| log_group(group).map_err(|why| Fault::malformed(OPERATION, name, why))).transpose()
    }

    /// Lets the events of a log group expire after these days (`PutRetentionPolicy`), which deletes
    /// older ones for good within 72 hours; returns the request id.
    pub async fn put_retention(&self, name: &str, days: u32) -> Result<Option<String>, Fault> {
        const OPERATION: Operation = Operation::LogsPutRetentionPolicy;
        self.change_retention.ready().await;
        let days = i32::try_from(days)
            .map_err(|_| Fault::bug(OPERATION, name.to_owned(), format!("{days} days of retention")))?;
        let request = self.client.put_retention_policy().log_group_name(name).retention_in_days(days);
        let answer = request.send().await.map_err(|error| fault(OPERATION, name, &error))?;
        Ok(answer.request_id().map(ToOwned::to_owned))
    }

    /// Lets the events of a log group never expire (`DeleteRetentionPolicy`); returns the request
    /// id.
    pub async fn delete_retention(&self, name: &str) -> Result<Option<String>, Fault> {
        self.change_retention.ready().await;
        let request = self.client.delete_retention_policy().log_group_name(name);
        let answer = request.send().await;
        let answer = answer.map_err(|error| fault(Operation::LogsDeleteRetentionPolicy, name, &error))?;
        Ok(answer.request_id().map(ToOwned::to_owned))
    }
}

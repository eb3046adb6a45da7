//! Amazon CloudWatch Logs.
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/>

mod event;
mod events;
mod insights;
mod lexer;
mod queries;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::estate::{Estate, LogGroupSpec};
use crate::request::Request;
use crate::service::Target;
use crate::wire::{Outcome, Refusal, json};
use crate::world::World;

pub(crate) use queries::StartedQuery;

/// Creation time of every group, in epoch milliseconds.
const CREATED: i64 = 1_700_000_000_000;

/// Answers one call.
pub(crate) fn call(request: &Request, target: &Target, world: &mut World) -> Outcome {
    let input = json::input(&request.body)?;
    let estate = world.estate(&request.account, &request.region);
    let output = match target.operation.as_str() {
        "DescribeLogGroups" => describe_groups(estate, &input),
        "StartQuery" => queries::start(estate, &input),
        "GetQueryResults" => queries::results(estate, &input),
        "StopQuery" => queries::stop(estate, &input),
        "FilterLogEvents" => events::filter(estate, &input),
        "GetLogEvents" => events::get(estate, &input),
        "PutRetentionPolicy" => put_retention(estate, &input),
        "DeleteRetentionPolicy" => delete_retention(estate, &input),
        _ => Err(target.unknown()),
    }?;
    Ok(json::output(json::Version::V1_1, &output))
}

/// A time as Logs Insights writes it.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

fn no_group(name: &str) -> Refusal {
    Refusal::bad("ResourceNotFoundException", format!("Log group '{name}' does not exist."))
}

/// Days that `PutRetentionPolicy` accepts (its API reference).
const RETENTION: [i64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

fn put_retention(estate: &mut Estate, input: &Value) -> Result<Value, Refusal> {
    let days = input["retentionInDays"].as_i64().unwrap_or_default();
    if !RETENTION.contains(&days) {
        return Err(invalid("Invalid retentionInDays."));
    }
    group_mut(estate, input)?.retention = Some(days);
    Ok(json!({}))
}

fn delete_retention(estate: &mut Estate, input: &Value) -> Result<Value, Refusal> {
    group_mut(estate, input)?.retention = None;
    Ok(json!({}))
}

fn group_mut<'a>(estate: &'a mut Estate, input: &Value) -> Result<&'a mut LogGroupSpec, Refusal> {
    let name = input["logGroupName"].as_str().unwrap_or_default();
    estate.log_groups.get_mut(name).ok_or_else(|| no_group(name))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::bad("InvalidParameterException", message)
}

/// Groups by name, at most 50 on a page.
fn describe_groups(estate: &Estate, input: &Value) -> Result<Value, Refusal> {
    for member in ["accountIdentifiers", "includeLinkedAccounts"] {
        if !input[member].is_null() && input[member] != false {
            return Err(invalid(format!("fake-aws does not fake {member}")));
        }
    }
    let text = |member: &str| input[member].as_str();
    let (prefix, pattern) = (text("logGroupNamePrefix"), text("logGroupNamePattern"));
    if prefix.is_some() && pattern.is_some() {
        return Err(invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive."));
    }
    let after = match text("nextToken") {
        None => None,
        Some(token) => {
            Some(token.strip_prefix("after:").ok_or_else(|| invalid("The specified nextToken is invalid."))?)
        }
    };
    let named = input["logGroupIdentifiers"].as_array();
    let fits = |group: &&LogGroupSpec| {
        prefix.is_none_or(|prefix| group.name.starts_with(prefix))
            && pattern.is_none_or(|pattern| group.name.contains(pattern))
            && text("logGroupClass").is_none_or(|class| group.class == class)
            && named.is_none_or(|names| names.iter().any(|name| *name == group.name.as_str()))
            && after.is_none_or(|after| group.name.as_str() > after)
    };
    let limit = input["limit"].as_u64().unwrap_or(50) as usize;
    let mut groups = estate.log_groups.values().filter(fits).peekable();
    let page: Vec<&LogGroupSpec> = groups.by_ref().take(limit).collect();
    let more = groups.peek().is_some();
    let mut output = json!({
        "logGroups": page.iter().map(|group| group_json(estate, group)).collect::<Vec<_>>(),
    });
    if let Some(last) = page.last().filter(|_| more) {
        output["nextToken"] = format!("after:{}", last.name).into();
    }
    Ok(output)
}

fn group_json(estate: &Estate, group: &LogGroupSpec) -> Value {
    let arn = format!("arn:aws:logs:{}:{}:log-group:{}", estate.region, estate.account, group.name);
    let mut output = json!({
        "logGroupName": group.name,
        "creationTime": group.created.unwrap_or(CREATED),
        "metricFilterCount": 0,
        "arn": format!("{arn}:*"),
        "logGroupArn": arn,
        "storedBytes": group.stored,
        "logGroupClass": group.class,
    });
    if let Some(days) = group.retention {
        output["retentionInDays"] = days.into();
    }
    if let Some(key) = &group.key {
        output["kmsKeyId"] = key.as_str().into();
    }
    output
}

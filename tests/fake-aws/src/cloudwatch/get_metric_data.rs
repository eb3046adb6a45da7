//! `GetMetricData`: up to 500 series a call, paged by data points.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;

use super::statistic::Statistic;
use super::{Dimension, Window, key_of, required_time};
use crate::estate::{Estate, Oddity};
use crate::wire::{Outcome, Refusal, cbor};

/// Maximum number of data points per page.
const PAGE: usize = 100_800;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(default)]
    metric_data_queries: Vec<Query>,
    start_time: Option<ciborium::Value>,
    end_time: Option<ciborium::Value>,
    next_token: Option<String>,
    scan_by: Option<String>,
    max_datapoints: Option<i64>,
}

#[derive(Debug, Deserialize, Hash)]
#[serde(rename_all = "PascalCase")]
struct Query {
    id: String,
    metric_stat: Option<MetricStat>,
    expression: Option<String>,
    label: Option<String>,
    return_data: Option<bool>,
}

#[derive(Debug, Deserialize, Hash)]
#[serde(rename_all = "PascalCase")]
struct MetricStat {
    metric: Metric,
    period: i64,
    stat: String,
    unit: Option<String>,
}

#[derive(Debug, Deserialize, Hash)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    #[serde(default)]
    namespace: String,
    #[serde(default, rename = "MetricName")]
    name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
}

/// One entry of `MetricDataResults`.
#[derive(Debug)]
struct Row {
    id: String,
    label: String,
    points: Vec<(i64, f64)>,
    lost_values: usize,
    status: String,
    message: Option<(String, String)>,
}

pub(super) fn call(input: &Input, estate: &mut Estate, billed: &mut u64) -> Outcome {
    let start = required_time("StartTime", input.start_time.as_ref())?;
    let end = required_time("EndTime", input.end_time.as_ref())?;
    validate(input, start, end)?;
    let digest = digest(input, start, end);
    let (mut at, mut skip) = match &input.next_token {
        None => (0, 0),
        Some(token) => place(token, digest, input.metric_data_queries.len())?,
    };
    if input.next_token.is_none() {
        // An expression is computed from metrics that are billed themselves.
        *billed +=
            input.metric_data_queries.iter().filter(|query| query.metric_stat.is_some()).count() as u64;
    }

    let asked = input.max_datapoints.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE);
    let mut room = asked.min(estate.page_points.unwrap_or(PAGE)).max(1);
    let ascending = input.scan_by.as_deref() == Some("TimestampAscending");
    let mut rows = Vec::with_capacity(input.metric_data_queries.len() - at);
    while let Some(query) = input.metric_data_queries.get(at) {
        // A series without points needs no space; any other waits for the next page when the page
        // is full.
        let mut row = match &query.expression {
            Some(_) => percent_of_quota(query, input, (start, end), ascending, estate),
            None => row(query, (start, end), ascending, estate),
        };
        let left = row.points.len().saturating_sub(skip);
        if left > 0 && room == 0 {
            break;
        }
        row.points.drain(..skip.min(row.points.len()));
        let taken = left.min(room);
        room -= taken;
        if taken < left {
            row.points.truncate(taken);
            "PartialData".clone_into(&mut row.status);
            skip += taken;
            rows.push(row);
            break;
        }
        skip = 0;
        at += 1;
        if query.return_data != Some(false) {
            rows.push(row);
        }
    }
    let more = at < input.metric_data_queries.len();
    Ok(output(&rows, more.then(|| format!("{digest:016x}.{at}.{skip}"))))
}

fn validate(input: &Input, start: f64, end: f64) -> Result<(), Refusal> {
    let refuse = |message: String| Err(Refusal::bad("ValidationError", message));
    if start >= end {
        return refuse("The parameter StartTime must be less than the parameter EndTime.".into());
    }
    if input.metric_data_queries.is_empty() {
        return refuse("The parameter MetricDataQueries is required.".into());
    }
    if input.metric_data_queries.len() > 500 {
        return refuse("The collection MetricDataQueries must not have a size greater than 500.".into());
    }
    // The API page states only the default, and no bound; more than a page can hold is treated as a
    // mistake.
    if let Some(most) = input.max_datapoints
        && !(1..=PAGE as i64).contains(&most)
    {
        return refuse(format!("The value {most} for parameter MaxDatapoints is not between 1 and {PAGE}."));
    }
    if let Some(order) = &input.scan_by
        && !["TimestampAscending", "TimestampDescending"].contains(&order.as_str())
    {
        return refuse(format!("The value {order} for parameter ScanBy is not supported."));
    }
    let mut ids = HashSet::new();
    for query in &input.metric_data_queries {
        let id = query.id.as_str();
        let legal = id.len() <= 255
            && id.starts_with(|first: char| first.is_ascii_lowercase())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !legal {
            return refuse(format!(
                "The value {id} for parameter Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
            ));
        }
        if !ids.insert(id) {
            return refuse(format!("The values for parameter Id in MetricDataQueries are not unique: {id}."));
        }
        if let Some(expression) = &query.expression {
            let used = quota_of(expression);
            if !used.is_some_and(|used| input.metric_data_queries.iter().any(|query| query.id == used)) {
                return refuse(format!("fake-aws only fakes 100*ID/SERVICE_QUOTA(ID) (query {id})."));
            }
            continue;
        }
        let Some(asked) = &query.metric_stat else {
            return refuse(format!("Either Expression or MetricStat is required (query {id})."));
        };
        if asked.period < 60 || asked.period % 60 != 0 {
            return refuse(format!(
                "The parameter Period must be a multiple of 60, is {} (query {id}).",
                asked.period
            ));
        }
        if Statistic::parse(&asked.stat).is_none() {
            return refuse(format!("fake-aws does not fake the statistic {} (query {id}).", asked.stat));
        }
        if asked.metric.dimensions.len() > 30 {
            return refuse(format!(
                "The collection Dimensions must not have a size greater than 30 (query {id})."
            ));
        }
    }
    Ok(())
}

/// The parameters that must be equal on every page of a request.
fn digest(input: &Input, start: f64, end: f64) -> u64 {
    let mut hasher = DefaultHasher::new();
    input.metric_data_queries.hash(&mut hasher);
    (start.to_bits(), end.to_bits(), &input.scan_by, input.max_datapoints).hash(&mut hasher);
    hasher.finish()
}

/// The position in the queries that a token names, and the number of points of that series already
/// sent.
fn place(token: &str, digest: u64, queries: usize) -> Result<(usize, usize), Refusal> {
    let parse = || {
        let mut parts = token.split('.');
        let same = u64::from_str_radix(parts.next()?, 16).ok()? == digest;
        let at: usize = parts.next()?.parse().ok()?;
        let skip = parts.next()?.parse().ok()?;
        (same && at < queries).then_some((at, skip))
    };
    parse().ok_or_else(|| Refusal::bad("InvalidNextToken", "The next token is not valid."))
}

/// The metric of `100*ID/SERVICE_QUOTA(ID)`.
fn quota_of(expression: &str) -> Option<&str> {
    let (used, quota) = expression.strip_prefix("100*")?.split_once('/')?;
    let of = quota.strip_prefix("SERVICE_QUOTA(")?.strip_suffix(')')?;
    (used == of).then_some(used)
}

/// The use of a metric in percent of its quota; without points if it has none.
fn percent_of_quota(
    query: &Query,
    input: &Input,
    times: (f64, f64),
    ascending: bool,
    estate: &mut Estate,
) -> Row {
    let used = query.expression.as_deref().and_then(quota_of).unwrap_or_default();
    let used = input.metric_data_queries.iter().find(|other| other.id == used).expect("validated");
    let mut row = row(used, times, ascending, estate);
    let key = used
        .metric_stat
        .as_ref()
        .map(|stat| key_of(&stat.metric.namespace, &stat.metric.name, &stat.metric.dimensions));
    match key.and_then(|key| estate.quotas.get(&key)) {
        Some(quota) => row.points.iter_mut().for_each(|(_, value)| *value *= 100.0 / quota),
        None => row.points.clear(),
    }
    Row { id: query.id.clone(), label: query.label.clone().unwrap_or_default(), ..row }
}

/// The complete result of a query, including oddities.
fn row(query: &Query, times: (f64, f64), ascending: bool, estate: &mut Estate) -> Row {
    let mut row = Row {
        id: query.id.clone(),
        label: query.label.clone().unwrap_or_default(),
        points: Vec::new(),
        lost_values: 0,
        status: "Complete".to_owned(),
        message: None,
    };
    let Some(stat) = &query.metric_stat else {
        return row;
    };
    if query.label.is_none() {
        row.label.clone_from(&stat.metric.name);
    }
    let key = key_of(&stat.metric.namespace, &stat.metric.name, &stat.metric.dimensions);
    let unit_fits = stat.unit.as_deref().is_none_or(|unit| unit == key.unit());
    if let (Some(series), Some(statistic), true) =
        (estate.find_series(&key), Statistic::parse(&stat.stat), unit_fits)
    {
        let buckets = Window::new(times.0, times.1, stat.period).buckets(estate);
        let point = |(from, until)| Some((from * 60, statistic.of(series.fold(from, until))?));
        row.points = if ascending {
            buckets.filter_map(point).collect()
        } else {
            buckets.rev().filter_map(point).collect()
        };
    }
    let odd = estate.oddities.iter_mut().find(|(odd, oddity)| *odd == key && oddity.left > 0);
    if let Some((_, oddity)) = odd {
        oddity.left -= 1;
        make_odd(&mut row, oddity);
    }
    row
}

fn make_odd(row: &mut Row, oddity: &Oddity) {
    if let Some(status) = &oddity.status {
        row.status.clone_from(status);
    }
    if let Some(id) = &oddity.id {
        row.id.clone_from(id);
    }
    if oddity.silent {
        row.points.clear();
    }
    row.lost_values = oddity.lost_values;
    row.message.clone_from(&oddity.message);
}

fn output(rows: &[Row], token: Option<String>) -> crate::wire::Answer {
    let points: usize = rows.iter().map(|row| row.points.len()).sum();
    let mut out = cbor::Writer::with_capacity(200 + rows.len() * 120 + points * 15);
    out.map(if token.is_some() { 3 } else { 2 }).text("MetricDataResults").array(rows.len());
    for row in rows {
        let values = row.points.len().saturating_sub(row.lost_values);
        out.map(if row.message.is_some() { 6 } else { 5 });
        out.text("Id").text(&row.id).text("Label").text(&row.label);
        out.text("Timestamps").array(row.points.len());
        for (seconds, _) in &row.points {
            out.timestamp(*seconds);
        }
        out.text("Values").array(values);
        for (_, value) in &row.points[..values] {
            out.double(*value);
        }
        out.text("StatusCode").text(&row.status);
        if let Some((code, value)) = &row.message {
            out.text("Messages").array(1);
            out.map(2).text("Code").text(code).text("Value").text(value);
        }
    }
    out.text("Messages").array(0);
    if let Some(token) = token {
        out.text("NextToken").text(&token);
    }
    out.output()
}

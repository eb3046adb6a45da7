//! `StartQuery`, `GetQueryResults`, `StopQuery`.

use serde_json::{Value, json};

use super::event::Event;
use super::insights::{self, Row};
use super::{invalid, no_group};
use crate::estate::Estate;
use crate::wire::Refusal;

/// Queries that an account runs at once.
const AT_ONCE: usize = 100;
/// Rows on a page of the results.
const PAGE: usize = 10_000;

/// A query that was started.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StartedQuery {
    rows: Vec<Row>,
    scanned: usize,
    matched: usize,
    groups: usize,
    /// Polls until it has ended.
    polls: usize,
    status: String,
}

impl StartedQuery {
    fn is_running(&self) -> bool {
        self.status == "Running" || self.polls > 0
    }
}

pub(super) fn start(estate: &mut Estate, input: &Value) -> Result<Value, Refusal> {
    let text = input["queryString"].as_str().unwrap_or_default();
    let names: Vec<String> =
        match (&input["logGroupName"], &input["logGroupNames"], &input["logGroupIdentifiers"]) {
            (Value::Null, Value::Array(names), Value::Null) => {
                names.iter().filter_map(|name| name.as_str().map(ToOwned::to_owned)).collect()
            }
            _ => return Err(invalid("fake-aws fakes logGroupNames only")),
        };
    let (start, end) = (input["startTime"].as_i64().unwrap_or(0), input["endTime"].as_i64().unwrap_or(0));
    if start > end {
        return Err(invalid("End time should not be before start time."));
    }
    let mut classes: Vec<&str> = Vec::new();
    for name in &names {
        let group = estate.log_groups.get(name).ok_or_else(|| no_group(name))?;
        classes.push(&group.class);
    }
    classes.dedup();
    if classes.len() > 1 || classes.contains(&"DELIVERY") {
        return Err(invalid("Queries are only supported on log groups of one class."));
    }
    if estate.queries.values().filter(|query| query.is_running()).count() >= AT_ONCE {
        return Err(Refusal::bad(
            "LimitExceededException",
            "Account maximum query concurrency limit of [100] reached.",
        ));
    }
    let events = events(estate, &names, start, end);
    let scanned = events.iter().map(|event| event.fields["@message"].len()).sum();
    let limit = input["limit"].as_u64().unwrap_or(10_000) as usize;
    let (mut rows, matched) = insights::run(text, events)
        .map_err(|why| Refusal::bad("MalformedQueryException", format!("unexpected symbol found: {why}")))?;
    rows.truncate(limit);
    let odd = estate.odd_queries.iter().find(|(part, ..)| text.contains(part.as_str()));
    let (status, polls) = odd
        .map_or(("Complete".to_owned(), estate.query_polls), |(_, status, polls)| (status.clone(), *polls));
    let id = format!("00000000-0000-4000-8000-{:012}", estate.queries.len() + 1);
    let query = StartedQuery { rows, scanned, matched, groups: names.len(), polls, status };
    estate.queries.insert(id.clone(), query);
    Ok(json!({ "queryId": id }))
}

/// The events of the groups in that time, with the fields that are discovered in them.
fn events(estate: &Estate, names: &[String], start: i64, end: i64) -> Vec<Event> {
    let mut events = Vec::new();
    for ((group, stream), written) in &estate.log_events {
        if !names.contains(group) {
            continue;
        }
        for (at, message) in written.iter().filter(|(at, _)| (start..=end).contains(&(at / 1000))) {
            let time = jiff::Timestamp::from_millisecond(*at).map(super::time).unwrap_or_default();
            let mut event = Event::default();
            event.fields.extend([
                ("@timestamp".to_owned(), time),
                ("@message".to_owned(), message.clone()),
                ("@logStream".to_owned(), stream.clone()),
                ("@log".to_owned(), format!("{}:{group}", estate.account)),
            ]);
            if let Ok(Value::Object(object)) = serde_json::from_str(message) {
                discovered("", &Value::Object(object), &mut event);
            }
            events.push(event);
        }
    }
    events
}

fn discovered(path: &str, value: &Value, event: &mut Event) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                discovered(&path, value, event);
            }
        }
        Value::String(text) => drop(event.fields.insert(path.to_owned(), text.clone())),
        Value::Null | Value::Array(_) => {}
        other => drop(event.fields.insert(path.to_owned(), other.to_string())),
    }
}

pub(super) fn results(estate: &mut Estate, input: &Value) -> Result<Value, Refusal> {
    let query = find(estate, input)?;
    if query.polls > 0 {
        query.polls -= 1;
        // Rows of a query that still runs are not all.
        let some = query.rows.iter().take(query.rows.len() / 2).map(row).collect::<Vec<_>>();
        return Ok(json!({ "status": "Running", "results": some, "statistics": statistics(query) }));
    }
    let page = input["maxItems"].as_u64().map_or(PAGE, |items| items as usize);
    let from = match input["nextToken"].as_str() {
        None => 0,
        Some(token) => token
            .strip_prefix("row:")
            .and_then(|from| from.parse().ok())
            .ok_or_else(|| invalid("The specified nextToken is invalid."))?,
    };
    let rows = if query.status == "Complete" { &query.rows[from.min(query.rows.len())..] } else { &[] };
    let mut output = json!({
        "queryLanguage": "CWLI",
        "status": query.status,
        "results": rows.iter().take(page).map(row).collect::<Vec<_>>(),
        "statistics": statistics(query),
    });
    if rows.len() > page {
        output["nextToken"] = format!("row:{}", from + page).into();
    }
    Ok(output)
}

pub(super) fn stop(estate: &mut Estate, input: &Value) -> Result<Value, Refusal> {
    let query = find(estate, input)?;
    if !query.is_running() {
        return Err(invalid("Query is not in Running or Scheduled status."));
    }
    (query.status, query.polls) = ("Cancelled".to_owned(), 0);
    Ok(json!({ "success": true }))
}

fn find<'a>(estate: &'a mut Estate, input: &Value) -> Result<&'a mut StartedQuery, Refusal> {
    let id = input["queryId"].as_str().unwrap_or_default();
    let missing = || Refusal::bad("ResourceNotFoundException", "The specified query does not exist.");
    estate.queries.get_mut(id).ok_or_else(missing)
}

fn row(fields: &Row) -> Value {
    fields.iter().map(|(field, value)| json!({ "field": field, "value": value })).collect()
}

fn statistics(query: &StartedQuery) -> Value {
    json!({
        "recordsMatched": query.matched as f64,
        "recordsScanned": query.matched as f64,
        "estimatedRecordsSkipped": 0.0,
        "bytesScanned": query.scanned as f64,
        "estimatedBytesSkipped": 0.0,
        "logGroupsScanned": query.groups as f64,
        "resultCount": query.rows.len() as f64,
    })
}

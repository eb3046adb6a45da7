//! `FilterLogEvents`, `GetLogEvents`.

use serde_json::{Value, json};

use super::{invalid, no_group};
use crate::estate::Estate;
use crate::wire::Refusal;

/// Events on a page.
const PAGE: usize = 10_000;

pub(super) fn filter(estate: &Estate, input: &Value) -> Result<Value, Refusal> {
    let group = group(estate, input)?;
    for member in ["logGroupIdentifier", "logStreamNames", "logStreamNamePrefix"] {
        if !input[member].is_null() {
            return Err(invalid(format!("fake-aws does not fake {member}")));
        }
    }
    let (start, end) = (input["startTime"].as_i64(), input["endTime"].as_i64());
    let terms = terms(input["filterPattern"].as_str().unwrap_or_default())?;
    let mut events: Vec<(i64, &str, &str)> = Vec::new();
    for ((_, stream), written) in estate.log_events.iter().filter(|((of, _), _)| of == group) {
        let fits = |(at, message): &&(i64, String)| {
            start.is_none_or(|start| *at >= start)
                && end.is_none_or(|end| *at <= end)
                && terms.iter().all(|term| message.contains(term.as_str()))
        };
        events.extend(written.iter().filter(fits).map(|(at, text)| (*at, stream.as_str(), text.as_str())));
    }
    events.sort_unstable();
    let limit = input["limit"].as_u64().map_or(PAGE, |limit| limit as usize);
    let from = match input["nextToken"].as_str() {
        // The first page is empty, as the service's may be.
        None if estate.empty_pages => {
            return Ok(json!({ "events": [], "searchedLogStreams": [], "nextToken": "event:0" }));
        }
        None => 0,
        Some(token) => token
            .strip_prefix("event:")
            .and_then(|from| from.parse().ok())
            .ok_or_else(|| invalid("The specified nextToken is invalid."))?,
    };
    let rest = &events[events.len().min(from)..];
    let event = |(at, stream, message): &(i64, &str, &str)| json!({ "timestamp": at, "logStreamName": stream, "message": message, "ingestionTime": at, "eventId": format!("{at}{stream}") });
    let mut output = json!({
        "events": rest.iter().take(limit).map(event).collect::<Vec<_>>(),
        "searchedLogStreams": [],
    });
    if rest.len() > limit {
        output["nextToken"] = format!("event:{}", from + limit).into();
    }
    Ok(output)
}

pub(super) fn get(estate: &Estate, input: &Value) -> Result<Value, Refusal> {
    let group = group(estate, input)?.to_owned();
    if input["startFromHead"] == true || !input["nextToken"].is_null() {
        return Err(invalid("fake-aws fakes the last page only"));
    }
    let stream = input["logStreamName"].as_str().unwrap_or_default().to_owned();
    if stream.contains([':', '*']) {
        return Err(invalid(
            "1 validation error detected: Value at 'logStreamName' failed to satisfy constraint.",
        ));
    }
    let Some(events) = estate.log_events.get(&(group, stream)) else {
        return Err(Refusal::bad("ResourceNotFoundException", "The specified log stream does not exist."));
    };
    let limit = input["limit"].as_u64().map_or(PAGE, |limit| limit as usize);
    let mut events: Vec<&(i64, String)> = events.iter().collect();
    events.sort_by_key(|(at, _)| *at);
    let last = events.iter().skip(events.len().saturating_sub(limit));
    let event =
        |(at, message): &(i64, String)| json!({ "timestamp": at, "message": message, "ingestionTime": at });
    Ok(json!({
        "events": last.map(|event_| event(event_)).collect::<Vec<_>>(),
        "nextForwardToken": "f/1",
        "nextBackwardToken": "b/1",
    }))
}

fn group<'a>(estate: &'a Estate, input: &Value) -> Result<&'a str, Refusal> {
    let name = input["logGroupName"].as_str().unwrap_or_default();
    estate.log_groups.get(name).map(|group| group.name.as_str()).ok_or_else(|| no_group(name))
}

/// The terms of a filter pattern: words and quoted texts, all of which must occur.
fn terms(pattern: &str) -> Result<Vec<String>, Refusal> {
    let mut terms = Vec::new();
    let mut rest = pattern.trim();
    while !rest.is_empty() {
        let (term, after) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted.split_once('"').ok_or_else(|| invalid("Invalid filter pattern"))?
        } else {
            rest.split_once(' ').unwrap_or((rest, ""))
        };
        if ['{', '[', '%', '?', '-'].iter().any(|special| rest.starts_with(*special)) {
            return Err(invalid("fake-aws does not fake this kind of filter pattern"));
        }
        terms.push(term.to_owned());
        rest = after.trim_start();
    }
    Ok(terms)
}

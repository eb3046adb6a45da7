//! `Query` of one partition, paged by `Limit` and by 1 MB of items read.

use std::ops::Bound;

use serde_json::{Value, json};

use super::condition::Condition;
use super::names::{self, Names};
use super::{Item, Table, invalid};
use crate::wire::Refusal;

const PAGE: usize = 1024 * 1024;

pub(super) fn call(table: &mut Table, input: &Value) -> Result<Value, Refusal> {
    for other in ["IndexName", "Select"] {
        if input.get(other).is_some_and(|value| !value.is_null()) {
            return Err(invalid(format!("fake-aws does not fake the parameter {other}")));
        }
    }
    let mut names = Names::new(input);
    let text = input["KeyConditionExpression"].as_str().unwrap_or_default();
    let key = Condition::parse(text, &mut names)?;
    let filter = match input["FilterExpression"].as_str() {
        None => None,
        Some(text) => Some(Condition::parse(text, &mut names)?),
    };
    let wanted = names.projection(input["ProjectionExpression"].as_str())?;
    names.all_used()?;
    let partition = key
        .demanded(&table.partition)
        .and_then(|value| value["S"].as_str())
        .ok_or_else(|| invalid(format!("Query condition missed key schema element: {}", table.partition)))?
        .to_owned();
    let limit = match input["Limit"].as_u64() {
        Some(0) => return Err(invalid("Limit must be greater than or equal to 1")),
        Some(limit) => limit as usize,
        None => usize::MAX,
    };
    let forward = input["ScanIndexForward"].as_bool() != Some(false);
    let start = match input["ExclusiveStartKey"].as_object() {
        None => None,
        Some(item) => Some(table.key(item)?),
    };

    let (mut items, mut scanned, mut bytes, mut last) = (Vec::new(), 0, 0, None);
    for item in partition_of(table, &partition, start, forward).filter(|item| key.holds(item)) {
        if scanned == limit || bytes > PAGE {
            break;
        }
        scanned += 1;
        bytes += serde_json::to_string(item).map_or(0, |text| text.len());
        last = Some(item);
        if filter.as_ref().is_none_or(|filter| filter.holds(item)) {
            items.push(names::project(item, wanted.as_deref()));
        }
    }
    let mut output = json!({ "Count": items.len(), "ScannedCount": scanned, "Items": items });
    // Like DynamoDB: a page that reaches its limit has a last key even when nothing follows.
    if let Some(last) = last.filter(|_| scanned == limit || bytes > PAGE) {
        let keys: Vec<String> =
            [Some(&table.partition), table.sort.as_ref()].into_iter().flatten().cloned().collect();
        output["LastEvaluatedKey"] = Value::Object(names::project(last, Some(&keys)));
    }
    Ok(output)
}

/// The partition's items after the start key, in ascending or descending order of the sort key.
fn partition_of<'a>(
    table: &'a Table,
    partition: &str,
    start: Option<(String, String)>,
    forward: bool,
) -> Box<dyn Iterator<Item = &'a Item> + 'a> {
    let first = (partition.to_owned(), String::new());
    // A longer partition name with the same prefix sorts after all sort keys of this partition.
    let end = (partition.to_owned() + "\0", String::new());
    let (low, high) = match (start, forward) {
        (Some(start), true) => (Bound::Excluded(start), Bound::Excluded(end)),
        (Some(start), false) => (Bound::Included(first), Bound::Excluded(start)),
        (None, _) => (Bound::Included(first), Bound::Excluded(end)),
    };
    let range = table.items.range((low, high)).map(|(_, item)| item);
    if forward { Box::new(range) } else { Box::new(range.rev()) }
}

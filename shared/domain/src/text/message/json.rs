//! The JSON of a message: always one valid object within the size limit.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{harmless, quoted_len};

/// Members that identify the message; they are never removed.
const HEAD: [&str; 6] = ["kind", "run", "time", "subject", "more", "left_out"];

/// The value as an object with the subject, in compact form of at most `most` bytes, and at most
/// `most_quoted` bytes as a string within JSON. If it is too long, elements are removed from its
/// lists, longest list first; `more` counts the removed elements per list.
pub(super) fn object(subject: &str, value: &impl Serialize, most: usize, most_quoted: usize) -> String {
    let mut members = match serde_json::to_value(value) {
        Ok(Value::Object(members)) => members,
        Ok(Value::Null) => Map::new(),
        Ok(other) => Map::from_iter([("value".to_owned(), other)]),
        // A value that cannot be serialized: the message reports the error instead of being lost.
        Err(error) => Map::from_iter([("left_out".to_owned(), json!([error.to_string()]))]),
    };
    members.insert("subject".to_owned(), json!(subject));
    let mut whole = clean(Value::Object(members));
    let mut more = BTreeMap::<String, usize>::new();
    loop {
        let text = whole.to_string();
        if 2 * text.len() <= most {
            return text;
        }
        let quoted: usize = text.chars().map(quoted_len).sum();
        if text.len() <= most && quoted <= most_quoted {
            return text;
        }
        let Value::Object(members) = &mut whole else { return text };
        let (size, limit) = if text.len() > most { (text.len(), most) } else { (quoted, most_quoted) };
        shorten(members, (size, limit), &mut more);
    }
}

/// Removes from the longest list the share by which the whole is too long, and a little more for
/// `more` itself; without a list, removes the longest member.
fn shorten(
    members: &mut Map<String, Value>,
    (size, limit): (usize, usize),
    more: &mut BTreeMap<String, usize>,
) {
    let longest_list = longest(members, |value| value.as_array().is_some_and(|list| !list.is_empty()));
    if let Some(list) =
        longest_list.as_ref().and_then(|name| members.get_mut(name)).and_then(Value::as_array_mut)
    {
        let kept = (list.len() * limit / size * 19 / 20).min(list.len() - 1);
        let removed = list.len() - kept;
        list.truncate(kept);
        *more.entry(longest_list.unwrap_or_default()).or_default() += removed;
        members.insert("more".to_owned(), json!(more));
        return;
    }
    let Some(name) = longest(members, |_| true) else {
        members.retain(|name, _| name == "subject");
        return;
    };
    members.remove(&name);
    let mut names = members.get("left_out").and_then(Value::as_array).cloned().unwrap_or_default();
    names.push(json!(name));
    members.insert("left_out".to_owned(), Value::Array(names));
}

/// Name of the longest member that may be shortened.
fn longest(members: &Map<String, Value>, may: impl Fn(&Value) -> bool) -> Option<String> {
    let open = members.iter().filter(|(name, value)| !HEAD.contains(&name.as_str()) && may(value));
    open.max_by_key(|(_, value)| value.to_string().len()).map(|(name, _)| name.clone())
}

/// The same value with all texts and names made harmless.
fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(harmless(&text)),
        Value::Array(list) => Value::Array(list.into_iter().map(clean).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (harmless(&name), clean(value))).collect())
        }
        other => other,
    }
}

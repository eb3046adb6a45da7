//! Whether a response matches its shape.

use serde_json::Value;

use super::model::{Operation, Shape};

/// The violations; `path` leads to the value.
pub(super) fn faults(operation: Operation<'_>, shape: Shape<'_>, value: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    match (shape.kind(), value) {
        ("structure", Value::Object(members)) => {
            for required in shape.required() {
                if members.get(required).is_none_or(Value::is_null) {
                    found.push(format!("{path}.{required} is missing"));
                }
            }
            for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                match shape.says["members"].get(name) {
                    None => found.push(format!("{path}.{name} is not in the model")),
                    Some(reference) => {
                        let path = format!("{path}.{name}");
                        found.extend(faults(operation, operation.target(reference), value, &path));
                    }
                }
            }
        }
        ("list", Value::Array(items)) => {
            let inner = operation.target(&shape.says["member"]);
            for (number, item) in items.iter().enumerate() {
                found.extend(faults(operation, inner, item, &format!("{path}[{number}]")));
            }
        }
        ("map", Value::Object(entries)) => {
            let inner = operation.target(&shape.says["value"]);
            for (key, value) in entries {
                found.extend(faults(operation, inner, value, &format!("{path}[{key}]")));
            }
        }
        ("string", Value::String(text)) => {
            let words = shape.words("enum");
            if !words.is_empty() && !words.contains(&text.as_str()) {
                found.push(format!("{path} is {text:?}, none of {words:?}"));
            }
        }
        ("integer" | "long", Value::Number(number)) if number.as_i64().is_some() => {}
        ("float" | "double" | "timestamp", Value::Number(_))
        | ("boolean", Value::Bool(_))
        | ("blob" | "timestamp", Value::String(_)) => {}
        (kind, other) => found.push(format!("{path} is {other}, no {kind}")),
    }
    let size = match value {
        Value::String(text) => i64::try_from(text.chars().count()).unwrap(),
        Value::Array(items) => i64::try_from(items.len()).unwrap(),
        Value::Number(number) => number.as_i64().unwrap_or_default(),
        _ => return found,
    };
    let numbered = ["string", "list", "integer", "long"].contains(&shape.kind());
    if numbered && (shape.min().is_some_and(|min| size < min) || shape.max().is_some_and(|max| size > max)) {
        found.push(format!("{path} is out of bounds: {value}"));
    }
    found
}

//! Requests: valid ones generated from the shapes, and their invalid variants.

use serde_json::{Map, Value, json};

use super::known;
use super::model::{Operation, Shape};

/// A valid value of the shape, with all its members; recursive shapes end at the second level.
pub(super) fn valid(operation: Operation<'_>, shape: Shape<'_>, member: &str, above: &[&str]) -> Value {
    if let Some(value) = known::value(operation, shape, member) {
        return value;
    }
    let inside = [above, &[shape.name]].concat();
    let inner = |reference: &str| valid(operation, operation.target(&shape.says[reference]), member, &inside);
    match shape.kind() {
        "structure" => {
            let fits =
                |(_, reference): &(&String, &Value)| !inside.contains(&reference["shape"].as_str().unwrap());
            let make = |(name, reference): (&String, &Value)| {
                (name.clone(), valid(operation, operation.target(reference), name, &inside))
            };
            Value::Object(shape.members().filter(fits).map(make).collect())
        }
        "list" => json!([inner("member")]),
        "map" => {
            let key = inner("key").as_str().unwrap().to_owned();
            Value::Object(Map::from_iter([(key, inner("value"))]))
        }
        "string" => match shape.words("enum").first() {
            Some(word) => json!(word),
            None => json!("abcdefghijkl".repeat(200)[..text_length(shape)]),
        },
        "integer" | "long" => json!(shape.min().unwrap_or(1).max(1)),
        "float" | "double" => json!(1.5),
        "boolean" => json!(true),
        "timestamp" => json!(1_700_000_000),
        "blob" => json!("YWJj"),
        other => panic!("{}: a shape of type {other}", shape.name),
    }
}

fn text_length(shape: Shape<'_>) -> usize {
    let (min, max) = (shape.min().unwrap_or(0), shape.max().unwrap_or(i64::MAX));
    usize::try_from(12.clamp(min, max)).unwrap()
}

/// A valid input with only the required members.
pub(super) fn least(operation: Operation<'_>) -> Map<String, Value> {
    let Some(shape) = operation.input() else { return Map::new() };
    let needed = known::needed(&operation.full_name());
    let members = shape
        .members()
        .filter(|(name, _)| shape.required().contains(&name.as_str()) || needed.contains(&name.as_str()));
    members
        .map(|(name, reference)| (name.clone(), valid(operation, operation.target(reference), name, &[])))
        .collect()
}

/// A violation, and the value that has it.
pub(super) type Wrong = (String, Value);

/// All possible violations of the shape. `only_texts`: the wire has only texts in this position.
pub(super) fn wrongs(
    operation: Operation<'_>,
    shape: Shape<'_>,
    value: &Value,
    only_texts: bool,
) -> Vec<Wrong> {
    let mut found = Vec::new();
    let mut add = |what: String, value: Value| found.push((what, value));
    match (shape.kind(), value) {
        ("structure", Value::Object(members)) => {
            for required in shape.required().into_iter().filter(|required| members.contains_key(*required)) {
                let mut less = members.clone();
                less.remove(required);
                add(format!("no {required}"), less.into());
            }
            for (name, reference) in shape.members() {
                let Some(inner) = members.get(name) else { continue };
                for (what, wrong) in wrongs(operation, operation.target(reference), inner, only_texts) {
                    let mut changed = members.clone();
                    changed.insert(name.clone(), wrong);
                    add(format!("{name}: {what}"), changed.into());
                }
            }
        }
        ("list", Value::Array(items)) => {
            for (what, wrong) in
                wrongs(operation, operation.target(&shape.says["member"]), &items[0], only_texts)
            {
                add(format!("1: {what}"), json!([wrong]));
            }
            if let Some(max) = shape.max() {
                add(
                    format!("{} items", max + 1),
                    vec![items[0].clone(); usize::try_from(max).unwrap() + 1].into(),
                );
            }
            // A wire format with only texts cannot express an empty list.
            if shape.min().is_some_and(|min| min > 0) && !only_texts {
                add("no items".to_owned(), json!([]));
            }
        }
        ("map", Value::Object(entries)) => {
            let (key, inner) = entries.iter().next().unwrap();
            for (what, wrong) in wrongs(operation, operation.target(&shape.says["key"]), &json!(key), true) {
                let entry = (wrong.as_str().unwrap().to_owned(), inner.clone());
                add(format!("key: {what}"), Value::Object(Map::from_iter([entry])));
            }
            for (what, wrong) in wrongs(operation, operation.target(&shape.says["value"]), inner, only_texts)
            {
                add(format!("{key}: {what}"), Value::Object(Map::from_iter([(key.clone(), wrong)])));
            }
            if let Some(max) = shape.max() {
                let many = (0..=max).map(|number| (format!("{key}{number}"), inner.clone()));
                add(format!("{} entries", max + 1), Value::Object(many.collect()));
            }
        }
        ("string", Value::String(text)) => found.extend(wrong_texts(shape, text)),
        ("integer" | "long", _) => {
            if let Some(min) = shape.min() {
                add(format!("{}", min - 1), json!(min - 1));
            }
            if let Some(max) = shape.max() {
                add(format!("{}", max + 1), json!(max + 1));
            }
        }
        _ => {}
    }
    let is_scalar = ["integer", "long", "float", "double", "boolean"].contains(&shape.kind());
    if is_scalar || !only_texts {
        let other = match shape.kind() {
            "string" | "blob" => json!(7),
            "timestamp" => json!(true),
            _ => json!("text"),
        };
        found.push((format!("{other} for a {}", shape.kind()), other));
    }
    found
}

fn wrong_texts(shape: Shape<'_>, text: &str) -> Vec<Wrong> {
    let mut found = Vec::new();
    if !shape.words("enum").is_empty() {
        found.push(("another word".to_owned(), json!("no-such-word")));
    }
    if let Some(min) = shape.min().filter(|min| *min > 0) {
        let short = &text[..usize::try_from(min).unwrap() - 1];
        found.push((format!("{} characters", short.len()), json!(short)));
    }
    if let Some(max) = shape.max() {
        let long = "a".repeat(usize::try_from(max).unwrap() + 1);
        found.push((format!("{} characters", long.len()), json!(long)));
    }
    if let Some(pattern) = shape.says["pattern"].as_str() {
        let odd = if pattern.starts_with("[^:") { format!(":{text}") } else { format!("{text}\u{1}") };
        // With a fixed length, one character more would be too long.
        let odd =
            if shape.max() == i64::try_from(text.len()).ok() { "\u{1}".repeat(text.len()) } else { odd };
        found.push((format!("not {pattern}"), json!(odd)));
    }
    found
}

//! The subset of XML in AWS's responses: elements with irrelevant attributes, and text.

use serde_json::{Map, Value, json};

use super::model::{Operation, Shape, wire_name};

#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    pub(super) text: String,
    children: Vec<Element>,
}

/// The document's root element.
pub(super) fn parse(text: &str) -> Option<Element> {
    let mut open = vec![Element::default()];
    for piece in text.split('<').skip(1) {
        let (tag, after) = piece.split_once('>')?;
        if tag.starts_with('?') {
            continue;
        }
        if tag.starts_with('/') {
            let closed = open.pop()?;
            open.last_mut()?.children.push(closed);
            continue;
        }
        let name = tag.trim_end_matches('/').split(' ').next()?.to_owned();
        let element = Element { name, text: unescape(after), children: Vec::new() };
        if tag.ends_with('/') {
            open.last_mut()?.children.push(element);
        } else {
            open.push(element);
        }
    }
    open.pop().filter(|_| open.is_empty())?.children.pop()
}

fn unescape(text: &str) -> String {
    let mut text = text.to_owned();
    for (entity, character) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
    {
        text = text.replace(entity, character);
    }
    text
}

impl Element {
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first element with this name, including itself.
    pub(super) fn find(&self, name: &str) -> Option<&Self> {
        if self.name == name {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(name))
    }

    /// Its members; an unknown element is kept under its own name and so detected.
    pub(super) fn structure(&self, operation: Operation<'_>, shape: Shape<'_>) -> Map<String, Value> {
        let mut members = Map::new();
        for child in &self.children {
            let member = shape.members().find(|(name, reference)| {
                reference["location"].is_null() && wire_name(name, reference) == child.name
            });
            let Some((name, reference)) = member else {
                members.insert(child.name.clone(), json!(child.text));
                continue;
            };
            let target = operation.target(reference);
            if target.says["flattened"] == true {
                let items = members.entry(name.clone()).or_insert_with(|| json!([]));
                let item = child.value(operation, operation.target(&target.says["member"]));
                items.as_array_mut().unwrap().push(item);
            } else {
                members.insert(name.clone(), child.value(operation, target));
            }
        }
        members
    }

    fn value(&self, operation: Operation<'_>, shape: Shape<'_>) -> Value {
        let number = |parsed: Option<Value>| parsed.unwrap_or_else(|| json!(self.text));
        match shape.kind() {
            "structure" => Value::Object(self.structure(operation, shape)),
            "list" => {
                let inner = operation.target(&shape.says["member"]);
                self.children.iter().map(|child| child.value(operation, inner)).collect()
            }
            "map" => {
                let entry = |entry: &Element| {
                    let text = |name: &str| entry.child(name).unwrap().text.clone();
                    (text("key"), json!(text("value")))
                };
                Value::Object(self.children.iter().map(entry).collect())
            }
            "integer" | "long" => number(self.text.parse::<i64>().ok().map(Value::from)),
            "boolean" => number(self.text.parse::<bool>().ok().map(Value::from)),
            _ => json!(self.text),
        }
    }
}

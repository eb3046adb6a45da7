//! Message attributes, which subscription filter policies use.

use std::collections::BTreeMap;

use super::harmless;

/// Maximum number of attributes per message: Amazon SQS accepts no more with raw delivery (SNS
/// Developer Guide, "Message attributes").
const MAX_ATTRIBUTES: usize = 10;
/// Our limit for all attributes together, in bytes.
const MAX_BYTES: usize = 4096;
/// Maximum length of a text, in bytes.
const MAX_TEXT: usize = 128;

/// Value of a message attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// SNS's `String`.
    Text(String),
    /// SNS's `String.Array`. A filter policy matches if one of the elements matches; `*` means that
    /// some elements did not fit.
    List(Vec<String>),
}

impl Attribute {
    /// SNS's name of the type.
    pub fn data_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "String",
            Self::List(_) => "String.Array",
        }
    }

    /// The value in SNS's format: a list becomes a JSON array.
    pub fn value(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::List(list) => serde_json::json!(list).to_string(),
        }
    }
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl FromIterator<String> for Attribute {
    fn from_iter<I: IntoIterator<Item = String>>(list: I) -> Self {
        Self::List(list.into_iter().collect())
    }
}

/// Attributes that SNS accepts: harmless, not empty, lists sorted and without duplicates, within
/// the size limit. A list that is too long ends with `*`.
pub(super) fn within_limits(attributes: BTreeMap<String, Attribute>) -> BTreeMap<String, Attribute> {
    let clean = attributes.into_iter().map(|(name, value)| (name, clean(value)));
    let mut kept: BTreeMap<String, Attribute> =
        clean.filter(|(_, value)| !is_empty(value)).take(MAX_ATTRIBUTES).collect();
    let size = |(name, value): (&String, &Attribute)| name.len() + 16 + text_len(value);
    let fixed: usize = kept.iter().map(size).sum();
    let lists = kept.values().filter(|value| matches!(value, Attribute::List(_))).count();
    let room = MAX_BYTES.saturating_sub(fixed) / lists.max(1);
    for value in kept.values_mut() {
        if let Attribute::List(list) = value {
            shorten(list, room);
        }
    }
    kept
}

/// Length of a text in bytes; 0 for lists, which share the space that the texts leave.
fn text_len(value: &Attribute) -> usize {
    match value {
        Attribute::Text(text) => text.len(),
        Attribute::List(_) => 0,
    }
}

fn clean(value: Attribute) -> Attribute {
    match value {
        Attribute::Text(text) => {
            let text = harmless(&text);
            Attribute::Text(text[..text.floor_char_boundary(MAX_TEXT)].trim_end().to_owned())
        }
        Attribute::List(list) => {
            let mut list: Vec<String> = list.iter().map(|text| harmless(text)).collect();
            list.retain(|text| !text.is_empty());
            list.sort();
            list.dedup();
            Attribute::List(list)
        }
    }
}

fn is_empty(value: &Attribute) -> bool {
    match value {
        Attribute::Text(text) => text.is_empty(),
        Attribute::List(list) => list.is_empty(),
    }
}

/// Keeps as many elements as fit into `room` bytes of JSON; `*` for the others.
fn shorten(list: &mut Vec<String>, room: usize) {
    let quoted = |text: &String| serde_json::json!(text).to_string().len() + 1;
    let (brackets, star) = (2, 4);
    if brackets + list.iter().map(quoted).sum::<usize>() <= room {
        return;
    }
    let mut used = brackets + star;
    list.retain(|text| {
        let fits = used + quoted(text) <= room;
        used += if fits { quoted(text) } else { 0 };
        fits
    });
    list.push("*".to_owned());
}

//! `ExpressionAttributeNames` and `ExpressionAttributeValues`, and the rules about their use.

use std::collections::BTreeSet;

use serde_json::Value;

use super::lexer::Tokens;
use super::{Item, invalid};
use crate::wire::Refusal;

/// The placeholders of one request, and which of them its expressions have used.
#[derive(Debug)]
pub(super) struct Names<'a> {
    attributes: &'a Value,
    values: &'a Value,
    used: BTreeSet<String>,
}

impl<'a> Names<'a> {
    pub(super) fn new(input: &'a Value) -> Self {
        let attributes = &input["ExpressionAttributeNames"];
        Self { attributes, values: &input["ExpressionAttributeValues"], used: BTreeSet::new() }
    }

    /// The attribute that a word in an expression names.
    pub(super) fn attribute(&mut self, word: &str) -> Result<String, Refusal> {
        if word.starts_with('#') {
            let name = self.attributes[word].as_str().ok_or_else(|| undefined("name", word))?;
            self.used.insert(word.to_owned());
            return Ok(name.to_owned());
        }
        if word.contains('.') {
            return Err(invalid(format!("fake-aws does not fake nested attributes: {word}")));
        }
        let starts_well = word.starts_with(|first: char| first.is_ascii_alphabetic());
        if !starts_well || word.contains(['-', ':', '#']) {
            return Err(invalid(format!("Invalid expression: syntax error at {word:?}")));
        }
        if RESERVED.contains(&word.to_ascii_uppercase().as_str()) {
            return Err(invalid(format!(
                "Invalid expression: Attribute name is a reserved keyword; reserved keyword: {word}"
            )));
        }
        Ok(word.to_owned())
    }

    /// The value of a `:word`.
    pub(super) fn value(&mut self, word: &str) -> Result<Value, Refusal> {
        let value = self.values.get(word).ok_or_else(|| undefined("value", word))?;
        self.used.insert(word.to_owned());
        Ok(value.clone())
    }

    /// The attributes of a `ProjectionExpression`.
    pub(super) fn projection(&mut self, text: Option<&str>) -> Result<Option<Vec<String>>, Refusal> {
        let Some(text) = text else { return Ok(None) };
        let mut tokens = Tokens::new(text)?;
        let mut wanted = vec![self.attribute(&tokens.next()?)?];
        while tokens.take(",") {
            wanted.push(self.attribute(&tokens.next()?)?);
        }
        tokens.end()?;
        Ok(Some(wanted))
    }

    /// DynamoDB refuses placeholders that no expression uses.
    pub(super) fn all_used(&self) -> Result<(), Refusal> {
        for (kind, given) in [("Names", self.attributes), ("Values", self.values)] {
            for key in given.as_object().into_iter().flat_map(|map| map.keys()) {
                if !self.used.contains(key) {
                    return Err(invalid(format!(
                        "Value provided in ExpressionAttribute{kind} unused in expressions: keys: {{{key}}}"
                    )));
                }
            }
        }
        Ok(())
    }
}

fn undefined(kind: &str, word: &str) -> Refusal {
    invalid(format!(
        "Invalid expression: An expression attribute {kind} used in expression is not defined: {word}"
    ))
}

/// The item with only some attributes, or with all.
pub(super) fn project(item: &Item, wanted: Option<&[String]>) -> Item {
    let Some(wanted) = wanted else { return item.clone() };
    item.iter()
        .filter(|(name, _)| wanted.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The reserved words that an item of fargaze could plausibly use as a name, out of the 573 in
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html>.
const RESERVED: [&str; 70] = [
    "ACTION",
    "ADD",
    "ALL",
    "AND",
    "ANY",
    "ATTRIBUTE",
    "BACKUP",
    "BATCH",
    "BEGIN",
    "BETWEEN",
    "BY",
    "CLUSTER",
    "CLUSTERS",
    "COMMENT",
    "CONDITION",
    "COUNT",
    "COUNTER",
    "CURRENT",
    "DATA",
    "DATE",
    "DAY",
    "DELETE",
    "DURATION",
    "END",
    "ERROR",
    "EVENT",
    "EXISTS",
    "EXPIRES",
    "GROUP",
    "HASH",
    "HOUR",
    "IN",
    "ITEM",
    "ITEMS",
    "KEY",
    "KEYS",
    "LAST",
    "LEVEL",
    "LIMIT",
    "MAXLEN",
    "MEMBER",
    "MESSAGE",
    "METRICS",
    "MINUTE",
    "MODE",
    "NAME",
    "NAMES",
    "NEW",
    "NOT",
    "OLD",
    "OR",
    "OWNER",
    "PERIOD",
    "RANGE",
    "REASON",
    "REGION",
    "SET",
    "SOURCE",
    "START",
    "STATE",
    "STATUS",
    "TIME",
    "TIMESTAMP",
    "TOKEN",
    "TTL",
    "TYPE",
    "UNTIL",
    "VALUE",
    "VALUES",
    "ZONE",
];

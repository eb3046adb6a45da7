//! Condition, filter and key condition expressions.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html>

use std::cmp::Ordering;

use serde_json::Value;

use super::lexer::Tokens;
use super::names::Names;
use super::{Item, invalid};
use crate::wire::Refusal;

/// A parsed expression with names and values resolved.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Or(Box<Condition>, Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Exists(String),
    BeginsWith(String, Value),
    Compare(Operand, String, Operand),
    Between(Operand, Operand, Operand),
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Attribute(String),
    Value(Value),
}

impl Condition {
    pub(super) fn parse(text: &str, names: &mut Names) -> Result<Self, Refusal> {
        let mut tokens = Tokens::new(text)?;
        let condition = any(&mut tokens, names)?;
        tokens.end()?;
        Ok(condition)
    }

    /// Whether it holds for the item; comparisons with a missing attribute do not.
    pub(super) fn holds(&self, item: &Item) -> bool {
        match self {
            Self::Or(left, right) => left.holds(item) || right.holds(item),
            Self::And(left, right) => left.holds(item) && right.holds(item),
            Self::Not(inner) => !inner.holds(item),
            Self::Exists(name) => item.contains_key(name),
            Self::BeginsWith(name, prefix) => {
                match (item.get(name).and_then(|value| value["S"].as_str()), prefix["S"].as_str()) {
                    (Some(text), Some(prefix)) => text.starts_with(prefix),
                    _ => false,
                }
            }
            Self::Compare(left, sign, right) => match (left.of(item), right.of(item)) {
                (Some(left), Some(right)) => compare(left, sign, right),
                _ => false,
            },
            Self::Between(value, low, high) => match (value.of(item), low.of(item), high.of(item)) {
                (Some(value), Some(low), Some(high)) => {
                    compare(value, ">=", low) && compare(value, "<=", high)
                }
                _ => false,
            },
        }
    }

    /// The value that the attribute must equal, if the condition requires one.
    pub(super) fn demanded(&self, attribute: &str) -> Option<&Value> {
        match self {
            Self::And(left, right) => left.demanded(attribute).or_else(|| right.demanded(attribute)),
            Self::Compare(Operand::Attribute(name), sign, Operand::Value(value))
                if name == attribute && sign == "=" =>
            {
                Some(value)
            }
            _ => None,
        }
    }
}

impl Operand {
    fn parse(word: &str, names: &mut Names) -> Result<Self, Refusal> {
        if word.starts_with(':') {
            names.value(word).map(Self::Value)
        } else {
            names.attribute(word).map(Self::Attribute)
        }
    }

    fn of<'a>(&'a self, item: &'a Item) -> Option<&'a Value> {
        match self {
            Self::Attribute(name) => item.get(name),
            Self::Value(value) => Some(value),
        }
    }
}

fn any(tokens: &mut Tokens, names: &mut Names) -> Result<Condition, Refusal> {
    let mut left = all(tokens, names)?;
    while tokens.take("OR") {
        left = Condition::Or(Box::new(left), Box::new(all(tokens, names)?));
    }
    Ok(left)
}

fn all(tokens: &mut Tokens, names: &mut Names) -> Result<Condition, Refusal> {
    let mut left = one(tokens, names)?;
    while tokens.take("AND") {
        left = Condition::And(Box::new(left), Box::new(one(tokens, names)?));
    }
    Ok(left)
}

fn one(tokens: &mut Tokens, names: &mut Names) -> Result<Condition, Refusal> {
    if tokens.take("NOT") {
        return Ok(Condition::Not(Box::new(one(tokens, names)?)));
    }
    if tokens.take("(") {
        let inner = any(tokens, names)?;
        tokens.expect(")")?;
        return Ok(inner);
    }
    let word = tokens.next()?;
    if tokens.take("(") {
        let name = names.attribute(&tokens.next()?)?;
        let condition = match word.as_str() {
            "attribute_exists" => Condition::Exists(name),
            "attribute_not_exists" => Condition::Not(Box::new(Condition::Exists(name))),
            "begins_with" => {
                tokens.expect(",")?;
                Condition::BeginsWith(name, names.value(&tokens.next()?)?)
            }
            other => {
                return Err(invalid(format!("fake-aws does not fake the function {other}")));
            }
        };
        tokens.expect(")")?;
        return Ok(condition);
    }
    let left = Operand::parse(&word, names)?;
    if tokens.take("BETWEEN") {
        let low = Operand::parse(&tokens.next()?, names)?;
        tokens.expect("AND")?;
        return Ok(Condition::Between(left, low, Operand::parse(&tokens.next()?, names)?));
    }
    let sign = tokens.next()?;
    if !["=", "<>", "<", "<=", ">", ">="].contains(&sign.as_str()) {
        return Err(invalid(format!("Invalid expression: a comparison expected, {sign:?} found")));
    }
    Ok(Condition::Compare(left, sign, Operand::parse(&tokens.next()?, names)?))
}

/// Values of different types are different, and neither less nor greater.
fn compare(left: &Value, sign: &str, right: &Value) -> bool {
    let texts = |kind: &str| Some((left[kind].as_str()?, right[kind].as_str()?));
    let order = if let Some((left, right)) = texts("N") {
        match (left.parse::<f64>(), right.parse::<f64>()) {
            (Ok(left), Ok(right)) => left.partial_cmp(&right),
            _ => None,
        }
    } else {
        texts("S").or_else(|| texts("B")).map(|(left, right)| left.cmp(right))
    };
    let equal = order.map_or_else(|| left == right, |order| order == Ordering::Equal);
    match sign {
        "=" => equal,
        "<>" => !equal,
        "<" => order == Some(Ordering::Less),
        "<=" => order.is_some_and(Ordering::is_le),
        ">" => order == Some(Ordering::Greater),
        _ => order.is_some_and(Ordering::is_ge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(text: &str) -> Result<bool, Refusal> {
        let input = json!({
            "ExpressionAttributeNames": { "#s": "state" },
            "ExpressionAttributeValues": {
                ":ok": {"S": "OK"}, ":two": {"N": "2"}, ":ten": {"N": "10.0"}, ":pre": {"S": "acc"},
            },
        });
        let item = json!({ "pk": {"S": "account#1"}, "state": {"S": "OK"}, "n": {"N": "10"} });
        let item = item.as_object().cloned().unwrap();
        Ok(Condition::parse(text, &mut Names::new(&input))?.holds(&item))
    }

    #[test]
    fn truths() {
        for (text, expected) in [
            ("attribute_exists(pk)", true),
            ("attribute_not_exists(pk)", false),
            ("attribute_not_exists(absent) AND #s = :ok", true),
            ("#s <> :ok OR n > :two", true),
            ("n = :ten", true),
            ("n <= :two", false),
            ("n BETWEEN :two AND :ten AND #s = :ok", true),
            ("NOT #s = :ok", false),
            ("absent < :two", false),
            ("absent <> :two", false),
            ("#s > :two", false),
            ("begins_with(pk, :pre)", true),
            ("attribute_not_exists(pk) OR (n >= :ten and #s = :ok)", true),
            ("(attribute_not_exists(pk) OR n >= :ten) AND #s <> :ok", false),
        ] {
            assert_eq!(holds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refusals() {
        for text in [
            "",
            "pk",
            "pk =",
            "pk = :none",
            "#none = :ok",
            "state = :ok",
            "(pk = :ok",
            "pk = :ok)",
            "size(pk) > :two",
            "pk == :ok",
            "a.b = :ok",
            "pk ! :ok",
        ] {
            assert!(holds(text).is_err(), "{text}");
        }
    }
}

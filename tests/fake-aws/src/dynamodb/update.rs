//! Update expressions: `SET`, `REMOVE` and `ADD` of top-level attributes.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html>

use serde_json::{Value, json};

use super::lexer::Tokens;
use super::names::Names;
use super::{Item, invalid};
use crate::wire::Refusal;

/// Changes the item and returns the names of the changed attributes. Reads see the original item.
pub(super) fn apply(text: &str, names: &mut Names, item: &mut Item) -> Result<Vec<String>, Refusal> {
    let before = item.clone();
    let mut tokens = Tokens::new(text)?;
    let mut touched = Vec::new();
    while tokens.peek().is_some() {
        let clause = tokens.next()?.to_ascii_uppercase();
        loop {
            let name = names.attribute(&tokens.next()?)?;
            match clause.as_str() {
                "SET" => {
                    tokens.expect("=")?;
                    let value = sum(&mut tokens, names, &before)?;
                    item.insert(name.clone(), value);
                }
                "REMOVE" => {
                    item.remove(&name);
                }
                "ADD" => {
                    let value = names.value(&tokens.next()?)?;
                    let old = before.get(&name).cloned().unwrap_or_else(|| json!({ "N": "0" }));
                    item.insert(name.clone(), plus(&old, &value, 1.0)?);
                }
                other => {
                    return Err(invalid(format!("fake-aws does not fake the clause {other}")));
                }
            }
            if touched.contains(&name) {
                return Err(invalid(format!("Two document paths overlap with each other: {name}")));
            }
            touched.push(name);
            if !tokens.take(",") {
                break;
            }
        }
    }
    if touched.is_empty() {
        return Err(invalid("Invalid UpdateExpression: The expression can not be empty;"));
    }
    Ok(touched)
}

fn sum(tokens: &mut Tokens, names: &mut Names, before: &Item) -> Result<Value, Refusal> {
    let left = operand(tokens, names, before)?;
    if tokens.take("+") {
        plus(&left, &operand(tokens, names, before)?, 1.0)
    } else if tokens.take("-") {
        plus(&left, &operand(tokens, names, before)?, -1.0)
    } else {
        Ok(left)
    }
}

fn operand(tokens: &mut Tokens, names: &mut Names, before: &Item) -> Result<Value, Refusal> {
    let word = tokens.next()?;
    if word.starts_with(':') {
        return names.value(&word);
    }
    if word == "if_not_exists" {
        tokens.expect("(")?;
        let name = names.attribute(&tokens.next()?)?;
        tokens.expect(",")?;
        let other = operand(tokens, names, before)?;
        tokens.expect(")")?;
        return Ok(before.get(&name).cloned().unwrap_or(other));
    }
    if tokens.take("(") {
        return Err(invalid(format!("fake-aws does not fake the function {word}")));
    }
    let name = names.attribute(&word)?;
    before.get(&name).cloned().ok_or_else(|| {
        invalid("The provided expression refers to an attribute that does not exist in the item")
    })
}

fn plus(left: &Value, right: &Value, sign: f64) -> Result<Value, Refusal> {
    let number = |value: &Value| value["N"].as_str().and_then(|text| text.parse::<f64>().ok());
    match (number(left), number(right)) {
        (Some(left), Some(right)) => Ok(json!({ "N": (left + sign * right).to_string() })),
        _ => Err(invalid("An operand in the update expression has an incorrect data type")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn updated(text: &str) -> Result<Value, Refusal> {
        let input = json!({
            "ExpressionAttributeNames": { "#s": "state" },
            "ExpressionAttributeValues": { ":x": {"S": "x"}, ":one": {"N": "1"} },
        });
        let item = json!({ "a": {"N": "41"}, "b": {"S": "b"} });
        let mut item = item.as_object().cloned().unwrap();
        apply(text, &mut Names::new(&input), &mut item)?;
        Ok(Value::Object(item))
    }

    #[test]
    fn clauses() {
        let a_and_b = |a: &str, b: &str| json!({ "a": {"N": a}, "b": {"S": b} });
        assert_eq!(updated("SET b = :x"), Ok(a_and_b("41", "x")));
        assert_eq!(updated("SET a = a + :one, b = :x"), Ok(a_and_b("42", "x")));
        assert_eq!(updated("SET a = if_not_exists(a, :one) - :one"), Ok(a_and_b("40", "b")));
        assert_eq!(updated("ADD a :one"), Ok(a_and_b("42", "b")));
        assert_eq!(updated("REMOVE a SET #s = b"), Ok(json!({ "b": {"S": "b"}, "state": {"S": "b"} })));
        assert_eq!(updated("REMOVE a, b"), Ok(json!({})));
    }

    #[test]
    fn refusals() {
        for text in [
            "",
            "SET",
            "SET a",
            "SET a = :x, a = :one",
            "SET a = absent",
            "SET a = b + :one",
            "DROP a",
            "SET status = :x",
        ] {
            assert!(updated(text).is_err(), "{text}");
        }
    }
}

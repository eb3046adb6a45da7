//! Validates an input against its shape.

use serde_json::Value;

use super::{Kind, Model, Shape, class};

/// A violation, and the member that has it.
#[derive(Debug)]
pub(super) struct Violation {
    /// `metricDataQueries.1.member.id`, as the services write it; empty for the whole input.
    pub(super) path: String,
    pub(super) fault: Fault,
    /// The value, if it is a text or a number.
    pub(super) value: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Missing,
    Type,
    /// The violated constraint, as a sentence.
    Constraint(String),
}

type Checked = Result<(), Violation>;

impl Model {
    /// Checks an input against the shape. Unknown members are ignored, as in AWS.
    pub(super) fn check(&self, shape: &str, value: &Value) -> Checked {
        self.value(self.shape(shape), value, &mut Vec::new())
    }

    fn value<'a>(&'a self, shape: &'a Shape, value: &'a Value, path: &mut Vec<String>) -> Checked {
        let wrong = |fault| Err(violation(path, value, fault));
        match shape.kind {
            Kind::Structure => return self.structure(shape, value, path),
            Kind::List => return self.list(shape, value, path),
            Kind::Map => return self.map(shape, value, path),
            Kind::String => return text(shape, value, path),
            Kind::Integer | Kind::Long => return number(shape, value, path),
            Kind::Float | Kind::Double if value.is_number() => {}
            Kind::Boolean if value.is_boolean() => {}
            Kind::Blob if value.is_string() => {}
            Kind::Timestamp if value.is_number() || value.is_string() => {}
            _ => return wrong(Fault::Type),
        }
        Ok(())
    }

    fn structure<'a>(&'a self, shape: &'a Shape, value: &'a Value, path: &mut Vec<String>) -> Checked {
        let Some(members) = value.as_object() else {
            return Err(violation(path, value, Fault::Type));
        };
        for required in &shape.required {
            if members.get(required).is_none_or(Value::is_null) {
                path.push(required.clone());
                return Err(violation(path, value, Fault::Missing));
            }
        }
        for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            if let Some(member) = shape.members.get(name) {
                path.push(name.clone());
                self.value(self.shape(&member.shape), value, path)?;
                path.pop();
            }
        }
        Ok(())
    }

    fn list<'a>(&'a self, shape: &'a Shape, value: &'a Value, path: &mut Vec<String>) -> Checked {
        let (Some(items), Some(member)) = (value.as_array(), &shape.member) else {
            return Err(violation(path, value, Fault::Type));
        };
        length(shape, items.len(), value, path)?;
        let inner = self.shape(&member.shape);
        for (number, item) in items.iter().enumerate() {
            path.push(format!("{}.member", number + 1));
            self.value(inner, item, path)?;
            path.pop();
        }
        Ok(())
    }

    fn map<'a>(&'a self, shape: &'a Shape, value: &'a Value, path: &mut Vec<String>) -> Checked {
        let (Some(entries), Some(key), Some(inner)) = (value.as_object(), &shape.key, &shape.value) else {
            return Err(violation(path, value, Fault::Type));
        };
        length(shape, entries.len(), value, path)?;
        let (key, inner) = (self.shape(&key.shape), self.shape(&inner.shape));
        for (name, value) in entries {
            path.push(name.clone());
            text(key, &Value::from(name.as_str()), path)?;
            self.value(inner, value, path)?;
            path.pop();
        }
        Ok(())
    }
}

fn text(shape: &Shape, value: &Value, path: &[String]) -> Checked {
    let Some(text) = value.as_str() else {
        return Err(violation(path, value, Fault::Type));
    };
    length(shape, text.chars().count(), value, path)?;
    let constraint = if !shape.words.is_empty() && !shape.words.iter().any(|word| word == text) {
        format!("Member must satisfy enum value set: [{}]", shape.words.join(", "))
    } else if let Some(pattern) = shape.pattern.as_ref().filter(|pattern| !class::holds(pattern, text)) {
        format!("Member must satisfy regular expression pattern: {pattern}")
    } else {
        return Ok(());
    };
    Err(violation(path, value, Fault::Constraint(constraint)))
}

fn number(shape: &Shape, value: &Value, path: &[String]) -> Checked {
    let Some(number) = value.as_i64() else {
        return Err(violation(path, value, Fault::Type));
    };
    if shape.kind == Kind::Integer && i32::try_from(number).is_err() {
        return Err(violation(path, value, Fault::Type));
    }
    bounds(shape, number, "value", value, path)
}

fn length(shape: &Shape, length: usize, value: &Value, path: &[String]) -> Checked {
    bounds(shape, length as i64, "length", value, path)
}

fn bounds(shape: &Shape, number: i64, what: &str, value: &Value, path: &[String]) -> Checked {
    let (side, bound) = match (shape.min, shape.max) {
        (Some(min), _) if number < min => ("greater", min),
        (_, Some(max)) if number > max => ("less", max),
        _ => return Ok(()),
    };
    let constraint = format!("Member must have {what} {side} than or equal to {bound}");
    Err(violation(path, value, Fault::Constraint(constraint)))
}

fn violation(path: &[String], value: &Value, fault: Fault) -> Violation {
    let value = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    Violation { path: path.join("."), fault, value }
}

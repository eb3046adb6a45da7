//! A request's input as JSON with the model's member names, for any wire format.

use ciborium::Value as Cbor;
use serde_json::{Map, Value};

use super::{Kind, Location, Member, Model, Shape};
use crate::request::Request;
use crate::service::{Service, Target};
use crate::wire::{Refusal, cbor, json};

/// The input of the request's operation; `shape` is its shape.
pub(super) fn of(model: &Model, shape: &str, request: &Request, target: &Target) -> Result<Value, Refusal> {
    let shape = model.shape(shape);
    match target.service {
        Service::Ecs | Service::DynamoDb | Service::Sqs | Service::Logs => json::input(&request.body),
        Service::CloudWatch if !request.header("x-amz-target").is_empty() => json::input(&request.body),
        Service::CloudWatch => cbor::input(&request.body).map(plain),
        Service::Sns | Service::Sts => {
            let form: Vec<(&str, &str)> =
                target.form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            Ok(structure(model, shape, "", &form))
        }
        Service::Eks | Service::S3 => rest(model, shape, request, target),
    }
}

/// CBOR without its tags; bytes become a text, as they are in JSON.
fn plain(value: Cbor) -> Value {
    match value {
        Cbor::Integer(number) => i64::try_from(number).map_or(Value::Null, Value::from),
        Cbor::Float(number) => Value::from(number),
        Cbor::Text(text) => Value::from(text),
        Cbor::Bool(truth) => Value::from(truth),
        Cbor::Bytes(_) => Value::from("bytes"),
        Cbor::Tag(_, inner) => plain(*inner),
        Cbor::Array(items) => items.into_iter().map(plain).collect(),
        Cbor::Map(members) => members
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_text().ok()?, plain(value))))
            .collect(),
        _ => Value::Null,
    }
}

/// A text as the scalar of the model; if it cannot be converted, as a text, which then has the
/// wrong type.
fn scalar(kind: Kind, text: &str) -> Value {
    let parsed = match kind {
        Kind::Integer | Kind::Long => text.parse::<i64>().ok().map(Value::from),
        Kind::Float | Kind::Double => text.parse::<f64>().ok().map(Value::from),
        Kind::Boolean => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    parsed.unwrap_or_else(|| text.into())
}

/// The members of a structure of the Query protocol: parameters that begin with `prefix`.
/// <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>
fn structure(model: &Model, shape: &Shape, prefix: &str, form: &[(&str, &str)]) -> Value {
    let mut members = Map::new();
    for (name, member) in &shape.members {
        let prefix = format!("{prefix}{}", member.wire_name(name));
        if let Some(value) = query(model, model.shape(&member.shape), &prefix, form) {
            members.insert(name.clone(), value);
        }
    }
    Value::Object(members)
}

/// The content of the parameters named `prefix`, with or without a dot and more.
fn query(model: &Model, shape: &Shape, prefix: &str, form: &[(&str, &str)]) -> Option<Value> {
    let dotted = format!("{prefix}.");
    let inside: Vec<(&str, &str)> =
        form.iter().filter(|(name, _)| name.starts_with(&dotted)).copied().collect();
    let whole = form.iter().find(|(name, _)| *name == prefix).map(|(_, value)| *value);
    if inside.is_empty() || !matches!(shape.kind, Kind::Structure | Kind::List | Kind::Map) {
        return whole.map(|value| scalar(shape.kind, value));
    }
    let entries = |word: &str| {
        let start = if shape.flattened { dotted.clone() } else { format!("{dotted}{word}.") };
        (1..).map(move |number| format!("{start}{number}"))
    };
    let of = |member: Option<&Member>, prefix: &str| {
        member.and_then(|member| query(model, model.shape(&member.shape), prefix, &inside))
    };
    Some(match shape.kind {
        Kind::Structure => structure(model, shape, &dotted, &inside),
        Kind::List => entries("member")
            .map_while(|prefix| of(shape.member.as_ref(), &prefix))
            .collect::<Vec<_>>()
            .into(),
        _ => {
            let name = |member: &Option<Member>, usual: &str| {
                member.as_ref().map_or(usual, |member| member.wire_name(usual)).to_owned()
            };
            let (key, value) = (name(&shape.key, "key"), name(&shape.value, "value"));
            let entry = |prefix: String| {
                let key = of(shape.key.as_ref(), &format!("{prefix}.{key}"))?;
                // An entry without a value equals one with an empty structure.
                let value = of(shape.value.as_ref(), &format!("{prefix}.{value}"));
                Some((key.as_str()?.to_owned(), value.unwrap_or_else(|| Value::Object(Map::new()))))
            };
            Value::Object(entries("entry").map_while(entry).collect())
        }
    })
}

/// Members of the path, the query and the headers, and those of the body.
fn rest(model: &Model, shape: &Shape, request: &Request, target: &Target) -> Result<Value, Refusal> {
    let mut members = Map::new();
    let pieces = model.pieces(&target.operation, request);
    let body = if target.service == Service::Eks { json::input(&request.body)? } else { Value::Null };
    for (name, member) in &shape.members {
        let inner = model.shape(&member.shape);
        let wire_name = member.wire_name(name);
        let parameters = || request.query.iter().filter(|(key, _)| key == wire_name).map(|(_, value)| value);
        let value = match member.location {
            Some(Location::Uri) => {
                pieces.iter().find(|(piece, _)| *piece == wire_name).map(|(_, value)| value.as_str().into())
            }
            Some(Location::Querystring) if inner.kind == Kind::List => {
                let values: Vec<&str> = parameters().map(String::as_str).collect();
                (!values.is_empty()).then(|| values.into())
            }
            Some(Location::Querystring) => parameters().next().map(|value| scalar(inner.kind, value)),
            Some(Location::Header) => {
                let text = request.header(wire_name);
                (!text.is_empty()).then(|| match (inner.kind, &inner.member) {
                    (Kind::List, Some(_)) => text.split(',').map(str::trim).collect(),
                    _ => scalar(inner.kind, text),
                })
            }
            Some(Location::Headers | Location::StatusCode) => None,
            // The body of an object is not a document.
            None if shape.payload.is_some() => None,
            None => body.get(wire_name).cloned(),
        };
        if let Some(value) = value {
            members.insert(name.clone(), value);
        }
    }
    if !(body.is_object() || body.is_null()) {
        return Err(Refusal::bad("SerializationException", "The body is no object."));
    }
    Ok(Value::Object(members))
}

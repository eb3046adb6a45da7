//! Requests and responses of all wire formats, by the model: members in, members out.

use std::fmt::Write as _;

use fake_aws::FakeAws;
use serde_json::{Map, Value, json};

use super::model::{Operation, Shape, wire_name};
use super::{known, xml};
use crate::client::{Reply, cbor, json as json_call, query, scope, send};

/// A response with the model's names.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The error's code; empty for a success, and for an error without a body.
    pub(super) code: String,
    pub(super) message: String,
    pub(super) output: Value,
}

/// Whether the wire has only texts in the position of a member.
pub(super) fn has_only_texts(operation: Operation<'_>, reference: &Value) -> bool {
    ["sns", "sts", "s3"].contains(&operation.service) || reference["location"].is_string()
}

/// Calls the operation; `None` if its request cannot be written because a path segment or a header
/// would be empty.
pub(super) async fn call(
    aws: &FakeAws,
    operation: Operation<'_>,
    input: &Map<String, Value>,
) -> Option<Answer> {
    let whole = Value::Object(input.clone());
    Some(match operation.service {
        "ecs" | "dynamodb" | "sqs" | "logs" => {
            let reply = json_call(aws, scope(operation.service), operation.name, &whole).await;
            let said = reply.header("x-amzn-query-error").and_then(|said| said.split(';').next());
            let code = said.map(str::to_owned);
            of_json(reply.json(), reply.status, code)
        }
        "cloudwatch" => {
            let reply = cbor(aws, operation.name, &whole).await;
            let said = reply.header("x-amzn-query-error").and_then(|said| said.split(';').next());
            let code = said.map(str::to_owned);
            of_json(reply.cbor(), reply.status, code)
        }
        "sns" | "sts" => {
            let version = operation.model["version"].as_str().unwrap();
            let mut form = format!("Action={}&Version={version}", operation.name);
            if let Some(shape) = operation.input() {
                write_query(&mut form, operation, shape, "", &whole);
            }
            let reply = query(aws, operation.service, &form).await;
            of_xml(operation, &reply)
        }
        _ => {
            let reply = rest(aws, operation, input).await?;
            if operation.service == "s3" {
                of_xml(operation, &reply)
            } else {
                let code = reply.header("x-amzn-errortype").map(str::to_owned);
                of_json(reply.json(), reply.status, code)
            }
        }
    })
}

fn of_json(body: Value, status: u16, code: Option<String>) -> Answer {
    if status < 300 {
        return Answer { status, code: String::new(), message: String::new(), output: body };
    }
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let kind = text("__type").rsplit('#').next().unwrap_or_default().to_owned();
    Answer { status, code: code.unwrap_or(kind), message: text("message"), output: Value::Null }
}

fn of_xml(operation: Operation<'_>, reply: &Reply) -> Answer {
    let body = if reply.body.starts_with(b"<") { xml::parse(&reply.text()) } else { None };
    if reply.status >= 300 {
        let error = body.as_ref().and_then(|body| body.find("Error"));
        let text = |name: &str| error.and_then(|error| error.child(name)).map(|found| found.text.clone());
        let (code, message) = (text("Code").unwrap_or_default(), text("Message").unwrap_or_default());
        return Answer { status: reply.status, code, message, output: Value::Null };
    }
    let mut output = Map::new();
    if let Some(shape) = operation.output() {
        let wrapper = operation.model["operations"][operation.name]["wrapper"].as_str();
        let found = match wrapper {
            Some(wrapper) => body.as_ref().and_then(|body| body.find(wrapper)),
            None => body.as_ref().filter(|_| shape.says["payload"].is_null()),
        };
        if let Some(found) = found {
            output.extend(found.structure(operation, shape));
        }
        if operation.service == "s3" {
            output.extend(of_headers(shape, reply));
        }
    }
    Answer {
        status: reply.status,
        code: String::new(),
        message: String::new(),
        output: Value::Object(output),
    }
}

/// Members in headers; an unknown Amazon header is kept under its own name and so detected.
fn of_headers(shape: Shape<'_>, reply: &Reply) -> Map<String, Value> {
    let mut found = Map::new();
    for line in reply.head.lines().skip(1) {
        let Some((header, text)) = line.split_once(": ") else { continue };
        let member = shape.members().find(|(name, reference)| {
            reference["location"] == "header" && wire_name(name, reference).eq_ignore_ascii_case(header)
        });
        match member {
            Some((name, _)) => {
                let value = match name.as_str() {
                    "ContentLength" => json!(text.parse::<i64>().unwrap()),
                    "DeleteMarker" => json!(text == "true"),
                    _ => json!(text),
                };
                found.insert(name.clone(), value);
            }
            None if header.starts_with("x-amz-meta-") && shape.says["members"].get("Metadata").is_some() => {}
            None if header.starts_with("x-amz")
                && !["x-amzn-requestid", "x-amz-request-id"].contains(&header) =>
            {
                found.insert(header.to_owned(), json!(text));
            }
            None => {}
        }
    }
    found
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").unwrap();
        }
    }
    escaped
}

/// A scalar as a text.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Parameters of the AWS Query protocol.
fn write_query(form: &mut String, operation: Operation<'_>, shape: Shape<'_>, prefix: &str, value: &Value) {
    let dotted = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
    match (shape.kind(), value) {
        ("structure", Value::Object(members)) => {
            for (name, reference) in shape.members() {
                if let Some(value) = members.get(name) {
                    let name = dotted(wire_name(name, reference));
                    write_query(form, operation, operation.target(reference), &name, value);
                }
            }
        }
        ("list", Value::Array(items)) => {
            let inner = operation.target(&shape.says["member"]);
            for (number, item) in items.iter().enumerate() {
                write_query(form, operation, inner, &format!("{prefix}.member.{}", number + 1), item);
            }
        }
        ("map", Value::Object(entries)) => {
            let (key, inner) = (&shape.says["key"], &shape.says["value"]);
            for (number, (name, value)) in entries.iter().enumerate() {
                let entry = format!("{prefix}.entry.{}", number + 1);
                write!(form, "&{entry}.{}={}", wire_name("key", key), escape(name)).unwrap();
                let prefix = format!("{entry}.{}", wire_name("value", inner));
                write_query(form, operation, operation.target(inner), &prefix, value);
            }
        }
        _ => write!(form, "&{prefix}={}", escape(&text(value))).unwrap(),
    }
}

/// A call to a service with REST routes.
async fn rest(aws: &FakeAws, operation: Operation<'_>, input: &Map<String, Value>) -> Option<Reply> {
    let route = &operation.model["routes"][operation.name];
    let shape = operation.input().unwrap();
    let mut path = route["path"].as_str().unwrap().to_owned();
    let fixed = route["query"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut parameters: Vec<String> = fixed.map(str::to_owned).collect();
    let (mut headers, mut body): (Vec<(String, String)>, Map<String, Value>) = (Vec::new(), Map::new());
    for (name, reference) in shape.members() {
        let Some(value) = input.get(name) else { continue };
        let wire_name = wire_name(name, reference);
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        match reference["location"].as_str() {
            Some("uri") => {
                let text = value.as_str().filter(|text| !text.is_empty())?;
                for piece in [format!("{{{wire_name}}}"), format!("{{{wire_name}+}}")] {
                    path = path.replace(&piece, &escape(text));
                }
            }
            Some("querystring") => {
                parameters.extend(items.iter().map(|item| format!("{wire_name}={}", escape(&text(item)))));
            }
            Some("headers") => {
                let entries = value.as_object().unwrap().iter();
                headers.extend(entries.map(|(key, value)| (format!("{wire_name}{key}"), text(value))));
            }
            Some(_) if known::TRANSFER.contains(&wire_name) => {}
            Some(_) => {
                headers.push((wire_name.to_owned(), items.iter().map(text).collect::<Vec<_>>().join(",")));
            }
            None => {
                body.insert(wire_name.to_owned(), value.clone());
            }
        }
    }
    if path.contains('{') || headers.iter().any(|(_, value)| value.is_empty()) {
        return None;
    }
    if !parameters.is_empty() {
        path = format!("{path}?{}", parameters.join("&"));
    }
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let body = match operation.service {
        "s3" => body.values().next().and_then(Value::as_str).unwrap_or_default().to_owned(),
        _ if body.is_empty() => String::new(),
        _ => Value::Object(body).to_string(),
    };
    let method = route["method"].as_str().unwrap();
    send(aws.endpoint(), scope(operation.service), (method, &path), &headers, body.as_bytes()).await
}

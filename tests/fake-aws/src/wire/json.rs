//! awsJson1.0 (DynamoDB) and awsJson1.1 (ECS).
//!
//! <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>

use serde_json::{Value, json};

use super::{Answer, Refusal};

/// The versions of the protocol, which differ only in the content type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Version {
    V1_0,
    V1_1,
}

impl Version {
    fn content_type(self) -> &'static str {
        match self {
            Self::V1_0 => "application/x-amz-json-1.0",
            Self::V1_1 => "application/x-amz-json-1.1",
        }
    }
}

/// The request body; an empty one is an empty object.
pub(crate) fn input(body: &[u8]) -> Result<Value, Refusal> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(body).map_err(|error| Refusal::bad("SerializationException", error.to_string()))
}

/// The response of an operation.
pub(crate) fn output(version: Version, body: &Value) -> Answer {
    Answer::ok(version.content_type(), body.to_string().into_bytes())
}

/// An error. Only DynamoDB writes its type with a namespace.
pub(crate) fn error(version: Version, refusal: &Refusal) -> Answer {
    let kind = match version {
        Version::V1_0 => format!("com.amazonaws.dynamodb.v20120810#{}", refusal.code),
        Version::V1_1 => refusal.code.clone(),
    };
    let mut body = json!({ "__type": kind, "message": refusal.message });
    if let Some((name, value)) = &refusal.extra {
        body[*name] = value.clone();
    }
    let answer = Answer { status: refusal.status, ..output(version, &body) };
    match version {
        Version::V1_0 => answer,
        Version::V1_1 => answer.with("x-amzn-errortype", refusal.code.clone()),
    }
}

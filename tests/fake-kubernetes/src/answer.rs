//! Responses in the formats of the API server: JSON, its `Status`, and plain text.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

/// The server compresses only longer bodies.
const COMPRESSED_FROM: usize = 128 * 1024;

/// A response before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Any body of any type.
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap(),
            headers: vec![(CONTENT_TYPE, content_type.parse().unwrap())],
            body: body.into(),
        }
    }

    /// An object.
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    /// A text from something other than the API server's own code.
    pub(crate) fn text(status: u16, text: &'static str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", text)
    }

    /// A `Status` of failure.
    pub(crate) fn failure(status: u16, reason: &str, message: &str) -> Self {
        let mut value = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"});
        value["message"] = message.into();
        value["reason"] = reason.into();
        value["code"] = status.into();
        Self::json(status, &value)
    }

    /// The same with a machine-readable cause (`StatusCause`).
    pub(crate) fn failure_because(
        status: u16,
        reason: &str,
        message: &str,
        cause: (&str, &str, &str),
    ) -> Self {
        let (of, why, field) = cause;
        let mut answer = Self::failure(status, reason, message);
        let mut value: Value = serde_json::from_slice(&answer.body).unwrap();
        value["details"] = json!({"causes": [{"reason": of, "message": why, "field": field}]});
        answer.body = value.to_string().into();
        answer
    }

    /// A missing object.
    pub(crate) fn not_found(resource: &str, name: &str) -> Self {
        Self::failure(404, "NotFound", &format!("{resource} {name:?} not found"))
    }

    /// Priority and fairness.
    pub(crate) fn too_many_requests(retry_after: Option<u64>) -> Self {
        let mut answer = Self::text(429, "Too many requests, please try again later.\n");
        answer.headers.extend(retry_after.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
        answer
    }

    /// No such path.
    pub(crate) fn no_page() -> Self {
        Self::text(404, "404 page not found\n")
    }

    /// Compresses like the server: JSON above a certain length, if requested.
    pub(crate) fn compressed(mut self, accept_encoding: &str) -> Self {
        let has_encoding = self.headers.iter().any(|(name, _)| name == CONTENT_ENCODING);
        if has_encoding || !accept_encoding.contains("gzip") || self.body.len() <= COMPRESSED_FROM {
            return self;
        }
        // Level 1, as in k8s.io/apiserver.
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(1));
        encoder.write_all(&self.body).unwrap();
        self.body = encoder.finish().unwrap().into();
        self.headers.push((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        self
    }
}

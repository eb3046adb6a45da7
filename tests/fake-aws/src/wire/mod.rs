//! The wire formats, one file each, and their common types: response and refusal.

pub(crate) mod aws_chunked;
pub(crate) mod cbor;
pub(crate) mod cbor_as_json;
pub(crate) mod crc32;
pub(crate) mod form;
pub(crate) mod json;
pub(crate) mod rest_xml;
pub(crate) mod xml;

use std::borrow::Cow;

/// An HTTP response.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(Cow<'static, str>, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A 200 with a body of `content_type`.
    pub(crate) fn ok(content_type: &str, body: Vec<u8>) -> Self {
        Self { status: 200, headers: vec![("content-type".into(), content_type.to_owned())], body }
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// The error of an operation; each wire format writes it in its own way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// More members of the error, for JSON only (`Item` of a failed DynamoDB condition).
    pub(crate) extra: Option<(&'static str, serde_json::Value)>,
}

impl Refusal {
    /// An error with the given HTTP status.
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), extra: None }
    }

    /// An error of the client: status 400.
    pub(crate) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// The party at fault, in the words of the Query protocol.
    pub(crate) fn fault(&self) -> &'static str {
        if self.status < 500 { "Sender" } else { "Receiver" }
    }
}

/// The result of an operation.
pub(crate) type Outcome = Result<Answer, Refusal>;

//! Reads a response body: bounded, decompressed, and never mistaken for complete when it is not.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use bytes::Buf;
use flate2::read::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;
use serde::Deserialize;
use tokio::time::timeout;

use super::error::{Cause, Explanation};

/// Maximum bytes of an error's text that are kept.
const LONGEST_TEXT: usize = 1024;

/// Reads the whole body, at most `limit` bytes after decompression; counts the bytes received.
///
/// The body stays compressed until it is complete: a list is a tenth of its size while others are
/// awaited, and decompressing and parsing it awaits nothing.
pub(super) async fn read(
    mut response: Response<Incoming>,
    silence: Duration,
    limit: usize,
    mut sent: impl FnMut(u64),
) -> Result<Vec<u8>, Cause> {
    let gzip = response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
    let mut body = Vec::new();
    loop {
        let bytes = body.len() as u64;
        let frame = timeout(silence, response.body_mut().frame()).await;
        let frame = match frame.map_err(|_| Cause::Stalled { waited: silence, bytes })? {
            None if gzip => return decompress(&body, limit),
            None => return Ok(body),
            Some(Err(_)) => return Err(Cause::Cut { bytes }),
            Some(Ok(frame)) => frame,
        };
        if let Some(data) = frame.data_ref() {
            sent(data.remaining() as u64);
            if data.remaining() > limit - body.len() {
                return Err(Cause::TooLarge { limit });
            }
            body.extend_from_slice(data);
        }
    }
}

/// Also checks the length and checksum at the end.
fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>, Cause> {
    // The last four bytes are the length, modulo 2^32 (RFC 1952, ISIZE), so the buffer is allocated
    // once instead of doubled repeatedly. They are trusted only up to what deflate can compress,
    // which is about a thousand times.
    let declared = body.last_chunk().map_or(0, |size| u32::from_le_bytes(*size) as usize);
    let mut plain = Vec::with_capacity(declared.min(limit).min(body.len().saturating_mul(1_032)) + 1);
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(body).take(one_more).read_to_end(&mut plain).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => Cause::Cut { bytes: body.len() as u64 },
        _ => Cause::Malformed(format!("bad gzip: {error}")),
    })?;
    if plain.len() > limit { Err(Cause::TooLarge { limit }) } else { Ok(plain) }
}

/// Whether the response declares itself as JSON.
pub(super) fn is_json(response: &Response<Incoming>) -> bool {
    let content_type =
        response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type
        .split(';')
        .next()
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}

/// The fields of a `Status` that are read.
#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    details: Details,
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default)]
    causes: Vec<StatusCause>,
}

/// A `StatusCause`.
#[derive(Deserialize)]
struct StatusCause {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    next: String,
}

/// The content of an error response's body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) explanation: Explanation,
    /// The continue token of a 410 response.
    pub(super) next: Option<String>,
    /// The cause named by the server, if it needs its own remedy.
    pub(super) special: Option<Special>,
}

/// A cause that the status code alone does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    /// The namespace is being deleted (k8s.io/apiserver, `NamespaceLifecycle`).
    NamespaceTerminating,
    /// The object is immutable (k8s.io/kubernetes, `ValidateConfigMapUpdate`).
    Immutable,
}

/// Reads the body of an error response.
pub(super) fn explain(json: bool, body: &[u8]) -> Said {
    let status = json.then(|| serde_json::from_slice::<Status>(body).ok()).flatten();
    match status {
        Some(Status { reason, message, metadata, details }) => Said {
            explanation: Explanation::Status { reason: plain(&reason), message: plain(&message) },
            next: Some(metadata.next).filter(|next| !next.is_empty()),
            special: details.causes.iter().find_map(StatusCause::special),
        },
        None => Said {
            explanation: Explanation::Text(plain(&String::from_utf8_lossy(body))),
            next: None,
            special: None,
        },
    }
}

impl StatusCause {
    fn special(&self) -> Option<Special> {
        match self.reason.as_str() {
            "NamespaceTerminating" => Some(Special::NamespaceTerminating),
            "FieldValueForbidden" if self.message.contains("field is immutable") => Some(Special::Immutable),
            _ => None,
        }
    }
}

/// Server text for logs and summaries: on one line, and of limited length.
fn plain(text: &str) -> String {
    let one_line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut cut = one_line.len().min(LONGEST_TEXT);
    while !one_line.is_char_boundary(cut) {
        cut -= 1;
    }
    if cut < one_line.len() { format!("{}...", &one_line[..cut]) } else { one_line }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn text(json: bool, body: &[u8]) -> String {
        let Explanation::Text(text) = explain(json, body).explanation else { panic!() };
        text
    }

    #[test]
    fn a_status_is_read_by_its_content_type_only() {
        let status = br#"{"kind":"Status","message":"pods is forbidden","reason":"Forbidden","code":403}"#;
        let explanation =
            Explanation::Status { reason: "Forbidden".to_owned(), message: "pods is forbidden".to_owned() };
        assert_eq!(explain(true, status), Said { explanation, next: None, special: None });
        assert!(text(false, status).starts_with("{\"kind\""));
        assert_eq!(text(true, b"<html>"), "<html>");
    }

    #[test]
    fn the_text_of_an_error_is_short_and_on_one_line() {
        assert_eq!(text(false, "a\u{1b}[31m\r\nb\n".as_bytes()), "a [31m  b");
        assert_eq!(text(false, "ä".repeat(600).as_bytes()), format!("{}...", "ä".repeat(512)));
        assert_eq!(text(false, &[b'x', 0xff]), "x\u{fffd}");
    }

    #[test]
    fn the_new_token_of_an_expired_listing_is_found() {
        let body = br#"{"metadata":{"continue":"abc"},"reason":"Expired","code":410}"#;
        assert_eq!(explain(true, body).next.as_deref(), Some("abc"));
    }

    /// Issue 13, point 23.
    #[test]
    fn causes_that_need_a_remedy_of_their_own_are_found() {
        for (cause, special) in [
            (r#"{"reason":"NamespaceTerminating","message":"x"}"#, Some(Special::NamespaceTerminating)),
            (
                r#"{"reason":"FieldValueForbidden","message":"Forbidden: field is immutable when `immutable` is set"}"#,
                Some(Special::Immutable),
            ),
            (r#"{"reason":"FieldValueForbidden","message":"Forbidden: may not be set"}"#, None),
            (r#"{"reason":"FieldValueInvalid","message":"field is immutable"}"#, None),
            ("{}", None),
        ] {
            let body = format!(r#"{{"reason":"x","details":{{"causes":[{{"field":"data"}},{cause}]}}}}"#);
            assert_eq!(explain(true, body.as_bytes()).special, special, "{cause}");
        }
    }

    /// Issue 13, point 16: a part of a compressed body is never mistaken for the whole, wherever it
    /// ends.
    #[test]
    fn a_compressed_body_that_is_cut_anywhere_is_reported_as_cut() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(br#"{"items":[],"metadata":{"a":"0123456789"}}"#).unwrap();
        let whole = encoder.finish().unwrap();
        for bytes in 0..whole.len() {
            let cut = decompress(&whole[..bytes], 1 << 20);
            assert_eq!(
                cut,
                Err(Cause::Cut { bytes: bytes as u64 }),
                "after {bytes} of {} bytes",
                whole.len()
            );
        }
        assert!(decompress(&whole, 1 << 20).is_ok());
        let mut damaged = whole;
        damaged[12] ^= 0xff;
        assert!(matches!(decompress(&damaged, 1 << 20), Err(Cause::Malformed(_))));
    }
}

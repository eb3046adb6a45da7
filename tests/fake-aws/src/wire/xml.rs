//! The responses of the AWS Query protocol (SNS, STS).
//!
//! <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>

use super::{Answer, Refusal};

/// Text with the five special characters escaped.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            other => out.push(other),
        }
    }
    out
}

/// One element with text content.
pub(crate) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

/// `<ActionResponse><ActionResult>inner</ActionResult>...`
pub(crate) fn output(namespace: &str, action: &str, inner: &str, request_id: &str) -> Answer {
    let body = format!(
        "<{action}Response xmlns=\"{namespace}\"><{action}Result>{inner}</{action}Result>\
         <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    );
    Answer::ok("text/xml", body.into_bytes())
}

/// `<ErrorResponse><Error>...`
pub(crate) fn error(namespace: &str, refusal: &Refusal, request_id: &str) -> Answer {
    let body = format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error>{}{}{}</Error>{}</ErrorResponse>",
        element("Type", refusal.fault()),
        element("Code", &refusal.code),
        element("Message", &refusal.message),
        element("RequestId", request_id),
    );
    Answer { status: refusal.status, ..Answer::ok("text/xml", body.into_bytes()) }
}

//! REST-XML of Amazon S3: errors without the wrapping element.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>

use super::{Answer, Refusal, xml};

/// A response with an XML document.
pub(crate) fn output(root: &str, inner: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inner}</{root}>"
    );
    Answer::ok("application/xml", body.into_bytes())
}

/// An error; the response to a HEAD has no body for it.
pub(crate) fn error(refusal: &Refusal, resource: &str, request_id: &str, head: bool) -> Answer {
    let body = if head {
        String::new()
    } else {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{}{}{}{}</Error>",
            xml::element("Code", &refusal.code),
            xml::element("Message", &refusal.message),
            xml::element("Resource", resource),
            xml::element("RequestId", request_id),
        )
    };
    Answer { status: refusal.status, ..Answer::ok("application/xml", body.into_bytes()) }
}

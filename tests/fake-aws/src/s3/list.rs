//! `ListObjectsV2`. <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>

use super::Bucket;
use crate::request::Request;
use crate::wire::xml::element;
use crate::wire::{Outcome, Refusal, form, rest_xml};

pub(super) fn call(request: &Request, bucket: &Bucket, name: &str) -> Outcome {
    if request.parameter("delimiter").is_some_and(|delimiter| !delimiter.is_empty()) {
        return Err(Refusal::new(501, "NotImplemented", "fake-aws does not fake delimiters"));
    }
    let url = request.parameter("encoding-type") == Some("url");
    let text = |key: &str| if url { form::encode(key) } else { key.to_owned() };
    let prefix = request.parameter("prefix").unwrap_or_default();
    let size = match request.parameter("max-keys") {
        None => 1_000,
        Some(size) => size
            .parse::<usize>()
            .map_err(|_| Refusal::bad("InvalidArgument", "max-keys is not a number"))?
            .min(1_000),
    };
    let token = request.parameter("continuation-token");
    let after = match token {
        Some(token) => Some(token.strip_prefix("after:").ok_or_else(|| {
            Refusal::bad("InvalidArgument", "The continuation token provided is incorrect")
        })?),
        None => request.parameter("start-after"),
    };
    let mut keys = bucket
        .keys
        .keys()
        .filter(|key| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after))
        .filter_map(|key| Some((key, bucket.newest(key)?)))
        .peekable();
    let page: Vec<_> = keys.by_ref().take(size).collect();
    let more = keys.peek().is_some();

    let mut xml = element("Name", name) + &element("Prefix", &text(prefix));
    xml += &element("KeyCount", &page.len().to_string());
    xml += &element("MaxKeys", &size.to_string());
    xml += &element("IsTruncated", if more { "true" } else { "false" });
    if url {
        xml += &element("EncodingType", "url");
    }
    if let Some((key, _)) = page.last().filter(|_| more) {
        xml += &element("NextContinuationToken", &format!("after:{key}"));
    }
    if let Some(token) = token {
        xml += &element("ContinuationToken", token);
    }
    for (key, version) in page {
        xml += &[
            "<Contents>".to_owned(),
            element("Key", &text(key)),
            element("LastModified", "2000-01-02T00:00:00.000Z"),
            element("ETag", &version.etag()),
            element("Size", &version.bytes.len().to_string()),
            element("StorageClass", "STANDARD"),
            "</Contents>".to_owned(),
        ]
        .concat();
    }
    Ok(rest_xml::output("ListBucketResult", &xml))
}

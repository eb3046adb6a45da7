//! `ListObjectsV2`. <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>

use super::{Bucket, Version};
use crate::request::Request;
use crate::wire::xml::element;
use crate::wire::{Outcome, Refusal, form, rest_xml};

/// Keys and common prefixes of a page.
const PAGE: usize = 1_000;

/// One line of a listing.
enum Entry<'a> {
    Key(&'a str, &'a Version),
    /// All keys with this prefix, up to and including the delimiter.
    CommonPrefix(&'a str),
}

/// Where a page begins.
#[derive(Clone, Copy)]
enum After<'a> {
    /// `start-after`: after a key, whatever the prefix of the next one.
    Key(&'a str),
    /// A continuation token: after an entry, including everything under a common prefix.
    Entry(&'a str),
}

pub(super) fn call(request: &Request, bucket: &Bucket, name: &str) -> Outcome {
    let url = request.parameter("encoding-type") == Some("url");
    let text = |key: &str| if url { form::encode(key) } else { key.to_owned() };
    let prefix = request.parameter("prefix").unwrap_or_default();
    let delimiter = request.parameter("delimiter").filter(|delimiter| !delimiter.is_empty());
    let size = match request.parameter("max-keys") {
        None => PAGE,
        Some(size) => size
            .parse::<usize>()
            .map_err(|_| invalid("Argument maxKeys must be an integer between 0 and 2147483647"))?
            .min(PAGE),
    };
    let token = request.parameter("continuation-token");
    let start_after = request.parameter("start-after");
    let after = match token {
        Some(token) => After::Entry(
            token
                .strip_prefix("after:")
                .ok_or_else(|| invalid("The continuation token provided is incorrect"))?,
        ),
        None => After::Key(start_after.unwrap_or_default()),
    };
    let mut entries = entries(bucket, prefix, delimiter, after).into_iter();
    let page: Vec<Entry<'_>> = entries.by_ref().take(size).collect();
    let more = size > 0 && entries.next().is_some();

    let mut xml = element("Name", name) + &element("Prefix", &text(prefix));
    xml += &element("KeyCount", &page.len().to_string());
    xml += &element("MaxKeys", &size.to_string());
    xml += &element("IsTruncated", if more { "true" } else { "false" });
    if let Some(delimiter) = delimiter {
        xml += &element("Delimiter", &text(delimiter));
    }
    if let Some(start_after) = start_after {
        xml += &element("StartAfter", &text(start_after));
    }
    if url {
        xml += &element("EncodingType", "url");
    }
    if let Some(last) = page.last().filter(|_| more) {
        let (Entry::Key(last, _) | Entry::CommonPrefix(last)) = last;
        xml += &element("NextContinuationToken", &format!("after:{last}"));
    }
    if let Some(token) = token {
        xml += &element("ContinuationToken", token);
    }
    for entry in page {
        xml += &match entry {
            Entry::Key(key, version) => contents(&text(key), version),
            Entry::CommonPrefix(common) => {
                format!("<CommonPrefixes>{}</CommonPrefixes>", element("Prefix", &text(common)))
            }
        };
    }
    Ok(rest_xml::output("ListBucketResult", &xml))
}

fn invalid(message: &str) -> Refusal {
    Refusal::bad("InvalidArgument", message)
}

/// Keys and common prefixes after `after`, in one order.
fn entries<'a>(
    bucket: &'a Bucket,
    prefix: &str,
    delimiter: Option<&str>,
    after: After<'_>,
) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry<'a>> = Vec::new();
    for key in bucket.keys.keys().filter(|key| key.starts_with(prefix)) {
        let Some(version) = bucket.newest(key) else { continue };
        let common = delimiter.and_then(|delimiter| {
            let place = key[prefix.len()..].find(delimiter)?;
            Some(&key[..prefix.len() + place + delimiter.len()])
        });
        let passed = match after {
            After::Key(after) => key.as_str() <= after,
            After::Entry(after) => common.unwrap_or(key) <= after,
        };
        if passed {
            continue;
        }
        match common {
            None => entries.push(Entry::Key(key, version)),
            Some(common) if matches!(entries.last(), Some(Entry::CommonPrefix(last)) if *last == common) => {}
            Some(common) => entries.push(Entry::CommonPrefix(common)),
        }
    }
    entries
}

fn contents(key: &str, version: &Version) -> String {
    [
        "<Contents>".to_owned(),
        element("Key", key),
        element("LastModified", "2000-01-02T00:00:00.000Z"),
        element("ETag", &version.etag()),
        element("Size", &version.bytes.len().to_string()),
        element("StorageClass", "STANDARD"),
        "</Contents>".to_owned(),
    ]
    .concat()
}

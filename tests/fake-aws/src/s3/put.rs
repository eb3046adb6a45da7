//! `PutObject`: conditional writes, `aws-chunked` bodies and checksums.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>

use super::{Bucket, Version, version_id};
use crate::request::Request;
use crate::wire::{Answer, Outcome, Refusal, aws_chunked, crc32};

/// Headers of an upload that its download repeats, in addition to the user's metadata.
const KEPT: [&str; 9] = [
    "content-type",
    "content-encoding",
    "content-disposition",
    "content-language",
    "cache-control",
    "expires",
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha256",
];
/// The prefix of user metadata names.
const METADATA: &str = "x-amz-meta-";
/// Maximum bytes of all names and values of user metadata together.
const MOST_METADATA: usize = 2_048;

pub(super) fn call(request: &Request, bucket: &mut Bucket, key: String, serial: u64) -> Outcome {
    check_conditions(request, bucket, &key)?;
    let (bytes, trailers) = body(request)?;
    let mut headers: Vec<(String, String)> = KEPT
        .iter()
        .map(|name| ((*name).to_owned(), request.header(name).to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    headers.extend(metadata(request)?);
    headers.extend(trailers);
    for (name, value) in &mut headers {
        if name == "content-encoding" {
            // aws-chunked is the transfer encoding; the rest is the object's own.
            let own = value.split(',').map(str::trim).filter(|coding| *coding != "aws-chunked");
            *value = own.collect::<Vec<_>>().join(",");
        }
        if name == "x-amz-checksum-crc32" && *value != crc32::crc32_base64(&bytes) {
            let message = "The CRC32 you specified did not match the calculated checksum.";
            return Err(Refusal::bad("BadDigest", message));
        }
    }
    headers.retain(|(_, value)| !value.is_empty());
    let version = Version { id: version_id(serial), bytes, headers, deleted: false };
    let answer = Answer { status: 200, ..Answer::default() }
        .with("etag", version.etag())
        .with("x-amz-version-id", version.id.clone());
    bucket.keys.entry(key).or_default().push(version);
    Ok(answer)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata>
fn metadata(request: &Request) -> Result<Vec<(String, String)>, Refusal> {
    let mut found = Vec::new();
    for name in request.headers.keys().map(hyper::http::HeaderName::as_str) {
        if name.starts_with(METADATA) {
            found.push((name.to_owned(), request.header(name).to_owned()));
        }
    }
    let bytes: usize = found.iter().map(|(name, value)| name.len() - METADATA.len() + value.len()).sum();
    if bytes > MOST_METADATA {
        let message = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(Refusal::bad("MetadataTooLarge", message));
    }
    Ok(found)
}

fn check_conditions(request: &Request, bucket: &Bucket, key: &str) -> Result<(), Refusal> {
    let newest = bucket.newest(key);
    let failed = || {
        let message = "At least one of the pre-conditions you specified did not hold";
        Err(Refusal::new(412, "PreconditionFailed", message))
    };
    if request.header("if-none-match") == "*" && newest.is_some() {
        return failed();
    }
    match (request.header("if-match"), newest) {
        ("", _) => Ok(()),
        (_, None) => Err(Refusal::new(404, "NoSuchKey", "The specified key does not exist.")),
        (wanted, Some(version)) if version.etag() == wanted => Ok(()),
        _ => failed(),
    }
}

fn body(request: &Request) -> Result<aws_chunked::Decoded, Refusal> {
    let chunked = request.header("content-encoding").contains("aws-chunked")
        || request.header("x-amz-content-sha256").starts_with("STREAMING-");
    if !chunked {
        return Ok((request.body.to_vec(), Vec::new()));
    }
    let (bytes, trailers) = aws_chunked::decode(&request.body)?;
    let said = request.header("x-amz-decoded-content-length");
    if !said.is_empty() && said != bytes.len().to_string() {
        return Err(Refusal::bad("IncompleteBody", "The decoded length does not match the header."));
    }
    Ok((bytes, trailers))
}

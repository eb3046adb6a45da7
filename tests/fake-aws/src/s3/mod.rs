//! Amazon S3, path-style, with versioning. <https://docs.aws.amazon.com/AmazonS3/latest/API/>

mod list;
mod put;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::request::Request;
use crate::service::{Service, Target};
use crate::wire::{Answer, Outcome, Refusal, form};
use crate::world::{Object, World};

/// A versioned bucket: the versions of each key, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    keys: BTreeMap<String, Vec<Version>>,
}

/// One version of an object.
#[derive(Clone, Debug)]
struct Version {
    id: String,
    bytes: Vec<u8>,
    /// Content type, encoding, user metadata and checksums, given back as they came.
    headers: Vec<(String, String)>,
    /// A delete marker has no bytes and hides what is older.
    deleted: bool,
}

impl Version {
    fn etag(&self) -> String {
        // Opaque to clients: only the ETags of plain, unencrypted uploads are MD5 sums.
        let mut hasher = DefaultHasher::new();
        self.bytes.hash(&mut hasher);
        format!("\"{:016x}{:016x}\"", hasher.finish(), self.bytes.len())
    }
}

impl Bucket {
    /// The newest version, unless it is a delete marker.
    fn newest(&self, key: &str) -> Option<&Version> {
        self.keys.get(key)?.last().filter(|version| !version.deleted)
    }
}

/// The operation that a method and path mean.
pub(crate) fn operation(request: &Request) -> String {
    let (_, key) = address(request);
    let name = match (request.method.as_str(), key.is_empty()) {
        ("GET", false) if request.query.iter().any(|(name, _)| name == "tagging") => "GetObjectTagging",
        ("GET", false) => "GetObject",
        ("PUT", false) => "PutObject",
        ("HEAD", false) => "HeadObject",
        ("DELETE", false) => "DeleteObject",
        ("GET", true) if request.parameter("list-type") == Some("2") => "ListObjectsV2",
        ("GET", true) => "ListObjects",
        ("HEAD", true) => "HeadBucket",
        (method, _) => return format!("{method} {}", request.path),
    };
    name.to_owned()
}

fn address(request: &Request) -> (String, String) {
    let path = request.path.trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (form::decode(bucket, false), form::decode(key, false))
}

pub(crate) fn call(request: &Request, target: &Target, world: &mut World) -> Outcome {
    let (name, key) = address(request);
    let serial = world.next_serial();
    if !world.is_home_account(&request.account) {
        return Err(Service::S3.denied(&target.name, &request.account));
    }
    let bucket = world
        .s3
        .get_mut(&name)
        .ok_or_else(|| Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist"))?;
    match target.operation.as_str() {
        "GetObject" | "HeadObject" => get(request, bucket, &key),
        "PutObject" => put::call(request, bucket, key, serial),
        "DeleteObject" => Ok(delete(bucket, key, serial)),
        "ListObjectsV2" => list::call(request, bucket, &name),
        _ => Err(target.unknown()),
    }
}

fn get(request: &Request, bucket: &Bucket, key: &str) -> Outcome {
    let missing = || Refusal::new(404, "NoSuchKey", "The specified key does not exist.");
    let version = match request.parameter("versionId") {
        None => bucket.newest(key).ok_or_else(missing)?,
        Some(id) => bucket
            .keys
            .get(key)
            .and_then(|versions| versions.iter().find(|version| version.id == id))
            .filter(|version| !version.deleted)
            .ok_or_else(|| Refusal::new(404, "NoSuchVersion", "The specified version does not exist."))?,
    };
    if !request.header("range").is_empty() {
        return Err(Refusal::new(501, "NotImplemented", "fake-aws does not fake ranges"));
    }
    let mut answer = Answer { status: 200, body: version.bytes.clone(), ..Answer::default() }
        .with("etag", version.etag())
        .with("x-amz-version-id", version.id.clone())
        .with("last-modified", "Sun, 02 Jan 2000 00:00:00 GMT")
        .with("accept-ranges", "bytes");
    let checksums = request.header("x-amz-checksum-mode").eq_ignore_ascii_case("ENABLED");
    for (name, value) in &version.headers {
        if let Some(known) = put::KEPT.iter().find(|kept| **kept == name)
            && (checksums || !name.starts_with("x-amz-checksum-"))
        {
            answer = answer.with(known, value.clone());
        }
    }
    if request.method == "HEAD" {
        let length = std::mem::take(&mut answer.body).len();
        answer = answer.with("content-length", length.to_string());
    }
    Ok(answer)
}

fn delete(bucket: &mut Bucket, key: String, serial: u64) -> Answer {
    let id = version_id(serial);
    let marker = Version { id: id.clone(), bytes: Vec::new(), headers: Vec::new(), deleted: true };
    bucket.keys.entry(key).or_default().push(marker);
    Answer { status: 204, ..Answer::default() }
        .with("x-amz-version-id", id)
        .with("x-amz-delete-marker", "true")
}

fn version_id(serial: u64) -> String {
    format!("fake-version-{serial}")
}

impl World {
    pub(crate) fn objects(&self) -> Vec<Object> {
        let mut objects = Vec::new();
        for (name, bucket) in &self.s3 {
            for (key, versions) in &bucket.keys {
                if let Some(newest) = bucket.newest(key) {
                    objects.push(Object {
                        bucket: name.clone(),
                        key: key.clone(),
                        bytes: newest.bytes.len(),
                        versions: versions.len(),
                    });
                }
            }
        }
        objects
    }

    pub(crate) fn object(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        self.s3.get(bucket)?.newest(key).map(|version| version.bytes.clone())
    }

    pub(crate) fn put_object(&mut self, bucket: &str, key: &str, bytes: Vec<u8>) -> String {
        let id = version_id(self.next_serial());
        let version = Version { id: id.clone(), bytes, headers: Vec::new(), deleted: false };
        let bucket = self.s3.entry(bucket.to_owned()).or_default();
        bucket.keys.entry(key.to_owned()).or_default().push(version);
        id
    }
}

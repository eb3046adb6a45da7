//! Amazon S3, path-style, with versioning. <https://docs.aws.amazon.com/AmazonS3/latest/API/>

mod list;
mod put;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::request::Request;
use crate::service::{Service, Target};
use crate::wire::{Answer, Outcome, Refusal, form};
use crate::world::{Object, World};

/// Bytes of a key.
const LONGEST_KEY: usize = 1_024;

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
    /// Content type, encoding, user metadata and checksums, returned unchanged.
    headers: Vec<(String, String)>,
    /// A delete marker has no bytes and hides older versions.
    deleted: bool,
}

/// The content type of an object that was stored without one.
const PLAIN: (&str, &str) = ("content-type", "binary/octet-stream");

impl Version {
    fn etag(&self) -> String {
        // Opaque to clients: only the ETags of plain, unencrypted uploads are MD5 sums.
        let mut hasher = DefaultHasher::new();
        self.bytes.hash(&mut hasher);
        format!("\"{:016x}{:016x}\"", hasher.finish(), self.bytes.len())
    }

    /// The headers of a download: checksums only on request.
    fn headers(&self, with_checksums: bool) -> impl Iterator<Item = (String, String)> {
        let typed = self.headers.iter().any(|(name, _)| name == PLAIN.0);
        let plain = (!typed).then(|| (PLAIN.0.to_owned(), PLAIN.1.to_owned()));
        let kept =
            move |(name, _): &&(String, String)| with_checksums || !name.starts_with("x-amz-checksum-");
        self.headers.iter().filter(kept).cloned().chain(plain)
    }
}

impl Bucket {
    /// The newest version, unless it is a delete marker.
    fn newest(&self, key: &str) -> Option<&Version> {
        self.keys.get(key)?.last().filter(|version| !version.deleted)
    }
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
    if key.len() > LONGEST_KEY {
        return Err(Refusal::bad("KeyTooLongError", "Your key is too long"));
    }
    match target.operation.as_str() {
        "HeadBucket" => {
            Ok(Answer { status: 200, ..Answer::default() }
                .with("x-amz-bucket-region", request.region.clone()))
        }
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
    let (wanted, known) = (request.header("if-match"), request.header("if-none-match"));
    if !wanted.is_empty() && wanted != "*" && wanted != version.etag() {
        let message = "At least one of the pre-conditions you specified did not hold";
        return Err(Refusal::new(412, "PreconditionFailed", message));
    }
    if known == "*" || known == version.etag() {
        return Err(Refusal::new(304, "NotModified", "Not Modified"));
    }
    if !request.header("range").is_empty() {
        return Err(Refusal::new(501, "NotImplemented", "fake-aws does not fake ranges"));
    }
    let mut answer = Answer { status: 200, body: version.bytes.clone(), ..Answer::default() }
        .with("etag", version.etag())
        .with("x-amz-version-id", version.id.clone())
        .with("last-modified", "Sun, 02 Jan 2000 00:00:00 GMT")
        .with("accept-ranges", "bytes");
    let checksums = request.header("x-amz-checksum-mode").eq_ignore_ascii_case("ENABLED");
    for (name, value) in version.headers(checksums) {
        answer = answer.with(name, value);
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

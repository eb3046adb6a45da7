//! Amazon S3: the stack's bucket with the user's file, inventories, snapshots and outcomes.

use std::collections::BTreeMap;
use std::io::Read;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::primitives::ByteStream;
use fargaze::config::{self, CONFIG_KEY, DEFAULT_YAML};
use fargaze::evidence::eks::EksReads;
use fargaze::evidence::inventory::CachedInventory;
use fargaze::evidence::snapshot::Snapshot;
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{Plan, Step, TargetFailure, TargetTask};
use fargaze::logs::query::LogSettings;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::{Run, Target};
use fargaze::reconcile::Policies;
use fargaze::rules::AlarmRule;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::pages::Pages;
use super::sdk_error::fault;

/// The stack's bucket.
#[derive(Debug)]
pub struct Store {
    client: Client,
    bucket: String,
}

/// An object as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its version; `None` in a bucket without versioning.
    pub version: Option<String>,
}

impl Object {
    /// The content as text.
    pub fn text(&self, key: &str) -> Result<String, Failure> {
        let text = String::from_utf8(self.bytes.clone());
        text.map_err(|error| Failure::Misconfigured(format!("{key} is not UTF-8 text: {error}")))
    }
}

/// The fault for a required object that does not exist.
pub fn missing_object(key: &str) -> Fault {
    Fault {
        operation: Operation::S3GetObject,
        subject: key.to_owned(),
        kind: FaultKind::NotFound,
        code: "NoSuchKey".to_owned(),
        message: "the object no longer exists".to_owned(),
    }
}

impl Store {
    /// Opens the bucket of that name with the credentials and Region of `config`.
    pub fn new(config: &SdkConfig, bucket: &str) -> Self {
        // TLS and the signature already protect what fargaze sends; object checksums would only
        // cost CPU.
        let config = aws_sdk_s3::config::Builder::from(config)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Self { client: Client::from_conf(config), bucket: bucket.to_owned() }
    }

    /// Reads an object (`GetObject`); `None` if the key does not exist. Without `version`, reads
    /// the newest version.
    pub async fn get(&self, key: &str, version: Option<&str>) -> Result<Option<Object>, Fault> {
        const OPERATION: Operation = Operation::S3GetObject;
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        let answer = match request.set_version_id(version.map(ToOwned::to_owned)).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let fault = fault(OPERATION, key, &error);
                let absent = fault.kind == FaultKind::NotFound && fault.code == "NoSuchKey";
                return if absent { Ok(None) } else { Err(fault) };
            }
        };
        let version = answer.version_id;
        let bytes = answer.body.collect().await.map_err(|error| Fault {
            operation: OPERATION,
            subject: key.to_owned(),
            kind: FaultKind::Transient,
            code: "broken body".to_owned(),
            message: error.to_string(),
        })?;
        Ok(Some(Object { bytes: bytes.to_vec(), version }))
    }

    /// Reads a JSON object; `None` if the key does not exist.
    pub async fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Fault> {
        let Some(object) = self.get(key, None).await? else {
            return Ok(None);
        };
        let value = serde_json::from_slice(&object.bytes);
        value.map(Some).map_err(|error| Fault::malformed(Operation::S3GetObject, key, error.to_string()))
    }

    /// The rules of a run: from the version of the user's file that the run began with, or the
    /// built-in ones.
    pub async fn rules(&self, run: &Run) -> Result<Vec<AlarmRule>, Failure> {
        let text = self.user_text(run).await?;
        Ok(config::read_rules(text.as_deref().unwrap_or(DEFAULT_YAML))?)
    }

    /// The policies of a run: from the version of the user's file that the run began with, or the
    /// built-in ones.
    pub async fn policies(&self, run: &Run) -> Result<Policies, Failure> {
        let text = self.user_text(run).await?;
        Ok(text.map(|text| config::read_policies(&text)).transpose()?.unwrap_or_default())
    }

    /// The saved queries of logs of a run, from the same version of the user's file.
    pub async fn log_settings(&self, run: &Run) -> Result<LogSettings, Failure> {
        let text = self.user_text(run).await?;
        Ok(text.map(|text| config::read_logs(&text)).transpose()?.unwrap_or_default())
    }

    /// What a run reads from EKS clusters in addition to what it always reads, from the same
    /// version of the user's file.
    pub async fn eks_reads(&self, run: &Run) -> Result<EksReads, Failure> {
        let text = self.user_text(run).await?;
        Ok(text.map(|text| config::read_eks(&text)).transpose()?.unwrap_or_default())
    }

    /// The user's file in the version that the run began with; `None` if there was none.
    async fn user_text(&self, run: &Run) -> Result<Option<String>, Failure> {
        let Some(version) = &run.config_version else { return Ok(None) };
        let object = self.get(CONFIG_KEY, Some(version)).await?;
        let object = object.ok_or_else(|| missing_object(CONFIG_KEY))?;
        object.text(CONFIG_KEY).map(Some)
    }

    /// Reads the snapshot with that key, if it exists.
    pub async fn get_snapshot(&self, key: &str) -> Result<Option<Snapshot>, Fault> {
        let Some(object) = self.get(key, None).await? else {
            return Ok(None);
        };
        Snapshot::read(&object.bytes[..])
            .map(Some)
            .map_err(|error| Fault::malformed(Operation::S3GetObject, key, error.to_string()))
    }

    /// Reads the cached inventory of a target, if it exists.
    pub async fn get_inventory(&self, target: &Target) -> Result<Option<CachedInventory>, Fault> {
        self.get_zipped(&target.inventory_key()).await
    }

    /// Caches the inventory of a target.
    pub async fn put_inventory(&self, target: &Target, inventory: &CachedInventory) -> Result<(), Fault> {
        self.put_zipped(&target.inventory_key(), inventory).await
    }

    /// Reads compressed JSON; `None` if the key does not exist.
    pub async fn get_zipped<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Fault> {
        let Some(object) = self.get(key, None).await? else {
            return Ok(None);
        };
        // Decompressed as a whole, because serde_json reads a stream byte by byte.
        let mut text = Vec::new();
        let read = GzDecoder::new(&object.bytes[..]).read_to_end(&mut text).map_err(serde_json::Error::io);
        let value = read.and_then(|_| serde_json::from_slice(&text));
        value.map(Some).map_err(|error| Fault::malformed(Operation::S3GetObject, key, error.to_string()))
    }

    /// Stores a value as compressed JSON.
    pub async fn put_zipped<T: Serialize>(&self, key: &str, value: &T) -> Result<(), Fault> {
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        let written = serde_json::to_writer(&mut out, value).map_err(std::io::Error::from);
        let bytes = written.and_then(|()| out.finish());
        let bytes = bytes.map_err(|error| Fault::bug(Operation::S3PutObject, key, error.to_string()))?;
        self.put(key, bytes).await
    }

    /// Stores an object (`PutObject`).
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), Fault> {
        self.put_typed(key, bytes, None).await
    }

    /// Stores an object with a content type, so that browsers can display it.
    pub async fn put_typed(
        &self,
        key: &str,
        bytes: Vec<u8>,
        content_type: Option<&str>,
    ) -> Result<(), Fault> {
        let request = self.client.put_object().bucket(&self.bucket).key(key).body(ByteStream::from(bytes));
        let request = request.set_content_type(content_type.map(ToOwned::to_owned));
        request.send().await.map(|_| ()).map_err(|error| fault(Operation::S3PutObject, key, &error))
    }

    /// Lists the snapshots of the target's alarms runs in `since..=until`, by run time
    /// (`ListObjectsV2`, once per day).
    pub async fn snapshots_of_alarms(
        &self,
        target: &Target,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeMap<Timestamp, String>, Fault> {
        let mut found = BTreeMap::new();
        for day in days(since, until) {
            let prefix = target.snapshots_of_alarms(day);
            let after = target.snapshots_of_alarms_at(since.max(day));
            for key in self.keys_after(&prefix, &after).await? {
                if let Some(time) =
                    target.time_of_snapshot(&key).filter(|time| (since..=until).contains(time))
                {
                    found.insert(time, key);
                }
            }
        }
        Ok(found)
    }

    /// Lists keys that begin with `prefix` and sort after `after`, in order (`ListObjectsV2`, every
    /// page).
    pub async fn keys_after(&self, prefix: &str, after: &str) -> Result<Vec<String>, Fault> {
        const OPERATION: Operation = Operation::S3ListBucket;
        let (mut keys, mut token) = (Vec::new(), None);
        let mut pages = Pages::of(OPERATION, prefix);
        loop {
            let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
            let request = request.start_after(after).set_continuation_token(token.take());
            let page = request.send().await.map_err(|error| fault(OPERATION, prefix, &error))?;
            let listed = page.contents().iter().filter_map(|object| object.key());
            token = pages.next(listed, page.next_continuation_token())?;
            if token.is_none() && page.is_truncated() == Some(true) {
                return Err(Fault::malformed(
                    OPERATION,
                    prefix,
                    "a truncated page has no continuation token",
                ));
            }
            for object in page.contents.unwrap_or_default() {
                let nameless = || Fault::malformed(OPERATION, prefix, "an object without a key".to_owned());
                keys.push(object.key.ok_or_else(nameless)?);
            }
            if token.is_none() {
                return Ok(keys);
            }
        }
    }

    /// Stores a plan for the other functions; returns its key.
    pub async fn put_plan(&self, plan: &Plan, execution: &str) -> Result<String, Fault> {
        let bytes = serde_json::to_vec(plan)
            .map_err(|error| Fault::bug(Operation::S3PutObject, &plan.run.id, error.to_string()))?;
        let key = plan.key(execution, &bytes);
        self.put(&key, bytes).await?;
        Ok(key)
    }

    /// Reads the plan with that key; it is a fault if it does not exist.
    pub async fn plan(&self, key: &str) -> Result<Plan, Fault> {
        self.get_json(key).await?.ok_or_else(|| missing_object(key))
    }

    /// Reads the task of a step.
    pub async fn task(&self, step: Step) -> Result<TargetTask, Failure> {
        let plan = self.plan(&step.plan).await?;
        step.of(plan)
    }

    /// Stores why a target of a plan failed.
    pub async fn put_failure(&self, plan: &str, target: usize, failure: &TargetFailure) -> Result<(), Fault> {
        self.put_json(&Step::failure_key(plan, target), failure).await
    }

    /// Reads why a target of a plan failed, if stored.
    pub async fn failure(&self, plan: &str, target: usize) -> Result<Option<TargetFailure>, Fault> {
        self.get_json(&Step::failure_key(plan, target)).await
    }

    /// Stores a value as JSON.
    pub async fn put_json<T: Serialize>(&self, key: &str, value: &T) -> Result<(), Fault> {
        let bytes = serde_json::to_vec(value)
            .map_err(|error| Fault::bug(Operation::S3PutObject, key, error.to_string()))?;
        self.put(key, bytes).await
    }
}

/// Midnights (UTC) of the days from `since` to `until`.
fn days(since: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
    const DAY: i64 = 86_400;
    let first = since.as_second().div_euclid(DAY);
    let last = until.as_second().div_euclid(DAY);
    (first..=last).filter_map(|day| Timestamp::from_second(day * DAY).ok())
}

//! What a revision of a task definition says about logging (Amazon ECS API,
//! `DescribeTaskDefinition`). A revision never changes, so this is read once.

use crate::model::compute::TaskSize;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Options whose values are kept. Values of all others may be secrets or contain some, such as the
/// password in a URL.
const KEPT: [&str; 13] = [
    "@type",
    "Name",
    "auto_create_group",
    "awslogs-create-group",
    "awslogs-group",
    "awslogs-region",
    "awslogs-stream-prefix",
    "log_group_name",
    "log_stream_name",
    "log_stream_prefix",
    "max-buffer-size",
    "mode",
    "region",
];

/// Parts of the names of options that hold secrets.
const SECRET: [&str; 14] = [
    "token",
    "password",
    "passwd",
    "secret",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "private_key",
    "shared_key",
    "license_key",
    "licensekey",
    "cloud_auth",
    "authorization",
];

/// The logging of one revision, and its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskLogging {
    /// Whether it may run on Fargate. Other rules apply on EC2.
    pub on_fargate: bool,
    /// What it asks for; `None` in what an earlier version stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<TaskSize>,
    /// Its containers, in their order.
    pub containers: Vec<ContainerLogging>,
}

/// The logging of one container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerLogging {
    /// Its name.
    pub name: String,
    /// Whether the task ends with it.
    pub essential: bool,
    /// Its memory in MiB: its hard limit, or the task's memory; `None` if neither is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u32>,
    /// Its `logConfiguration`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<LogDriver>,
    /// Its `firelensConfiguration`: it is the log router of the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<Router>,
    /// Names of the containers that start before it (`dependsOn`).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub waits_for: BTreeSet<String>,
}

/// A log driver with its options. Only values that the audit needs are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDriver {
    /// Its name, such as `awslogs`.
    pub name: String,
    /// Its options; `None` for a value that is not kept.
    options: BTreeMap<String, Option<String>>,
    /// Options that are set from a secret (`secretOptions`).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    secrets: BTreeSet<String>,
}

/// The log router of `FireLens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Router {
    /// `fluentbit` or `fluentd`.
    pub kind: String,
    /// Where its own configuration file is: `file` or `s3`; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_file_type: Option<String>,
}

/// A log group that a container writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupRef<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its Region, if the options name one.
    pub region: Option<&'a str>,
    /// Whether the driver or the router creates it.
    pub is_created: bool,
}

impl LogDriver {
    /// A driver with options, of which `secrets` are set from a secret.
    pub fn new(
        name: impl Into<String>,
        options: impl IntoIterator<Item = (String, String)>,
        secrets: impl IntoIterator<Item = String>,
    ) -> Self {
        let given = options.into_iter().filter(|(_, value)| !value.is_empty());
        let kept = |(key, value): (String, String)| {
            let is_kept = KEPT.contains(&key.as_str());
            (key, is_kept.then_some(value))
        };
        Self { name: name.into(), options: given.map(kept).collect(), secrets: secrets.into_iter().collect() }
    }

    /// The value of an option, if it is kept.
    pub fn option(&self, key: &str) -> Option<&str> {
        self.options.get(key).and_then(Option::as_deref)
    }

    /// Whether an option is set, as text or from a secret.
    pub fn has(&self, key: &str) -> bool {
        self.options.contains_key(key) || self.secrets.contains(key)
    }

    /// Names of the options, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.options.keys().map(String::as_str)
    }

    /// Options whose names say that their values, which are plain text, are secrets.
    pub fn exposed(&self) -> impl Iterator<Item = &str> {
        self.keys().filter(|key| {
            let key = key.to_ascii_lowercase();
            SECRET.iter().any(|part| key.contains(part))
        })
    }

    /// The output plugin of the router, for `awsfirelens`: `Name` for Fluent Bit, `@type` for
    /// Fluentd, spelled exactly so.
    pub fn output(&self) -> Option<&str> {
        self.option("Name").or_else(|| self.option("@type"))
    }

    /// Whether an option is switched on, as Fluent Bit and Docker spell it.
    fn is_on(&self, key: &str) -> bool {
        self.option(key)
            .is_some_and(|value| ["true", "on", "yes"].iter().any(|on| value.eq_ignore_ascii_case(on)))
    }
}

impl ContainerLogging {
    /// How the names of its log streams begin, without the task's id: `PREFIX/CONTAINER` with
    /// `awslogs`, `PREFIXCONTAINER-firelens` with `FireLens` (Amazon ECS Developer Guide). `None` if
    /// it has no log group, or streams of other names.
    pub fn stream_source(&self) -> Option<String> {
        let driver = self.driver.as_ref()?;
        self.group()?;
        match driver.name.as_str() {
            "awslogs" => Some(format!("{}/{}", driver.option("awslogs-stream-prefix")?, self.name)),
            _ if driver.has("log_stream_name") => None,
            _ => {
                let prefix = driver.option("log_stream_prefix").unwrap_or_default();
                Some(format!("{prefix}{}-firelens", self.name))
            }
        }
    }

    /// The log group that it writes to; `None` if it has none, or if each line decides.
    pub fn group(&self) -> Option<GroupRef<'_>> {
        let driver = self.driver.as_ref()?;
        let (name, region, create) = match driver.name.as_str() {
            "awslogs" => ("awslogs-group", "awslogs-region", "awslogs-create-group"),
            "awsfirelens" if driver.output().is_some_and(is_cloudwatch) => {
                ("log_group_name", "region", "auto_create_group")
            }
            _ => return None,
        };
        let (region, is_created) = (driver.option(region), driver.is_on(create));
        // Fluent Bit fills in fields of the record: $(ecs_cluster).
        driver.option(name).filter(|name| !name.contains('$')).map(|name| GroupRef {
            name,
            region,
            is_created,
        })
    }
}

/// Whether an output plugin of Fluent Bit or Fluentd writes to `CloudWatch` Logs.
pub(super) fn is_cloudwatch(output: &str) -> bool {
    ["cloudwatch", "cloudwatch_logs"].iter().any(|name| output.eq_ignore_ascii_case(name))
}

//! The audit of one revision of a task definition.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::definition::{ContainerLogging, GroupRef, LogDriver, TaskLogging};
use super::finding::FindingKind;
use super::firelens;
use super::group::LogGroup;
use crate::model::cluster::{BadName, Region};

/// `max-buffer-size` if it is not set (Amazon ECS API, `LogConfiguration`).
const DEFAULT_BUFFER: u64 = 10 << 20;

/// How a driver handles output that it cannot deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogMode {
    /// The container waits.
    Blocking,
    /// The output is buffered, and dropped if the buffer is full.
    NonBlocking,
}

impl LogMode {
    /// ECS's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::NonBlocking => "non-blocking",
        }
    }
}

impl FromStr for LogMode {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        [Self::Blocking, Self::NonBlocking].into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| {
            BadName { text: text.to_owned(), what: "log mode", expected: "blocking or non-blocking" }
        })
    }
}

/// What a revision is audited against.
#[derive(Debug, Clone, Copy)]
pub struct AuditContext<'a> {
    /// Region of the cluster.
    pub region: &'a Region,
    /// The account setting `defaultLogDriverMode`; `None` if it could not be read.
    pub default_mode: Option<LogMode>,
    /// The log groups of the Region by name; `None` if they could not be listed.
    pub groups: Option<&'a BTreeMap<String, LogGroup>>,
}

/// What the audit says about a container: the rule, the key or value concerned, and what to write
/// instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// The container.
    pub container: &'a str,
    /// The rule.
    pub kind: FindingKind,
    /// The key or value concerned, in words.
    pub detail: String,
    /// What to write instead; empty if there is nothing to copy.
    pub remedy: String,
}

/// The findings about one container so far.
pub(super) struct Findings<'a> {
    pub(super) container: &'a ContainerLogging,
    found: Vec<Found<'a>>,
}

impl Findings<'_> {
    pub(super) fn add(&mut self, kind: FindingKind, detail: impl Into<String>, remedy: impl Into<String>) {
        let (detail, remedy) = (detail.into(), remedy.into());
        self.found.push(Found { container: &self.container.name, kind, detail, remedy });
    }
}

/// Audits a revision. One that cannot run on Fargate is not audited.
pub fn audit<'a>(logging: &'a TaskLogging, context: &AuditContext<'_>) -> Vec<Found<'a>> {
    if !logging.on_fargate {
        return Vec::new();
    }
    let of_container = logging.containers.iter().flat_map(|container| {
        let mut findings = Findings { container, found: Vec::new() };
        match (&container.driver, &container.router) {
            // A router without logs has a rule of its own.
            (None, None) => findings.add(FindingKind::NoDriver, "", awslogs(container, context.region)),
            (None, Some(_)) => {}
            (Some(driver), _) => driver_findings(&mut findings, driver, logging, context),
        }
        firelens::router(&mut findings, context.region);
        findings.found
    });
    of_container.collect()
}

fn driver_findings(
    findings: &mut Findings<'_>,
    driver: &LogDriver,
    logging: &TaskLogging,
    context: &AuditContext<'_>,
) {
    match driver.name.as_str() {
        "awslogs" => {
            let required = ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"];
            options(findings, driver, &required, context.region);
            if driver.has("awslogs-datetime-format") && driver.has("awslogs-multiline-pattern") {
                findings.add(FindingKind::MultilineTwice, "awslogs-multiline-pattern", "");
            }
        }
        "splunk" => options(findings, driver, &["splunk-token", "splunk-url"], context.region),
        "awsfirelens" => firelens::driver(findings, driver, logging, context.region),
        other => {
            let remedy = awslogs(findings.container, context.region);
            findings.add(FindingKind::UnsupportedDriver, other, remedy);
            return;
        }
    }
    for key in driver.exposed() {
        findings.add(
            FindingKind::SecretInOptions,
            key,
            format!(
                "\"secretOptions\": [{{\"name\": {}, \"valueFrom\": \"ARN of a secret\"}}]",
                serde_json::json!(key)
            ),
        );
    }
    if let Some(group) = findings.container.group() {
        destination(findings, group, context);
    }
    // What FireLens gets goes to the router without a buffer of the driver.
    if driver.name != "awsfirelens" {
        mode(findings, driver, context);
    }
}

/// Reports required options that are not set.
fn options(findings: &mut Findings<'_>, driver: &LogDriver, required: &[&str], region: &Region) {
    for key in required.iter().filter(|key| !driver.has(key)) {
        let value = match *key {
            "awslogs-region" => region.as_str(),
            "awslogs-group" => "/ecs/NAME",
            "awslogs-stream-prefix" => findings.container.name.as_str(),
            _ => "...",
        };
        let remedy = format!("\"{key}\": \"{value}\"");
        findings.add(FindingKind::OptionMissing, *key, remedy);
    }
}

fn destination(findings: &mut Findings<'_>, group: GroupRef<'_>, context: &AuditContext<'_>) {
    let GroupRef { name, region, is_created } = group;
    if let Some(other) = region.filter(|region| *region != context.region.as_str()) {
        findings.add(FindingKind::OtherRegion, format!("{name} in {other}"), "");
        return;
    }
    let Some(groups) = context.groups else { return };
    match groups.get(name) {
        None if is_created => {
            let statement =
                r#"{"Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": "*"}"#.to_owned();
            findings.add(FindingKind::GroupNotCreated, name, statement);
        }
        None => {
            let name_quoted = crate::text::shell::quoted(name);
            let region = context.region;
            let create =
                format!("aws logs create-log-group --region {region} --log-group-name {name_quoted}");
            findings.add(FindingKind::GroupNotFound, name, create);
        }
        Some(_) => {}
    }
}

fn mode(findings: &mut Findings<'_>, driver: &LogDriver, context: &AuditContext<'_>) {
    let given = driver.option("mode").and_then(|mode| mode.parse::<LogMode>().ok());
    let buffer = driver.option("max-buffer-size");
    match given {
        None => {
            let default = match context.default_mode {
                Some(mode) => format!("the account's default is {}", mode.as_str()),
                None => "the account's default is not known".to_owned(),
            };
            findings.add(FindingKind::ModeNotSet, default, "\"mode\": \"non-blocking\"");
        }
        Some(LogMode::Blocking) => findings.add(FindingKind::Blocking, "", "\"mode\": \"non-blocking\""),
        Some(LogMode::NonBlocking) => {}
    }
    let is_blocking = given.or(context.default_mode) == Some(LogMode::Blocking);
    let Some((text, size)) = buffer.and_then(|text| Some((text, bytes(text)?))) else { return };
    let memory = findings.container.memory_mib.map(|mib| u64::from(mib) << 20);
    if is_blocking {
        findings.add(FindingKind::BufferUnused, format!("max-buffer-size {text}"), "");
    } else if memory.is_some_and(|memory| size >= memory / 2) {
        let of = findings.container.memory_mib.unwrap_or_default();
        findings.add(FindingKind::BufferTooLarge, format!("max-buffer-size {text} of {of} MiB"), "");
    } else if size < DEFAULT_BUFFER {
        findings.add(
            FindingKind::BufferSmall,
            format!("max-buffer-size {text}"),
            "\"max-buffer-size\": \"10m\"",
        );
    }
}

/// Bytes of a size in Docker's spelling: `25m`, `512k`, `1g`, or bytes.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_suffix('b').unwrap_or(&text);
    let (number, shift) = match text.char_indices().last()? {
        (at, 'k') => (&text[..at], 10),
        (at, 'm') => (&text[..at], 20),
        (at, 'g') => (&text[..at], 30),
        _ => (text, 0),
    };
    number.trim().parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A `logConfiguration` that works on Fargate, and the command that creates its group.
pub(super) fn awslogs(container: &ContainerLogging, region: &Region) -> String {
    let name = serde_json::json!(container.name);
    format!(
        "\"logConfiguration\": {{\n  \"logDriver\": \"awslogs\",\n  \"options\": {{\n    \"awslogs-group\": \"/ecs/NAME\",\n    \
         \"awslogs-region\": \"{region}\",\n    \"awslogs-stream-prefix\": {name},\n    \"mode\": \"non-blocking\"\n  }}\n}}\n\
         aws logs create-log-group --region {region} --log-group-name /ecs/NAME"
    )
}

//! How containers log, and the log groups, as data.

use serde::{Deserialize, Serialize};

use crate::logs::{AuditedGroup, FindingKind, FindingPlace, Impact, LogFinding, LogsRead, TargetLogs};
use crate::model::cluster::{AccountId, Region};
use crate::model::fault::Fault;
use crate::model::run::Target;
use crate::text::{Block, Text};

/// How containers log, and the log groups that they write to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogsReport {
    /// Containers whose log configuration was audited.
    pub containers: usize,
    /// Revisions of task definitions that could not be described in time; the next report
    /// continues.
    pub revisions_left: usize,
    /// Accounts whose logs were not audited, because fargaze.yaml names no role `read-logs` for
    /// them.
    pub without_role: Vec<AccountId>,
    /// What was found, the worst first.
    pub findings: Vec<LogFindingReport>,
    /// The log groups, those that receive most first.
    pub groups: Vec<LogGroupReport>,
}

/// Something that the audit found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogFindingReport {
    /// Account.
    pub account: AccountId,
    /// Region.
    pub region: Region,
    /// The rule of the audit.
    pub kind: FindingKind,
    /// How bad it is.
    pub impact: Impact,
    /// The service, the task family, or the log group.
    pub subject: Text,
    /// The container; null if it is about a log group.
    pub container: Option<Text>,
    /// The key or value concerned.
    pub detail: Text,
    /// What to write instead, or a command; empty if there is nothing to copy.
    pub remedy: Block,
}

/// A log group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogGroupReport {
    /// Account.
    pub account: AccountId,
    /// Region.
    pub region: Region,
    /// Its name.
    pub name: Text,
    /// Its class, such as `STANDARD`.
    pub class: Text,
    /// After how many days its events expire; null if never.
    pub retention_days: Option<u32>,
    /// Whether it is encrypted with a KMS key of the account.
    pub has_kms_key: bool,
    /// Bytes stored; null if not known.
    pub stored_bytes: Option<u64>,
    /// What they cost a month in US dollars; null if not known.
    pub dollars_stored: Option<f64>,
    /// Bytes received in the last 24 hours; null if not known.
    pub bytes: Option<u64>,
    /// Events received in the last 24 hours; null if not known.
    pub events: Option<u64>,
    /// Bytes received in the same 24 hours a week before; null if not known.
    pub bytes_a_week_ago: Option<u64>,
    /// What it receives costs a month in US dollars, if each day is like the last; null if not
    /// known.
    pub dollars_received: Option<f64>,
}

impl LogsReport {
    /// What was read of the targets.
    pub(crate) fn of(targets: &[(Target, Result<TargetLogs, Fault>)]) -> Self {
        let mut report = Self::default();
        for (target, logs) in targets {
            match logs {
                Ok(TargetLogs::Read(read)) => report.add(target, read),
                Ok(TargetLogs::NoRole) if !report.without_role.contains(&target.account) => {
                    report.without_role.push(target.account.clone());
                }
                Ok(TargetLogs::NoRole) | Err(_) => {}
            }
        }
        report.findings.sort_by(|one, other| {
            (one.kind, &one.account, &one.region, &one.subject).cmp(&(
                other.kind,
                &other.account,
                &other.region,
                &other.subject,
            ))
        });
        // A group is in every part of a target, each with its own writers.
        let is_same =
            |one: &LogFindingReport| (one.kind, one.account.clone(), one.region.clone(), one.subject.clone());
        report.findings.dedup_by(|one, other| one.container.is_none() && is_same(one) == is_same(other));
        let place =
            |group: &LogGroupReport| (group.account.clone(), group.region.clone(), group.name.clone());
        report.groups.sort_by_key(place);
        report.groups.dedup_by_key(|group| place(group));
        report.groups.sort_by_key(|group| std::cmp::Reverse(group.bytes));
        report
    }

    fn add(&mut self, target: &Target, read: &LogsRead) {
        self.containers += read.containers;
        self.revisions_left += read.revisions_left;
        self.findings.extend(read.findings.iter().map(|finding| LogFindingReport::of(target, finding)));
        self.groups.extend(read.groups.iter().map(|group| LogGroupReport::of(target, group)));
    }

    /// Whether nothing was audited.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl LogFindingReport {
    fn of(target: &Target, finding: &LogFinding) -> Self {
        let (subject, container) = match &finding.place {
            FindingPlace::Container { subject, container } => {
                (Text::new(&subject.to_string()), Some(Text::new(container)))
            }
            FindingPlace::Group(name) => (Text::new(name), None),
            FindingPlace::Cluster(name) => (Text::new(name.as_str()), None),
        };
        Self {
            account: target.account.clone(),
            region: target.region.clone(),
            kind: finding.kind,
            impact: finding.kind.impact(),
            subject,
            container,
            detail: Text::new(&finding.detail),
            remedy: Block::new(&finding.remedy),
        }
    }
}

impl LogGroupReport {
    fn of(target: &Target, audited: &AuditedGroup) -> Self {
        let AuditedGroup { group, volume, .. } = audited;
        Self {
            account: target.account.clone(),
            region: target.region.clone(),
            name: Text::new(&group.name),
            class: Text::new(&group.class),
            retention_days: group.retention_days,
            has_kms_key: group.has_kms_key,
            stored_bytes: group.stored_bytes,
            dollars_stored: group.dollars_stored(),
            bytes: volume.map(|volume| volume.bytes),
            events: volume.map(|volume| volume.events),
            bytes_a_week_ago: volume.map(|volume| volume.bytes_a_week_ago),
            dollars_received: audited.dollars_received(),
        }
    }
}

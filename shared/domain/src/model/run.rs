//! A run: its request, its time window, and the targets that it fans out to.

mod keys;
mod schedule;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::model::metric::Period;
use crate::model::subject::Subject;
use crate::model::window::Window;

pub use schedule::interval;

/// Kind of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunKind {
    /// Evaluate the rules on the newest minutes and notify about changes.
    Alarms,
    /// Report on the last day.
    Report,
    /// Check the settings of every cluster.
    Sweep,
    /// Roll back the settings that fargaze changed.
    Rollback,
}

impl RunKind {
    /// Its spelling in run requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alarms => "alarms",
            Self::Report => "report",
            Self::Sweep => "sweep",
            Self::Rollback => "rollback",
        }
    }

    /// Whether the run deals with settings, using the role that may change them.
    pub fn is_of_settings(self) -> bool {
        matches!(self, Self::Sweep | Self::Rollback)
    }
}

impl fmt::Display for RunKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Input of the state machine `Run`, from a schedule or by hand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawRunRequest")]
pub struct RunRequest {
    /// Kind of the run.
    pub kind: RunKind,
    /// Logical time. Schedules send the minute they were due; optional for manual runs.
    pub time: Option<Timestamp>,
    /// Rollbacks only: roll back the changes made at or after this instant; if `None`, all changes.
    pub since: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRunRequest {
    kind: RunKind,
    time: Option<String>,
    since: Option<String>,
}

impl TryFrom<RawRunRequest> for RunRequest {
    type Error = String;

    fn try_from(RawRunRequest { kind, time, since }: RawRunRequest) -> Result<Self, String> {
        if since.is_some() && kind != RunKind::Rollback {
            return Err(format!("`since` is only valid with kind `rollback`, not `{kind}`"));
        }
        Ok(Self { kind, time: time_of("time", time)?, since: time_of("since", since)? })
    }
}

/// Parses a time; the error repeats the input.
fn time_of(key: &str, text: Option<String>) -> Result<Option<Timestamp>, String> {
    let Some(text) = text else { return Ok(None) };
    text.parse().map(Some).map_err(|error| format!("`{key}` is `{text}`, which is not a valid time: {error}"))
}

/// One run. All later stages take the time from here, so that a retry queries the same window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Stable id of the run: its kind and its time. Keys of stored objects contain it.
    pub id: String,
    /// Kind of the run.
    pub kind: RunKind,
    /// Logical time of the run.
    pub time: Timestamp,
    /// Time window of the CloudWatch queries.
    pub window: Window,
    /// Alarms runs only: start of the look-back. The window starts earlier by the longest
    /// evaluation range of the rules; a rule needs only its own range before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks_back_to: Option<Timestamp>,
    /// Alarms runs on EKS only, whose samples are as new as the run: end of the newest minute
    /// queried from CloudWatch, because newer minutes still change; `None` if the window ends
    /// there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics_until: Option<Timestamp>,
    /// S3 version of `fargaze.yaml` that the whole run reads; `None` if the file does not exist.
    pub config_version: Option<String>,
    /// Rollbacks only: roll back the changes made at or after this instant; if `None`, all changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Problems of the newest version of the user's file, if an older version is used instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_config: Option<BadVersion>,
}

/// A version of the user's file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadVersion {
    /// Its S3 version.
    pub version: String,
    /// One sentence per problem, with its line.
    pub problems: Vec<String>,
}

/// Format of a run's time in its id.
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// Length of the report's window.
pub const REPORT_WINDOW: SignedDuration = SignedDuration::from_hours(24);

fn run_id(kind: RunKind, time: Timestamp) -> String {
    format!("{kind}-{}", time.strftime(STAMP))
}

impl Run {
    /// The run of a request made at `time`. Alarms runs query the last `lookback` by the minute, so
    /// that the next successful run covers what a failed run missed; reports query a day in periods
    /// of five minutes.
    pub fn new(
        kind: RunKind,
        time: Timestamp,
        delay: SignedDuration,
        lookback: SignedDuration,
        config_version: Option<String>,
    ) -> Self {
        let window = match kind {
            RunKind::Alarms | RunKind::Sweep | RunKind::Rollback => {
                Window::ending(time, delay, Period::MINUTE, lookback)
            }
            RunKind::Report => Window::ending(time, delay, Period::FIVE_MINUTES, REPORT_WINDOW),
        };
        Self {
            id: run_id(kind, time),
            kind,
            time,
            window,
            looks_back_to: None,
            metrics_until: None,
            config_version,
            since: None,
            bad_config: None,
        }
    }

    /// The same run; a report then covers this many days, by the hour if more than one.
    #[must_use]
    pub fn with_report_days(self, days: u32) -> Self {
        let length = REPORT_WINDOW * i32::try_from(days.max(1)).unwrap_or(1);
        let period = if days > 1 { Period::HOUR } else { Period::FIVE_MINUTES };
        let delay = self.time.duration_since(self.window.end);
        match self.kind {
            RunKind::Report => Self { window: Window::ending(self.time, delay, period, length), ..self },
            RunKind::Alarms | RunKind::Sweep | RunKind::Rollback => self,
        }
    }

    /// The same run for samples, which are taken during the run: the window ends at the time of the
    /// run, and starts earlier by `range`, the longest evaluation range. Older samples cannot be
    /// requested again.
    #[must_use]
    pub fn of_samples(&self, range: SignedDuration) -> Self {
        let Window { start, end, period } = self.window;
        let window =
            Window::ending(self.time, SignedDuration::ZERO, period, end.duration_since(start) + range);
        let metrics_until = (self.kind == RunKind::Alarms).then_some(end);
        Self { window, metrics_until, ..self.clone() }
    }

    /// The window that is queried from CloudWatch.
    #[must_use]
    pub fn metrics_window(&self) -> Window {
        Window { end: self.metrics_until.unwrap_or(self.window.end), ..self.window }
    }

    /// The same run; in an alarms run the look-back starts `range`, the longest evaluation range of
    /// the rules, after the start of the window.
    #[must_use]
    pub fn with_range(self, range: SignedDuration) -> Self {
        let alarms = self.kind == RunKind::Alarms;
        Self { looks_back_to: alarms.then(|| (self.window.start + range).min(self.window.end)), ..self }
    }

    /// The window that a rule with this evaluation range needs.
    #[must_use]
    pub fn window_of(&self, range: SignedDuration) -> Window {
        let start =
            self.looks_back_to.map_or(self.window.start, |start| (start - range).max(self.window.start));
        Window { start, ..self.metrics_window() }
    }

    /// The same run, limited to changes made at or after `since`.
    #[must_use]
    pub fn with_since(self, since: Option<Timestamp>) -> Self {
        Self { since, ..self }
    }
}

/// A role to assume for a target outside the home account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRole {
    /// ARN of the role.
    pub arn: String,
    /// External id in the role's trust policy, against the confused deputy (IAM User Guide).
    pub external_id: Option<String>,
    /// ARN of the role for changes, with the same external id; `None` if it is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// ARN of the role for reading logs, with the same external id; `None` if fargaze may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_logs: Option<String>,
}

/// A share of a target's clusters, so that a large account is processed in parallel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Index of the share, from 0.
    pub index: u32,
    /// Number of shares.
    pub count: u32,
}

impl Part {
    /// All clusters.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Whether the cluster belongs to this share, by the FNV-1a hash of its name.
    pub fn holds(self, cluster: &ClusterName) -> bool {
        let hash = cluster
            .as_str()
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        hash % self.count.max(1) == self.index
    }

    /// Whether the subject belongs to this share: with its cluster, or to the first one if it has
    /// none.
    pub fn holds_subject(self, subject: &Subject) -> bool {
        subject.cluster().map_or(self.index == 0, |cluster| self.holds(cluster))
    }
}

/// The AWS service that runs the clusters of a target. ECS and EKS clusters are listed, read and
/// set up in different ways, and may have the same names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Amazon ECS.
    #[default]
    Ecs,
    /// Amazon EKS.
    Eks,
}

impl Platform {
    /// Both, in the order in which they are processed.
    pub const ALL: [Self; 2] = [Self::Ecs, Self::Eks];

    /// Its spelling in the user's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Eks => "eks",
        }
    }
}

/// A target: an account, a Region, ECS or EKS, and a share of the clusters there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Whether its clusters are those of ECS or of EKS.
    #[serde(default)]
    pub platform: Platform,
    /// Account of the clusters.
    pub account: AccountId,
    /// Region of the clusters.
    pub region: Region,
    /// Share of the clusters.
    pub part: Part,
    /// Role to assume; `None` in the home account.
    pub role: Option<TargetRole>,
}

impl Target {
    /// The target for functions that change settings: with the role for changes.
    #[must_use]
    pub fn for_changes(mut self) -> Self {
        if let Some(role) = &mut self.role
            && let Some(change) = role.change.take()
        {
            role.arn = change;
        }
        self
    }

    /// The target for the function that reads logs, with the role for that; `None` if it needs one
    /// and has none.
    #[must_use]
    pub fn for_logs(mut self) -> Option<Self> {
        if let Some(role) = &mut self.role {
            role.arn = role.read_logs.take()?;
        }
        Some(self)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.platform == Platform::Eks {
            f.write_str("EKS in ")?;
        }
        write!(f, "{} ({}", self.region, self.account)?;
        if self.part.count > 1 {
            write!(f, ", part {} of {}", self.part.index + 1, self.part.count)?;
        }
        f.write_str(")")
    }
}

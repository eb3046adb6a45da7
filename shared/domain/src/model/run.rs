//! A run: who asked for it, what stretch of time it is about, and the targets that it fans out to.

mod schedule;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::model::metric::Period;
use crate::model::window::Window;

pub use schedule::interval;

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunKind {
    /// Judge the rules on the newest minutes and tell what changed.
    Alarms,
    /// Tell how the last day was.
    Report,
    /// Described at the settings of every cluster.
    Sweep,
    /// Put back the settings that fargaze changed.
    Rollback,
}

impl RunKind {
    /// The word of the run request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alarms => "alarms",
            Self::Report => "report",
            Self::Sweep => "sweep",
            Self::Rollback => "rollback",
        }
    }

    /// Whether the run is about settings, with the role to change them, and not about metrics.
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
    /// What the run is for.
    pub kind: RunKind,
    /// Logical now. Schedules send the minute they were due; a run by hand may leave it out.
    pub time: Option<Timestamp>,
    /// Only of a rollback: undo the changes made at or after this instant; without it, all of them.
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
            return Err(format!("`since` means nothing for the kind `{kind}`; it goes with `rollback`"));
        }
        Ok(Self { kind, time: time_of("time", time)?, since: time_of("since", since)? })
    }
}

/// Reads a time with an error that repeats what was written.
fn time_of(key: &str, text: Option<String>) -> Result<Option<Timestamp>, String> {
    let Some(text) = text else { return Ok(None) };
    text.parse().map(Some).map_err(|error| format!("`{key}` is `{text}`, which is no time: {error}"))
}

/// One run. Everything below reads the time from here, so that a retry asks about the same window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Stable name of the run: its kind and its time. Keys of stored objects begin with it.
    pub id: String,
    /// What the run is for.
    pub kind: RunKind,
    /// Logical now.
    pub time: Timestamp,
    /// What CloudWatch is asked about.
    pub window: Window,
    /// Of an alarms run: where the look-back begins. The window reaches further back by the longest evaluation range of the
    /// rules; a rule needs no more than its own range of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks_back_to: Option<Timestamp>,
    /// Of an alarms run on EKS, whose samples are as new as the run: end of the newest minute of which CloudWatch is asked,
    /// because it still changes newer ones; none if the window ends there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics_until: Option<Timestamp>,
    /// S3 version of the user's `fargaze.yaml` that the whole run reads; none if there is no such file.
    pub config_version: Option<String>,
    /// Of a rollback: undo the changes made at or after this instant; none means all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What is wrong with the newest version of the user's file, so that an older one is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_config: Option<BadVersion>,
}

/// A version of the user's file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadVersion {
    /// Its S3 version.
    pub version: String,
    /// Every problem in one sentence, with its line.
    pub problems: Vec<String>,
}

/// How a run's time stands in its id.
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// Length of the report's window.
pub const REPORT_WINDOW: SignedDuration = SignedDuration::from_hours(24);

fn run_id(kind: RunKind, time: Timestamp) -> String {
    format!("{kind}-{}", time.strftime(STAMP))
}

impl Run {
    /// The run of a request made at `time`. Alarms look back `lookback` at every minute, so that the next good run
    /// reads again what a failed one missed; reports look back a day in steps of five minutes.
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

    /// The same run; a report then looks back so many days, at more than one in steps of an hour.
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

    /// The same run as it is for samples, which are taken while it goes on: its window ends with it, and reaches back as far as
    /// `range`, the longest that one verdict looks at, needs. Nobody is asked for older samples again.
    #[must_use]
    pub fn of_samples(&self, range: SignedDuration) -> Self {
        let Window { start, end, period } = self.window;
        let window =
            Window::ending(self.time, SignedDuration::ZERO, period, end.duration_since(start) + range);
        let metrics_until = (self.kind == RunKind::Alarms).then_some(end);
        Self { window, metrics_until, ..self.clone() }
    }

    /// The stretch that CloudWatch is asked about.
    #[must_use]
    pub fn metrics_window(&self) -> Window {
        Window { end: self.metrics_until.unwrap_or(self.window.end), ..self.window }
    }

    /// The same run; of an alarms run `range`, the longest evaluation range of the rules, lies before its look-back.
    #[must_use]
    pub fn with_range(self, range: SignedDuration) -> Self {
        let alarms = self.kind == RunKind::Alarms;
        Self { looks_back_to: alarms.then(|| (self.window.start + range).min(self.window.end)), ..self }
    }

    /// The stretch that one rule needs, with this evaluation range.
    #[must_use]
    pub fn window_of(&self, range: SignedDuration) -> Window {
        let start =
            self.looks_back_to.map_or(self.window.start, |start| (start - range).max(self.window.start));
        Window { start, ..self.metrics_window() }
    }

    /// The same run, which undoes only the changes made at or after `since`.
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
    /// External id that the role's trust policy asks for, against the confused deputy (IAM User Guide).
    pub external_id: Option<String>,
    /// ARN of the role to assume where something is changed, with the same external id; none if it is the same role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

/// A share of a target's clusters, so that a large account is worked on by several functions at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which share, from 0.
    pub index: u32,
    /// How many shares there are.
    pub count: u32,
}

impl Part {
    /// All clusters.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Whether the cluster belongs to this share. The same name always falls into the same share (FNV-1a).
    pub fn holds(self, cluster: &ClusterName) -> bool {
        let hash = cluster
            .as_str()
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        hash % self.count.max(1) == self.index
    }
}

/// Which of AWS's two services runs the clusters of a target. Their clusters are listed, read and set up in different ways, and
/// may have the same names.
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
    /// Both, in the order in which they are looked at.
    pub const ALL: [Self; 2] = [Self::Ecs, Self::Eks];

    /// The word of the user's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Eks => "eks",
        }
    }
}

/// Where to look: an account, a Region, one of ECS and EKS, and a share of the clusters there.
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
    /// Role to assume; none in the home account.
    pub role: Option<TargetRole>,
}

impl Target {
    /// The target for whoever may change something there: with the role for that.
    #[must_use]
    pub fn for_changes(mut self) -> Self {
        if let Some(role) = &mut self.role
            && let Some(change) = role.change.take()
        {
            role.arn = change;
        }
        self
    }

    /// File name of the target, such as `1-of-1` or `eks-1-of-1`, below a folder of its account and Region.
    pub fn part_name(&self) -> String {
        let platform = match self.platform {
            Platform::Ecs => "",
            Platform::Eks => "eks-",
        };
        format!("{platform}{}-of-{}", self.part.index + 1, self.part.count)
    }

    /// Key of the cached inventory.
    pub fn inventory_key(&self) -> String {
        format!("inventory/{}/{}/{}.json.gz", self.account, self.region, self.part_name())
    }

    /// Key of the list of clusters that the sweep has seen before.
    pub fn known_clusters_key(&self) -> String {
        format!("clusters/{}/{}/{}.json", self.account, self.region, self.part_name())
    }

    /// Key of the snapshot of one run. `dt=` partitions by date for Athena and `DuckDB`.
    pub fn snapshot_key(&self, run: &Run) -> String {
        let date = run.time.strftime("%Y-%m-%d");
        let Self { account, region, .. } = self;
        format!(
            "snapshots/dt={date}/account={account}/region={region}/{}.{}.ndjson.gz",
            run.id,
            self.part_name()
        )
    }

    /// What keys of snapshots of alarms runs on the day of this instant begin with.
    pub fn snapshots_of_alarms(&self, day: Timestamp) -> String {
        let Self { account, region, .. } = self;
        format!("snapshots/dt={}/account={account}/region={region}/alarms-", day.strftime("%Y-%m-%d"))
    }

    /// The beginning of the key of the snapshot of an alarms run at this time; keys of later runs come after it.
    pub fn snapshots_of_alarms_at(&self, time: Timestamp) -> String {
        format!("{}{}", self.snapshots_of_alarms(time), time.strftime(STAMP))
    }

    /// Time of the alarms run whose snapshot of this target has that key; none if it is of another target.
    pub fn time_of_snapshot(&self, key: &str) -> Option<Timestamp> {
        let (_, name) = key.rsplit_once("/alarms-")?;
        let stamp = name.strip_suffix(&format!(".{}.ndjson.gz", self.part_name()))?;
        jiff::civil::DateTime::strptime(STAMP, stamp)
            .ok()?
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|t| t.timestamp())
    }

    /// Key of the outcome of one run.
    pub fn outcome_key(&self, run: &Run) -> String {
        self.outcome_of(&run.id)
    }

    /// What keys begin with under which an unfinished sweep or rollback leaves what it has found so far.
    pub fn outcome_of_passes(&self, run: &Run) -> String {
        format!("{}.until-", self.outcome_key(run))
    }

    /// Key of the outcome of the alarms run at this time.
    pub fn outcome_of_alarms_at(&self, time: Timestamp) -> String {
        self.outcome_of(&run_id(RunKind::Alarms, time))
    }

    fn outcome_of(&self, run: &str) -> String {
        format!("outcomes/{run}/{}.{}.{}.json", self.account, self.region, self.part_name())
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

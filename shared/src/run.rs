//! A run: who asked for it, what stretch of time it is about, and the targets that it fans out to.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

use crate::cluster::{AccountId, ClusterName, Region};
use crate::metric::Period;
use crate::window::Window;

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunKind {
    /// Judge the rules on the newest minutes and tell what changed.
    Alarms,
    /// Tell how the last day was.
    Report,
    /// Look at the settings of every cluster.
    Sweep,
}

impl RunKind {
    /// The word of the run request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alarms => "alarms",
            Self::Report => "report",
            Self::Sweep => "sweep",
        }
    }
}

impl fmt::Display for RunKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Input of the state machine `Run`, from a schedule or by hand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// What the run is for.
    pub kind: RunKind,
    /// Logical now. Schedules send the minute they were due; a run by hand may leave it out.
    #[serde(default, deserialize_with = "time_by_name")]
    pub time: Option<Timestamp>,
}

/// Reads `time` with an error that repeats what was written.
fn time_by_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let time = text.parse();
    time.map(Some)
        .map_err(|error| serde::de::Error::custom(format!("`time` is `{text}`, which is no time: {error}")))
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
    /// S3 version of the user's `fargaze.yaml` that the whole run reads; none if there is no such file.
    pub config_version: Option<String>,
}

/// Length of the report's window.
pub const REPORT_WINDOW: SignedDuration = SignedDuration::from_hours(24);

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
            RunKind::Alarms | RunKind::Sweep => Window::ending(time, delay, Period::MINUTE, lookback),
            RunKind::Report => Window::ending(time, delay, Period::FIVE_MINUTES, REPORT_WINDOW),
        };
        let stamp = time.strftime("%Y%m%dT%H%M%SZ");
        Self { id: format!("{kind}-{stamp}"), kind, time, window, config_version }
    }
}

/// A role to assume for a target outside the home account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRole {
    /// ARN of the role.
    pub arn: String,
    /// External id that the role's trust policy asks for, against the confused deputy (IAM User Guide).
    pub external_id: Option<String>,
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

/// Where to look: an account, a Region, and a share of the clusters there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
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
    /// File name of the target, such as `1-of-1`, below a folder of its account and Region.
    pub fn part_name(&self) -> String {
        format!("{}-of-{}", self.part.index + 1, self.part.count)
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

    /// Key of the outcome of one run.
    pub fn outcome_key(&self, run: &Run) -> String {
        format!("outcomes/{}/{}.{}.{}.json", run.id, self.account, self.region, self.part_name())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.region, self.account)?;
        if self.part.count > 1 {
            write!(f, ", part {} of {}", self.part.index + 1, self.part.count)?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_run_is_named_by_kind_and_time_and_a_retry_has_the_same_window() {
        let time = "2026-11-22T10:05:00Z".parse().unwrap();
        let make = || {
            Run::new(RunKind::Alarms, time, SignedDuration::from_mins(2), SignedDuration::from_mins(15), None)
        };
        assert_eq!(make().id, "alarms-20261122T100500Z");
        assert_eq!(make(), make());
        assert_eq!(make().window.len(), 15);
    }

    #[test]
    fn a_run_request_with_an_unknown_word_is_refused_by_name() {
        let error = serde_json::from_str::<RunRequest>(r#"{"kind":"alarm"}"#).unwrap_err().to_string();
        assert!(error.contains("`alarm`") && error.contains("`alarms`"), "{error}");
        let error =
            serde_json::from_str::<RunRequest>(r#"{"kind":"alarms","tiem":1}"#).unwrap_err().to_string();
        assert!(error.contains("`tiem`"), "{error}");
    }

    proptest! {
        #[test]
        fn every_cluster_falls_into_exactly_one_part(name in "[a-zA-Z0-9_-]{1,40}", count in 1u32..20) {
            let name = name.parse().unwrap();
            prop_assert_eq!((0..count).filter(|&index| Part { index, count }.holds(&name)).count(), 1);
        }
    }
}

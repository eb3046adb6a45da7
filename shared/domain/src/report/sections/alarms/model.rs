//! An alarm that goes on, or that cannot be judged, as data and in words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alarms::Unseen;
use crate::model::cluster::{AccountId, Region};
use crate::model::run::Platform;
use crate::report::measured::member::is_ecs;
use crate::text::Text;
use crate::text::words::span;

/// An alarm that goes on, or that cannot be judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AlarmLine {
    /// Whether it is about a cluster of ECS or of EKS; left out of one of ECS.
    #[serde(default, skip_serializing_if = "is_ecs")]
    pub platform: Platform,
    /// Account of the cluster.
    pub account: AccountId,
    /// Region of the cluster.
    pub region: Region,
    /// What it is about: `cluster`, `cluster/service`, `cluster#task-family` or `cluster namespace/kind/workload`.
    pub subject: Text,
    /// Name of its rule.
    pub rule: Text,
    /// Whether it is in ALARM. It may be both in ALARM and impossible to judge.
    pub in_alarm: bool,
    /// Since when it is in ALARM; of one that is not, since when it cannot be judged.
    #[cfg_attr(test, schemars(with = "String"))]
    pub since: Timestamp,
    /// Since when it cannot be judged; none if it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub blind_since: Option<Timestamp>,
    /// Why it cannot be judged; none if it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blind_because: Option<Unseen>,
    /// What keeps it silent, so that nobody was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silenced_by: Option<Text>,
}

impl AlarmLine {
    /// `in ALARM for 2 hours, and cannot be judged for 5 minutes; not told because of a deployment`
    pub(crate) fn state(&self, now: Timestamp) -> String {
        let mut states = Vec::new();
        if self.in_alarm {
            states.push(format!("in ALARM for {}", span(self.since, now)));
        }
        if let Some(since) = self.blind_since {
            let lasts = span(since, now);
            states.push(match self.blind_because {
                Some(Unseen::NoData) => format!("cannot be judged: no data for {lasts}"),
                Some(Unseen::CouldNotAsk) => format!("cannot be judged: could not be asked for {lasts}"),
                None => format!("cannot be judged for {lasts}"),
            });
        }
        let silenced = self.silenced_by.as_ref().map(|by| format!("; not told because of {by}"));
        states.join(", and ") + &silenced.unwrap_or_default()
    }
}

//! An alarm that is active or cannot be evaluated, as data and in words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alarms::Unseen;
use crate::model::cluster::{AccountId, Region};
use crate::model::run::Platform;
use crate::report::measured::member::is_ecs;
use crate::text::Text;
use crate::text::words::span;

/// An alarm that is active or cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AlarmLine {
    /// Whether the cluster is an ECS or EKS cluster; absent for ECS.
    #[serde(default, skip_serializing_if = "is_ecs")]
    pub platform: Platform,
    /// Account of the cluster.
    pub account: AccountId,
    /// Region of the cluster.
    pub region: Region,
    /// The subject of the alarm: `cluster`, `cluster/service`, `cluster#task-family` or `cluster
    /// namespace/kind/workload`.
    pub subject: Text,
    /// Name of its rule.
    pub rule: Text,
    /// Whether it is in ALARM. It may be in ALARM and impossible to evaluate at the same time.
    pub in_alarm: bool,
    /// Since when it is in ALARM; if it is not in ALARM, since when it cannot be evaluated.
    #[cfg_attr(test, schemars(with = "String"))]
    pub since: Timestamp,
    /// Since when it cannot be evaluated; absent if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub blind_since: Option<Timestamp>,
    /// Why it cannot be evaluated; absent if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blind_because: Option<Unseen>,
    /// What silenced it, so that no notification was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silenced_by: Option<Text>,
}

impl AlarmLine {
    /// `in ALARM for 2 hours, and cannot be evaluated: no data for 5 minutes; silenced by a
    /// deployment`
    pub(crate) fn state(&self, now: Timestamp) -> String {
        let mut states = Vec::new();
        if self.in_alarm {
            states.push(format!("in ALARM for {}", span(self.since, now)));
        }
        if let Some(since) = self.blind_since {
            let lasts = span(since, now);
            states.push(match self.blind_because {
                Some(Unseen::NoData) => format!("cannot be evaluated: no data for {lasts}"),
                Some(Unseen::CouldNotAsk) => format!("cannot be evaluated: queries failing for {lasts}"),
                None => format!("cannot be evaluated for {lasts}"),
            });
        }
        let silenced = self.silenced_by.as_ref().map(|by| format!("; silenced by {by}"));
        states.join(", and ") + &silenced.unwrap_or_default()
    }
}

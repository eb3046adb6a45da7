//! The message that keeps a cluster in the queue until the update it waits for has ended.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Aspect, OVERDUE};
use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::model::run::Platform;

/// An EKS update that fargaze follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowedUpdate {
    /// The aspect that it changes.
    pub aspect: Aspect,
    /// EKS's update id; `None` where EKS assigns none, such as for a new add-on.
    #[serde(default)]
    pub id: Option<String>,
}

/// fargaze's own queue message: check this cluster again. The decision uses the cluster's state at
/// that time, so the message may arrive twice or late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowUp {
    fargaze: Kind,
    /// Whether it is an ECS or an EKS cluster.
    pub platform: Platform,
    /// Account of the cluster.
    pub account: AccountId,
    /// Region of the cluster.
    pub region: Region,
    /// The cluster.
    pub cluster: ClusterName,
    /// Updates that the message waits for; empty if it waits for the cluster itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<FollowedUpdate>,
    /// When the wait began.
    pub since: Timestamp,
    /// Id of the event or run that started it, recorded as the cause of resulting changes.
    pub cause: String,
    /// Whether it follows a rollback; meanwhile nothing is set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    #[serde(rename = "follow-up")]
    FollowUp,
}

/// What a cluster waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The service is creating or changing it.
    AtWork,
    /// ECS does not list it although an event reported its creation: ECS is eventually consistent.
    Missing,
}

/// A follow-up message that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a valid follow-up message, which has the keys fargaze, platform, account, region, cluster, since, cause and \
     optionally updates and rollback: {0}"
)]
pub struct BadFollowUp(String);

impl FollowUp {
    /// A message for a cluster without updates.
    pub fn new(
        platform: Platform,
        account: AccountId,
        region: Region,
        cluster: ClusterName,
        since: Timestamp,
        cause: String,
    ) -> Self {
        let fargaze = Kind::FollowUp;
        Self {
            fargaze,
            platform,
            account,
            region,
            cluster,
            updates: Vec::new(),
            since,
            cause,
            rollback: false,
        }
    }

    /// Reads a message body; `None` if it is not a follow-up message.
    pub fn read(body: &str) -> Option<Result<Self, BadFollowUp>> {
        let value: serde_json::Value = serde_json::from_str(body).ok()?;
        value.get("fargaze")?;
        Some(serde_json::from_value(value).map_err(|error| BadFollowUp(error.to_string())))
    }

    /// Seconds until the next check: 60 at first, then 120; SQS allows up to 900 (SQS API,
    /// `SendMessage`, `DelaySeconds`). `None` once it has been followed for long enough and is left
    /// to the sweep.
    pub fn delay_seconds(&self, waiting: Waiting, now: Timestamp) -> Option<u16> {
        let longest = match waiting {
            Waiting::AtWork => OVERDUE,
            Waiting::Missing => SignedDuration::from_mins(5),
        };
        let age = now.duration_since(self.since);
        (age < longest).then_some(if age < SignedDuration::from_mins(10) { 60 } else { 120 })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn message() -> Value {
        json!({
            "fargaze": "follow-up", "platform": "eks", "account": "123456789012", "region": "eu-west-1",
            "cluster": "payments",
            "updates": [{"aspect": "control-plane-logs", "id": "9f2b"}, {"aspect": "metrics-server"}],
            "since": "2026-11-22T10:00:00Z", "cause": "a4d2",
        })
    }

    fn read(value: &Value) -> Option<Result<FollowUp, BadFollowUp>> {
        FollowUp::read(&value.to_string())
    }

    #[test]
    fn a_message_round_trips() {
        let follow = read(&message()).unwrap().unwrap();
        assert_eq!(follow.updates[0].id.as_deref(), Some("9f2b"));
        assert_eq!(json!(follow).get("rollback"), None);
        assert_eq!(read(&json!(follow)).unwrap().unwrap(), follow);
        let of_rollback = FollowUp { rollback: true, updates: Vec::new(), ..follow };
        assert_eq!(read(&json!(of_rollback)).unwrap().unwrap(), of_rollback);
    }

    #[test]
    fn other_messages_are_ignored_and_invalid_ones_are_errors() {
        for body in ["", "{", "[]", "{\"id\": \"6c1f\"}"] {
            assert_eq!(FollowUp::read(body), None, "{body}");
        }
        for (key, value) in [
            ("fargaze", json!("other")),
            ("platform", json!("ec2")),
            ("account", json!("12")),
            ("more", json!(1)),
            ("rollback", json!("yes")),
            ("since", json!("yesterday")),
            ("updates", json!([{"aspect": "control-plane-logs", "more": 1}])),
        ] {
            let mut wrong = message();
            wrong[key] = value;
            assert!(read(&wrong).unwrap().is_err(), "{key}");
        }
    }

    /// Issue 13, point 3.
    #[test]
    fn a_cluster_is_followed_for_an_hour_and_a_missing_one_for_five_minutes() {
        let follow = read(&message()).unwrap().unwrap();
        let delay = |waiting, minutes| {
            follow.delay_seconds(waiting, follow.since + SignedDuration::from_mins(minutes))
        };
        for (minutes, at_work, missing) in [
            (0, Some(60), Some(60)),
            (4, Some(60), Some(60)),
            (5, Some(60), None),
            (9, Some(60), None),
            (10, Some(120), None),
            (59, Some(120), None),
            (60, None, None),
        ] {
            assert_eq!(delay(Waiting::AtWork, minutes), at_work, "{minutes}");
            assert_eq!(delay(Waiting::Missing, minutes), missing, "{minutes}");
        }
    }
}

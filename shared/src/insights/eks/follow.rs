//! The message by which a cluster goes back to the queue until EKS is done with it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::EksAspect;
use crate::cluster::{AccountId, ClusterName, Region};

/// An update of EKS that is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowedUpdate {
    /// What it changes.
    pub aspect: EksAspect,
    /// EKS's id of it; none for what has none, such as a new add-on.
    #[serde(default)]
    pub id: Option<String>,
}

/// Our own message of the queue: look at this cluster again. What is decided is decided on the cluster as it is then, so
/// it may come twice or late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EksFollow {
    fargaze: Kind,
    /// Account of the cluster.
    pub account: AccountId,
    /// Region of the cluster.
    pub region: Region,
    /// The cluster.
    pub cluster: ClusterName,
    /// What it waits for; nothing for a cluster that is not ACTIVE yet.
    pub updates: Vec<FollowedUpdate>,
    /// Since when.
    pub since: Timestamp,
    /// Id of the event or run that it began with: the cause of what comes of it.
    pub cause: String,
    /// It follows what a restore asked for: meanwhile nothing is set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restore: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    #[serde(rename = "eks-follow")]
    EksFollow,
}

/// A message of ours that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no message of fargaze to itself, which has fargaze, account, region, cluster, updates, since, cause and perhaps restore: {0}"
)]
pub struct BadFollow(String);

impl EksFollow {
    /// How long a cluster is followed; then it is left to the sweep, which tells of it.
    pub const LONGEST: SignedDuration = super::OVERDUE;

    /// A message about a cluster.
    pub fn new(
        (account, region, cluster): (AccountId, Region, ClusterName),
        updates: Vec<FollowedUpdate>,
        since: Timestamp,
        cause: String,
        restore: bool,
    ) -> Self {
        Self { fargaze: Kind::EksFollow, account, region, cluster, updates, since, cause, restore }
    }

    /// Reads a body of the queue; none if it is not of ours.
    pub fn read(body: &str) -> Option<Result<Self, BadFollow>> {
        let value: serde_json::Value = serde_json::from_str(body).ok()?;
        value.get("fargaze")?;
        Some(serde_json::from_value(value).map_err(|error| BadFollow(error.to_string())))
    }

    /// Seconds until the next look, of at most 900 that a queue can wait (SQS API, `SendMessage`, `DelaySeconds`): one minute
    /// at first, then two. None after an hour.
    pub fn delay_seconds(&self, now: Timestamp) -> Option<u16> {
        let age = now.duration_since(self.since);
        if age >= Self::LONGEST {
            return None;
        }
        Some(if age < SignedDuration::from_mins(10) { 60 } else { 120 })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn message() -> Value {
        json!({
            "fargaze": "eks-follow", "account": "123456789012", "region": "eu-west-1", "cluster": "payments",
            "updates": [{"aspect": "control-plane-logs", "id": "9f2b"}, {"aspect": "metrics-server"}],
            "since": "2026-11-22T10:00:00Z", "cause": "a4d2",
        })
    }

    fn read(value: &Value) -> Option<Result<EksFollow, BadFollow>> {
        EksFollow::read(&value.to_string())
    }

    #[test]
    fn it_reads_what_it_writes() {
        let follow = read(&message()).unwrap().unwrap();
        assert_eq!(follow.updates[0].id.as_deref(), Some("9f2b"));
        assert_eq!(json!(follow).get("restore"), None, "as older messages, which are read");
        assert_eq!(read(&json!(follow)).unwrap().unwrap(), follow);
        let of_restore = EksFollow { restore: true, ..follow };
        assert_eq!(read(&json!(of_restore)).unwrap().unwrap(), of_restore);
    }

    #[test]
    fn what_is_not_ours_is_left_and_what_is_wrong_is_told() {
        for body in ["", "{", "[]", "{\"id\": \"6c1f\"}"] {
            assert_eq!(EksFollow::read(body), None, "{body}");
        }
        for (key, value) in [
            ("fargaze", json!("other")),
            ("account", json!("12")),
            ("more", json!(1)),
            ("restore", json!("yes")),
            ("since", json!("yesterday")),
            ("updates", json!([{"aspect": "control-plane-logs", "more": 1}])),
        ] {
            let mut wrong = message();
            wrong[key] = value;
            assert!(read(&wrong).unwrap().is_err(), "{key}");
        }
    }

    #[test]
    fn it_waits_a_minute_then_two_and_ends_after_an_hour() {
        let follow = read(&message()).unwrap().unwrap();
        for (minutes, delay) in [(0, Some(60)), (9, Some(60)), (10, Some(120)), (59, Some(120)), (60, None)] {
            assert_eq!(follow.delay_seconds(follow.since + SignedDuration::from_mins(minutes)), delay);
        }
    }
}

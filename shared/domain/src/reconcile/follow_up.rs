//! The message by which a cluster goes back to the queue until what it waits for is there.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Aspect, OVERDUE};
use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::model::run::Platform;

/// An update of EKS that is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowedUpdate {
    /// What it changes.
    pub aspect: Aspect,
    /// EKS's id of it; none for what has none, such as a new add-on.
    #[serde(default)]
    pub id: Option<String>,
}

/// Our own message of the queue: check this cluster again. What is decided is decided on the cluster as it is then, so it
/// may come twice or late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowUp {
    fargaze: Kind,
    /// Whether it is a cluster of ECS or of EKS.
    pub platform: Platform,
    /// Account of the cluster.
    pub account: AccountId,
    /// Region of the cluster.
    pub region: Region,
    /// The cluster.
    pub cluster: ClusterName,
    /// Updates that it waits for; empty if it waits for the cluster itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<FollowedUpdate>,
    /// Since when.
    pub since: Timestamp,
    /// Id of the event or run that it began with: the cause of what comes of it.
    pub cause: String,
    /// It follows what a rollback asked for: meanwhile nothing is set.
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
    /// The service makes or changes it.
    AtWork,
    /// ECS does not know it, although an event reports its creation: its answers are eventually consistent.
    Missing,
}

/// A message of ours that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no message of fargaze to itself, which has fargaze, platform, account, region, cluster, since, cause and \
     perhaps updates and rollback: {0}"
)]
pub struct BadFollowUp(String);

impl FollowUp {
    /// A message about a cluster.
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

    /// Reads a body of the queue; none if it is not of ours.
    pub fn read(body: &str) -> Option<Result<Self, BadFollowUp>> {
        let value: serde_json::Value = serde_json::from_str(body).ok()?;
        value.get("fargaze")?;
        Some(serde_json::from_value(value).map_err(|error| BadFollowUp(error.to_string())))
    }

    /// Seconds until the next check, of at most 900 that a queue can wait (SQS API, `SendMessage`, `DelaySeconds`): one
    /// minute at first, then two. None once it has been followed for long enough: then it is the sweep's.
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
    fn it_reads_what_it_writes() {
        let follow = read(&message()).unwrap().unwrap();
        assert_eq!(follow.updates[0].id.as_deref(), Some("9f2b"));
        assert_eq!(json!(follow).get("rollback"), None);
        assert_eq!(read(&json!(follow)).unwrap().unwrap(), follow);
        let of_rollback = FollowUp { rollback: true, updates: Vec::new(), ..follow };
        assert_eq!(read(&json!(of_rollback)).unwrap().unwrap(), of_rollback);
    }

    #[test]
    fn what_is_not_ours_is_left_and_what_is_wrong_is_told() {
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
    fn a_cluster_is_followed_for_an_hour_and_one_that_is_missing_for_minutes() {
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

//! The message by which an ECS cluster goes back to the queue until ECS has made it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cluster::{AccountId, ClusterName, Region};

/// Our own message of the queue: look at this cluster again. What is decided is decided on the cluster as it is then,
/// so it may come twice or late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EcsFollow {
    fargaze: Kind,
    /// Account of the cluster.
    pub account: AccountId,
    /// Region of the cluster.
    pub region: Region,
    /// The cluster.
    pub cluster: ClusterName,
    /// Since when.
    pub since: Timestamp,
    /// Id of the event that it began with: the cause of what comes of it.
    pub cause: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    #[serde(rename = "ecs-follow")]
    EcsFollow,
}

/// What an ECS cluster is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EcsWait {
    /// Its status is PROVISIONING: ECS makes what its capacity providers need.
    Provisioning,
    /// ECS does not know it, although an event reports its creation: its answers are eventually consistent.
    Missing,
}

/// A message of ours that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no message of fargaze to itself, which has fargaze, account, region, cluster, since and cause: {0}"
)]
pub struct BadEcsFollow(String);

impl EcsFollow {
    /// A message about a cluster.
    pub fn new(
        (account, region, cluster): (AccountId, Region, ClusterName),
        since: Timestamp,
        cause: String,
    ) -> Self {
        Self { fargaze: Kind::EcsFollow, account, region, cluster, since, cause }
    }

    /// Reads a body of the queue; none if it is no message of this kind.
    pub fn read(body: &str) -> Option<Result<Self, BadEcsFollow>> {
        let value: serde_json::Value = serde_json::from_str(body).ok()?;
        if value.get("fargaze")? != "ecs-follow" {
            return None;
        }
        Some(serde_json::from_value(value).map_err(|error| BadEcsFollow(error.to_string())))
    }

    /// Seconds until the next look, of at most 900 that a queue can wait (SQS API, `SendMessage`, `DelaySeconds`).
    /// None once it has been followed for long enough: then it is the sweep's.
    pub fn delay_seconds(&self, wait: EcsWait, now: Timestamp) -> Option<u16> {
        let longest = match wait {
            EcsWait::Provisioning => SignedDuration::from_hours(1),
            EcsWait::Missing => SignedDuration::from_mins(5),
        };
        let age = now.duration_since(self.since);
        (age < longest).then_some(if age < SignedDuration::from_mins(10) { 60 } else { 120 })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn follow() -> EcsFollow {
        let whose = ("123456789012".parse().unwrap(), "eu-west-1".parse().unwrap(), "shop".parse().unwrap());
        EcsFollow::new(whose, "2026-11-22T10:00:00Z".parse().unwrap(), "a4d2".to_owned())
    }

    #[test]
    fn it_reads_what_it_writes_and_leaves_what_is_not_its_own() {
        assert_eq!(EcsFollow::read(&json!(follow()).to_string()), Some(Ok(follow())));
        for body in ["", "{", "[]", "{\"id\": \"6c1f\"}", "{\"fargaze\": \"eks-follow\"}"] {
            assert_eq!(EcsFollow::read(body), None, "{body}");
        }
        for (key, value) in [("account", json!("12")), ("more", json!(1)), ("since", json!("yesterday"))] {
            let mut wrong = json!(follow());
            wrong[key] = value;
            assert!(EcsFollow::read(&wrong.to_string()).unwrap().is_err(), "{key}");
        }
    }

    /// Issue 13, point 3.
    #[test]
    fn a_cluster_is_followed_for_an_hour_and_one_that_is_missing_for_minutes() {
        let delay = |wait, minutes| {
            let follow = follow();
            follow.delay_seconds(wait, follow.since + SignedDuration::from_mins(minutes))
        };
        for (minutes, provisioning, missing) in [
            (0, Some(60), Some(60)),
            (4, Some(60), Some(60)),
            (5, Some(60), None),
            (10, Some(120), None),
            (59, Some(120), None),
            (60, None, None),
        ] {
            assert_eq!(delay(EcsWait::Provisioning, minutes), provisioning, "{minutes}");
            assert_eq!(delay(EcsWait::Missing, minutes), missing, "{minutes}");
        }
    }
}

//! State of a service's deployment, for every deployment controller and strategy.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// State of a deployment (Amazon ECS API, `DeploymentRolloutState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RolloutState {
    /// In progress. Without the circuit breaker, a deployment whose tasks keep failing stays in
    /// this state forever.
    InProgress,
    /// The service has reached a steady state.
    Completed,
    /// Stopped by the circuit breaker or an alarm.
    Failed,
}

impl RolloutState {
    /// The API's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

impl fmt::Display for RolloutState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RolloutState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let states = [Self::InProgress, Self::Completed, Self::Failed];
        states
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a rollout state"))
    }
}

/// One entry of a service's `deployments` (controller `ECS`: rolling, blue/green, linear and
/// canary) or `taskSets` (controllers `CODE_DEPLOY` and `EXTERNAL`) that has not been completely
/// replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revision {
    /// Whether it is the newest deployment, or the task set that serves production traffic.
    pub is_primary: bool,
    /// The state that ECS reports. ECS reports none for services behind a Classic Load Balancer.
    pub rollout_state: Option<RolloutState>,
    /// Whether all desired tasks are running and none is pending.
    pub is_settled: bool,
    /// Consecutive task failures. ECS does not count them for task sets.
    pub failed_tasks: u32,
    /// Reason for the state (`rolloutStateReason`).
    pub reason: Option<String>,
    /// When it was created.
    pub started_at: Option<Timestamp>,
}

impl Revision {
    /// The state that ECS reports, otherwise derived from the task counts.
    fn state(&self) -> RolloutState {
        let counted = if self.is_settled { RolloutState::Completed } else { RolloutState::InProgress };
        self.rollout_state.unwrap_or(counted)
    }
}

/// State of a service's deployment: all deployments or task sets combined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentState {
    /// State of the rollout. In progress while more than one revision has tasks, which covers
    /// traffic shifts and bake time. `None` if it is unknown.
    pub rollout_state: Option<RolloutState>,
    /// Failed tasks of all revisions.
    #[serde(default)]
    pub failed_tasks: u32,
    /// Reason for the state, as ECS reports it (`rolloutStateReason`).
    pub reason: Option<String>,
    /// When its newest revision was created.
    pub started_at: Option<Timestamp>,
    /// The last deployment that failed or is being rolled back, if there was no deployment since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<DeploymentFailure>,
}

/// Failure of a deployment, as ECS reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentFailure {
    /// Time of the failure.
    pub at: Timestamp,
    /// The message of ECS.
    pub said: String,
}

/// How long a deployment that was rolled back counts as failed. By then the service is healthy
/// again, as it was before.
const FAILED_FOR: SignedDuration = SignedDuration::from_hours(1);

impl DeploymentState {
    /// The deployment that these revisions form; `None` without a revision.
    ///
    /// With two revisions, one is replacing the other: ECS keeps a deployment `ACTIVE` while it
    /// "still has running tasks" and is being replaced (Amazon ECS API, `Deployment`), and
    /// `CODE_DEPLOY` keeps the old task set until traffic has shifted and the termination wait is
    /// over.
    pub fn of(revisions: &[Revision]) -> Option<Self> {
        let newest = revisions.iter().max_by_key(|revision| (revision.started_at, revision.is_primary))?;
        let any = |state| revisions.iter().any(|revision| revision.state() == state);
        let rollout_state = if any(RolloutState::Failed) {
            RolloutState::Failed
        } else if revisions.len() > 1 || any(RolloutState::InProgress) {
            RolloutState::InProgress
        } else {
            RolloutState::Completed
        };
        let primary = revisions.iter().find(|revision| revision.is_primary).unwrap_or(newest);
        let said = revisions.iter().find(|revision| revision.state() == rollout_state).unwrap_or(primary);
        Some(Self {
            rollout_state: Some(rollout_state),
            failed_tasks: revisions.iter().fold(0, |sum, revision| sum.saturating_add(revision.failed_tasks)),
            reason: said.reason.clone().or_else(|| primary.reason.clone()),
            started_at: newest.started_at,
            failure: None,
        })
    }

    /// Whether the newest deployment failed: ECS reports a failed deployment that still has tasks,
    /// or recently reported one that it rolled back.
    pub fn has_failed(&self, now: Timestamp) -> bool {
        let is_recent = |failure: &DeploymentFailure| now.duration_since(failure.at) < FAILED_FOR;
        self.rollout_state == Some(RolloutState::Failed) || self.failure.as_ref().is_some_and(is_recent)
    }

    /// Whether it has been in progress for less than `at_most` without a failed task. A deployment
    /// with failing tasks, or one that takes too long, mutes no alarm.
    pub fn is_progressing(&self, now: Timestamp, at_most: SignedDuration) -> bool {
        let young = self.started_at.is_some_and(|start| now.duration_since(start) < at_most);
        self.rollout_state == Some(RolloutState::InProgress) && self.failed_tasks == 0 && young
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RolloutState::{Completed, Failed, InProgress};

    fn at(minute: i64) -> Timestamp {
        "2026-11-22T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
    }

    fn revision(rollout_state: impl Into<Option<RolloutState>>, started: i64) -> Revision {
        let (rollout_state, started_at) = (rollout_state.into(), Some(at(started)));
        Revision { rollout_state, started_at, is_settled: true, ..Revision::default() }
    }

    fn primary(revision: Revision) -> Revision {
        Revision { is_primary: true, ..revision }
    }

    fn unsettled(revision: Revision) -> Revision {
        Revision { is_settled: false, ..revision }
    }

    fn failing(revision: Revision, failed_tasks: u32) -> Revision {
        Revision { failed_tasks, ..revision }
    }

    /// Issue 12, point 7: what the API reports for each controller and strategy.
    #[test]
    fn every_controller_and_strategy_has_a_deployment_state() {
        for (what, revisions, state, well) in [
            ("rolling, done", vec![primary(revision(Completed, -9))], Completed, false),
            ("rolling", vec![primary(revision(InProgress, -9)), revision(Completed, -900)], InProgress, true),
            (
                "blue/green, bake time: green is steady, blue still has its tasks",
                vec![primary(revision(Completed, -9)), revision(Completed, -900)],
                InProgress,
                true,
            ),
            (
                "linear and canary: the newest is not primary yet",
                vec![revision(InProgress, -9), primary(revision(Completed, -900))],
                InProgress,
                true,
            ),
            ("Classic ELB, first", vec![unsettled(primary(revision(None, -9)))], InProgress, true),
            ("Classic ELB, done", vec![primary(revision(None, -9))], Completed, false),
            ("Classic ELB", vec![primary(revision(None, -9)), revision(None, -900)], InProgress, true),
            (
                "an outage long after the deployment",
                vec![unsettled(primary(revision(None, -900)))],
                InProgress,
                false,
            ),
            (
                "its tasks fail",
                vec![failing(primary(revision(InProgress, -9)), 1), revision(Completed, -900)],
                InProgress,
                false,
            ),
            (
                "tasks of the one that is replaced fail",
                vec![primary(revision(InProgress, -9)), failing(revision(Completed, -900), 2)],
                InProgress,
                false,
            ),
            ("rolled back", vec![primary(revision(InProgress, -3)), revision(Failed, -9)], Failed, false),
        ] {
            let deployment = DeploymentState::of(&revisions).unwrap();
            assert_eq!(deployment.rollout_state, Some(state), "{what}");
            assert_eq!(deployment.is_progressing(at(0), SignedDuration::from_mins(10)), well, "{what}");
        }
        assert_eq!(DeploymentState::of(&[]), None);
    }

    #[test]
    fn the_reason_comes_from_the_revision_that_determines_the_state() {
        let said =
            |revision: Revision, reason: &str| Revision { reason: Some(reason.to_owned()), ..revision };
        let deployment = DeploymentState::of(&[
            said(primary(revision(InProgress, -3)), "rolling back"),
            said(failing(revision(Failed, -9), 3), "tasks failed to start"),
        ])
        .unwrap();
        assert_eq!(deployment.reason.as_deref(), Some("tasks failed to start"));
        assert_eq!((deployment.failed_tasks, deployment.started_at), (3, Some(at(-3))));
    }
}

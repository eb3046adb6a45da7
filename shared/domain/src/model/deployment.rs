//! How a deployment of a service goes, whichever controller and strategy carries it out.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Where a deployment stands (Amazon ECS API, `DeploymentRolloutState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RolloutState {
    /// Under way. Without the circuit breaker a deployment whose tasks keep failing stays so for ever.
    InProgress,
    /// The service has reached a steady state.
    Completed,
    /// The circuit breaker or an alarm ended it.
    Failed,
}

impl RolloutState {
    /// The word of the API.
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

/// One entry of a service's `deployments` (controller `ECS`: rolling, blue/green, linear and canary) or `taskSets`
/// (controllers `CODE_DEPLOY` and `EXTERNAL`) that has not been replaced completely.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revision {
    /// Whether it is the newest deployment, or the task set that serves production traffic.
    pub is_primary: bool,
    /// What ECS says about it. ECS gives no rollout state for services behind a Classic Load Balancer.
    pub rollout_state: Option<RolloutState>,
    /// Whether it runs as many tasks as it should and none is pending.
    pub is_settled: bool,
    /// Tasks that failed in a row. ECS does not count those of task sets.
    pub failed_tasks: u32,
    /// Why it is where it is (`rolloutStateReason`).
    pub reason: Option<String>,
    /// When it was created.
    pub started_at: Option<Timestamp>,
}

impl Revision {
    /// What ECS says, else what its task counts say.
    fn state(&self) -> RolloutState {
        let counted = if self.is_settled { RolloutState::Completed } else { RolloutState::InProgress };
        self.rollout_state.unwrap_or(counted)
    }
}

/// How the deployment of a service goes: all its deployments or task sets as one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentState {
    /// Where it stands. In progress as long as more than one revision has tasks, which covers traffic shifts and bake
    /// time. None in records of which it is not known.
    pub rollout_state: Option<RolloutState>,
    /// Tasks that failed, of all revisions.
    #[serde(default)]
    pub failed_tasks: u32,
    /// Why it is where it is, in ECS's words (`rolloutStateReason`).
    pub reason: Option<String>,
    /// When its newest revision was created.
    pub started_at: Option<Timestamp>,
    /// That a deployment failed or is rolled back, if nobody has deployed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<DeploymentFailure>,
}

/// What ECS said of a deployment that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentFailure {
    /// When.
    pub at: Timestamp,
    /// In which words.
    pub said: String,
}

/// How long a deployment that was rolled back counts as failed. The service is well again by then, as it was before.
const FAILED_FOR: SignedDuration = SignedDuration::from_hours(1);

impl DeploymentState {
    /// The deployment that these revisions make up; none without a revision.
    ///
    /// A second revision means that one replaces the other: ECS keeps a deployment `ACTIVE` while it "still has running
    /// tasks" and is being replaced (Amazon ECS API, `Deployment`), and `CODE_DEPLOY` keeps the old task set until traffic
    /// has shifted and the termination wait is over.
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

    /// Whether the newest deployment failed: as ECS says of one that still has tasks, or said lately of one that it rolled
    /// back.
    pub fn has_failed(&self, now: Timestamp) -> bool {
        let is_late = |failure: &DeploymentFailure| now.duration_since(failure.at) < FAILED_FOR;
        self.rollout_state == Some(RolloutState::Failed) || self.failure.as_ref().is_some_and(is_late)
    }

    /// Whether it is under way and, as far as ECS knows, well, for less than `at_most`. A deployment whose tasks fail
    /// is no excuse for silence, nor is one that takes too long.
    pub fn goes_well(&self, now: Timestamp, at_most: SignedDuration) -> bool {
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

    /// Issue 12, point 7: what is under way, by what the API says of each controller and strategy.
    #[test]
    fn a_deployment_is_a_deployment_whichever_controller_and_strategy() {
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
            assert_eq!(deployment.goes_well(at(0), SignedDuration::from_mins(10)), well, "{what}");
        }
        assert_eq!(DeploymentState::of(&[]), None);
    }

    #[test]
    fn the_reason_is_that_of_the_revision_that_decides() {
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

//! What a sweep or restore found about EKS clusters, for its outcome and its message.

use std::mem::discriminant;

use serde::{Deserialize, Serialize};

use super::{CostNote, EksAction, EksAspect, EksRemedy, EksStep};
use crate::cluster::ClusterName;
use crate::fault::Fault;

/// What a sweep or restore found about one aspect of an EKS cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EksFinding {
    /// The cluster.
    pub cluster: ClusterName,
    /// The aspect; none if it is about the cluster as a whole.
    pub aspect: Option<EksAspect>,
    /// What came of it.
    pub result: EksResult,
    /// From what to what it was, would be or will be changed, in words.
    pub change: Option<String>,
    /// Why, in words that follow the name of the cluster or of the aspect.
    pub reason: String,
    /// What it costs or would cost.
    pub cost: Option<CostNote>,
    /// What a person can do about it, where that is known besides a fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<EksRemedy>,
    /// The cluster is new, and no event of its creation came.
    pub unannounced: bool,
    /// It is to be told, and the last sweep did not tell it.
    pub news: bool,
}

/// What came of an aspect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EksResult {
    /// As wished.
    Right,
    /// Changed; EKS may still work on it.
    Set,
    /// It is a dry run; else it would have been changed.
    WouldSet,
    /// Not as wished, and left so.
    Reported,
    /// It would be changed, but the cluster lacks something for it.
    Blocked,
    /// To be changed, but this run has changed enough.
    Waiting,
    /// EKS works on it.
    InProgress,
    /// The cluster is being created.
    NotYet,
    /// EKS works on it for more than an hour.
    Overdue,
    /// Not to be touched, or nothing to restore.
    Left,
    /// What was set was undone twice; by whom.
    Fight(Vec<String>),
    /// Put back by a restore.
    Restored,
    /// Not restored, because somebody changed it since.
    Skipped,
    /// What is there could not be asked.
    Unknown(Fault),
    /// Could not be changed.
    Failed(Fault),
}

impl EksResult {
    /// Whether the next sweep is to find a new cluster still new, because this is not at its end.
    pub fn is_open(&self) -> bool {
        match self {
            Self::WouldSet
            | Self::Blocked
            | Self::Waiting
            | Self::InProgress
            | Self::NotYet
            | Self::Overdue
            | Self::Unknown(_)
            | Self::Failed(_) => true,
            Self::Right
            | Self::Set
            | Self::Reported
            | Self::Left
            | Self::Fight(_)
            | Self::Restored
            | Self::Skipped => false,
        }
    }

    /// Whether it counts as a change that a run may make: made, perhaps made, or only told.
    pub fn is_change(&self) -> bool {
        matches!(self, Self::Set | Self::WouldSet)
    }
}

impl EksFinding {
    /// The finding of a step; `of_change` is what came of it if it says to change something.
    pub fn of_step(cluster: ClusterName, step: EksStep, of_change: EksResult) -> Self {
        let EksStep { aspect, action, reason, cost, remedy } = step;
        let mut change = None;
        let result = match action {
            EksAction::Set { from, to } => {
                change = Some(format!("{from} -> {to}"));
                of_change
            }
            EksAction::Right => EksResult::Right,
            EksAction::Report => EksResult::Reported,
            EksAction::Blocked => EksResult::Blocked,
            EksAction::Leave => EksResult::Left,
            EksAction::Fight { by } => EksResult::Fight(by),
            EksAction::Waiting => EksResult::InProgress,
            EksAction::NotYet => EksResult::NotYet,
            EksAction::Overdue => EksResult::Overdue,
            EksAction::Unknown(fault) => EksResult::Unknown(fault),
        };
        Self { cluster, aspect, result, change, reason, cost, remedy, unannounced: false, news: false }
    }

    /// What a person can do about it, as commands: by what was decided, or by the fault.
    pub fn remedy(&self) -> Option<EksRemedy> {
        match &self.result {
            EksResult::Unknown(fault) | EksResult::Failed(fault) => EksRemedy::of_fault(fault),
            _ => self.remedy.clone(),
        }
    }

    /// Whether EKS still creates the cluster, in time or not: a first sweep must not take it for one that was there before.
    pub fn is_being_made(&self) -> bool {
        self.aspect.is_none() && matches!(self.result, EksResult::NotYet | EksResult::Overdue)
    }

    /// Sets `news` by what the last sweep found about the same aspect of the same cluster: whether there is something to tell
    /// that it did not tell. What was done or has failed is told each time, and is no news of this kind.
    pub fn mark_news(&mut self, last: Option<&Self>) {
        let is_to_tell = matches!(
            self.result,
            EksResult::Reported
                | EksResult::Blocked
                | EksResult::Overdue
                | EksResult::Fight(_)
                | EksResult::Unknown(_)
        );
        let same = |last: &Self| discriminant(&last.result) == discriminant(&self.result);
        self.news = is_to_tell && !last.is_some_and(same)
            || self.unannounced && !last.is_some_and(|last| last.unannounced);
    }
}

//! What a sweep or rollback found, for its outcome and its notification.

use std::mem::discriminant;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Action, Aspect, Cost, Expiring, Remedy, Step, Value};
use crate::model::cluster::ClusterName;
use crate::model::fault::Fault;
use crate::model::subject::Subject;

/// What a sweep or rollback found about one aspect of one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The subject.
    pub subject: Subject,
    /// The aspect; `None` if the finding is about the cluster as a whole.
    pub aspect: Option<Aspect>,
    /// The result.
    pub result: FindingResult,
    /// The current value, if it is known and `change` does not contain it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// The change that was, would be or will be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Transition>,
    /// The reason, worded to follow the name of the cluster or aspect.
    pub reason: String,
    /// What the change costs or would cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// The events that the change of a log group's retention deletes or would delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiring: Option<Expiring>,
    /// When the change was announced, if it had to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced_at: Option<Timestamp>,
    /// What an operator can do about it, if the decision knows a remedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
    /// The cluster is new, but no event reported its creation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unannounced: bool,
    /// Container Insights is on and tasks are running, but no metrics arrive.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// It must be notified, and the last sweep did not do so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub news: bool,
}

/// A change that a sweep announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// The value to set, as text.
    pub to: String,
    /// When it was first announced.
    pub at: Timestamp,
}

/// The values before and after a change, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The value before.
    pub from: String,
    /// The value after.
    pub to: String,
}

impl Transition {
    /// A change between these values.
    pub fn new(from: &Value, to: &Value) -> Self {
        Self { from: from.to_string(), to: to.to_string() }
    }
}

impl std::fmt::Display for Transition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -> {}", self.from, self.to)
    }
}

/// The result for an aspect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingResult {
    /// It complies with its policy.
    Compliant,
    /// Changed; the service may still be working on it.
    Set,
    /// It would have been changed, but this is a dry run.
    WouldSet,
    /// A later sweep changes it, because the change deletes what nobody can restore.
    Announced,
    /// Out of policy, but only reported.
    Reported,
    /// It would be changed, but the cluster lacks a prerequisite.
    Blocked,
    /// It will be changed later: this run has reached its limit.
    Waiting,
    /// The service is working on it.
    InProgress,
    /// The cluster is being created.
    NotYet,
    /// The service has been working on it for more than an hour.
    Overdue,
    /// Left alone, or nothing to roll back.
    Left,
    /// Another event or run is changing it now: left to that one.
    UnderWay,
    /// The change was reverted twice; contains who did it.
    Conflict(Vec<String>),
    /// Rolled back.
    RolledBack,
    /// Not rolled back, because it was changed since.
    Skipped,
    /// The current state could not be read.
    Unknown(Fault),
    /// Could not be changed.
    Failed(Fault),
}

impl FindingResult {
    /// Whether the next sweep must still treat a new cluster as new, because this result is not
    /// final.
    pub fn is_open(&self) -> bool {
        match self {
            Self::WouldSet
            | Self::Blocked
            | Self::Waiting
            | Self::InProgress
            | Self::NotYet
            | Self::Overdue
            | Self::UnderWay
            | Self::Unknown(_)
            | Self::Failed(_) => true,
            Self::Compliant
            | Self::Set
            | Self::Announced
            | Self::Reported
            | Self::Left
            | Self::Conflict(_)
            | Self::RolledBack
            | Self::Skipped => false,
        }
    }

    /// Whether it counts towards the limits of a run: a change that was made, may have been made,
    /// was only reported, or is left to the queue until the service is done. A refusal does not
    /// count: clusters that always refuse would block all others.
    pub fn counts_as_change(&self) -> bool {
        match self {
            Self::Set | Self::WouldSet | Self::InProgress | Self::NotYet => true,
            Self::Failed(fault) => !fault.kind.is_refusal(),
            _ => false,
        }
    }

    /// Whether there is nothing to report.
    pub fn is_plain(&self) -> bool {
        matches!(self, Self::Compliant | Self::Left | Self::UnderWay)
    }

    /// Whether something was done or failed, which is notified every time.
    pub fn is_act(&self) -> bool {
        matches!(self, Self::Set | Self::WouldSet | Self::Waiting | Self::RolledBack | Self::Failed(_))
    }

    /// The fault, if the change failed or the state could not be read.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Failed(fault) | Self::Unknown(fault) => Some(fault),
            _ => None,
        }
    }
}

impl Finding {
    /// A finding with only a result and a reason.
    pub fn new(
        subject: Subject,
        aspect: Option<Aspect>,
        result: FindingResult,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            subject,
            aspect,
            result,
            now: None,
            change: None,
            reason: reason.into(),
            cost: None,
            expiring: None,
            announced_at: None,
            remedy: None,
            unannounced: false,
            silent: false,
            news: false,
        }
    }

    /// The finding for a step; `of_change` is the result if the step is a change.
    pub fn of_step(subject: Subject, step: Step, of_change: FindingResult) -> Self {
        let Step { aspect, action, now, reason, cost, expiring, announced_at, remedy } = step;
        let (mut change, mut now) = (None, now.map(|now| now.to_string()));
        let result = match action {
            Action::Set { from, to } => {
                change = Some(Transition::new(&from, &to));
                now = None;
                of_change
            }
            Action::Announce { from, to } => {
                change = Some(Transition::new(&from, &to));
                now = None;
                FindingResult::Announced
            }
            Action::Comply => FindingResult::Compliant,
            Action::Report => FindingResult::Reported,
            Action::Blocked => FindingResult::Blocked,
            Action::Leave => FindingResult::Left,
            Action::Conflict { by } => FindingResult::Conflict(by),
            Action::Waiting => FindingResult::InProgress,
            Action::NotYet => FindingResult::NotYet,
            Action::Overdue => FindingResult::Overdue,
            Action::Unknown(fault) => FindingResult::Unknown(fault),
        };
        let cost = cost.map(Cost::Note);
        let found = Self::new(subject, aspect, result, reason);
        Self { now, change, cost, expiring, announced_at, remedy, ..found }
    }

    /// The change that a sweep announced and has not made yet: it may be waiting, or have failed.
    pub fn announced(&self) -> Option<Announced> {
        let is_pending = matches!(
            self.result,
            FindingResult::Announced | FindingResult::Waiting | FindingResult::Failed(_)
        );
        let change = self.change.as_ref().filter(|_| is_pending)?;
        Some(Announced { to: change.to.clone(), at: self.announced_at? })
    }

    /// The cluster, if the finding is about one.
    pub fn cluster(&self) -> Option<&ClusterName> {
        self.subject.cluster()
    }

    /// What an operator can do about it: the remedy of the fault, or else of the decision.
    pub fn remedy(&self) -> Option<Remedy> {
        self.result.fault().map_or_else(|| self.remedy.clone(), Remedy::of_fault)
    }

    /// Whether the cluster is still being created, overdue or not: a first sweep must not treat it
    /// as existing.
    pub fn is_being_made(&self) -> bool {
        let is_late = self.result == FindingResult::Overdue && self.aspect.is_none();
        is_late || self.result == FindingResult::NotYet
    }

    /// Whether there is something to report.
    pub fn is_remarkable(&self) -> bool {
        !self.result.is_plain() || self.unannounced || self.silent
    }

    /// Sets `news` by comparing with the last sweep's finding about the same aspect of the same
    /// subject: whether there is something to notify that the last sweep did not. Changes and
    /// failures are notified every time and are not marked.
    pub fn mark_news(&mut self, last: Option<&Self>) {
        let is_to_notify = matches!(
            self.result,
            FindingResult::Announced
                | FindingResult::Reported
                | FindingResult::Blocked
                | FindingResult::Overdue
                | FindingResult::Conflict(_)
                | FindingResult::Unknown(_)
        );
        let same = |last: &Self| {
            discriminant(&last.result) == discriminant(&self.result) && last.announced_at == self.announced_at
        };
        self.news = is_to_notify && !last.is_some_and(same)
            || self.unannounced && !last.is_some_and(|last| last.unannounced)
            || self.silent && !last.is_some_and(|last| last.silent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fault::FaultKind;
    use crate::model::operation::Operation;

    fn finding(result: FindingResult) -> Finding {
        let subject = Subject::Cluster("shop".parse().unwrap());
        Finding::new(subject, Some(Aspect::ContainerInsights), result, "")
    }

    fn fault() -> Fault {
        let (operation, code) = (Operation::EcsListAccountSettings, "AccessDenied".to_owned());
        let (subject, message) = (String::new(), String::new());
        Fault { operation, subject, kind: FaultKind::Denied, code, message }
    }

    fn is_news(mut now: Finding, last: Option<&Finding>) -> bool {
        now.mark_news(last);
        now.news
    }

    #[test]
    fn a_finding_that_the_last_sweep_notified_is_not_news() {
        let silent = Finding { silent: true, ..finding(FindingResult::Compliant) };
        let unannounced = Finding { unannounced: true, ..finding(FindingResult::Compliant) };
        let all = [
            finding(FindingResult::Reported),
            finding(FindingResult::Blocked),
            finding(FindingResult::Overdue),
            finding(FindingResult::Conflict(vec!["ci".to_owned()])),
            finding(FindingResult::Unknown(fault())),
            silent,
            unannounced,
        ];
        for (i, now) in all.iter().enumerate() {
            assert!(is_news(now.clone(), None), "{now:?}");
            for (j, last) in all.iter().enumerate() {
                assert_eq!(is_news(now.clone(), Some(last)), i != j, "{now:?} after {last:?}");
            }
        }
    }

    #[test]
    fn compliant_and_completed_findings_are_not_news() {
        let results =
            [FindingResult::Compliant, FindingResult::Left, FindingResult::Skipped, FindingResult::Set];
        assert!(results.into_iter().all(|result| !is_news(finding(result), None)));
    }

    #[test]
    fn findings_round_trip_through_json() {
        let (from, to) = (Value::Absent, Value::DEFAULT_ADDON);
        let found = Finding { change: Some(Transition::new(&from, &to)), ..finding(FindingResult::WouldSet) };
        let text = serde_json::to_string(&found).unwrap();
        assert!(text.contains(r#""result":"would-set","change":{"from":"absent""#), "{text}");
        assert_eq!(serde_json::from_str::<Finding>(&text).unwrap(), found);
    }
}

//! What a sweep or rollback found, for its outcome and its message.

use std::mem::discriminant;

use serde::{Deserialize, Serialize};

use super::{Action, Aspect, Cost, Remedy, Step, Value};
use crate::model::cluster::ClusterName;
use crate::model::fault::Fault;
use crate::model::subject::Subject;

/// What a sweep or rollback found about one aspect of one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The subject.
    pub subject: Subject,
    /// The aspect; none if it is about the cluster as a whole.
    pub aspect: Option<Aspect>,
    /// What came of it.
    pub result: FindingResult,
    /// What is there, where that is known and `change` does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// What was, would be or will be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Transition>,
    /// Why, in words that follow the name of the cluster or of the aspect.
    pub reason: String,
    /// What the change costs, or would cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// What a person can do about it, where that is known besides a fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
    /// The cluster is new, and no event of its creation came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unannounced: bool,
    /// It is on and runs tasks, and there are no metrics of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// It is to be notified, and the last sweep did not notify of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub news: bool,
}

/// From what to what something is changed, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// What was there.
    pub from: String,
    /// What is there then.
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

/// What came of an aspect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingResult {
    /// It complies with its policy.
    Compliant,
    /// Changed; the service may still work on it.
    Set,
    /// It is a dry run; else it would have been changed.
    WouldSet,
    /// Out of policy, and only reported.
    Reported,
    /// It would be changed, but the cluster lacks something for it.
    Blocked,
    /// To be changed, but this run has changed enough.
    Waiting,
    /// The service works on it.
    InProgress,
    /// The cluster is being created.
    NotYet,
    /// The service works on it for more than an hour.
    Overdue,
    /// Not to be touched, or nothing to roll back.
    Left,
    /// Another event or run is changing it right now: left to that one.
    UnderWay,
    /// What was set was reverted twice; by whom.
    Conflict(Vec<String>),
    /// Rolled back.
    RolledBack,
    /// Not rolled back, because somebody changed it since.
    Skipped,
    /// What is there could not be asked.
    Unknown(Fault),
    /// Could not be changed.
    Failed(Fault),
}

impl FindingResult {
    /// Whether the next sweep is to find a new cluster still new, because this is not at its end.
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
            | Self::Reported
            | Self::Left
            | Self::Conflict(_)
            | Self::RolledBack
            | Self::Skipped => false,
        }
    }

    /// Whether it counts as one of the changes that a run may make: made, perhaps made, only said, or left to the queue,
    /// which makes it when the service is done. A refusal does not count: clusters that always refuse would keep all others
    /// waiting for ever.
    pub fn counts_as_change(&self) -> bool {
        match self {
            Self::Set | Self::WouldSet | Self::InProgress | Self::NotYet => true,
            Self::Failed(fault) => !fault.kind.is_refusal(),
            _ => false,
        }
    }

    /// Whether there is nothing to say of it.
    pub fn is_plain(&self) -> bool {
        matches!(self, Self::Compliant | Self::Left | Self::UnderWay)
    }

    /// Whether something was done or has failed: that is notified each time.
    pub fn is_act(&self) -> bool {
        matches!(self, Self::Set | Self::WouldSet | Self::Waiting | Self::RolledBack | Self::Failed(_))
    }

    /// The fault of what failed or could not be asked.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Failed(fault) | Self::Unknown(fault) => Some(fault),
            _ => None,
        }
    }
}

impl Finding {
    /// A finding of which nothing but its result and reason is known.
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
            remedy: None,
            unannounced: false,
            silent: false,
            news: false,
        }
    }

    /// The finding of a step; `of_change` is what came of it if it says to change something.
    pub fn of_step(subject: Subject, step: Step, of_change: FindingResult) -> Self {
        let Step { aspect, action, now, reason, cost, remedy } = step;
        let (mut change, mut now) = (None, now.map(|now| now.to_string()));
        let result = match action {
            Action::Set { from, to } => {
                change = Some(Transition::new(&from, &to));
                now = None;
                of_change
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
        Self { now, change, cost: cost.map(Cost::Note), remedy, ..Self::new(subject, aspect, result, reason) }
    }

    /// The cluster, if it is about one.
    pub fn cluster(&self) -> Option<&ClusterName> {
        self.subject.cluster()
    }

    /// What a person can do about it, as commands: by what was decided, or by the fault.
    pub fn remedy(&self) -> Option<Remedy> {
        self.result.fault().map_or_else(|| self.remedy.clone(), Remedy::of_fault)
    }

    /// Whether the cluster is still being created, in time or not: a first sweep must not take it for one that was there
    /// before.
    pub fn is_being_made(&self) -> bool {
        let is_late = self.result == FindingResult::Overdue && self.aspect.is_none();
        is_late || self.result == FindingResult::NotYet
    }

    /// Whether there is something to say of it.
    pub fn is_remarkable(&self) -> bool {
        !self.result.is_plain() || self.unannounced || self.silent
    }

    /// Sets `news` by what the last sweep found about the same aspect of the same subject: whether there is something to
    /// notify of which it did not. What was done or has failed is notified each time, and is no news of this kind.
    pub fn mark_news(&mut self, last: Option<&Self>) {
        let is_to_notify = matches!(
            self.result,
            FindingResult::Reported
                | FindingResult::Blocked
                | FindingResult::Overdue
                | FindingResult::Conflict(_)
                | FindingResult::Unknown(_)
        );
        let same = |last: &Self| discriminant(&last.result) == discriminant(&self.result);
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
    fn what_the_last_sweep_notified_is_no_news() {
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
    fn what_complies_or_was_done_is_no_news_of_this_kind() {
        let results =
            [FindingResult::Compliant, FindingResult::Left, FindingResult::Skipped, FindingResult::Set];
        assert!(results.into_iter().all(|result| !is_news(finding(result), None)));
    }

    #[test]
    fn findings_are_written_in_plain_words_and_read_back() {
        let (from, to) = (Value::Absent, Value::DEFAULT_ADDON);
        let found = Finding { change: Some(Transition::new(&from, &to)), ..finding(FindingResult::WouldSet) };
        let text = serde_json::to_string(&found).unwrap();
        assert!(text.contains(r#""result":"would-set","change":{"from":"absent""#), "{text}");
        assert_eq!(serde_json::from_str::<Finding>(&text).unwrap(), found);
    }
}

//! Who reverted a change, as far as an event reports it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::{Aspect, Desired, Value};
use super::SubjectLog;
use crate::model::subject::Subject;

/// Somebody else changed what fargaze had set. The change log keeps it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revert {
    /// What was changed.
    pub subject: Subject,
    /// What of it.
    pub aspect: Aspect,
    /// When, by CloudTrail.
    pub time: Timestamp,
    /// CloudTrail's id of the event.
    pub event_id: String,
    /// ARN or name of who did it.
    pub by: String,
    /// The call that did it: CloudTrail's `eventName`.
    pub call: String,
    /// What it was set to, where the event says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

impl Revert {
    /// Whether it took away what is desired. An event of EKS is only kept if it takes something away.
    fn is_against(&self, desired: &Desired) -> bool {
        self.to.as_ref().is_none_or(|to| desired.wanted(to).is_some())
    }
}

/// Who took away what is desired of an aspect since a time, each once, with the call: `alice (DeleteAddon)`. Empty if no
/// event named anybody.
pub(in crate::reconcile) fn reverted_by(
    log: &SubjectLog,
    aspect: Aspect,
    desired: &Desired,
    since: Timestamp,
) -> Vec<String> {
    let reverts = log.aspect(aspect).into_iter().flat_map(|log| &log.reverts);
    let since = second_of(since);
    let mut by = Vec::new();
    for revert in reverts.filter(|revert| revert.time >= since && revert.is_against(desired)) {
        let who = format!("{} ({})", revert.by, revert.call);
        if !by.contains(&who) {
            by.push(who);
        }
    }
    by
}

/// The second that a time is in: CloudTrail gives whole seconds, so what came after it may seem to be before.
fn second_of(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// What stands for a person where no event names one.
pub(in crate::reconcile) fn unnamed(aspect: Aspect) -> &'static str {
    match aspect {
        // Calls of the Kubernetes API are in its audit log, not in CloudTrail.
        Aspect::AwsLogging => "somebody whom only the audit log of the control plane can name",
        _ => "somebody whose event did not arrive",
    }
}

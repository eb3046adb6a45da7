//! Who reverted a change, as far as events report it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::{Aspect, Desired, Value};
use super::SubjectLog;
use crate::model::subject::Subject;

/// A change by someone else to a value that fargaze set. The change log stores it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revert {
    /// The changed subject.
    pub subject: Subject,
    /// The changed aspect.
    pub aspect: Aspect,
    /// When it happened, from CloudTrail.
    pub time: Timestamp,
    /// CloudTrail's id of the event.
    pub event_id: String,
    /// ARN or name of who did it.
    pub by: String,
    /// The call: CloudTrail's `eventName`.
    pub call: String,
    /// The new value, if the event contains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

impl Revert {
    /// Whether it violates the desired value. EKS events are only kept if they remove something.
    fn is_against(&self, desired: &Desired) -> bool {
        self.to.as_ref().is_none_or(|to| desired.wanted(to).is_some())
    }
}

/// Who reverted the desired value of an aspect since a time, each once, with the call: `alice
/// (DeleteAddon)`. Empty if no event names a caller.
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

/// The time truncated to seconds: CloudTrail has whole seconds, so a later event may seem earlier.
fn second_of(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// The text for a caller that no event names.
pub(in crate::reconcile) fn unnamed(aspect: Aspect) -> &'static str {
    match aspect {
        // Kubernetes API calls are in the audit log, not in CloudTrail.
        Aspect::AwsLogging => "an unknown caller (see the control plane's audit log)",
        _ => "an unknown caller (no event arrived)",
    }
}

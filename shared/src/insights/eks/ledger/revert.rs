//! Who took away what we had set up, as far as an event reports it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{BadEksChange, EksSubject, need, parsed};
use crate::insights::eks::EksAspect;

/// Somebody else took away what we had set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EksRevert {
    /// What was taken away.
    pub subject: EksSubject,
    /// When, by CloudTrail.
    pub time: Timestamp,
    /// CloudTrail's id of the event.
    pub event_id: String,
    /// ARN or name of who did it.
    pub by: String,
    /// The call that did it: CloudTrail's `eventName`.
    pub call: String,
}

impl EksRevert {
    /// The attribute that an item about a revert has and one about a change has not.
    pub const MARK: &'static str = "by";

    /// The revert as texts by name, for a table.
    pub fn to_attributes(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("subject", self.subject.to_string()),
            ("time", self.time.to_string()),
            ("event_id", self.event_id.clone()),
            (Self::MARK, self.by.clone()),
            ("call", self.call.clone()),
        ])
    }

    /// Reads what [`Self::to_attributes`] wrote; `get` gives the text of an attribute.
    pub fn from_attributes(get: &dyn Fn(&'static str) -> Option<String>) -> Result<Self, BadEksChange> {
        Ok(Self {
            subject: parsed("subject", &need(get, "subject")?)?,
            time: parsed("time", &need(get, "time")?)?,
            event_id: need(get, "event_id")?,
            by: need(get, Self::MARK)?,
            call: need(get, "call")?,
        })
    }
}

/// What stands for a person where no event names one.
pub(in crate::insights::eks) fn unnamed(aspect: EksAspect) -> &'static str {
    match aspect {
        // Calls of the Kubernetes API are in its audit log, not in CloudTrail.
        EksAspect::AwsLogging => "somebody whom only the audit log of the control plane can name",
        _ => "somebody whose event did not arrive",
    }
}

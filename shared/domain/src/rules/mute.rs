//! Why nothing is told of an alarm for a while.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A reason to keep silent about an alarm. It is judged and remembered all the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "kebab-case")]
pub enum Mute {
    /// The rule's maintenance window.
    Maintenance,
    /// The service is being deployed.
    Deployment,
    /// The tasks of the service are being started; that keeps an alarm silent for one run, and again only after the
    /// service has run for an hour or has been scaled to nothing.
    Start,
    /// Another rule is in ALARM on the same subject or its cluster.
    Unless {
        /// Name of that rule.
        rule: String,
    },
}

impl fmt::Display for Mute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Maintenance => f.write_str("a maintenance window"),
            Self::Deployment => f.write_str("a deployment"),
            Self::Start => f.write_str("tasks that were being started"),
            Self::Unless { rule } => write!(f, "an alarm of rule {rule}"),
        }
    }
}

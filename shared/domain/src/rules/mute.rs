//! Why an alarm is muted for a while.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why an alarm is muted. It is still evaluated and remembered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "kebab-case")]
pub enum Mute {
    /// The rule's maintenance window.
    Maintenance,
    /// The service is being deployed.
    Deployment,
    /// The tasks of the service are starting; this mutes an alarm for one run, and again only after
    /// the service has run for two hours or has been scaled to zero.
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
            Self::Start => f.write_str("starting tasks"),
            Self::Unless { rule } => write!(f, "an alarm of rule {rule}"),
        }
    }
}

//! Why a function gives up: one stable word for the state machine, one sentence for a person.

use crate::config::BadConfig;
use crate::events::BadEvent;
use crate::invocation::settings::BadSettings;
use crate::model::fault::{Fault, FaultKind};

/// `errorType` of a wrong setting.
const MISCONFIGURED: &str = "Misconfigured";

/// The failure of a whole invocation. What concerns one question only is no failure but a value in the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A call that everything else stands on.
    #[error("{0}; {advice}", advice = .0.advice())]
    Fault(#[from] Fault),
    /// An input that cannot be worked on.
    #[error("{0}")]
    Invalid(String),
    /// A setting or the user's file is wrong.
    #[error("{0}")]
    Misconfigured(String),
}

impl Failure {
    /// Lambda's `errorType`; the state machine retries `Throttled` and `Transient`.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Fault(fault) => fault.kind.as_str(),
            Self::Invalid(_) => FaultKind::Invalid.as_str(),
            Self::Misconfigured(_) => MISCONFIGURED,
        }
    }

    /// The kind of fault that an `errorType` of [`Self::error_type`] stands for; none for one of Lambda's own.
    pub fn kind_of(error_type: &str) -> Option<FaultKind> {
        if error_type == MISCONFIGURED {
            return Some(FaultKind::Invalid);
        }
        FaultKind::ALL.into_iter().find(|kind| kind.as_str() == error_type)
    }
}

impl From<BadSettings> for Failure {
    fn from(error: BadSettings) -> Self {
        Self::Misconfigured(error.to_string())
    }
}

impl From<BadConfig> for Failure {
    fn from(error: BadConfig) -> Self {
        Self::Misconfigured(error.to_string())
    }
}

impl From<BadEvent> for Failure {
    fn from(error: BadEvent) -> Self {
        Self::Invalid(error.to_string())
    }
}

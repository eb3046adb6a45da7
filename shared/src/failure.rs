//! Why a function gives up: one stable word for the state machine, one sentence for a person.

use crate::config::BadConfig;
use crate::event::BadEvent;
use crate::fault::Fault;
use crate::settings::BadSettings;

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
            Self::Invalid(_) => "Invalid",
            Self::Misconfigured(_) => "Misconfigured",
        }
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

//! Why a function fails: a stable error type for the state machine, and a sentence for the reader.

use crate::config::BadConfig;
use crate::events::BadEvent;
use crate::invocation::settings::BadSettings;
use crate::model::fault::{Fault, FaultKind};

/// `errorType` of a wrong setting.
const MISCONFIGURED: &str = "Misconfigured";

/// The failure of a whole invocation. A fault of a single query is not a failure but a value in the
/// snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A call that the whole invocation depends on failed.
    #[error("{0}; {advice}", advice = .0.advice())]
    Fault(#[from] Fault),
    /// The input is invalid.
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

    /// The kind of fault for an `errorType` from [`Self::error_type`]; `None` for Lambda's own
    /// error types.
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

//! What could not be asked, or could not be understood: a value that travels to the summary.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a failed call means for the caller (per-service lists: the "Common Errors" pages of the APIs).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The API's rate limit; worth another try later.
    Throttled,
    /// A 5xx answer, a timeout or a broken connection; worth another try later.
    Transient,
    /// The role lacks the right, or the account refuses it.
    Denied,
    /// The thing asked about does not exist (any more).
    NotFound,
    /// The service calls the request wrong; the same request will fail again.
    Invalid,
    /// The answer does not have the form that the API promises.
    Malformed,
}

impl FaultKind {
    /// Stable word for logs, for Lambda's `errorType` and for the `Retry` of the state machine.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "Throttled",
            Self::Transient => "Transient",
            Self::Denied => "Denied",
            Self::NotFound => "NotFound",
            Self::Invalid => "Invalid",
            Self::Malformed => "Malformed",
        }
    }

    /// What the reader of a summary can do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Throttled => "the API is over its rate limit; the next run asks again",
            Self::Transient => "the service did not answer; the next run asks again",
            Self::Denied => "grant the action to the role, see docs/permissions.md",
            Self::NotFound => "it may have been deleted in the meantime",
            Self::Invalid => "the same request will fail again; check the configuration",
            Self::Malformed => "the answer was left out; please report it with the log line",
        }
    }
}

/// A failed call: which operation, on what, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
pub struct Fault {
    /// Operation as IAM spells it, such as `ecs:ListServices`.
    pub operation: String,
    /// What was asked about: a cluster, a bucket key, a role; empty if the operation has no subject.
    pub subject: String,
    /// What it means for the caller.
    pub kind: FaultKind,
    /// Error code of the service, such as `ThrottlingException`; `timeout` and the like if there was no answer.
    pub code: String,
    /// Message of the service.
    pub message: String,
}

impl Fault {
    /// What the reader of a summary can do about it. What goes on inside an EKS cluster has remedies of its own.
    pub fn advice(&self) -> &'static str {
        crate::kubernetes::advice::advice(self).unwrap_or_else(|| self.kind.advice())
    }

    /// A fault that we found ourselves in an answer; services make theirs at the border.
    pub fn malformed(operation: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            operation: operation.to_owned(),
            subject: subject.into(),
            kind: FaultKind::Malformed,
            code: "malformed answer".to_owned(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, subject, kind: _, code, message } = self;
        write!(f, "{operation}")?;
        if !subject.is_empty() {
            write!(f, " of {subject}")?;
        }
        write!(f, ": {code}")?;
        if !message.is_empty() && message != code {
            write!(f, ": {message}")?;
        }
        Ok(())
    }
}

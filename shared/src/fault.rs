//! What could not be asked, or could not be understood: a value that travels to the summary.

mod remedy;

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
    /// One thing of many has a name or form that fargaze cannot take, and stays so: it alone is left out.
    Unreadable,
}

impl FaultKind {
    /// Whether it may pass by itself, so that another try is worth it.
    pub fn passes(self) -> bool {
        matches!(self, Self::Throttled | Self::Transient)
    }

    /// Stable word for logs, for Lambda's `errorType` and for the `Retry` of the state machine.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "Throttled",
            Self::Transient => "Transient",
            Self::Denied => "Denied",
            Self::NotFound => "NotFound",
            Self::Invalid => "Invalid",
            Self::Malformed => "Malformed",
            Self::Unreadable => "Unreadable",
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

    /// One thing of many in an answer that fargaze cannot take; the others are none the worse.
    pub fn unreadable(operation: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Unreadable,
            code: "cannot be read".to_owned(),
            ..Self::malformed(operation, subject, message)
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

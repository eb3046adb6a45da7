//! What could not be asked, or could not be understood: a value that travels to the summary.

pub mod kubernetes;
mod remedy;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::operation::Operation;

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
    /// The service rejects the request as invalid; the same request will fail again.
    Invalid,
    /// Somebody else changed it at the same time, or it is as requested already: this call changed nothing, and what is
    /// there now tells which.
    Conflict,
    /// Another change of it is in progress: this call changed nothing, and may be made again when that is over.
    InProgress,
    /// The answer does not have the form that the API promises.
    Malformed,
    /// One thing of many has a name or form that fargaze cannot take, and stays so: it alone is left out.
    Unreadable,
    /// fargaze did what it never should: a mistake in its code.
    Bug,
}

impl FaultKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Throttled,
        Self::Transient,
        Self::Denied,
        Self::NotFound,
        Self::Invalid,
        Self::Conflict,
        Self::InProgress,
        Self::Malformed,
        Self::Unreadable,
        Self::Bug,
    ];

    /// Whether it may pass by itself, so that another try is worth it.
    pub fn passes(self) -> bool {
        matches!(self, Self::Throttled | Self::Transient | Self::InProgress)
    }

    /// Whether the call surely changed nothing. After any other failure only a look at what is there tells.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Denied | Self::NotFound | Self::Invalid | Self::Conflict | Self::InProgress)
    }

    /// Stable word for logs, for Lambda's `errorType` and for the `Retry` of the state machine.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "Throttled",
            Self::Transient => "Transient",
            Self::Denied => "Denied",
            Self::NotFound => "NotFound",
            Self::Invalid => "Invalid",
            Self::Conflict => "Conflict",
            Self::InProgress => "InProgress",
            Self::Malformed => "Malformed",
            Self::Unreadable => "Unreadable",
            Self::Bug => "Bug",
        }
    }
}

/// A failed call: which operation, on what, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
pub struct Fault {
    /// The call that failed.
    pub operation: Operation,
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
    pub fn malformed(operation: Operation, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            operation,
            subject: subject.into(),
            kind: FaultKind::Malformed,
            code: "malformed answer".to_owned(),
            message: message.into(),
        }
    }

    /// One thing of many in an answer that fargaze cannot take; the others are none the worse.
    pub fn unreadable(operation: Operation, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Unreadable,
            code: "cannot be read".to_owned(),
            ..Self::malformed(operation, subject, message)
        }
    }

    /// A mistake in the code of fargaze.
    pub fn bug(operation: Operation, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Bug,
            code: "bug in fargaze".to_owned(),
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

//! Failed calls and unreadable responses, as values that end up in the summary.

pub mod kubernetes;
mod remedy;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::operation::Operation;

/// What a failed call means for the caller (per-service lists: the "Common Errors" pages of the
/// APIs).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The API's rate limit was exceeded; retry later.
    Throttled,
    /// A 5xx response, a timeout or a broken connection; retry later.
    Transient,
    /// The role lacks a permission, or the account denies it.
    Denied,
    /// The resource does not exist, or was deleted.
    NotFound,
    /// The service rejects the request as invalid; the same request will fail again.
    Invalid,
    /// The resource was changed by another caller at the same time, or already has the requested
    /// state. This call changed nothing; reading the resource shows which case applies.
    Conflict,
    /// Another change of the resource is in progress. This call changed nothing and can be retried
    /// afterwards.
    InProgress,
    /// The response does not have the documented format.
    Malformed,
    /// One item has a name or format that fargaze does not support, and this will not change: only
    /// this item is skipped.
    Unreadable,
    /// A bug in fargaze.
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

    /// Whether it may pass by itself, so that a retry can succeed.
    pub fn passes(self) -> bool {
        matches!(self, Self::Throttled | Self::Transient | Self::InProgress)
    }

    /// Whether the call certainly changed nothing. After other failures, read the current state.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Denied | Self::NotFound | Self::Invalid | Self::Conflict | Self::InProgress)
    }

    /// Stable word for logs, Lambda's `errorType` and the `Retry` of the state machine.
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

/// A failed call: the operation, its subject, and the reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
pub struct Fault {
    /// The call that failed.
    pub operation: Operation,
    /// Subject of the call: a cluster, a bucket key, a role; empty if the operation has no subject.
    pub subject: String,
    /// Kind of failure.
    pub kind: FaultKind,
    /// Error code of the service, such as `ThrottlingException`; `timeout` or similar if there was
    /// no response.
    pub code: String,
    /// Error message of the service.
    pub message: String,
}

impl Fault {
    /// A response that fargaze found to be malformed. Errors of the services themselves are
    /// converted in the crates that call them.
    pub fn malformed(operation: Operation, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            operation,
            subject: subject.into(),
            kind: FaultKind::Malformed,
            code: "malformed answer".to_owned(),
            message: message.into(),
        }
    }

    /// One item of a response that fargaze does not support; the other items are not affected.
    pub fn unreadable(operation: Operation, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Unreadable,
            code: "cannot be read".to_owned(),
            ..Self::malformed(operation, subject, message)
        }
    }

    /// A bug in fargaze.
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

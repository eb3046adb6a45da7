//! Errors of the API and who is asking (Kubernetes API, `Status`, `SelfSubjectReview`, `SelfSubjectAccessReview`).

use serde::{Deserialize, Serialize};

use super::{ListMeta, nullable};

/// Body of an error, if it is JSON at all: a 429, and a 404 or 503 of a missing API group, are plain text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Status {
    /// With reason `Expired` it holds a token for the rest of the list.
    #[serde(deserialize_with = "nullable")]
    pub metadata: ListMeta,
    /// The sentence for people. A 403 names user, verb and resource.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
    /// The word for programs, such as `Forbidden` or `Expired`.
    #[serde(deserialize_with = "nullable")]
    pub reason: String,
    /// The HTTP status.
    pub code: u16,
    /// What it is about.
    #[serde(deserialize_with = "nullable")]
    pub details: StatusDetails,
}

/// What an error is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StatusDetails {
    /// Name of the object.
    pub name: String,
    /// Its kind, in the spelling of a path, such as `pods`.
    pub kind: String,
    /// Seconds to wait before another try.
    pub retry_after_seconds: Option<u32>,
}

/// Who the server takes the caller for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SelfSubjectReview {
    /// The answer.
    #[serde(deserialize_with = "nullable")]
    pub status: SelfSubjectStatus,
}

/// Answer of a [`SelfSubjectReview`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SelfSubjectStatus {
    /// The user.
    #[serde(deserialize_with = "nullable")]
    pub user_info: UserInfo,
}

/// A user of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct UserInfo {
    /// On EKS the ARN of the assumed role with its session.
    pub username: String,
    /// Groups, to which rights are bound.
    #[serde(deserialize_with = "nullable")]
    pub groups: Vec<String>,
}

/// Whether the caller may do something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SelfSubjectAccessReview {
    /// The question.
    #[serde(deserialize_with = "nullable")]
    pub spec: AccessSpec,
    /// The answer.
    #[serde(deserialize_with = "nullable")]
    pub status: AccessStatus,
}

/// Question of a [`SelfSubjectAccessReview`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccessSpec {
    /// What is to be done.
    #[serde(deserialize_with = "nullable")]
    pub resource_attributes: ResourceAttributes,
}

/// A verb and what it is about; what is empty is left out, as the API wants it in a question.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceAttributes {
    /// Verb, such as `list`.
    pub verb: String,
    /// API group; empty for the core one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Resource, such as `pods`.
    pub resource: String,
    /// Subresource, such as `log`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subresource: String,
    /// Namespace; empty for all of them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name of one object; empty for all of them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// Answer of a [`SelfSubjectAccessReview`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AccessStatus {
    /// Whether it may.
    pub allowed: bool,
    /// By which rule.
    #[serde(deserialize_with = "nullable")]
    pub reason: String,
}

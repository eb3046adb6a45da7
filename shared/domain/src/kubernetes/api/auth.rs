//! Errors of the API, and the identity and permissions of the caller (Kubernetes API, `Status`,
//! `SelfSubjectReview`, `SelfSubjectAccessReview`).

use serde::{Deserialize, Serialize};

use super::{ListMeta, nullable};

/// Body of an error response, if it is JSON: a 429, and a 404 or 503 for a missing API group, are
/// plain text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Status {
    /// With reason `Expired` it contains a token for the rest of the list.
    #[serde(deserialize_with = "nullable")]
    pub metadata: ListMeta,
    /// Human-readable message. A 403 names user, verb and resource.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
    /// Machine-readable reason, such as `Forbidden` or `Expired`.
    #[serde(deserialize_with = "nullable")]
    pub reason: String,
    /// HTTP status code.
    pub code: u16,
    /// Subject of the error.
    #[serde(deserialize_with = "nullable")]
    pub details: StatusDetails,
}

/// Subject of an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StatusDetails {
    /// Name of the object.
    pub name: String,
    /// Its resource type as in a path, such as `pods`.
    pub kind: String,
    /// Seconds to wait before a retry.
    pub retry_after_seconds: Option<u32>,
}

/// Identity of the caller, as the server sees it.
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
    /// On EKS the ARN of the assumed-role session.
    pub username: String,
    /// Groups, to which permissions are bound.
    #[serde(deserialize_with = "nullable")]
    pub groups: Vec<String>,
}

/// Whether the caller may perform an action.
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
    /// The action.
    #[serde(deserialize_with = "nullable")]
    pub resource_attributes: ResourceAttributes,
}

/// A verb and its resource; empty fields are not serialized, as the API requires.
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
    /// Namespace; empty for all namespaces.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name of one object; empty for all objects.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// Answer of a [`SelfSubjectAccessReview`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AccessStatus {
    /// Whether the action is allowed.
    pub allowed: bool,
    /// The rule that allows it.
    #[serde(deserialize_with = "nullable")]
    pub reason: String,
}

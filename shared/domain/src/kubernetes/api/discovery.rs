//! API groups of the server (Kubernetes API, `APIGroupList`, the response to `GET /apis`).

use serde::Deserialize;

use super::nullable;

/// All groups except the core group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ApiGroupList {
    /// The groups.
    #[serde(deserialize_with = "nullable")]
    pub groups: Vec<ApiGroup>,
}

/// One group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiGroup {
    /// Its name, such as `metrics.k8s.io`.
    pub name: String,
    /// The served versions.
    #[serde(deserialize_with = "nullable")]
    pub versions: Vec<GroupVersion>,
    /// The version that the server prefers.
    #[serde(deserialize_with = "nullable")]
    pub preferred_version: GroupVersion,
}

/// A version of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct GroupVersion {
    /// The version alone, such as `v1beta1`.
    pub version: String,
}

impl ApiGroupList {
    /// The versions of a group, the preferred one first; empty if the server does not have the
    /// group. Without Metrics Server it has no `metrics.k8s.io`.
    pub fn versions(&self, group: &str) -> Vec<&str> {
        let Some(group) = self.groups.iter().find(|candidate| candidate.name == group) else {
            return Vec::new();
        };
        let preferred = group.preferred_version.version.as_str();
        let others = group.versions.iter().map(|version| version.version.as_str());
        let others = others.filter(|version| *version != preferred);
        [preferred].into_iter().chain(others).filter(|version| !version.is_empty()).collect()
    }
}

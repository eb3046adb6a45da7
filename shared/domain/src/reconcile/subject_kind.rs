//! What an aspect is of.

use crate::model::run::Platform;
use crate::model::subject::Subject;

/// What an aspect is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// An account in a Region.
    Account,
    /// An ECS cluster.
    EcsCluster,
    /// An EKS cluster.
    EksCluster,
}

impl SubjectKind {
    /// What a subject of this platform is; none of what is in a cluster.
    pub fn of(platform: Platform, subject: &Subject) -> Option<Self> {
        match (subject, platform) {
            (Subject::Account, _) => Some(Self::Account),
            (Subject::Cluster(_), Platform::Ecs) => Some(Self::EcsCluster),
            (Subject::Cluster(_), Platform::Eks) => Some(Self::EksCluster),
            _ => None,
        }
    }

    /// The platform of the targets whose sweeps reconcile it.
    pub fn platform(self) -> Platform {
        match self {
            Self::Account | Self::EcsCluster => Platform::Ecs,
            Self::EksCluster => Platform::Eks,
        }
    }

    /// The service that makes its changes.
    pub fn service(self) -> &'static str {
        match self.platform() {
            Platform::Ecs => "ECS",
            Platform::Eks => "EKS",
        }
    }
}

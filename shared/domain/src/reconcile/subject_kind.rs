//! The kinds of subjects that have aspects.

use crate::model::run::Platform;
use crate::model::subject::Subject;

/// The kind of subject that an aspect belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// An account in a Region.
    Account,
    /// An ECS cluster.
    EcsCluster,
    /// An EKS cluster.
    EksCluster,
    /// A log group.
    LogGroup,
}

impl SubjectKind {
    /// The kind of a subject on this platform; `None` for subjects inside a cluster.
    pub fn of(platform: Platform, subject: &Subject) -> Option<Self> {
        match (subject, platform) {
            (Subject::Account, _) => Some(Self::Account),
            (Subject::LogGroup(_), _) => Some(Self::LogGroup),
            (Subject::Cluster(_), Platform::Ecs) => Some(Self::EcsCluster),
            (Subject::Cluster(_), Platform::Eks) => Some(Self::EksCluster),
            _ => None,
        }
    }

    /// The platform of the targets whose sweeps reconcile this kind.
    pub fn platform(self) -> Platform {
        match self {
            Self::Account | Self::EcsCluster | Self::LogGroup => Platform::Ecs,
            Self::EksCluster => Platform::Eks,
        }
    }

    /// The service that makes its changes.
    pub fn service(self) -> &'static str {
        match self {
            Self::Account | Self::EcsCluster => "ECS",
            Self::EksCluster => "EKS",
            Self::LogGroup => "CloudWatch Logs",
        }
    }
}

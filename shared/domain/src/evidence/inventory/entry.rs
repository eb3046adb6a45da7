//! What the inventory knows of one cluster.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Reporting;
use crate::model::cluster::ServiceName;
use crate::model::insights::InsightsLevel;
use crate::model::subject::Workload;

/// One cluster of the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterEntry {
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether the services or workloads could not be listed, so that this list is an older one or empty.
    pub unlisted: bool,
    /// What runs in it, and what can be asked about it.
    pub contents: ClusterContents,
}

/// What runs in a cluster, and what can be asked about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClusterContents {
    /// A cluster of ECS.
    Ecs(EcsEntry),
    /// A cluster of EKS.
    Eks(EksEntry),
}

/// What is known of a cluster of ECS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EcsEntry {
    /// Its setting of Container Insights.
    pub insights: InsightsLevel,
    /// Whether metrics of Container Insights arrive. Switched on is not reporting: a cluster created anew under an old
    /// name stays silent for up to seven days (ECS API, `UpdateClusterSettings`).
    pub reports_insights: Reporting,
    /// Names of its services, sorted. A service stays until ECS no longer lists it, however silent it is.
    pub services: Vec<ServiceName>,
    /// Families of task definitions whose metrics were seen lately, sorted: what a rule of scope `task-family` judges.
    #[serde(default)]
    pub task_families: Vec<String>,
}

/// What is known of a cluster of EKS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EksEntry {
    /// Its workloads, sorted. One stays until Kubernetes no longer lists it or a pod of it.
    pub workloads: Vec<Workload>,
    /// Whether cAdvisor of its nodes is read, as the user's file says.
    pub cadvisor: bool,
}

impl ClusterEntry {
    /// What is known of it as a cluster of ECS; none of EKS.
    pub fn ecs(&self) -> Option<&EcsEntry> {
        match &self.contents {
            ClusterContents::Ecs(ecs) => Some(ecs),
            ClusterContents::Eks(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn ecs_mut(&mut self) -> Option<&mut EcsEntry> {
        match &mut self.contents {
            ClusterContents::Ecs(ecs) => Some(ecs),
            ClusterContents::Eks(_) => None,
        }
    }

    /// What is known of it as a cluster of EKS; none of ECS.
    pub fn eks(&self) -> Option<&EksEntry> {
        match &self.contents {
            ClusterContents::Eks(eks) => Some(eks),
            ClusterContents::Ecs(_) => None,
        }
    }

    /// Its services.
    pub fn services(&self) -> &[ServiceName] {
        self.ecs().map(|ecs| &ecs.services[..]).unwrap_or_default()
    }

    /// Its task families.
    pub fn task_families(&self) -> &[String] {
        self.ecs().map(|ecs| &ecs.task_families[..]).unwrap_or_default()
    }

    /// Its workloads.
    pub fn workloads(&self) -> &[Workload] {
        self.eks().map(|eks| &eks.workloads[..]).unwrap_or_default()
    }

    /// Its setting of Container Insights; EKS has none.
    pub fn insights(&self) -> InsightsLevel {
        self.ecs().map(|ecs| ecs.insights).unwrap_or_default()
    }
}

/// A cluster without tags, of which everything was listed.
impl From<EcsEntry> for ClusterEntry {
    fn from(ecs: EcsEntry) -> Self {
        Self { tags: BTreeMap::new(), unlisted: false, contents: ClusterContents::Ecs(ecs) }
    }
}

/// A cluster without tags, of which everything was listed.
impl From<EksEntry> for ClusterEntry {
    fn from(eks: EksEntry) -> Self {
        Self { tags: BTreeMap::new(), unlisted: false, contents: ClusterContents::Eks(eks) }
    }
}

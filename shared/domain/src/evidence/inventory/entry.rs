//! One cluster of the inventory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Reporting, ServiceSetup};
use crate::model::cluster::ServiceName;
use crate::model::insights::InsightsLevel;
use crate::model::subject::{TaskOwner, Workload};

/// One cluster of the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterEntry {
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether listing the services or workloads failed, so that the list is from an older run or
    /// empty.
    pub unlisted: bool,
    /// What runs in it, and what can be queried about it.
    pub contents: ClusterContents,
}

/// What runs in a cluster, and what can be queried about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClusterContents {
    /// An ECS cluster.
    Ecs(EcsEntry),
    /// An EKS cluster.
    Eks(EksEntry),
}

/// An ECS cluster in the inventory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EcsEntry {
    /// Its Container Insights setting.
    pub insights: InsightsLevel,
    /// Whether Container Insights metrics arrive. Enabled does not mean reporting: a cluster
    /// recreated under an old name stays silent for up to seven days (ECS API,
    /// `UpdateClusterSettings`).
    pub reports_insights: Reporting,
    /// Names of its services, sorted. A service stays in the list until ECS no longer lists it,
    /// even if it publishes nothing.
    pub services: Vec<ServiceName>,
    /// Task definition families with recent metrics, sorted: the subjects of rules with scope
    /// `task-family`.
    #[serde(default)]
    pub task_families: Vec<String>,
    /// Tasks with metrics of their own, each once: of a service by the service, others by their
    /// family. Listed only if a rule has scope `task` or `container`, and for reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<(TaskOwner, String)>,
    /// Names of containers with metrics of their own, by the service or family of their tasks;
    /// listed like tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<(TaskOwner, String)>,
    /// How its services are set up, as far as they have been described.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub setups: BTreeMap<ServiceName, ServiceSetup>,
}

/// An EKS cluster in the inventory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EksEntry {
    /// Its workloads, sorted. A workload stays in the list until Kubernetes lists neither it nor
    /// any of its pods.
    pub workloads: Vec<Workload>,
    /// Whether cAdvisor is read from its nodes, as `fargaze.yaml` says.
    pub cadvisor: bool,
}

impl ClusterEntry {
    /// Its contents if it is an ECS cluster.
    pub fn ecs(&self) -> Option<&EcsEntry> {
        match &self.contents {
            ClusterContents::Ecs(ecs) => Some(ecs),
            ClusterContents::Eks(_) => None,
        }
    }

    /// Its contents if it is an ECS cluster, mutable.
    pub fn ecs_mut(&mut self) -> Option<&mut EcsEntry> {
        match &mut self.contents {
            ClusterContents::Ecs(ecs) => Some(ecs),
            ClusterContents::Eks(_) => None,
        }
    }

    /// Its contents if it is an EKS cluster.
    pub fn eks(&self) -> Option<&EksEntry> {
        match &self.contents {
            ClusterContents::Eks(eks) => Some(eks),
            ClusterContents::Ecs(_) => None,
        }
    }

    /// Its services; empty for EKS.
    pub fn services(&self) -> &[ServiceName] {
        self.ecs().map(|ecs| &ecs.services[..]).unwrap_or_default()
    }

    /// Its task families; empty for EKS.
    pub fn task_families(&self) -> &[String] {
        self.ecs().map(|ecs| &ecs.task_families[..]).unwrap_or_default()
    }

    /// Its workloads; empty for ECS.
    pub fn workloads(&self) -> &[Workload] {
        self.eks().map(|eks| &eks.workloads[..]).unwrap_or_default()
    }

    /// Its Container Insights setting; the default for EKS, which has none.
    pub fn insights(&self) -> InsightsLevel {
        self.ecs().map(|ecs| ecs.insights).unwrap_or_default()
    }
}

/// A completely listed cluster without tags.
impl From<EcsEntry> for ClusterEntry {
    fn from(ecs: EcsEntry) -> Self {
        Self { tags: BTreeMap::new(), unlisted: false, contents: ClusterContents::Ecs(ecs) }
    }
}

/// A completely listed cluster without tags.
impl From<EksEntry> for ClusterEntry {
    fn from(eks: EksEntry) -> Self {
        Self { tags: BTreeMap::new(), unlisted: false, contents: ClusterContents::Eks(eks) }
    }
}

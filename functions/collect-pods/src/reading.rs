//! The result of reading a cluster, and notes taken during reading.

use std::collections::BTreeMap;

use fargaze::evidence::eks::{EksCluster, KUBE_SYSTEM, Place};
use fargaze::evidence::pods::{ClusterState, PodState, WorkloadState};
use fargaze::kubernetes::workload::listed_with;
use fargaze::model::fault::Fault;
use fargaze::model::subject::Workload;
use fargaze::rules::{KubernetesMeasure, ReadFrom};
use fargaze_kubernetes::{Cause, ClientError};

/// The result of reading a cluster.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) state: ClusterState,
    pub(crate) tags: BTreeMap<String, String>,
    /// Workloads that could be listed, even without their pods.
    pub(crate) workloads: Vec<WorkloadState>,
    /// What could not be read.
    pub(crate) faults: Vec<Fault>,
    pub(crate) end: Ending,
}

/// How the reading of a cluster ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// It has no API server because it is being created or deleted: nothing was read, and this is
    /// not a problem.
    NoApi,
    /// Its pods could not be read, so nothing is known about them.
    Unread(Fault),
    /// Its pods were listed.
    Read(Box<Answers>),
}

/// What Kubernetes returned about the pods of a cluster.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) pods: Vec<PodState>,
    /// Why there is no usage, if it could not be read.
    pub(crate) no_usage: Option<Fault>,
    /// Kinds of workloads that could not be listed, with the reason.
    pub(crate) unlisted: Vec<(&'static str, Fault)>,
    /// Why some pods have no cAdvisor counters, if they could not be read.
    pub(crate) no_counters: Option<Fault>,
}

impl Reading {
    /// Why there are no pods, if they could not be read.
    pub(crate) fn unread(&self) -> Option<&Fault> {
        match &self.end {
            Ending::Unread(fault) => Some(fault),
            Ending::NoApi | Ending::Read(_) => None,
        }
    }

    pub(crate) fn is_unread(&self) -> bool {
        self.unread().is_some()
    }

    /// What Kubernetes returned, if anything.
    pub(crate) fn answers(&self) -> Option<&Answers> {
        match &self.end {
            Ending::Read(answers) => Some(answers),
            Ending::NoApi | Ending::Unread(_) => None,
        }
    }

    pub(crate) fn pods(&self) -> &[PodState] {
        self.answers().map(|answers| &answers.pods[..]).unwrap_or_default()
    }

    /// Why a measure of a workload, or of the cluster, could not be read, if so.
    pub(crate) fn fault_of(&self, measure: KubernetesMeasure, workload: Option<&Workload>) -> Option<&Fault> {
        match &self.end {
            Ending::NoApi => None,
            Ending::Unread(fault) => Some(fault),
            Ending::Read(answers) => answers.fault_of(measure, workload),
        }
    }

    /// Why workloads of a kind are unknown, if they could not be listed.
    pub(crate) fn unlisted(&self, kind: &str) -> Option<&Fault> {
        self.answers()?.unlisted(kind)
    }
}

impl Answers {
    fn fault_of(&self, measure: KubernetesMeasure, workload: Option<&Workload>) -> Option<&Fault> {
        match measure.read_from() {
            ReadFrom::Pods => None,
            ReadFrom::Usage | ReadFrom::MetricsApi => self.no_usage.as_ref(),
            ReadFrom::Workloads => workload.and_then(|workload| self.unlisted(&workload.kind)),
            ReadFrom::Cadvisor => self.no_counters.as_ref(),
        }
    }

    fn unlisted(&self, kind: &str) -> Option<&Fault> {
        self.unlisted.iter().find(|(unlisted, _)| *unlisted == listed_with(kind)).map(|(_, fault)| fault)
    }
}

/// Notes taken while a cluster is read.
#[derive(Debug)]
pub(crate) struct Notes {
    pub(crate) state: ClusterState,
    pub(crate) workloads: Vec<WorkloadState>,
    faults: Vec<Fault>,
    /// Whether the cluster has managed node groups; `None` if unknown. Only a report reads them.
    pub(crate) node_groups: Option<bool>,
    /// Responses that report a missing permission: they make one finding.
    pub(crate) refused: Vec<ClientError>,
}

impl Notes {
    pub(crate) fn new(state: ClusterState) -> Self {
        Self { state, workloads: Vec::new(), faults: Vec::new(), node_groups: None, refused: Vec::new() }
    }

    /// Where the pods of metrics-server would run; `None` if unknown.
    pub(crate) fn place(&self, cluster: &EksCluster) -> Option<Place> {
        let (profiles, nodes) = (self.state.profiles.as_ref()?, self.state.nodes?);
        let has_nodes = cluster.auto_mode || nodes.other > 0 || self.node_groups?;
        Some(Place::of(KUBE_SYSTEM, has_nodes, profiles))
    }

    /// Adds a failed request to Kubernetes.
    pub(crate) fn failed(&mut self, error: ClientError) -> Fault {
        let fault = Fault::from(error.clone());
        if matches!(error.cause, Cause::Forbidden(_)) {
            self.refused.push(error);
        }
        self.fault(fault.clone());
        fault
    }

    /// Adds a fault of the cluster. Coverage counts clusters by the subjects of faults.
    pub(crate) fn fault(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Builds the reading.
    pub(crate) fn end(self, tags: BTreeMap<String, String>, end: Ending) -> Reading {
        let Self { state, workloads, faults, .. } = self;
        Reading { state, tags, workloads, faults, end }
    }
}

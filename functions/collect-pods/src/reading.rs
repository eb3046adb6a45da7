//! What was read of a cluster, by how the reading ended, and what is noted on the way.

use std::collections::BTreeMap;

use fargaze::evidence::eks::{EksCluster, KUBE_SYSTEM, Place};
use fargaze::evidence::pods::{ClusterState, PodState, WorkloadState};
use fargaze::kubernetes::workload::listed_with;
use fargaze::model::fault::Fault;
use fargaze::model::subject::Workload;
use fargaze::rules::{KubernetesMeasure, ReadFrom};
use fargaze_kubernetes::{Cause, ClientError};

/// What was read of a cluster.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) state: ClusterState,
    pub(crate) tags: BTreeMap<String, String>,
    /// Workloads that could be listed, be it without their pods.
    pub(crate) workloads: Vec<WorkloadState>,
    /// What could not be asked.
    pub(crate) faults: Vec<Fault>,
    pub(crate) end: Ending,
}

/// How the reading of a cluster ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// It has no API server, as a cluster that is being made or deleted: nothing was asked, and nothing is amiss.
    NoApi,
    /// Its pods could not be asked, and so nothing is known of them.
    Unread(Fault),
    /// Its pods were listed.
    Read(Box<Answers>),
}

/// What Kubernetes answered about the pods of a cluster.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) pods: Vec<PodState>,
    /// Why there is no usage, if it could not be asked.
    pub(crate) no_usage: Option<Fault>,
    /// Kinds of workloads that could not be listed, with the reason.
    pub(crate) unlisted: Vec<(&'static str, Fault)>,
    /// Why some pods have no counters of cAdvisor, if they could not be asked for.
    pub(crate) no_counters: Option<Fault>,
}

impl Reading {
    /// Why there are no pods, if they could not be asked.
    pub(crate) fn unread(&self) -> Option<&Fault> {
        match &self.end {
            Ending::Unread(fault) => Some(fault),
            Ending::NoApi | Ending::Read(_) => None,
        }
    }

    pub(crate) fn is_unread(&self) -> bool {
        self.unread().is_some()
    }

    /// What Kubernetes answered, if it did.
    pub(crate) fn answers(&self) -> Option<&Answers> {
        match &self.end {
            Ending::Read(answers) => Some(answers),
            Ending::NoApi | Ending::Unread(_) => None,
        }
    }

    pub(crate) fn pods(&self) -> &[PodState] {
        self.answers().map(|answers| &answers.pods[..]).unwrap_or_default()
    }

    /// Why a measure of a workload, or of the cluster, could not be asked, if it could not.
    pub(crate) fn fault_of(&self, measure: KubernetesMeasure, workload: Option<&Workload>) -> Option<&Fault> {
        match &self.end {
            Ending::NoApi => None,
            Ending::Unread(fault) => Some(fault),
            Ending::Read(answers) => answers.fault_of(measure, workload),
        }
    }

    /// Why workloads of a kind are not known, if they could not be listed.
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

/// What is noted of a cluster while it is read.
#[derive(Debug)]
pub(crate) struct Notes {
    pub(crate) state: ClusterState,
    pub(crate) workloads: Vec<WorkloadState>,
    faults: Vec<Fault>,
    /// Whether EKS manages groups of EC2 nodes; none if that is not known. Only a report asks.
    pub(crate) node_groups: Option<bool>,
    /// Answers by which a right is missing: they make one finding.
    pub(crate) refused: Vec<ClientError>,
}

impl Notes {
    pub(crate) fn new(state: ClusterState) -> Self {
        Self { state, workloads: Vec::new(), faults: Vec::new(), node_groups: None, refused: Vec::new() }
    }

    /// Where the pods of metrics-server would run; none if that is not known.
    pub(crate) fn place(&self, cluster: &EksCluster) -> Option<Place> {
        let (profiles, nodes) = (self.state.profiles.as_ref()?, self.state.nodes?);
        let has_nodes = cluster.auto_mode || nodes.other > 0 || self.node_groups?;
        Some(Place::of(KUBE_SYSTEM, has_nodes, profiles))
    }

    /// Takes in a question that Kubernetes did not answer.
    pub(crate) fn failed(&mut self, error: ClientError) -> Fault {
        let fault = Fault::from(error.clone());
        if matches!(error.cause, Cause::Forbidden(_)) {
            self.refused.push(error);
        }
        self.fault(fault.clone());
        fault
    }

    /// Takes in a fault of the cluster. The coverage counts clusters by the subjects of faults.
    pub(crate) fn fault(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// The reading that they make.
    pub(crate) fn end(self, tags: BTreeMap<String, String>, end: Ending) -> Reading {
        let Self { state, workloads, faults, .. } = self;
        Reading { state, tags, workloads, faults, end }
    }
}

//! One cluster, and what is known of it in the end; what its Kubernetes API says is asked in `kubernetes.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_config::SdkConfig;
use fargaze::aws::{Eks, Equipment, kubernetes_client};
use fargaze::cluster::ClusterName;
use fargaze::commands::AtCluster;
use fargaze::eks::{EksCluster, KUBE_SYSTEM, Place, UNKNOWN};
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::eks::{Cadvisor, EksConfig};
use fargaze::kubernetes::client::{Cause, ClientError, Limits, Network};
use fargaze::kubernetes::workload::listed_with;
use fargaze::operation::Operation;
use fargaze::pods::{CadvisorState, ClusterState, Finding, MetricsApi, PodState, WorkloadState};
use fargaze::rule::KubernetesMeasure;
use fargaze::run::{Run, RunKind, Target};
use fargaze::subject::Workload;
use jiff::SignedDuration;

use crate::trouble;

/// How long EKS may take to create a cluster before that is amiss; it says "several minutes".
const LONGEST_CREATION: SignedDuration = SignedDuration::from_hours(1);

/// What clusters are read with.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) eks: &'a Eks,
    pub(crate) sdk: &'a SdkConfig,
    pub(crate) target: &'a Target,
    pub(crate) run: &'a Run,
    /// Which clusters the user lets us read cAdvisor of.
    pub(crate) wishes: &'a EksConfig,
    /// ARN of the role that asks.
    pub(crate) role: &'a str,
    pub(crate) limits: Limits,
    /// The way to API servers.
    pub(crate) network: &'a Arc<dyn Network>,
}

/// What was read of a cluster.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) state: ClusterState,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) workloads: Vec<WorkloadState>,
    pub(crate) pods: Vec<PodState>,
    /// What could not be asked.
    pub(crate) faults: Vec<Fault>,
    /// Whether EKS manages groups of EC2 nodes; none if that is not known. Only a report asks.
    node_groups: Option<bool>,
    /// Why there are no pods, if they could not be asked.
    pub(crate) unread: Option<Fault>,
    /// It has no API server, as a cluster that is being made or deleted: nothing was asked, and nothing is amiss.
    pub(crate) has_no_api: bool,
    /// Why there is no usage, if it could not be asked.
    pub(crate) no_usage: Option<Fault>,
    /// Kinds of workloads that could not be listed, with the reason.
    pub(crate) unlisted: Vec<(&'static str, Fault)>,
    /// Answers by which a right is missing: they make one finding.
    refused: Vec<ClientError>,
    /// Why some pods have no counters of cAdvisor, if they could not be asked for.
    pub(crate) no_counters: Option<Fault>,
}

impl Reading {
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.is_some()
    }

    /// Why a measure of a workload, or of the cluster, could not be asked, if it could not.
    pub(crate) fn fault_of(&self, measure: KubernetesMeasure, workload: Option<&Workload>) -> Option<&Fault> {
        let own = match measure {
            // Whether the Metrics API is down is not known if nobody could ask.
            KubernetesMeasure::PodMemoryPercent
            | KubernetesMeasure::PodCpuPercent
            | KubernetesMeasure::MetricsServerDown => self.no_usage.as_ref(),
            KubernetesMeasure::AvailableBelowDesired => {
                workload.and_then(|workload| self.unlisted(&workload.kind))
            }
            measure if measure.needs_cadvisor() => self.no_counters.as_ref(),
            _ => None,
        };
        self.unread.as_ref().or(own)
    }

    /// Why workloads of a kind are not known, if they could not be listed.
    pub(crate) fn unlisted(&self, kind: &str) -> Option<&Fault> {
        self.unlisted.iter().find(|(unlisted, _)| *unlisted == listed_with(kind)).map(|(_, fault)| fault)
    }

    fn new(cluster: &EksCluster) -> Self {
        let state = ClusterState {
            cluster: cluster.name.clone(),
            status: cluster.status.clone(),
            version: cluster.version.clone(),
            logs: (cluster.status != UNKNOWN).then(|| cluster.logs.clone()),
            profiles: None,
            addons: None,
            nodes: None,
            unlisted: BTreeSet::new(),
            metrics_api: MetricsApi::Unknown,
            cadvisor: None,
            findings: Vec::new(),
        };
        Self {
            state,
            tags: cluster.tags.clone(),
            workloads: Vec::new(),
            pods: Vec::new(),
            faults: Vec::new(),
            node_groups: None,
            unread: None,
            has_no_api: false,
            no_usage: None,
            unlisted: Vec::new(),
            refused: Vec::new(),
            no_counters: None,
        }
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
}

impl Reader<'_> {
    /// Reads a cluster as far as it lets us. What it does not is told in its faults and findings.
    pub(crate) async fn read(&self, cluster: &EksCluster) -> Reading {
        let mut reading = Reading::new(cluster);
        // Before anything can fail: what was to be asked and was not must not look as if it were off.
        reading.state.cadvisor = self.reads_cadvisor(&cluster.name).then(CadvisorState::default);
        if self.run.kind == RunKind::Report {
            self.equipment(&cluster.name, &mut reading).await;
        }
        if cluster.endpoint.is_none() || cluster.certificate_authority.is_none() {
            reading.has_no_api = true;
            self.without_endpoint(cluster, &mut reading);
            return reading;
        }
        let client = kubernetes_client(self.sdk, &self.target.region, cluster, self.limits.clone());
        let client = client.map(|client| client.over(Arc::clone(self.network)));
        let read = match &client {
            Ok(client) => self.kubernetes(client, cluster, &mut reading).await,
            Err(error) => Err(error.clone()),
        };
        if let Err(error) = read {
            reading.state.findings.extend(trouble::finding(self, cluster, &error).await);
            reading.unread = Some(reading.failed(error));
        }
        // One for all lists: what is missing is granted at once.
        let refused = std::mem::take(&mut reading.refused);
        if let (Ok(client), false) = (&client, refused.is_empty()) {
            reading.state.findings.push(trouble::forbidden(self, client, cluster, &refused).await);
        }
        reading
    }

    /// A cluster that is being made, or deleted, has no endpoint: nothing is amiss unless it takes too long.
    fn without_endpoint(&self, cluster: &EksCluster, reading: &mut Reading) {
        if cluster.status == UNKNOWN {
            undescribed(cluster, reading);
            return;
        }
        let age = cluster.created_at.map(|created| self.run.time.duration_since(created));
        match cluster.status.as_str() {
            "CREATING" | "PENDING" if age.is_none_or(|age| age <= LONGEST_CREATION) => {}
            "DELETING" => {}
            status => {
                let problem = match status {
                    "CREATING" | "PENDING" => format!("It is {status} for over an hour."),
                    _ => format!("EKS calls it {status}, and it has no endpoint to ask."),
                };
                let Target { account, region, .. } = self.target;
                let at = AtCluster { account, region, cluster: &cluster.name };
                let cure = at.eks("describe-cluster", "--query cluster.health");
                reading.state.findings.push(Finding { problem: problem.clone(), cure });
                let fault = Fault {
                    operation: Operation::EksDescribeCluster,
                    subject: cluster.name.to_string(),
                    kind: FaultKind::NotFound,
                    code: status.to_owned(),
                    message: problem,
                };
                reading.unread = Some(fault.clone());
                reading.fault(fault);
            }
        }
    }

    async fn equipment(&self, cluster: &ClusterName, reading: &mut Reading) {
        match self.eks.equipment(cluster).await {
            Ok(Equipment { profiles, addons, node_groups }) => {
                reading.node_groups = Some(!node_groups.is_empty());
                reading.state.profiles = Some(profiles);
                reading.state.addons = Some(addons);
            }
            Err(fault) => reading.fault(Fault { subject: cluster.to_string(), ..fault }),
        }
    }

    /// Whether the user lets us read cAdvisor of a cluster.
    fn reads_cadvisor(&self, cluster: &ClusterName) -> bool {
        let Target { account, region, .. } = self.target;
        self.wishes.cadvisor(account, region, cluster) == Cadvisor::Proxy
    }
}

/// EKS listed the cluster and could not be asked about it: that fault is the listing's, which has its remedy.
fn undescribed(cluster: &EksCluster, reading: &mut Reading) {
    let problem =
        "EKS could not be asked about it (DescribeCluster), so that its endpoint is not known.".to_owned();
    reading.state.findings.push(Finding { problem: problem.clone(), cure: String::new() });
    reading.unread = Some(Fault {
        operation: Operation::EksDescribeCluster,
        subject: cluster.name.to_string(),
        kind: FaultKind::Transient,
        code: UNKNOWN.to_owned(),
        message: problem,
    });
}

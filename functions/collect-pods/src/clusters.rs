//! Reads one cluster; `kubernetes.rs` reads its Kubernetes API.

use std::collections::BTreeMap;
use std::sync::Arc;

use fargaze::evidence::eks::{Cadvisor, EksCluster};
use fargaze::evidence::pods::{CadvisorState, ClusterState, SetupProblem};
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::{RunKind, Target};
use fargaze::text::commands::AtCluster;
use fargaze_aws::Equipment;
use fargaze_kubernetes::Client;
use jiff::SignedDuration;

use crate::diagnosis;
use crate::listing::Listed;
use crate::reader::Reader;
use crate::reading::{Ending, Notes, Reading};

/// How long EKS may take to create a cluster before that is reported as a problem; the EKS
/// documentation says "several minutes".
const LONGEST_CREATION: SignedDuration = SignedDuration::from_hours(1);

impl Reader<'_> {
    /// Reads a cluster; `None` if it was deleted since it was listed. An unreadable cluster still
    /// exists unless EKS says otherwise.
    pub(crate) async fn read_if_there(&self, cluster: Listed<'_>) -> Option<Reading> {
        let reading = match cluster {
            Listed::Described(cluster) => self.read(cluster).await,
            Listed::Undescribed(name) => self.undescribed(name).await,
        };
        let is_missing = reading.is_unread()
            && match self.eks.describe_cluster(&reading.state.cluster).await {
                Ok(None) => true,
                Ok(Some(now)) => now.status == "DELETING",
                Err(fault) => {
                    tracing::warn!(%fault, "could not check whether the cluster still exists");
                    false
                }
            };
        (!is_missing).then_some(reading)
    }

    /// Reads as much of a cluster as it allows. Its faults and findings report the rest.
    async fn read(&self, cluster: &EksCluster) -> Reading {
        let mut notes = self.begin(ClusterState {
            status: Some(cluster.status.clone()),
            version: cluster.version.clone(),
            logs: Some(cluster.logs.clone()),
            ..ClusterState::unknown(cluster.name.clone())
        });
        self.equipment(&cluster.name, &mut notes).await;
        let end = if cluster.endpoint.is_none() || cluster.certificate_authority.is_none() {
            self.without_endpoint(cluster, &mut notes)
        } else {
            self.with_endpoint(cluster, &mut notes).await
        };
        notes.end(cluster.tags.clone(), end)
    }

    /// EKS listed the cluster but could not describe it: that fault belongs to the listing, which
    /// has the remedy.
    async fn undescribed(&self, name: &ClusterName) -> Reading {
        let mut notes = self.begin(ClusterState::unknown(name.clone()));
        self.equipment(name, &mut notes).await;
        let problem = "DescribeCluster failed, so its endpoint is unknown.";
        notes.state.findings.push(SetupProblem { problem: problem.to_owned(), remedy: String::new() });
        let fault = Fault {
            operation: Operation::EksDescribeCluster,
            subject: name.to_string(),
            kind: FaultKind::Transient,
            code: "UNKNOWN".to_owned(),
            message: problem.to_owned(),
        };
        notes.end(BTreeMap::new(), Ending::Unread(fault))
    }

    /// Set before anything can fail: if cAdvisor is enabled but cannot be read, it must not look
    /// disabled.
    fn begin(&self, state: ClusterState) -> Notes {
        let cadvisor = self.reads_cadvisor(&state.cluster).then(CadvisorState::default);
        Notes::new(ClusterState { cadvisor, ..state })
    }

    async fn with_endpoint(&self, cluster: &EksCluster, notes: &mut Notes) -> Ending {
        let client = Client::of_cluster(self.sdk, &self.target.region, cluster, self.limits.clone());
        let client = client.map(|client| client.over(Arc::clone(self.network)));
        let read = match &client {
            Ok(client) => self.kubernetes(client, cluster, notes).await,
            Err(error) => Err(error.clone()),
        };
        let end = match read {
            Ok(answers) => Ending::Read(Box::new(answers)),
            Err(error) => {
                notes.state.findings.extend(diagnosis::finding(self, cluster, &error).await);
                Ending::Unread(notes.failed(error))
            }
        };
        // One finding for all lists: missing permissions are granted together.
        let refused = std::mem::take(&mut notes.refused);
        if let (Ok(client), false) = (&client, refused.is_empty()) {
            notes.state.findings.push(diagnosis::forbidden(self, client, cluster, &refused).await);
        }
        end
    }

    /// A cluster that is being created or deleted has no endpoint: this is a problem only if it
    /// takes too long.
    fn without_endpoint(&self, cluster: &EksCluster, notes: &mut Notes) -> Ending {
        let age = cluster.created_at.map(|created| self.run.time.duration_since(created));
        let status = cluster.status.as_str();
        let problem = match status {
            "CREATING" | "PENDING" if age.is_none_or(|age| age <= LONGEST_CREATION) => return Ending::NoApi,
            "DELETING" => return Ending::NoApi,
            "CREATING" | "PENDING" => format!("It has been {status} for over an hour."),
            _ => format!("Its EKS status is {status}, and it has no endpoint."),
        };
        let Target { account, region, .. } = self.target;
        let at = AtCluster { account, region, cluster: &cluster.name };
        let remedy = at.eks("describe-cluster", "--query cluster.health");
        notes.state.findings.push(SetupProblem { problem: problem.clone(), remedy });
        let fault = Fault {
            operation: Operation::EksDescribeCluster,
            subject: cluster.name.to_string(),
            kind: FaultKind::NotFound,
            code: status.to_owned(),
            message: problem,
        };
        notes.fault(fault.clone());
        Ending::Unread(fault)
    }

    /// Reads the cluster's profiles, add-ons and node groups from EKS; only a report shows them.
    async fn equipment(&self, cluster: &ClusterName, notes: &mut Notes) {
        if self.run.kind != RunKind::Report {
            return;
        }
        match self.eks.equipment(cluster).await {
            Ok(Equipment { profiles, addons, node_groups }) => {
                notes.node_groups = Some(!node_groups.is_empty());
                notes.state.profiles = Some(profiles);
                notes.state.addons = Some(addons);
            }
            Err(fault) => notes.fault(Fault { subject: cluster.to_string(), ..fault }),
        }
    }

    /// Whether the user's file enables cAdvisor for a cluster.
    fn reads_cadvisor(&self, cluster: &ClusterName) -> bool {
        self.reads.cadvisor(self.target, cluster) == Cadvisor::Proxy
    }
}

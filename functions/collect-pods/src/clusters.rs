//! One cluster, and what is known of it in the end; what its Kubernetes API says is asked in `kubernetes.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use fargaze::evidence::eks::{Cadvisor, EksCluster};
use fargaze::evidence::pods::{CadvisorState, ClusterState, Finding};
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

/// How long EKS may take to create a cluster before that is amiss; it says "several minutes".
const LONGEST_CREATION: SignedDuration = SignedDuration::from_hours(1);

impl Reader<'_> {
    /// Reads a cluster; none if it has been deleted since it was listed. A cluster that cannot be read is there unless EKS
    /// says otherwise.
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
                    tracing::warn!(%fault, "whether the cluster still exists cannot be asked");
                    false
                }
            };
        (!is_missing).then_some(reading)
    }

    /// Reads a cluster as far as it lets us. What it does not is told in its faults and findings.
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

    /// EKS listed the cluster and could not be asked about it: that fault is the listing's, which has its remedy.
    async fn undescribed(&self, name: &ClusterName) -> Reading {
        let mut notes = self.begin(ClusterState::unknown(name.clone()));
        self.equipment(name, &mut notes).await;
        let problem = "EKS could not be asked about it (DescribeCluster), so that its endpoint is not known.";
        notes.state.findings.push(Finding { problem: problem.to_owned(), remedy: String::new() });
        let fault = Fault {
            operation: Operation::EksDescribeCluster,
            subject: name.to_string(),
            kind: FaultKind::Transient,
            code: "UNKNOWN".to_owned(),
            message: problem.to_owned(),
        };
        notes.end(BTreeMap::new(), Ending::Unread(fault))
    }

    /// Before anything can fail: what is to be asked of cAdvisor and is not must not look as if it were off.
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
        // One for all lists: what is missing is granted at once.
        let refused = std::mem::take(&mut notes.refused);
        if let (Ok(client), false) = (&client, refused.is_empty()) {
            notes.state.findings.push(diagnosis::forbidden(self, client, cluster, &refused).await);
        }
        end
    }

    /// A cluster that is being made, or deleted, has no endpoint: nothing is amiss unless it takes too long.
    fn without_endpoint(&self, cluster: &EksCluster, notes: &mut Notes) -> Ending {
        let age = cluster.created_at.map(|created| self.run.time.duration_since(created));
        let status = cluster.status.as_str();
        let problem = match status {
            "CREATING" | "PENDING" if age.is_none_or(|age| age <= LONGEST_CREATION) => return Ending::NoApi,
            "DELETING" => return Ending::NoApi,
            "CREATING" | "PENDING" => format!("It is {status} for over an hour."),
            _ => format!("EKS calls it {status}, and it has no endpoint to ask."),
        };
        let Target { account, region, .. } = self.target;
        let at = AtCluster { account, region, cluster: &cluster.name };
        let remedy = at.eks("describe-cluster", "--query cluster.health");
        notes.state.findings.push(Finding { problem: problem.clone(), remedy });
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

    /// Asks EKS what is set up in the cluster; only a report shows it.
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

    /// Whether the user lets us read cAdvisor of a cluster.
    fn reads_cadvisor(&self, cluster: &ClusterName) -> bool {
        self.reads.cadvisor(self.target, cluster) == Cadvisor::Proxy
    }
}

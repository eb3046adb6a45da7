//! Reads one cluster: Metrics API, workloads, nodes, pods.

use std::collections::{BTreeMap, HashMap};

use aws_config::SdkConfig;
use fargaze::aws::{Eks, Equipment, kubernetes_client};
use fargaze::cluster::ClusterName;
use fargaze::eks::EksCluster;
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::eks::{Cadvisor, EksConfig};
use fargaze::kubernetes::api;
use fargaze::kubernetes::client::{Cause, Client, ClientError, Explanation, Limits};
use fargaze::kubernetes::node::NodeFacts;
use fargaze::kubernetes::owner::{JobOwners, Owner};
use fargaze::kubernetes::pod::PodFacts;
use fargaze::kubernetes::usage::PodUsage;
use fargaze::kubernetes::workload::WorkloadFacts;
use fargaze::pods::{CadvisorState, ClusterState, Finding, MetricsApi, PodState, WorkloadState};
use fargaze::rule::{KubernetesMeasure, Workload};
use fargaze::run::{Run, RunKind, Target};
use jiff::{SignedDuration, Timestamp};

use crate::{cadvisor, trouble};

/// How long EKS may take to create a cluster before that is amiss; it says "several minutes".
const LONGEST_CREATION: SignedDuration = SignedDuration::from_hours(1);

const METRICS: &str = "metrics.k8s.io";

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
    /// Why there are no pods, if they could not be asked.
    pub(crate) unread: Option<Fault>,
    /// Why there is no usage, if it could not be asked.
    pub(crate) no_usage: Option<Fault>,
    /// Kinds of workloads that could not be listed, with the reason.
    pub(crate) unlisted: Vec<(&'static str, Fault)>,
    /// Why some pods have no counters of cAdvisor, if they could not be asked for.
    pub(crate) no_counters: Option<Fault>,
}

/// Usage of pods by namespace and name.
type Usage = HashMap<(String, String), PodUsage>;

impl Reading {
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.is_some()
    }

    /// Why a measure of a workload, or of the cluster, could not be asked, if it could not.
    pub(crate) fn fault_of(&self, measure: KubernetesMeasure, workload: Option<&Workload>) -> Option<&Fault> {
        let own = match measure {
            KubernetesMeasure::PodMemoryPercent | KubernetesMeasure::PodCpuPercent => self.no_usage.as_ref(),
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
        self.unlisted.iter().find(|(unlisted, _)| *unlisted == kind).map(|(_, fault)| fault)
    }

    fn new(cluster: &EksCluster) -> Self {
        let state = ClusterState {
            cluster: cluster.name.clone(),
            status: cluster.status.clone(),
            version: cluster.version.clone(),
            logs: cluster.logs.clone(),
            profiles: Vec::new(),
            addons: Vec::new(),
            fargate_nodes: None,
            other_nodes: None,
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
            unread: None,
            no_usage: None,
            unlisted: Vec::new(),
            no_counters: None,
        }
    }

    /// Takes in a fault of the cluster. The coverage counts clusters by the subjects of faults.
    fn fault(&mut self, fault: Fault) {
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
            self.without_endpoint(cluster, &mut reading);
            return reading;
        }
        let client = kubernetes_client(self.sdk, &self.target.region, cluster, self.limits.clone());
        let read = match &client {
            Ok(client) => self.kubernetes(client, cluster, &mut reading).await,
            Err(error) => Err(error.clone()),
        };
        if let Err(error) = read {
            let finding = trouble::finding(self, client.as_ref().ok(), cluster, &error).await;
            reading.state.findings.push(finding);
            let fault = Fault::from(error);
            reading.unread = Some(fault.clone());
            reading.fault(fault);
            // Half the pods would be taken for all of them.
            reading.pods.clear();
        }
        reading
    }

    /// A cluster that is being made, or deleted, has no endpoint: nothing is amiss unless it takes too long.
    fn without_endpoint(&self, cluster: &EksCluster, reading: &mut Reading) {
        let age = cluster.created_at.map(|created| self.run.time.duration_since(created));
        match cluster.status.as_str() {
            "CREATING" | "PENDING" if age.is_none_or(|age| age <= LONGEST_CREATION) => {}
            "DELETING" => {}
            status => {
                let problem = match status {
                    "CREATING" | "PENDING" => format!("It is {status} for over an hour."),
                    _ => format!("EKS calls it {status}, and it has no endpoint to ask."),
                };
                let cure = format!(
                    "aws eks describe-cluster --region {} --name {} --query cluster.health",
                    self.target.region, cluster.name
                );
                reading.state.findings.push(Finding { problem: problem.clone(), cure });
                let fault = Fault {
                    operation: "eks:DescribeCluster".to_owned(),
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
            Ok(Equipment { profiles, addons, node_groups: _ }) => {
                reading.state.profiles = profiles;
                reading.state.addons = addons;
            }
            Err(fault) => reading.fault(Fault { subject: cluster.to_string(), ..fault }),
        }
    }

    /// Asks Kubernetes. Fails if pods cannot be read: without them there is nothing to judge.
    async fn kubernetes(
        &self,
        client: &Client,
        cluster: &EksCluster,
        reading: &mut Reading,
    ) -> Result<(), ClientError> {
        let groups = client.get("/apis").await?;
        let groups: api::ApiGroupList = serde_json::from_slice(&groups).map_err(|error| ClientError {
            method: "GET",
            path: "/apis".to_owned(),
            cluster: cluster.name.to_string(),
            cause: Cause::Malformed(error.to_string()),
        })?;
        let (usage, workloads, nodes) = tokio::join!(
            self.usage(client, groups.preferred(METRICS)),
            self.workloads(client),
            self.nodes(client)
        );
        let (workloads, jobs, unlisted) = workloads;
        unlisted.iter().for_each(|(_, fault)| reading.fault(fault.clone()));
        reading.unlisted = unlisted;
        let usage = self.take_usage(usage, client, cluster, reading).await;
        let nodes = nodes.unwrap_or_else(|error| {
            reading.fault(error.into());
            HashMap::new()
        });
        if self.run.kind == RunKind::Report {
            let fargate = nodes.values().filter(|node| node.is_fargate).count();
            (reading.state.fargate_nodes, reading.state.other_nodes) =
                (Some(fargate), Some(nodes.len() - fargate));
        }
        let name = &cluster.name;
        let states = workloads.iter().filter_map(|facts| WorkloadState::read(name, facts));
        reading.workloads = states.collect();
        let pods = &mut reading.pods;
        client
            .list::<PodFacts>("/api/v1/pods", |page| {
                pods.extend(page.into_iter().map(|facts| {
                    let used = usage.get(&(facts.namespace.clone(), facts.name.clone()));
                    let node = facts.node.as_ref().and_then(|node| nodes.get(node)).cloned();
                    PodState::read(name, facts, used, &jobs, node.as_ref())
                }));
            })
            .await?;
        if reading.state.cadvisor.is_some() {
            self.cadvisor(client, cluster, reading).await;
        }
        Ok(())
    }

    fn reads_cadvisor(&self, cluster: &ClusterName) -> bool {
        let Target { account, region, .. } = self.target;
        self.wishes.cadvisor(account, region, cluster) == Cadvisor::Proxy
    }

    async fn cadvisor(&self, client: &Client, cluster: &EksCluster, reading: &mut Reading) {
        let name = cluster.name.as_str();
        let asked = cadvisor::count(client, name, &mut reading.pods, self.now(), self.limits.deadline).await;
        reading.state.cadvisor = Some(asked.state);
        reading
            .state
            .findings
            .extend(asked.missing_right.map(|why| trouble::no_node_proxy(self, cluster, why)));
        reading.no_counters.clone_from(&asked.fault);
        asked.fault.into_iter().for_each(|fault| reading.fault(fault));
    }

    /// The time of the clock that tokens are signed by.
    fn now(&self) -> Timestamp {
        let now = self.sdk.time_source().unwrap_or_default().now();
        Timestamp::try_from(now).unwrap_or(self.run.time)
    }

    /// What pods use, with the version of the API; or why that is not known.
    async fn usage(
        &self,
        client: &Client,
        version: Option<&str>,
    ) -> Result<(String, Usage, Vec<Fault>), NoUsage> {
        let version = version.ok_or(NoUsage::Missing)?;
        let (mut usage, mut faults) = (Usage::new(), Vec::new());
        let path = format!("/apis/{METRICS}/{version}/pods");
        let listed = client.list::<api::PodMetrics>(&path, |page| {
            for metrics in page {
                match PodUsage::read(metrics) {
                    Ok(Some(read)) => {
                        usage.insert((read.namespace.clone(), read.name.clone()), read);
                    }
                    // Metrics Server has not seen it yet.
                    Ok(None) => {}
                    Err(error) => faults.push(error.to_string()),
                }
            }
        });
        match listed.await {
            Ok(_) => {
                let malformed = |why| Fault::malformed("kubernetes:ListPodMetrics", "", why);
                Ok((version.to_owned(), usage, faults.into_iter().map(malformed).collect()))
            }
            Err(ClientError { cause: Cause::NotFound(Explanation::Text(_)), .. }) => Err(NoUsage::Missing),
            Err(error) => Err(NoUsage::Failed(error)),
        }
    }

    /// Writes down how the question about usage ended.
    async fn take_usage(
        &self,
        usage: Result<(String, Usage, Vec<Fault>), NoUsage>,
        client: &Client,
        cluster: &EksCluster,
        reading: &mut Reading,
    ) -> Usage {
        let name = cluster.name.to_string();
        match usage {
            Ok((version, usage, faults)) => {
                reading.state.metrics_api = MetricsApi::Serves(version);
                faults.into_iter().for_each(|fault| reading.fault(Fault { subject: name.clone(), ..fault }));
                usage
            }
            Err(NoUsage::Missing) => {
                reading.state.metrics_api = MetricsApi::Missing;
                reading.state.findings.push(trouble::no_metrics(self, cluster));
                // A complete answer: there is nothing that could tell.
                reading.no_usage = Some(Fault {
                    operation: format!("kubernetes:GET /apis/{METRICS}"),
                    subject: name,
                    kind: FaultKind::NotFound,
                    code: "NotFound".to_owned(),
                    message: "Metrics Server is not installed".to_owned(),
                });
                Usage::new()
            }
            Err(NoUsage::Failed(error)) => {
                if let Cause::Unavailable(answer) = &error.cause {
                    reading.state.metrics_api = MetricsApi::Down(format!("503: {answer}"));
                }
                let finding = trouble::finding(self, Some(client), cluster, &error).await;
                reading.state.findings.push(finding);
                let fault = Fault::from(error);
                reading.no_usage = Some(fault.clone());
                reading.fault(fault);
                Usage::new()
            }
        }
    }

    /// Deployments, `StatefulSet`s and `DaemonSet`s, what stands behind Jobs, and the kinds that are not known: without the list of
    /// Jobs nobody knows for sure which pods are a `CronJob`'s.
    async fn workloads(
        &self,
        client: &Client,
    ) -> (Vec<WorkloadFacts>, JobOwners, Vec<(&'static str, Fault)>) {
        let (mut deployments, mut stateful, mut daemons, mut owners) =
            (Vec::new(), Vec::new(), Vec::new(), JobOwners::new());
        let answers = tokio::join!(
            client.list::<api::Deployment>("/apis/apps/v1/deployments", |page| {
                deployments.extend(page.into_iter().map(WorkloadFacts::from));
            }),
            client.list::<api::StatefulSet>("/apis/apps/v1/statefulsets", |page| {
                stateful.extend(page.into_iter().map(WorkloadFacts::from));
            }),
            client.list::<api::DaemonSet>("/apis/apps/v1/daemonsets", |page| {
                daemons.extend(page.into_iter().map(WorkloadFacts::from));
            }),
            client.list::<api::Job>("/apis/batch/v1/jobs", |page| {
                owners.extend(page.into_iter().map(|job| {
                    let owner = Owner::of_job(&job.metadata);
                    ((job.metadata.namespace, job.metadata.name), owner)
                }));
            }),
        );
        let answers = [
            ("Deployment", answers.0),
            ("StatefulSet", answers.1),
            ("DaemonSet", answers.2),
            ("CronJob", answers.3),
        ];
        let unlisted = answers.into_iter().filter_map(|(kind, answer)| Some((kind, answer.err()?.into())));
        let unlisted = unlisted.collect();
        (deployments.into_iter().chain(stateful).chain(daemons).collect(), owners, unlisted)
    }

    /// Nodes by name; of a report only, since nothing is judged by them.
    async fn nodes(&self, client: &Client) -> Result<HashMap<String, NodeFacts>, ClientError> {
        let mut nodes = HashMap::new();
        if self.run.kind == RunKind::Report {
            client
                .list::<api::Node>("/api/v1/nodes", |page| {
                    let read = page.into_iter().map(NodeFacts::read);
                    nodes.extend(read.map(|node| (node.name.clone(), node)));
                })
                .await?;
        }
        Ok(nodes)
    }
}

/// Why usage is not known.
enum NoUsage {
    /// The API group is not there.
    Missing,
    /// It could not be asked.
    Failed(ClientError),
}

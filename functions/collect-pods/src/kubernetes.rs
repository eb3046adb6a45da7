//! Reads the Kubernetes API of a cluster: workloads, nodes, pods, and at the same time the pods'
//! usage; then the events of pods that are not well.

use std::collections::{BTreeSet, HashMap};

use fargaze::evidence::eks::{EksCluster, METRICS_SERVER};
use fargaze::evidence::pods::{Diagnosis, MetricsApi, NodeCount, PodState, SetupProblem, WorkloadState};
use fargaze::kubernetes::api;
use fargaze::kubernetes::node::NodeFacts;
use fargaze::kubernetes::owner::{JobOwners, Owner};
use fargaze::kubernetes::pod::PodFacts;
use fargaze::kubernetes::workload::WorkloadFacts;
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::RunKind;
use fargaze_kubernetes::{Client, ClientError};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use crate::reader::Reader;
use crate::reading::{Answers, Notes};
use crate::usage::{self, ByPod, Failed, Known, METRICS, Usage};
use crate::{cadvisor, diagnosis, events};

/// A list as read.
struct Listed<T> {
    /// All or nothing.
    items: Result<Vec<T>, ClientError>,
    /// Whether its end shows a newer state of the cluster than its beginning.
    is_torn: bool,
}

impl<T> Listed<T> {
    /// The error, if any other request would have failed in the same way.
    fn no_answer(&self) -> Option<&ClientError> {
        self.items.as_ref().err().filter(|error| error.cause.is_no_answer())
    }
}

/// All lists of a cluster except usage.
struct Lists {
    workloads: Vec<WorkloadState>,
    nodes: Option<Result<HashMap<String, NodeFacts>, ClientError>>,
    pods: Result<Vec<PodState>, ClientError>,
    /// Kinds of workloads that could not be listed.
    unlisted: Vec<(&'static str, ClientError)>,
    /// Lists that show two states of the cluster.
    torn: BTreeSet<&'static str>,
}

impl Reader<'_> {
    /// Reads the Kubernetes API. Fails if pods cannot be read: without them there is nothing to
    /// evaluate. Usage is read at the same time; nothing waits for it, and its failure affects
    /// nothing else.
    pub(crate) async fn kubernetes(
        &self,
        client: &Client,
        cluster: &EksCluster,
        notes: &mut Notes,
    ) -> Result<Answers, ClientError> {
        let pods_are_read = Notify::new();
        let (lists, usage) = tokio::try_join!(
            async {
                let lists = self.lists(client, &cluster.name).await;
                pods_are_read.notify_one();
                lists
            },
            async { Ok(usage::ask(client, pods_are_read.notified()).await) }
        )?;
        let Lists { workloads, nodes, pods, unlisted: refused, torn } = lists;
        notes.state.findings.extend(of_two_states(&torn));
        let mut unlisted = Vec::new();
        for (kind, error) in refused {
            unlisted.push((kind, notes.failed(error)));
            notes.state.unlisted.insert(kind.to_owned());
        }
        match nodes {
            Some(Ok(found)) => notes.state.nodes = Some(count(&found)),
            Some(Err(error)) => _ = notes.failed(error),
            None => {}
        }
        let usage = self.take_usage(usage, pods.is_ok(), cluster, notes);
        notes.workloads = workloads;
        let mut pods = pods?;
        let no_usage = usage.as_ref().err().cloned();
        let usage = usage.unwrap_or_default();
        for pod in &mut pods {
            let key = (pod.workload.namespace.clone(), pod.pod.clone());
            usage.get(&key).into_iter().for_each(|used| pod.uses(used));
        }
        events::add(client, self.run, &mut pods, notes).await;
        let no_counters = match notes.state.cadvisor {
            Some(_) => self.cadvisor(client, cluster, &mut pods, notes).await,
            None => None,
        };
        Ok(Answers { pods, no_usage, unlisted, no_counters })
    }

    /// Reads Deployments, `StatefulSet`s and `DaemonSet`s, owners of Jobs, and nodes for a report
    /// only, since no rule uses them; then the pods. Without the list of Jobs, it is unknown which
    /// pods belong to a `CronJob`. Fails if no list got a response: the pods would only take as
    /// long to fail.
    async fn lists(&self, client: &Client, cluster: &ClusterName) -> Result<Lists, ClientError> {
        let facts = |facts: WorkloadFacts| facts;
        let (deployments, stateful, daemons, jobs, nodes) = tokio::join!(
            list(client, "/apis/apps/v1/deployments", |one: api::Deployment| facts(one.into())),
            list(client, "/apis/apps/v1/statefulsets", |one: api::StatefulSet| facts(one.into())),
            list(client, "/apis/apps/v1/daemonsets", |one: api::DaemonSet| facts(one.into())),
            list(client, "/apis/batch/v1/jobs", |job: api::Job| {
                let owner = Owner::of_job(&job.metadata);
                ((job.metadata.namespace, job.metadata.name), owner)
            }),
            self.nodes(client)
        );
        let answers = [deployments.no_answer(), stateful.no_answer(), daemons.no_answer(), jobs.no_answer()];
        let answers = answers.into_iter().chain(nodes.as_ref().map(Listed::no_answer));
        let unanswered = answers.collect::<Option<Vec<&ClientError>>>();
        if let Some(error) = unanswered.and_then(|errors| errors.first().copied().cloned()) {
            return Err(error);
        }
        let (mut workloads, mut unlisted, mut torn) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (kind, what, listed) in [
            ("Deployment", "deployments", deployments),
            ("StatefulSet", "statefulsets", stateful),
            ("DaemonSet", "daemonsets", daemons),
        ] {
            torn.extend(listed.is_torn.then_some(what));
            match listed.items {
                Ok(items) => {
                    workloads.extend(items.iter().filter_map(|facts| WorkloadState::read(cluster, facts)));
                }
                Err(error) => unlisted.push((kind, error)),
            }
        }
        torn.extend(jobs.is_torn.then_some("jobs"));
        let owners = match jobs.items {
            Ok(jobs) => jobs.into_iter().collect(),
            Err(error) => {
                unlisted.push(("CronJob", error));
                JobOwners::new()
            }
        };
        torn.extend(nodes.as_ref().is_some_and(|nodes| nodes.is_torn).then_some("nodes"));
        let nodes = nodes.map(|nodes| nodes.items.map(by_name));
        let node_of = |name: &str| nodes.as_ref()?.as_ref().ok()?.get(name);
        let pods = list(client, "/api/v1/pods", |facts: PodFacts| {
            let node = facts.node.clone();
            PodState::read(cluster, facts, &owners, node.as_deref().and_then(node_of))
        });
        let pods = pods.await;
        torn.extend(pods.is_torn.then_some("pods"));
        let workloads = WorkloadState::summed(workloads);
        Ok(Lists { workloads, pods: pods.items, nodes, unlisted, torn })
    }

    async fn nodes(&self, client: &Client) -> Option<Listed<NodeFacts>> {
        if self.run.kind != RunKind::Report {
            return None;
        }
        Some(list(client, "/api/v1/nodes", NodeFacts::read).await)
    }

    /// Records the result of reading usage: what the pods use, or why that is unknown.
    fn take_usage(
        &self,
        usage: Usage,
        api_server_answers: bool,
        cluster: &EksCluster,
        notes: &mut Notes,
    ) -> Result<ByPod, Fault> {
        let name = cluster.name.to_string();
        match usage {
            Usage::Known(Known { version, pods, bad, passed_over }) => {
                let finding = |Failed { version: preferred, error }: Failed| {
                    let (answer, serving) = (error.cause.to_string(), version.clone());
                    diagnosis::remedied(
                        self,
                        cluster,
                        &Diagnosis::PreferredDown { preferred, answer, serving },
                    )
                };
                notes.state.findings.extend(passed_over.map(finding));
                notes.state.metrics_api = MetricsApi::Serves(version);
                for why in bad {
                    notes.fault(Fault::malformed(
                        Operation::kubernetes("GET", format!("/apis/{METRICS}")),
                        name.clone(),
                        why,
                    ));
                }
                Ok(pods)
            }
            Usage::Missing => {
                notes.state.metrics_api = MetricsApi::Missing;
                let addons = notes.state.addons.iter().flatten();
                let mut addon =
                    addons.filter(|addon| addon.name == METRICS_SERVER).map(|addon| addon.status.clone());
                let diagnosis = Diagnosis::NoMetrics { addon: addon.next(), place: notes.place(cluster) };
                notes.state.findings.push(diagnosis::remedied(self, cluster, &diagnosis));
                // A complete response: there is no source of usage.
                Err(Fault {
                    operation: Operation::kubernetes("GET", format!("/apis/{METRICS}")),
                    subject: name,
                    kind: FaultKind::NotFound,
                    code: "NotFound".to_owned(),
                    message: "Metrics Server is not installed".to_owned(),
                })
            }
            Usage::Failed(failed) => {
                if failed.is_of_metrics(api_server_answers) {
                    let answer = failed.error.cause.to_string();
                    notes.state.metrics_api = MetricsApi::Down(answer.clone());
                    let diagnosis = Diagnosis::MetricsDown { version: failed.version, answer };
                    notes.state.findings.push(diagnosis::remedied(self, cluster, &diagnosis));
                }
                Err(notes.failed(failed.error))
            }
        }
    }

    /// Adds cAdvisor counters to the pods; returns why some pods have none, if any.
    async fn cadvisor(
        &self,
        client: &Client,
        cluster: &EksCluster,
        pods: &mut [PodState],
        notes: &mut Notes,
    ) -> Option<Fault> {
        let name = cluster.name.as_str();
        let scrape = cadvisor::count(client, name, pods, self.now(), self.limits.deadline).await;
        notes.state.cadvisor = Some(scrape.state);
        let finding = |message| diagnosis::remedied(self, cluster, &Diagnosis::NodeProxy { message });
        notes.state.findings.extend(scrape.denial.map(finding));
        scrape.fault.iter().for_each(|fault| notes.fault(fault.clone()));
        scrape.fault
    }

    /// The current time of the clock that signs tokens.
    fn now(&self) -> Timestamp {
        let now = self.sdk.time_source().unwrap_or_default().now();
        Timestamp::try_from(now).unwrap_or(self.run.time)
    }
}

/// Half a list would be mistaken for all, so a missing page fails the whole list.
async fn list<K: DeserializeOwned, T>(client: &Client, path: &str, read: impl Fn(K) -> T) -> Listed<T> {
    match client.list_all(path, read).await {
        Ok((items, walk)) => Listed { items: Ok(items), is_torn: walk.inconsistent },
        Err(error) => Listed { items: Err(error), is_torn: false },
    }
}

fn by_name(nodes: Vec<NodeFacts>) -> HashMap<String, NodeFacts> {
    nodes.into_iter().map(|node| (node.name.clone(), node)).collect()
}

fn count(nodes: &HashMap<String, NodeFacts>) -> NodeCount {
    let fargate = nodes.values().filter(|node| node.is_fargate).count();
    NodeCount { fargate, other: nodes.len() - fargate }
}

/// The finding for lists that show two states of the cluster.
fn of_two_states(torn: &BTreeSet<&'static str>) -> Option<SetupProblem> {
    let names: Vec<&str> = torn.iter().copied().collect();
    let problem = format!(
        "The API server forgot the state of the cluster while it was listed, so the list of {} ends at a newer one: objects created \
         meanwhile may be missing, and deleted ones may be included. The next run lists everything again.",
        names.join(", ")
    );
    (!torn.is_empty()).then_some(SetupProblem { problem, remedy: String::new() })
}

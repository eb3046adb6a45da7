//! Reads cAdvisor counters of a cluster's pods, node by node through the API server; only where the
//! user's file enables it.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use fargaze::evidence::pods::{CadvisorState, PodState};
use fargaze::kubernetes::cadvisor::{Counters, read};
use fargaze::kubernetes::pod::Phase;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze_kubernetes::{Cause, Client, ClientError, escape};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

/// Nodes read at once: each response has 50 to 150 kB.
const AT_ONCE: usize = 8;

/// How long reading the nodes of one cluster may take. For a kubelet without a route, the API
/// server needs seconds, and other clusters wait.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long the first node is read alone. A refusal by the API server itself comes at once.
const ALONE: Duration = Duration::from_secs(2);

/// Result of reading the nodes.
#[derive(Debug)]
pub(crate) struct Scrape {
    pub(crate) state: CadvisorState,
    /// Why some nodes could not be read, if any.
    pub(crate) fault: Option<Fault>,
    /// The server's message, if the permission is missing.
    pub(crate) denial: Option<String>,
}

/// Counters of pods by node, namespace and name: a node may still return a pod that has moved to
/// another.
type Counted = BTreeMap<(String, String, String), Counters>;

/// The counters of one node.
struct NodeScrape {
    counted: Counted,
    /// Why some are missing, if any.
    bad: Option<ClientError>,
}

/// Reads the nodes of one cluster until a deadline.
struct Scraper<'a> {
    client: &'a Client,
    cluster: &'a str,
    now: Timestamp,
    until: Instant,
}

/// Reads the nodes of all running pods, at most until `deadline`, and adds the counters to the
/// pods.
pub(crate) async fn count(
    client: &Client,
    cluster: &str,
    pods: &mut [PodState],
    now: Timestamp,
    deadline: Instant,
) -> Scrape {
    let until = deadline.min(Instant::now() + PATIENCE);
    let nodes: BTreeSet<&str> =
        pods.iter().filter(|pod| pod.phase == Phase::Running).filter_map(|pod| pod.node.as_deref()).collect();
    let (scrape, mut counted) = Scraper { client, cluster, now, until }.nodes(&nodes).await;
    for pod in pods {
        let key = pod.node.clone().map(|node| (node, pod.workload.namespace.clone(), pod.pod.clone()));
        if let Some(counters) = key.and_then(|key| counted.remove(&key)) {
            pod.count(counters);
        }
    }
    scrape
}

impl Scraper<'_> {
    async fn nodes(&self, nodes: &BTreeSet<&str>) -> (Scrape, Counted) {
        let state = CadvisorState { nodes: nodes.len(), unread: nodes.len() };
        let mut scrape = Scrape { state, fault: None, denial: None };
        let (mut counted, mut first) = (Counted::new(), None);
        let mut nodes = nodes.iter();
        let Some(head) = nodes.next() else { return (scrape, counted) };
        // The first node alone: a permission missing for one node is missing for all. But the first
        // node may be the silent one.
        let mut head = pin!(self.node(head));
        let alone = timeout_at(self.until.min(Instant::now() + ALONE), &mut head).await.ok();
        let head = stream::once(async {
            match alone {
                Some(answer) => answer,
                None => head.await,
            }
        });
        // The first node's response, if there is one, is handled before any other node is read.
        let rest = stream::iter(nodes).map(|node| self.node(node)).buffer_unordered(AT_ONCE);
        let mut answers = pin!(stream::select(head, rest));
        while let Ok(Some(answer)) = timeout_at(self.until, answers.next()).await {
            match answer {
                Ok(NodeScrape { counted: of_node, bad }) => {
                    scrape.state.unread -= usize::from(bad.is_none());
                    counted.extend(of_node);
                    first = first.or(bad);
                }
                Err(error) => {
                    // The API server's own refusal; a kubelet's refusal comes as text, and says
                    // nothing about the others.
                    if matches!(&error.cause, Cause::Forbidden(why) if why.is_status()) {
                        scrape.denial = Some(error.cause.to_string());
                        first = Some(error);
                        break;
                    }
                    first.get_or_insert(error);
                }
            }
        }
        if scrape.state.unread > 0 {
            let why = first.map_or_else(out_of_time, Fault::from);
            scrape.fault = Some(self.unread(scrape.state, why));
        }
        (scrape, counted)
    }

    async fn node(&self, node: &str) -> Result<NodeScrape, ClientError> {
        let path = format!("/api/v1/nodes/{}/proxy/metrics/cadvisor", escape(node));
        let page = read(&self.client.get(&path).await?, self.now);
        let line =
            page.report.truncated.or(page.report.first_skipped).map(|line| format!("{line} of the page"));
        // A page without pods comes from a node whose pod has just started.
        let why = line.or_else(|| (page.report.samples == 0).then(|| "the page is empty".to_owned()));
        let bad = why.map(|why| ClientError {
            method: "GET",
            path,
            cluster: self.cluster.to_owned(),
            cause: Cause::Malformed(why),
        });
        let of_node = |((namespace, pod), counters)| ((node.to_owned(), namespace, pod), counters);
        Ok(NodeScrape { counted: page.pods.into_iter().map(of_node).collect(), bad })
    }

    fn unread(&self, CadvisorState { nodes, unread }: CadvisorState, why: Fault) -> Fault {
        let message = format!(
            "cAdvisor of {unread} of {nodes} nodes could not be read in full; the first: {}",
            why.message
        );
        let operation = Operation::kubernetes("GET", "nodes/proxy");
        Fault { operation, subject: self.cluster.to_owned(), message, ..why }
    }
}

/// Why nodes are unread when no node returned an error.
fn out_of_time() -> Fault {
    let seconds = PATIENCE.as_secs();
    let message = format!("they did not respond within {seconds} s, or before the run had to end");
    Fault {
        operation: Operation::kubernetes("GET", "nodes/proxy"),
        subject: String::new(),
        kind: FaultKind::Transient,
        code: "Timeout".to_owned(),
        message,
    }
}

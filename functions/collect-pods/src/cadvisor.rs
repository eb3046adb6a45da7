//! What cAdvisor has counted for the pods of a cluster, node by node through the API server; only where the user's file asks for it.

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

/// Nodes that are asked at once: each answer has 50 to 150 kB.
const AT_ONCE: usize = 8;

/// How long the nodes of one cluster may take. A kubelet without a route takes the API server seconds, and other clusters wait.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long the first node is asked alone. What the API server itself refuses it refuses at once.
const ALONE: Duration = Duration::from_secs(2);

/// What came of asking.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) state: CadvisorState,
    /// Why some nodes are not known, if they are not.
    pub(crate) fault: Option<Fault>,
    /// What the server said, if the right is missing.
    pub(crate) missing_right: Option<String>,
}

/// Counters of pods by node, namespace and name: a node may still tell of a pod that has moved to another.
type Counted = BTreeMap<(String, String, String), Counters>;

/// What one node told.
struct OfNode {
    counted: Counted,
    /// Why some of it is missing, if it is.
    bad: Option<ClientError>,
}

/// Who is asked, and until when.
struct Asking<'a> {
    client: &'a Client,
    cluster: &'a str,
    now: Timestamp,
    until: Instant,
}

/// Asks the nodes of all pods that run, at most until `deadline`, and gives the pods what was counted for them.
pub(crate) async fn count(
    client: &Client,
    cluster: &str,
    pods: &mut [PodState],
    now: Timestamp,
    deadline: Instant,
) -> Asked {
    let until = deadline.min(Instant::now() + PATIENCE);
    let nodes: BTreeSet<&str> =
        pods.iter().filter(|pod| pod.phase == Phase::Running).filter_map(|pod| pod.node.as_deref()).collect();
    let (asked, mut counted) = Asking { client, cluster, now, until }.nodes(&nodes).await;
    for pod in pods {
        let key = pod.node.clone().map(|node| (node, pod.workload.namespace.clone(), pod.pod.clone()));
        if let Some(counters) = key.and_then(|key| counted.remove(&key)) {
            pod.count(counters);
        }
    }
    asked
}

impl Asking<'_> {
    async fn nodes(&self, nodes: &BTreeSet<&str>) -> (Asked, Counted) {
        let state = CadvisorState { nodes: nodes.len(), unread: nodes.len() };
        let mut asked = Asked { state, fault: None, missing_right: None };
        let (mut counted, mut first) = (Counted::new(), None);
        let mut nodes = nodes.iter();
        let Some(head) = nodes.next() else { return (asked, counted) };
        // The first alone: a right that is missing is missing for all of them. But it may be the one that is silent.
        let mut head = pin!(self.node(head));
        let alone = timeout_at(self.until.min(Instant::now() + ALONE), &mut head).await.ok();
        let head = stream::once(async {
            match alone {
                Some(answer) => answer,
                None => head.await,
            }
        });
        // The answer of the first, if there is one, is taken before any other is asked.
        let rest = stream::iter(nodes).map(|node| self.node(node)).buffer_unordered(AT_ONCE);
        let mut answers = pin!(stream::select(head, rest));
        while let Ok(Some(answer)) = timeout_at(self.until, answers.next()).await {
            match answer {
                Ok(OfNode { counted: of_node, bad }) => {
                    asked.state.unread -= usize::from(bad.is_none());
                    counted.extend(of_node);
                    first = first.or(bad);
                }
                Err(error) => {
                    // The API server's own refusal; that of a kubelet comes as text, and says nothing of the others.
                    if matches!(&error.cause, Cause::Forbidden(why) if why.is_status()) {
                        asked.missing_right = Some(error.cause.to_string());
                        first = Some(error);
                        break;
                    }
                    first.get_or_insert(error);
                }
            }
        }
        if asked.state.unread > 0 {
            let why = first.map_or_else(out_of_time, Fault::from);
            asked.fault = Some(self.unread(asked.state, why));
        }
        (asked, counted)
    }

    async fn node(&self, node: &str) -> Result<OfNode, ClientError> {
        let path = format!("/api/v1/nodes/{}/proxy/metrics/cadvisor", escape(node));
        let page = read(&self.client.get(&path).await?, self.now);
        let line =
            page.report.truncated.or(page.report.first_skipped).map(|line| format!("{line} of the page"));
        // A page without pods is that of a node whose pod has only just begun.
        let why = line.or_else(|| (page.report.samples == 0).then(|| "the page is empty".to_owned()));
        let bad = why.map(|why| ClientError {
            method: "GET",
            path,
            cluster: self.cluster.to_owned(),
            cause: Cause::Malformed(why),
        });
        let of_node = |((namespace, pod), counters)| ((node.to_owned(), namespace, pod), counters);
        Ok(OfNode { counted: page.pods.into_iter().map(of_node).collect(), bad })
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

/// Why nodes are missing of which none gave an error.
fn out_of_time() -> Fault {
    let seconds = PATIENCE.as_secs();
    let message =
        format!("they did not answer in the {seconds} s that they have, or before the run has to end");
    Fault {
        operation: Operation::kubernetes("GET", "nodes/proxy"),
        subject: String::new(),
        kind: FaultKind::Transient,
        code: "Timeout".to_owned(),
        message,
    }
}

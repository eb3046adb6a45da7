//! What cAdvisor has counted for the pods of a cluster, node by node through the API server; only where the user's file asks for it.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::fault::Fault;
use fargaze::kubernetes::cadvisor::{Counters, read};
use fargaze::kubernetes::client::{Cause, Client, ClientError, escape};
use fargaze::pods::{CadvisorState, PodState};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

/// Nodes that are asked at once: each answer has 50 to 150 kB.
const AT_ONCE: usize = 8;

/// What came of asking.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) state: CadvisorState,
    /// Why some nodes are not known, if they are not.
    pub(crate) fault: Option<Fault>,
    /// What the server said, if the right is missing.
    pub(crate) missing_right: Option<String>,
}

/// Counters of pods by namespace and name.
type Counted = BTreeMap<(String, String), Counters>;

/// Asks the nodes of all pods that run, and gives the pods what was counted for them.
pub(crate) async fn count(client: &Client, cluster: &str, pods: &mut [PodState], now: Timestamp) -> Asked {
    let nodes: BTreeSet<&str> =
        pods.iter().filter(|pod| pod.phase == "Running").filter_map(|pod| pod.node.as_deref()).collect();
    let mut asked =
        Asked { state: CadvisorState { nodes: nodes.len(), unread: 0 }, fault: None, missing_right: None };
    let (mut counted, mut first) = (Counted::new(), None);
    let mut nodes = nodes.into_iter();
    // The first alone: a right that is missing is missing for all of them.
    if let Some(node) = nodes.next() {
        match node_counters(client, cluster, node, now).await {
            Ok(of_node) => counted.extend(of_node),
            Err(error) if matches!(error.cause, Cause::Forbidden(_)) => {
                asked.state.unread = asked.state.nodes;
                asked.missing_right = Some(error.cause.to_string());
                asked.fault = Some(unread(cluster, asked.state, &error));
                return asked;
            }
            Err(error) => first = Some(error),
        }
    }
    asked.state.unread = usize::from(first.is_some());
    let rest: Vec<_> = nodes.map(|node| node_counters(client, cluster, node, now)).collect();
    let mut answers = stream::iter(rest).buffer_unordered(AT_ONCE);
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(of_node) => counted.extend(of_node),
            Err(error) => {
                asked.state.unread += 1;
                first.get_or_insert(error);
            }
        }
    }
    drop(answers);
    asked.fault = first.map(|error| unread(cluster, asked.state, &error));
    for pod in pods {
        if let Some(counters) = counted.remove(&(pod.workload.namespace.clone(), pod.pod.clone())) {
            pod.count(counters);
        }
    }
    asked
}

async fn node_counters(
    client: &Client,
    cluster: &str,
    node: &str,
    now: Timestamp,
) -> Result<Counted, ClientError> {
    let path = format!("/api/v1/nodes/{}/proxy/metrics/cadvisor", escape(node));
    let page = read(&client.get(&path).await?, now);
    // What was cut off would be missing without a word; of a line that nobody understands that cannot be said.
    let foreign = page.report.first_skipped.filter(|_| page.pods.is_empty());
    match page.report.truncated.or(foreign) {
        None => Ok(page.pods),
        Some(line) => {
            let cause = Cause::Malformed(format!("{line} of the page"));
            Err(ClientError { method: "GET", path, cluster: cluster.to_owned(), cause })
        }
    }
}

fn unread(cluster: &str, state: CadvisorState, error: &ClientError) -> Fault {
    let CadvisorState { nodes, unread } = state;
    let fault = Fault::from(error.clone());
    let message =
        format!("cAdvisor of {unread} of {nodes} nodes could not be read; the first: {}", fault.message);
    Fault {
        operation: "kubernetes:GET nodes/proxy".to_owned(),
        subject: cluster.to_owned(),
        message,
        ..fault
    }
}

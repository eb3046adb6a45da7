//! What pods use, by the Metrics API: asked beside the pods, in the first version that answers. Its failure is its own.

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use fargaze::kubernetes::api;
use fargaze::kubernetes::usage::PodUsage;
use fargaze_kubernetes::{Cause, Client, ClientError};
use tokio::time::{sleep, timeout};

/// Group of the Metrics API.
pub(crate) const METRICS: &str = "metrics.k8s.io";

/// Where the API groups are listed.
const GROUPS: &str = "/apis";

/// The versions that Metrics Server has had so far, the one that all of its releases serve first.
const KNOWN: [&str; 2] = ["v1beta1", "v1"];

/// How long a version may take before the next one is asked. Each has a server of its own, and that of the preferred
/// one may hang. The list of groups has as long.
const TURN: Duration = Duration::from_secs(3);

/// How long after the pods usage may come. metrics-server answers from its memory, and all else of the cluster is
/// there by then.
const AFTER_PODS: Duration = Duration::from_secs(5);

/// Usage of pods by namespace and name.
pub(crate) type ByPod = HashMap<(String, String), PodUsage>;

/// How the question about usage ended.
#[derive(Debug)]
pub(crate) enum Usage {
    /// It was answered.
    Known(Known),
    /// There is nobody to ask: Metrics Server is not installed.
    Missing,
    /// It was not answered.
    Failed(Failed),
}

/// What pods use.
#[derive(Debug)]
pub(crate) struct Known {
    /// The version that answered.
    pub(crate) version: String,
    pub(crate) pods: ByPod,
    /// Entries that cannot be read, one sentence each.
    pub(crate) bad: Vec<String>,
    /// The preferred version, if it did not answer.
    pub(crate) passed_over: Option<Failed>,
}

/// A version that did not answer.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) version: String,
    pub(crate) error: ClientError,
}

impl Failed {
    /// Whether it is the Metrics API that fails, and not the right to ask it, or the API server before it.
    pub(crate) fn is_of_metrics(&self, api_server_answers: bool) -> bool {
        match &self.error.cause {
            Cause::NotFound(_)
            | Cause::Unavailable(_)
            | Cause::Status { .. }
            | Cause::Malformed(_)
            | Cause::TooLarge { .. }
            | Cause::Gone(_)
            | Cause::Conflict(_)
            | Cause::Immutable(_)
            | Cause::Terminating(_) => true,
            Cause::Unauthorized
            | Cause::Forbidden(_)
            | Cause::TooManyRequests(_)
            | Cause::Endpoint(_)
            | Cause::Path
            | Cause::Tls(_)
            | Cause::Token(_)
            | Cause::Deadline => false,
            Cause::Dns(_)
            | Cause::Refused
            | Cause::ConnectTimeout(_)
            | Cause::Connect(_)
            | Cause::Handshake(_)
            | Cause::Broken(_)
            | Cause::Stalled { .. }
            | Cause::Late(_)
            | Cause::Cut { .. } => api_server_answers,
        }
    }
}

/// Asks the versions one after the other, until some time after the pods are there.
pub(crate) async fn ask(client: &Client, pods: impl Future<Output = ()>) -> Usage {
    let mut late = pin!(async {
        pods.await;
        sleep(AFTER_PODS).await;
    });
    let failed = |version: &str, path| {
        let (version, error) = (version.to_owned(), too_late(client, path, AFTER_PODS));
        Usage::Failed(Failed { version, error })
    };
    let groups = tokio::select! {
        biased;
        groups = timeout(TURN, groups(client)) => groups,
        () = &mut late => return failed(KNOWN[0], GROUPS.to_owned()),
    };
    let groups = groups.unwrap_or_else(|_| Err(too_late(client, GROUPS.to_owned(), TURN)));
    let versions = match &groups {
        Ok(groups) => groups.versions(METRICS),
        // All that is lost by it is which version is preferred.
        Err(error) => {
            tracing::warn!(%error, "the API groups cannot be listed; asking for the versions of the Metrics API that there are");
            KNOWN.to_vec()
        }
    };
    let Some(first) = versions.first() else { return Usage::Missing };
    let usage = tokio::select! {
        biased;
        usage = in_turn(client, &versions) => usage,
        () = late => failed(first, path(first)),
    };
    match usage {
        Usage::Known(known) if groups.is_err() => Usage::Known(Known { passed_over: None, ..known }),
        usage => usage,
    }
}

/// Which API groups the server has. Only their versions are asked for by it, and usage alone needs those.
async fn groups(client: &Client) -> Result<api::ApiGroupList, ClientError> {
    serde_json::from_slice(&client.get(GROUPS).await?).map_err(|error| ClientError {
        method: "GET",
        path: GROUPS.to_owned(),
        cluster: client.cluster().to_owned(),
        cause: Cause::Malformed(error.to_string()),
    })
}

async fn in_turn(client: &Client, versions: &[&str]) -> Usage {
    let mut failed = Vec::new();
    for (at, version) in versions.iter().enumerate() {
        let listed = list(client, version);
        let listed = if at + 1 == versions.len() {
            listed.await
        } else {
            timeout(TURN, listed).await.unwrap_or_else(|_| Err(too_late(client, path(version), TURN)))
        };
        match listed {
            Ok(known) => return Usage::Known(Known { passed_over: failed.into_iter().next(), ..known }),
            Err(error) => {
                let one = Failed { version: (*version).to_owned(), error };
                let is_same_for_all = !one.is_of_metrics(true);
                failed.push(one);
                if is_same_for_all {
                    break;
                }
            }
        }
    }
    let is_there = |one: &Failed| !matches!(one.error.cause, Cause::NotFound(_));
    failed.into_iter().find(is_there).map_or(Usage::Missing, Usage::Failed)
}

async fn list(client: &Client, version: &str) -> Result<Known, ClientError> {
    let (mut pods, mut bad) = (ByPod::new(), Vec::new());
    let path = path(version);
    let listed = client.list::<api::PodMetrics>(&path, |page| {
        for metrics in page {
            match PodUsage::read(metrics) {
                Ok(Some(read)) => {
                    pods.insert((read.namespace.clone(), read.name.clone()), read);
                }
                // Metrics Server has not seen it yet.
                Ok(None) => {}
                Err(error) => bad.push(error.to_string()),
            }
        }
    });
    listed.await?;
    Ok(Known { version: version.to_owned(), pods, bad, passed_over: None })
}

fn path(version: &str) -> String {
    format!("/apis/{METRICS}/{version}/pods")
}

fn too_late(client: &Client, path: String, time: Duration) -> ClientError {
    let (cluster, cause) = (client.cluster().to_owned(), Cause::Late(time));
    ClientError { method: "GET", path, cluster, cause }
}

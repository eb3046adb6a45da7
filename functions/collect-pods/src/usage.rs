//! Pod usage from the Metrics API, read at the same time as the pods, in the first version that
//! responds. Its failure affects nothing else.

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

/// The versions of Metrics Server so far; the first is served by all of its releases.
const KNOWN: [&str; 2] = ["v1beta1", "v1"];

/// How long a version may take before the next one is tried. Each version has its own server, and
/// that of the preferred one may hang. The list of groups has the same limit.
const PER_VERSION: Duration = Duration::from_secs(3);

/// How long after the pods usage may arrive. metrics-server responds from memory, and everything
/// else of the cluster has arrived by then.
const AFTER_PODS: Duration = Duration::from_secs(5);

/// Usage of pods by namespace and name.
pub(crate) type ByPod = HashMap<(String, String), PodUsage>;

/// The result of reading usage.
#[derive(Debug)]
pub(crate) enum Usage {
    /// The Metrics API responded.
    Known(Known),
    /// Metrics Server is not installed.
    Missing,
    /// The Metrics API failed.
    Failed(Failed),
}

/// What pods use.
#[derive(Debug)]
pub(crate) struct Known {
    /// The version that responded.
    pub(crate) version: String,
    pub(crate) pods: ByPod,
    /// Problems of unreadable entries, one sentence each.
    pub(crate) bad: Vec<String>,
    /// The preferred version, if it did not respond.
    pub(crate) passed_over: Option<Failed>,
}

/// A version that did not respond.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) version: String,
    pub(crate) error: ClientError,
}

impl Failed {
    /// Whether the Metrics API itself fails, rather than the permission for it or the API server
    /// before it.
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

/// Tries the versions one after the other, until some time after the pods have arrived.
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
        groups = timeout(PER_VERSION, groups(client)) => groups,
        () = &mut late => return failed(KNOWN[0], GROUPS.to_owned()),
    };
    let groups = groups.unwrap_or_else(|_| Err(too_late(client, GROUPS.to_owned(), PER_VERSION)));
    let versions = match &groups {
        Ok(groups) => groups.versions(METRICS),
        // Only the preferred version is lost.
        Err(error) => {
            tracing::warn!(%error, "the API groups cannot be listed; trying the known versions of the Metrics API");
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

/// Lists the server's API groups. Their versions are needed only for usage.
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
            timeout(PER_VERSION, listed)
                .await
                .unwrap_or_else(|_| Err(too_late(client, path(version), PER_VERSION)))
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
    let exists = |one: &Failed| !matches!(one.error.cause, Cause::NotFound(_));
    failed.into_iter().find(exists).map_or(Usage::Missing, Usage::Failed)
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
                // Metrics Server has not scraped it yet.
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

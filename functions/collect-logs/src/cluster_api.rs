//! The Kubernetes API of an EKS cluster, with the rights of the group `fargaze-log-readers`: where
//! its pods log to, and the last lines of one container. Only for clusters for which the user's
//! file says `pod-logs: read`.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_config::SdkConfig;
use fargaze::evidence::pods::NamedPod;
use fargaze::kubernetes::api::SelfSubjectAccessReview;
use fargaze::kubernetes::logging::Outputs;
use fargaze::logs::excerpt::LAST_LINES;
use fargaze::logs::rights;
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::Target;
use fargaze::reconcile::{CONFIG_MAP, NAMESPACE};
use fargaze_aws::Eks;
use fargaze_kubernetes::{Cause, Client, ClientError, Explanation, Limits, escape};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::Handler;

/// Requests in flight at once, over all clusters.
const AT_ONCE: usize = 4;
/// Bytes of a container's last lines.
const MOST_BYTES: u32 = 64 * 1024;

/// What is read, as faults name it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reads {
    ConfigMap,
    PodLog,
}

impl Reads {
    fn operation(self) -> Operation {
        let path = match self {
            Self::ConfigMap => "configmaps/aws-logging",
            Self::PodLog => "pods/log",
        };
        Operation::kubernetes("GET", path)
    }
}

#[derive(Deserialize)]
struct ConfigMap {
    #[serde(default)]
    data: Option<BTreeMap<String, String>>,
}

impl Handler {
    /// A client for a cluster's API.
    pub(crate) async fn cluster_api(
        &self,
        sdk: &SdkConfig,
        target: &Target,
        cluster: &ClusterName,
        until: Instant,
    ) -> Result<Client, Fault> {
        let Some(described) = Eks::new(sdk).describe_cluster(cluster).await? else {
            return Err(Fault {
                operation: Operation::EksDescribeCluster,
                subject: cluster.to_string(),
                kind: FaultKind::NotFound,
                code: "ResourceNotFoundException".to_owned(),
                message: "the cluster no longer exists".to_owned(),
            });
        };
        let limits = Limits::until(until, Arc::new(Semaphore::new(AT_ONCE)));
        let client = Client::of_cluster(sdk, &target.region, &described, limits)?;
        Ok(client.over(Arc::clone(&self.network)))
    }
}

/// The log groups that the log router of Fargate writes to; none if it is not set up.
pub(crate) async fn log_groups(client: &Client) -> Result<Vec<String>, Fault> {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{CONFIG_MAP}");
    match client.get(&path).await {
        Ok(body) => {
            let map: ConfigMap = serde_json::from_slice(&body).map_err(|error| {
                Fault::malformed(Reads::ConfigMap.operation(), client.cluster(), error.to_string())
            })?;
            Ok(Outputs::read(&map.data.unwrap_or_default()).log_groups)
        }
        Err(ClientError { cause: Cause::NotFound(Explanation::Status { .. }), .. }) => Ok(Vec::new()),
        Err(error) => Err(named(Reads::ConfigMap, client, error)),
    }
}

/// Which permission to read logs is missing, if the server says so (`SelfSubjectAccessReview`).
pub(crate) async fn refusal(client: &Client) -> Option<String> {
    for right in rights() {
        let question = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": right},
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = client.review(path, &question).await.ok()?;
        let review: SelfSubjectAccessReview = serde_json::from_slice(&answer).ok()?;
        if !review.status.allowed {
            let subresource =
                if right.subresource.is_empty() { String::new() } else { format!("/{}", right.subresource) };
            return Some(format!("the role may not {} {}{subresource}", right.verb, right.resource));
        }
    }
    None
}

/// The last lines of a container: of its instance before the last restart, or of the current one.
pub(crate) async fn last_lines(
    client: &Client,
    namespace: &str,
    NamedPod { name, container }: &NamedPod,
    previous: bool,
) -> Result<String, Fault> {
    let container = container.as_deref().map(|name| format!("&container={}", escape(name)));
    let path = format!(
        "/api/v1/namespaces/{}/pods/{}/log?tailLines={LAST_LINES}&limitBytes={MOST_BYTES}&previous={previous}{}",
        escape(namespace),
        escape(name),
        container.unwrap_or_default()
    );
    let body = client.get(&path).await.map_err(|error| named(Reads::PodLog, client, error))?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// The error as a fault that names what was read, not where.
fn named(reads: Reads, client: &Client, error: ClientError) -> Fault {
    let fault = Fault::from(error);
    Fault { operation: reads.operation(), subject: client.cluster().to_owned(), ..fault }
}

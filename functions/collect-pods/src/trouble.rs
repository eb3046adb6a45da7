//! What keeps a cluster from being read: asks the server and EKS what they can still tell.

use fargaze::eks::EksCluster;
use fargaze::kubernetes::api::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectReview};
use fargaze::kubernetes::client::{Cause, Client, ClientError};
use fargaze::pods::{Caller, Finding, RIGHTS, Trouble, finding as mend};
use serde_json::{Value, json};

use crate::clusters::{Reader, Reading};

impl Reader<'_> {
    /// Reads a cluster; none if it has been deleted since it was listed. A cluster that cannot be read is there unless EKS
    /// says otherwise.
    pub(crate) async fn read_if_there(&self, cluster: &EksCluster) -> Option<Reading> {
        let reading = self.read(cluster).await;
        let is_gone = reading.is_unread()
            && match self.eks.describe_cluster(&cluster.name).await {
                Ok(None) => true,
                Ok(Some(now)) => now.status == "DELETING",
                Err(fault) => {
                    tracing::warn!(%fault, "whether the cluster still exists cannot be asked");
                    false
                }
            };
        (!is_gone).then_some(reading)
    }
}

/// The finding that goes with an error.
pub(crate) async fn finding(
    reader: &Reader<'_>,
    client: Option<&Client>,
    cluster: &EksCluster,
    error: &ClientError,
) -> Finding {
    let trouble = match &error.cause {
        Cause::Dns(_) => Trouble::Dns,
        Cause::Refused | Cause::ConnectTimeout(_) | Cause::Connect(_) => {
            Trouble::Connect(error.cause.to_string())
        }
        Cause::Tls(why) => Trouble::Tls(why.to_string()),
        Cause::Token(why) => Trouble::Token(why.to_string()),
        Cause::Unauthorized => {
            let entry = reader.eks.has_access_entry(&cluster.name, reader.role).await;
            let entry = entry.map_err(|fault| tracing::warn!(%fault, "access entries cannot be asked")).ok();
            Trouble::Unauthorized { entry }
        }
        Cause::Forbidden(explanation) => {
            let (groups, missing) = match client {
                Some(client) => (groups(client).await, missing(client).await),
                None => (Vec::new(), Vec::new()),
            };
            Trouble::Forbidden { message: explanation.to_string(), groups, missing }
        }
        Cause::Unavailable(answer) if error.path.starts_with("/apis/metrics.k8s.io") => {
            Trouble::MetricsDown(format!("503: {answer}"))
        }
        cause => Trouble::Other(cause.to_string()),
    };
    mend(&trouble, cluster, caller(reader))
}

/// The finding of a cluster without Metrics Server.
pub(crate) fn no_metrics(reader: &Reader<'_>, cluster: &EksCluster) -> Finding {
    mend(&Trouble::NoMetrics, cluster, caller(reader))
}

/// The finding of a cluster in which cAdvisor may not be read, although the user's file asks for it.
pub(crate) fn no_node_proxy(reader: &Reader<'_>, cluster: &EksCluster, message: String) -> Finding {
    mend(&Trouble::NodeProxy { message }, cluster, caller(reader))
}

fn caller<'a>(reader: &'a Reader<'_>) -> Caller<'a> {
    Caller { region: &reader.target.region, role: reader.role }
}

/// Groups that the server takes us to be in (`SelfSubjectReview`); none if it does not say.
async fn groups(client: &Client) -> Vec<String> {
    let question = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let answer = client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &question).await;
    let review = answer.ok().and_then(|body| serde_json::from_slice::<SelfSubjectReview>(&body).ok());
    review.map(|review| review.status.user_info.groups).unwrap_or_default()
}

/// What we may not do of what we must (`SelfSubjectAccessReview`); a question that is not answered counts as answered.
async fn missing(client: &Client) -> Vec<ResourceAttributes> {
    let mut missing = Vec::new();
    for (group, resource) in RIGHTS {
        let right = ResourceAttributes {
            verb: "list".to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            ..ResourceAttributes::default()
        };
        if may(client, &right).await == Some(false) {
            missing.push(right);
        }
    }
    missing
}

async fn may(client: &Client, right: &ResourceAttributes) -> Option<bool> {
    let question: Value = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": right},
    });
    let answer =
        client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &question).await.ok()?;
    let review: SelfSubjectAccessReview = serde_json::from_slice(&answer).ok()?;
    Some(review.status.allowed)
}

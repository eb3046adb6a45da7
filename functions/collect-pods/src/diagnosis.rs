//! Diagnoses why a cluster cannot be read, with what the server and EKS still answer.

use std::collections::BTreeSet;

use fargaze::evidence::eks::EksCluster;
use fargaze::evidence::pods::{
    AccessEntry, Caller, Diagnosis, GROUP, RIGHTS, Refusal, SetupProblem, right_to_list, to_list,
};
use fargaze::kubernetes::api::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectReview};
use fargaze::model::run::Target;
use fargaze_kubernetes::{Cause, Client, ClientError, TlsError};
use serde_json::{Value, json};

use crate::reader::Reader;

/// The finding for a cluster that could not be read; `None` for a missing permission, which
/// [`forbidden`] reports.
pub(crate) async fn finding(
    reader: &Reader<'_>,
    cluster: &EksCluster,
    error: &ClientError,
) -> Option<SetupProblem> {
    let diagnosis = match &error.cause {
        Cause::Forbidden(_) => return None,
        Cause::Dns(_) => Diagnosis::Dns,
        Cause::Refused => Diagnosis::Refused,
        Cause::ConnectTimeout(_) | Cause::Connect(_) => Diagnosis::Connect(error.cause.to_string()),
        Cause::Handshake(_) | Cause::Broken(_) | Cause::Cut { .. } => {
            Diagnosis::Broken(error.cause.to_string())
        }
        Cause::Tls(why @ (TlsError::UnknownIssuer | TlsError::WrongName)) => {
            Diagnosis::Stranger(why.to_string())
        }
        Cause::Tls(why) if why.is_false_identity() => Diagnosis::Certificate(why.to_string()),
        Cause::Token(why) => Diagnosis::Token(why.to_string()),
        Cause::Unauthorized => Diagnosis::Unauthorized(entry(reader, cluster).await),
        cause => Diagnosis::Other(cause.to_string()),
    };
    Some(remedied(reader, cluster, &diagnosis))
}

/// The finding for all lists that were forbidden: which permissions are missing, including those of
/// lists that were not requested.
pub(crate) async fn forbidden(
    reader: &Reader<'_>,
    client: &Client,
    cluster: &EksCluster,
    refused: &[ClientError],
) -> SetupProblem {
    let denied: BTreeSet<ResourceAttributes> =
        refused.iter().filter_map(|error| right_to_list(&error.path)).collect();
    let mut missing = Vec::new();
    for right in RIGHTS.map(|(group, resource)| to_list(group, resource)) {
        let may = may(client, &right).await;
        if may == Some(false) || may.is_none() && denied.contains(&right) {
            missing.push(right);
        }
    }
    let groups = groups(client).await;
    // Only needed if the role is in other groups.
    let entry = if groups.iter().any(|group| group == GROUP) {
        AccessEntry::Unknown
    } else {
        entry(reader, cluster).await
    };
    let message = refused.first().map(|error| error.cause.to_string()).unwrap_or_default();
    remedied(reader, cluster, &Diagnosis::Forbidden(Refusal { message, groups, entry, missing }))
}

/// The problem, with its remedy in this cluster for this role.
pub(crate) fn remedied(reader: &Reader<'_>, cluster: &EksCluster, diagnosis: &Diagnosis) -> SetupProblem {
    let Target { account, region, .. } = reader.target;
    let caller = Caller { account, region, role: reader.role };
    fargaze::evidence::pods::finding(diagnosis, cluster, caller)
}

/// Reads the access entry of the role.
async fn entry(reader: &Reader<'_>, cluster: &EksCluster) -> AccessEntry {
    match reader.eks.access_entry(&cluster.name, reader.role).await {
        Ok(None) => AccessEntry::None,
        Ok(Some(groups)) => AccessEntry::Groups(groups),
        Err(fault) => {
            tracing::warn!(%fault, "could not read the access entry");
            AccessEntry::Unknown
        }
    }
}

/// The groups that the server assigns to fargaze (`SelfSubjectReview`); empty if it does not say.
async fn groups(client: &Client) -> Vec<String> {
    let question = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let answer = client.review("/apis/authentication.k8s.io/v1/selfsubjectreviews", &question).await;
    let review = answer.ok().and_then(|body| serde_json::from_slice::<SelfSubjectReview>(&body).ok());
    review.map(|review| review.status.user_info.groups).unwrap_or_default()
}

/// Whether fargaze has a permission (`SelfSubjectAccessReview`); `None` if the server does not say.
async fn may(client: &Client, right: &ResourceAttributes) -> Option<bool> {
    let question: Value = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": right},
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let answer = client.review(path, &question).await.ok()?;
    let review: SelfSubjectAccessReview = serde_json::from_slice(&answer).ok()?;
    Some(review.status.allowed)
}

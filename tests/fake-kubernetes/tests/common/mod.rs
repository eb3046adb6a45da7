//! A client for a server of the estate.
#![allow(dead_code, reason = "each test file takes what it needs")]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource};
use fake_kubernetes::{Estate, FakeKubernetes, Handle, Identity};
use fargaze_kubernetes::{Access, Cause, Client, ClientError, Limits};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The fields that the tests read from any object.
#[derive(Debug, Deserialize)]
pub(crate) struct Object {
    pub(crate) metadata: Metadata,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) namespace: String,
}

/// The time of the tests' clusters.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T10:05:00Z".parse().unwrap()
}

pub(crate) fn keys(identity: &Identity, ends: Option<SystemTime>) -> SharedCredentialsProvider {
    let Identity { access_key_id, secret_access_key, session_token, .. } = identity;
    let keys = Credentials::new(access_key_id, secret_access_key, session_token.clone(), ends, "test");
    SharedCredentialsProvider::new(keys)
}

/// The access of fargaze's role.
pub(crate) fn access(server: &Handle) -> Access {
    Access {
        cluster: "shop".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: server.endpoint(),
        certificate_authority: server.ca_base64().to_owned(),
        credentials: keys(&Identity::collector(), None),
        time: SharedTimeSource::new(StaticTimeSource::new(now().into())),
    }
}

/// Limits that only the subject of a test can exceed; waits between attempts are short.
pub(crate) fn limits() -> Limits {
    let deadline = Instant::now() + Duration::from_mins(2);
    let longest_wait = Duration::from_millis(1);
    Limits { longest_wait, ..Limits::until(deadline, Arc::new(Semaphore::new(8))) }
}

pub(crate) async fn serve(estate: Estate) -> (Handle, Client) {
    let server = FakeKubernetes::start(estate).await;
    let client = Client::new(access(&server), limits()).unwrap();
    (server, client)
}

/// A cluster with some pods, its server, and a client.
pub(crate) async fn seeded(pods: usize) -> (Handle, Client) {
    serve(Estate::seeded(1, pods, now())).await
}

/// `namespace/name` of all objects of a list.
pub(crate) async fn names(client: &Client, path: &str) -> Result<Vec<String>, ClientError> {
    let mut names = Vec::new();
    let keep = |objects: Vec<Object>| {
        let full = |Object { metadata: Metadata { name, namespace } }| format!("{namespace}/{name}");
        names.extend(objects.into_iter().map(full));
    };
    client.list(path, keep).await?;
    Ok(names)
}

/// Why the pods could not be listed.
pub(crate) async fn refusal(client: &Client) -> Cause {
    names(client, "/api/v1/pods").await.unwrap_err().cause
}

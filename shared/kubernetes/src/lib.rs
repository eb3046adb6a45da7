//! A thin client for the API server of an EKS cluster: lists, single objects, reviews; no watches.
//!
//! [`Client::list`] reads page by page and passes each page on before it requests the next,
//! [`Client::list_all`] collects them; [`Client::get`], [`Client::post`], [`Client::put`] and
//! [`Client::delete`] transfer one JSON or text body, [`Client::review`] asks the API server for
//! the caller's identity and permissions. [`ClientError`] distinguishes errors that are fixed in
//! different places. A client belongs to one run: it keeps the run's deadline, and signs its tokens
//! with the role's credentials.

mod body;
mod call;
mod connection;
mod eks;
mod error;
mod list;
mod network;
mod retry;
mod session;
mod tls;
mod token;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::SharedTimeSource;
use http::Method;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use call::Call;
use connection::Origin;
use session::Session;

pub use error::{Cause, ClientError, Explanation, TlsError};
pub use list::{Walk, escape};
pub use network::{Network, Reached, Stream, Tcp};
pub use token::{BearerToken, TokenError};

/// Endpoint of a cluster and credentials for it.
#[derive(Clone)]
pub struct Access {
    /// The cluster's name; the token is bound to it.
    pub cluster: String,
    /// Its Region.
    pub region: String,
    /// `DescribeCluster`'s `endpoint`.
    pub endpoint: String,
    /// `DescribeCluster`'s `certificateAuthority.data`: base64 of PEM.
    pub certificate_authority: String,
    /// Credentials of the role that the cluster has an access entry for.
    pub credentials: SharedCredentialsProvider,
    /// The clock for signatures.
    pub time: SharedTimeSource,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cluster, region, endpoint, .. } = self;
        f.debug_struct("Access")
            .field("cluster", cluster)
            .field("region", region)
            .field("endpoint", endpoint)
            .finish_non_exhaustive()
    }
}

/// Limits of time and concurrency.
#[derive(Debug, Clone)]
pub struct Limits {
    /// When the run must have finished with the cluster.
    pub deadline: Instant,
    /// Requests at once, over all clients that share the semaphore. 4 to 8 are gentle on API
    /// Priority and Fairness.
    pub at_once: Arc<Semaphore>,
    /// How long connecting may take, with the TLS handshake.
    pub connect: Duration,
    /// How long the server may be silent while a response is awaited; for a kubelet it is 8 s at
    /// most.
    pub silence: Duration,
    /// The longest wait before another attempt, whatever `Retry-After` says.
    pub longest_wait: Duration,
}

impl Limits {
    /// The usual limits: 5 s to connect, 20 s of silence (for a kubelet without a route, the server
    /// needs 3 s and more), 10 s before another attempt.
    pub fn until(deadline: Instant, at_once: Arc<Semaphore>) -> Self {
        Self {
            deadline,
            at_once,
            connect: Duration::from_secs(5),
            silence: Duration::from_secs(20),
            longest_wait: Duration::from_secs(10),
        }
    }
}

/// A client for one cluster during one run.
pub struct Client {
    access: Access,
    limits: Limits,
    origin: Origin,
    session: Session,
    /// Whether the server has ever responded.
    has_answered: AtomicBool,
    calls: AtomicU64,
    bytes: AtomicU64,
}

impl Client {
    /// Parses the CA and the endpoint; makes no request yet.
    pub fn new(access: Access, limits: Limits) -> Result<Self, ClientError> {
        let origin = tls::config(&access.certificate_authority)
            .map_err(Cause::Tls)
            .and_then(|config| Origin::new(&access.endpoint, config));
        let origin = origin.map_err(|cause| ClientError {
            method: "connect to",
            path: access.endpoint.clone(),
            cluster: access.cluster.clone(),
            cause,
        })?;
        let (calls, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self {
            access,
            limits,
            origin,
            session: Session::default(),
            has_answered: AtomicBool::new(false),
            calls,
            bytes,
        })
    }

    /// Uses another network than TCP.
    #[must_use]
    pub fn over(self, network: Arc<dyn Network>) -> Self {
        Self { origin: self.origin.over(network), ..self }
    }

    /// Name of the cluster.
    pub fn cluster(&self) -> &str {
        &self.access.cluster
    }

    /// Reads one object, or one text of a node proxy. Names in the path must be escaped, see
    /// [`escape`].
    pub async fn get(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        self.ask(Call::get(path)).await
    }

    /// Posts a review (`SelfSubjectReview`, `SelfSubjectAccessReview`), which changes nothing.
    pub async fn review(&self, path: &str, question: &impl Serialize) -> Result<Vec<u8>, ClientError> {
        self.send(Method::POST, path, question, true).await
    }

    /// Creates an object.
    pub async fn post(&self, path: &str, object: &impl Serialize) -> Result<Vec<u8>, ClientError> {
        self.send(Method::POST, path, object, false).await
    }

    /// Replaces an existing object.
    pub async fn put(&self, path: &str, object: &impl Serialize) -> Result<Vec<u8>, ClientError> {
        self.send(Method::PUT, path, object, false).await
    }

    /// Deletes an object; `options` are `DeleteOptions`, whose preconditions name the object's
    /// identity and version.
    pub async fn delete(&self, path: &str, options: &impl Serialize) -> Result<Vec<u8>, ClientError> {
        self.send(Method::DELETE, path, options, false).await
    }

    /// Requests sent so far; each attempt counts.
    pub fn calls(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    /// Bytes of response bodies received so far, as sent: compressed if they were.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        object: &impl Serialize,
        is_safe: bool,
    ) -> Result<Vec<u8>, ClientError> {
        match serde_json::to_vec(object) {
            Ok(body) => self.ask(Call { method, path, body: body.into(), is_safe }).await,
            Err(error) => Err(self.error(&method, path, Cause::Malformed(error.to_string()))),
        }
    }

    async fn ask(&self, call: Call<'_>) -> Result<Vec<u8>, ClientError> {
        self.call(&call).await.map_err(|refused| self.error(&call.method, call.path, refused.cause))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("access", &self.access).finish_non_exhaustive()
    }
}

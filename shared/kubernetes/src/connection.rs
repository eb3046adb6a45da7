//! Connections to the API server: HTTP/1.1 over TLS, each reused while the server keeps it open.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::error::Cause;
use super::network::{Network, Tcp};
use super::tls;

/// A connection that can take a request.
pub(super) type Connection = SendRequest<Full<Bytes>>;

/// A request, and how it may be sent.
pub(super) struct Outgoing {
    pub(super) request: Request<Full<Bytes>>,
    /// Whether it changes nothing, so that it may be sent twice.
    pub(super) is_safe: bool,
    /// Whether to use a new connection: one has just broken, and idle ones may lead to the same
    /// server.
    pub(super) on_new_connection: bool,
}

/// The API server of one cluster.
pub(super) struct Origin {
    host: String,
    port: u16,
    authority: String,
    name: ServerName<'static>,
    tls: TlsConnector,
    network: Arc<dyn Network>,
    idle: Mutex<Vec<Connection>>,
}

impl Origin {
    /// Parses `endpoint` as `DescribeCluster` returns it: `https://HOST[:PORT]`.
    pub(super) fn new(endpoint: &str, config: Arc<ClientConfig>) -> Result<Self, Cause> {
        let bad = || Cause::Endpoint(endpoint.to_owned());
        let uri: Uri = endpoint.parse().map_err(|_| bad())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("https")).ok_or_else(bad)?;
        if !matches!(uri.path(), "" | "/") || authority.as_str().contains('@') {
            return Err(bad());
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        Ok(Self {
            name: ServerName::try_from(host.clone()).map_err(|_| bad())?,
            host,
            port: authority.port_u16().unwrap_or(443),
            authority: authority.as_str().to_owned(),
            tls: TlsConnector::from(config),
            network: Arc::new(Tcp),
            idle: Mutex::default(),
        })
    }

    /// Uses another network.
    pub(super) fn over(self, network: Arc<dyn Network>) -> Self {
        Self { network, ..self }
    }

    /// Value of the `Host` header.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Sends the request and returns the response head, with the connection to return after the
    /// body is read. `connect` limits establishing a new connection, `silence` limits waiting for
    /// the response head.
    ///
    /// The server may close an idle connection at any time. A request that was not written, or that
    /// changes nothing, is therefore sent once more on a new one (RFC 9110, section 9.2.2).
    pub(super) async fn send(
        &self,
        Outgoing { request, is_safe, on_new_connection }: Outgoing,
        connect: Duration,
        silence: Duration,
    ) -> Result<(Response<Incoming>, Connection), Cause> {
        let stalled = |_| Cause::Stalled { waited: silence, bytes: 0 };
        while let Some(mut old) = if on_new_connection { None } else { self.take_idle() } {
            if old.ready().await.is_err() {
                continue;
            }
            match timeout(silence, old.try_send_request(request.clone())).await.map_err(stalled)? {
                Ok(response) => return Ok((response, old)),
                Err(error) if error.message().is_some() || is_safe => {}
                Err(error) => return Err(Cause::Broken(error.into_error().to_string())),
            }
        }
        let mut new = self.connect(connect).await?;
        let sent = timeout(silence, new.send_request(request)).await.map_err(stalled)?;
        Ok((sent.map_err(|error| Cause::Broken(error.to_string()))?, new))
    }

    /// Keeps a connection whose response was read to the end.
    pub(super) fn give_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    /// Closes all idle connections.
    pub(super) fn forget_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| !connection.is_closed());
        idle.pop()
    }

    async fn connect(&self, within: Duration) -> Result<Connection, Cause> {
        timeout(within, self.open(within)).await.unwrap_or(Err(Cause::ConnectTimeout(within)))
    }

    async fn open(&self, within: Duration) -> Result<Connection, Cause> {
        let stream = self.network.reach(&self.host, self.port, within).await?;
        let stream = self.tls.connect(self.name.clone(), stream).await;
        let stream = stream.map_err(|error| tls::failed_handshake(&error))?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| Cause::Broken(error.to_string()))?;
        // Its error reaches the caller that waits for the response.
        tokio::spawn(connection);
        Ok(sender)
    }
}

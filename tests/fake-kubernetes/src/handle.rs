//! Starting, changing, watching and stopping a server.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{DuplexStream, duplex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::crash::Crash;
use crate::estate::Estate;
use crate::fault::Fault;
use crate::meter::Meter;
use crate::state::State;
use crate::{server, tls};

/// Bytes that a connection without a socket buffers in each direction.
const BUFFER: usize = 64 << 10;

/// Starts servers; many may run in one process.
#[derive(Debug)]
pub struct FakeKubernetes;

/// A running server; it stops when the handle is dropped.
pub struct Handle {
    /// `None` without a socket.
    address: Option<SocketAddr>,
    endpoint: String,
    ca_base64: String,
    acceptor: TlsAcceptor,
    state: Arc<State>,
    server: Option<JoinHandle<()>>,
}

impl FakeKubernetes {
    /// Serves the estate on a free port of the loopback interface.
    pub async fn start(estate: Estate) -> Handle {
        let identity = tls::Identity::new(&estate.server_names, estate.certificate_expired);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::new(estate));
        let acceptor = TlsAcceptor::from(identity.config);
        let server = tokio::spawn(server::serve(listener, acceptor.clone(), Arc::clone(&state)));
        Handle {
            address: Some(address),
            endpoint: format!("https://{address}"),
            ca_base64: identity.ca_base64,
            acceptor,
            state,
            server: Some(server),
        }
    }

    /// Serves the estate without a socket, for [`Handle::connect`] alone, under the first of its
    /// names. Tokio's clock may be paused: waiting for a socket would look idle, and the clock
    /// would jump ahead.
    pub fn in_process(estate: Estate) -> Handle {
        let identity = tls::Identity::new(&estate.server_names, estate.certificate_expired);
        let endpoint = format!("https://{}", estate.server_names[0]);
        Handle {
            address: None,
            endpoint,
            ca_base64: identity.ca_base64,
            acceptor: TlsAcceptor::from(identity.config),
            state: Arc::new(State::new(estate)),
            server: None,
        }
    }
}

impl Handle {
    /// The address on which it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address.expect("a server in process listens nowhere")
    }

    /// `DescribeCluster`'s `endpoint`.
    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// A connection without a socket; it uses TLS like any other.
    pub fn connect(&self) -> DuplexStream {
        let (ours, theirs) = duplex(BUFFER);
        // It ends with its client.
        tokio::spawn(server::connection(theirs, self.acceptor.clone(), Arc::clone(&self.state)));
        ours
    }

    /// `DescribeCluster`'s `certificateAuthority.data`.
    pub fn ca_base64(&self) -> &str {
        &self.ca_base64
    }

    /// Changes the estate; pages of a list that began earlier do not show it.
    pub fn change<T>(&self, change: impl FnOnce(&mut Estate) -> T) -> T {
        self.state.lock().change(change)
    }

    /// The current estate.
    pub fn estate(&self) -> Arc<Estate> {
        Arc::clone(&self.state.lock().estate)
    }

    /// Drops the snapshots, like etcd's compaction every 5 minutes: lists in progress get a 410.
    pub fn compact(&self) {
        self.state.lock().snapshots.clear();
    }

    /// Adds a fault; earlier ones come first.
    pub fn inject(&self, fault: Fault) {
        self.state.lock().faults.push(fault);
    }

    /// Plans the caller's end, replacing an earlier plan.
    pub fn crash(&self, crash: Crash) {
        self.state.life.plan(crash);
    }

    /// Waits for the caller's end; for `tokio::select!` next to the caller's own future, which must
    /// be dropped then.
    pub async fn crashed(&self) {
        self.state.life.ended().await;
    }

    /// A new caller takes over: calls are answered again. Discards a crash that did not happen.
    pub fn revive(&self) {
        self.state.life.begin();
    }

    /// Removes all faults.
    pub fn heal(&self) {
        self.state.lock().faults.clear();
    }

    /// The requests so far.
    pub fn meter(&self) -> Meter {
        self.state.lock().meter.clone()
    }

    /// Stops listening and closes all connections.
    pub async fn stop(mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            // The error only says that it was aborted.
            let _ = server.await;
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}
